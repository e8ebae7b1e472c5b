/**
 * Dual numbers over matrices: a value and its tangent, the change of the value along one direction in the space of the variables.
 * Every operation carries both, by
 *
 *   (1)  f(x + ε·ẋ) = f(x) + ε · f′(x)·ẋ          ε² = 0
 *
 * so a derivative needs no second pass, no differences and no stored steps, and is exact to rounding. Sources: R. Wengert, "A
 * simple automatic derivative evaluation program", Comm. ACM 7 (1964); A. Griewank, A. Walther, Evaluating Derivatives (2008),
 * section 3.1.
 *
 * Everything is float64, row-major, and in plain loops on purpose: an oracle should be slow and obvious. Nothing is shared with
 * the cells, the kernels, the unrolling or the tape.
 */
import type { Algebra } from '../../cells/cell.js';
import { ArgumentError, ShapeError } from '../../tensor/errors.js';
import { exp, log, sigmoid, tanh } from '../../tensor/math.js';
import type { Tensor } from '../../tensor/types.js';
import { flatCopy, sizeOf, viewOf } from '../../tensor/view.js';
import { expectTensor } from '../../tensor/arguments.js';

/** A matrix `[M, N]`, a row `[N]` or a number `[]`, and its tangent. */
export interface Dual {
  readonly value: Tensor<Float64Array>;
  /** Of the shape of `value`. */
  readonly tangent: Tensor<Float64Array>;
}

/**
 * Makes a dual number from tensors, which are copied.
 *
 * @param value any element type and strides
 * @param tangent of the shape of `value`; if omitted, the value is a constant
 * @throws ShapeError when the shapes differ
 */
export function dual(value: Tensor, tangent?: Tensor): Dual {
  expectTensor('dual', 'value', value);
  if (tangent !== undefined) expectTensor('dual', 'tangent', tangent);
  const { shape } = value;
  if (tangent !== undefined && tangent.shape.join() !== shape.join()) {
    throw new ShapeError(`dual: tangent must be [${shape.join(', ')}]; got [${tangent.shape.join(', ')}]`);
  }
  const copy = (x: Tensor) => viewOf(flatCopy(x, 'float64') as Float64Array, shape);
  return { value: copy(value), tangent: tangent ? copy(tangent) : viewOf(new Float64Array(sizeOf(shape)), shape) };
}

/** The operations of networks, over dual numbers. Shapes that do not fit throw `ShapeError`. */
export interface DualOps extends Algebra<Dual> {
  /** Matrices with the same number of rows, side by side. */
  concatColumns(xs: readonly Dual[]): Dual;
  /** Matrices with the same number of columns, one below the other. */
  concatRows(xs: readonly Dual[]): Dual;
  /** Rows `rows[0], rows[1], …` of a matrix, with repetitions: an embedding lookup, or a permutation. */
  gatherRows(x: Dual, rows: ArrayLike<number>): Dual;
  /** `Σ x ∘ weights`, of shape `[]`, for constant weights of the shape of `x`: a loss with a chosen cotangent. */
  dot(x: Dual, weights: Tensor): Dual;
  /** `Σ_n −log softmax(logits[n])[labels[n]]`, of shape `[]`, for `logits [N, K]`. */
  softmaxCrossEntropy(logits: Dual, labels: ArrayLike<number>): Dual;
}

/** The operations of forward mode, equation (1) for each of them. */
export const dualOps: DualOps = {
  matmul,
  add: (a, b) => pairwise('add', a, b, (u, v) => u + v, (_u, _v, du, dv) => du + dv), // prettier-ignore
  sub: (a, b) => pairwise('sub', a, b, (u, v) => u - v, (_u, _v, du, dv) => du - dv), // prettier-ignore
  mul: (a, b) => pairwise('mul', a, b, (u, v) => u * v, (u, v, du, dv) => du * v + u * dv), // prettier-ignore
  scale: (x, factor) => elementwise(x, (v) => factor * v, () => factor), // prettier-ignore
  shift: (x, summand) => elementwise(x, (v) => v + summand, () => 1), // prettier-ignore
  exp: (x) => elementwise(x, exp, (_, y) => y),
  log: (x) => elementwise(x, log, (v) => 1 / v),
  reciprocal: (x) => elementwise(x, (v) => 1 / v, (_, y) => -y * y), // prettier-ignore
  rowMean: (x) => matmul(x, means(matrixShape('rowMean', x)[1])),
  step: (x) => elementwise(x, (v) => (v >= 0 ? 1 : 0), () => 0), // prettier-ignore
  oneMinus: (x) => elementwise(x, (v) => 1 - v, () => -1), // prettier-ignore
  sigmoid: (x) => elementwise(x, sigmoid, (_, y) => y * (1 - y)),
  tanh: (x) => elementwise(x, tanh, (_, y) => 1 - y * y),
  relu: (x) => elementwise(x, (v) => (v < 0 ? 0 : v), (v) => (v > 0 ? 1 : 0)), // prettier-ignore
  name: (_symbol, x) => x,
  sliceColumns(x, start, count) {
    const [M, N] = matrixShape('sliceColumns', x);
    if (!(start >= 0 && count >= 0 && start + count <= N)) {
      throw new ArgumentError(`sliceColumns: columns ${start} … ${start + count - 1} must lie in 0 … ${N - 1}`);
    }
    return pick([M, count], (m, n) => [x, m * N + start + n]);
  },
  sliceRows(x, start, count) {
    const [M, N] = matrixShape('sliceRows', x);
    if (!(start >= 0 && count >= 0 && start + count <= M)) {
      throw new ArgumentError(`sliceRows: rows ${start} … ${start + count - 1} must lie in 0 … ${M - 1}`);
    }
    return pick([count, N], (m, n) => [x, (start + m) * N + n]);
  },
  concatColumns(xs) {
    const widths = xs.map((x) => matrixShape('concatColumns', x)[1]);
    const M = sameSize('concatColumns', 'rows', xs, 0);
    const owners = widths.flatMap((N, k) => Array.from({ length: N }, (_, n) => [k, n] as const));
    return pick([M, owners.length], (m, n) => [xs[owners[n][0]], m * widths[owners[n][0]] + owners[n][1]]);
  },
  concatRows(xs) {
    const heights = xs.map((x) => matrixShape('concatRows', x)[0]);
    const N = sameSize('concatRows', 'columns', xs, 1);
    const owners = heights.flatMap((M, k) => Array.from({ length: M }, (_, m) => [k, m] as const));
    return pick([owners.length, N], (m, n) => [xs[owners[m][0]], owners[m][1] * N + n]);
  },
  gatherRows(x, rows) {
    const [M, N] = matrixShape('gatherRows', x);
    for (let r = 0; r < rows.length; r++) {
      if (!(rows[r] >= 0 && rows[r] < M)) {
        throw new ArgumentError(`gatherRows: rows[${r}] must be a row, 0 … ${M - 1}; got ${rows[r]}`);
      }
    }
    return pick([rows.length, N], (m, n) => [x, rows[m] * N + n]);
  },
  dot(x, weights) {
    if (weights.shape.join() !== x.value.shape.join()) throw mismatch('dot', 'two equal shapes', x.value, weights);
    const w = flatCopy(weights, 'float64');
    const sum = (data: Float64Array) => data.reduce((total, v, i) => total + v * w[i], 0);
    return scalar(sum(x.value.data), sum(x.tangent.data));
  },
  softmaxCrossEntropy,
};

/** `[N, N]`, 1/N everywhere. */
const means = (N: number): Dual => dual(viewOf(new Float64Array(N * N).fill(1 / N), [N, N]));

/** y = a·b, ẏ = ȧ·b + a·ḃ. */
function matmul(a: Dual, b: Dual): Dual {
  const [M, K] = matrixShape('matmul', a);
  const [inner, N] = matrixShape('matmul', b);
  if (inner !== K) throw mismatch('matmul', '[M, K] and [K, N]', a.value, b.value);
  const y = zeros([M, N]);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) {
        const [i, j] = [m * K + k, k * N + n];
        y.value.data[m * N + n] += a.value.data[i] * b.value.data[j];
        y.tangent.data[m * N + n] += a.tangent.data[i] * b.value.data[j] + a.value.data[i] * b.tangent.data[j];
      }
    }
  }
  return y;
}

/** y = Σ_n log Σ_k exp(a[n,k]) − a[n, label_n], ẏ = Σ_n Σ_k softmax(a[n])[k] · ȧ[n,k] − ȧ[n, label_n]. */
function softmaxCrossEntropy(logits: Dual, labels: ArrayLike<number>): Dual {
  const [N, K] = matrixShape('softmaxCrossEntropy', logits);
  if (labels.length !== N) {
    throw new ShapeError(`softmaxCrossEntropy: labels must have one entry per row, ${N}; got ${labels.length}`);
  }
  let [value, tangent] = [0, 0];
  for (let n = 0; n < N; n++) {
    const y = labels[n];
    if (!(y >= 0 && y < K)) {
      throw new ArgumentError(`softmaxCrossEntropy: labels[${n}] must be a label, 0 … ${K - 1}; got ${y}`);
    }
    const row = logits.value.data.subarray(n * K, (n + 1) * K);
    const dRow = logits.tangent.data.subarray(n * K, (n + 1) * K);
    const max = row.reduce((most, a) => (a > most ? a : most), row[0]);
    const e = row.map((a) => exp(a - max));
    const Z = e.reduce((sum, v) => sum + v, 0);
    value += log(Z) + max - row[y];
    tangent += e.reduce((sum, v, k) => sum + (v / Z) * dRow[k], 0) - dRow[y];
  }
  return scalar(value, tangent);
}

/** y = f(x), ẏ = f′ · ẋ, element by element, where f′ may use x and y. */
function elementwise(x: Dual, f: (v: number) => number, slope: (v: number, y: number) => number): Dual {
  const y = zeros(x.value.shape);
  for (let i = 0; i < y.value.data.length; i++) {
    y.value.data[i] = f(x.value.data[i]);
    y.tangent.data[i] = slope(x.value.data[i], y.value.data[i]) * x.tangent.data[i];
  }
  return y;
}

/** y = f(a, b) with its tangent, element by element; a row, or a single element, is broadcast. */
function pairwise(
  name: string,
  a: Dual,
  b: Dual,
  f: (u: number, v: number) => number,
  df: (u: number, v: number, du: number, dv: number) => number,
): Dual {
  if (!repeats(b.value, a.value) && !repeats(a.value, b.value)) {
    throw mismatch(name, 'equal shapes, [M, N] and [N], or a single element', a.value, b.value);
  }
  const y = zeros(repeats(b.value, a.value) ? a.value.shape : b.value.shape);
  for (let k = 0; k < y.value.data.length; k++) {
    const [i, j] = [k % a.value.data.length, k % b.value.data.length];
    const [u, v] = [a.value.data[i], b.value.data[j]];
    y.value.data[k] = f(u, v);
    y.tangent.data[k] = df(u, v, a.tangent.data[i], b.tangent.data[j]);
  }
  return y;
}

/** Whether `small` can be broadcast to `large`: it has the same shape, is a row of it, or is one element. */
function repeats(small: Tensor, large: Tensor): boolean {
  if (small.shape.join() === large.shape.join() || sizeOf(small.shape) === 1) return true;
  return small.shape.length === 1 && large.shape.length === 2 && small.shape[0] === large.shape[1];
}

/** A matrix whose element (m, n) is one element of another, by flat index. */
function pick([M, N]: readonly [number, number], from: (m: number, n: number) => readonly [Dual, number]): Dual {
  const y = zeros([M, N]);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      const [x, i] = from(m, n);
      y.value.data[m * N + n] = x.value.data[i];
      y.tangent.data[m * N + n] = x.tangent.data[i];
    }
  }
  return y;
}

function zeros(shape: readonly number[]): Dual {
  const size = sizeOf(shape);
  return { value: viewOf(new Float64Array(size), shape), tangent: viewOf(new Float64Array(size), shape) };
}

function scalar(value: number, tangent: number): Dual {
  return { value: viewOf(Float64Array.of(value), []), tangent: viewOf(Float64Array.of(tangent), []) };
}

function matrixShape(name: string, { value }: Dual): readonly [number, number] {
  if (value.shape.length === 2) return [value.shape[0], value.shape[1]];
  throw new ShapeError(`${name}: needs a matrix [M, N]; got [${value.shape.join(', ')}]`);
}

/** The size that all matrices of a list share along one axis. */
function sameSize(name: string, what: string, xs: readonly Dual[], axis: 0 | 1): number {
  if (xs.length === 0) throw new ArgumentError(`${name}: needs at least one matrix; got none`);
  const sizes = xs.map((x) => matrixShape(name, x)[axis]);
  if (sizes.every((size) => size === sizes[0])) return sizes[0];
  throw new ShapeError(`${name}: needs matrices with the same number of ${what}; got ${sizes.join(', ')}`);
}

function mismatch(name: string, wanted: string, a: Tensor, b: Tensor): ShapeError {
  return new ShapeError(`${name}: needs ${wanted}; got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
}
