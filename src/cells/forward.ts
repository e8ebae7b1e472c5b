/** The forward halves of the built-in cells, by name: what labels text bundles these and no backward step. */
import type { ForwardCell } from './cell.js';
import { gruResetBeforeForward } from './gru-reset-before.js';
import { gruForward } from './gru.js';
import { lstmForward } from './lstm.js';
import { rnnForward, rnnReluForward } from './rnn.js';

/** `cells`, the forward half of each. */
export const forwardCells: Readonly<Record<string, ForwardCell>> = {
  rnn: rnnForward,
  'rnn-relu': rnnReluForward,
  lstm: lstmForward,
  gru: gruForward,
  'gru-reset-before': gruResetBeforeForward,
};
