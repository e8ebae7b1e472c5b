/** What the module exports: the generic functions of the other files, once per element type. */
import { multiply } from './multiply';
import { packColumns, packRows, transpose } from './pack';

export function multiply32(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  step: usize,
  edge: usize,
): void {
  multiply<f32>(M, N, K, c, ldc, a, lda, b, ldb, step, edge);
}

export function multiply64(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  step: usize,
  edge: usize,
): void {
  multiply<f64>(M, N, K, c, ldc, a, lda, b, ldb, step, edge);
}

export function packRows32(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  packRows<f32>(K, N, b, ldb, panels);
}

export function packRows64(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  packRows<f64>(K, N, b, ldb, panels);
}

export function packColumns32(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  packColumns<f32>(K, N, b, ldb, panels);
}

export function packColumns64(K: i32, N: i32, b: usize, ldb: usize, panels: usize): void {
  packColumns<f64>(K, N, b, ldb, panels);
}

export function transpose32(rows: i32, columns: i32, from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  transpose<f32>(rows, columns, from, ldFrom, to, ldTo);
}

export function transpose64(rows: i32, columns: i32, from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  transpose<f64>(rows, columns, from, ldFrom, to, ldTo);
}

export { exp32, log32, sigmoid32, tanh32 } from './math';
export { lstmBackward, lstmForward } from './lstm';
export { rnnBackward, rnnForward } from './rnn';
export { gruBackward, gruForward } from './gru';
export { gruResetBeforeBackward, gruResetBeforeForward } from './gru-reset-before';
