/** The model of a training on several ranks: what it must say where the answer is known, and its laws. */
import * as fc from 'fast-check';
import * as model from '../../src/bench/ranks';

const some: model.RankConstants = {
  perUpdate: 0.01,
  perWord: 1e-4,
  words: 1000,
  bytes: 8e6,
  bandwidth: 1e8,
  latency: 1e-3,
};

test('a step by hand: one rank computes, four send three quarters of the gradient twice', () => {
  expect(model.stepSeconds(1, some)).toBeCloseTo(0.01 + 0.1, 12);
  // a quarter of the words; 1.5 · 0.08 s on the link; 6 messages of the gradient, 6 of the counts
  expect(model.stepSeconds(4, some)).toBeCloseTo(0.01 + 0.025 + 0.12 + 0.006 + 0.006, 12);
  expect(model.rate(4, some)).toBeCloseTo(1000 / 0.167, 6);
  const exchanged = { ...some, perExchange: 0.02 };
  expect(model.stepSeconds(4, exchanged)).toBeCloseTo(0.167 + 0.02, 12);
  expect(model.stepSeconds(1, exchanged)).toBe(model.stepSeconds(1, some)); // nobody to wait for
});

const positive = fc.double({ min: 1e-6, max: 1, noNaN: true });
const constants = fc.record({
  ...{ perUpdate: positive, perWord: positive, latency: positive },
  ...{ words: fc.integer({ min: 1, max: 1e6 }), bytes: fc.integer({ min: 4, max: 1e9 }), bandwidth: fc.integer({ min: 1e6, max: 1e11 }) }, // prettier-ignore
});

test('R ranks are never R times as fast, and never faster than an update takes', () => {
  fc.assert(
    fc.property(constants, fc.integer({ min: 2, max: 200 }), (given, ranks) => {
      expect(model.rate(ranks, given)).toBeLessThan(ranks * model.rate(1, given));
      expect(model.rate(ranks, given)).toBeLessThan(given.words / given.perUpdate);
    }),
    { seed: 63 },
  );
});

test('more words, a faster link and a smaller gradient never make the share of several ranks worse', () => {
  const gain = (given: model.RankConstants, ranks: number) => model.rate(ranks, given) / model.rate(1, given);
  fc.assert(
    fc.property(constants, fc.integer({ min: 2, max: 64 }), (given, ranks) => {
      const base = gain(given, ranks) * (1 - 1e-9);
      for (const better of [
        { words: given.words * 2 },
        { bandwidth: given.bandwidth * 2 },
        { bytes: given.bytes / 2 },
        { latency: given.latency / 2 },
      ])
        // prettier-ignore
        expect(gain({ ...given, ...better }, ranks)).toBeGreaterThanOrEqual(base);
    }),
    { seed: 64 },
  );
});

test('the best number of ranks is the best of all', () => {
  fc.assert(
    fc.property(constants, (given) => {
      const rates = Array.from({ length: 40 }, (_, i) => model.rate(i + 1, given));
      expect(model.bestRanks(given, 40)).toBe(rates.indexOf(Math.max(...rates)) + 1);
    }),
    { seed: 65 },
  );
});

test('a line is found again, and never falls below 0', () => {
  const [intercept, slope] = model.lineThrough([1, 4, 9].map((x) => [x, 0.5 + 0.25 * x] as const));
  expect([intercept, slope]).toEqual([expect.closeTo(0.5, 12), expect.closeTo(0.25, 12)]);
  expect(
    model.lineThrough([
      [1, 3],
      [2, 1],
    ]),
  ).toEqual([expect.closeTo(1.2, 12), 0]); // means weighted by 1/9 and 1 // prettier-ignore
  expect(model.lineThrough([[1, 1], [3, 9]])).toEqual([0, 4]); // prettier-ignore
});
