/**
 * Packed batches: how sequences of unequal length share one matrix without padding.
 *
 * Sort the batch by length, longest first. Then at step t the sequences still running are the first B_t of them, and the
 * batch is stored as N = Σ B_t rows, step after step:
 *
 *     lengths 3, 2, 1      step 0        step 1     step 2
 *     rows                 s0 s1 s2      s0 s1      s0         B_t = 3, 2, 1   N = 6
 *
 * A step is a block of consecutive rows, so it is a view; a matmul over all steps is one product over N rows; nothing is
 * ever computed for padding. (PyTorch calls this a PackedSequence, cuDNN an unpadded layout.)
 */
import { ArgumentError } from '../tensor/errors.js';
import { expectNumbers } from '../tensor/arguments.js';
import { expectPacking } from './entry-checks.js';

/** Where each row of a packed batch comes from. Rows are counted from 0 to N − 1. */
export interface Packing {
  /** T, the longest length. */
  readonly steps: number;
  /** B, the number of sequences. */
  readonly batch: number;
  /** N = Σ_t B_t = Σ_b length_b. */
  readonly total: number;
  /** `[T]` B_t: how many sequences are still running at step t. Never increases with t. */
  readonly batchSizes: Int32Array;
  /** `[T + 1]` first row of step t; the last entry is N. */
  readonly offsets: Int32Array;
  /** `[B]` lengths, longest first. */
  readonly lengths: Int32Array;
  /**
   * `[B]` index of sorted sequence b in the caller's order. Everything that has one row per sequence (initial and final states,
   * their gradients, pooled outputs) is in packed order: its row b belongs to the caller's sequence `order[b]`.
   */
  readonly order: Int32Array;
}

/**
 * The packing of a batch with the given lengths, in the caller's order; equal lengths keep their order.
 *
 * @param lengths number of steps of each sequence; 0 is legal and takes part in no step
 * @throws ArgumentError on a length that is negative or not an integer
 */
export function packingOf(lengths: ArrayLike<number>): Packing {
  expectNumbers('packingOf', 'lengths', lengths);
  const batch = lengths.length;
  for (let b = 0; b < batch; b++) {
    if (!Number.isInteger(lengths[b]) || lengths[b] < 0) {
      throw new ArgumentError(`packingOf: lengths[${b}] must be an integer of at least 0; got ${lengths[b]}`);
    }
  }
  const order = Int32Array.from({ length: batch }, (_, b) => b).sort((p, q) => lengths[q] - lengths[p] || p - q);
  const sorted = Int32Array.from(order, (b) => lengths[b]);
  const steps = batch === 0 ? 0 : sorted[0];
  const batchSizes = new Int32Array(steps);
  const offsets = new Int32Array(steps + 1);
  let running = batch;
  for (let t = 0; t < steps; t++) {
    while (sorted[running - 1] <= t) running--;
    batchSizes[t] = running;
    offsets[t + 1] = offsets[t] + running;
  }
  return { steps, batch, total: offsets[steps], batchSizes, offsets, lengths: sorted, order };
}

/** Row of step `t` of sorted sequence `b`. */
export function rowOf(packing: Packing, t: number, b: number): number {
  return packing.offsets[t] + b;
}

/**
 * The permutation of rows that reverses every sequence in time: row `(t, b)` maps to row `(length_b − 1 − t, b)`. It is
 * its own inverse, and the reversed batch has the same packing, so one loop serves both directions.
 */
export function reversal(packing: Packing): Int32Array {
  expectPacking('reversal', packing);
  const { total, steps, batchSizes, offsets, lengths } = packing;
  const map = new Int32Array(total);
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < batchSizes[t]; b++) map[offsets[t] + b] = offsets[lengths[b] - 1 - t] + b;
  }
  return map;
}

/**
 * Requires every sequence to have at least one row, as pooling a sequence into one vector does.
 *
 * @throws ArgumentError naming an empty sequence by its index in the caller's order
 */
export function expectNoEmptySequence(where: string, { batch, lengths, order }: Packing): void {
  if (batch === 0 || lengths[batch - 1] > 0) return; // longest first: an empty one is the last
  throw new ArgumentError(
    `${where}: every sequence must have at least one row; got none for sequence ${order[batch - 1]}. ` +
      'Leave empty sequences out of the batch.',
  );
}
