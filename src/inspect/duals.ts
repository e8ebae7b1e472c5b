/**
 * Forward mode through a whole model: the seeds of a sentence over dual numbers, computed step by step from the equations of its
 * cells. Any weight can be perturbed, or any quantity that the equations name, at a single word if desired. Neither the backward
 * pass nor the engine's forward steps are used.
 */
import type { Dual, DualOps, DualRecord } from '../autograd/index.js';
import { dual, dualOps as ops } from '../autograd/index.js';
import { UnsupportedError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { viewOf } from '../tensor/view.js';
import { rowOf, zeros } from './numbers.js';
import type { Reading } from './reading.js';
import { seedOf } from './losses.js';
import type { DirectionName } from './trace.js';

/** The perturbation. */
export interface Motion {
  /** A parameter by its dotted name, or a quantity of a step by its symbol in the equations. */
  readonly param?: string;
  readonly symbol?: string;
  /** Where a quantity is perturbed, or the only use at which a parameter is. */
  readonly at?: { readonly layer: number; readonly direction: DirectionName; readonly word: number };
  /** ẋ, with the shape of the perturbed tensor. */
  readonly tangent: Tensor;
}

/**
 * Returns d/dε of the sum of all seeds when something is perturbed by ε times its tangent.
 *
 * @throws UnsupportedError for a cell without its own equations, or a head that has none here
 */
export function derivative(reading: Reading, motion: Motion): number {
  return sumOfSeeds(reading, motion).tangent.data[0];
}

function sumOfSeeds(reading: Reading, motion: Motion): Dual {
  const { study } = reading;
  const { model, tokens } = study;
  const moved = (name: string, x: Tensor): Dual =>
    motion.param === name && !motion.at ? dual(x, motion.tangent) : dual(x);
  let y = inputs(reading, motion);
  study.params.layers.forEach((layer, l) => {
    const runs = (['forward', 'reverse'] as const).flatMap((direction) => {
      const params = (layer as Readonly<Record<string, Readonly<Record<string, Tensor>>>>)[direction];
      if (params === undefined) return [];
      const prefix = `layers.${l}.${direction}.`;
      const duals = Object.fromEntries(Object.entries(params).map(([name, x]) => [name, moved(prefix + name, x)]));
      return [run(reading, y, duals, motion, { layer: l, direction })];
    });
    const above = ops.concatColumns(runs);
    y = study.network.layers[l].residual ? ops.add(above, y) : above;
  });
  const { dense } = study.params;
  if (dense) y = ops.tanh(ops.add(ops.matmul(y, moved('dense.W', dense.W)), moved('dense.b', dense.b)));
  const { name } = model.config.heads[study.head];
  const head = Object.entries(study.params.heads[name]).map(([each, x]) => [each, moved(`heads.${name}.${each}`, x)]);
  return seeds(reading, logitsOf(reading, y, Object.fromEntries(head) as DualRecord, tokens.length));
}

/** The word vectors; a perturbed row of the table affects every word that uses it. */
function inputs({ study }: Reading, { param, tangent }: Motion): Dual {
  const { x } = study.pass;
  const moving = zeros(x.shape);
  let from = 0;
  study.network.encoders.forEach((encoder, i) => {
    const { kind, width } = encoder.config;
    if (param?.startsWith(`encoders.${kind}.`) && encoder.table) {
      const ids = encoder.table.rows(study.features[i]);
      ids.forEach((id, k) => moving.data.set(rowOf(tangent, id), k * x.shape[1] + from));
    }
    from += width;
  });
  return dual(x, moving);
}

/** One direction of one layer, word by word. */
function run(
  { study }: Reading,
  x: Dual,
  params: DualRecord,
  motion: Motion,
  place: { readonly layer: number; readonly direction: DirectionName },
): Dual {
  const { cell } = study.network.layers[place.layer];
  const H = params.Wh.value.shape[0];
  const T = study.tokens.length;
  const outputs: Dual[] = new Array(T);
  let state: DualRecord = Object.fromEntries(
    cell.states.map((name) => [
      name,
      params[`${name}0`] ? ops.add(dual(zeros([1, H])), params[`${name}0`]) : dual(zeros([1, H])),
    ]),
  );
  for (let s = 0; s < T; s++) {
    const k = place.direction === 'forward' ? s : T - 1 - s;
    const { at } = motion;
    const here = at?.layer === place.layer && at.direction === place.direction && at.word === k;
    const own = here && motion.param ? movedOnce(params, motion, place) : params;
    state = equationsOf(cell)(here && motion.symbol ? hooked(motion) : ops, own, ops.gatherRows(x, [k]), state, H);
    outputs[k] = state.h;
  }
  return ops.concatRows(outputs);
}

type AnyCell = Reading['directions'][number]['unrolled']['cell'];

/** @throws UnsupportedError for a cell without equations, or with those of another cell whose step it has replaced */
export function equationsOf({ name, equations, stepForward, original }: AnyCell) {
  const borrowed = original !== undefined && equations === original.equations && stepForward !== original.stepForward;
  if (equations !== undefined && !borrowed) return equations;
  throw new UnsupportedError(
    `forward mode is not available for the cell '${name}': ${borrowed ? 'its equations are those of another cell' : 'it has no equations'}`,
  );
}

/** The parameters for the current step, one of them perturbed. */
function movedOnce(
  params: DualRecord,
  { param, tangent }: Motion,
  { layer, direction }: { readonly layer: number; readonly direction: DirectionName },
): DualRecord {
  const name = param!.replace(`layers.${layer}.${direction}.`, '');
  return { ...params, [name]: dual(params[name].value, tangent) };
}

/** The operations, with a perturbation added to every value that has the given symbol. */
function hooked({ symbol, tangent }: Motion): DualOps {
  return { ...ops, name: (each, x) => (each === symbol ? ops.add(x, dual(zeros(tangent.shape), tangent)) : x) };
}

function logitsOf({ study }: Reading, y: Dual, head: DualRecord, T: number): Dual {
  const { kind, pooling } = study.model.config.heads[study.head];
  const scored = (rows: Dual): Dual => ops.add(ops.matmul(rows, head.W), head.b);
  if (kind === 'softmax') return scored(y);
  if (kind === 'sentence' && pooling === 'last') return scored(lastOf(study, y, T));
  if (kind === 'sentence' && pooling === 'mean') {
    return scored(ops.matmul(dual(viewOf(new Float64Array(T).fill(1 / T), [1, T])), y));
  }
  if (kind === 'sentence' && pooling === 'max') {
    const chosen = largestOf(y.value);
    return scored(ops.matmul(dual(viewOf(new Float64Array(T).fill(1), [1, T])), ops.mul(y, dual(chosen))));
  }
  const which = kind === 'sentence' ? `pooling '${String(pooling)}'` : `the head '${kind}'`;
  throw new UnsupportedError(`forward mode is not available for ${which}: only finite differences check it`);
}

function lastOf({ model }: Reading['study'], y: Dual, T: number): Dual {
  const last = ops.gatherRows(y, [T - 1]);
  if (!model.config.body.bidirectional) return last;
  const H = y.value.shape[1] / 2;
  return ops.concatColumns([ops.sliceColumns(last, 0, H), ops.sliceColumns(ops.gatherRows(y, [0]), H, H)]);
}

/** 1 at the first largest element of every column, 0 elsewhere. */
function largestOf({ data, shape }: Tensor): Tensor {
  const [T, W] = shape;
  const chosen = zeros(shape);
  for (let j = 0; j < W; j++) {
    let best = 0;
    for (let t = 1; t < T; t++) if (data[t * W + j] > data[best * W + j]) best = t;
    chosen.data[best * W + j] = 1;
  }
  return chosen;
}

function seeds(reading: Reading, logits: Dual): Dual {
  const { losses, study, options } = reading;
  if ((options.seed ?? 'loss') !== 'loss') return ops.dot(logits, seedOf(losses));
  const { labels } = study.model.heads[study.head];
  return ops.softmaxCrossEntropy(
    logits,
    Int32Array.from(losses, ({ gold }) => labels.lookup(gold)),
  );
}
