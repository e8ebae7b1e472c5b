import fc from 'fast-check';
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packingOf } from '../../src/autograd/packing.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createWasmKernels } from '../../src/kernels/wasm/index.js';
import * as layer from '../../src/layers/convolution.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, viewOf } from '../../src/tensor/view.js';
import type { Kernels } from '../../src/kernels/types.js';
import { brokenLines } from '../support/mutate.js';
import { rowsOf } from '../support/poolings.js';
import { distance, dot, matrix, numbers, random, scattered } from './support.js';

fc.configureGlobal({ seed: 16, numRuns: 60 });

const kernels = createCpuKernels();

/** A convolution with numbers, T = 5, B = 6, N = 16, D = 4, F = 3. */
interface Problem {
  readonly lengths: readonly number[];
  readonly K: number;
  readonly tensors: Readonly<Record<'x' | 'W' | 'b', Tensor>>;
  readonly cotangent: Tensor;
}

interface Sizes {
  readonly lengths?: readonly number[];
  readonly K?: number;
  readonly seed?: number;
  readonly dtype?: DType;
}

const [D, F] = [4, 3];

function problemOf({ lengths = [2, 5, 1, 3, 1, 4], K = 3, seed = 1, dtype = 'float64' }: Sizes = {}): Problem {
  const rng = createRng(seed);
  const N = lengths.reduce((sum, length) => sum + length, 0);
  const tensors = { x: random([N, D], rng, dtype), W: random([K * D, F], rng, dtype), b: random([F], rng, dtype) };
  return { lengths, K, tensors, cotangent: random([N, F], rng, dtype) };
}

const forward = ({ lengths, tensors: { x, W, b } }: Problem, k: Kernels = kernels) =>
  layer.convolutionForward(k, { W, b }, x, packingOf(lengths));

/** Gradients from `START`, subtracted again: an assignment in place of an addition is found out. */
const START = 0.375;
function gradients(problem: Problem, { convolutionBackward }: typeof layer = layer, k: Kernels = kernels) {
  const { tensors, cotangent } = problem;
  const grads = Object.fromEntries(
    Object.entries(tensors).map(([name, t]) => {
      const g = allocate(t.shape, dtypeOf(t.data));
      g.data.fill(START);
      return [name, g];
    }),
  ) as Record<'x' | 'W' | 'b', Tensor>;
  const { W, b } = tensors;
  convolutionBackward(k, { W, b }, forward(problem, k), cotangent, { W: grads.W, b: grads.b }, grads.x);
  for (const g of Object.values(grads)) g.data.forEach((value, i) => (g.data[i] = value - START));
  return grads;
}

const lossOf = (problem: Problem) => dot(problem.cotangent, forward(problem).y);

/** The definition, in plain loops over plain lists; row numbers are worked out anew. */
function naive({ lengths, K, tensors: { x, W, b } }: Problem): number[][] {
  const [rows, weights, bias] = [matrix(x), matrix(W), numbers(b)];
  const y: number[][] = rows.map(() => []);
  lengths.forEach((_, s) => {
    const places = rowsOf({ lengths }, s);
    places.forEach((row, t) => {
      y[row] = bias.map((start, f) => {
        let sum = start;
        for (let k = 0; k < K; k++) {
          const from = places[t - Math.floor((K - 1) / 2) + k];
          if (from !== undefined) for (let d = 0; d < D; d++) sum += rows[from][d] * weights[k * D + d][f];
        }
        return sum;
      });
    });
  });
  return y;
}

describe.each([1, 2, 3, 4, 9])('a window of %d rows', (K) => {
  const problem = problemOf({ K });

  test('computes its definition', () => {
    expect(distance(forward(problem).y, naive(problem).flat())).toBeLessThan(1e-13);
  });

  test('agrees with finite differences', () => {
    const grads = gradients(problem);
    const report = gradcheck({ tensors: problem.tensors, grads, loss: () => lossOf(problem), tolerance: 1e-8 });
    expect(report.failures.map(describeElement)).toEqual([]);
  });

  test('agrees with the tape', () => {
    const { lengths, tensors, cotangent } = problem;
    const tape = createTape();
    const x = tape.variable(tensors.x);
    const W = tape.variable(tensors.W);
    const b = tape.variable(tensors.b);
    const outputs = new Map<number, ReturnType<typeof tape.variable>>();
    lengths.forEach((_, s) => {
      const places = rowsOf({ lengths }, s);
      places.forEach((row, t) => {
        let y = tape.add(tape.constant(allocate([1, F], 'float64')), b);
        for (let k = 0; k < K; k++) {
          const from = places[t - Math.floor((K - 1) / 2) + k];
          if (from !== undefined) {
            y = tape.add(y, tape.matmul(tape.gatherRows(x, [from]), tape.sliceRows(W, k * D, D)));
          }
        }
        outputs.set(row, y);
      });
    });
    const y = tape.concatRows(Array.from({ length: outputs.size }, (_, n) => outputs.get(n)!));
    tape.backward(y, cotangent);
    const grads = gradients(problem);
    expect(distance(forward(problem).y, y.value)).toBeLessThan(1e-13);
    for (const [name, node] of Object.entries({ x, W, b })) {
      expect(distance(grads[name as 'x'], node.grad)).toBeLessThan(1e-13);
    }
  });
});

describe('finite differences reject every broken line of the backward pass', () => {
  const lines = brokenLines<typeof layer>('src/layers/convolution.ts', (name) => name === 'convolutionBackward');
  const problem = problemOf();

  test.each(lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const))('%s', (text, line) => {
    if (text.includes('return')) return; // the way without dX, below
    const report = gradcheck({
      tensors: problem.tensors,
      grads: gradients(problem, line.load()),
      loss: () => lossOf(problem),
      tolerance: 1e-8,
    });
    expect(report.passed).toBe(false);
  });

  test('every equation is among them', () => {
    expect(new Set(lines.flatMap(({ equations }) => equations))).toEqual(new Set([1, 2]));
  });
});

test('without dX the filters still get their gradient', () => {
  const problem = problemOf();
  const { W, b } = problem.tensors;
  const grads = { W: allocate(W.shape, 'float64'), b: allocate(b.shape, 'float64') };
  layer.convolutionBackward(kernels, { W, b }, forward(problem), problem.cotangent, grads);
  const whole = gradients(problem);
  expect(distance(grads.W, whole.W)).toBeLessThan(1e-14);
  expect(distance(grads.b, whole.b)).toBeLessThan(1e-14);
});

test('a sequence beside others gets what it gets alone, to the bit', () => {
  const sizes = fc.record({
    lengths: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 6 }),
    K: fc.integer({ min: 1, max: 6 }),
    seed: fc.nat(1000),
    dtype: fc.constantFrom('float32' as const, 'float64' as const),
  });
  fc.assert(
    fc.property(sizes, (drawn) => {
      const problem = problemOf(drawn);
      const { x, W, b } = problem.tensors;
      const { lengths } = problem;
      const [y, dx] = [matrix(forward(problem).y), matrix(gradients(problem).x)];
      lengths.forEach((_, s) => {
        const places = rowsOf({ lengths }, s);
        const pick = (from: Tensor) => {
          const rows = places.flatMap((row) => matrix(from)[row]);
          const data = drawn.dtype === 'float32' ? Float32Array.from(rows) : Float64Array.from(rows);
          return viewOf(data, [places.length, from.shape[1]]);
        };
        const alone = { ...problem, lengths: [places.length], tensors: { x: pick(x), W, b }, cotangent: pick(problem.cotangent) }; // prettier-ignore
        expect(matrix(forward(alone).y)).toEqual(places.map((row) => y[row]));
        expect(matrix(gradients(alone).x)).toEqual(places.map((row) => dx[row]));
      });
    }),
  );
});

test('reads and writes views with any strides', () => {
  const problem = problemOf();
  const { x, W, b } = problem.tensors;
  const packing = packingOf(problem.lengths);
  const pass = layer.convolutionForward(kernels, { W: scattered(W), b }, scattered(x), packing);
  expect(distance(pass.y, forward(problem).y)).toBeLessThan(1e-14);
  const grads = { W: scattered(allocate(W.shape, 'float64')), b: allocate(b.shape, 'float64') };
  const dX = scattered(allocate(x.shape, 'float64'));
  layer.convolutionBackward(kernels, { W, b }, pass, scattered(problem.cotangent), grads, dX);
  const dense = gradients(problem);
  expect(distance(dX, dense.x)).toBeLessThan(1e-14);
  expect(distance(grads.W, dense.W)).toBeLessThan(1e-14);
});

test('in the memory of WebAssembly, inside a frame: the same up to the order of its sums', async () => {
  const wasm = await createWasmKernels();
  const problem = problemOf({ dtype: 'float32', K: 5 });
  const [y, grads] = wasm.frame(() => [numbers(forward(problem, wasm).y), gradients(problem, layer, wasm)] as const);
  const expected = gradients(problem);
  // Sums of at most 20 products of numbers below 4: a rounding each, of 2⁻²⁴ of at most 64.
  const bound = 40 * 64 * 2 ** -24;
  expect(distance(y, forward(problem).y)).toBeLessThan(bound);
  for (const name of ['x', 'W', 'b'] as const) expect(distance(grads[name], expected[name])).toBeLessThan(bound);
  wasm.dispose();
});

test('initial filters are those of a linear layer from K·D to F', () => {
  const { W, b } = layer.initConvolution(5, 7, 3, createRng(2));
  expect([W.shape, b.shape, dtypeOf(W.data)]).toEqual([[15, 7], [7], 'float32']);
  const largest = Math.max(...numbers(W).map(Math.abs));
  expect(largest).toBeLessThanOrEqual(Math.sqrt(6 / 22));
  expect(largest).toBeGreaterThan(0.9 * Math.sqrt(6 / 22));
  expect(dtypeOf(layer.initConvolution(5, 7, 3, createRng(2), { dtype: 'float64' }).W.data)).toBe('float64');
  expect(() => layer.initConvolution(5, 7, 0, createRng(2))).toThrow(ArgumentError);
  expect(() => layer.initConvolution(5, 0, 1, createRng(2))).toThrow(/F must be an integer/);
});

test('what does not fit is refused by name', () => {
  const problem = problemOf();
  const { x, W, b } = problem.tensors;
  const packing = packingOf(problem.lengths);
  const narrow = allocate([16, 5], 'float64');
  expect(() => layer.convolutionForward(kernels, { W, b }, narrow, packing)).toThrow(ShapeError);
  expect(() => layer.convolutionForward(kernels, { W, b }, narrow, packing)).toThrow(
    'convolutionForward: W must be [K·D, F] with D = 5, the columns of x; got [12, 3]',
  );
  expect(() => layer.convolutionForward(kernels, { W, b }, x, packingOf([3]))).toThrow(/x must be \[N, D\] with N = 3/);
  const pass = forward(problem);
  const grads = { W, b };
  expect(() => layer.convolutionBackward(kernels, { W, b }, pass, x, grads)).toThrow(/dY must be \[N, F\]/);
  expect(() => layer.convolutionBackward(kernels, { W, b }, pass, problem.cotangent, grads, narrow)).toThrow(
    /W must be/,
  );
  expect(() => layer.convolutionBackward(kernels, { W, b }, pass, problem.cotangent, { W: b, b })).toThrow(/grads\.W/);
});
