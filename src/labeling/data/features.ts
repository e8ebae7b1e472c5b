/**
 * Features: a sentence as the integers that an encoder reads. A feature has one of three forms:
 *
 *   Int32Array          one integer per token                    ids of words
 *   IntegerRows         k integers per token, [T·k] row-major     rows of affixes
 *   IntegerLists        a list of any length per token            characters
 *
 * Every form can be packed: in a batch there is one integer, one row or one list per packed row (`autograd/packing`).
 */
import type { Packing } from '../../autograd/packing.js';
import { expectIds, expectRecord } from '../../tensor/arguments.js';
import { describe, show, typedArrayName } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';

/** k integers per token. */
export interface IntegerRows {
  /** k, at least 1. */
  readonly columns: number;
  /** `[T · k]`, row-major. */
  readonly values: Int32Array;
}

/** A list of integers per token, concatenated: that of token t is `values[ends[t − 1]] … values[ends[t] − 1]`. */
export interface IntegerLists {
  /** `[T]`, the end of each token's list; non-decreasing. */
  readonly ends: Int32Array;
  readonly values: Int32Array;
}

/** One feature of every token. */
export type Feature = Int32Array | IntegerRows | IntegerLists;

/** A sentence as an encoder reads it: features by name. In a batch, those of its packed rows. */
export type Features = Readonly<Record<string, Feature>>;

/** Concatenates lists of integers, one per token. */
export function listsOf(lists: readonly ArrayLike<number>[]): IntegerLists {
  const ends = new Int32Array(lists.length);
  let end = 0;
  lists.forEach((list, t) => (ends[t] = end += list.length));
  const values = new Int32Array(end);
  lists.forEach((list, t) => values.set(list, ends[t] - list.length));
  return { ends, values };
}

/** Concatenates rows of k integers, one per token. */
export function rowsOf(columns: number, rows: readonly ArrayLike<number>[]): IntegerRows {
  const values = new Int32Array(columns * rows.length);
  rows.forEach((row, t) => values.set(row, t * columns));
  return { columns, values };
}

/** Number of tokens, or packed rows, that a feature covers. */
export function tokensOf(feature: Feature): number {
  if (ArrayBuffer.isView(feature)) return feature.length;
  return 'ends' in feature ? feature.ends.length : feature.values.length / feature.columns;
}

/** Requires a feature of any form. @throws ArgumentError that says what is invalid */
export function expectFeature(where: string, name: string, feature: unknown): asserts feature is Feature {
  if (typedArrayName(feature) !== undefined) return expectIds(where, name, feature);
  expectRecord(where, name, feature, 'an Int32Array, { columns, values } or { ends, values }');
  const { columns, ends, values } = feature as unknown as Record<string, unknown>;
  expectIds(where, `${name}.values`, values);
  const { length } = values as Int32Array;
  if (ends === undefined) {
    const whole = Number.isInteger(columns) && (columns as number) >= 1 && length % (columns as number) === 0;
    if (whole) return;
    throw new ArgumentError(
      `${where}: ${name}.columns must be a number of integers per token that divides ${length}, the length of values; got ${show(columns)}`,
    );
  }
  expectIds(where, `${name}.ends`, ends);
  let from = 0;
  for (const end of ends as Int32Array) {
    if (end < from) throw new ArgumentError(`${where}: ${name}.ends must not fall; got ${end} after ${from}`);
    from = end;
  }
  if (from === length) return;
  throw new ArgumentError(`${where}: ${name}.ends must end at ${length}, the length of values; got ${from}`);
}

/**
 * Packs a feature of a batch from those of its sentences, in the order of the packed rows.
 *
 * @param of returns the feature of the sentence at an index
 * @param members indices of the sentences, one per sequence of the packing
 * @throws ArgumentError if a sentence's feature differs in form from the first one's, or does not have one entry per token
 */
export function packFeature(
  name: string,
  of: (place: number) => Feature,
  members: readonly number[],
  packing: Packing,
): Feature {
  if (members.length !== packing.batch) {
    throw new ArgumentError(
      `packRows: members must be one per sequence of packing, ${packing.batch}; got ${members.length}`,
    );
  }
  const { batch, order, lengths } = packing;
  const features: Feature[] = [];
  for (let b = 0; b < batch; b++) features.push(of(members[order[b]]));
  if (batch === 0) return new Int32Array(0);
  const [first] = features;
  const form = formOf(first);
  for (let b = 0; b < batch; b++) expectForm(name, members[order[b]], features[b], form, lengths[b]);
  if (ArrayBuffer.isView(first)) return packOnes(features as Int32Array[], packing);
  return 'ends' in first
    ? packLists(features as IntegerLists[], packing)
    : packTable(features as IntegerRows[], first.columns, packing);
}

function packOnes(features: readonly Int32Array[], { total, offsets }: Packing): Int32Array {
  const packed = new Int32Array(total);
  features.forEach((own, b) => {
    for (let t = 0; t < own.length; t++) packed[offsets[t] + b] = own[t];
  });
  return packed;
}

function packTable(features: readonly IntegerRows[], columns: number, { total, offsets }: Packing): IntegerRows {
  const values = new Int32Array(total * columns);
  features.forEach((own, b) => {
    const T = tokensOf(own);
    for (let t = 0; t < T; t++) {
      values.set(own.values.subarray(t * columns, (t + 1) * columns), (offsets[t] + b) * columns);
    }
  });
  return { columns, values };
}

function packLists(features: readonly IntegerLists[], { total, offsets }: Packing): IntegerLists {
  const ends = new Int32Array(total);
  const startOf = (own: IntegerLists, t: number): number => (t === 0 ? 0 : own.ends[t - 1]);
  features.forEach((own, b) => {
    for (let t = 0; t < own.ends.length; t++) ends[offsets[t] + b] = own.ends[t] - startOf(own, t);
  });
  for (let n = 1; n < total; n++) ends[n] += ends[n - 1];
  const values = new Int32Array(total === 0 ? 0 : ends[total - 1]);
  features.forEach((own, b) => {
    for (let t = 0; t < own.ends.length; t++) {
      const row = offsets[t] + b;
      values.set(own.values.subarray(startOf(own, t), own.ends[t]), row === 0 ? 0 : ends[row - 1]);
    }
  });
  return { ends, values };
}

/** Selects the features of some tokens, in the given order. */
export function pickFeatures(features: Features, tokens: readonly number[]): Features {
  return joined(features, tokens.map((n) => [features, n])); // prettier-ignore
}

/**
 * Replaces the features of some tokens.
 *
 * @param source for each token of `features`: the features to take from, of the same encoder, and the index of the token in them
 */
export function pickFrom(
  features: Features,
  source: (token: number) => readonly [features: Features, token: number],
): Features {
  const [first] = Object.values(features);
  const T = first === undefined ? 0 : tokensOf(first);
  return joined(
    features,
    Array.from({ length: T }, (_, t) => source(t)),
  );
}

/** Joins features of tokens from several sources, in the forms of one of them. */
function joined(form: Features, picks: readonly (readonly [features: Features, token: number])[]): Features {
  const picked = (name: string, feature: Feature): Feature => {
    const own = picks.map(([features, n]) => integersOf(features[name], n));
    if (ArrayBuffer.isView(feature)) return Int32Array.from(own, ([id]) => id);
    return 'ends' in feature ? listsOf(own) : rowsOf(feature.columns, own);
  };
  return Object.fromEntries(Object.entries(form).map(([name, feature]) => [name, picked(name, feature)]));
}

/** The integers of token n. */
export function integersOf(feature: Feature, n: number): Int32Array {
  if (ArrayBuffer.isView(feature)) return feature.subarray(n, n + 1);
  const { values } = feature;
  if ('ends' in feature) return values.subarray(n === 0 ? 0 : feature.ends[n - 1], feature.ends[n]);
  return values.subarray(n * feature.columns, (n + 1) * feature.columns);
}

const ONES = 'an Int32Array';

/** Describes the form of a feature in words. */
function formOf(feature: unknown): string {
  if (typedArrayName(feature) === 'Int32Array') return ONES;
  const { columns, ends, values } = (typeof feature === 'object' ? (feature ?? {}) : {}) as Partial<
    IntegerRows & IntegerLists
  >;
  if (typedArrayName(values) !== 'Int32Array') return describe(feature);
  if (ends !== undefined) return 'lists of integers';
  return `${show(columns)} integers per token`;
}

/** Requires a feature of the same form as the first one, with one entry per token: a longer one would overwrite the rows of others. */
function expectForm(name: string, place: number, feature: Feature, wanted: string, length: number): void {
  const form = formOf(feature);
  if (form !== wanted) {
    throw new ArgumentError(`packRows: ${name}[${place}] must be ${wanted}, as in the first sentence; got ${form}`);
  }
  if (form !== ONES) expectFeature('packRows', `${name}[${place}]`, feature);
  const tokens = tokensOf(feature);
  if (tokens === length) return;
  throw new ArgumentError(`packRows: ${name}[${place}] must have one entry per token, ${length}; got ${tokens}`);
}
