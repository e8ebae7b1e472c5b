/**
 * Rung 2 of the ladder: loop order. Rung 1 walks a column of `b` per element of `out`, one cache line per step. Here k is
 * the outer loop and n the inner one, so that `b` and the sums are read in memory order, and an element of `a` is loaded once per
 * row of `b`. If `b` is transposed (`addMatmulTB`), the dot product already has the right order, and only the index arithmetic is
 * moved out of the inner loop.
 *
 * The sums of a row are accumulated in a double-precision scratch row and rounded once: the same bits as rung 1.
 *
 * bench/ladder/02-loop-order.js is only this step, in float32; its header has the gain that `bptt bench --ladder` measured.
 */
import type { Real, Tensor } from '../../tensor/types.js';
import { transposed } from './transposed.js';

/** Columns processed at a time. The scratch is a constant, so that the compiler knows its length. */
const WIDTH = 1024;
const sums = new Float64Array(WIDTH);

/** `out[m,n] += Σ_k a[m,k] · b[k,n]`. */
export function addMatmul2(out: Tensor, a: Tensor, b: Tensor): void {
  if (a.shape[1] === 0) return;
  if (Math.abs(b.stride[0]) < Math.abs(b.stride[1])) {
    dotRows(out, a, b);
    return;
  }
  for (let m = 0; m < out.shape[0]; m++) {
    for (let n = 0; n < out.shape[1]; n += WIDTH) combineRows(out, a, b, m, n, Math.min(WIDTH, out.shape[1] - n));
  }
}

/** `out[m,n] += Σ_k a[k,m] · b[k,n]`. */
export function addMatmulTA2(out: Tensor, a: Tensor, b: Tensor): void {
  addMatmul2(out, transposed(a), b);
}

/** `out[m,n] += Σ_k a[m,k] · b[n,k]`. */
export function addMatmulTB2(out: Tensor, a: Tensor, b: Tensor): void {
  addMatmul2(out, a, transposed(b));
}

/** Row `m` of `out`, columns `first … first + count − 1`, as a sum of rows of `b` weighted by row `m` of `a`. */
function combineRows(out: Tensor, a: Tensor, b: Tensor, m: number, first: number, count: number): void {
  const x: Real = a.data;
  const y: Real = b.data;
  const K = a.shape[1];
  const [stepA, rowB, stepB, stepOut] = [a.stride[1], b.stride[0], b.stride[1], out.stride[1]];
  let p = a.offset + m * a.stride[0];
  let start = b.offset + first * stepB;
  sums.fill(0, 0, count);
  for (let k = 0; k < K; k++, p += stepA, start += rowB) {
    const weight = x[p];
    for (let n = 0, q = start; n < count; n++, q += stepB) sums[n] += weight * y[q];
  }
  const target: Real = out.data;
  let o = out.offset + m * out.stride[0] + first * stepOut;
  for (let n = 0; n < count; n++, o += stepOut) target[o] += sums[n];
}

/** Every element of `out` as a dot product, for a `b` whose columns are contiguous. */
function dotRows(out: Tensor, a: Tensor, b: Tensor): void {
  const x: Real = a.data;
  const y: Real = b.data;
  const [M, N] = out.shape;
  const K = a.shape[1];
  const [stepA, stepB] = [a.stride[1], b.stride[0]];
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let p = a.offset + m * a.stride[0];
      let q = b.offset + n * b.stride[1];
      let sum = 0;
      for (let k = 0; k < K; k++, p += stepA, q += stepB) sum += x[p] * y[q];
      out.data[out.offset + m * out.stride[0] + n * out.stride[1]] += sum;
    }
  }
}
