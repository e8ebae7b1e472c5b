/**
 * Batches of sentences of similar length. Packed rows (`autograd/packing`) never compute padding, so unequal lengths cost
 * nothing but smaller products at the last steps; sorting keeps the products large.
 */
import type { Packing } from '../../autograd/packing.js';
import { packingOf } from '../../autograd/packing.js';
import { expectPositiveInteger } from '../../tensor/checks.js';
import type { Rng } from '../../tensor/random.js';

/** Sentences are sorted by length within pools of this many batches, so that an epoch still sees a random order. */
const POOL = 16;

/** Sentences that are computed together. */
export interface Batch {
  /** Places of the sentences in the list the batch was drawn from: sorted sequence b is `members[packing.order[b]]`. */
  readonly members: readonly number[];
  readonly packing: Packing;
}

/**
 * The batches of one epoch, as lists of places. With a generator: shuffled, sorted by length in pools of 16 batches, and
 * the batches shuffled again (a form of sequence bucketing: Khomenko et al. 2016). Without one: sorted by length, stable.
 *
 * @param lengths number of tokens of each sentence
 * @throws ArgumentError when `size` is no positive integer
 */
export function batchesOf(lengths: ArrayLike<number>, size: number, rng?: Rng): number[][] {
  expectPositiveInteger('batchesOf', 'size', size);
  const places = Array.from({ length: lengths.length }, (_, i) => i);
  if (rng) rng.shuffle(places);
  const pool = rng ? POOL * size : Math.max(places.length, 1);
  const batches: number[][] = [];
  for (let start = 0; start < places.length; start += pool) {
    const sorted = places.slice(start, start + pool).sort((p, q) => lengths[q] - lengths[p]);
    for (let i = 0; i < sorted.length; i += size) batches.push(sorted.slice(i, i + size));
  }
  if (rng) rng.shuffle(batches);
  return batches;
}

/**
 * Packs the sentences at some places.
 *
 * @param lengths number of tokens of every sentence of the list
 */
export function packBatch(lengths: ArrayLike<number>, members: readonly number[]): Batch {
  return { members, packing: packingOf(members.map((m) => lengths[m])) };
}

/** `[N]` one integer per row, from one list per sentence. */
export function packRows(values: readonly Int32Array[], members: readonly number[], packing: Packing): Int32Array {
  return packRowsOf((place) => values[place], members, packing);
}

/** `packRows` where the lists are found by a function of their place. */
export function packRowsOf(
  listOf: (place: number) => Int32Array,
  members: readonly number[],
  packing: Packing,
): Int32Array {
  const packed = new Int32Array(packing.total);
  for (let b = 0; b < packing.batch; b++) {
    const own = listOf(members[packing.order[b]]);
    for (let t = 0; t < own.length; t++) packed[packing.offsets[t] + b] = own[t];
  }
  return packed;
}
