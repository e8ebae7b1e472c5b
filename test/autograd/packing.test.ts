import fc from 'fast-check';
import { packingOf, reversal, rowOf } from '../../src/autograd/index.js';
import { expectNoEmptySequence } from '../../src/autograd/packing.js';
import { ArgumentError } from '../../src/tensor/index.js';

const lengths = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 12 });

describe('packingOf', () => {
  test('lays out the example of its own header', () => {
    const p = packingOf([1, 3, 2]);
    expect([p.steps, p.batch, p.total]).toEqual([3, 3, 6]);
    expect([...p.batchSizes]).toEqual([3, 2, 1]);
    expect([...p.offsets]).toEqual([0, 3, 5, 6]);
    expect([...p.lengths]).toEqual([3, 2, 1]);
    expect([...p.order]).toEqual([1, 2, 0]);
    expect(rowOf(p, 1, 1)).toBe(4);
  });

  test('gives every token of every sequence exactly one row, longest sequences first', () => {
    fc.assert(
      fc.property(lengths, (given) => {
        const p = packingOf(given);
        const seen = new Set<number>();
        for (let b = 0; b < p.batch; b++) {
          expect(p.lengths[b]).toBe(given[p.order[b]]);
          if (b > 0) expect(p.lengths[b]).toBeLessThanOrEqual(p.lengths[b - 1]);
          for (let t = 0; t < p.lengths[b]; t++) {
            expect(b).toBeLessThan(p.batchSizes[t]);
            seen.add(rowOf(p, t, b));
          }
        }
        expect(seen.size).toBe(p.total);
        expect(p.total).toBe(given.reduce((sum, n) => sum + n, 0));
      }),
      { seed: 1 },
    );
  });

  test('equal lengths keep their order', () => {
    const given = Array.from({ length: 60 }, (_, k) => 1 + (k % 3));
    const places = (length: number) => [...given.keys()].filter((k) => given[k] === length);
    expect([...packingOf(given).order]).toEqual([3, 2, 1].flatMap(places));
  });

  test('an empty batch, and a batch of empty sequences, have no rows', () => {
    expect(packingOf([])).toMatchObject({ steps: 0, batch: 0, total: 0 });
    expect(packingOf([0, 0])).toMatchObject({ steps: 0, batch: 2, total: 0 });
  });

  test.each([-1, 1.5, NaN])('refuses the length %p and names its place', (bad) => {
    expect(() => packingOf([2, bad])).toThrow(ArgumentError);
    expect(() => packingOf([2, bad])).toThrow(/lengths\[1\]/);
    expect(() => packingOf([bad, 2])).toThrow(/lengths\[0\]/);
    expect(() => packingOf([bad])).toThrow(ArgumentError);
  });
});

describe('reversal', () => {
  test('sends the first token of a sequence to its last, and is its own inverse', () => {
    fc.assert(
      fc.property(lengths, (given) => {
        const p = packingOf(given);
        const map = reversal(p);
        for (let b = 0; b < p.batch; b++) {
          if (p.lengths[b] > 0) expect(map[rowOf(p, 0, b)]).toBe(rowOf(p, p.lengths[b] - 1, b));
        }
        expect([...map].map((r) => map[r])).toEqual([...map.keys()]);
      }),
      { seed: 2 },
    );
  });
});

describe('expectNoEmptySequence', () => {
  test('names an empty sequence by its place in the caller’s order', () => {
    for (const [lengths, place] of [
      [[2, 0, 1], 1],
      [[0], 0],
      [[3, 1, 1, 0], 3],
    ] as const) {
      expect(() => expectNoEmptySequence('pool', packingOf(lengths))).toThrow(ArgumentError);
      expect(() => expectNoEmptySequence('pool', packingOf(lengths))).toThrow(`pool: every sequence must have at least one row; got none for sequence ${place}`); // prettier-ignore
    }
  });

  test('takes batches without one, and the empty batch', () => {
    for (const lengths of [[], [1], [3, 1, 2]])
      expect(() => expectNoEmptySequence('pool', packingOf(lengths))).not.toThrow();
  });
});
