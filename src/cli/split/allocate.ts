/**
 * Assigns each sentence to a part. Sentences that must stay together form one unit: those of a document, or identical ones.
 *
 * Units are placed by iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011, On the stratification of multi-label data):
 * the label with the fewest remaining sentences is processed first, and each unit with it goes to the part that needs most of
 * this label; ties go to the part that needs most sentences. A sentence is thus placed by its rarest label, and counts for all of
 * its labels.
 */
import { compareCodePoints } from '../../labeling/data/lists.js';
import type { SplitShares } from '../../labeling/data/split.js';
import { createRng } from '../../tensor/random.js';

/** Names of the parts, in the order of their shares. */
export const PARTS = ['train', 'dev', 'test'] as const;

/** Sentences that stay together. */
export interface Unit {
  /** Indices of its sentences, from 0. */
  readonly sentences: readonly number[];
  /** Number of them with each label. */
  readonly labels: ReadonlyMap<string, number>;
}

/** Groups sentences with equal keys into units, in order of first occurrence. @param labelsOf the distinct labels of each sentence */
export function unitsOf(keys: readonly string[], labelsOf: (sentence: number) => readonly string[]): Unit[] {
  const by = new Map<string, { sentences: number[]; labels: Map<string, number> }>();
  keys.forEach((key, s) => {
    const unit = by.get(key) ?? { sentences: [], labels: new Map<string, number>() };
    by.set(key, unit);
    unit.sentences.push(s);
    for (const label of labelsOf(s)) unit.labels.set(label, (unit.labels.get(label) ?? 0) + 1);
  });
  return [...by.values()];
}

/** The part of each unit, 0 to 2. The same units, shares and seed give the same parts. */
export function allocate(units: readonly Unit[], shares: SplitShares, seed: number): Uint8Array {
  const parts = new Uint8Array(units.length);
  const left = new Set(orderOf(units, seed));
  const fractions = PARTS.map((name) => shares[name] / 100);
  const total = units.reduce((sum, { sentences }) => sum + sentences.length, 0);
  const wanted = fractions.map((fraction) => fraction * total);
  const labels = labelsLeft(units, fractions);
  const place = (u: number, lacking: readonly number[]): void => {
    const part = neediest(lacking, wanted, fractions);
    parts[u] = part;
    left.delete(u);
    wanted[part] -= units[u].sentences.length;
    for (const [label, count] of units[u].labels) {
      const own = labels.get(label)!;
      own.left -= count;
      own.wanted[part] -= count;
    }
  };
  for (let label = rarest(labels); label !== undefined; label = rarest(labels)) {
    const own = labels.get(label)!;
    for (const u of left) if (units[u].labels.has(label)) place(u, own.wanted);
    labels.delete(label);
    for (const each of [...labels]) if (each[1].left === 0) labels.delete(each[0]);
  }
  for (const u of left) place(u, wanted); // those without any label
  return parts;
}

/** The units in a random order given by the seed, large ones first, since they are hardest to place. */
function orderOf(units: readonly Unit[], seed: number): number[] {
  const order = units.map((_, u) => u);
  createRng(seed).split('split').shuffle(order);
  return order.sort((a, b) => units[b].sentences.length - units[a].sentences.length);
}

interface LabelLeft {
  /** Number of sentences with the label not yet placed. */
  left: number;
  /** Number of them that each part still needs. */
  readonly wanted: number[];
}

function labelsLeft(units: readonly Unit[], fractions: readonly number[]): Map<string, LabelLeft> {
  const counts = new Map<string, number>();
  for (const { labels } of units)
    for (const [label, count] of labels) counts.set(label, (counts.get(label) ?? 0) + count);
  const ordered = [...counts].sort(([a], [b]) => compareCodePoints(a, b));
  return new Map(ordered.map(([label, left]) => [label, { left, wanted: fractions.map((each) => each * left) }]));
}

/** The label with the fewest remaining sentences; ties in code-point order. */
function rarest(labels: ReadonlyMap<string, LabelLeft>): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const [label, { left }] of labels) if (left < least) [found, least] = [label, left];
  return found;
}

/** Numbers that differ by less than this are equal, since they are sums of fractions. */
const EQUAL = 1e-9;

/** The part that needs most; ties go to the part that needs most sentences, then to the first. Parts of 0 % get nothing. */
function neediest(lacking: readonly number[], wanted: readonly number[], fractions: readonly number[]): number {
  let best = fractions.findIndex((fraction) => fraction > 0);
  for (let p = best + 1; p < fractions.length; p++) {
    if (fractions[p] === 0) continue;
    const more = lacking[p] - lacking[best];
    if (more > EQUAL || (more > -EQUAL && wanted[p] - wanted[best] > EQUAL)) best = p;
  }
  return best;
}
