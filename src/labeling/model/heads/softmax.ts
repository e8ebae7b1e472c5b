/**
 * The softmax head: every token's label by itself.
 *
 *   Forward    (1)  logits = y·W + b                      y [N,H], W [H,K], b [K]
 *              (2)  L = mean softmax cross-entropy        layers/softmax-loss
 *   Backward   (2)  dlogits
 *              (1)  dy += dlogits·Wᵀ,  dW += yᵀ·dlogits,  db += Σ dlogits
 */
import type { Packing } from '../../../autograd/packing.js';
import type { LinearParams } from '../../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../../layers/linear.js';
import type { SoftmaxLoss } from '../../../layers/softmax-loss.js';
import { softmaxLossBackward, softmaxLossForward, softmaxRows } from '../../../layers/softmax-loss.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { argmaxRows } from '../../../tensor/rows.js';
import type { Tensor } from '../../../tensor/types.js';
import { labelsOf } from '../../data/labels.js';
import type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  HeadPass,
  InferenceHeadKind,
  InferenceHeadLayer,
} from './head.js';

interface SoftmaxPass extends HeadPass {
  readonly y: Tensor;
}

/** The configuration of a softmax head over K labels. */
export const softmaxConfig = (K: number): HeadConfig => ({ kind: 'softmax', name: 'labels', size: K });

/** What inference runs. */
function inferenceLayer({ size: K }: HeadConfig, { width: H }: BodyShape): InferenceHeadLayer<SoftmaxPass> {
  expectPositiveInteger('model', 'labels', K);
  return {
    config: softmaxConfig(K),
    unit: 'token',
    shapes: { W: [H, K], b: [K] },
    forward: (kernels, params, y) => ({ y, logits: linearForward(kernels, params as LinearParams, y) }), // (1)
  };
}

/** The same with what training adds. */
function trainingLayer(config: HeadConfig, body: BodyShape): HeadLayer<SoftmaxPass, SoftmaxLoss> {
  const { size: K } = config;
  return {
    ...inferenceLayer(config, body),
    floatsPerToken: 4 * K,
    initialize: (rng) => initLinear(body.width, K, rng.split('output')),
    loss: (kernels, _params, { logits }, targets) => softmaxLossForward(kernels, logits, targets), // (2)
    lossBackward: (kernels, _params, loss, dLogits, _grads, scale) =>
      softmaxLossBackward(kernels, loss, dLogits, scale), // (2)
    backward(kernels, params, { y }, dLogits, grads, dY) {
      linearBackward(kernels, params as LinearParams, y, dLogits, grads as LinearParams, dY); // (1)
    },
  };
}

const predict: HeadKind['predict'] = (kernels, labels, logits, packing, { probabilities }) => {
  const best = argmaxRows(logits);
  const p = probabilities ? softmaxRows(kernels, logits) : undefined;
  return Array.from({ length: packing.batch }, (_, b) => {
    const rows = rowsOf(packing, b);
    return {
      labels: rows.map((row) => labels.labels[best[row]]),
      ...(p && { probabilities: Float64Array.from(rows, (row) => at(p, row, best[row])) }),
    };
  });
};

/** What a tagger takes along. */
export const inferenceSoftmax: InferenceHeadKind = { kind: 'softmax', unit: 'token', layer: inferenceLayer, predict };

/** One label per token, each the most probable one. */
export const softmax: HeadKind = {
  kind: 'softmax',
  unit: 'token',
  configure: (K) => softmaxConfig(K),
  layer: (config, body) => trainingLayer(config, body) as HeadLayer,
  goldOf: labelsOf,
  chosenOf: ({ labels }) => labels,
  predict,
};

/** The packed rows of sequence b, first step first. */
const rowsOf = ({ lengths, offsets }: Packing, b: number): number[] =>
  Array.from({ length: lengths[b] }, (_, t) => offsets[t] + b);

function at(x: Tensor, i: number, j: number): number {
  return x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
}
