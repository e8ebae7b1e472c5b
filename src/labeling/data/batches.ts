/**
 * Batches of sentences of similar length. Packed rows (`autograd/packing`) never compute padding, so unequal lengths only make the products
 * of the last steps smaller; sorting keeps the products large.
 */
import type { Packing } from '../../autograd/packing.js';
import { packingOf } from '../../autograd/packing.js';
import { expectPacking } from '../../autograd/entry-checks.js';
import { expectIds, expectList, expectNumbers, expectRecord, expectRng } from '../../tensor/arguments.js';
import { expectPositiveInteger } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { Rng } from '../../tensor/random.js';
import type { Feature, Features } from './features.js';
import { packFeature } from './features.js';

/** Sentences are sorted by length within pools of this many batches, so that the order within an epoch stays random. */
const POOL = 16;

/** Sentences that are computed together. */
export interface Batch {
  /** Indices of the sentences in the list that the batch was drawn from: sorted sequence b is `members[packing.order[b]]`. */
  readonly members: readonly number[];
  readonly packing: Packing;
}

/**
 * Returns the batches of one epoch, as lists of indices. With a generator, sentences are shuffled, sorted by length in pools of 16 batches,
 * and the batches shuffled again (a form of sequence bucketing: Khomenko et al. 2016). Without one, they are sorted by length, stably.
 *
 * @param lengths number of tokens of each sentence
 * @throws ArgumentError when `size` is not a positive integer
 */
export function batchesOf(lengths: ArrayLike<number>, size: number, rng?: Rng): number[][] {
  expectNumbers('batchesOf', 'lengths', lengths);
  expectPositiveInteger('batchesOf', 'size', size);
  if (rng !== undefined) expectRng('batchesOf', 'rng', rng);
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
 * Packs the sentences at the given indices.
 *
 * @param lengths number of tokens of every sentence of the list
 * @throws ArgumentError if a member is not an index into `lengths`
 */
export function packBatch(lengths: ArrayLike<number>, members: readonly number[]): Batch {
  expectNumbers('packBatch', 'lengths', lengths);
  expectMembers('packBatch', members, lengths.length);
  return { members, packing: packingOf(members.map((m) => lengths[m])) };
}

/** Requires indices into a list of `count`. @throws ArgumentError that names the invalid one */
export function expectMembers(where: string, members: unknown, count: number): void {
  expectNumbers(where, 'members', members);
  for (let i = 0; i < members.length; i++) {
    if (Number.isInteger(members[i]) && members[i] >= 0 && members[i] < count) continue;
    throw new ArgumentError(
      `${where}: members[${i}] must be an index into a list of ${count}, counted from 0; got ${show(members[i])}`,
    );
  }
}

/**
 * Packs one list per sentence into one integer per row, `[N]`.
 *
 * @throws ArgumentError if there is not one member per sequence of `packing`, or the length of a list differs from that of its sequence
 */
export function packRows(values: readonly Int32Array[], members: readonly number[], packing: Packing): Int32Array {
  expectList('packRows', 'values', values, 'Int32Array, one per sentence');
  expectPacking('packRows', packing);
  expectMembers('packRows', members, values.length);
  for (const m of members) expectIds('packRows', `values[${m}]`, values[m]);
  return packFeature('values', (place) => values[place], members, packing) as Int32Array;
}

/** Packs the features of sentences into the rows of a batch. */
export function packFeatures(read: readonly Features[], batch: Batch): Features {
  expectList('packFeatures', 'features', read, 'records of features, one per sentence');
  expectRecord('packFeatures', 'batch', batch, '{ members, packing }, packBatch(lengths, members)');
  const { members, packing } = batch;
  expectPacking('packFeatures', packing, 'batch.packing');
  expectMembers('packFeatures', members, read.length);
  for (const m of members) expectRecord('packFeatures', `features[${m}]`, read[m], 'a record of features');
  const packed: Record<string, Feature> = {};
  for (const name of Object.keys(read[members[0]] ?? {})) {
    packed[name] = packFeature(`features.${name}`, (place) => read[place][name], members, packing);
  }
  return packed;
}
