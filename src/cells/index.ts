import type { Cell } from './cell.js';
import { gruResetBefore } from './gru-reset-before.js';
import { gru } from './gru.js';
import { lstm } from './lstm.js';
import { rnn, rnnRelu } from './rnn.js';

export type { Algebra, Cache, Cell, CellEquations, CellParams, InitOptions, Params, State } from './cell.js';
export { expectCell } from './check.js';
export { fusedName } from './cell.js';
export type { InitScheme } from './init.js';
export { fillWeights } from './init.js';
export type { GruResetBeforeCache, GruResetBeforeParams } from './gru-reset-before.js';
export {
  gruResetBefore,
  gruResetBeforeCollect,
  gruResetBeforeStepBackward,
  gruResetBeforeStepForward,
} from './gru-reset-before.js';
export type { GruCache, GruParams } from './gru.js';
export { gru, gruCollect, gruStepBackward, gruStepForward } from './gru.js';
export type { LstmCache, LstmParams, LstmState } from './lstm.js';
export { lstm, lstmStepBackward, lstmStepForward } from './lstm.js';
export type { RnnCache, RnnParams } from './rnn.js';
export { rnn, rnnRelu } from './rnn.js';

/** Every cell of this package, by name. */
export const cells: Readonly<Record<string, Cell>> = {
  rnn,
  'rnn-relu': rnnRelu,
  lstm,
  gru: gru as Cell,
  'gru-reset-before': gruResetBefore,
};
