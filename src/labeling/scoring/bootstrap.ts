/**
 * The paired bootstrap test: is the difference between two systems on one test set larger than expected by chance?
 *
 * Samples are drawn from the sentences of the test set with replacement, each of the size of the test set, and both systems are scored on
 * each sample (Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004). Let δ be the difference on the test
 * set, in favor of the better system, and δᵢ that of sample i. The p-value is the share of samples with δᵢ ≥ 2δ: samples scatter around δ,
 * so 2δ is as far from their center as δ is from 0, the value without a difference (Berg-Kirkpatrick, Burkett and Klein, An Empirical
 * Investigation of Statistical Significance in NLP, EMNLP 2012; they count δᵢ > 2δ, whereas here ties count against a difference). The test
 * is one-sided, for the system that is better on the test set. Without a difference p is 1.
 *
 * The confidence interval reaches from the 2.5th to the 97.5th percentile of the δᵢ.
 */
import { expectKnownKeys, expectPositiveInteger, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { createRng } from '../../tensor/random.js';
import type { Counts } from './precision-recall.js';
import { ratio } from './precision-recall.js';

/** The counts of a measure in each sentence, for both systems. */
export interface PairedCounts {
  readonly a: readonly Counts[];
  readonly b: readonly Counts[];
}

/** Turns summed counts into a score: F1 over all. With one prediction per decision it equals the accuracy. */
export function scoreOf({ correct, predicted, gold }: Counts): number {
  return ratio(2 * correct, predicted + gold);
}

/** The result for one measure. Scores and differences are fractions. */
export interface Significance {
  readonly a: number;
  readonly b: number;
  /** b − a. */
  readonly difference: number;
  /** The 2.5th and 97.5th percentiles of the difference over the samples. */
  readonly interval: readonly [low: number, high: number];
  readonly p: number;
  /** Shares of the samples in which a is better, b is better, and both are equal. */
  readonly shares: { readonly a: number; readonly b: number; readonly equal: number };
}

/** Options for drawing samples. */
export interface BootstrapOptions {
  /** Number of samples; default 10,000. */
  readonly samples?: number;
  /** Seed of the draws; default 1. */
  readonly seed?: number;
  /** Called with the number of samples done. */
  readonly onProgress?: (done: number, samples: number) => void;
}

const KEYS = keysOf<BootstrapOptions>({ samples: true, seed: true, onProgress: true });

/** Differences smaller than this count as equal, because they are due to rounding. */
const SAME = 1e-12;

/** Number of samples between two progress reports. */
const REPORT_EVERY = 100;

/**
 * Tests several measures on the same samples.
 *
 * @param measures counts of every sentence, all lists of the same length
 * @throws ArgumentError if there are no sentences, or the lists differ in length
 */
export function pairedBootstrap<Name extends string>(
  measures: Readonly<Record<Name, PairedCounts>>,
  options: BootstrapOptions = {},
): Record<Name, Significance> {
  expectKnownKeys('pairedBootstrap', 'options', options, KEYS);
  const { samples = 10_000, seed = 1, onProgress } = options;
  expectPositiveInteger('pairedBootstrap', 'samples', samples);
  const names = Object.keys(measures) as Name[];
  const sentences = sizeOf(names.flatMap((name) => [measures[name].a, measures[name].b]));
  const found = names.map((name) => ({ name, flat: flatten(measures[name]), differences: new Float64Array(samples) }));
  const rng = createRng(seed).split('bootstrap');
  const drawn = new Int32Array(sentences);
  for (let i = 0; i < samples; i++) {
    for (let k = 0; k < sentences; k++) drawn[k] = rng.integer(sentences);
    for (const { flat, differences } of found) differences[i] = differenceOn(flat, drawn);
    if ((i + 1) % REPORT_EVERY === 0) onProgress?.(i + 1, samples);
  }
  const all = Int32Array.from({ length: sentences }, (_, k) => k);
  return Object.fromEntries(
    found.map(({ name, flat, differences }) => [name, significanceOf(flat, all, differences)]),
  ) as Record<Name, Significance>;
}

function sizeOf(lists: readonly (readonly Counts[])[]): number {
  const size = lists[0]?.length ?? 0;
  if (size > 0 && lists.every(({ length }) => length === size)) return size;
  const got = lists.map(({ length }) => length).join(', ');
  throw new ArgumentError(`pairedBootstrap: expected counts of the same sentences, at least one; got lists of ${got}`);
}

/** `[sentences, 6]`: correct, predicted and gold of a, then of b. */
function flatten({ a, b }: PairedCounts): Float64Array {
  const flat = new Float64Array(6 * a.length);
  a.forEach(({ correct, predicted, gold }, k) => flat.set([correct, predicted, gold], 6 * k));
  b.forEach(({ correct, predicted, gold }, k) => flat.set([correct, predicted, gold], 6 * k + 3));
  return flat;
}

function sumsOn(flat: Float64Array, drawn: Int32Array): Float64Array {
  const sums = new Float64Array(6);
  for (const k of drawn) for (let c = 0; c < 6; c++) sums[c] += flat[6 * k + c];
  return sums;
}

const scoreAt = (sums: Float64Array, at: 0 | 3): number =>
  scoreOf({ correct: sums[at], predicted: sums[at + 1], gold: sums[at + 2] });

function differenceOn(flat: Float64Array, drawn: Int32Array): number {
  const sums = sumsOn(flat, drawn);
  return scoreAt(sums, 3) - scoreAt(sums, 0);
}

function significanceOf(flat: Float64Array, all: Int32Array, differences: Float64Array): Significance {
  const sums = sumsOn(flat, all);
  const [a, b] = [scoreAt(sums, 0), scoreAt(sums, 3)];
  const difference = b - a;
  const samples = differences.length;
  const share = (is: (d: number) => boolean): number => differences.filter(is).length / samples;
  const sign = Math.sign(difference);
  const sorted = differences.slice().sort();
  const cut = Math.floor(0.025 * (samples - 1)); // leaves out as many below as above
  return {
    a,
    b,
    difference,
    interval: [sorted[cut], sorted[samples - 1 - cut]],
    p: Math.abs(difference) <= SAME ? 1 : share((d) => sign * d >= 2 * Math.abs(difference) - SAME),
    shares: { a: share((d) => d < -SAME), b: share((d) => d > SAME), equal: share((d) => Math.abs(d) <= SAME) },
  };
}
