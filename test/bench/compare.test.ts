/**
 * Intervals of `bptt bench --against`, on turns drawn from known distributions: how often a program compared with itself is
 * called a change, and whether a change of known size is found. Nothing is timed here.
 */
import {
  compare,
  describeComparison,
  pairedInterval,
  speedOf,
  studentQuantile,
  trimmedMean,
  unpairedInterval,
} from '../../src/bench/compare';
import type { Row } from '../../src/bench/types';
import { createRng } from '../../src/tensor';
import type { Rng } from '../../src/tensor';

/** The logarithm of what disturbs one turn. */
type Noise = (rng: Rng) => number;
const NOISES: Readonly<Record<string, Noise>> = {
  'normal, 5 %': (rng) => 0.05 * rng.normal(),
  'spikes: one turn in seven loses up to a third': (rng) =>
    0.02 * rng.normal() - (rng.next() < 1 / 7 ? 0.4 * rng.next() : 0),
  'heavy tails: Student t with 3 degrees of freedom, 3 %': (rng) => {
    const chi = [0, 0, 0].reduce((sum) => sum + rng.normal() ** 2, 0);
    return (0.03 * rng.normal()) / Math.sqrt(chi / 3);
  },
};

const row = (turns: readonly number[], fields: Partial<Row> = {}): Row => ({
  ...{ suite: 'gemm', case: 'c', system: 's', version: '1', backend: 'b', threads: 1, metric: 'GFLOP/s' },
  ...{ p50: trimmedMean(turns), p95: 1, turns, ...fields },
});

/** How many of the trials say each word. */
function tally(trials: number, verdict: (rng: Rng) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  const rng = createRng(41);
  for (let i = 0; i < trials; i++) {
    const word = verdict(rng);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}
const changes = (counts: Record<string, number>): number => (counts.better ?? 0) + (counts.worse ?? 0);

/** Both programs in turns; the machine's own pace walks about, and hits both alike. */
function raced(rng: Rng, n: number, noise: Noise, factor: number): [Row, Row] {
  let drift = 0;
  const turns = Array.from({ length: n }, () => {
    drift += 0.1 * rng.normal();
    return [Math.exp(drift + noise(rng)) * factor, Math.exp(drift + noise(rng))];
  });
  return [row(turns.map(([x]) => x)), row(turns.map(([, y]) => y))];
}

/** Two runs of different hours, on a machine whose pace was `hours` then and 1 now. */
function apart(rng: Rng, n: number, noise: Noise, factor: number, hours: number): [Row, Row] {
  const run = (speed: number, pace: number): Row => {
    const paces = Array.from({ length: n }, () => pace * Math.exp(noise(rng)));
    return row(
      paces.map(() => speed * pace * Math.exp(noise(rng))),
      { pace: paces },
    );
  };
  return [run(factor, 1), run(1, hours)];
}

const TRIALS = 40;
/** Of 40 trials at a rate of 1 %, more than 3 are changes once in 1,400 such tallies (binomial distribution). */
const MOST = 3;
/** Of those that take longer. */
const FEW = 16;

describe.each(Object.entries(NOISES))('%s', (_, noise) => {
  test.each([7, 21])('%d turns: a program raced against itself is not a change', (n) => {
    const counts = tally(TRIALS, (rng) => compare(...listed(raced(rng, n, noise, 1)), true)!.verdict);
    expect(changes(counts)).toBeLessThanOrEqual(MOST);
    if (n === 21) expect(counts['no difference']).toBeGreaterThan(0.97 * TRIALS - MOST);
  });

  test('21 turns: a tenth faster, and a tenth slower, is found', () => {
    const faster = tally(TRIALS, (rng) => compare(...listed(raced(rng, 21, noise, 1.1)), true)!.verdict);
    const slower = tally(TRIALS, (rng) => compare(...listed(raced(rng, 21, noise, 1 / 1.1)), true)!.verdict);
    expect([faster.better, slower.worse].every((found) => found > 0.75 * TRIALS)).toBe(true);
    expect([faster.worse, slower.better]).toEqual([undefined, undefined]);
  });

  test('files of two hours: the same program is not a change, also where the machine has become slower or faster', () => {
    for (const hours of [1.26, 0.78]) {
      const counts = tally(FEW, (rng) => compare(...listed(apart(rng, 21, noise, 1, hours)))!.verdict);
      expect(changes(counts)).toBeLessThanOrEqual(MOST);
    }
  });

  test('files of two hours: a fifth faster is found where the machine is the same', () => {
    const counts = tally(FEW, (rng) => compare(...listed(apart(rng, 21, noise, 1.2, 1)))!.verdict);
    expect(counts.better).toBeGreaterThan(0.7 * FEW);
  });
});

/** The arguments of `compare`. */
const listed = ([now, then]: [Row, Row]): [Row, Row[]] => [now, [then]];

test('the method fails where it must: without pairs, a machine that wanders is taken for a change', () => {
  const noise = NOISES['normal, 5 %'];
  const counts = tally(TRIALS, (rng) => {
    const [now, then] = raced(rng, 21, noise, 1);
    const start = 0.5 * rng.normal(); // another hour
    return compare(row(now.turns!.map((x) => x * Math.exp(start))), [then])!.verdict;
  });
  expect(changes(counts)).toBeGreaterThan(0.3 * TRIALS);
});

describe('intervals', () => {
  const rng = createRng(3);
  const [x, y] = [0, 1].map(() => Array.from({ length: 11 }, () => 10 * Math.exp(0.1 * rng.normal())));

  test('contain the ratio, are the same for the same turns, and do not depend on the unit', () => {
    for (const interval of [pairedInterval, unpairedInterval]) {
      const { ratio, low, high } = interval(x, y)!;
      expect(low < ratio && ratio < high).toBe(true);
      expect(interval(x, y)).toEqual({ ratio, low, high });
      const doubled = interval(
        x.map((value) => 2 * value),
        y,
      )!;
      [doubled.ratio / ratio, doubled.low / low, doubled.high / high].forEach((each) => expect(each).toBeCloseTo(2, 9));
    }
  });

  test('of turns that are all alike are a point', () => {
    const { ratio, low, high } = pairedInterval(new Array(8).fill(3), new Array(8).fill(2))!;
    [ratio, low, high].forEach((each) => expect(each).toBeCloseTo(1.5, 12));
  });

  test('need five turns of numbers above 0', () => {
    for (const interval of [pairedInterval, unpairedInterval]) {
      expect(interval([1, 2, 3, 4], [1, 2, 3, 4, 5])).toBeUndefined();
      expect(interval([1, 2, 3, 4, 0], [1, 2, 3, 4, 5])).toBeUndefined();
      expect(interval([1, 2, 3, 4, 5], [1, 2, 3, 4, Infinity])).toBeUndefined();
    }
  });

  test('the trimmed mean leaves a fifth out at either end', () => {
    expect(trimmedMean([100, 1, 2, 3, -50])).toBe(2);
    expect(trimmedMean([1, 2, 6])).toBe(3);
  });

  test("Student's quantile, against tables", () => {
    for (const [freedom, tabulated] of [
      [4, 4.604],
      [6, 3.707],
      [10, 3.169],
      [20, 2.845],
      [100, 2.626],
    ])
      expect(Math.abs(studentQuantile(freedom) / tabulated - 1)).toBeLessThan(0.02);
  });
});

describe('a comparison', () => {
  const even = (value: number, spread = 0.001): number[] =>
    Array.from({ length: 21 }, (_, i) => value * (1 + spread * (((i * 8) % 21) - 10)));

  test('is better or worse by the metric', () => {
    expect(compare(row(even(1.2)), [row(even(1))], true)).toMatchObject({ verdict: 'better' });
    expect(compare(row(even(0.8)), [row(even(1))], true)).toMatchObject({ verdict: 'worse' });
    const ms = { metric: 'ms' } as const;
    expect(compare(row(even(0.8), ms), [row(even(1), ms)], true)).toMatchObject({ verdict: 'better' });
    expect(compare(row(even(1.2), ms), [row(even(1), ms)])).toMatchObject({ verdict: 'worse', paired: false });
  });

  test('of less than 2 % is not a difference, however sure', () => {
    expect(compare(row(even(1.01, 0)), [row(even(1, 0))], true)).toMatchObject({ verdict: 'no difference' });
  });

  test('whose interval is wide is unclear, and so is one without turns', () => {
    expect(compare(row(even(1, 0.09)), [row(even(1.001, -0.09))], true)).toMatchObject({ verdict: 'unclear' });
    const bare = { ...row(even(2)), turns: undefined };
    const none = compare(bare, [row(even(1))]);
    expect(none).toEqual({ ratio: expect.closeTo(2, 2) as number, verdict: 'unclear', paired: false });
    expect(describeComparison(none)).toBe('2.00× no interval');
  });

  test('is with the same case, system, threads and metric', () => {
    for (const other of [{ case: 'd' }, { system: 't' }, { threads: 2 }, { metric: 'ms' } as const])
      expect(compare(row(even(1)), [row(even(1), other)])).toBeNull();
    expect(describeComparison(null)).toBe('new');
  });

  test('of speeds turns durations over', () => {
    const comparison = { ratio: 2, low: 1.6, high: 2.5, verdict: 'worse', paired: true } as const;
    expect(speedOf(comparison, 'tokens/s')).toEqual({ ratio: 2, low: 1.6, high: 2.5 });
    expect(speedOf(comparison, 'ms')).toEqual({ ratio: 0.5, low: 0.4, high: 0.625 });
  });
});
