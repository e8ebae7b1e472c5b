/** What the module exports: the generic functions of the other files, once per element type. */
import { multiplyStrided } from './multiply';
import { packColumns, packRows } from './pack';

export function multiply32(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  ka: usize,
  b: usize,
  ldb: usize,
  step: usize,
  scratch: usize,
): void {
  multiplyStrided<f32>(M, N, K, c, ldc, a, lda, ka, b, ldb, step, scratch);
}

export function multiply64(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  ka: usize,
  b: usize,
  ldb: usize,
  step: usize,
  scratch: usize,
): void {
  multiplyStrided<f64>(M, N, K, c, ldc, a, lda, ka, b, ldb, step, scratch);
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

export { useWideTiles } from './multiply';
export { dot32 } from './dot';
export { exp32, log32, sigmoid32, tanh32 } from './math';
export { lstmBackward, lstmForward } from './lstm';
export { rnnBackward, rnnForward } from './rnn';
export { gruBackward, gruForward } from './gru';
export { gruResetBeforeBackward, gruResetBeforeForward } from './gru-reset-before';
export { drawFactors } from './draw';
export { addMasked, addMatrix, addSumRows, addToEveryRow, copyRows, gather, scatter, scatterAdd } from './rows';
export { adam, adamFactors, adamRows, scale, sumOfSquares } from './optim';
export { softmaxBackward, softmaxLogs, softmaxRows } from './softmax';
export { crfBackward, crfForward, crfViterbi } from './crf';
