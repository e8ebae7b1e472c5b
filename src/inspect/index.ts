/**
 * Gradient inspection: for one sentence, every number, how it is composed, and the checks that verify it.
 *
 * @module bptt/inspect
 */
export { inspect } from './inspect.js';
export type { InspectOptions, InspectProgress } from './options.js';
export { traceFromJson, traceToJson } from './json.js';
export { numberAt, refTo, valueAt } from './refs.js';
export { gatesOf, statesOf } from './own-code.js';
export { fromPyTorch } from './pytorch-model.js';
export type { PyTorchModel, PyTorchOptions } from './pytorch-model.js';
export { layersFromPyTorch } from './pytorch.js';
export type { PyTorchCell, PyTorchLayers } from './pytorch.js';
export { saliency } from './saliency.js';
export { untrained } from './untrained.js';
export type { Origin, ReadableModel, UntrainedOptions } from './untrained.js';
export type {
  BodyExtra,
  CheckElement,
  CheckTrace,
  ClipTrace,
  Conventions,
  CurveTrace,
  DirectionName,
  DirectionTrace,
  ElementTrace,
  FactorName,
  FactorTrace,
  FaultTrace,
  HeadTrace,
  IdentityName,
  IdentityTrace,
  InitializationTrace,
  JacobianProduct,
  JacobianStep,
  JacobianTrace,
  LayerTrace,
  LedgerTrace,
  LossByWord,
  LossTrace,
  Matrix,
  ModelTrace,
  QuantityTrace,
  ReachTrace,
  ReplacementRule,
  SaliencyTrace,
  SaturationTrace,
  SeedName,
  SplitGradient,
  StepGradients,
  StepTrace,
  Trace,
  TruncatedParam,
  TruncationTrace,
  Vector,
  WordTrace,
} from './trace.js';
