/**
 * Compares rows with the same rows of an earlier program: a ratio, and a confidence interval for it.
 *
 * The unit is the turn: samples within one turn share the state of the machine, so that their number says little about the
 * precision of a figure. A row is the 20 % trimmed mean of the logarithms of its turns, which is robust against a few disturbed
 * turns. The interval is a percentile bootstrap over turns (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13;
 * with a trimmed mean: Wilcox, Introduction to Robust Estimation, 2012, §4.4), widened by √(n/(n−1)) · t/z for the number n of
 * turns (Hesterberg, What Teachers Should Know About the Bootstrap, 2015, §5.4, on the scale of the interval).
 *
 * - Two programs that took turns are compared turn by turn: a slowdown of both cancels out.
 * - A file from an earlier run has no such pairs. Its turns and the current ones are resampled separately, twice: unchanged, and
 *   each divided by the pace of the machine right after it. The interval covers both results, so that a slower machine is not
 *   mistaken for a slower program.
 */
import { createRng, exp, log } from '../tensor/index.js';
import type { Rng } from '../tensor/index.js';
import { quantileOfSorted } from './statistics.js';
import type { Row } from './types.js';
import { isRate } from './types.js';

/** Confidence level: of 100 comparisons of a program with itself, one may be reported as a change. */
export const CONFIDENCE = 0.99;
/** Number of bootstrap resamples. */
export const RESAMPLES = 2000;
/** Seed of the generator; the same turns give the same interval. */
const SEED = 20;
/** The 0.995-quantile of the normal distribution, of `CONFIDENCE`. */
const Z = 2.5758;
/** Minimum number of turns for an interval. */
export const LEAST_TURNS = 5;
/** Fraction of the turns trimmed at each end. */
const TRIMMED = 0.2;
/** Smaller changes are not reported as a difference, however significant. */
const LEAST_CHANGE = 0.02;
/** An interval that contains 1 and is wider than this (upper end divided by lower end) is inconclusive. */
const WIDEST = 1.25;

/** The verdict of a comparison. */
export type Verdict = 'better' | 'worse' | 'no difference' | 'unclear';

/** An interval of ratios. */
export interface Interval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** Comparison of one row with the same row of an earlier program. */
export interface Comparison {
  /** Current value divided by the earlier value, in the metric. */
  readonly ratio: number;
  /** Bounds of its confidence interval; undefined if there are too few turns. */
  readonly low?: number;
  readonly high?: number;
  /** `unclear`: the interval contains 1 and is wide, or there is none. */
  readonly verdict: Verdict;
  /** Whether the two programs took turns. */
  readonly paired: boolean;
}

/** Two paired series: turn i of one ran right before or after turn i of the other. */
export function pairedInterval(now: readonly number[], then: readonly number[]): Interval | undefined {
  const n = Math.min(now.length, then.length);
  if (n < LEAST_TURNS || !allPositive(now) || !allPositive(then)) return undefined;
  const differences = Array.from({ length: n }, (_, i) => log(now[i] / then[i]));
  return intervalOf([differences], n, ([each]) => each);
}

/** Two unpaired series, from different times. */
export function unpairedInterval(now: readonly number[], then: readonly number[]): Interval | undefined {
  const n = Math.min(now.length, then.length);
  if (n < LEAST_TURNS || !allPositive(now) || !allPositive(then)) return undefined;
  return intervalOf([now.map(log), then.map(log)], n, ([x, y]) => x - y);
}

/** The bootstrap: `of` computes a log ratio from the trimmed means of the series. */
function intervalOf(
  series: readonly (readonly number[])[],
  n: number,
  of: (means: readonly number[]) => number,
): Interval {
  const rng = createRng(SEED);
  const sorted = series.map((values) => Float64Array.from(values).sort());
  const estimate = of(sorted.map((values) => meanOfMiddle(values)));
  const drawn = Float64Array.from({ length: RESAMPLES }, () =>
    of(sorted.map((values) => meanOfMiddle(values, drawnFrom(values.length, rng)))),
  ).sort();
  const tail = (1 - CONFIDENCE) / 2;
  const widening = Math.sqrt(n / (n - 1)) * (studentQuantile(n - 1) / Z);
  const end = (q: number): number => exp(estimate + widening * (quantileOfSorted(drawn, q) - estimate));
  return { ratio: exp(estimate), low: end(tail), high: end(1 - tail) };
}

/** How often each of n items occurs in n draws with replacement. */
function drawnFrom(n: number, rng: Rng): Uint16Array {
  const counts = new Uint16Array(n);
  for (let i = 0; i < n; i++) counts[rng.integer(n)]++;
  return counts;
}

/** The mean without the fifth of the values at each end. */
export function trimmedMean(values: readonly number[]): number {
  return meanOfMiddle(Float64Array.from(values).sort());
}

/** … of values in ascending order, with multiplicities from `counts`; this avoids thousands of sorts in a bootstrap. */
function meanOfMiddle(sorted: Float64Array, counts?: Uint16Array): number {
  const n = sorted.length;
  const cut = Math.floor(TRIMMED * n);
  let sum = 0;
  let at = 0;
  for (let i = 0; i < n; i++) {
    const next = at + (counts === undefined ? 1 : counts[i]);
    const kept = Math.min(next, n - cut) - Math.max(at, cut);
    if (kept > 0) sum += kept * sorted[i];
    at = next;
  }
  return sum / (n - 2 * cut);
}

/** The 0.995-quantile of Student's t, by the expansion of Abramowitz & Stegun 26.7.5; within 2 % for 4 or more degrees of freedom. */
export function studentQuantile(freedom: number): number {
  const [z, z2] = [Z, Z * Z];
  const terms = [
    (z * (z2 + 1)) / 4,
    (z * (5 * z2 * z2 + 16 * z2 + 3)) / 96,
    (z * (3 * z2 * z2 * z2 + 19 * z2 * z2 + 17 * z2 - 15)) / 384,
  ];
  return z + terms[0] / freedom + terms[1] / (freedom * freedom) + terms[2] / (freedom * freedom * freedom);
}

function allPositive(values: readonly number[]): boolean {
  return values.every((x) => x > 0 && Number.isFinite(x));
}

/**
 * Compares a row with the row of the same suite, case, system, threads and metric; null if there is none. On a GPU the backend
 * identifies the system: it may be called `bptt` or `bptt-gpu`, depending on the other systems of the run.
 *
 * @param paired whether the earlier rows were measured in turns with these
 */
export function compare(row: Row, earlier: readonly Row[], paired = false): Comparison | null {
  const who = (each: Row): string => (each.device === undefined ? each.system : each.backend);
  const keys = ['suite', 'case', 'threads', 'metric'] as const;
  const before = earlier.find((each) => who(each) === who(row) && keys.every((key) => each[key] === row[key]));
  if (before === undefined) return null;
  const interval = intervalBetween(row, before, paired);
  if (interval === undefined) return { ratio: row.p50 / before.p50, verdict: 'unclear', paired };
  return { ...interval, verdict: verdictOf(interval, row), paired };
}

function intervalBetween(row: Row, before: Row, paired: boolean): Interval | undefined {
  if (row.turns === undefined || before.turns === undefined) return undefined;
  if (paired) return pairedInterval(row.turns, before.turns);
  const plain = unpairedInterval(row.turns, before.turns);
  const [atPace, before_] = [byPace(row), byPace(before)];
  const adjusted = atPace && before_ && unpairedInterval(atPace, before_);
  if (plain === undefined || adjusted === undefined) return plain;
  return { ratio: plain.ratio, low: Math.min(plain.low, adjusted.low), high: Math.max(plain.high, adjusted.high) };
}

/** Turns normalized to a pace of 1; undefined if the pace is unknown. */
function byPace({ turns, pace, metric }: Row): readonly number[] | undefined {
  if (turns === undefined || pace?.length !== turns.length) return undefined;
  return turns.map((value, i) => (isRate(metric) ? value / pace[i] : value * pace[i]));
}

function verdictOf({ ratio, low, high }: Interval, { metric }: Row): Verdict {
  if (low <= 1 && high >= 1) return high / low <= WIDEST ? 'no difference' : 'unclear';
  if (ratio < 1 + LEAST_CHANGE && ratio > 1 / (1 + LEAST_CHANGE)) return 'no difference';
  return isRate(metric) === ratio > 1 ? 'better' : 'worse';
}

/** Current speed relative to the earlier program: below 1 is slower, whatever the metric. */
export function speedOf({ ratio, low, high }: Comparison, metric: Row['metric']): Partial<Interval> {
  return isRate(metric) ? { ratio, low, high } : { ratio: 1 / ratio, low: high && 1 / high, high: low && 1 / low };
}

/** Formats a comparison for a table cell: `0.98× [0.95, 1.02] no difference`. */
export function describeComparison(comparison: Comparison | null): string {
  if (comparison === null) return 'new';
  const { ratio, low, high, verdict } = comparison;
  if (low === undefined || high === undefined) return `${ratio.toFixed(2)}× no interval`;
  return `${ratio.toFixed(2)}× [${low.toFixed(2)}, ${high.toFixed(2)}] ${verdict}`;
}
