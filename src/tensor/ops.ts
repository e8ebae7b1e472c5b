/**
 * The operations of ndarray-ops that users need around the engine, for any `Tensor`. This is the only file that imports
 * ndarray-ops, which generates its loops by `new Function` at load time; the operations of the engine itself are in `rows.ts`,
 * without `new Function`. Results are written to `out`, the first argument.
 */
import ops from 'ndarray-ops';
import { expectSameShape } from './checks.js';
import { asNdarray } from './create.js';
import type { Tensor } from './types.js';
import { expectNumber, expectTensor } from './arguments.js';

/**
 * `out = x`. The element types may differ.
 * @throws ShapeError when the shapes differ
 */
export function assign(out: Tensor, x: Tensor): void {
  expectSameShape('assign', 'out', out, 'x', x);
  ops.assign(asNdarray(out), asNdarray(x));
}

/**
 * `out = x − y`.
 * @throws ShapeError when the shapes differ
 */
export function sub(out: Tensor, x: Tensor, y: Tensor): void {
  expectSameShape('sub', 'out', out, 'x', x);
  expectSameShape('sub', 'x', x, 'y', y);
  ops.sub(asNdarray(out), asNdarray(x), asNdarray(y));
}

/** `out = x + s` for a number s. @throws ShapeError when the shapes differ */
export function adds(out: Tensor, x: Tensor, s: number): void {
  expectNumber('adds', 's', s);
  expectSameShape('adds', 'out', out, 'x', x);
  ops.adds(asNdarray(out), asNdarray(x), s);
}

/** `out += x`. @throws ShapeError when the shapes differ */
export function addeq(out: Tensor, x: Tensor): void {
  expectSameShape('addeq', 'out', out, 'x', x);
  ops.addeq(asNdarray(out), asNdarray(x));
}

/** `out −= x`. @throws ShapeError when the shapes differ */
export function subeq(out: Tensor, x: Tensor): void {
  expectSameShape('subeq', 'out', out, 'x', x);
  ops.subeq(asNdarray(out), asNdarray(x));
}

/** `out ·= x`, element by element. @throws ShapeError when the shapes differ */
export function muleq(out: Tensor, x: Tensor): void {
  expectSameShape('muleq', 'out', out, 'x', x);
  ops.muleq(asNdarray(out), asNdarray(x));
}

/** `out ·= s` for a number s. */
export function mulseq(out: Tensor, s: number): void {
  expectTensor('mulseq', 'out', out);
  expectNumber('mulseq', 's', s);
  ops.mulseq(asNdarray(out), s);
}

/** Sum of all elements, in float64. */
export function sum(x: Tensor): number {
  expectTensor('sum', 'x', x);
  return ops.sum(asNdarray(x));
}

/** The greatest element; −Infinity for an empty tensor. */
export function sup(x: Tensor): number {
  expectTensor('sup', 'x', x);
  return ops.sup(asNdarray(x));
}

/** The least element; Infinity for an empty tensor. */
export function inf(x: Tensor): number {
  expectTensor('inf', 'x', x);
  return ops.inf(asNdarray(x));
}

/** Euclidean norm √(Σ x²), in float64. */
export function norm2(x: Tensor): number {
  expectTensor('norm2', 'x', x);
  return ops.norm2(asNdarray(x));
}
