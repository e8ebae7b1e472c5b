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

let variants: ((name: string) => ForwardCell | undefined) | undefined;

/**
 * Says how variants of cells are found by name. `named.ts` does; a bundle without that module has no variants, and is smaller by
 * as much.
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
