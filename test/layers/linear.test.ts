import { createCpuKernels } from '../../src/kernels/index.js';
import { initLinear, linearBackward, linearForward } from '../../src/layers/linear.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import { distance, dot, expectGradients, matrix, numbers, random, scattered, zerosFor } from './support.js';

const kernels = createCpuKernels();
const [N, D, K] = [5, 3, 4];

describe.each([
  ['float32', 2 ** -23],
  ['float64', 2 ** -52],
] as const)('linear in %s', (dtype, epsilon) => {
  const rng = createRng(1);
  const params = { W: random([D, K], rng, dtype), b: random([K], rng, dtype) };
  const x = random([N, D], rng, dtype);
  const [W, b] = [matrix(params.W), numbers(params.b)];

  test('is x·W + b', () => {
    const y = linearForward(kernels, params, x);
    matrix(x).forEach((row, n) => {
      for (let k = 0; k < K; k++) {
        const terms = [b[k], ...row.map((value, d) => value * W[d][k])];
        const exact = terms.reduce((sum, term) => sum + term, 0);
        // A sum of D + 1 products: at most (D + 2)·ε·Σ|terms| (Higham, section 3.1).
        const bound = (D + 2) * epsilon * terms.reduce((sum, term) => sum + Math.abs(term), 0);
        expect(Math.abs(matrix(y)[n][k] - exact)).toBeLessThanOrEqual(bound);
      }
    });
  });

  test('overwrites the given output, whatever its strides', () => {
    const out = scattered(random([N, K], rng, dtype));
    expect(linearForward(kernels, { ...params, W: scattered(params.W) }, scattered(x), out)).toBe(out);
    expect(distance(out, linearForward(kernels, params, x))).toBeLessThanOrEqual(16 * epsilon);
  });
});

test('the bias and its gradient may be views with any stride', () => {
  const rng = createRng(6);
  const params = { W: random([D, K], rng), b: random([K], rng) };
  const x = random([N, D], rng);
  const dY = random([N, K], rng);
  /** Every third element from the second on; the others are NaN. */
  const apart = (values: readonly number[]) => {
    const { data } = allocate([3 * K + 1], 'float64');
    data.fill(NaN);
    values.forEach((value, k) => (data[1 + 3 * k] = value));
    return { data, shape: [K], stride: [3], offset: 1 };
  };
  const b = apart(numbers(params.b));
  expect(numbers(linearForward(kernels, { ...params, b }, x))).toEqual(numbers(linearForward(kernels, params, x)));
  const grads = zerosFor(params) as unknown as typeof params;
  const db = apart(new Array(K).fill(0));
  linearBackward(kernels, params, x, dY, grads);
  linearBackward(kernels, params, x, dY, { W: allocate([D, K], 'float64'), b: db });
  expect(numbers(db)).toEqual(numbers(grads.b));
});

test('gradients agree with finite differences and accumulate', () => {
  const rng = createRng(2);
  const params = { W: random([D, K], rng), b: random([K], rng) };
  const x = random([N, D], rng);
  const cotangent = random([N, K], rng);
  const grads = zerosFor({ ...params, x });
  linearBackward(kernels, params, x, cotangent, grads as unknown as typeof params, grads.x);
  expectGradients({ ...params, x }, grads, () => dot(cotangent, linearForward(kernels, params, x)));

  const once = Object.values(grads).map(numbers);
  linearBackward(kernels, params, x, cotangent, grads as unknown as typeof params, grads.x);
  Object.values(grads).forEach((g, i) =>
    expect(
      distance(
        g,
        once[i].map((v) => 2 * v),
      ),
    ).toBeLessThan(1e-13),
  );
});

test('without dX the weights still get their gradient', () => {
  const rng = createRng(3);
  const params = { W: random([D, K], rng), b: random([K], rng) };
  const [withX, without] = [zerosFor(params), zerosFor(params)] as unknown as (typeof params)[];
  const x = random([N, D], rng);
  const dY = random([N, K], rng);
  linearBackward(kernels, params, x, dY, withX, allocate([N, D], 'float64'));
  linearBackward(kernels, params, x, dY, without);
  expect(numbers(without.W)).toEqual(numbers(withX.W));
});

test('initial weights are uniform in ±√(6/(D+K)), the bias is zero', () => {
  const { W, b } = initLinear(40, 56, createRng(4));
  const bound = Math.sqrt(6 / 96);
  const values = numbers(W);
  expect([W.shape, b.shape, dtypeOf(W.data)]).toEqual([[40, 56], [56], 'float32']);
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
  expect(Math.max(...values)).toBeGreaterThan(0.98 * bound);
  expect(Math.min(...values)).toBeLessThan(-0.98 * bound);
  expect(numbers(b)).toEqual(new Array(56).fill(0));
  expect(dtypeOf(initLinear(2, 3, createRng(4), { dtype: 'float64' }).b.data)).toBe('float64');
});

test('what does not fit is refused by name', () => {
  const rng = createRng(5);
  const params = { W: random([D, K], rng), b: random([K], rng) };
  const x = random([N, D], rng);
  const dY = random([N, K], rng);
  expect(() => linearForward(kernels, params, dY)).toThrow(
    'linearForward: x must be [N, D] with D = 3 (W is [3, 4]); got [5, 4]',
  );
  expect(() => linearForward(kernels, params, x, x)).toThrow(ShapeError);
  expect(() => linearBackward(kernels, params, x, x, params)).toThrow(/dY/);
  expect(() => linearBackward(kernels, params, x, dY, params, dY)).toThrow(/dX/);
  expect(() => initLinear(0, 3, rng)).toThrow(ArgumentError);
});
