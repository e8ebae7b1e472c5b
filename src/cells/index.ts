import type { Cell } from './cell.js';
import { gruResetBefore } from './gru-reset-before.js';
import { gru } from './gru.js';
import { lstm } from './lstm.js';
import { isLstmVariant, lstmVariantOf } from './lstm-name.js';
import { createLstm } from './lstm-variants.js';
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
export type { Activation, ActivationName } from './activations.js';
export type { LstmVariantOptions } from './lstm-plan.js';
export type { LstmVariantParams, LstmVariantSaved } from './lstm-variant.js';
export { createLstm } from './lstm-variants.js';
export type { RnnSaved, RnnParams } from './rnn.js';
export { rnn, rnnRelu } from './rnn.js';
export type { ZoneoutRates } from './zoneout.js';
export { zoneout } from './zoneout.js';

/**
 * A cell of this package by its name: one of `cells`, or a variant of the LSTM, `lstm:peepholes,clip=3` (see `createLstm`).
 *
 * @returns nothing where there is none of that name
 * @throws ArgumentError on a name that begins with `lstm:` and goes on with something else than options
 */
export function cellNamed(name: string): Cell | undefined {
  if (typeof name === 'string' && Object.hasOwn(cells, name)) return cells[name];
  return isLstmVariant(name) ? (createLstm(lstmVariantOf(name)) as unknown as Cell) : undefined;
}

/** Every cell of this package that has no options, by name. */
export const cells: Readonly<Record<string, Cell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
