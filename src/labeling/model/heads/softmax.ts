/**
 * The softmax head: decides each token's label independently.
 *
 *   Forward    (1)  logits = y·W + b                      y [N,H], W [H,K], b [K]
 *              (2)  L = mean softmax cross-entropy        layers/softmax-loss, with label smoothing and class weights if set
 *   Backward   (2)  dlogits
 *              (1)  dy += dlogits·Wᵀ,  dW += yᵀ·dlogits,  db += Σ dlogits
 *
 * A mask of permitted transitions, if there is one, affects only decoding: the labels are then those of the best permitted path, and a
 * probability is that of the label given that the path is permitted.
 */
import type { LinearParams } from '../../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../../layers/linear.js';
import type { SoftmaxLoss } from '../../../layers/softmax-loss.js';
import { softmaxLossBackward, softmaxLossForward } from '../../../layers/softmax-loss.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { labelsOf } from '../../data/labels.js';
import type { DecodingConfig, TokenPass } from './decoding.js';
import { decodingOf, expectAgreement, predictTokens, stretchTokens, tokenHeadConfig } from './decoding.js';
import type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  HeadPlace,
  InferenceHeadKind,
  InferenceHeadLayer,
} from './head.js';

/** Returns the configuration of a softmax head with K labels. */
export const softmaxConfig = (K: number, decoding: DecodingConfig = {}, place: HeadPlace = {}): HeadConfig =>
  tokenHeadConfig('softmax', K, decoding, place);

/** The inference half. */
function inferenceLayer(config: HeadConfig, { width: H }: BodyShape): InferenceHeadLayer<TokenPass> {
  const { size: K } = config;
  expectPositiveInteger('model', 'labels', K);
  const decoding = decodingOf(config);
  return {
    config: softmaxConfig(K, config as DecodingConfig, config),
    unit: 'token',
    shapes: { W: [H, K], b: [K] },
    forward: (kernels, params, y) => ({ y, decoding, logits: linearForward(kernels, params as LinearParams, y) }), // (1)
  };
}

/** The inference half plus what training needs. */
function trainingLayer(config: HeadConfig, body: BodyShape): HeadLayer<TokenPass, SoftmaxLoss> {
  const { size: K } = config;
  return {
    ...inferenceLayer(config, body),
    floatsPerToken: 4 * K,
    initialize: (rng) => initLinear(body.width, K, rng.split('output')),
    loss: (kernels, _params, { logits }, targets, settings) => softmaxLossForward(kernels, logits, targets, settings), // (2)
    lossBackward: (kernels, _params, loss, dLogits, _grads, scale) =>
      softmaxLossBackward(kernels, loss, dLogits, scale), // (2)
    backward(kernels, params, { y }, dLogits, grads, dY) {
      linearBackward(kernels, params as LinearParams, y, dLogits, grads as LinearParams, dY); // (1)
    },
  };
}

/** The half that a tagger bundles. The fields are spelled out: with a spread, bundlers keep the training head too. */
export const inferenceSoftmax: InferenceHeadKind = {
  kind: 'softmax',
  unit: 'token',
  layer: inferenceLayer,
  expectLabels: expectAgreement,
  predict: predictTokens,
  stretch: stretchTokens,
};

/** One label per token: the most probable one. */
export const softmax: HeadKind = {
  kind: 'softmax',
  unit: 'token',
  lossSettings: ['labelSmoothing', 'classWeights'],
  configure: (K, { decoding, ...place }) => softmaxConfig(K, decoding, place),
  layer: (config, body) => trainingLayer(config, body) as HeadLayer,
  goldOf: labelsOf,
  chosenOf: ({ labels }) => labels,
  expectLabels: expectAgreement,
  predict: predictTokens,
  stretch: stretchTokens,
};
