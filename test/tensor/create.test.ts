import { copy, fromArray, normal, uniform, zeros, zerosLike } from '../../src/tensor/create.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { transpose } from '../../src/tensor/view.js';
import { elements } from '../support/tensors.js';

test('zeros: row-major, float32 unless asked otherwise, any rank, sizes of zero', () => {
  const x = zeros([2, 3]);
  expect(x.data).toEqual(new Float32Array(6));
  expect([x.shape, x.stride, x.offset]).toEqual([[2, 3], [3, 1], 0]);
  expect(zeros([4], 'float64').data).toEqual(new Float64Array(4));
  expect(zeros([]).data.length).toBe(1);
  expect(zeros([0, 5]).data.length).toBe(0);
  expect(() => zeros([2, -1])).toThrow(new ShapeError('a shape must hold integers of at least 0; got [2, -1]'));
  expect(() => zeros([1.5])).toThrow(ShapeError);
});

test('the shape given is not kept by reference', () => {
  const shape = [2, 3];
  const x = zeros(shape);
  shape[0] = 7;
  expect(x.shape).toEqual([2, 3]);
});

test('fromArray: nested, flat with a shape, typed arrays in their own type', () => {
  const x = fromArray([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(x.shape).toEqual([2, 3]);
  expect(x.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  expect(fromArray([1, 2, 3, 4, 5, 6], [3, 2]).get(2, 0)).toBe(5);
  expect(fromArray(Float64Array.of(1, 2), [1, 2]).data).toEqual(Float64Array.of(1, 2));
  expect(fromArray(Float64Array.of(1, 2), null, 'float32').data).toEqual(Float32Array.of(1, 2));
  expect(fromArray(5, null, 'float64').data).toEqual(Float64Array.of(5));
  expect(fromArray(5).shape).toEqual([]);
  expect(fromArray([[], []]).shape).toEqual([2, 0]);
});

test('fromArray copies', () => {
  const data = Float64Array.of(1, 2);
  const x = fromArray(data);
  data[0] = 9;
  expect(x.data[0]).toBe(1);
});

test('fromArray refuses ragged nesting, a wrong count, and what is not a number', () => {
  expect(() => fromArray([[1, 2], [3]])).toThrow(
    new ShapeError(
      'fromArray: the nesting must be rectangular, [2, 2]; at depth 1 expected an array of 2, got an array of 1',
    ),
  );
  expect(() => fromArray([[1, 2], 3])).toThrow('at depth 1 expected an array of 2, got 3');
  expect(() => fromArray([1, [2]])).toThrow('at depth 1 expected a number, got an array of 1');
  expect(() => fromArray([1, 2, 3], [2, 2])).toThrow(new ShapeError('fromArray: shape [2, 2] needs 4 elements; got 3'));
  expect(() => fromArray([1, '2'] as unknown as number[])).toThrow(
    new ArgumentError('fromArray: values must hold numbers; got the string "2"'),
  );
});

test('zerosLike and copy take the shape and type; copy packs a strided tensor and may convert', () => {
  const x = fromArray([[1, 2, 3]], null, 'float64');
  expect(zerosLike(x).data).toEqual(new Float64Array(3));
  const y = copy(transpose(x), 'float32');
  expect([y.shape, y.stride, y.data]).toEqual([[3, 1], [1, 1], Float32Array.of(1, 2, 3)]);
  y.set(0, 0, 9);
  expect(elements(x)).toEqual([1, 2, 3]);
});

test('uniform and normal: same seed same numbers, within range, of the deviation asked for', () => {
  const u = uniform([40, 50], -2, 3, createRng(1));
  expect(uniform([40, 50], -2, 3, createRng(1)).data).toEqual(u.data);
  expect(Math.min(...u.data)).toBeGreaterThanOrEqual(-2);
  expect(Math.max(...u.data)).toBeLessThanOrEqual(3);
  const mean = [...u.data].reduce((p, q) => p + q) / 2000;
  expect(Math.abs(mean - 0.5)).toBeLessThan((4 * 5) / Math.sqrt(12 * 2000));
  const z = normal([2000], 0.25, createRng(2), 'float64');
  expect(z.data).toBeInstanceOf(Float64Array);
  const variance = [...z.data].reduce((p, q) => p + q * q, 0) / 2000;
  expect(Math.abs(variance / 0.0625 - 1)).toBeLessThan(4 * Math.sqrt(2 / 2000));
  expect(uniform([3], 1.5, 1.5, createRng(1)).data).toEqual(Float32Array.of(1.5, 1.5, 1.5));
  expect(normal([2], 0, createRng(1)).data.every((x) => x === 0)).toBe(true);
});

test('uniform and normal refuse bounds and deviations without a meaning', () => {
  const rng = createRng(1);
  expect(() => uniform([2], 1, 0, rng)).toThrow(
    new ArgumentError('uniform: low and high must be finite, low <= high; got low = 1, high = 0'),
  );
  expect(() => uniform([2], 0, Infinity, rng)).toThrow(ArgumentError);
  expect(() => normal([2], -1, rng)).toThrow(new ArgumentError('normal: std must be finite and at least 0; got -1'));
  expect(() => normal([2], NaN, rng)).toThrow(ArgumentError);
});
