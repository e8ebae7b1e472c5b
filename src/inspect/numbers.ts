/** Rows, norms and copies of tensors as plain numbers. Everything here is float64. */
import type { TensorRecord } from '../autograd/grads.js';
import { flatten, nestLike } from '../autograd/grads.js';
import type { ModelParams } from '../labeling/model/network.js';
import type { Tensor } from '../tensor/types.js';
import { flatCopy, rows, sizeOf, viewOf } from '../tensor/view.js';

/** A row-major float64 copy, as a plain view. */
export function copied(x: Tensor): Tensor<Float64Array> {
  return viewOf(flatCopy(x, 'float64') as Float64Array, x.shape);
}

/** Float64 zeros, as a plain view. */
export function zeros(shape: readonly number[]): Tensor<Float64Array> {
  return viewOf(new Float64Array(sizeOf(shape)), shape);
}

/** Zeros with the shapes of a record. */
export function zerosOf<R extends TensorRecord>(record: R): R {
  return Object.fromEntries(Object.entries(record).map(([name, x]) => [name, zeros(x.shape)])) as TensorRecord as R;
}

/** Maps each parameter of a model to another tensor. */
export function mapParams(params: ModelParams, make: (x: Tensor) => Tensor): ModelParams {
  const flat = Object.entries(flatten(params)).map(([name, x]) => [name, make(x)] as const);
  return nestLike(params, Object.fromEntries(flat)) as ModelParams;
}

/** A row-major transpose. */
export function transposed(x: Tensor): Tensor<Float64Array> {
  const [R, C] = x.shape;
  const out = zeros([C, R]);
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) out.data[c * R + r] = x.data[x.offset + r * x.stride[0] + c * x.stride[1]];
  }
  return out;
}

/** Row n of a matrix, or columns `start … start + count − 1` of it. */
export function rowOf(x: Tensor, n: number, start = 0, count = x.shape[1] - start): number[] {
  const at = x.offset + n * x.stride[0];
  return Array.from({ length: count }, (_, j) => x.data[at + (start + j) * x.stride[1]]);
}

/** A matrix row by row; a vector is one row. */
export function matrixOf(x: Tensor): number[][] {
  if (x.shape.length === 1) return [Array.from(flatCopy(x, 'float64'))];
  return Array.from({ length: x.shape[0] }, (_, n) => rowOf(x, n));
}

/** Copies `count` rows of one matrix into rows of another: all columns of the target, from column `start` of the source onward. */
export function transferred(
  from: Tensor,
  row: number,
  start: number,
  to: Tensor<Float64Array>,
  toRow: number,
  count: number,
): void {
  const W = to.shape[1];
  for (let n = 0; n < count; n++) {
    const at = from.offset + (row + n) * from.stride[0] + start * from.stride[1];
    for (let j = 0; j < W; j++) to.data[(toRow + n) * W + j] = from.data[at + j * from.stride[1]];
  }
}

/** A matrix with one row. */
export function asRow(x: Tensor, n: number): Tensor {
  return copied(rows(x, n, 1));
}

/** Σ u_i·v_i. */
export function dot(u: ArrayLike<number>, v: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
  return sum;
}

/** Euclidean norm. Components are divided by the largest, so that squares of tiny ones do not underflow. */
export function norm(v: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < v.length; i++) {
    const size = Math.abs(v[i]);
    if (Number.isNaN(size)) return NaN;
    if (size > largest) largest = size;
  }
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += (v[i] / largest) * (v[i] / largest);
  return largest * Math.sqrt(sum);
}

/** Cosine of the angle between two vectors; NaN if one is zero. */
export function cosine(u: ArrayLike<number>, v: ArrayLike<number>): number {
  const [a, b] = [norm(u), norm(v)];
  const scaled = Array.from(u, (x, i) => (x / a) * (v[i] / b));
  return scaled.reduce((sum, x) => sum + x, 0);
}

/** u + v. */
export function plus(u: ArrayLike<number>, v: ArrayLike<number>): number[] {
  return Array.from(u, (x, i) => x + v[i]);
}

/** max|u − v| over max(max|u|, max|v|, `scale`): 0 where both are equal, NaN if one holds a NaN. */
export function difference(u: ArrayLike<number>, v: ArrayLike<number>, scale = 0): number {
  let worst = 0;
  let size = scale;
  for (let i = 0; i < u.length; i++) {
    if (!Number.isFinite(u[i]) || !Number.isFinite(v[i])) return NaN;
    worst = Math.max(worst, Math.abs(u[i] - v[i]));
    size = Math.max(size, Math.abs(u[i]), Math.abs(v[i]));
  }
  return worst === 0 ? 0 : worst / size;
}
