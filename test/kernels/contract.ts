/**
 * What every backend owes, as one suite. A backend's test file is one call:
 *
 *     kernelContract('cpu', () => createCpuKernels());
 *     kernelContract('gpu', openGpu, { skip: gpuAbsent && 'no display' });
 *
 * The checks are plain functions that throw, so that `contract.test.ts` can run them against wrong kernels and show each
 * one rejected. They await every product: synchronous and asynchronous backends run the same suite.
 */
import { ArgumentError, ShapeError, UnsupportedError } from '../../src/tensor/errors';
import type { DType, Tensor } from '../../src/tensor/types';
import type { AsyncKernels, Kernels } from '../../src/kernels/types';
import { LAYOUTS, at, clone, deviations, exactProduct, gamma, numbers, place } from './oracle';
import type { ExactProduct, Layout, ProductName } from './oracle';

export type AnyKernels = Kernels | AsyncKernels;

/** One demand: throws an Error that says what is wrong, or returns. */
export interface Check {
  readonly name: string;
  run(kernels: AnyKernels): Promise<void>;
}

const PRODUCTS: readonly ProductName[] = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];

/** `[M, K, N]`: ones, primes, the edges of blocks and tiles, one step of a tagger, and inner sizes past 1000. */
const SHAPES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 2, 3],
  [2, 1, 5],
  [7, 5, 1],
  [3, 11, 2],
  [4, 8, 6],
  [13, 17, 19],
  [67, 2, 9],
  [5, 3, 131],
  [6, 257, 9],
  [32, 3, 20],
  [1, 1500, 7],
  [5, 1500, 3],
  [2, 4096, 3],
  [5, 4097, 2],
];

interface Case {
  readonly product: ProductName;
  readonly dtype: DType;
  readonly size: readonly [number, number, number];
  readonly layouts?: readonly [Layout, Layout, Layout];
}

interface Operands {
  readonly out: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
}

/** Operands of a case. `out` starts from random values: a product that assigns instead of adding is off at once. */
export function operands({ product, dtype, size, layouts = ['row-major', 'row-major', 'row-major'] }: Case): Operands {
  const [M, K, N] = size;
  const draw = numbers(M * 7919 + K * 31 + N + (dtype === 'float32' ? 0 : 1));
  const [rowsA, columnsA] = product === 'addMatmulTA' ? [K, M] : [M, K];
  const [rowsB, columnsB] = product === 'addMatmulTB' ? [N, K] : [K, N];
  return {
    out: place(M, N, dtype, layouts[0], draw),
    a: place(rowsA, columnsA, dtype, layouts[1], draw),
    b: place(rowsB, columnsB, dtype, layouts[2], draw),
  };
}

const known = new Map<string, ExactProduct>();

/** The exact product of a case; the operands depend on the case alone, so it is computed once. */
function exactOf(each: Case): ExactProduct {
  const key = JSON.stringify(each);
  let product = known.get(key);
  if (product === undefined) {
    const { a, b } = operands(each);
    product = exactProduct(each.product, a, b);
    known.set(key, product);
  }
  return product;
}

/**
 * The product is right: each element within γ_{K+1}·(|out| + Σ|a||b|) of the exact value, which any order of summation in
 * the element type satisfies (Higham, Accuracy and Stability, 2nd ed., §3.1), fused multiply-adds included. One γ more
 * covers the rounding of Σ|a||b| itself.
 */
function expectProduct(label: string, got: Tensor, start: Tensor, each: Case): void {
  const product = exactOf(each);
  for (const { i, j, error, magnitude, value, start: from } of deviations(got, start, product)) {
    const bound = gamma(product.inner + 2, each.dtype) * (Math.abs(from) + magnitude);
    if (!(error <= bound)) {
      throw new Error(
        `${label}: element (${i}, ${j}) is ${at(got, i, j)}, exact ${value}; off by ${error}, allowed ${bound}`,
      );
    }
  }
}

function expectSameBits(label: string, got: Tensor, before: Tensor, skipped: ReadonlySet<number> = new Set()): void {
  for (let p = 0; p < before.data.length; p++) {
    if (!skipped.has(p) && !Object.is(got.data[p], before.data[p])) {
      throw new Error(`${label}: data[${p}] was ${before.data[p]} and became ${got.data[p]}`);
    }
  }
}

function indicesOf(x: Tensor): Set<number> {
  const indices = new Set<number>();
  for (let i = 0; i < x.shape[0]; i++) {
    for (let j = 0; j < x.shape[1]; j++) indices.add(x.offset + i * x.stride[0] + j * x.stride[1]);
  }
  return indices;
}

/** Values, accumulation, untouched inputs and untouched surroundings, in one run. */
function productCheck(each: Case): Check {
  const where = each.layouts ? `, out ${each.layouts[0]}, a ${each.layouts[1]}, b ${each.layouts[2]}` : '';
  return {
    name: `${each.product} ${each.dtype} [M, K, N] = [${each.size.join(', ')}]${where}`,
    async run(kernels) {
      const { out, a, b } = operands(each);
      const [start, a0, b0] = [clone(out), clone(a), clone(b)];
      await kernels[each.product](out, a, b);
      expectSameBits(`${this.name}: a must stay untouched`, a, a0);
      expectSameBits(`${this.name}: b must stay untouched`, b, b0);
      expectSameBits(`${this.name}: nothing outside of out may change`, out, start, indicesOf(out));
      expectProduct(this.name, out, start, each);
      const once = clone(out);
      await kernels[each.product](out, a, b);
      expectProduct(`${this.name}, a second time`, out, once, each);
    },
  };
}

function emptyCheck(product: ProductName, dtype: DType): Check {
  return {
    name: `${product} ${dtype} leaves out as it was when a size is 0, the sign of -0 included`,
    async run(kernels) {
      for (const size of [
        [0, 3, 5],
        [3, 0, 5],
        [3, 5, 0],
        [0, 0, 0],
      ] as const) {
        const { out, a, b } = operands({ product, dtype, size });
        out.data.fill(-0);
        const before = clone(out);
        await kernels[product](out, a, b);
        expectSameBits(`${this.name}, [M, K, N] = [${size.join(', ')}]`, out, before);
      }
    },
  };
}

/** NaN and ∞ reach exactly the elements they belong to: 0 · ∞ is NaN, and no neighbour in a tile is spoiled. */
function nonFiniteCheck(product: ProductName, dtype: DType): Check {
  const each: Case = { product, dtype, size: [6, 7, 5] };
  const put = (x: Tensor, i: number, j: number, value: number) => {
    x.data[x.offset + i * x.stride[0] + j * x.stride[1]] = value;
  };
  return {
    name: `${product} ${dtype} lets NaN and infinity through, and to their row and column alone`,
    async run(kernels) {
      const { out, a, b } = operands(each);
      const putA = (i: number, k: number, x: number) => (product === 'addMatmulTA' ? put(a, k, i, x) : put(a, i, k, x));
      const putB = (k: number, j: number, x: number) => (product === 'addMatmulTB' ? put(b, j, k, x) : put(b, k, j, x));
      putA(4, 3, NaN);
      putB(2, 1, Infinity);
      putA(0, 2, 0);
      putA(1, 2, -1);
      await kernels[product](out, a, b);
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 5; j++) {
          const got = at(out, i, j);
          const nan = i === 4 || (i === 0 && j === 1);
          const infinite = j === 1 && !nan;
          const right = nan ? Number.isNaN(got) : infinite ? Math.abs(got) === Infinity : Number.isFinite(got);
          if (!right) throw new Error(`${this.name}: element (${i}, ${j}) is ${got}`);
        }
      }
      if (at(out, 1, 1) !== -Infinity) throw new Error(`${this.name}: -1 * Infinity gave ${at(out, 1, 1)}`);
    },
  };
}

type ErrorClass = new (message: string) => Error;

async function expectThrows(label: string, act: () => unknown, expected: ErrorClass, words: string[]): Promise<void> {
  let caught: unknown;
  try {
    await act();
  } catch (error) {
    caught = error;
  }
  if (!(caught instanceof expected)) {
    throw new Error(
      `${label}: expected ${expected.name}, ${caught === undefined ? 'nothing was thrown' : String(caught)}`,
    );
  }
  const missing = words.filter((word) => !(caught as Error).message.includes(word));
  if (missing.length > 0) throw new Error(`${label}: the message must name ${missing}; it is "${caught.message}"`);
}

/** Grows one axis of one operand at a time: each product has six axes, and each must agree with another. */
function shapeCheck(product: ProductName, dtype: DType): Check {
  return {
    name: `${product} ${dtype} refuses sizes that do not fit, and names them`,
    async run(kernels) {
      for (const axis of [0, 1]) {
        for (const wrong of ['out', 'a', 'b'] as const) {
          const fitting = operands({ product, dtype, size: [3, 4, 2] });
          const [rows, columns] = fitting[wrong].shape;
          const grown = place(rows + (axis === 0 ? 1 : 0), columns + axis, dtype, 'row-major', numbers(1));
          const out = wrong === 'out' ? grown : fitting.out;
          const a = wrong === 'a' ? grown : fitting.a;
          const b = wrong === 'b' ? grown : fitting.b;
          const label = `${this.name}: ${wrong} axis ${axis}`;
          const words = [product, ...[out, a, b].map((x) => `[${x.shape.join(', ')}]`)];
          await expectThrows(label, () => kernels[product](out, a, b), ShapeError, words);
        }
      }
      const { out, a, b } = operands({ product, dtype, size: [3, 4, 2] });
      const vector = { ...a, shape: [12], stride: [1] };
      await expectThrows(`${this.name}: a of rank 1`, () => kernels[product](out, vector, b), ShapeError, ['[12]']);
    },
  };
}

function misuseCheck(product: ProductName, dtype: DType): Check {
  return {
    name: `${product} ${dtype} refuses mixed element types, views past their data, and an out that overlaps an input`,
    async run(kernels) {
      const { out, a, b } = operands({ product, dtype, size: [3, 3, 3] });
      const other = dtype === 'float32' ? 'float64' : 'float32';
      const mixed = place(3, 3, other, 'row-major', numbers(2));
      await expectThrows(`${this.name}: mixed`, () => kernels[product](out, a, mixed), ShapeError, [dtype, other]);
      const past = { ...b, offset: 1 };
      await expectThrows(`${this.name}: past the data`, () => kernels[product](out, a, past), ShapeError, ['b', '9']);
      for (const [x, y] of [
        [out, b],
        [a, out],
      ]) {
        await expectThrows(`${this.name}: overlap`, () => kernels[product](out, x, y), ArgumentError, ['overlap']);
      }
      const wide = place(3, 7, dtype, 'row-major', numbers(3));
      const part = (first: number): Tensor => ({ ...wide, shape: [3, 3], offset: first });
      await kernels[product](part(0), part(4), b);
      await expectThrows(`${this.name}: shared column`, () => kernels[product](part(0), part(2), b), ArgumentError, [
        'a',
      ]);
      const flat = { ...out, stride: [0, 1] };
      await expectThrows(`${this.name}: out on itself`, () => kernels[product](flat, a, b), ArgumentError, ['stride']);
    },
  };
}

function unsupportedCheck(product: ProductName, dtype: DType): Check {
  return {
    name: `${product} declines ${dtype}, an element type it does not list`,
    async run(kernels) {
      const { out, a, b } = operands({ product, dtype, size: [2, 3, 4] });
      await expectThrows(this.name, () => kernels[product](out, a, b), UnsupportedError, [dtype, kernels.backend]);
    },
  };
}

/** Every demand on kernels that list the given element types. */
export function contractChecks(dtypes: readonly DType[]): Check[] {
  const checks: Check[] = [];
  for (const product of PRODUCTS) {
    for (const dtype of ['float32', 'float64'] as const) {
      if (!dtypes.includes(dtype)) {
        checks.push(unsupportedCheck(product, dtype));
        continue;
      }
      for (const size of SHAPES) checks.push(productCheck({ product, dtype, size }));
      for (const size of [
        [3, 5, 7],
        [9, 6, 4],
      ] as const) {
        LAYOUTS.forEach((layout, i) => {
          const next = LAYOUTS[(i + 1) % LAYOUTS.length];
          const last = LAYOUTS[(i + 2) % LAYOUTS.length];
          checks.push(productCheck({ product, dtype, size, layouts: [layout, next, last] }));
          checks.push(productCheck({ product, dtype, size, layouts: [layout, layout, layout] }));
        });
      }
      checks.push(emptyCheck(product, dtype), nonFiniteCheck(product, dtype));
      checks.push(shapeCheck(product, dtype), misuseCheck(product, dtype));
    }
  }
  return checks;
}

/**
 * Runs the contract as jest tests.
 *
 * @param dtypes element types the backend is expected to list
 * @param options.skip the reason why the backend cannot run here; one skipped test then carries it
 */
export function kernelContract(
  name: string,
  dtypes: readonly DType[],
  create: () => AnyKernels | Promise<AnyKernels>,
  { skip }: { skip?: string | false } = {},
): void {
  if (skip) {
    it.skip(`kernel contract: ${name}: skipped, ${skip}`, () => {});
    return;
  }
  describe(`kernel contract: ${name}`, () => {
    let kernels: AnyKernels;
    beforeAll(async () => {
      kernels = await create();
    });
    afterAll(() => kernels.dispose());
    it('lists the element types it computes in', () => {
      expect([...kernels.dtypes].sort()).toEqual([...dtypes].sort());
    });
    it.each(contractChecks(dtypes).map((check) => [check.name, check] as const))('%s', async (_, check) => {
      await check.run(kernels);
    });
  });
}
