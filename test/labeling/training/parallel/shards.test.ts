import fc from 'fast-check';
import { shardsOf } from '../../../../src/labeling/training/parallel/shards.js';

const batches = fc
  .array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 24 })
  .chain((lengths) => fc.tuple(fc.constant(lengths), fc.shuffledSubarray([...lengths.keys()], { minLength: 1 })));
const check = (law: (lengths: number[], members: number[], count: number) => void) =>
  fc.assert(
    fc.property(batches, fc.integer({ min: 1, max: 7 }), ([lengths, members], count) => law(lengths, members, count)),
    { seed: 5 },
  );
const tokensOf = (lengths: number[], shard: number[]) => shard.reduce((sum, m) => sum + lengths[m], 0);

test('every sentence is in one shard, in the order of the batch; none is empty', () =>
  check((lengths, members, count) => {
    const shards = shardsOf(lengths, members, count);
    expect(shards).toHaveLength(Math.min(count, members.length));
    expect(shards.flat().sort((a, b) => a - b)).toEqual([...members].sort((a, b) => a - b));
    for (const shard of shards) {
      expect(shard.length).toBeGreaterThan(0);
      const places = shard.map((m) => members.indexOf(m));
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  }));

test('one shard is the batch itself', () =>
  check((lengths, members) => expect(shardsOf(lengths, members, 1)).toEqual([members])));

test('shards differ by no more than the longest sentence', () =>
  check((lengths, members, count) => {
    // The fullest shard was the emptiest when it got its last sentence.
    const sizes = shardsOf(lengths, members, count).map((shard) => tokensOf(lengths, shard));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(Math.max(...members.map((m) => lengths[m])));
  }));

test('longest first, to the emptiest, ties to the first', () => {
  expect(shardsOf([5, 9, 9, 2, 4, 1], [0, 1, 2, 3, 4, 5], 2)).toEqual([
    [0, 1, 5],
    [2, 3, 4],
  ]);
});
