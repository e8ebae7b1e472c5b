/** From encoded sentences to labels: the forward pass alone, in batches of similar length, without dropout. */
import type { Kernels } from '../../kernels/types.js';
import { inFrame } from '../../kernels/workspace.js';
import { softmaxRows } from '../../layers/softmax-loss.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { argmaxRows } from '../../tensor/rows.js';
import type { Tensor } from '../../tensor/types.js';
import type { Batch } from '../data/batches.js';
import { batchesOf, packBatch } from '../data/batches.js';
import { expectKernels, expectSentences, expectSwitches } from '../checks.js';
import type { Inference, InferenceOptions } from './inference.js';
import { inferenceOf } from './inference.js';
import type { Model } from './model.js';

/** Sentences per batch when nothing has to be learned from them. */
const BATCH = 64;

/** Labels of one sentence. */
export interface Prediction {
  /** One label per token. */
  readonly labels: readonly string[];
  /** Probability of each of these labels; there where it was asked for. */
  readonly probabilities?: Float64Array;
}

/** What to return beside the labels. */
export interface PredictOptions {
  /** Whether to return the probability of each label too; default false. */
  readonly probabilities?: boolean;
}

const KEYS = keysOf<PredictOptions>({ probabilities: true });
const ALL_KEYS = keysOf<PredictOptions & InferenceOptions>({ probabilities: true, keepWords: true });

/**
 * The most probable label of every token. A sentence is labeled the same, to the bit, whatever batch it is in, on
 * backends whose rows do not depend on each other (the CPU's do not).
 *
 * @param sentences tokens of each sentence; a sentence without tokens gets no labels
 * @throws ArgumentError where `sentences` is no list of lists of tokens, naming the place, and on kernels or options that are none
 */
export function predict(
  kernels: Kernels,
  model: Model,
  sentences: readonly (readonly string[])[],
  options: PredictOptions & InferenceOptions = {},
): Prediction[] {
  expectKernels('predict', kernels);
  expectSwitches('predict', options, 'keepWords', 'probabilities');
  expectKnownKeys('predict', 'options', options, ALL_KEYS);
  const { keepWords, probabilities } = options;
  const inference = inferenceOf(kernels, model, { keepWords });
  try {
    return predictWith(kernels, inference, model, sentences, { probabilities });
  } finally {
    inference.release();
  }
}

/** `predict` with a labeler that is at work already. @throws ArgumentError as `batchesToPredict` does */
export function predictWith(
  kernels: Kernels,
  inference: Inference,
  model: Model,
  sentences: readonly (readonly string[])[],
  options: PredictOptions = {},
): Prediction[] {
  const batches = batchesToPredict(model, sentences, options);
  const out = new Array<Prediction>(sentences.length);
  for (const batch of batches) {
    inRoomyFrame(kernels, () => predictionsOf(model, batch, inference.logits(batch.ids, batch.packing), options, out));
  }
  return out;
}

/**
 * Runs a frame, and again where it found too little room: the next one gets more. What goes the slow way round is right, but its
 * last bits are others, and a sentence is to be labeled the same whenever it comes.
 */
function inRoomyFrame(kernels: Kernels, step: () => void): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = kernels.workspace?.misses;
    inFrame(kernels, step);
    if (kernels.workspace?.misses === before) return;
  }
}

/**
 * Sentences of similar length together, each batch packed when its turn comes.
 *
 * @throws ArgumentError where `sentences` is no list of lists of tokens, or `options` are none: at once, before any batch
 */
export function batchesToPredict(
  model: Model,
  sentences: readonly (readonly string[])[],
  options?: PredictOptions,
): Iterable<Batch> {
  expectSentences(sentences);
  expectSwitches('tag', options, 'probabilities');
  expectKnownKeys('tag', 'options', options, KEYS);
  const ids = sentences.map((tokens) => model.words.encode(tokens));
  const lengths = ids.map((list) => list.length);
  return packed(ids, batchesOf(lengths, BATCH));
}

function* packed(ids: readonly Int32Array[], batches: readonly number[][]): Generator<Batch> {
  for (const members of batches) yield packBatch(ids, members);
}

/** Labels the sentences of one batch, each in its place of `out`. */
export function predictionsOf(
  model: Model,
  { packing, members }: Batch,
  logits: Tensor,
  { probabilities = false }: PredictOptions,
  out: Prediction[],
): void {
  const best = argmaxRows(logits);
  const p = probabilities ? softmaxRows(logits) : undefined;
  for (let b = 0; b < packing.batch; b++) {
    const rows = Array.from({ length: packing.lengths[b] }, (_, t) => packing.offsets[t] + b);
    out[members[packing.order[b]]] = {
      labels: rows.map((row) => model.labels.labels[best[row]]),
      ...(p && { probabilities: Float64Array.from(rows, (row) => at(p, row, best[row])) }),
    };
  }
}

function at(x: Tensor, i: number, j: number): number {
  return x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
}
