/** The forward halves of the built-in cells, by name: what labels text bundles these and no backward step. */
import type { ForwardCell } from './cell.js';
import { gruResetBeforeForward } from './gru-reset-before.js';
import { gruForward } from './gru.js';
import { lstmForward } from './lstm.js';
import { isLstmVariant, lstmVariantOf } from './lstm-name.js';
import { createLstmForward } from './lstm-variants.js';
import { rnnForward, rnnReluForward } from './rnn.js';

/** The forward half of the cell of a name, as `cellNamed`. @throws ArgumentError as `cellNamed` does */
export function forwardCellNamed(name: string): ForwardCell | undefined {
  if (Object.hasOwn(forwardCells, name)) return forwardCells[name];
  return isLstmVariant(name) ? (createLstmForward(lstmVariantOf(name)) as unknown as ForwardCell) : undefined;
}

/** `cells`, the forward half of each. */
export const forwardCells: Readonly<Record<string, ForwardCell>> = {
  rnn: rnnForward,
  'rnn-relu': rnnReluForward,
  lstm: lstmForward,
  gru: gruForward,
  'gru-reset-before': gruResetBeforeForward,
};
