import fc from 'fast-check';
import { ArgumentError } from '../../src/tensor/errors.js';
import type { Rng } from '../../src/tensor/random.js';
import { createRng, restoreRng, splitMix64 } from '../../src/tensor/random.js';

fc.configureGlobal({ seed: 7, numRuns: 60 });
const take = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);
const key = '0'.repeat(16);

describe('known answers', () => {
  test('xoshiro128** 1.1 from the state 1, 2, 3, 4: the first ten outputs of the reference implementation', () => {
    const rng = restoreRng({ key, words: [1, 2, 3, 4] });
    expect(take(10, () => rng.integer(2 ** 32))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test('SplitMix64 from the seed 1234567: the first five outputs of the reference implementation', () => {
    expect(splitMix64(1234567n, 5)).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });

  test('a uniform number holds the upper 27 and 26 bits of two outputs', () => {
    const rng = restoreRng({ key, words: [1, 2, 3, 4] });
    rng.integer(2 ** 32);
    rng.integer(2 ** 32);
    expect(rng.next()).toBe(((5927040 >>> 5) * 2 ** 26 + (70819200 >>> 6)) / 2 ** 53);
  });

  test('the words of a seed are the two first SplitMix64 outputs, low half first', () => {
    const [a, b] = splitMix64(42n, 2);
    const words = [a, a >> 32n, b, b >> 32n].map((w) => Number(w & 0xffffffffn));
    expect(createRng(42).state()).toEqual({ key: '000000000000002a', words });
  });
});

describe('laws', () => {
  const seeds = fc.maxSafeInteger();

  test('one seed, one stream; a state taken in the middle continues it, through JSON too', () => {
    fc.assert(
      fc.property(seeds, fc.nat(50), (seed, skip) => {
        const a = createRng(seed);
        const b = createRng(seed);
        take(skip, a.next);
        take(skip, b.next);
        const restored = restoreRng(JSON.parse(JSON.stringify(a.state())));
        const rest = take(5, a.normal);
        expect(take(5, b.normal)).toEqual(rest);
        expect(take(5, restored.normal)).toEqual(rest);
        expect(restored.split('x').next()).toBe(a.split('x').next());
      }),
    );
  });

  test('a named stream depends on seed and name, not on what was drawn', () => {
    fc.assert(
      fc.property(seeds, fc.string({ unit: 'binary' }), fc.nat(20), (seed, name, drawn) => {
        const fresh = createRng(seed).split(name);
        const late = createRng(seed);
        take(drawn, late.next);
        late.split('another');
        expect(take(3, late.split(name).next)).toEqual(take(3, fresh.next));
      }),
    );
  });

  test('streams of other names, seeds and depths differ', () => {
    const names = ['', 'a', 'b', 'ab', 'ba', 'a\u0000', 'init', 'dropout', 'ä', 'a\u0308'];
    const streams: Rng[] = [1, 2, -1, 2 ** 40].flatMap((seed) => {
      const root = createRng(seed);
      return [root, ...names.map((name) => root.split(name)), root.split('a').split('b'), root.split('b').split('a')];
    });
    const first = streams.map((rng) => rng.next());
    expect(new Set(first).size).toBe(streams.length);
  });

  test('shuffle permutes in place', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer()), (seed, xs) => {
        const shuffled = [...xs];
        expect(createRng(seed).shuffle(shuffled)).toBe(shuffled);
        expect([...shuffled].sort((p, q) => p - q)).toEqual([...xs].sort((p, q) => p - q));
        const typed = createRng(seed).shuffle(Int32Array.from(xs));
        expect([...typed]).toEqual(shuffled);
      }),
    );
  });

  test('integer stays in range, whatever n', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 2 ** 32 }), (seed, n) => {
        const i = createRng(seed).integer(n);
        expect(Number.isInteger(i) && i >= 0 && i < n).toBe(true);
      }),
    );
  });
});

describe('statistics', () => {
  /** Pearson's statistic of counts that should be equal. */
  const chiSquare = (counts: number[]) => {
    const mean = counts.reduce((p, q) => p + q) / counts.length;
    return counts.reduce((total, count) => total + (count - mean) ** 2 / mean, 0);
  };

  test('uniform numbers fill 64 cells and their 16 × 16 successive pairs evenly', () => {
    const rng = createRng(3);
    const cells = new Array<number>(64).fill(0);
    const pairs = new Array<number>(256).fill(0);
    for (let i = 0; i < 60000; i++) {
      const [u, v] = [rng.next(), rng.next()];
      cells[Math.floor(u * 64)]++;
      pairs[Math.floor(u * 16) * 16 + Math.floor(v * 16)]++;
    }
    expect(chiSquare(cells)).toBeLessThan(103.4); // 63 degrees of freedom, 0.1 %
    expect(chiSquare(pairs)).toBeLessThan(330.5); // 255 degrees of freedom, 0.1 %
  });

  test('integer has no modulo bias where 2^32 mod n is large', () => {
    const rng = createRng(4);
    const n = 3 * 2 ** 30; // plain modulo would give its first third twice as often
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30000; i++) thirds[Math.floor(rng.integer(n) / 2 ** 30)]++;
    expect(chiSquare(thirds)).toBeLessThan(13.8); // 2 degrees of freedom, 0.1 %
  });

  test('every order of four is equally likely', () => {
    const rng = createRng(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24000; i++) {
      const order = rng.shuffle([0, 1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(49.8); // 23 degrees of freedom, 0.1 %
  });

  test('normal numbers have the moments of a normal, and its share within one and two deviations', () => {
    const rng = createRng(6);
    const n = 100000;
    const zs = take(n, rng.normal);
    const moment = (k: number) => zs.reduce((total, z) => total + z ** k, 0) / n;
    const share = (limit: number) => zs.filter((z) => Math.abs(z) < limit).length / n;
    // Four standard errors of each estimate.
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    expect(Math.abs(share(1) - 0.682689)).toBeLessThan(4 * Math.sqrt(0.2166 / n));
    expect(Math.abs(share(2) - 0.9545)).toBeLessThan(4 * Math.sqrt(0.0434 / n));
  });
});

test('bad arguments are named', () => {
  for (const seed of [0.5, NaN, Infinity, 2 ** 53]) expect(() => createRng(seed)).toThrow(ArgumentError);
  expect(() => createRng(1.5)).toThrow('seed must be an integer of magnitude at most 2^53 - 1; got 1.5');
  for (const n of [0, -1, 1.5, NaN, 2 ** 32 + 1]) expect(() => createRng(1).integer(n)).toThrow(ArgumentError);
  const bad = [
    { key: 'short', words: [1, 2, 3, 4] },
    { key, words: [1, 2, 3] },
    { key, words: [0, 0, 0, 0] },
    { key, words: [1, 2, 3, -1] },
    { key, words: [1, 2, 3, 0.5] },
  ];
  for (const state of bad) expect(() => restoreRng(state)).toThrow(ArgumentError);
});
