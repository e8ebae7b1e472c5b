/** The paired bootstrap against samples drawn one by one, against all samples there are, and by its laws. */
import fc from 'fast-check';
import { pairedBootstrap } from '../../../src/labeling/scoring/bootstrap';
import { changesOf, labelCounts, spanCountsOf } from '../../../src/labeling/scoring/changes';
import { ArgumentError } from '../../../src/tensor/errors';
import { createRng } from '../../../src/tensor/random';

type Counts = { correct: number; predicted: number; gold: number };
type Pair = { a: Counts[]; b: Counts[] };

const seed = 33;
const f1 = (counts: readonly Counts[]): number => {
  const sum = (name: keyof Counts) => counts.reduce((total, each) => total + each[name], 0);
  return sum('predicted') + sum('gold') === 0 ? 0 : (2 * sum('correct')) / (sum('predicted') + sum('gold'));
};
const pick = (list: readonly Counts[], places: readonly number[]): Counts[] => places.map((k) => list[k]);
const differenceOn = ({ a, b }: Pair, places: readonly number[]): number => f1(pick(b, places)) - f1(pick(a, places));

/** The share of samples that are twice as far, in favor of the better system, and the percentiles, by the plainest means. */
function judged(pair: Pair, differences: readonly number[]) {
  const delta = differenceOn(pair, pair.a.map((_, k) => k)); // prettier-ignore
  const sign = delta < 0 ? -1 : 1;
  const far = differences.filter((d) => sign * d - 2 * sign * delta >= -1e-12).length;
  const sorted = [...differences].sort((x, y) => x - y);
  const cut = Math.floor(0.025 * (sorted.length - 1));
  return {
    difference: delta,
    p: Math.abs(delta) < 1e-12 ? 1 : far / differences.length,
    interval: [sorted[cut], sorted[sorted.length - 1 - cut]],
    better: differences.filter((d) => d > 1e-12).length / differences.length,
  };
}

const counts: fc.Arbitrary<Counts> = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3))
  .map(([correct, more, other]) => ({ correct, predicted: correct + more, gold: correct + other }));
const pair: fc.Arbitrary<Pair> = fc
  .integer({ min: 1, max: 7 })
  .chain((n) =>
    fc.tuple(fc.array(counts, { minLength: n, maxLength: n }), fc.array(counts, { minLength: n, maxLength: n })),
  )
  .map(([a, b]) => ({ a, b }));

test('is what samples drawn one by one give', () => {
  fc.assert(
    fc.property(pair, fc.integer({ min: 1, max: 60 }), fc.nat(1000), (each, samples, drawn) => {
      const rng = createRng(drawn).split('bootstrap');
      const n = each.a.length;
      const places = Array.from({ length: samples }, () => Array.from({ length: n }, () => rng.integer(n)));
      const expected = judged(each, places.map((sample) => differenceOn(each, sample))); // prettier-ignore
      const { f } = pairedBootstrap({ f: each }, { samples, seed: drawn });
      expect([f.difference, f.p, ...f.interval, f.shares.b]).toEqual(
        [expected.difference, expected.p, ...expected.interval, expected.better].map(
          (x) => expect.closeTo(x, 12) as number,
        ),
      );
      expect(f.shares.a + f.shares.b + f.shares.equal).toBeCloseTo(1, 12);
      expect([f.a, f.b]).toEqual([expect.closeTo(f1(each.a), 12), expect.closeTo(f1(each.b), 12)]);
    }),
    { seed, numRuns: 200 },
  );
});

test('comes close to all samples there are', () => {
  const of = (correct: number, predicted: number, gold: number): Counts => ({ correct, predicted, gold });
  const each: Pair = { a: [of(3, 5, 4), of(1, 1, 2), of(0, 2, 1), of(2, 2, 2)], b: [of(4, 4, 4), of(1, 2, 2), of(1, 1, 1), of(1, 3, 2)] }; // prettier-ignore
  const n = each.a.length;
  const all = Array.from({ length: n ** n }, (_, code) => Array.from({ length: n }, (_unused, k) => Math.floor(code / n ** k) % n)); // prettier-ignore
  const exact = judged(each, all.map((places) => differenceOn(each, places))); // prettier-ignore
  expect(exact.p).toBeGreaterThan(0.02);
  const samples = 20_000;
  const { f } = pairedBootstrap({ f: each }, { samples });
  const near = (share: number) => 4 * Math.sqrt((share * (1 - share)) / samples); // four standard errors
  expect(Math.abs(f.p - exact.p)).toBeLessThan(near(exact.p));
  expect(Math.abs(f.shares.b - exact.better)).toBeLessThan(near(exact.better));
  expect(f.difference).toBeCloseTo(exact.difference, 12);
});

test('a system against itself: no difference, and p is 1', () => {
  fc.assert(
    fc.property(fc.array(counts, { minLength: 1, maxLength: 9 }), (a) => {
      const { f } = pairedBootstrap({ f: { a, b: a } }, { samples: 20 });
      expect(f).toMatchObject({ difference: 0, interval: [0, 0], p: 1, shares: { a: 0, b: 0, equal: 1 } });
    }),
    { seed },
  );
});

test('swapping the systems swaps the signs, and p stays', () => {
  fc.assert(
    fc.property(pair, ({ a, b }) => {
      const there = pairedBootstrap({ f: { a, b } }, { samples: 50, seed: 2 }).f;
      const back = pairedBootstrap({ f: { a: b, b: a } }, { samples: 50, seed: 2 }).f;
      const [low, high] = there.interval;
      expect([back.difference, ...back.interval, back.p]).toEqual([-there.difference, -high, -low, there.p].map((x) => expect.closeTo(x, 12) as number)); // prettier-ignore
      expect([back.shares.a, back.shares.b]).toEqual([there.shares.b, there.shares.a]);
    }),
    { seed },
  );
});

test('a difference that every sentence shows leaves no doubt; measures share their samples', () => {
  const [a, b] = [0, 1].map((correct) => Array.from({ length: 30 }, () => ({ correct, predicted: 1, gold: 1 })));
  const found = pairedBootstrap({ x: { a, b }, y: { a, b } }, { samples: 100 });
  expect(found.x).toEqual({ a: 0, b: 1, difference: 1, interval: [1, 1], p: 0, shares: { a: 0, b: 1, equal: 0 } });
  expect(found.y).toEqual(found.x);
});

test('p of a difference that one sentence in two shows: samples of it alone are twice as far, and count', () => {
  const one = (correct: number) => ({ correct, predicted: 1, gold: 1 });
  const samples = 20_000;
  const { f } = pairedBootstrap({ f: { a: [one(0), one(0)], b: [one(1), one(0)] } }, { samples });
  expect(f.difference).toBe(0.5);
  expect(Math.abs(f.p - 1 / 4)).toBeLessThan(4 * Math.sqrt((1 / 4) * (3 / 4) / samples)); // prettier-ignore
  expect(f.interval).toEqual([0, 1]);
});

test('progress is told every 100 samples', () => {
  const one = [{ correct: 1, predicted: 1, gold: 1 }];
  const heardOf = (samples: number) => {
    const heard: number[][] = [];
    pairedBootstrap({ f: { a: one, b: one } }, { samples, onProgress: (...each) => void heard.push(each) });
    return heard;
  };
  expect(heardOf(99)).toEqual([]);
  expect(heardOf(250)).toEqual([[100, 250], [200, 250]]); // prettier-ignore
});

test('what it cannot work with is refused', () => {
  const one = [{ correct: 1, predicted: 1, gold: 1 }];
  expect(() => pairedBootstrap({ f: { a: [], b: [] } })).toThrow(ArgumentError);
  expect(() => pairedBootstrap({})).toThrow(ArgumentError);
  expect(() => pairedBootstrap({ f: { a: one, b: [] } })).toThrow(
    'expected counts of the same sentences, at least one; got lists of 1, 0',
  );
  expect(() => pairedBootstrap({ f: { a: one, b: one } }, { samples: 0 })).toThrow('samples');
});

describe('changes', () => {
  const sentence = { tokens: ['a', 'b', 'c'], labels: ['B-x', 'I-x', 'O'] };
  const reader = { mode: 'conlleval', scheme: null, kind: 'typed' } as const;
  const kindOf = (a: string, b: string, spans = true) =>
    changesOf([{ sentence, a: a.split(' '), b: b.split(' ') }], spans ? reader : null).map(({ kind, mistakes, tokens }) => [kind, mistakes.a, mistakes.b, tokens]); // prettier-ignore

  test('are better, worse, or wrong in both, by spans and then by labels', () => {
    expect(kindOf('B-x I-x O', 'B-x I-x O')).toEqual([]);
    expect(kindOf('B-x O O', 'B-x I-x O')).toEqual([['better', 2, 0, [1]]]);
    expect(kindOf('B-x I-x O', 'B-x I-x B-y')).toEqual([['worse', 0, 1, [2]]]);
    expect(kindOf('O O O', 'B-x O O')).toEqual([['worse', 1, 2, [0]]]); // a wrong span more, though a label less is wrong
    expect(kindOf('O O O', 'B-x O O', false)).toEqual([['better', 2, 1, [0]]]);
    expect(kindOf('B-x O O', 'B-y O O')).toEqual([['worse', 2, 2, [0]]]); // as many wrong spans, and a wrong label more
    expect(kindOf('B-y I-y O', 'B-z I-z O')).toEqual([['both-wrong', 2, 2, [0, 1]]]);
  });

  test('counts of one sentence', () => {
    expect(labelCounts(['O', 'X', 'X'], ['O', 'X', 'O'])).toEqual({ correct: 2, predicted: 3, gold: 3 });
    expect(spanCountsOf(reader, ['B-x', 'I-x', 'B-y'], ['B-x', 'I-x', 'B-z'])).toEqual({ correct: 1, predicted: 2, gold: 2 }); // prettier-ignore
  });
});
