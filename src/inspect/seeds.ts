/**
 * The gradients of every single seed: the M backward passes of a sentence. They share weights and forward pass, so they run
 * together: the engine's own loop over a batch in which every sequence is this sentence, each with a different seed. The results
 * of each step are stored and read from there.
 *
 *   M·T²/2 vectors times a matrix become T products per batch; no weight gradient is formed
 */
import type { BackwardPass, Unrolled } from '../autograd/layout.js';
import type { Packing } from '../autograd/packing.js';
import { packingOf } from '../autograd/packing.js';
import { scanBackward } from '../autograd/unroll.js';
import type { Kernels } from '../kernels/types.js';
import type { LayerPass } from '../layers/stack.js';
import type { Tensor } from '../tensor/types.js';
import { rows, viewOf } from '../tensor/view.js';
import { seedOf } from './losses.js';
import { transferred, zeros } from './numbers.js';
import { headBackward } from './study.js';
import type { Study } from './study.js';
import type { DirectionName, LossTrace } from './trace.js';

/** Several seeds, each with its own backward pass: sequence b is loss `from + b`. */
export interface SeedBatch {
  readonly from: number;
  /** B. */
  readonly count: number;
  /** `[T·B, D]` ∂/∂x, at the word vectors; row k·B + b is word k of sequence b. */
  readonly dX: Tensor<Float64Array>;
  /** By layer and direction. */
  readonly layers: readonly Readonly<Record<string, SeedBackward>>[];
}

/** Backward results of the seeds in one direction. Steps are those of the scan, B rows each. */
export interface SeedBackward extends BackwardPass {
  /** Number of steps that a gradient arrives at; later steps are left out. */
  readonly steps: number;
  /**
   * Each `[B + steps·B, H]`, rows as those of `dStates`: the gradient that the next step passes back to a state, before the h of
   * the same step adds to it. There is none for h, to which nothing in its own step adds except the losses.
   */
  readonly handed: Readonly<Record<string, Tensor>>;
}

/** Maximum count of numbers that a batch stores for all steps: 64 MiB. */
const ROOM = 2 ** 23;

/** Maximum number of seeds in one batch: wider products are not faster. */
const MOST = 64;

/** All seeds, batch by batch, in order of the losses. @param most maximum batch size; passed by tests */
export function* seedBatches(
  study: Study,
  losses: readonly LossTrace[],
  most = MOST,
): Generator<SeedBatch, void, undefined> {
  const size = Math.min(most, sizeOfBatch(study, losses.length));
  let copies = copier(size);
  const whole = decidesRowByRow(study) ? headBackward(study, seedOf(losses)) : undefined;
  for (let from = 0; from < losses.length; from += size) {
    const count = Math.min(size, losses.length - from);
    if (count < size) copies = copier(count);
    yield batchOf(study, topOf(study, losses, { from, count, whole }), from, count, copies);
  }
}

/** The number of seeds that fit. */
function sizeOfBatch({ tokens, pass }: Study, losses: number): number {
  const widths = pass.stack.layers.flatMap(({ forward, reverse }) =>
    [forward, reverse].map((each) => (each === undefined ? 0 : widthOf(each))),
  );
  const perSeed = tokens.length * widths.reduce((sum, each) => sum + each, 0);
  return Math.max(1, Math.min(losses, MOST, Math.floor(ROOM / perSeed)));
}

/** Count of numbers for one step: its copied values and its results. */
function widthOf({ cell, x, y }: Unrolled): number {
  const blocks = [cell.saved, cell.stepGrads].flatMap((each) => Object.values(each));
  return x.shape[1] + y.shape[1] * (3 * cell.states.length + blocks.reduce((sum, each) => sum + each, 0));
}

/** Whether each decision reads only the row of its word, so that row m of the gradient of all seeds is the gradient of seed m. */
const decidesRowByRow = ({ model, head }: Study): boolean => model.config.heads[head].kind === 'softmax';

/**
 * `[T·B, W]` gradient that each seed sends to the output of the stack.
 *
 * @param whole the gradient of all seeds, if their rows are separate
 */
function topOf(
  study: Study,
  losses: readonly LossTrace[],
  { from, count: B, whole }: { readonly from: number; readonly count: number; readonly whole: Tensor | undefined },
): Tensor<Float64Array> {
  const dY = zeros([study.tokens.length * B, study.pass.stack.y.shape[1]]);
  for (let b = 0; b < B; b++) {
    const m = from + b;
    if (whole) transferred(whole, m, 0, dY, m * B + b, 1);
    else {
      const own = headBackward(study, seedOf(losses, m));
      for (let k = 0; k < own.shape[0]; k++) transferred(own, k, 0, dY, k * B + b, 1);
    }
  }
  return dY;
}

function batchOf(study: Study, top: Tensor<Float64Array>, from: number, B: number, copies: Copier): SeedBatch {
  const { kernels, pass, tokens } = study;
  const T = tokens.length;
  const stack = pass.stack.layers;
  let dY = top;
  const layers: Record<string, SeedBackward>[] = new Array(stack.length);
  for (let l = stack.length - 1; l >= 0; l--) {
    const dX = zeros([T * B, l === 0 ? pass.x.shape[1] : stack[l - 1].y.shape[1]]);
    layers[l] = Object.fromEntries(
      waysOf(stack[l]).map(({ unrolled, start }) => [
        unrolled.direction,
        oneWay(kernels, unrolled, { dY, start, dX, T, B }, copies),
      ]),
    );
    if (stack[l].residual) kernels.rows.addMatrix(dX, dY);
    dY = dX;
  }
  return { from, count: B, dX: dY, layers };
}

/** The directions of a layer, and the first column of its output that each of them makes. */
function waysOf({ forward, reverse }: LayerPass): { unrolled: Unrolled; start: number }[] {
  const H = forward.y.shape[1];
  return [{ unrolled: forward, start: 0 }, ...(reverse === undefined ? [] : [{ unrolled: reverse, start: H }])];
}

interface Flow {
  /** `[T·B, W]` from above, by word. */
  readonly dY: Tensor<Float64Array>;
  /** First column of it. */
  readonly start: number;
  /** `[T·B, D]` accumulates, by word. */
  readonly dX: Tensor<Float64Array>;
  readonly T: number;
  readonly B: number;
}

function oneWay(kernels: Kernels, unrolled: Unrolled, flow: Flow, copies: Copier): SeedBackward {
  const { B, T } = flow;
  const H = unrolled.y.shape[1];
  const word = (s: number): number => (unrolled.direction === 'forward' ? s : T - 1 - s);
  const steps = stepsReached(flow, H, word);
  const packing = packingOf(new Array<number>(B).fill(steps));
  const seed = zeros([steps * B, H]);
  for (let s = 0; s < steps; s++) transferred(flow.dY, word(s) * B, flow.start, seed, s * B, B);
  const many = copies(unrolled, packing);
  const others = unrolled.cell.states.filter((name) => name !== 'h');
  const handed = Object.fromEntries(others.map((name) => [name, zeros([(steps + 1) * B, H])]));
  const back = scanBackward(kernels, many, seed, {
    onStep({ t, dPrev }) {
      for (const name of others)
        transferred((dPrev as Readonly<Record<string, Tensor>>)[name], 0, 0, handed[name], t * B, B);
    },
  });
  const dx = zeros([steps * B, flow.dX.shape[1]]);
  kernels.addMatmulTB(dx, back.stepGrads.da, unrolled.params.Wx);
  for (let s = 0; s < steps; s++) kernels.rows.addMatrix(rows(flow.dX, word(s) * B, B), rows(dx, s * B, B));
  return { ...back, steps, handed };
}

/** Number of steps of the scan up to the last one at which any gradient arrives; at least one. */
function stepsReached({ dY, start, T, B }: Flow, H: number, word: (s: number) => number): number {
  const W = dY.shape[1];
  for (let s = T - 1; s > 0; s--) {
    for (let b = 0; b < B; b++) {
      const at = (word(s) * B + b) * W + start;
      for (let j = 0; j < H; j++) if (dY.data[at + j] !== 0) return s + 1;
    }
  }
  return 1;
}

/** The first steps of a pass over several identical sequences. */
type Copier = (unrolled: Unrolled, packing: Packing) => Unrolled;

/** Copies of a direction are made once, in full; fewer steps are a view of these copies. */
function copier(B: number): Copier {
  const made = new Map<Unrolled, Pick<Unrolled, 'states' | 'saved'>>();
  return (unrolled, packing) => {
    const { states, saved } = made.get(unrolled) ?? { states: copiesOf(unrolled.states, B), saved: copiesOf(unrolled.saved, B) }; // prettier-ignore
    made.set(unrolled, { states, saved });
    const first = <R extends object>(record: R, more: number): R => mapped(record, (x) => rows(x, 0, packing.total + more)); // prettier-ignore
    return { ...unrolled, direction: 'forward', packing, states: first(states, B), saved: first(saved, 0) };
  };
}

const mapped = <R extends object>(record: R, make: (x: Tensor) => Tensor): R =>
  Object.fromEntries(Object.entries(record).map(([name, x]) => [name, make(x as Tensor)])) as R;

/** Repeats every row B times. */
const copiesOf = <R extends object>(record: R, B: number): R =>
  mapped(record, (x) => {
    const [N, W] = x.shape;
    const data = new Float64Array(N * B * W);
    for (let n = 0; n < N; n++) {
      const at = x.offset + n * x.stride[0];
      for (let b = 0; b < B; b++) for (let j = 0; j < W; j++) data[(n * B + b) * W + j] = x.data[at + j * x.stride[1]];
    }
    return viewOf(data, [N * B, W]);
  });

/** Results of a batch in one direction. */
export function seedsIn(
  { layers }: SeedBatch,
  { layer, name }: { readonly layer: number; readonly name: DirectionName },
) {
  return layers[layer][name];
}

/** Copies row `row·B + b` of a record of steps into `into`, zeros if there is no such step. */
export function readRow(x: Tensor, row: number, into: Float64Array, start = 0, width = x.shape[1]): void {
  if (row >= x.shape[0]) into.fill(0, start, start + width);
  else {
    const at = x.offset + row * x.stride[0];
    for (let j = 0; j < width; j++) into[start + j] = x.data[at + j];
  }
}
