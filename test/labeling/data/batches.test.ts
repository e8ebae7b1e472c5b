import fc from 'fast-check';
import { batchesOf, packBatch, packRows } from '../../../src/labeling/data/batches.js';
import { createRng } from '../../../src/tensor/random.js';
import { ArgumentError } from '../../../src/tensor/errors.js';

const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 300 });

test('an epoch has every sentence exactly once, in batches of at most the size', () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 40 }), fc.option(fc.nat(9)), (given, size, seed) => {
      const batches = batchesOf(given, size, seed === null ? undefined : createRng(seed));
      expect(batches.flat().sort((p, q) => p - q)).toEqual([...given.keys()]);
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(size);
    }),
    { seed: 1 },
  );
});

test('without a generator the order is by length alone; with one it depends on the seed, and lengths stay together', () => {
  const given = Array.from({ length: 400 }, (_, i) => 1 + ((i * 7919) % 40));
  const sorted = batchesOf(given, 8).map((batch) => batch.map((i) => given[i]));
  expect(sorted.flat()).toEqual([...sorted.flat()].sort((p, q) => q - p));
  expect(batchesOf(given, 8, createRng(1))).toEqual(batchesOf(given, 8, createRng(1)));
  expect(batchesOf(given, 8, createRng(1))).not.toEqual(batchesOf(given, 8, createRng(2)));
  const wasted = batchesOf(given, 8, createRng(1)).map((batch) => {
    const sizes = batch.map((i) => given[i]);
    return 1 - sizes.reduce((sum, n) => sum + n) / (sizes.length * Math.max(...sizes));
  });
  // Random batches of 8 of these lengths would be 40 % air; pools of 16 batches leave less than a tenth.
  expect(wasted.reduce((sum, w) => sum + w) / wasted.length).toBeLessThan(0.1);
});

test('with a generator, pools are drawn from the whole corpus: sentences far apart meet, others in every epoch', () => {
  const size = 4;
  const pool = 16 * size;
  const given = new Array<number>(10 * pool).fill(7); // of one length: nothing but the shuffle brings places together
  const spans = (seed: number) => batchesOf(given, size, createRng(seed)).map((b) => Math.max(...b) - Math.min(...b));
  for (const seed of [1, 2, 3]) expect(spans(seed).filter((span) => span > pool).length).toBeGreaterThan(100);
  const companions = (seed: number) => {
    const batch = batchesOf(given, size, createRng(seed)).find((members) => members.includes(0)) ?? [];
    return [...batch].sort((p, q) => p - q);
  };
  expect(companions(1)).not.toEqual(companions(2));
});

test('with a generator, batches come in random order, not from long to short', () => {
  const given = Array.from({ length: 64 }, (_, i) => i + 1); // one pool of 16 batches, sorted within
  const batches = batchesOf(given, 4, createRng(3));
  const first = batches.map((members) => given[members[0]]);
  expect(first).not.toEqual([...first].sort((p, q) => q - p));
});

test('a batch size that is not a positive integer is refused', () => {
  expect(() => batchesOf([3], 0)).toThrow(ArgumentError);
});

test('packing puts token t of a sentence into block t, and the longest sentence first', () => {
  const ids = [Int32Array.of(10, 11), Int32Array.of(20, 21, 22), Int32Array.of(30)];
  const batch = packBatch([2, 3, 1], [2, 0, 1]);
  expect([...packRows(ids, batch.members, batch.packing)]).toEqual([20, 10, 30, 21, 11, 22]);
  expect([...batch.packing.order].map((place) => batch.members[place])).toEqual([1, 0, 2]);
  expect([
    ...packRows([Int32Array.of(1, 2), Int32Array.of(3, 4, 5), Int32Array.of(6)], [2, 0, 1], batch.packing),
  ]).toEqual([3, 1, 6, 4, 2, 5]);
});
