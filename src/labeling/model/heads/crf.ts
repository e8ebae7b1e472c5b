/**
 * The CRF head: decides the labels of a sentence jointly, by scores of labels and of transitions between them.
 *
 *   Forward    (1)  a = y·W + b                           y [N,H], W [H,K], b [K]: the emissions
 *              (2)  L = mean over tokens of −log p(g)     layers/crf: transitions [K,K], start [K], end [K]
 *   Backward   (2)  da, dtransitions, dstart, dend
 *              (1)  dy += da·Wᵀ,  dW += yᵀ·da,  db += Σ da
 *
 * The labels are those of the best path (layers/crf-decode). Transitions that the label scheme forbids are never taken, neither in training
 * nor in decoding. Transition scores start at zero, which makes the head a softmax over each token independently.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { CrfLoss } from '../../../layers/crf.js';
import { crfLossBackward, crfLossForward, initCrf } from '../../../layers/crf.js';
import type { LinearParams } from '../../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../../layers/linear.js';
import type { Packing } from '../../../autograd/packing.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { labelsOf } from '../../data/labels.js';
import type { DecodingConfig, TokenPass } from './decoding.js';
import { chainOf, decodingOf, expectAgreement, predictTokens, stretchTokens, tokenHeadConfig } from './decoding.js';
import type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  HeadPlace,
  InferenceHeadKind,
  InferenceHeadLayer,
} from './head.js';

interface CrfPass extends TokenPass {
  readonly packing: Packing;
}

/** Returns the configuration of a CRF head with K labels. */
export const crfConfig = (K: number, decoding: DecodingConfig = {}, place: HeadPlace = {}): HeadConfig =>
  tokenHeadConfig('crf', K, decoding, place);

/** The inference half. */
function inferenceLayer(config: HeadConfig, { width: H }: BodyShape): InferenceHeadLayer<CrfPass> {
  const { size: K } = config;
  expectPositiveInteger('model', 'labels', K);
  const decoding = decodingOf(config);
  return {
    config: crfConfig(K, config as DecodingConfig, config),
    unit: 'token',
    shapes: { W: [H, K], b: [K], transitions: [K, K], start: [K], end: [K] },
    forward: (kernels, params, y, packing) => {
      const logits = linearForward(kernels, params as LinearParams, y); // (1)
      return { y, logits, packing, decoding, crf: chainOf(params) };
    },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(config: HeadConfig, body: BodyShape): HeadLayer<CrfPass, CrfLoss> {
  const { size: K } = config;
  const { mask } = decodingOf(config);
  return {
    ...inferenceLayer(config, body),
    floatsPerToken: 4 * K,
    initialize: (rng) => ({ ...initLinear(body.width, K, rng.split('output')), ...initCrf(K) }),
    loss: (kernels, params, { logits, packing }, targets) =>
      crfLossForward(kernels, chainOf(params), logits, packing, targets, { mask }), // (2)
    lossBackward: (kernels, params, loss, dLogits, grads, scale) =>
      crfLossBackward(kernels, chainOf(params), loss, dLogits, chainOf(grads), scale), // (2)
    backward(kernels, params, { y }, dLogits, grads, dY) {
      linearBackward(kernels, linearOf(params), y, dLogits, linearOf(grads), dY); // (1)
    },
  };
}

/** The parameters that compute emissions. */
const linearOf = ({ W, b }: TensorRecord): LinearParams => ({ W, b });

/** The half that a tagger bundles. The fields are spelled out: with a spread, bundlers keep the training head too. */
export const inferenceCrf: InferenceHeadKind = {
  kind: 'crf',
  unit: 'token',
  layer: inferenceLayer,
  expectLabels: expectAgreement,
  predict: predictTokens,
  stretch: stretchTokens,
};

/** One label per token: the best path of a linear-chain CRF. */
export const crf: HeadKind = {
  kind: 'crf',
  unit: 'token',
  configure: (K, { decoding, ...place }) => crfConfig(K, decoding, place),
  layer: (config, body) => trainingLayer(config, body) as HeadLayer,
  goldOf: labelsOf,
  chosenOf: ({ labels }) => labels,
  expectLabels: expectAgreement,
  predict: predictTokens,
  stretch: stretchTokens,
};
