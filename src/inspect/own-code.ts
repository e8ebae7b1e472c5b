/** Returns the gates and states of a forward pass run by your own code, by name, in the order of each sequence. */
import { expectRecord } from '../tensor/arguments.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Unrolled } from '../autograd/layout.js';
import { expectPacking } from '../autograd/entry-checks.js';
import { rowOf } from './numbers.js';
import { gateAt } from './quantities.js';
import { byName } from './recurrence.js';
import type { Matrix } from './trace.js';

/**
 * Returns the gates of one sequence at every step: per gate `[T][H]`, with steps in the order of the sequence for both
 * directions.
 *
 * @param unrolled what `unroll` returned, or `layers[l].forward` of a stack's pass
 * @param sequence index in the caller's order; default 0
 * @throws ArgumentError if there is no such sequence, or `unrolled` is something else
 */
export function gatesOf(unrolled: Unrolled, sequence = 0): Record<string, Matrix> {
  const steps = rowsOf('gatesOf', unrolled, sequence);
  return byName(unrolled.cell.gateNames, (gate) => steps.map((row) => gateAt(unrolled, gate, row)));
}

/** Returns the states of one sequence after every step: `h`, and also `c` for an LSTM. Parameters as for `gatesOf`. */
export function statesOf(unrolled: Unrolled, sequence = 0): Record<string, Matrix> {
  const steps = rowsOf('statesOf', unrolled, sequence);
  const states = unrolled.states as unknown as Readonly<Record<string, Unrolled['y']>>;
  const { batch } = unrolled.packing;
  return byName(unrolled.cell.states, (name) => steps.map((row) => rowOf(states[name], batch + row)));
}

/** Rows of the scan that hold a sequence, first word first. */
function rowsOf(where: string, unrolled: Unrolled, sequence: number): number[] {
  expectRecord(where, 'unrolled', unrolled, 'what unroll returned');
  expectRecord(where, 'unrolled.cell', unrolled.cell, 'a cell');
  expectPacking(where, unrolled.packing, 'unrolled.packing');
  expectNonNegativeInteger(where, 'sequence', sequence);
  const { order, lengths, offsets } = unrolled.packing;
  const b = order.indexOf(sequence);
  if (b < 0) {
    throw new ArgumentError(`${where}: sequence must be one of ${order.length}, counted from 0; got ${sequence}`);
  }
  const rows = Array.from({ length: lengths[b] }, (_, t) => offsets[t] + b);
  return unrolled.direction === 'forward' ? rows : rows.reverse();
}
