import { createCpuKernels } from '../../src/kernels/index.js';
import { createRowSparseGradient } from '../../src/autograd/grads.js';
import { embeddingBackward, embeddingForward, initEmbedding } from '../../src/layers/embedding.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { dtypeOf } from '../../src/tensor/view.js';
import { dot, expectGradients, matrix, numbers, random, scattered, zerosFor } from './support.js';

const kernels = createCpuKernels();

const V = 7;
const E = 3;
const ids = Int32Array.from([4, 0, 4, 6, 1]);

describe.each(['float32', 'float64'] as const)('embedding in %s', (dtype) => {
  const params = { weight: random([V, E], createRng(1), dtype) };

  test('copies the rows of the ids', () => {
    const y = embeddingForward(kernels, params, ids);
    expect(y.shape).toEqual([5, E]);
    expect(dtypeOf(y.data)).toBe(dtype);
    expect(matrix(y)).toEqual([...ids].map((id) => matrix(params.weight)[id]));
  });

  test('reads and writes views with any strides', () => {
    const out = scattered(random([ids.length, E], createRng(2), dtype));
    expect(embeddingForward(kernels, { weight: scattered(params.weight) }, ids, out)).toBe(out);
    expect(matrix(out)).toEqual(matrix(embeddingForward(kernels, params, ids)));
  });

  test('a word that occurs twice collects both gradients, and only its row is touched', () => {
    const dY = random([ids.length, E], createRng(3), dtype);
    const weight = createRowSparseGradient(V, E, dtype);
    embeddingBackward(kernels, ids, dY, { weight });
    embeddingBackward(kernels, Int32Array.from([6]), random([1, E], createRng(4), dtype), { weight });
    expect([...weight.touched.slice(0, weight.count)]).toEqual([4, 0, 6, 1]);
    const [first, , second] = matrix(dY);
    const sum = first.map((value, e) => value + second[e]);
    expect(matrix(weight)[4]).toEqual(dtype === 'float32' ? sum.map(Math.fround) : sum);
    expect(matrix(weight)[5]).toEqual([0, 0, 0]);
  });
});

test('the gradient agrees with finite differences, dense or by rows', () => {
  const params = { weight: random([V, E], createRng(5)) };
  const cotangent = random([ids.length, E], createRng(6));
  const grads = zerosFor(params) as unknown as typeof params;
  embeddingBackward(kernels, ids, cotangent, grads);
  expectGradients(params, grads, () => dot(cotangent, embeddingForward(kernels, params, ids)));

  const byRow = { weight: createRowSparseGradient(V, E, 'float64') };
  embeddingBackward(kernels, ids, cotangent, byRow);
  expect(numbers(byRow.weight)).toEqual(numbers(grads.weight));
});

test('no ids make an empty result and touch nothing', () => {
  const none = new Int32Array(0);
  const weight = createRowSparseGradient(V, E);
  const y = embeddingForward(kernels, { weight: random([V, E], createRng(1), 'float32') }, none);
  embeddingBackward(kernels, none, y, { weight });
  expect([y.shape, weight.count]).toEqual([[0, E], 0]);
});

test('initial vectors are uniform in ±√(3/E) and depend on the seed alone', () => {
  const { weight } = initEmbedding(500, 12, createRng(7));
  const values = numbers(weight);
  expect(weight.shape).toEqual([500, 12]);
  expect(dtypeOf(weight.data)).toBe('float32');
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.5);
  // 6000 draws of variance 1/12: the standard error of the mean square is √(4/45)·0.25/√6000 < 0.001.
  expect(values.reduce((sum, x) => sum + x * x, 0) / values.length).toBeCloseTo(1 / 12, 2);
  expect(numbers(initEmbedding(500, 12, createRng(7)).weight)).toEqual(values);
  expect(dtypeOf(initEmbedding(2, 3, createRng(7), { dtype: 'float64' }).weight.data)).toBe('float64');
});

test('what does not fit is refused by name', () => {
  const params = { weight: random([V, E], createRng(1)) };
  expect(() => embeddingForward(kernels, params, Int32Array.from([0, 7]))).toThrow(ArgumentError);
  expect(() => embeddingForward(kernels, params, Int32Array.from([0, 7]))).toThrow(
    /ids\[1\] must be a row of weight, 0 … 6; got 7/,
  );
  expect(() => embeddingForward(kernels, params, Int32Array.from([-1]))).toThrow(/ids\[0\].*got -1/);
  expect(() => embeddingForward(kernels, params, ids, random([5, 4], createRng(1)))).toThrow(ShapeError);
  expect(() => embeddingBackward(kernels, ids, random([4, E], createRng(1)), params)).toThrow(
    /dY must be \[N, E\] with N = 5/,
  );
  expect(() => initEmbedding(0, 3, createRng(1))).toThrow(ArgumentError);
  expect(() => initEmbedding(3, 1.5, createRng(1))).toThrow(/E must be an integer/);
});
