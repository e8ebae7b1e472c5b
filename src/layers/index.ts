/**
 * Layers on packed rows: forward and backward functions, with parameters as plain records.
 *
 * @module bptt/layers
 */
export {
  bidirectionalBackward,
  bidirectionalForward,
  initBidirectional,
  type BidirectionalBackwardOptions,
  type BidirectionalParams,
  type BidirectionalPass,
  type DirectionStates,
} from './bidirectional.js';
export {
  convolutionBackward,
  convolutionForward,
  initConvolution,
  type ConvolutionGrads,
  type ConvolutionParams,
  type ConvolutionPass,
} from './convolution.js';
export { crfLossBackward, crfLossForward, initCrf, type CrfGrads, type CrfLoss, type CrfLossOptions } from './crf.js';
export {
  crfMarginals,
  crfNBest,
  crfSpanProbability,
  crfViterbi,
  type CrfBest,
  type CrfDecodeOptions,
  type CrfMarginals,
  type CrfPath,
  type CrfSpan,
} from './crf-decode.js';
export type { CrfLattice, CrfMask, CrfParams, CrfScores } from './crf-lattice.js';
export { denseBackward, denseForward } from './dense.js';
export {
  drawMasks,
  dropoutBackward,
  dropoutForward,
  placesOf,
  wordDropout,
  type DropoutMask,
  type DropoutOptions,
  type DropoutResult,
  type MaskOptions,
} from './dropout.js';
export {
  embeddingBackward,
  embeddingForward,
  initEmbedding,
  type EmbeddingGrads,
  type EmbeddingParams,
} from './embedding.js';
export { embeddingBagBackward, embeddingBagForward, initEmbeddingBag } from './embedding-bag.js';
export { stackInference, type StackInference, type StackStates, type StackStretch } from './inference.js';
export { initLinear, linearBackward, linearForward, type LinearGrads, type LinearParams } from './linear.js';
export { mseLossBackward, mseLossForward, type MseLoss, type MseLossOptions } from './mse-loss.js';
export {
  attentionPoolBackward,
  attentionPoolForward,
  initAttentionPool,
  type AttentionPool,
  type AttentionPoolGrads,
  type AttentionPoolParams,
} from './pool-attention.js';
export { lastPoolBackward, lastPoolForward, type LastPool, type LastPoolOptions } from './pool-last.js';
export { maxPoolBackward, maxPoolForward, type MaxPool } from './pool-max.js';
export { meanPoolBackward, meanPoolForward, type MeanPool } from './pool-mean.js';
export { poolings, type Pooling, type PoolingForward, type PoolingName, type PoolPass } from './pooling.js';
export {
  IGNORED,
  softmaxLossBackward,
  softmaxLossForward,
  softmaxRows,
  type SoftmaxLoss,
  type SoftmaxLossOptions,
} from './softmax-loss.js';
export {
  initStack,
  outputSize,
  stackBackward,
  stackBackwardAsync,
  stackForward,
  stackForwardAsync,
  type LayerParams,
  type LayerPass,
  type LayerSpec,
  type LayerBackwardPass,
  type StackBackwardOptions,
  type StackDropout,
  type StackOptions,
  type StackPass,
} from './stack.js';
export type { Devices } from '../autograd/devices.js';
