/**
 * Runs several versions of a sentence, of equal length, as one batch of the engine, forward and backward. Row k·B + b of a batch
 * is word k of version b.
 */
import type { Unrolled } from '../autograd/layout.js';
import { packingOf } from '../autograd/packing.js';
import { stackForward } from '../layers/stack.js';
import { decode, encode } from '../labeling/model/model.js';
import type { Tensor } from '../tensor/types.js';
import { viewOf } from '../tensor/view.js';
import { copied, rowOf, transferred, zeros } from './numbers.js';
import type { Study } from './study.js';
import { backwardEach, withVectors } from './study.js';

/** Maximum count of numbers stored for all steps of a batch, as in seeds.ts, and maximum number of versions per batch. */
const [ROOM, MOST] = [2 ** 23, 64];

/** Versions of a sentence, and their forward pass. */
export interface Variants {
  readonly study: Study;
  /** B. */
  readonly count: number;
}

/** Splits versions into batches. */
export function variantsAtOnce({ tokens, pass }: Study): number {
  const widths = pass.stack.layers.flatMap(({ forward, reverse }) => [forward, reverse].map(widthOf));
  const perVersion = tokens.length * widths.reduce((sum, each) => sum + each, 0);
  return Math.max(1, Math.min(MOST, Math.floor(ROOM / perVersion)));
}

function widthOf(unrolled: Unrolled | undefined): number {
  if (unrolled === undefined) return 0;
  const { cell, x, y } = unrolled;
  const blocks = [cell.saved, cell.stepGrads].flatMap((each) => Object.values(each));
  return x.shape[1] + y.shape[1] * (2 * cell.states.length + blocks.reduce((sum, each) => sum + each, 0));
}

/** Runs versions given as word vectors, `[T, D]` each. */
export function readVariants(study: Study, vectors: readonly Tensor[]): Variants {
  const [T, D] = study.pass.x.shape;
  const B = vectors.length;
  const x = zeros([T * B, D]);
  vectors.forEach((own, b) => {
    for (let k = 0; k < T; k++) transferred(own, k, 0, x, k * B + b, 1);
  });
  return { study: withVectors({ ...study, packing: packingOf(new Array<number>(B).fill(T)) }, x), count: B };
}

/** Row of the logits for a decision of a version: the decision about a word, or about the sentence. */
function rowOfDecision({ study, count }: Variants, b: number, decision: number): number {
  return study.model.heads[study.head].kind.unit === 'token' ? decision * count + b : b;
}

/** Logits of one decision for each version. */
export function logitsOf(variants: Variants, decision: number): number[][] {
  return Array.from({ length: variants.count }, (_, b) =>
    rowOf(variants.study.logits, rowOfDecision(variants, b, decision)),
  );
}

/** `[T·B, D]` gradient, for each version, of Σ weights·logits of one decision. @param weights one per label */
export function vectorGradients(variants: Variants, decision: number, weights: readonly number[]): Tensor {
  const seed = zeros(variants.study.logits.shape);
  for (let b = 0; b < variants.count; b++) {
    seed.data.set(weights, rowOfDecision(variants, b, decision) * weights.length);
  }
  return backwardEach(variants.study, [seed])[0].dX;
}

/** `[T, D]` vectors of other words. */
export function vectorsOf({ kernels, model, network, params }: Study, tokens: readonly string[]): Tensor {
  return encode(kernels, network, params, model.readers.map((reader) => reader.read(tokens))).x; // prettier-ignore
}

/**
 * Logits of word k with another word in its place, per version. A unidirectional model needs only one step, from the state after
 * the preceding words; any other model runs the whole sentence.
 */
export function logitsAt(study: Study, k: number, vectors: readonly Tensor[]): number[][] {
  const { kernels, model, network, params, pass, head } = study;
  if (model.config.body.bidirectional) return logitsOf(readVariants(study, vectors), k);
  const B = vectors.length;
  const x = zeros([B, pass.x.shape[1]]);
  vectors.forEach((own, b) => transferred(own, k, 0, x, b, 1));
  const initial = pass.stack.layers.map(({ forward: { states } }) => ({
    forward: Object.fromEntries(
      Object.entries(states).map(([name, each]) => [name, times(each as Tensor, k, B)]),
    ) as never,
  }));
  const packing = packingOf(new Array<number>(B).fill(1));
  const stack = stackForward(kernels, network.layers, params.layers, x, packing, { initial });
  const { logits } = decode(kernels, network, params, stack.y, packing).heads[head];
  return Array.from({ length: B }, (_, b) => rowOf(logits, b));
}

/** Row k of the states before each step, repeated. */
function times(states: Tensor, k: number, B: number): Tensor {
  const row = Float64Array.from(rowOf(states, k));
  const out = zeros([B, row.length]);
  for (let b = 0; b < B; b++) out.data.set(row, b * row.length);
  return out;
}

/** Multiplies vectors by a number. */
export function scaled(x: Tensor, by: number): Tensor {
  const out = copied(x);
  for (let i = 0; i < out.data.length; i++) out.data[i] *= by;
  return viewOf(out.data, x.shape);
}
