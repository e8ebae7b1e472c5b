/**
 * The primitives of a tape's operations, each next to its backward. Values are row-major, so every loop runs over flat indices;
 * products are plain triple loops on purpose: an oracle should be slow and obvious.
 *
 * Notation in the comments: y is the result, dy its gradient, and `+=` means that a gradient accumulates.
 */
import { ArgumentError, ShapeError } from '../../tensor/errors.js';
import type { Transcendentals } from '../../tensor/math.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf, flatCopy, viewOf } from '../../tensor/view.js';
import type { TapeCore, TapeNode } from './tape.js';

/** y = a·b;  da += dy·bᵀ;  db += aᵀ·dy. */
export function matmul(tape: TapeCore, a: TapeNode, b: TapeNode): TapeNode {
  const [M, K] = matrixShape('matmul', a);
  const [inner, N] = matrixShape('matmul', b);
  if (inner !== K) throw mismatch('matmul', '[M, K] and [K, N]', a.value, b.value);
  const y = allocate([M, N], dtypeOf(a.value.data));
  const each = (f: (mn: number, mk: number, kn: number) => void): void => {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) f(m * N + n, m * K + k, k * N + n);
    }
  };
  each((mn, mk, kn) => (y.data[mn] += a.value.data[mk] * b.value.data[kn]));
  return tape.record(y, [a, b], (dy) => {
    if (a.tracked) each((mn, mk, kn) => (a.grad.data[mk] += dy[mn] * b.value.data[kn]));
    if (b.tracked) each((mn, mk, kn) => (b.grad.data[kn] += a.value.data[mk] * dy[mn]));
  });
}

/** y = f(x), element by element;  dx += dy ∘ f′, where f′ may use x and y. */
export function elementwise(
  tape: TapeCore,
  x: TapeNode,
  math: (dtype: DType) => Transcendentals,
  f: (v: number, m: Transcendentals) => number,
  slope: (v: number, y: number) => number,
): TapeNode {
  const dtype = dtypeOf(x.value.data);
  const functions = math(dtype);
  const y = allocate(x.value.shape, dtype);
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.value.data[i], functions);
  return tape.record(y, [x], (dy) => {
    for (let i = 0; i < dy.length; i++) x.grad.data[i] += dy[i] * slope(x.value.data[i], y.data[i]);
  });
}

/** y = f(a, b);  da += dy ∘ ∂f/∂a,  db += dy ∘ ∂f/∂b: a repeated element accumulates the gradients of all its uses. */
export function broadcast(
  tape: TapeCore,
  name: string,
  a: TapeNode,
  b: TapeNode,
  f: (u: number, v: number) => number,
  slopeA: (u: number, v: number) => number,
  slopeB: (u: number, v: number) => number,
): TapeNode {
  const shape = repeats(b.value, a.value) ? a.value.shape : b.value.shape;
  if (!repeats(b.value, a.value) && !repeats(a.value, b.value)) {
    throw mismatch(name, 'equal shapes, [M, N] and [N], or a single element', a.value, b.value);
  }
  const y = allocate(shape, dtypeOf(a.value.data));
  const [u, v] = [a.value.data, b.value.data];
  // Row-major order reduces both forms of broadcasting to a remainder: a row recurs every N elements, a single element every 1.
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(u[i % u.length], v[i % v.length]);
  return tape.record(y, [a, b], (dy) => {
    for (let i = 0; i < dy.length; i++) {
      const [p, q] = [i % u.length, i % v.length];
      if (a.tracked) a.grad.data[p] += dy[i] * slopeA(u[p], v[q]);
      if (b.tracked) b.grad.data[q] += dy[i] * slopeB(u[p], v[q]);
    }
  });
}

/** Whether `x` can be repeated to the shape of `y`. */
function repeats(x: Tensor, y: Tensor): boolean {
  if (x.shape.join() === y.shape.join()) return true;
  if (x.data.length === 1 && x.shape.length <= y.shape.length) return true;
  return x.shape.length === 1 && y.shape.length === 2 && x.shape[0] === y.shape[1];
}

/** y[m, n] = element of one of the inputs;  that element's gradient += dy[m, n]. */
export function pick(
  tape: TapeCore,
  xs: readonly TapeNode[],
  shape: readonly [number, number],
  source: (m: number, n: number) => readonly [input: number, row: number, column: number],
): TapeNode {
  const [M, N] = shape;
  const y = allocate(shape, dtypeOf(xs[0].value.data));
  const each = (f: (i: number, x: TapeNode, at: number) => void): void => {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        const [k, row, column] = source(m, n);
        f(m * N + n, xs[k], row * xs[k].value.shape[1] + column);
      }
    }
  };
  each((i, x, at) => (y.data[i] = x.value.data[at]));
  return tape.record(y, xs, (dy) => each((i, x, at) => (x.grad.data[at] += x.tracked ? dy[i] : 0)));
}

/** Matrices joined along one axis: 0 one below the other, 1 side by side. */
export function concat(tape: TapeCore, name: string, xs: readonly TapeNode[], axis: 0 | 1): TapeNode {
  if (xs.length === 0) throw new ArgumentError(`tape: ${name} needs at least one matrix; got none`);
  const across = 1 - axis;
  const origin: [input: number, position: number][] = [];
  xs.forEach((x, k) => {
    const shape = matrixShape(name, x);
    if (shape[across] !== xs[0].value.shape[across]) {
      throw mismatch(name, `the same number of ${across === 0 ? 'rows' : 'columns'}`, xs[0].value, x.value);
    }
    for (let i = 0; i < shape[axis]; i++) origin.push([k, i]);
  });
  const other = xs[0].value.shape[across];
  return axis === 0
    ? pick(tape, xs, [origin.length, other], (m, n) => [...origin[m], n])
    : pick(tape, xs, [other, origin.length], (m, n) => [origin[n][0], m, origin[n][1]]);
}

/** y = Σ_i w_i·x_i;  dx_i += dy·w_i. */
export function weightedSum(tape: TapeCore, x: TapeNode, weight: (i: number) => number): TapeNode {
  const y = allocate([], dtypeOf(x.value.data));
  const { data } = x.value;
  for (let i = 0; i < data.length; i++) y.data[0] += weight(i) * data[i];
  return tape.record(y, [x], (dy) => {
    for (let i = 0; i < data.length; i++) x.grad.data[i] += dy[0] * weight(i);
  });
}

/** y = Σ_n (log Σ_k e^x_nk − x_n,label);  dx += dy·(softmax(x) − onehot(label)). */
export function softmaxCrossEntropy(
  tape: TapeCore,
  logits: TapeNode,
  labels: ArrayLike<number>,
  math: (dtype: DType) => Transcendentals,
): TapeNode {
  const [N, K] = matrixShape('softmaxCrossEntropy', logits);
  if (labels.length !== N) {
    throw new ShapeError(`tape: softmaxCrossEntropy needs one label per row; got ${labels.length} for ${N} rows`);
  }
  const dtype = dtypeOf(logits.value.data);
  const { exp, log } = math(dtype);
  const x = logits.value.data;
  const y = allocate([], dtype);
  const p = allocate([N, K], dtype).data;
  for (let n = 0; n < N; n++) {
    checkRange('softmaxCrossEntropy', 'label', labels[n], 1, K);
    const row = n * K;
    let max = x[row];
    for (let k = 1; k < K; k++) max = Math.max(max, x[row + k]);
    let total = 0;
    for (let k = 0; k < K; k++) total += p[row + k] = exp(x[row + k] - max);
    for (let k = 0; k < K; k++) p[row + k] /= total;
    y.data[0] += log(total) + max - x[row + labels[n]];
  }
  return tape.record(y, [logits], (dy) => {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) logits.grad.data[n * K + k] += dy[0] * (p[n * K + k] - (k === labels[n] ? 1 : 0));
    }
  });
}

/** Rows and columns of a matrix. @throws ShapeError if the node is not a matrix; `name` is that of the operation */
export function matrixShape(name: string, x: TapeNode): readonly [number, number] {
  const { shape } = x.value;
  if (shape.length !== 2) throw new ShapeError(`tape: ${name} needs a matrix; got [${shape.join(', ')}]`);
  return [shape[0], shape[1]];
}

/** Checks that `count` rows or columns from `start` lie in [0, size). @throws ArgumentError naming the operation */
export function checkRange(name: string, what: string, start: number, count: number, size: number): void {
  if (Number.isInteger(start) && Number.isInteger(count) && start >= 0 && count >= 0 && start + count <= size) return;
  throw new ArgumentError(`tape: ${name} needs ${what}s within [0, ${size}); got ${count} from ${start}`);
}

/** The error for two shapes that do not fit together, for the caller to throw. */
export function mismatch(name: string, expected: string, a: Tensor, b: Tensor): ShapeError {
  return new ShapeError(`tape: ${name} needs ${expected}; got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
}

/** A row-major copy from offset 0. */
export function compact(x: Tensor): Tensor {
  return viewOf(flatCopy(x), x.shape);
}
