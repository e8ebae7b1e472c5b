/** The forward halves of the built-in cells, by name: labeling code bundles these and no backward step. */
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

let variants: ((name: string) => ForwardCell | undefined) | undefined;

/**
 * Registers the look-up of cell variants by name. `named.ts` calls it; a bundle without that module has no variants, and is that
 * much smaller.
 */
export function provideVariants(find: (name: string) => ForwardCell | undefined): void {
  variants = find;
}

/** Whether variants can be found here at all. */
export const hasVariants = (): boolean => variants !== undefined;

/** A cell that can run forward, by name: one of `forwardCells`, or a variant. @throws ArgumentError as `cellNamed` does */
export function forwardCellNamed(name: string): ForwardCell | undefined {
  return Object.hasOwn(forwardCells, name) ? forwardCells[name] : variants?.(name);
}
