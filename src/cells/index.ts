import type { Cell } from './cell.js';
import { gruResetBefore } from './gru-reset-before.js';
import { gru } from './gru.js';
import { lstm } from './lstm.js';
import { rnn, rnnRelu } from './rnn.js';

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
export type { LstmSaved, LstmParams, LstmState } from './lstm.js';
export { lstm, lstmStepBackward, lstmStepForward } from './lstm.js';
export { recurrentDropout } from './recurrent-dropout.js';
export type { RnnSaved, RnnParams } from './rnn.js';
export { rnn, rnnRelu } from './rnn.js';
export type { ZoneoutRates } from './zoneout.js';
export { zoneout } from './zoneout.js';

/** Every cell of this package, by name. */
export const cells: Readonly<Record<string, Cell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
