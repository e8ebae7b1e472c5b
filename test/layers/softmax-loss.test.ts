import { createCpuKernels } from '../../src/kernels/index.js';
import fc from 'fast-check';
import {
  IGNORED,
  softmaxLossBackward,
  softmaxLossForward,
  softmaxRows,
  type SoftmaxLossOptions,
} from '../../src/layers/softmax-loss.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import golden from '../golden/layers.json';
import { distance, expectGradients, matrix, numbers, random, scattered, zerosFor } from './support.js';

const kernels = createCpuKernels();

fc.configureGlobal({ seed: 12, numRuns: 80 });

function tensor(rows: readonly (readonly number[])[], dtype: DType = 'float64'): Tensor {
  const x = allocate([rows.length, rows[0].length], dtype);
  x.data.set(rows.flat());
  return x;
}

const rowsOf = (limit: number) =>
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 })).chain(([N, K]) =>
    fc.array(fc.array(fc.double({ min: -limit, max: limit, noNaN: true }), { minLength: K, maxLength: K }), {
      minLength: N,
      maxLength: N,
    }),
  );

describe.each([
  ['float32', 2 ** -23],
  ['float64', 2 ** -52],
] as const)('softmax in %s', (dtype, epsilon) => {
  test('is the textbook formula', () => {
    const logits = random([4, 5], createRng(1), dtype);
    matrix(softmaxRows(kernels, logits)).forEach((row, n) => {
      const e = matrix(logits)[n].map(Math.exp);
      const Z = e.reduce((sum, value) => sum + value, 0);
      row.forEach((p, k) => expect(Math.abs(p - e[k] / Z)).toBeLessThan(8 * epsilon));
    });
  });

  test('rows are probabilities and sum to 1', () => {
    fc.assert(
      fc.property(rowsOf(1e4), (rows) => {
        for (const row of matrix(softmaxRows(kernels, tensor(rows, dtype)))) {
          expect(row.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThanOrEqual(row.length * epsilon);
        }
      }),
    );
  });

  test('in place and into views', () => {
    const logits = random([4, 3], createRng(2), dtype);
    const expected = numbers(softmaxRows(kernels, logits));
    const out = scattered(random([4, 3], createRng(3), dtype));
    softmaxRows(kernels, scattered(logits), out);
    expect(numbers(out)).toEqual(expected);
    expect(softmaxRows(kernels, logits, logits)).toBe(logits);
    expect(numbers(logits)).toEqual(expected);
  });
});

test('adding one number to a row changes nothing', () => {
  fc.assert(
    fc.property(rowsOf(50), fc.integer({ min: -1000, max: 1000 }), (rows, shift) => {
      const targets = Int32Array.from(rows, (row) => row.length - 1);
      const shifted = tensor(rows.map((row) => row.map((a) => a + shift)));
      // Adding the shift rounds each logit by at most ε·1050/2, and the loss is 1-Lipschitz in twice that.
      const tolerance = 2 ** -52 * 1100 * 2;
      expect(distance(softmaxRows(kernels, shifted), softmaxRows(kernels, tensor(rows)))).toBeLessThan(tolerance);
      const difference =
        softmaxLossForward(kernels, shifted, targets).loss - softmaxLossForward(kernels, tensor(rows), targets).loss;
      expect(Math.abs(difference)).toBeLessThan(tolerance);
    }),
  );
});

/** Written from the definition, with the platform's functions and no stabilization. */
function naiveLoss(logits: Tensor, targets: Int32Array, options: SoftmaxLossOptions): number {
  const { reduction = 'mean', labelSmoothing = 0, classWeights } = options;
  let total = 0;
  let divisor = 0;
  matrix(logits).forEach((row, n) => {
    const y = targets[n];
    if (y === IGNORED) return;
    const K = row.length;
    const Z = row.reduce((sum, a) => sum + Math.exp(a), 0);
    row.forEach((a, k) => {
      const q = (k === y ? 1 - labelSmoothing : 0) + labelSmoothing / K;
      total -= q * (classWeights?.[k] ?? 1) * Math.log(Math.exp(a) / Z);
    });
    divisor += classWeights?.[y] ?? 1;
  });
  return reduction === 'sum' ? total : total / divisor;
}

const targets = Int32Array.from([2, IGNORED, 0, 3, 3, IGNORED]);
const variants: SoftmaxLossOptions[] = [
  {},
  { reduction: 'sum' },
  { labelSmoothing: 0.1 },
  { classWeights: [0.5, 2, 1.5, 0.25] },
  { reduction: 'sum', labelSmoothing: 0.3, classWeights: [0.5, 2, 0, 0.25] },
  { reduction: 'mean', labelSmoothing: 1, classWeights: Float32Array.of(0.5, 2, 1.5, 0.25) },
];

describe.each(variants)('softmax loss with %j', (options) => {
  const logits = random([6, 4], createRng(4));

  test('equals the definition', () => {
    const expected = naiveLoss(logits, targets, options);
    expect(softmaxLossForward(kernels, logits, targets, options).loss).toBeCloseTo(expected, 13);
    const single = tensor(matrix(logits), 'float32');
    expect(softmaxLossForward(kernels, single, targets, options).loss).toBeCloseTo(
      naiveLoss(single, targets, options),
      12,
    );
  });

  test('its gradient agrees with finite differences; ignored rows have none', () => {
    const grads = zerosFor({ logits });
    softmaxLossBackward(kernels, softmaxLossForward(kernels, logits, targets, options), grads.logits, 1.7);
    expectGradients({ logits }, grads, () => 1.7 * softmaxLossForward(kernels, logits, targets, options).loss);
    expect(matrix(grads.logits)[1]).toEqual([0, 0, 0, 0]);
  });

  test('the float32 gradient is the float64 one, rounded', () => {
    const [wide, single] = [logits, tensor(matrix(logits), 'float32')].map((x) => {
      const dLogits = allocate([6, 4], dtypeOf(x.data));
      softmaxLossBackward(kernels, softmaxLossForward(kernels, x, targets, options), dLogits);
      return dLogits;
    });
    // Logits, differences, exp (2 ulp), quotient and result round to float32: ten roundings of numbers below |a| + 2.
    expect(distance(wide, single)).toBeLessThan(10 * 2 ** -24 * 4 * 4);
  });
});

test.each(golden.losses.map((c) => [`${c.reduction}, ε = ${c.labelSmoothing}, weights ${c.classWeights}`, c] as const))(
  'agrees with PyTorch: %s',
  (_, c) => {
    const { labelSmoothing, classWeights } = c;
    const reduction = c.reduction as 'sum' | 'mean';
    const options = { reduction, labelSmoothing, classWeights: classWeights ?? undefined };
    const result = softmaxLossForward(kernels, tensor(c.logits), Int32Array.from(c.targets), options);
    const dLogits = allocate([c.logits.length, c.logits[0].length], 'float64');
    softmaxLossBackward(kernels, result, dLogits);
    expect(Math.abs(result.loss / c.loss - 1)).toBeLessThan(1e-14);
    expect(distance(dLogits, c.dLogits.flat())).toBeLessThan(1e-14);
    expect(result.count).toBe(5);
  },
);

test('the gradient accumulates, into views too', () => {
  const logits = random([6, 4], createRng(5));
  const forward = softmaxLossForward(kernels, logits, targets);
  const once = allocate([6, 4], 'float64');
  softmaxLossBackward(kernels, forward, once);
  const twice = scattered(once);
  softmaxLossBackward(kernels, forward, twice);
  expect(numbers(twice)).toEqual(numbers(once).map((value) => 2 * value));
});

describe.each(['float32', 'float64'] as const)('extreme logits in %s', (dtype) => {
  const run = (rows: number[][], labels: number[], options: SoftmaxLossOptions = {}) => {
    const result = softmaxLossForward(kernels, tensor(rows, dtype), Int32Array.from(labels), {
      reduction: 'sum',
      ...options,
    });
    const dLogits = allocate([rows.length, rows[0].length], dtype);
    softmaxLossBackward(kernels, result, dLogits);
    return { loss: result.loss, dLogits: matrix(dLogits) };
  };

  test('±10⁴ are exact', () => {
    expect(run([[1e4, -1e4, 0]], [0])).toEqual({ loss: 0, dLogits: [[0, 0, 0]] });
    expect(run([[1e4, -1e4, 0]], [1])).toEqual({ loss: 2e4, dLogits: [[1, -1, 0]] });
    const both = run([[-1e4, -1e4]], [1]);
    expect(both.loss).toBeCloseTo(Math.LN2, 15);
    expect(both.dLogits).toEqual([[0.5, -0.5]]);
  });

  test('−Infinity makes a label impossible', () => {
    expect(run([[-Infinity, 3]], [1])).toEqual({ loss: 0, dLogits: [[0, 0]] });
    expect(run([[-Infinity, 3]], [0])).toEqual({ loss: Infinity, dLogits: [[-1, 1]] });
    const free = run([[2, -Infinity, 2]], [0], { labelSmoothing: 0.3, classWeights: [1, 0, 1] });
    expect(free.loss).toBeCloseTo(0.9 * Math.LN2, 14);
    expect(free.dLogits[0][1]).toBe(0);
  });

  test('a row without a distribution is NaN, not a made-up number', () => {
    for (const row of [
      [-Infinity, -Infinity],
      [NaN, 0],
      [0, NaN],
      [Infinity, 0],
    ]) {
      expect(run([row], [0]).loss).toBeNaN();
    }
  });
});

test('nothing counted is a loss of 0 without gradient', () => {
  const logits = random([2, 3], createRng(6));
  for (const [labels, classWeights] of [
    [[IGNORED, IGNORED], undefined],
    [
      [1, 1],
      [1, 0, 1],
    ],
  ] as const) {
    const result = softmaxLossForward(kernels, logits, Int32Array.from(labels), { classWeights });
    const dLogits = allocate([2, 3], 'float64');
    softmaxLossBackward(kernels, result, dLogits);
    expect([result.loss, ...numbers(dLogits).map(Math.abs)]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  }
  expect(softmaxLossForward(kernels, allocate([0, 3], 'float64'), new Int32Array(0)).count).toBe(0);
});

test('what does not fit is refused by name', () => {
  const logits = random([2, 3], createRng(7));
  const one = Int32Array.from([0, 1]);
  expect(() => softmaxLossForward(kernels, logits, Int32Array.from([0, 3]))).toThrow(ArgumentError);
  expect(() => softmaxLossForward(kernels, logits, Int32Array.from([0, 3]))).toThrow(
    /targets\[1\] must be a label, 0 … 2.*got 3/,
  );
  expect(() => softmaxLossForward(kernels, logits, Int32Array.from([-2, 0]))).toThrow(/targets\[0\].*got -2/);
  expect(() => softmaxLossForward(kernels, logits, new Int32Array(3))).toThrow(ShapeError);
  expect(() => softmaxLossForward(kernels, logits, one, { labelSmoothing: 1.1 })).toThrow(/labelSmoothing.*got 1.1/);
  expect(() => softmaxLossForward(kernels, logits, one, { labelSmoothing: NaN })).toThrow(ArgumentError);
  expect(() => softmaxLossForward(kernels, logits, one, { classWeights: [1, 2] })).toThrow(
    /one entry per label, 3; got 2/,
  );
  expect(() => softmaxLossForward(kernels, logits, one, { classWeights: [1, -1, 2] })).toThrow(
    /classWeights\[1\].*got -1/,
  );
  expect(() => softmaxLossForward(kernels, logits, one, { classWeights: [1, Infinity, 2] })).toThrow(ArgumentError);
  expect(() => softmaxLossForward(kernels, logits, one, { reduction: 'none' as 'sum' })).toThrow(
    /reduction.*got 'none'/,
  );
  expect(() =>
    softmaxLossBackward(kernels, softmaxLossForward(kernels, logits, one), allocate([2, 4], 'float64')),
  ).toThrow(ShapeError);
  expect(() => softmaxRows(kernels, allocate([3], 'float64'))).toThrow(ShapeError);
  expect(() => softmaxRows(kernels, logits, allocate([2, 4], 'float64'))).toThrow(ShapeError);
});

describe('views', () => {
  const logits = Float64Array.of(0.3, -1.2, 0.8, 1.1, 0.4, -0.6);
  const plain: Tensor = { data: logits, shape: [2, 3], stride: [3, 1], offset: 0 };
  /** The same numbers, stored by columns two apart. */
  const apart = (): Tensor => {
    const data = new Float64Array(20).fill(9);
    logits.forEach((v, i) => (data[1 + 2 * Math.floor(i / 3) + 6 * (i % 3)] = v));
    return { data, shape: [2, 3], stride: [2, 6], offset: 1 };
  };
  const targets = Int32Array.of(2, 0);
  const options = { labelSmoothing: 0.2, classWeights: [0.5, 1, 2] };

  test('of any strides have the loss and the gradient of their numbers', () => {
    const [one, two] = [plain, apart()].map((x) => softmaxLossForward(kernels, x, targets, options));
    expect(two.loss).toBe(one.loss);
    expect([...two.probabilities.data]).toEqual([...one.probabilities.data]);
    const dense: Tensor = { ...plain, data: new Float64Array(6) };
    const strided = { ...apart(), data: new Float64Array(20) };
    softmaxLossBackward(kernels, one, dense);
    softmaxLossBackward(kernels, two, strided);
    dense.data.forEach((v, i) => expect(strided.data[1 + 2 * Math.floor(i / 3) + 6 * (i % 3)]).toBe(v));
    expect(strided.data.filter((v) => v !== 0)).toHaveLength(6);
  });

  test('in front of other rows leave those alone', () => {
    const behind: Tensor = { data: new Float64Array(12).fill(7), shape: [2, 3], stride: [3, 1], offset: 3 };
    softmaxRows(kernels, plain, behind);
    const untouched = (x: Tensor) => [...x.data.slice(0, 3), ...x.data.slice(9)];
    expect(untouched(behind)).toEqual([7, 7, 7, 7, 7, 7]);
    const forward = softmaxLossForward(kernels, plain, targets);
    behind.data.fill(7);
    softmaxLossBackward(kernels, forward, behind);
    expect(untouched(behind)).toEqual([7, 7, 7, 7, 7, 7]);
  });
});

test('a batch whose labels all have weight 0 has a loss of 0, though another label is impossible', () => {
  const logits: Tensor = { data: Float64Array.of(0, -Infinity, 0), shape: [1, 3], stride: [3, 1], offset: 0 };
  const options = { labelSmoothing: 0.3, classWeights: [0, 1, 1] };
  expect(softmaxLossForward(kernels, logits, Int32Array.of(0), options).loss).toBe(0);
});

test('a shape alone is not a tensor, and smoothing is from 0 to 1', () => {
  const shape = { shape: [2, 3] } as unknown as Tensor;
  const logits = allocate([2, 3], 'float64');
  const targets = Int32Array.of(0, 1);
  expect(() => softmaxRows(kernels, shape)).toThrow(/^softmaxRows: logits must be a tensor/);
  const forward = softmaxLossForward(kernels, logits, targets);
  expect(() => softmaxLossBackward(kernels, forward, shape)).toThrow(/^softmaxLossBackward: dLogits must be a tensor/);
  for (const labelSmoothing of [-0.1, 1.1, NaN]) {
    expect(() => softmaxLossForward(kernels, logits, targets, { labelSmoothing })).toThrow(/labelSmoothing must be/);
  }
});
