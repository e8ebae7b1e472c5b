/**
 * The problems on which the poolings are proved, and their oracles: the tape and every sequence alone. Row numbers are worked
 * out anew, nothing is taken from the packing. All sizes differ: T = 5, B = 6, N = 16, D = 4, A = 3.
 */
import { packingOf } from '../../src/autograd/packing.js';
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import type { Kernels } from '../../src/kernels/types.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import type { Pooling, PoolingName } from '../../src/layers/pooling.js';
import { poolings } from '../../src/layers/pooling.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, flatCopy, viewOf } from '../../src/tensor/view.js';
import type { Solution } from './cases.js';

/** A pooling with numbers. */
export interface PoolProblem {
  readonly pooling: PoolingName;
  readonly bidirectional: boolean;
  /** In the caller's order, not sorted. */
  readonly lengths: readonly number[];
  /** Everything to differentiate by: `x [N, D]` in packed rows, and the parameters. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** `[B, D]`: the loss is Σ cotangent ∘ y, longest sequence first. */
  readonly cotangent: Tensor;
}

export const LENGTHS: readonly number[] = [2, 5, 1, 3, 1, 4];

/** Every pooling; `last` for layers of one and of two directions. */
export const VARIANTS: readonly { readonly pooling: PoolingName; readonly bidirectional: boolean }[] = [
  { pooling: 'last', bidirectional: false },
  { pooling: 'last', bidirectional: true },
  { pooling: 'mean', bidirectional: false },
  { pooling: 'max', bidirectional: false },
  { pooling: 'attention', bidirectional: false },
];

interface Sizes {
  readonly lengths?: readonly number[];
  readonly D?: number;
  readonly A?: number;
  readonly seed?: number;
  readonly dtype?: DType;
}

/** A problem with random numbers; the same arguments give the same numbers. */
export function poolProblem(
  { pooling, bidirectional }: (typeof VARIANTS)[number],
  { lengths = LENGTHS, D = 4, A = 3, seed = 1, dtype = 'float64' }: Sizes = {},
): PoolProblem {
  const rng = createRng(seed).split(pooling);
  const normal = (...shape: number[]): Tensor => {
    const x = allocate(shape, dtype);
    for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
    return x;
  };
  const N = lengths.reduce((sum, length) => sum + length, 0);
  const params: Record<string, Tensor> = pooling === 'attention' ? { W: normal(D, A), b: normal(A), v: normal(A) } : {};
  const tensors = { x: normal(N, D), ...params };
  return { pooling, bidirectional, lengths, tensors, cotangent: normal(lengths.length, D) };
}

/** The rows of sequence b, longest first, in order of time. */
export function rowsOf({ lengths }: Pick<PoolProblem, 'lengths'>, b: number): number[] {
  const sorted = [...lengths].sort((p, q) => q - p);
  return Array.from({ length: sorted[b] }, (_, t) => {
    return b + lengths.reduce((sum, length) => sum + Math.min(length, t), 0);
  });
}

/**
 * What the layer makes of a problem. Gradients start from a number, not from zero, which is subtracted in the end: an
 * assignment in place of an addition is found out.
 */
export function poolEngine(
  { pooling, bidirectional, lengths, tensors, cotangent }: PoolProblem,
  layer: Pooling = poolings[pooling],
  kernels: Kernels = createCpuKernels(),
): Solution {
  const { x, ...params } = tensors;
  const pass = layer.forward(kernels, params, x, packingOf(lengths), { bidirectional });
  const grads = Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, filled(t, START)]));
  layer.backward(kernels, params, pass, cotangent, grads, grads.x);
  for (const g of Object.values(grads)) g.data.forEach((value, i) => (g.data[i] = value - START));
  return { outputs: { y: viewOf(flatCopy(pass.y), pass.y.shape) }, grads };
}

/** One number for every element, so that a row is rounded alike wherever it stands. */
const START = 0.375;

function filled(x: Tensor, value: number): Tensor {
  const out = allocate(x.shape, dtypeOf(x.data));
  out.data.fill(value);
  return out;
}

/** Σ cotangent ∘ y of a solution. */
export function poolLoss(problem: PoolProblem, layer?: Pooling): number {
  const { x, ...params } = problem.tensors;
  const { pooling, lengths, bidirectional } = problem;
  const packing = packingOf(lengths);
  const { y } = (layer ?? poolings[pooling]).forward(createCpuKernels(), params, x, packing, { bidirectional });
  let loss = 0;
  flatCopy(y).forEach((value, i) => (loss += value * problem.cotangent.data[i]));
  return loss;
}

/** One sequence `[T, D]`, as rows, to its vector `[1, D]`. */
type TapePool = (tape: Tape, rows: readonly TapeNode[], params: Readonly<Record<string, TapeNode>>) => TapeNode;

const one = (tape: Tape): TapeNode => tape.constant(viewOf(Float64Array.of(1), [1, 1]));

const tapePools: Readonly<Record<string, TapePool>> = {
  last: (_, rows) => rows[rows.length - 1],
  'last of two directions': (tape, rows) => {
    const H = rows[0].value.shape[1] / 2;
    const forward = tape.sliceColumns(rows[rows.length - 1], 0, H);
    return tape.concatColumns([forward, tape.sliceColumns(rows[0], H, H)]);
  },
  mean: (tape, rows) =>
    tape.scale(
      rows.reduce((sum, row) => tape.add(sum, row)),
      1 / rows.length,
    ),
  max: (tape, rows) => rows.reduce((max, row) => tape.add(max, tape.relu(tape.sub(row, max)))),
  attention: (tape, rows, { W, b, v }) => {
    const A = v.value.shape[0];
    const ones = tape.constant(viewOf(new Float64Array(A).fill(1), [A, 1]));
    const scores = rows.map((row) => {
      const u = tape.tanh(tape.add(tape.matmul(row, W), b));
      return tape.matmul(tape.mul(u, v), ones); // [1, 1]
    });
    const logits = tape.concatColumns(scores); // [1, T]
    return rows
      .map((row, t) => {
        const alpha = tape.exp(tape.scale(tape.softmaxCrossEntropy(logits, [t]), -1)); // −log softmax, undone
        return tape.matmul(tape.mul(one(tape), alpha), row);
      })
      .reduce((sum, term) => tape.add(sum, term));
  },
};

/** Outputs and gradients of a problem, by the tape. */
export function tapePoolSolution(problem: PoolProblem): Solution {
  const { pooling, bidirectional, lengths, tensors, cotangent } = problem;
  const tape = createTape();
  const nodes = Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, tape.variable(x)]));
  const pool = tapePools[bidirectional ? `${pooling} of two directions` : pooling];
  const vectors = lengths.map((_, b) => {
    const rows = rowsOf(problem, b).map((row) => tape.gatherRows(nodes.x, [row]));
    return pool(tape, rows, nodes);
  });
  const y = tape.concatRows(vectors);
  tape.backward(y, cotangent);
  return {
    outputs: { y: y.value },
    grads: Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, node.grad])),
  };
}

/** The solution by pooling every sequence alone. */
export function alonePoolSolution(problem: PoolProblem): Solution {
  const { lengths, tensors, cotangent } = problem;
  const D = tensors.x.shape[1];
  const row = (x: Tensor, r: number) => x.data.slice(r * D, (r + 1) * D);
  const y = allocate(cotangent.shape, dtypeOf(tensors.x.data));
  const grads = Object.fromEntries(Object.entries(tensors).map(([n, x]) => [n, allocate(x.shape, dtypeOf(x.data))]));
  lengths.forEach((_, b) => {
    const places = rowsOf(problem, b);
    const x = allocate([places.length, D], dtypeOf(tensors.x.data));
    places.forEach((r, t) => x.data.set(row(tensors.x, r), t * D));
    const alone = { ...problem, lengths: [places.length], tensors: { ...tensors, x } };
    const solution = poolEngine({ ...alone, cotangent: viewOf(row(cotangent, b), [1, D]) });
    y.data.set(solution.outputs.y.data, b * D);
    for (const [name, g] of Object.entries(solution.grads)) {
      if (name === 'x') places.forEach((r, t) => grads.x.data.set(row(g, t), r * D));
      else g.data.forEach((value, i) => (grads[name].data[i] += value));
    }
  });
  return { outputs: { y }, grads };
}
