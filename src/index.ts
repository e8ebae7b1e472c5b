/**
 * What an application uses: train or load a model, label, score, and the errors to catch. Tensors, kernels, cells, layers and
 * everything else are in the sub-paths: `bptt/tensor`, `bptt/cells`, `bptt/autograd`, …
 *
 * @module bptt
 */
export { createCpuKernels, selectBackend } from './kernels/index.js';
export type { Kernels, Selection } from './kernels/index.js';
export {
  createTagger,
  evaluate,
  formatSentence,
  generateCorpus,
  loadModel,
  predict,
  readSentences,
  saveModel,
  segmentText,
  train,
  trainSteps,
} from './labeling/index.js';
export type {
  Corpora,
  Entity,
  EntityOptions,
  Model,
  Prediction,
  ReadOptions,
  Scores,
  Sentence,
  Tagger,
  TrainHooks,
  TrainOptions,
  TrainResult,
  TrainStep,
} from './labeling/index.js';
export {
  ArgumentError,
  BpttError,
  DataError,
  DeviceError,
  MemoryError,
  NonFiniteError,
  ShapeError,
  UnsupportedError,
  WorkerError,
} from './tensor/index.js';
