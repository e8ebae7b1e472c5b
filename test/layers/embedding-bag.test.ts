import fc from 'fast-check';
import { gradcheck } from '../../src/autograd/check/gradcheck.js';
import { createRowSparseGradient } from '../../src/autograd/grads.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createWasmKernels } from '../../src/kernels/wasm/index.js';
import * as layer from '../../src/layers/embedding-bag.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import { mutated } from '../support/mutate.js';
import { distance, dot, expectGradients, matrix, numbers, random, scattered } from './support.js';

fc.configureGlobal({ seed: 15, numRuns: 60 });

const kernels = createCpuKernels();
const { embeddingBagBackward, embeddingBagForward, initEmbeddingBag } = layer;

const [R, E, k] = [7, 3, 4];
/** Rows stand several times in one bag, in several bags, and not at all. */
const ids = Int32Array.from([4, 0, 4, 6, 1, 1, 1, 1, 6, 2, 0, 3, 2, 4, 2, 0, 3, 6, 6, 1]);
const N = ids.length / k;
const params = { weight: random([R, E], createRng(5)) };
const cotangent = random([N, E], createRng(6));

/** Gradients from `START`, subtracted again: an assignment in place of an addition is found out. */
const START = 0.375;
function gradient({ embeddingBagBackward: backward }: typeof layer = layer): { weight: Tensor } {
  const weight = allocate([R, E], 'float64');
  weight.data.fill(START);
  backward(kernels, ids, k, cotangent, { weight });
  weight.data.forEach((value, i) => (weight.data[i] = value - START));
  return { weight };
}

const loss = (): number => dot(cotangent, embeddingBagForward(kernels, params, ids, k));

test('adds up the rows of every bag', () => {
  const table = matrix(params.weight);
  const sums = Array.from({ length: N }, (_, n) =>
    table[0].map((_column, e) =>
      Array.from(ids.slice(n * k, (n + 1) * k), (id) => table[id][e]).reduce((a, b) => a + b),
    ),
  );
  expect(matrix(embeddingBagForward(kernels, params, ids, k))).toEqual(sums);
});

test('agrees with finite differences, dense or by rows', () => {
  const grads = gradient();
  expectGradients(params, grads, loss);
  const byRow = createRowSparseGradient(R, E, 'float64');
  embeddingBagBackward(kernels, ids, k, cotangent, { weight: byRow });
  expect(distance(byRow, grads.weight)).toBeLessThan(1e-15);
  expect([...byRow.touched.slice(0, byRow.count)]).toEqual([4, 0, 6, 1, 2, 3]);
  expect(matrix(byRow)[5]).toEqual([0, 0, 0]);
});

test('agrees with the tape', () => {
  const tape = createTape();
  const weight = tape.variable(params.weight);
  const bags = Array.from({ length: N }, (_, n) =>
    Array.from(ids.slice(n * k, (n + 1) * k), (id) => tape.gatherRows(weight, [id])).reduce((a, b) => tape.add(a, b)),
  );
  const y = tape.concatRows(bags);
  tape.backward(y, cotangent);
  expect(distance(embeddingBagForward(kernels, params, ids, k), y.value)).toBe(0);
  expect(distance(gradient().weight, weight.grad)).toBeLessThan(1e-14);
});

test.each([
  [
    'the first column alone',
    'for (let j = 0; j < k; j++) kernels.rows.scatterAdd',
    'for (let j = 0; j < 1; j++) kernels.rows.scatterAdd',
  ],
  ['always the same column', 'scatterAdd(dW, dY, columnOf(ids, k, j))', 'scatterAdd(dW, dY, columnOf(ids, k, 0))'],
])('finite differences reject a broken backward pass: %s', (_, text, broken) => {
  const planted = mutated<typeof layer>('src/layers/embedding-bag.ts', text, broken);
  const report = gradcheck({ tensors: params, grads: gradient(planted), loss, tolerance: 1e-7 });
  expect(report.passed).toBe(false);
  expect(report.worst.name).toBe('weight');
});

test('with one row per bag it is an embedding; a bag beside others gets what it gets alone', () => {
  const bags = fc.record({
    k: fc.integer({ min: 1, max: 5 }),
    N: fc.nat(8),
    E: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(99),
  });
  fc.assert(
    fc.property(bags, fc.constantFrom('float32' as const, 'float64' as const), ({ k, N, E, seed }, dtype) => {
      const rng = createRng(seed);
      const own = { weight: random([R, E], rng, dtype) };
      const drawn = Int32Array.from({ length: N * k }, () => rng.integer(R));
      const y = matrix(embeddingBagForward(kernels, own, drawn, k));
      y.forEach((row, n) => {
        expect(matrix(embeddingBagForward(kernels, own, drawn.slice(n * k, (n + 1) * k), k))[0]).toEqual(row);
        if (k === 1) expect(row).toEqual(matrix(own.weight)[drawn[n]]);
      });
    }),
  );
});

test('reads and writes views with any strides', () => {
  const y = embeddingBagForward(kernels, { weight: scattered(params.weight) }, ids, k);
  expect(matrix(y)).toEqual(matrix(embeddingBagForward(kernels, params, ids, k)));
  const weight = scattered(allocate([R, E], 'float64'));
  embeddingBagBackward(kernels, ids, k, scattered(cotangent), { weight });
  const dense = allocate([R, E], 'float64');
  embeddingBagBackward(kernels, ids, k, cotangent, { weight: dense });
  expect(numbers(weight)).toEqual(numbers(dense));
});

test('in the memory of WebAssembly, inside a frame: the same bits', async () => {
  const wasm = await createWasmKernels();
  const single = { weight: random([R, 6], createRng(7), 'float32') };
  const dY = random([N, 6], createRng(8), 'float32');
  const grads = { weight: createRowSparseGradient(R, 6) };
  const release = wasm.adopt([single.weight, grads.weight]);
  const y = wasm.frame(() => {
    const own = wasm.empty(dY.shape, 'float32');
    own.data.set(dY.data, own.offset);
    embeddingBagBackward(wasm, ids, k, own, grads);
    return numbers(embeddingBagForward(wasm, single, ids, k));
  });
  release();
  expect(y).toEqual(numbers(embeddingBagForward(kernels, single, ids, k)));
  const plain = { weight: createRowSparseGradient(R, 6) };
  embeddingBagBackward(kernels, ids, k, dY, plain);
  expect(numbers(grads.weight)).toEqual(numbers(plain.weight));
  wasm.dispose();
});

test('initial rows are uniform in ±√(3/(k·E)), so that a sum has the variance of a word vector', () => {
  const { weight } = initEmbeddingBag(600, 12, 9, createRng(7));
  const values = numbers(weight);
  expect([weight.shape, dtypeOf(weight.data)]).toEqual([[600, 12], 'float32']);
  const bound = Math.sqrt(3 / 108);
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
  expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
  expect(numbers(initEmbeddingBag(600, 12, 9, createRng(7)).weight)).toEqual(values);
  expect(dtypeOf(initEmbeddingBag(2, 3, 1, createRng(7), { dtype: 'float64' }).weight.data)).toBe('float64');
});

test('no bags make an empty result and touch nothing', () => {
  const weight = createRowSparseGradient(R, E, 'float64');
  const y = embeddingBagForward(kernels, params, new Int32Array(0), k);
  embeddingBagBackward(kernels, new Int32Array(0), k, y, { weight });
  expect([y.shape, weight.count]).toEqual([[0, E], 0]);
});

test('what does not fit is refused by name', () => {
  expect(() => embeddingBagForward(kernels, params, ids, 3)).toThrow(ArgumentError);
  expect(() => embeddingBagForward(kernels, params, ids, 3)).toThrow('ids must have k = 3 entries per bag; got 20');
  expect(() => embeddingBagForward(kernels, params, ids, 0)).toThrow(/k must be an integer of at least 1/);
  expect(() => embeddingBagForward(kernels, params, Int32Array.of(0, 7), 2)).toThrow(
    /ids\[1\] must be a row of weight/,
  );
  expect(() => embeddingBagBackward(kernels, ids, k, random([N, 4], createRng(1)), params)).toThrow(
    /dY must be \[N, E\]/,
  );
  expect(() => embeddingBagBackward(kernels, ids, 7, cotangent, params)).toThrow(/ids must have k = 7 entries per bag/);
  expect(() => initEmbeddingBag(0, 3, 1, createRng(1))).toThrow(/R must be an integer/);
  expect(() => initEmbeddingBag(3, 3, 0, createRng(1))).toThrow(/k must be an integer/);
});
