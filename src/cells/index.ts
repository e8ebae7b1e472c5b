/**
 * Recurrent cells, each with its equations, one step forward and one step backward; their initial parameters, and the interface
 * of custom cells.
 *
 * @module bptt/cells
 */
export type {
  Algebra,
  Cell,
  CellEquations,
  CellParams,
  ForwardCell,
  InitOptions,
  MaskSpec,
  Params,
  Saved,
  State,
} from './cell.js';
export { expectCell } from './check.js';
export { fusedName } from './cell.js';
export type { InitScheme } from './init.js';
export { fillWeights } from './init.js';
export type { GruResetBeforeSaved, GruResetBeforeParams } from './gru-reset-before.js';
export {
  gruResetBefore,
  gruResetBeforeWeightGradients,
  gruResetBeforeStepBackward,
  gruResetBeforeStepForward,
} from './gru-reset-before.js';
export type { GruSaved, GruParams } from './gru.js';
export { gru, gruWeightGradients, gruStepBackward, gruStepForward } from './gru.js';
export type { GradientPlace, Place, Quantity } from './quantities.js';
export { gateQuantity, savedQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';
export type { GruVariantOptions } from './gru-plan.js';
export { createGru } from './gru-variants.js';
export type { RnnVariantOptions } from './rnn-variant.js';
export { createRnn } from './rnn-variant.js';
export type { GruLayerNormParams, GruLayerNormSaved } from './gru-layer-norm.js';
export { gruLayerNorm } from './gru-layer-norm.js';
export type { LstmLayerNormParams, LstmLayerNormSaved } from './lstm-layer-norm.js';
export { lstmLayerNorm } from './lstm-layer-norm.js';
export type { LstmProjectionParams, LstmProjectionSaved } from './lstm-projection.js';
export { createLstmProjection } from './lstm-projections.js';
export type { LstmSaved, LstmParams, LstmState } from './lstm.js';
export { lstm, lstmStepBackward, lstmStepForward } from './lstm.js';
export { recurrentDropout } from './recurrent-dropout.js';
export type { Activation, ActivationName } from './activations.js';
export type { LstmVariantOptions } from './lstm-plan.js';
export type { LstmVariantParams, LstmVariantSaved } from './lstm-variant.js';
export { createLstm } from './lstm-variants.js';
export { cellNamed, cells } from './named.js';
export type { RnnSaved, RnnParams } from './rnn.js';
export { rnn, rnnRelu } from './rnn.js';
export type { ZoneoutRates } from './zoneout.js';
export { zoneout } from './zoneout.js';
