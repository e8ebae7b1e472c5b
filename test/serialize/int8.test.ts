import fc from 'fast-check';
import { quantizeRows, scaleRows } from '../../src/serialize/int8';
import { ArgumentError } from '../../src/tensor/errors';
import { columns, viewOf } from '../../src/tensor/view';

const matrix = (rows: number[][]) => viewOf(Float32Array.from(rows.flat()), [rows.length, rows[0].length]);

/** The worst |w − q·s| in units of s/2, over all rows, in float64: products of 7 and 24 bits are exact there, and so is the difference. */
function worst(rows: number[][]): number {
  const { q, scales } = quantizeRows(matrix(rows));
  const C = rows[0].length;
  let found = 0;
  rows.forEach((row, i) =>
    row.forEach((w, j) => {
      const error = Math.abs(Math.fround(w) - q[i * C + j] * scales[i]);
      expect(Math.abs(q[i * C + j])).toBeLessThanOrEqual(127);
      if (scales[i] === 0) expect(error).toBe(0);
      else found = Math.max(found, error / (scales[i] / 2));
    }),
  );
  return found;
}

test('by hand: a row of ±127 and halves, a row of zeros, a row of its own scale', () => {
  const { shape, q, scales } = quantizeRows(matrix([[127, -127, 2.5, -0.4], [0, 0, 0, 0], [-1, 0.5, 0.25, 0.125]])); // prettier-ignore
  expect(shape).toEqual([3, 4]);
  expect(Array.from(q)).toEqual([127, -127, 2, 0, 0, 0, 0, 0, -127, 63, 32, 16]);
  expect(scales[0]).toBe(1);
  expect(scales[1]).toBe(0);
  expect(127 * scales[2]).toBeGreaterThanOrEqual(1);
  expect(127 * (scales[2] * (1 - 2 ** -23))).toBeLessThan(1); // the least such float32
});

const rows = (element: fc.Arbitrary<number>) =>
  fc.integer({ min: 1, max: 5 }).chain((C) => fc.array(fc.array(element, { minLength: C, maxLength: C }), { minLength: 1, maxLength: 4 })); // prettier-ignore

test.each([
  ['any float32', fc.float({ noNaN: true, noDefaultInfinity: true })],
  ['weights', fc.float({ min: -2, max: 2, noNaN: true })],
  ['the smallest there are', fc.integer({ min: -500, max: 500 }).map((n) => n * 2 ** -149)],
  ['multiples of half a step', fc.integer({ min: -254, max: 254 }).map((n) => n / 2)],
])('|w − q·s| ≤ s/2 for %s', (_, element) => {
  fc.assert(
    fc.property(rows(element), (each) => {
      expect(worst(each)).toBeLessThanOrEqual(1);
    }),
    { seed: 7, numRuns: 400 },
  );
});

test('the bound is reached, and a coarser rounding would break it', () => {
  expect(worst([[127, 0.5]])).toBe(1);
  const { q, scales } = quantizeRows(matrix([[127, 0.75]]));
  expect(Math.abs(0.75 - (q[1] - 1) * scales[0]) / (scales[0] / 2)).toBeGreaterThan(1); // cut off instead of rounded
});

test('read again, numbers are the products, once rounded; twice quantized they are the same integers', () => {
  fc.assert(
    fc.property(rows(fc.float({ min: -8, max: 8, noNaN: true })), (each) => {
      const first = quantizeRows(matrix(each));
      const again = viewOf(Float32Array.from(first.q), first.shape);
      scaleRows(again, first.scales);
      first.q.forEach((q, k) => expect(again.data[k]).toBe(Math.fround(q * first.scales[Math.floor(k / each[0].length)]))); // prettier-ignore
      if (each.every((row) => row.every((w) => w === 0 || Math.abs(w) > 2 ** -100)))
        expect(quantizeRows(again).q).toEqual(first.q);
    }),
    { seed: 8, numRuns: 200 },
  );
});

test('any strides; what is no matrix is refused', () => {
  const whole = matrix([[0, 1, 2], [3, -4, 5]]); // prettier-ignore
  expect(quantizeRows(columns(whole, 1, 2)).q).toEqual(quantizeRows(matrix([[1, 2], [-4, 5]])).q); // prettier-ignore
  expect(() => quantizeRows(viewOf(new Float32Array(3), [3]))).toThrow(ArgumentError);
  expect(() => quantizeRows(matrix([[1, 2], [NaN, 1]]))).toThrow('w must be finite; row 1 is not'); // prettier-ignore
  expect(() => quantizeRows(matrix([[1, Infinity]]))).toThrow('w must be finite; row 0 is not');
});
