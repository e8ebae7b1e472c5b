/** The operations of a tape: what each one computes and, as a pair of functions, how its gradient flows back. */
import type { Transcendentals } from '../../tensor/math.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf } from '../../tensor/view.js';
import type { TapeCore, TapeNode } from './tape.js';
import {
  broadcast,
  checkRange,
  compact,
  concat,
  elementwise,
  matmul,
  matrixShape,
  mismatch,
  pick,
  softmaxCrossEntropy,
  weightedSum,
} from './tape-primitives.js';

/** Everything a tape can compute. Shapes that do not fit throw `ShapeError`; indices out of range throw `ArgumentError`. */
export interface TapeOps {
  /** `a [M, K] · b [K, N]` → `[M, N]`. */
  matmul(a: TapeNode, b: TapeNode): TapeNode;
  /** `a + b`; one of them may be a row `[N]` (added to every row of `[M, N]`) or have a single element. */
  add(a: TapeNode, b: TapeNode): TapeNode;
  /** `a − b`, with the broadcasting of `add`. */
  sub(a: TapeNode, b: TapeNode): TapeNode;
  /** `a ∘ b`, element by element, with the broadcasting of `add`. */
  mul(a: TapeNode, b: TapeNode): TapeNode;
  /** `factor · x`. */
  scale(x: TapeNode, factor: number): TapeNode;
  /** `x + summand`. */
  shift(x: TapeNode, summand: number): TapeNode;
  /** `1 / x`. */
  reciprocal(x: TapeNode): TapeNode;
  /** The mean of every row, in all columns of it: `[M, N]` → `[M, N]`. */
  rowMean(x: TapeNode): TapeNode;
  /** 1 where x ≥ 0, else 0; its derivative is taken as 0 everywhere. */
  step(x: TapeNode): TapeNode;
  /** `1 − x`. */
  oneMinus(x: TapeNode): TapeNode;
  /** `e^x`. */
  exp(x: TapeNode): TapeNode;
  /** The natural logarithm. */
  log(x: TapeNode): TapeNode;
  /** `1 / (1 + e^−x)`. */
  sigmoid(x: TapeNode): TapeNode;
  /** `tanh x`. */
  tanh(x: TapeNode): TapeNode;
  /** `max(x, 0)`; its derivative at 0 is taken as 0. */
  relu(x: TapeNode): TapeNode;
  /** Returns `x`; a tape ignores the name. */
  name(symbol: string, x: TapeNode): TapeNode;
  /** Columns `start … start + count − 1` of `x [M, N]`. */
  sliceColumns(x: TapeNode, start: number, count: number): TapeNode;
  /** Rows `start … start + count − 1` of `x [M, N]`. */
  sliceRows(x: TapeNode, start: number, count: number): TapeNode;
  /** Matrices with the same number of rows, side by side. */
  concatColumns(xs: readonly TapeNode[]): TapeNode;
  /** Matrices with the same number of columns, one below the other. */
  concatRows(xs: readonly TapeNode[]): TapeNode;
  /** Rows `rows[0], rows[1], …` of `x [M, N]`, with repetitions: an embedding lookup, or a permutation. */
  gatherRows(x: TapeNode, rows: ArrayLike<number>): TapeNode;
  /** Sum of all elements, of shape `[]`. */
  sum(x: TapeNode): TapeNode;
  /** `Σ x ∘ weights`, of shape `[]`, for constant weights of the shape of `x`: a loss with a chosen cotangent. */
  dot(x: TapeNode, weights: Tensor): TapeNode;
  /** `Σ_n −log softmax(logits[n])[labels[n]]`, of shape `[]`, for `logits [N, K]`. */
  softmaxCrossEntropy(logits: TapeNode, labels: ArrayLike<number>): TapeNode;
}

type Functions = (dtype: DType) => Transcendentals;
type Names<K extends keyof TapeOps> = Pick<TapeOps, K>;

/** The operations, over the recording of a tape. */
export function tapeOps(tape: TapeCore, math: Functions): TapeOps {
  return {
    matmul: (a, b) => matmul(tape, a, b),
    rowMean: (x) => matmul(tape, x, means(tape, x)),
    ...pairOps(tape),
    ...elementOps(tape, math),
    ...choiceOps(tape),
    sum: (x) => weightedSum(tape, x, () => 1),
    dot: (x, weights) => {
      if (weights.shape.join() !== x.value.shape.join())
        throw mismatch('dot', 'weights of the shape of x', x.value, weights);
      const w = compact(weights).data;
      return weightedSum(tape, x, (i) => w[i]);
    },
    softmaxCrossEntropy: (logits, labels) => softmaxCrossEntropy(tape, logits, labels, math),
  };
}

/** `[N, N]`, 1/N everywhere, of the element type of x. */
function means(tape: TapeCore, x: TapeNode): TapeNode {
  const [, N] = matrixShape('rowMean', x);
  const y = allocate([N, N], dtypeOf(x.value.data));
  y.data.fill(1 / N);
  return tape.constant(y);
}

/** Two operands, each with its slope: ∂f/∂u and ∂f/∂v. */
function pairOps(tape: TapeCore): Names<'add' | 'sub' | 'mul'> {
  type F = (u: number, v: number) => number;
  const pair = (name: string, f: F, slopeA: F, slopeB: F) => (a: TapeNode, b: TapeNode) =>
    broadcast(tape, name, a, b, f, slopeA, slopeB);
  const one = (): number => 1;
  return {
    add: pair('add', (u, v) => u + v, one, one), // prettier-ignore
    sub: pair('sub', (u, v) => u - v, one, () => -1), // prettier-ignore
    mul: pair('mul', (u, v) => u * v, (_, v) => v, (u) => u), // prettier-ignore
  };
}

/** One operand, element by element, each with its slope: a function of x and y. */
function elementOps(
  tape: TapeCore,
  math: Functions,
): Names<'scale' | 'shift' | 'reciprocal' | 'step' | 'oneMinus' | 'exp' | 'log' | 'sigmoid' | 'tanh' | 'relu'> {
  type F = (v: number, m: Transcendentals) => number;
  type Slope = (v: number, y: number) => number;
  const map = (f: F, slope: Slope) => (x: TapeNode) => elementwise(tape, x, math, f, slope);
  return {
    scale: (x, factor) => map((v) => factor * v, () => factor)(x), // prettier-ignore
    shift: (x, summand) => map((v) => v + summand, () => 1)(x), // prettier-ignore
    reciprocal: map((v) => 1 / v, (_, y) => -y * y), // prettier-ignore
    step: map((v) => (v >= 0 ? 1 : 0), () => 0), // prettier-ignore
    oneMinus: map((v) => 1 - v, () => -1), // prettier-ignore
    exp: map((v, m) => m.exp(v), (_, y) => y), // prettier-ignore
    log: map((v, m) => m.log(v), (v) => 1 / v), // prettier-ignore
    sigmoid: map((v, m) => m.sigmoid(v), (_, y) => y * (1 - y)), // prettier-ignore
    tanh: map((v, m) => m.tanh(v), (_, y) => 1 - y * y), // prettier-ignore
    relu: map((v) => (v < 0 ? 0 : v), (v) => (v > 0 ? 1 : 0)), // prettier-ignore
  };
}

/** Rows and columns selected or joined: nothing is computed, and gradients go back to the source elements. */
function choiceOps(
  tape: TapeCore,
): Names<'name' | 'sliceColumns' | 'sliceRows' | 'concatColumns' | 'concatRows' | 'gatherRows'> {
  return {
    name: (_symbol, x) => x,
    sliceColumns: (x, start, count) => {
      const [M] = matrixShape('sliceColumns', x);
      checkRange('sliceColumns', 'column', start, count, x.value.shape[1]);
      return pick(tape, [x], [M, count], (m, n) => [0, m, start + n]);
    },
    sliceRows: (x, start, count) => {
      const [M, N] = matrixShape('sliceRows', x);
      checkRange('sliceRows', 'row', start, count, M);
      return pick(tape, [x], [count, N], (m, n) => [0, start + m, n]);
    },
    concatColumns: (xs) => concat(tape, 'concatColumns', xs, 1),
    concatRows: (xs) => concat(tape, 'concatRows', xs, 0),
    gatherRows: (x, rows) => {
      const [M, N] = matrixShape('gatherRows', x);
      for (let n = 0; n < rows.length; n++) checkRange('gatherRows', 'row', rows[n], 1, M);
      return pick(tape, [x], [rows.length, N], (m, n) => [0, rows[m], n]);
    },
  };
}
