/** From encoded sentences to labels: only the forward pass, without dropout, in batches of sentences of similar length. */
import { flatten } from '../../autograd/grads.js';
import type { Kernels } from '../../kernels/types.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { NonFiniteError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { elementAt } from '../../tensor/view.js';
import type { Batch } from '../data/batches.js';
import { batchesOf, packBatch, packFeatures } from '../data/batches.js';
import { expectKernels, expectSentences, expectSwitches } from '../checks.js';
import { expectModel } from './checks.js';
import type { Features } from './encoders/encoder.js';
import type { HeadPass, Prediction } from './heads/head.js';
import { membersOf } from './heads/head.js';
import type { Inference, InferenceOptions } from './inference.js';
import { inferenceOfModel } from './inference.js';
import type { Model } from './model.js';

export type { Prediction } from './heads/head.js';

/** Sentences per batch for inference. */
const BATCH = 64;

/** What to return in addition to the labels. */
export interface PredictOptions {
  /** Whether to return the probability of each label too; default false. */
  readonly probabilities?: boolean;
  /** Whether to return the spans of the labels too, each with its probability; default false. */
  readonly spans?: boolean;
}

const KEYS = keysOf<PredictOptions>({ probabilities: true, spans: true });
const ALL_KEYS = keysOf<PredictOptions & InferenceOptions>({ probabilities: true, spans: true, keepWords: true });

/**
 * Returns the most probable label of every token. The labels of a sentence do not depend on its batch, to the bit, on backends whose rows
 * are computed independently (as on the CPU).
 *
 * @param sentences tokens of each sentence; a sentence without tokens gets no labels
 * @throws ArgumentError if `sentences` is not a list of lists of tokens, naming the position, or if kernels or options are invalid;
 *   NonFiniteError if the weights are so large that a logit is not finite
 */
export function predict(
  kernels: Kernels,
  model: Model,
  sentences: readonly (readonly string[])[],
  options: PredictOptions & InferenceOptions = {},
): Prediction[] {
  expectKernels('predict', kernels);
  expectModel('predict', model);
  expectSwitches('predict', options, 'keepWords', 'probabilities', 'spans');
  expectKnownKeys('predict', 'options', options, ALL_KEYS);
  const { keepWords, ...wanted } = options;
  const inference = inferenceOfModel(kernels, model, { keepWords });
  try {
    return predictWith(kernels, inference, model, sentences, wanted);
  } finally {
    inference.release();
  }
}

/** `predict` with an inference that has already been prepared. @throws ArgumentError as `batchesToPredict` does */
export function predictWith(
  kernels: Kernels,
  inference: Pick<Inference, 'run'>,
  model: Model,
  sentences: readonly (readonly string[])[],
  options: PredictOptions = {},
): Prediction[] {
  const batches = batchesToPredict(model, sentences, options);
  const out = emptyPredictions(model, sentences.length);
  for (const { batch, features } of batches) {
    const step = (): void => predictionsOf(kernels, model, batch, inference.run(features, batch.packing), options, out);
    kernels.frame(step, true); // rerun if memory was short: the labels of a sentence are the same, to the bit, in every run
  }
  return out;
}

/** Sentences that are labeled together, as read by the encoders. */
export interface ReadBatch {
  readonly batch: Batch;
  /** One per encoder. */
  readonly features: readonly Features[];
}

/**
 * Groups sentences of similar length, and packs each batch only when it is needed. Sentences without tokens are in no batch.
 *
 * @throws ArgumentError if `sentences` is not a list of lists of tokens, or `options` are invalid: immediately, before the first batch
 */
export function batchesToPredict(
  { readers }: Model,
  sentences: readonly (readonly string[])[],
  options?: PredictOptions,
): Iterable<ReadBatch> {
  expectSentences(sentences);
  expectSwitches('tag', options, 'probabilities', 'spans');
  expectKnownKeys('tag', 'options', options, KEYS);
  const read = readers.map((reader) => sentences.map((tokens) => readForInference(reader, tokens)));
  const lengths = sentences.map((tokens) => tokens.length);
  const batches = batchesOf(lengths, BATCH).map((members) => members.filter((m) => lengths[m] > 0));
  return packed(
    read,
    lengths,
    batches.filter((members) => members.length > 0),
  );
}

/** What inference needs from a sentence, as a reader reads it. */
export function readForInference(reader: Model['readers'][number], tokens: readonly string[]): Features {
  return reader.readForInference?.(tokens) ?? reader.read(tokens);
}

function* packed(
  read: readonly (readonly Features[])[],
  lengths: readonly number[],
  batches: readonly number[][],
): Generator<ReadBatch> {
  for (const members of batches) {
    const batch = packBatch(lengths, members);
    yield { batch, features: read.map((of) => packFeatures(of, batch)) };
  }
}

/** The predictions of sentences without tokens, and the initial values for all others. */
export function emptyPredictions({ config: { heads } }: Model, count: number): Prediction[] {
  const none = Object.fromEntries(heads.map(({ name }) => [name, { labels: [] }]));
  return Array.from({ length: count }, () => ({ labels: [], ...(heads.length > 1 && { heads: none }) }));
}

/** Predicts the sentences of one batch, and writes each to its index in `out`. */
export function predictionsOf(
  kernels: Kernels,
  model: Model,
  { packing, members }: Batch,
  passes: readonly HeadPass[],
  { probabilities = false, spans = false }: PredictOptions,
  out: Prediction[],
): void {
  const { heads, config } = model;
  heads.forEach(({ kind, labels }, h) => {
    for (const { logits } of membersOf(passes[h])) expectFinite(model, logits);
    const said = kind.predict(kernels, labels, passes[h], packing, { probabilities, spans });
    const leads = heads.findIndex((other) => other.kind.unit === kind.unit) === h;
    said.forEach((each, b) => {
      const place = members[packing.order[b]];
      const own = heads.length > 1 && {
        heads: { ...out[place].heads, [config.heads[h].name]: { labels: [], ...each } },
      };
      out[place] = { ...out[place], ...(leads && each), ...own };
    });
  });
}

/** Requires finite logits, because others have no maximum. @throws NonFiniteError that names the parameter with the largest weight */
export function expectFinite(model: Model, logits: Tensor): void {
  if (allFinite(logits)) return;
  const [N, K] = logits.shape;
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      if (Number.isFinite(elementAt(logits, n, k))) continue;
      const [name, weight] = largestWeight(model);
      throw new NonFiniteError(
        `model: a logit became ${elementAt(logits, n, k)}; expected finite numbers. The largest weight is ${weight}, in ${name}: ` +
          'the file is damaged, or training diverged; train again',
      );
    }
  }
}

/** Whether all elements are finite: 0 · x is 0 only if x is finite, and a branch-free sum is fast. */
function allFinite({ data, shape: [N, K], stride, offset }: Tensor): boolean {
  let sum = 0;
  for (let n = 0; n < N; n++) {
    for (let k = 0, i = offset + n * stride[0]; k < K; k++, i += stride[1]) sum += 0 * data[i];
  }
  return sum === 0;
}

function largestWeight({ params, members = [params] }: Model): readonly [string, number] {
  let largest: readonly [string, number] = ['', 0];
  for (const [name, { data }] of members.flatMap((each) => Object.entries(flatten(each)))) {
    for (const weight of data) if (!(Math.abs(weight) <= Math.abs(largest[1]))) largest = [name, weight];
  }
  return largest;
}
