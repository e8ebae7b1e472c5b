/**
 * Element-wise operations and reductions over plain tensors of any strides. Inference and the collect phase of BPTT need them, so
 * they are plain loops that create no ndarray and need no `new Function`.
 */
import { expectSameShape, expectShape } from './checks.js';
import type { Tensor } from './types.js';
import { isContiguous, sizeOf } from './view.js';
import { expectNumber, expectTensor } from './arguments.js';

/** Sets every element of `x` to `value`. */
export function fill(x: Tensor, value: number): void {
  const { data, shape, offset } = x;
  if (isContiguous(x)) {
    data.fill(value, offset, offset + sizeOf(shape));
    return;
  }
  eachLine(x, x, (p, _, n, dp) => {
    for (let j = 0; j < n; j++, p += dp) data[p] = value;
  });
}

/**
 * `out += x`.
 * @throws ShapeError when the shapes differ
 */
export function addTo(out: Tensor, x: Tensor): void {
  expectSameShape('addTo', 'out', out, 'x', x);
  const y = out.data;
  const z = x.data;
  eachLine(out, x, (p, q, n, dp, dq) => {
    for (let j = 0; j < n; j++, p += dp, q += dq) y[p] += z[q];
  });
}

/**
 * `out += α · x` (axpy). Product and sum are computed in float64 and rounded once to the element type of `out`.
 * @throws ShapeError when the shapes differ
 */
export function addScaled(out: Tensor, alpha: number, x: Tensor): void {
  expectNumber('addScaled', 'alpha', alpha);
  expectSameShape('addScaled', 'out', out, 'x', x);
  const y = out.data;
  const z = x.data;
  eachLine(out, x, (p, q, n, dp, dq) => {
    for (let j = 0; j < n; j++, p += dp, q += dq) y[p] += alpha * z[q];
  });
}

/**
 * Inner product `Σ x · y` over all elements, summed in float64 in row-major order; 0 for empty tensors. If `y` is a cotangent,
 * this is the loss whose gradient with respect to `x` is `y`.
 * @throws ShapeError when the shapes differ
 */
export function dot(x: Tensor, y: Tensor): number {
  expectSameShape('dot', 'x', x, 'y', y);
  const xs = x.data;
  const ys = y.data;
  let sum = 0;
  eachLine(x, y, (p, q, n, dp, dq) => {
    for (let j = 0; j < n; j++, p += dp, q += dq) sum += xs[p] * ys[q];
  });
  return sum;
}

/**
 * `out[d] += Σ_n x[n, d]`: the gradient of a bias. Rows are added in order, each sum rounded to the element type.
 * @param out `[D]`
 * @param x `[N, D]`
 * @throws ShapeError
 */
export function addSumRows(out: Tensor, x: Tensor): void {
  expectShape('addSumRows', 'x', x, ['N', 'D']);
  const [N, D] = x.shape;
  expectShape('addSumRows', 'out', out, [{ D }], `x is [${N}, ${D}]`);
  const y = out.data;
  const z = x.data;
  const [dn, dd] = x.stride;
  const dy = out.stride[0];
  for (let i = 0; i < N; i++) {
    let p = out.offset;
    let q = x.offset + i * dn;
    for (let j = 0; j < D; j++, p += dy, q += dd) y[p] += z[q];
  }
}

/**
 * For each row of `x` `[N, K]`, the column of its greatest element; on ties, the first. A NaN never compares greater, so it wins
 * only in column 0.
 * @throws ShapeError unless `x` is a matrix with K ≥ 1
 */
export function argmaxRows(x: Tensor): Int32Array {
  expectShape('argmaxRows', 'x', x, ['N', 'K']);
  const [N, K] = x.shape;
  if (N > 0) expectShape('argmaxRows', 'x', x, ['N', Math.max(K, 1)], 'an empty row has no largest element');
  const best = new Int32Array(N);
  const [dn, dk] = x.stride;
  for (let i = 0; i < N; i++) {
    const row = x.offset + i * dn;
    let greatest = x.data[row];
    for (let k = 1; k < K; k++) {
      const value = x.data[row + k * dk];
      if (value > greatest) {
        greatest = value;
        best[i] = k;
      }
    }
  }
  return best;
}

/** The greatest absolute value of `x`; 0 for an empty tensor, NaN if `x` contains a NaN. */
export function maxAbs(x: Tensor): number {
  expectTensor('maxAbs', 'x', x);
  const { data } = x;
  let greatest = 0;
  eachLine(x, x, (p, _, n, dp) => {
    for (let j = 0; j < n; j++, p += dp) greatest = Math.max(greatest, Math.abs(data[p]));
  });
  return greatest;
}

/** Indices of the first element of `x`, in row-major order, that is NaN or infinite; null if all are finite. */
export function findNonFinite(x: Tensor): number[] | null {
  expectTensor('findNonFinite', 'x', x);
  const { data, shape } = x;
  let seen = 0;
  let bad = -1;
  eachLine(x, x, (p, _, n, dp) => {
    for (let j = 0; j < n && bad < 0; j++, p += dp) {
      if (!Number.isFinite(data[p])) bad = seen + j;
    }
    seen += n;
  });
  if (bad < 0) return null;
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = bad % shape[axis];
    bad = Math.floor(bad / shape[axis]);
  }
  return index;
}

/** Whether every element of `x` is finite. */
export function allFinite(x: Tensor): boolean {
  return findNonFinite(x) === null;
}

/**
 * Calls `visit` for each line of two tensors of one shape, with the offset of the line in each, its length, and the two strides.
 * A line is the last axis, or the whole of two contiguous tensors at once.
 */
function eachLine(
  x: Tensor,
  y: Tensor,
  visit: (p: number, q: number, n: number, dp: number, dq: number) => void,
): void {
  const size = sizeOf(x.shape);
  if (size === 0) return;
  const last = x.shape.length - 1;
  if (last < 0 || (isContiguous(x) && isContiguous(y))) {
    visit(x.offset, y.offset, size, 1, 1);
    return;
  }
  const walk = (axis: number, p: number, q: number): void => {
    if (axis === last) {
      visit(p, q, x.shape[last], x.stride[last], y.stride[last]);
      return;
    }
    for (let i = 0; i < x.shape[axis]; i++) walk(axis + 1, p + i * x.stride[axis], q + i * y.stride[axis]);
  };
  walk(0, x.offset, y.offset);
}
