import { createCpuKernels } from '../../src/kernels/index.js';
import fc from 'fast-check';
import { packingOf } from '../../src/autograd/packing.js';
import { dropoutBackward, dropoutForward, placesOf, wordDropout } from '../../src/layers/dropout.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { createKey, type RandomKey } from '../../src/tensor/random-key.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import { threefryOracle } from '../support/threefry.js';
import { dot, expectGradients, matrix, numbers, random, scattered, zerosFor } from './support.js';

const kernels = createCpuKernels();

fc.configureGlobal({ seed: 11, numRuns: 60 });

const lengths = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 });
const probability = fc.double({ min: 0.05, max: 0.95, noNaN: true });
const seeds = fc.integer({ min: 0, max: 1e6 });
const untouchable: RandomKey = new Proxy({} as RandomKey, {
  get() {
    throw new Error('the key must not be drawn from');
  },
});

function ones(N: number, D: number) {
  const x = allocate([N, D], 'float64');
  x.data.fill(1);
  return x;
}

describe.each(['float32', 'float64'] as const)('dropout in %s', (dtype) => {
  test('zeroes components or scales them by 1/(1−p), and leaves the input as it was', () => {
    const x = random([6, 5], createRng(1), dtype);
    const before = numbers(x);
    const { y } = dropoutForward(kernels, x, { p: 0.3, key: createKey(2) });
    const scale = dtype === 'float32' ? Math.fround(1 / 0.7) : 1 / 0.7;
    const round = dtype === 'float32' ? Math.fround : (v: number) => v;
    numbers(y).forEach((value, i) => expect([0, round(before[i] * scale)]).toContain(value + 0));
    expect(new Set(numbers(y).map((value) => value === 0)).size).toBe(2);
    expect(numbers(x)).toEqual(before);
    expect(dtypeOf(y.data)).toBe(dtype);
  });

  test('the mean over many draws is the input', () => {
    const draws = 40_000;
    const p = 0.35;
    const x = allocate([draws, 2], dtype);
    for (let n = 0; n < draws; n++) x.data.set([1, -3], 2 * n);
    const { y } = dropoutForward(kernels, x, { p, key: createKey(3) });
    // Standard error of the mean of x·m: |x|·√(p/(1−p)/draws); five of them.
    [1, -3].forEach((value, column) => {
      const mean = matrix(y).reduce((sum, row) => sum + row[column], 0) / draws;
      expect(Math.abs(mean - value)).toBeLessThan(5 * Math.abs(value) * Math.sqrt(p / (1 - p) / draws));
    });
  });
});

test('one mask serves all time steps of a sequence, and sequences have their own', () => {
  fc.assert(
    fc.property(lengths, probability, seeds, (sizes, p, seed) => {
      const packing = packingOf(sizes);
      const D = 7;
      const { y } = dropoutForward(kernels, ones(packing.total, D), { p, key: createKey(seed), packing });
      const rows = matrix(y);
      for (let t = 0; t < packing.steps; t++) {
        for (let b = 0; b < packing.batchSizes[t]; b++) expect(rows[packing.offsets[t] + b]).toEqual(rows[b]);
      }
    }),
  );
  const packing = packingOf([3, 2, 3]);
  const rows = matrix(dropoutForward(kernels, ones(8, 40), { p: 0.5, key: createKey(4), packing }).y);
  expect(rows[0]).not.toEqual(rows[1]);
  expect(rows[1]).not.toEqual(rows[2]);
});

test('element-wise masks differ from step to step', () => {
  const rows = matrix(dropoutForward(kernels, ones(3, 40), { p: 0.5, key: createKey(5) }).y);
  expect(rows[0]).not.toEqual(rows[1]);
  expect(rows[1]).not.toEqual(rows[2]);
});

test('p = 0 and evaluation are the identity, forward and backward, and draw nothing', () => {
  const x = random([4, 3], createRng(6));
  for (const options of [
    { p: 0, key: untouchable },
    { p: 0.5, key: untouchable, training: false },
    { p: 0.5, key: untouchable, training: false, packing: packingOf([1, 3]) },
  ]) {
    const { y, mask } = dropoutForward(kernels, x, options);
    expect(y).toBe(x);
    expect(mask).toBeNull();
    const dX = ones(4, 3);
    dropoutBackward(kernels, mask, x, dX);
    expect(numbers(dX)).toEqual(numbers(x).map((value) => value + 1));
  }
});

test.each([undefined, packingOf([2, 4, 1])])('gradients agree with finite differences, packing %#', (packing) => {
  const x = random([7, 5], createRng(7));
  const cotangent = random([7, 5], createRng(8));
  const forward = () => dropoutForward(kernels, x, { p: 0.4, key: createKey(9), packing });
  const grads = zerosFor({ x });
  dropoutBackward(kernels, forward().mask, cotangent, grads.x);
  expectGradients({ x }, grads, () => dot(cotangent, forward().y));
});

test('works on views with any strides', () => {
  const x = random([5, 4], createRng(10));
  const options = () => ({ p: 0.5, key: createKey(11) });
  const { y, mask } = dropoutForward(kernels, x, options());
  expect(numbers(dropoutForward(kernels, scattered(x), options()).y)).toEqual(numbers(y));
  const [plain, view] = [ones(5, 4), scattered(ones(5, 4))];
  dropoutBackward(kernels, mask, x, plain);
  dropoutBackward(kernels, mask, scattered(x), view);
  expect(numbers(view)).toEqual(numbers(plain));
});

test.each([1, -0.1, 1.5, NaN])('a probability of %p is refused', (p) => {
  const key = createKey(1);
  expect(() => dropoutForward(kernels, ones(2, 2), { p, key })).toThrow(ArgumentError);
  expect(() => dropoutForward(kernels, ones(2, 2), { p, key, training: false })).toThrow(`got ${p}`);
  expect(() => wordDropout(kernels, new Int32Array(2), p, 0, key)).toThrow(ArgumentError);
});

test('rows that are not those of the packing are refused', () => {
  const options = { p: 0.5, key: createKey(1), packing: packingOf([2, 1]) };
  expect(() => dropoutForward(kernels, ones(4, 2), options)).toThrow(ShapeError);
  expect(() => dropoutBackward(kernels, null, ones(4, 2), ones(4, 3))).toThrow(ShapeError);
});

test('places that are not two per row are refused', () => {
  const places = new Int32Array(5);
  const options = { p: 0.5, key: createKey(1), places };
  expect(() => dropoutForward(kernels, ones(3, 2), options)).toThrow('two integers per row, 6; got 5');
  expect(() => dropoutForward(kernels, ones(3, 2), { ...options, training: false })).toThrow(ShapeError);
  expect(() => wordDropout(kernels, new Int32Array(3), 0.5, 1, createKey(1), places)).toThrow(
    'two integers per row, 6; got 5',
  );
  expect(() => placesOf(packingOf([2, 1]), [7])).toThrow('one number per sequence, 2; got 1');
});

describe('masks are drawn by place', () => {
  const D = 9;
  const key = createKey(12);

  /** The factors of each sequence, step by step, by its number. */
  function masksOf(sizes: readonly number[], sequences: readonly number[], perSequence: boolean, seed = key) {
    const packing = packingOf(sizes);
    const options = { p: 0.5, key: seed, places: placesOf(packing, sequences), ...(perSequence && { packing }) };
    const rows = matrix(dropoutForward(kernels, ones(packing.total, D), options).y);
    const of = new Map<number, number[][]>(sequences.map((sequence) => [sequence, []]));
    for (let t = 0; t < packing.steps; t++) {
      for (let b = 0; b < packing.batchSizes[t]; b++) {
        of.get(sequences[packing.order[b]])!.push(rows[packing.offsets[t] + b]);
      }
    }
    return of;
  }

  test.each([false, true])('a sequence has the mask it has alone, in any batch; per sequence: %p', (perSequence) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 7 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 7, maxLength: 7 }),
        (sequences, sizes) => {
          const batch = masksOf(sizes.slice(0, sequences.length), sequences, perSequence);
          sequences.forEach((sequence, i) => {
            expect(batch.get(sequence)).toEqual(masksOf([sizes[i]], [sequence], perSequence).get(sequence));
          });
        },
      ),
    );
  });

  test('a longer sequence begins with the mask of a shorter one', () => {
    expect(masksOf([9], [5], false).get(5)!.slice(0, 4)).toEqual(masksOf([4], [5], false).get(5));
  });

  test('keys, sequences and steps all have masks of their own', () => {
    const [T, B] = [5, 40];
    const numbers = Array.from({ length: B }, (_, b) => b);
    const seen = new Set<string>();
    for (const own of [key, key.fold(0), key.fold(1), key.fold('input'), createKey(13)]) {
      const wide = packingOf(new Array<number>(B).fill(T));
      const options = { p: 0.5, key: own, places: placesOf(wide, numbers) };
      for (const row of matrix(dropoutForward(kernels, ones(B * T, 64), options).y)) seen.add(row.join());
    }
    expect(seen.size).toBe(5 * B * T);
  });

  test('a row and a sequence without places are at their place in the order of the caller', () => {
    const x = ones(3, D);
    const rows = Int32Array.of(0, 0, 1, 0, 2, 0);
    expect(matrix(dropoutForward(kernels, x, { p: 0.5, key }).y)).toEqual(
      matrix(dropoutForward(kernels, x, { p: 0.5, key, places: rows }).y),
    );
    const packing = packingOf([1, 2]);
    expect([...placesOf(packing)]).toEqual([1, 0, 0, 0, 1, 1]);
    expect(matrix(dropoutForward(kernels, x, { p: 0.5, key, packing }).y)).toEqual(
      matrix(dropoutForward(kernels, x, { p: 0.5, key, packing, places: placesOf(packing) }).y),
    );
  });

  test('word dropout hides a word by its place too', () => {
    const ids = Int32Array.from({ length: 60 }, (_, n) => 10 + n);
    const places = Int32Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? i % 7 : i));
    const whole = wordDropout(kernels, ids, 0.5, 1, key, places);
    expect(new Set(whole).size).toBeGreaterThan(10);
    ids.forEach((_, n) => {
      const alone = wordDropout(kernels, ids.slice(n, n + 1), 0.5, 1, key, places.slice(2 * n, 2 * n + 2));
      expect(alone[0]).toBe(whole[n]);
    });
  });
});

describe('word dropout', () => {
  const ids = Int32Array.from({ length: 20_000 }, (_, i) => 2 + (i % 50));

  test('hides a word where the number drawn at its step and sequence lies below p·2³²', () => {
    const own = createKey(21);
    const key4 = Array.from(own.words, (word) => BigInt(word >>> 0));
    const few = Int32Array.of(40, 41, 42, 43);
    const hidden = (n: number, p: number, places?: Int32Array) => wordDropout(kernels, few, p, 1, own, places)[n] === 1;
    const places = Int32Array.of(9, 0, 9, 1, 9, 2, 4, 7);
    few.forEach((_, n) => {
      for (const [sequence, step, given] of [
        [n, 0, undefined],
        [places[2 * n], places[2 * n + 1], places],
      ] as const) {
        const drawn = Number(threefryOracle(key4, [0n, BigInt(step), BigInt(sequence), 0n])[0]);
        expect([hidden(n, drawn / 2 ** 32, given), hidden(n, (drawn + 1) / 2 ** 32, given)]).toEqual([false, true]);
      }
    });
  });

  test('replaces a share p of the words by the unknown word and leaves the rest', () => {
    const p = 0.2;
    const out = wordDropout(kernels, ids, p, 1, createKey(1));
    const replaced = [...out].filter((id) => id === 1).length;
    expect([...out].every((id, i) => id === 1 || id === ids[i])).toBe(true);
    expect(Math.abs(replaced - p * ids.length)).toBeLessThan(5 * Math.sqrt(ids.length * p * (1 - p)));
    expect([...wordDropout(kernels, ids, p, 1, createKey(1))]).toEqual([...out]);
  });

  test('takes one unknown word per row, too', () => {
    const unknown = ids.map((id) => 1000 + id);
    const one = wordDropout(kernels, ids, 0.2, 1, createKey(1));
    expect([...wordDropout(kernels, ids, 0.2, unknown, createKey(1))]).toEqual(
      [...one].map((id, n) => (id === 1 ? unknown[n] : id)),
    );
  });

  test('p = 0 is the identity and draws nothing', () => {
    expect(wordDropout(kernels, ids, 0, 1, untouchable)).toBe(ids);
  });
});
