/** The squared error: its definition, its gradient by three oracles, rows that do not count, and backward passes broken on purpose. */
import fc from 'fast-check';
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packFloats } from '../../src/autograd/order.js';
import { packingOf } from '../../src/autograd/packing.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createWasmKernels } from '../../src/kernels/wasm/index.js';
import * as layer from '../../src/layers/mse-loss.js';
import { mseLossBackward, mseLossForward } from '../../src/layers/mse-loss.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, viewOf } from '../../src/tensor/view.js';
import type { MseProblem } from '../support/mse.js';
import { dualMse, MSE_PROBLEMS, mseProblem, tapeMse } from '../support/mse.js';
import { brokenLines, mutated } from '../support/mutate.js';
import { distance, matrix, numbers, random, scattered } from './support.js';

fc.configureGlobal({ seed: 31, numRuns: 60 });

const kernels = createCpuKernels();

function tensor(rows: readonly (readonly number[])[], dtype: DType = 'float64'): Tensor {
  const x = allocate([rows.length, rows[0].length], dtype);
  x.data.set(rows.flat());
  return x;
}

/** A gradient starts from a number, not from zero, which is subtracted in the end: an assignment is found out. */
const START = 0.375;

function gradientOf({ predictions, targets, options }: MseProblem, module = layer, dLoss = 1): Tensor {
  const dPredictions = allocate(predictions.shape, dtypeOf(predictions.data));
  dPredictions.data.fill(START);
  module.mseLossBackward(kernels, module.mseLossForward(kernels, predictions, targets, options), dPredictions, dLoss);
  dPredictions.data.forEach((value, i) => (dPredictions.data[i] = value - START));
  return dPredictions;
}

const lossOf = ({ predictions, targets, options }: MseProblem): number =>
  mseLossForward(kernels, predictions, targets, options).loss;

const differences = (problem: MseProblem, grad: Tensor, dLoss = 1) =>
  gradcheck({
    tensors: { predictions: problem.predictions },
    grads: { predictions: grad },
    loss: () => dLoss * lossOf(problem),
    tolerance: 1e-9,
  });

test('is the sum of the squared errors, or their mean over all counted elements', () => {
  const [y, t] = [
    tensor([
      [1, 2],
      [3, 5],
      [0, -1],
    ]),
    tensor([
      [1, 0],
      [2, 2],
      [0.5, 1],
    ]),
  ];
  const of = (options: object) => mseLossForward(kernels, y, t, options);
  expect(of({ reduction: 'sum' })).toMatchObject({ loss: 4 + 1 + 9 + 0.25 + 4, count: 3, scale: 1 });
  expect(of({})).toMatchObject({ loss: 18.25 / 6, count: 3, scale: 1 / 6 });
  expect(of({ mask: [1, 0, 1] })).toMatchObject({ loss: 8.25 / 4, count: 2, scale: 1 / 4 });
  expect(of({ mask: [0, 1, 0], reduction: 'sum' })).toMatchObject({ loss: 10, count: 1, scale: 1 });
  expect(matrix(of({ mask: [1, 0, 1] }).errors)).toEqual([
    [0, 2],
    [0, 0],
    [-0.5, -2],
  ]);
});

describe.each(MSE_PROBLEMS.map((problem) => [JSON.stringify(problem.options), problem] as const))(
  '%s',
  (_, problem) => {
    test.each([1, -1.7])('agrees with finite differences, with %p arriving at the loss', (dLoss) => {
      const report = differences(problem, gradientOf(problem, layer, dLoss), dLoss);
      expect(report.failures.map(describeElement)).toEqual([]);
      expect(report.checked).toBe(problem.predictions.data.length);
    });

    test('agrees with the tape and with forward mode', () => {
      const found = gradientOf(problem);
      expect(distance(found, tapeMse(problem))).toBeLessThan(1e-15);
      expect(distance(found, dualMse(problem))).toBeLessThan(1e-15);
    });

    test('float32 is float64, rounded', () => {
      const single = (x: Tensor) => tensor(matrix(x), 'float32');
      const wide = (x: Tensor) => tensor(matrix(single(x)));
      const as = (of: typeof wide): MseProblem => ({
        predictions: of(problem.predictions),
        targets: of(problem.targets),
        options: problem.options,
      });
      const [found, expected] = [as(single), as(wide)];
      expect(lossOf(found)).toBe(lossOf(expected));
      // e rounds once, and each sum of the gradient with START once; e and the gradient are below 8.
      expect(distance(gradientOf(found), gradientOf(expected))).toBeLessThan(8 * 3 * 2 ** -24);
    });

    test('reads and writes views with any strides', () => {
      const { predictions, targets, options } = problem;
      const [plain, strided] = [mseLossForward(kernels, predictions, targets, options), scattered(predictions)];
      const found = mseLossForward(kernels, strided, scattered(targets), options);
      expect(found).toEqual(plain);
      const [dense, gaps] = [allocate(predictions.shape, 'float64'), scattered(allocate(predictions.shape, 'float64'))];
      mseLossBackward(kernels, plain, dense);
      mseLossBackward(kernels, { ...found, errors: scattered(found.errors) }, gaps);
      expect(numbers(gaps)).toEqual(numbers(dense));
    });
  },
);

test('a packed batch has the loss and the gradient of its sequences alone', () => {
  const batch = fc.record({
    lengths: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 }),
    K: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(1000),
  });
  fc.assert(
    fc.property(batch, ({ lengths, K, seed }) => {
      const alone = lengths.map((T, b) => mseProblem(seed * 7 + b, T, K, { reduction: 'sum' }));
      const packing = packingOf(lengths);
      const packed = (of: (problem: MseProblem) => Tensor) => packFloats(packing, alone.map(of));
      const together = {
        predictions: packed(({ predictions }) => predictions),
        targets: packed(({ targets }) => targets),
        options: { reduction: 'sum' as const },
      };
      const sum = alone.reduce((total, problem) => total + lossOf(problem), 0);
      // Squares in another order: at most 75 roundings of sums below 75·64.
      expect(Math.abs(lossOf(together) - sum)).toBeLessThan(75 * 75 * 64 * 2 ** -53);
      expect(numbers(gradientOf(together))).toEqual(numbers(packed((problem) => gradientOf(problem))));
    }),
  );
});

test('a row that does not count is not read: its numbers change nothing', () => {
  const problem = mseProblem(9, 5, 2, { mask: [1, 0, 1, 0, 1] });
  const spoilt = {
    ...problem,
    predictions: tensor(matrix(problem.predictions)),
    targets: tensor(matrix(problem.targets)),
  };
  for (const column of [0, 1]) {
    spoilt.predictions.data[1 * 2 + column] = NaN;
    spoilt.targets.data[3 * 2 + column] = Infinity;
  }
  expect(lossOf(spoilt)).toBe(lossOf(problem));
  expect(numbers(gradientOf(spoilt))).toEqual(numbers(gradientOf(problem)));
  expect(matrix(gradientOf(problem))[3]).toEqual([0, 0]);
});

test('what is not finite in a row that counts is not hidden', () => {
  const of = (y: number, t: number) => mseLossForward(kernels, tensor([[y, 1]]), tensor([[t, 1]])).loss;
  expect(of(NaN, 0)).toBeNaN();
  expect(of(0, NaN)).toBeNaN();
  expect(of(-Infinity, 3)).toBe(Infinity);
  expect(of(Infinity, Infinity)).toBeNaN();
});

test('float32 errors whose squares overflow have a finite loss', () => {
  const { loss } = mseLossForward(kernels, tensor([[1e30]], 'float32'), tensor([[0]], 'float32'));
  expect(loss / 1e60).toBeCloseTo(1, 6);
});

test('nothing counted is a loss of 0 without gradient', () => {
  const problem = mseProblem(10, 2, 3, { mask: [0, 0] });
  const none = mseProblem(10, 0, 3, {});
  const empty = mseProblem(10, 2, 0, {});
  expect([problem, none, empty].map(lossOf)).toEqual([0, 0, 0]);
  expect(numbers(gradientOf(problem))).toEqual([0, 0, 0, 0, 0, 0]);
  const { predictions, targets, options } = problem;
  expect(mseLossForward(kernels, predictions, targets, options)).toMatchObject({ count: 0, scale: 0 });
});

test('the gradient accumulates', () => {
  const { predictions, targets } = mseProblem(11, 3, 2, {});
  const forward = mseLossForward(kernels, predictions, targets);
  const [once, twice] = [allocate([3, 2], 'float64'), allocate([3, 2], 'float64')];
  mseLossBackward(kernels, forward, once);
  mseLossBackward(kernels, forward, twice);
  mseLossBackward(kernels, forward, twice);
  expect(numbers(twice)).toEqual(numbers(once).map((value) => 2 * value));
});

test('the pass keeps nothing that the caller may change', () => {
  const { predictions, targets } = mseProblem(12, 3, 2, {});
  const forward = mseLossForward(kernels, predictions, targets);
  const before = numbers(forward.errors);
  predictions.data.fill(9);
  targets.data.fill(7);
  expect(numbers(forward.errors)).toEqual(before);
});

test('in the memory of a backend, inside a frame: the same bits', async () => {
  const wasm = await createWasmKernels();
  const [y, t] = [random([4, 3], createRng(1), 'float32'), random([4, 3], createRng(2), 'float32')];
  const found = wasm.workspace!.frame(() => {
    const dY = wasm.zeros([4, 3], y);
    mseLossBackward(wasm, mseLossForward(wasm, y, t, { mask: [1, 1, 0, 1] }), dY);
    return numbers(dY);
  });
  const dY = allocate([4, 3], 'float32');
  mseLossBackward(kernels, mseLossForward(kernels, y, t, { mask: [1, 1, 0, 1] }), dY);
  expect(found).toEqual(numbers(dY));
  wasm.dispose();
});

test('what does not fit is refused by name', () => {
  const y = random([2, 3], createRng(7));
  const t = random([2, 3], createRng(8));
  const forward = (options: object) => mseLossForward(kernels, y, t, options);
  expect(() => mseLossForward(kernels, allocate([3], 'float64'), t)).toThrow('mseLoss: predictions must be [N, K]');
  expect(() => mseLossForward(kernels, y, allocate([3, 3], 'float64'))).toThrow(
    'mseLoss: targets must be [2, 3] (the shape of the predictions); got [3, 3]',
  );
  expect(() => mseLossForward(kernels, y, allocate([2, 3], 'float32'))).toThrow(ShapeError);
  expect(() => mseLossForward(kernels, y, new Float64Array(6) as never)).toThrow(/^mseLoss: targets must be a tensor/);
  expect(() => forward({ reduction: 'none' })).toThrow(/^mseLoss: reduction must be .*got 'none'/);
  expect(() => forward({ mask: [1] })).toThrow('mseLoss: mask must have one entry per row, 2; got 1');
  expect(() => forward({ mask: [1, 0.5] })).toThrow('mseLoss: mask[1] must be 1 for a row that counts, or 0; got 0.5');
  expect(() => forward({ mask: [1, NaN] })).toThrow(ArgumentError);
  expect(() => forward({ weights: [1, 1] })).toThrow(/unknown key "weights"/);
  const pass = forward({});
  expect(() => mseLossBackward(kernels, pass, allocate([3, 2], 'float64'))).toThrow(
    'mseLossBackward: dPredictions must be [2, 3]; got [3, 2]',
  );
  expect(() => mseLossBackward(kernels, pass, y, '1' as never)).toThrow(/^mseLossBackward: dLoss must be a number/);
  expect(() => mseLossBackward(kernels, { ...pass, scale: undefined } as never, y)).toThrow(/forward\.scale/);
});

describe('a backward pass broken on purpose is rejected', () => {
  const path = 'src/layers/mse-loss.ts';
  type Layer = typeof layer;
  const mistakes: readonly (readonly [string, () => Layer])[] = [
    ['the 2 of the square is forgotten (2)', () => mutated(path, '2 * e.data[', 'e.data[')],
    ['the factor of the mean is forgotten (3)', () => mutated(path, 'scale * dLoss', 'dLoss')],
    ['every row gets the errors of the first (2)', () => mutated(path, 'e.offset + n * e.stride[0]', 'e.offset')],
    [
      'the absolute error, not its square (2)',
      () => mutated(path, '2 * e.data[from + k * e.stride[1]]', 'Math.sign(e.data[from + k * e.stride[1]])'),
    ],
    ['assignment in place of accumulation (1)', () => mutated(path, '] += de;', '] = de;')],
    [
      'the mean counts masked rows too (3)',
      () => mutated(path, 'const elements = count * K', 'const elements = N * K'),
    ],
    ...brokenLines<Layer>(path, (name) => name === 'mseLossBackward').map(
      ({ text, mistake, load }) => [`${mistake}: ${text}`, load] as const,
    ),
  ];

  test('every tagged line is among them', () => {
    expect(mistakes).toHaveLength(6 + 3);
  });

  test.each(mistakes)('%s', (_, load) => {
    const problem = MSE_PROBLEMS[2];
    const found = gradientOf(problem, load());
    const report = differences(problem, found);
    expect(report.passed).toBe(false);
    expect(report.worst.name).toBe('predictions');
    for (const oracle of [tapeMse, dualMse]) expect(distance(found, oracle(problem))).toBeGreaterThan(1e-3);
  });
});

test('learns a line, from predictions that are far off', () => {
  // One linear unit by gradient descent: after n steps of size η the error is (1 − 2η)ⁿ of the first, by hand.
  const y = viewOf(Float64Array.of(5), [1, 1]);
  const t = viewOf(Float64Array.of(1), [1, 1]);
  for (let step = 0; step < 3; step++) {
    const dY = allocate([1, 1], 'float64');
    mseLossBackward(kernels, mseLossForward(kernels, y, t), dY);
    y.data[0] -= 0.25 * dY.data[0];
  }
  expect(y.data[0]).toBe(1 + 4 * 0.5 ** 3);
});
