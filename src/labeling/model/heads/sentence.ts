/**
 * The sentence head: one label for the whole sentence, from its pooled rows.
 *
 *   Forward    (1)  s = pool(y)                           y [N,H] → s [B,H]: last, mean, max or attention (layers/pool-*)
 *              (2)  logits = s·W + b                      W [H,K], b [K]
 *              (3)  L = mean softmax cross-entropy        layers/softmax-loss, one row per sentence
 *   Backward   (3)  dlogits
 *              (2)  ds = dlogits·Wᵀ,  dW += sᵀ·dlogits,  db += Σ dlogits
 *              (1)  dy += poolᵀ(ds)
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { LinearParams } from '../../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../../layers/linear.js';
import type { PoolingName, PoolPass } from '../../../layers/pooling.js';
import { poolingForwards, poolings } from '../../../layers/pooling.js';
import type { SoftmaxLoss } from '../../../layers/softmax-loss.js';
import { softmaxLossBackward, softmaxLossForward, softmaxRows } from '../../../layers/softmax-loss.js';
import { expectOneOf, expectPositiveInteger } from '../../../tensor/checks.js';
import { DataError } from '../../../tensor/errors.js';
import { argmaxRows } from '../../../tensor/rows.js';
import { elementAt } from '../../../tensor/view.js';
import type { Sentence } from '../../data/sentence.js';
import type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  HeadPass,
  HeadPlace,
  InferenceHeadKind,
  InferenceHeadLayer,
} from './head.js';
import { meanOf, membersOf, placeFields } from './head.js';

/** Options of the sentence head. */
export interface SentenceConfig extends HeadConfig {
  readonly kind: 'sentence';
  readonly pooling: PoolingName;
}

interface SentencePass extends HeadPass {
  readonly pooled: PoolPass;
}

/** Returns the configuration of a sentence head with K labels. */
export const sentenceConfig = (K: number, pooling: PoolingName, place: HeadPlace = {}): SentenceConfig => ({
  kind: 'sentence',
  name: placeFields(place, 'category').name,
  size: K,
  pooling,
});

/** Prefix of the pooling's parameters, which are stored next to W and b. */
const PREFIX = 'pool.';
const poolPart = (record: TensorRecord): TensorRecord =>
  Object.fromEntries(
    Object.entries(record)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, tensor]) => [name.slice(PREFIX.length), tensor]),
  );

/** The inference half. */
function inferenceLayer(
  { size: K, pooling: name, ...place }: SentenceConfig,
  { width: H, bidirectional }: BodyShape,
): InferenceHeadLayer<SentencePass> {
  expectPositiveInteger('model', 'labels', K);
  expectOneOf('model', 'pooling', name, Object.keys(poolingForwards));
  const pooling = poolingForwards[name];
  const own = Object.entries(pooling.shapes(H));
  return {
    config: sentenceConfig(K, name, place),
    unit: 'sentence',
    shapes: { W: [H, K], b: [K], ...Object.fromEntries(own.map(([p, shape]) => [PREFIX + p, shape])) },
    forward(kernels, params, y, packing) {
      const pooled = pooling.forward(kernels, poolPart(params), y, packing, { bidirectional }); // (1)
      return { pooled, logits: linearForward(kernels, params as LinearParams, pooled.y) }; // (2)
    },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(config: SentenceConfig, body: BodyShape): HeadLayer<SentencePass, SoftmaxLoss> {
  const { size: K } = config;
  const { width: H } = body;
  const inference = inferenceLayer(config, body);
  const pooling = poolings[config.pooling];
  return {
    ...inference,
    floatsPerToken: 4 * H,
    initialize(rng) {
      const pool = Object.entries(pooling.initialize(H, rng.split('pooling')));
      return {
        ...initLinear(H, K, rng.split('output')),
        ...Object.fromEntries(pool.map(([p, tensor]) => [PREFIX + p, tensor])),
      };
    },
    loss: (kernels, _params, { logits }, targets, settings) => softmaxLossForward(kernels, logits, targets, settings), // (3)
    lossBackward: (kernels, _params, loss, dLogits, _grads, scale) =>
      softmaxLossBackward(kernels, loss, dLogits, scale), // (3)
    backward(kernels, params, { pooled }, dLogits, grads, dY) {
      const dPooled = kernels.zeros(pooled.y.shape, pooled.y);
      linearBackward(kernels, params as LinearParams, pooled.y, dLogits, grads as LinearParams, dPooled); // (2)
      pooling.backward(kernels, poolPart(params), pooled, dPooled, poolPart(grads), dY); // (1)
    },
  };
}

/**
 * The category of a sentence that must have one; `''` if it is explicitly empty.
 *
 * @throws DataError if the sentence has no category field
 */
export function categoryOf({ category, line }: Sentence, source?: string): readonly string[] {
  if (category !== undefined) return [category];
  const place = [source, line === undefined ? undefined : `line ${line}`]
    .filter((part) => part !== undefined)
    .join(':');
  throw new DataError(`${place ? `${place}: ` : ''}expected a label for the sentence; got none: add one`);
}

/** For an ensemble, the mean of the members' probabilities decides, and is the probability returned. */
const predict: HeadKind['predict'] = (kernels, labels, pass, packing, { probabilities }) => {
  const p = meanOf(kernels, membersOf(pass).map(({ logits }) => softmaxRows(kernels, logits))); // prettier-ignore
  const best = argmaxRows(pass.members ? p : pass.logits);
  return Array.from({ length: packing.batch }, (_, b) => ({
    category: labels.labels[best[b]],
    ...(probabilities && { categoryProbability: elementAt(p, b, best[b]) }),
  }));
};

/** The half that a tagger bundles. */
export const inferenceSentence: InferenceHeadKind = {
  kind: 'sentence',
  unit: 'sentence',
  layer: (config, body) => inferenceLayer(config as SentenceConfig, body),
  predict,
};

/** One label per sentence, the most probable one. */
export const sentence: HeadKind = {
  kind: 'sentence',
  unit: 'sentence',
  lossSettings: ['labelSmoothing', 'classWeights'],
  configure: (K, { pooling, name }) => sentenceConfig(K, pooling, { name }),
  layer: (config, body) => trainingLayer(config as SentenceConfig, body) as HeadLayer,
  goldOf: categoryOf,
  chosenOf: ({ category }) => (category === undefined ? [] : [category]),
  predict,
};
