/** One contract for every pooling, the oracles that judge it, and backward passes broken on purpose that they must reject. */
import fc from 'fast-check';
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packingOf } from '../../src/autograd/packing.js';
import { cells } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createWasmKernels } from '../../src/kernels/wasm/index.js';
import type { AttentionPool } from '../../src/layers/pool-attention.js';
import { initAttentionPool } from '../../src/layers/pool-attention.js';
import { lastPoolForward } from '../../src/layers/pool-last.js';
import type { Pooling, PoolingName } from '../../src/layers/pooling.js';
import { poolingForwards, poolings } from '../../src/layers/pooling.js';
import { initStack, stackForward } from '../../src/layers/stack.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, viewOf } from '../../src/tensor/view.js';
import golden from '../golden/pooling.json';
import type { Solution } from '../support/cases.js';
import { worstDifference } from '../support/cases.js';
import { mutated } from '../support/mutate.js';
import type { PoolProblem } from '../support/poolings.js';
import {
  alonePoolSolution,
  poolEngine,
  poolLoss,
  poolProblem,
  rowsOf,
  tapePoolSolution,
  VARIANTS,
} from '../support/poolings.js';
import { matrix, numbers, random, scattered } from './support.js';

fc.configureGlobal({ seed: 21, numRuns: 60 });

const kernels = createCpuKernels();

/** The one column of a matrix. */
const columnVector = ({ data, shape, stride, offset }: Tensor): Tensor => {
  return { data, shape: [shape[0]], stride: [stride[0]], offset };
};
const optionsOf = ({ bidirectional }: (typeof VARIANTS)[number]) => ({ bidirectional });
const named = VARIANTS.map((v) => [v.bidirectional ? `${v.pooling}, two directions` : v.pooling, v] as const);

/** Finite differences of every element, against gradients. */
function differences(problem: PoolProblem, grads: Solution['grads'], layer?: Pooling) {
  return gradcheck({ tensors: problem.tensors, grads, loss: () => poolLoss(problem, layer), tolerance: 1e-9 });
}

describe.each(named)('%s', (_, variant) => {
  const problem = poolProblem(variant);
  const solution = poolEngine(problem);

  test('agrees with finite differences', () => {
    const report = differences(problem, solution.grads);
    expect(report.failures.map(describeElement)).toEqual([]);
    expect(report.checked).toBe(Object.values(problem.tensors).reduce((sum, x) => sum + x.data.length, 0));
  });

  test('agrees with the tape', () => {
    expect(worstDifference(solution, tapePoolSolution(problem)).error).toBeLessThan(1e-13);
  });

  test('agrees with PyTorch', () => {
    const stored = golden.cases.find(
      (c) => c.pooling === variant.pooling && c.bidirectional === variant.bidirectional,
    )!;
    const tensor = ({ shape, data }: { shape: number[]; data: number[] }) => viewOf(Float64Array.from(data), shape);
    const all = (record: object): Record<string, Tensor> =>
      Object.fromEntries(Object.entries(record).map(([name, x]) => [name, tensor(x)]));
    const found = poolEngine({
      ...variant,
      lengths: stored.lengths,
      tensors: all(stored.tensors),
      cotangent: tensor(stored.cotangent),
    });
    const expected = { outputs: { y: tensor(stored.output) }, grads: all(stored.grads) };
    expect(worstDifference(found, expected).error).toBeLessThan(1e-13);
    expected.grads.x.data[7] += 1e-9;
    expect(worstDifference(found, expected)).toMatchObject({ name: 'gradient of x' });
    expect(worstDifference(found, expected).error).toBeGreaterThan(1e-10);
  });

  test('a batch equals its sequences alone, whatever their lengths', () => {
    const batch = fc.record({
      lengths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 }),
      D: fc.integer({ min: 1, max: 4 }).map((half) => 2 * half),
      A: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(1000),
      dtype: fc.constantFrom('float32' as const, 'float64' as const),
    });
    fc.assert(
      fc.property(batch, (sizes) => {
        const random = poolProblem(variant, sizes);
        const [found, alone] = [poolEngine(random), alonePoolSolution(random)];
        expect(numbers(found.outputs.y)).toEqual(numbers(alone.outputs.y));
        expect(numbers(found.grads.x)).toEqual(numbers(alone.grads.x));
        // Gradients of parameters are sums over the rows, in another order: at most N + B roundings of numbers below 64.
        const epsilon = sizes.dtype === 'float32' ? 2 ** -24 : 2 ** -53;
        for (const [name, g] of Object.entries(found.grads)) {
          const other = numbers(alone.grads[name]);
          numbers(g).forEach((value, i) => expect(Math.abs(value - other[i])).toBeLessThan(64 * 48 * epsilon));
        }
      }),
    );
  });

  test('the order of the rows is that of the packing, the order of the batch does not matter', () => {
    const turned = poolEngine({ ...problem, lengths: [...problem.lengths].reverse() });
    expect(turned).toEqual(solution);
  });

  test('reads and writes views with any strides', () => {
    const packing = packingOf(problem.lengths);
    const { x, ...params } = problem.tensors;
    const layer = poolings[variant.pooling];
    const pass = layer.forward(kernels, params, scattered(x), packing, optionsOf(variant));
    expect(numbers(pass.y)).toEqual(numbers(solution.outputs.y));
    const zeros = () => Object.fromEntries(Object.entries(params).map(([n, p]) => [n, allocate(p.shape, 'float64')]));
    const [dense, strided] = [allocate(x.shape, 'float64'), scattered(allocate(x.shape, 'float64'))];
    layer.backward(
      kernels,
      params,
      layer.forward(kernels, params, x, packing, optionsOf(variant)),
      problem.cotangent,
      zeros(),
      dense,
    );
    layer.backward(kernels, params, pass, scattered(problem.cotangent), zeros(), strided);
    expect(numbers(strided)).toEqual(numbers(dense));
  });

  test('without dX the parameters still get their gradient', () => {
    const { x, ...params } = problem.tensors;
    const layer = poolings[variant.pooling];
    const pass = layer.forward(kernels, params, x, packingOf(problem.lengths), optionsOf(variant));
    const grads = Object.fromEntries(Object.entries(params).map(([n, p]) => [n, allocate(p.shape, 'float64')]));
    layer.backward(kernels, params, pass, problem.cotangent, grads);
    for (const [name, g] of Object.entries(grads)) {
      numbers(g).forEach((value, i) => expect(value).toBeCloseTo(numbers(solution.grads[name])[i], 13));
    }
  });

  test('float32 is float64, rounded', () => {
    const single = poolProblem(variant, { dtype: 'float32' });
    const wide = (x: Tensor) => viewOf(Float64Array.from(x.data), x.shape);
    const double = {
      ...single,
      tensors: Object.fromEntries(Object.entries(single.tensors).map(([name, x]) => [name, wide(x)])),
      cotangent: wide(single.cotangent),
    };
    const [found, expected] = [poolEngine(single), poolEngine(double)];
    expect(dtypeOf(found.outputs.y.data)).toBe('float32');
    // In units of 2⁻²⁴ of the largest element: last and max round when they add, mean once before; attention measured 1.7.
    const limit = variant.pooling === 'attention' ? 4 * 2 ** -24 : 2 * 2 ** -24;
    for (const kind of ['outputs', 'grads'] as const) {
      for (const [name, x] of Object.entries(expected[kind])) {
        const scale = Math.max(1, ...numbers(x).map(Math.abs));
        numbers(found[kind][name]).forEach((v, i) =>
          expect(Math.abs(v - x.data[i]) / scale).toBeLessThanOrEqual(limit),
        );
      }
    }
  });

  test('in the memory of a backend, inside a frame: the same bits', async () => {
    const wasm = await createWasmKernels();
    const single = poolProblem(variant, { dtype: 'float32', D: 6, A: 5 });
    const found = wasm.workspace!.frame(() => {
      const { outputs, grads } = poolEngine(single, poolings[variant.pooling], wasm);
      return { outputs, grads };
    });
    const expected = poolEngine(single);
    expect(numbers(found.outputs.y)).toEqual(numbers(expected.outputs.y));
    for (const [name, g] of Object.entries(expected.grads)) expect(numbers(found.grads[name])).toEqual(numbers(g));
    wasm.dispose();
  });

  test('no sequences make no vectors', () => {
    const { tensors } = problem;
    const { x, ...params } = tensors;
    const none = allocate([0, x.shape[1]], 'float64');
    const pass = poolings[variant.pooling].forward(kernels, params, none, packingOf([]), optionsOf(variant));
    expect(pass.y.shape).toEqual([0, x.shape[1]]);
  });

  test('what does not fit is refused by name', () => {
    const { x, ...params } = problem.tensors;
    const layer = poolings[variant.pooling];
    const forward = (rows: Tensor, lengths: readonly number[]) =>
      layer.forward(kernels, params, rows, packingOf(lengths), optionsOf(variant));
    expect(() => forward(x, [5, 3])).toThrow(ShapeError);
    expect(() => forward(x, [5, 3])).toThrow(`${variant.pooling}Pool: x must be [N, `);
    expect(() => forward(x, [9, 0, 7])).toThrow(ArgumentError);
    expect(() => forward(x, [9, 0, 7])).toThrow('every sequence must have at least one row; got none for sequence 1');
    const pass = forward(x, problem.lengths);
    expect(() => layer.backward(kernels, params, pass, x, params, x)).toThrow(/dY must be \[B, D|dY must be \[B, W/);
    expect(() => layer.backward(kernels, params, pass, problem.cotangent, params, problem.cotangent)).toThrow(/dX/);
  });
});

test.each(Object.entries(poolingForwards))('the forward half of %s runs as the whole of it does', (name, half) => {
  const { tensors, lengths } = poolProblem({ pooling: name as PoolingName, bidirectional: false });
  const { x, ...params } = tensors;
  const whole = poolings[name as PoolingName];
  const [pass, want] = [half, whole].map((layer) => layer.forward(kernels, params, x, packingOf(lengths)));
  expect(numbers(pass.y)).toEqual(numbers(want.y));
  expect(Object.keys(half).sort()).toEqual(['forward', 'name', 'shapes']);
});

test.each(Object.entries(poolings))('%s declares the shapes of its parameters', (name, layer) => {
  const made = (width?: number) => {
    const record = layer.initialize(4, createRng(1), { width, dtype: 'float64' });
    return Object.fromEntries(Object.entries(record).map(([key, x]) => [key, x.shape]));
  };
  expect(layer.name).toBe(name);
  expect(layer.shapes(4, 3)).toEqual(name === 'attention' ? { W: [4, 3], b: [3], v: [3] } : {});
  expect(made(3)).toEqual(layer.shapes(4, 3));
  expect(layer.shapes(4)).toEqual(name === 'attention' ? { W: [4, 4], b: [4], v: [4] } : {});
  expect(made()).toEqual(layer.shapes(4));
});

describe('last', () => {
  test.each([false, true])('is the final state of the layer below; bidirectional: %p', (bidirectional) => {
    const layers = [{ cell: cells.lstm, hidden: 3, bidirectional }];
    const rng = createRng(8);
    const params = initStack(2, layers, rng, { dtype: 'float64' });
    const lengths = [2, 4, 1, 3];
    const packing = packingOf(lengths);
    const pass = stackForward(kernels, layers, params, random([10, 2], rng), packing);
    const final = matrix(pass.layers[0].forward.final.h);
    const back = bidirectional ? matrix(pass.layers[0].reverse!.final.h) : lengths.map(() => []);
    const { y } = lastPoolForward(kernels, pass.y, packing, { bidirectional });
    expect(matrix(y)).toEqual(final.map((row, b) => [...row, ...back[b]]));
  });

  test('halves of two directions need an even width', () => {
    const x = random([3, 5], createRng(1));
    expect(() => lastPoolForward(kernels, x, packingOf([3]), { bidirectional: true })).toThrow(
      'lastPool: x must be [N, 2H], a forward half and a reverse half of H columns each; got 5 columns',
    );
    expect(lastPoolForward(kernels, x, packingOf([3])).y.shape).toEqual([1, 5]);
  });
});

describe('max', () => {
  const pool = (rows: readonly number[], cotangent = [1]) => {
    const x = viewOf(Float64Array.from(rows), [rows.length, 1]);
    const dX = allocate(x.shape, 'float64');
    const pass = poolings.max.forward(kernels, {}, x, packingOf([rows.length]));
    poolings.max.backward(kernels, {}, pass, viewOf(Float64Array.from(cotangent), [1, 1]), {}, dX);
    return [pass.y.data[0], numbers(dX)] as const;
  };

  test('of equals the first gets the gradient', () => {
    expect(pool([1, 3, 3, 2])).toEqual([3, [0, 1, 0, 0]]);
    expect(pool([0, -0])).toEqual([0, [1, 0]]);
  });

  test('rows of −Infinity have a maximum, and NaN is not hidden', () => {
    expect(pool([-Infinity, -Infinity])).toEqual([-Infinity, [1, 0]]);
    expect(pool([-7, -9])).toEqual([-7, [1, 0]]);
    expect(pool([5, NaN, 7, NaN])).toEqual([NaN, [0, 1, 0, 0]]);
  });
});

describe('attention', () => {
  const problem = poolProblem({ pooling: 'attention', bidirectional: false });
  const { x, ...params } = problem.tensors;
  const forward = (v: Tensor) => {
    const pass = poolings.attention.forward(kernels, { ...params, v }, x, packingOf(problem.lengths));
    return pass as AttentionPool;
  };
  const sequences = problem.lengths.map((_, b) => rowsOf(problem, b));

  test('weights are positive and 1 in sum over every sequence', () => {
    const weights = numbers(forward(params.v).weights);
    expect(Math.min(...weights)).toBeGreaterThan(0);
    for (const rows of sequences) expect(rows.reduce((sum, n) => sum + weights[n], 0)).toBeCloseTo(1, 15);
  });

  test('with a query of zero it is the mean', () => {
    const mean = poolings.mean.forward(kernels, {}, x, packingOf(problem.lengths));
    const { y } = forward(allocate([3], 'float64'));
    numbers(y).forEach((value, i) => expect(value).toBeCloseTo(numbers(mean.y)[i], 15));
  });

  test('scores of ±10⁴ pick one row exactly', () => {
    const huge = forward(viewOf(Float64Array.of(1e4, 0, 0), [3]));
    sequences.forEach((rows, b) => {
      const best = rows.reduce((most, n) => (numbers(huge.u)[n * 3] > numbers(huge.u)[most * 3] ? n : most));
      expect(matrix(huge.y)[b]).toEqual(matrix(x)[best]);
    });
  });

  test('a row that is not finite makes its own sequence NaN, and no other', () => {
    const spoilt = viewOf(x.data.slice() as Float64Array, x.shape);
    spoilt.data[sequences[1][1] * 4] = NaN;
    const pass = poolings.attention.forward(kernels, params, spoilt, packingOf(problem.lengths));
    matrix(pass.y).forEach((row, b) => expect(row.every(Number.isNaN)).toBe(b === 1));
  });

  test('initial parameters are uniform, the bias is zero', () => {
    const { W, b, v } = initAttentionPool(40, 56, createRng(4));
    expect([W.shape, b.shape, v.shape, dtypeOf(W.data)]).toEqual([[40, 56], [56], [56], 'float32']);
    const largest = (t: Tensor) => Math.max(...numbers(t).map(Math.abs));
    const [wide, narrow] = [Math.sqrt(6 / 96), Math.sqrt(6 / 57)];
    for (const [x, bound] of [
      [W, wide],
      [v, narrow],
    ] as const) {
      const share = numbers(x).filter((value) => value < 0).length / numbers(x).length;
      expect(Math.abs(share - 0.5)).toBeLessThan(0.2);
      expect(Math.min(...numbers(x))).toBeLessThan(-0.9 * bound);
    }
    expect([largest(W) <= wide, largest(W) > 0.98 * wide, largest(v) <= narrow, largest(v) > 0.9 * narrow]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(numbers(b)).toEqual(new Array(56).fill(0));
    const record = poolings.attention.initialize(5, createRng(4), { dtype: 'float64' });
    expect([record.W.shape, dtypeOf(record.W.data)]).toEqual([[5, 5], 'float64']);
    expect(() => initAttentionPool(0, 3, createRng(1))).toThrow(ArgumentError);
    expect(() => initAttentionPool(3, 1.5, createRng(1))).toThrow(/A must be an integer/);
  });

  test('parameters and their gradients may be views with any strides', () => {
    const packing = packingOf(problem.lengths);
    const vector = (y: Tensor) => columnVector(scattered({ ...y, shape: [y.shape[0], 1], stride: [y.stride[0], 1] }));
    const views = (record: Readonly<Record<string, Tensor>>) => ({
      ...{ W: scattered(record.W), b: vector(record.b), v: vector(record.v) },
    });
    const zeros = () =>
      Object.fromEntries(Object.entries(params).map(([name, p]) => [name, allocate(p.shape, 'float64')]));
    const run = (own: Readonly<Record<string, Tensor>>, grads: Readonly<Record<string, Tensor>>) => {
      const pass = poolings.attention.forward(kernels, own, x, packing);
      poolings.attention.backward(kernels, own, pass, problem.cotangent, grads);
      return [pass.y, grads.W, grads.b, grads.v].map(numbers);
    };
    expect(run(views(params), views(zeros()))).toEqual(run(params, zeros()));
  });

  test('parameters and gradients that do not fit are refused by name', () => {
    const packing = packingOf(problem.lengths);
    const { attention } = poolings;
    expect(() => attention.forward(kernels, { ...params, v: allocate([4], 'float64') }, x, packing)).toThrow(
      'attentionPool: v must be [A] with A = 3 (W is [4, 3]); got [4]',
    );
    expect(() => attention.forward(kernels, { ...params, b: params.W }, x, packing)).toThrow(/b must be \[A\]/);
    const pass = attention.forward(kernels, params, x, packing);
    const grads = { ...params, W: allocate([3, 4], 'float64') };
    expect(() => attention.backward(kernels, params, pass, problem.cotangent, grads)).toThrow(
      /grads\.W must be \[4, 3\]/,
    );
  });
});

/** A line of a backward pass, what it is broken to, and exactly the tensors whose gradient must be rejected. */
interface Mistake {
  readonly what: string;
  readonly pooling: PoolingName;
  readonly bidirectional?: boolean;
  readonly text: string;
  readonly broken: string;
  readonly wrong: readonly string[];
}

const mistakes: readonly Mistake[] = [
  {
    what: 'the gradient goes to the first row (1)',
    pooling: 'last',
    text: 'dX.data[last + j * dX.stride[1]] +=',
    broken: 'dX.data[first + j * dX.stride[1]] +=',
    wrong: ['x'],
  },
  {
    what: 'the reverse half goes to the last row, as if both directions ended there (2)',
    pooling: 'last',
    bidirectional: true,
    text: 'dX.data[first + j * dX.stride[1]] +=',
    broken: 'dX.data[last + j * dX.stride[1]] +=',
    wrong: ['x'],
  },
  {
    what: 'assignment in place of accumulation (1)',
    pooling: 'last',
    text: 'dX.data[last + j * dX.stride[1]] +=',
    broken: 'dX.data[last + j * dX.stride[1]] =',
    wrong: ['x'],
  },
  {
    what: 'the length is forgotten (1)',
    pooling: 'mean',
    text: 'dY.data[from + j * dY.stride[1]] / T',
    broken: 'dY.data[from + j * dY.stride[1]]',
    wrong: ['x'],
  },
  {
    what: 'the longest length for all (1)',
    pooling: 'mean',
    text: 'dY.data[from + j * dY.stride[1]] / T',
    broken: 'dY.data[from + j * dY.stride[1]] / packing.steps',
    wrong: ['x'],
  },
  {
    what: 'assignment in place of accumulation (1)',
    pooling: 'mean',
    text: 'dX.data[to + j * dX.stride[1]] +=',
    broken: 'dX.data[to + j * dX.stride[1]] =',
    wrong: ['x'],
  },
  {
    what: 'every component goes where the first one came from (2)',
    pooling: 'max',
    text: 'rows[b * W + j] * dX.stride[0]',
    broken: 'rows[b * W] * dX.stride[0]',
    wrong: ['x'],
  },
  {
    what: 'the first row gets everything (2)',
    pooling: 'max',
    text: 'rows[b * W + j] * dX.stride[0]',
    broken: 'b * dX.stride[0]',
    wrong: ['x'],
  },
  {
    what: 'dx += α·dy is missing (4)',
    pooling: 'attention',
    text: '+= alpha * dY.data',
    broken: '+= 0 * dY.data',
    wrong: ['x'],
  },
  {
    what: 'dα of the first row for all (4)',
    pooling: 'attention',
    text: 'x.data[xRow + d * x.stride[1]];',
    broken: 'x.data[x.offset + d * x.stride[1]];',
    wrong: ['x', 'W', 'b', 'v'],
  },
  {
    what: 'a softmax whose weights do not compete: − Σ α·dα is missing (3)',
    pooling: 'attention',
    text: '(ds.data[at] - mean)',
    broken: 'ds.data[at]',
    wrong: ['x', 'W', 'b', 'v'],
  },
  {
    what: 'the factor α is missing (3)',
    pooling: 'attention',
    text: 'weights.data[weights.offset + n * weights.stride[0]] * (',
    broken: '(',
    wrong: ['x', 'W', 'b', 'v'],
  },
  {
    what: 'a sign: dv is subtracted (2)',
    pooling: 'attention',
    text: 'kernels.addMatmulTA(columnOf(grads.v), u, ds);',
    broken:
      'ds.data.forEach((d, n) => (ds.data[n] = -d)); kernels.addMatmulTA(columnOf(grads.v), u, ds); ds.data.forEach((d, n) => (ds.data[n] = -d));',
    wrong: ['v'],
  },
  {
    what: 'the derivative of tanh is forgotten (1)',
    pooling: 'attention',
    text: '*= 1 - u.data[uRow + i] * u.data[uRow + i]',
    broken: '*= 1',
    wrong: ['x', 'W', 'b'],
  },
  {
    what: 'the derivative of tanh at u in place of a (1)',
    pooling: 'attention',
    text: '1 - u.data[uRow + i] * u.data[uRow + i]',
    broken: '1 - u.data[uRow + i]',
    wrong: ['x', 'W', 'b'],
  },
  {
    what: 'the path through the scores is missing (1)',
    pooling: 'attention',
    text: 'if (dX !== undefined) kernels.addMatmulTB(dX, da, params.W);',
    broken: '',
    wrong: ['x'],
  },
  {
    what: 'dW is not collected (1)',
    pooling: 'attention',
    text: 'kernels.addMatmulTA(grads.W, x, da);',
    broken: '',
    wrong: ['W'],
  },
  {
    what: 'db is not collected (1)',
    pooling: 'attention',
    text: 'addSumRows(grads.b, da);',
    broken: '',
    wrong: ['b'],
  },
];

/** The pooling with its broken backward. */
function planted({ pooling, text, broken }: Mistake): Pooling {
  const module = mutated<Record<string, (...args: unknown[]) => void>>(`src/layers/pool-${pooling}.ts`, text, broken);
  const backward = module[`${pooling}PoolBackward`];
  return {
    ...poolings[pooling],
    backward: (kernels, params, pass, dY, grads, dX) =>
      pooling === 'attention' ? backward(kernels, params, pass, dY, grads, dX) : backward(kernels, pass, dY, dX),
  };
}

describe('a backward pass broken on purpose is rejected', () => {
  const problemFor = ({ pooling, bidirectional = false }: Mistake) => poolProblem({ pooling, bidirectional });

  test.each(mistakes)('by finite differences: $pooling: $what', (mistake) => {
    const problem = problemFor(mistake);
    const report = differences(problem, poolEngine(problem, planted(mistake)).grads);
    const rejected = Object.entries(report.perTensor).filter(([, worst]) => !worst.passed);
    expect(rejected.map(([name]) => name)).toEqual(mistake.wrong);
    expect(describeElement(report.worst)).toContain(`${report.worst.name}[`);
  });

  test.each(mistakes)('by the tape and by the sequences alone: $pooling: $what', (mistake) => {
    const problem = problemFor(mistake);
    const found = poolEngine(problem, planted(mistake));
    for (const oracle of [tapePoolSolution, alonePoolSolution]) {
      const { name, error } = worstDifference(found, oracle(problem));
      expect(error).toBeGreaterThan(1e-3);
      expect(mistake.wrong.map((wrong) => `gradient of ${wrong}`)).toContain(name);
    }
  });

  test('every pooling has at least two', () => {
    for (const name of Object.keys(poolings)) {
      expect(mistakes.filter(({ pooling }) => pooling === name).length).toBeGreaterThanOrEqual(2);
    }
  });

  test('a mistake whose line is gone is reported, not skipped', () => {
    expect(() => planted({ ...mistakes[0], text: 'this is not there' })).toThrow(
      /must hold .* exactly once; it does 0/,
    );
    expect(() => planted({ ...mistakes[0], text: 'const' })).toThrow(/exactly once/);
  });
});
