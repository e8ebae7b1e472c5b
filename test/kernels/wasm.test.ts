/** The WebAssembly backend: the contract, rows that do not depend on their batch, its memory, and what it refuses. */
import fc from 'fast-check';
import { ArgumentError, MemoryError, UnsupportedError } from '../../src/tensor/errors';
import type { DType, Tensor } from '../../src/tensor/types';
import { createWasmKernels } from '../../src/kernels/index';
import type { WasmKernels } from '../../src/kernels/index';
import { kernelContract, operands } from './contract';
import { LAYOUTS, at, clone, deviations, exactProduct, gamma, numbers, place } from './oracle';
import type { ProductName } from './oracle';

// Taken once: a property of a global object is slow to look up in a test's realm.
const { fround } = Math;

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const;

kernelContract('wasm-simd', ['float32', 'float64'], () => createWasmKernels());

/** Fails at the first element whose bits differ. */
function expectEqualBits(got: Tensor, want: Tensor): void {
  for (let i = 0; i < want.shape[0]; i++) {
    for (let j = 0; j < want.shape[1]; j++) {
      if (!Object.is(at(got, i, j), at(want, i, j))) {
        throw new Error(`(${i}, ${j}): ${at(got, i, j)} is not ${at(want, i, j)}`);
      }
    }
  }
}

/** Sums in the element type, in the order of k, starting from `out`: what every tile must give, bit for bit. */
function inOrder(product: ProductName, out: Tensor, a: Tensor, b: Tensor): Tensor {
  const got = clone(out);
  const K = product === 'addMatmulTA' ? a.shape[0] : a.shape[1];
  const round = out.data instanceof Float32Array ? fround : (x: number) => x;
  for (let i = 0; i < out.shape[0]; i++) {
    for (let j = 0; j < out.shape[1]; j++) {
      let sum = at(out, i, j);
      for (let k = 0; k < K; k++) {
        const left = product === 'addMatmulTA' ? at(a, k, i) : at(a, i, k);
        const right = product === 'addMatmulTB' ? at(b, j, k) : at(b, k, j);
        sum = round(sum + round(left * right));
      }
      got.data[got.offset + i * got.stride[0] + j * got.stride[1]] = sum;
    }
  }
  return got;
}

describe('the products of wasm-simd', () => {
  let kernels: WasmKernels;
  beforeAll(async () => {
    kernels = await createWasmKernels();
  });

  it('sum in the order of k, one rounding per operation, whatever the shape, the strides and the tile', () => {
    const cases = fc.record({
      product: fc.constantFrom<ProductName>(...PRODUCTS),
      dtype: fc.constantFrom<DType>('float32', 'float64'),
      size: fc.tuple(fc.integer({ min: 0, max: 21 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 70 })),
      layouts: fc.tuple(fc.constantFrom(...LAYOUTS), fc.constantFrom(...LAYOUTS), fc.constantFrom(...LAYOUTS)),
    });
    fc.assert(
      fc.property(cases, (each) => {
        const { out, a, b } = operands(each);
        const want = inOrder(each.product, out, a, b);
        kernels[each.product](out, a, b);
        expectEqualBits(out, want);
      }),
      { seed: 21, numRuns: 300 },
    );
  });

  it.each([
    ['addMatmul', 69, 1031, 11],
    ['addMatmulTA', 3, 700, 21],
    ['addMatmul', 70, 1029, 51],
    ['addMatmulTA', 65, 515, 9],
    ['addMatmulTB', 66, 1024, 33],
    ['addMatmul', 1, 4096, 67],
    ['addMatmulTB', 1, 515, 70],
  ] as const)('keep that order across the edges of their blocks: %s %i %i %i', (product, M, K, N) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const { out, a, b } = operands({ product, dtype, size: [M, K, N] });
      const want = inOrder(product, out, a, b);
      kernels[product](out, a, b);
      expectEqualBits(out, want);
    }
  });

  it('give a row the same bits in any batch', () => {
    const row = (x: Tensor, first: number, count: number): Tensor => ({
      ...x,
      shape: [count, x.shape[1]],
      offset: x.offset + first * x.stride[0],
    });
    for (const product of ['addMatmul', 'addMatmulTB'] as const) {
      const { out, a, b } = operands({ product, dtype: 'float32', size: [71, 300, 43] });
      const start = clone(out);
      kernels[product](out, a, b);
      for (const [first, count] of [
        [0, 1],
        [5, 2],
        [17, 3],
        [9, 4],
        [11, 60],
      ]) {
        const part = row(clone(start), first, count);
        kernels[product](part, row(a, first, count), b);
        expectEqualBits(part, row(out, first, count));
      }
    }
  });

  it('take a single row whose elements lie apart, by a matrix either way round', () => {
    for (const product of ['addMatmul', 'addMatmulTB'] as const) {
      const { out, a, b } = operands({ product, dtype: 'float32', size: [1, 37, 22] });
      const data = Float32Array.from({ length: 3 * 37 }, (_, i) => (i % 3 === 0 ? at(a, 0, i / 3) : NaN));
      const apart: Tensor = { ...a, data, offset: 0, stride: [1, 3] };
      const want = inOrder(product, out, apart, b);
      kernels[product](out, apart, b);
      expectEqualBits(out, want);
    }
  });

  it('differ from a sum in another order: the comparison can tell', () => {
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [5, 40, 6] });
    const backwards = (x: Tensor, axis: number): Tensor => ({
      ...x,
      offset: x.offset + (x.shape[axis] - 1) * x.stride[axis],
      stride: x.stride.map((step, i) => (i === axis ? -step : step)),
    });
    const want = inOrder('addMatmul', out, a, b);
    kernels.addMatmul(out, backwards(a, 1), backwards(b, 0));
    expect(() => expectEqualBits(out, want)).toThrow(/is not/);
  });
});

describe('the memory of wasm-simd', () => {
  /** The operand, its elements copied into the memory of the backend. */
  const moveIn = (kernels: WasmKernels, x: Tensor): Tensor => {
    const inside = kernels.allocate([x.data.length], x.data instanceof Float32Array ? 'float32' : 'float64');
    inside.data.set(x.data);
    return { ...x, data: inside.data, offset: x.offset };
  };

  it('uses operands where they lie, in every layout, and gives the bits it gives for copies', async () => {
    const kernels = await createWasmKernels();
    kernels.reserve(1 << 20);
    const before = kernels.memory.buffer;
    for (const product of PRODUCTS) {
      for (const dtype of ['float32', 'float64'] as const) {
        for (const layout of LAYOUTS) {
          const { out, a, b } = operands({ product, dtype, size: [7, 19, 13], layouts: [layout, layout, layout] });
          const [outIn, aIn, bIn] = [out, a, b].map((x) => moveIn(kernels, x));
          const [surroundings, a0, b0] = [clone(outIn), clone(aIn), clone(bIn)];
          kernels[product](out, a, b);
          kernels[product](outIn, aIn, bIn);
          expectEqualBits(outIn, out);
          expect(outIn.data).toEqual(out.data);
          expect(aIn.data).toEqual(a0.data);
          expect(bIn.data).toEqual(b0.data);
          expect(surroundings.data).not.toEqual(outIn.data);
        }
      }
    }
    expect(kernels.memory.buffer).toBe(before);
  });

  it('grows as it must, and the products stay right', async () => {
    const kernels = await createWasmKernels();
    const small = kernels.memory.buffer.byteLength;
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [20, 1100, 30] });
    const start = clone(out);
    kernels.addMatmul(out, a, b);
    expect(kernels.memory.buffer.byteLength).toBeGreaterThan(small);
    const product = exactProduct('addMatmul', a, b);
    for (const { error, magnitude, start: from } of deviations(out, start, product)) {
      expect(error).toBeLessThanOrEqual(gamma(product.inner + 2, 'float32') * (Math.abs(from) + magnitude));
    }
  });

  it('does not grow once it has grown: 500 products of one size take no more', async () => {
    const kernels = await createWasmKernels();
    const { out, a, b } = operands({ product: 'addMatmulTB', dtype: 'float32', size: [32, 100, 40] });
    kernels.addMatmulTB(out, a, b);
    const before = kernels.memory.buffer;
    for (let i = 0; i < 500; i++) kernels.addMatmulTB(out, a, b);
    expect(kernels.memory.buffer).toBe(before);
  });

  it('says so when it is unavailable, changes nothing, and goes on', async () => {
    const kernels = await createWasmKernels({ maximumBytes: 1 << 20 });
    const draw = numbers(4);
    const out = place(400, 300, 'float64', 'row-major', draw);
    const a = place(400, 500, 'float64', 'row-major', draw);
    const b = place(500, 300, 'float64', 'row-major', draw);
    const before = clone(out);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(MemoryError);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(/cannot grow WebAssembly memory.*smaller batches/);
    expect(out.data).toEqual(before.data);
    expect(() => kernels.reserve(2 ** 30)).toThrow(MemoryError);
    expect(() => kernels.allocate([1 << 20], 'float64')).toThrow(MemoryError);
    const { out: c, a: x, b: y } = operands({ product: 'addMatmul', dtype: 'float32', size: [3, 4, 5] });
    const want = inOrder('addMatmul', c, x, y);
    kernels.addMatmul(c, x, y);
    expectEqualBits(c, want);
  });

  it('does not grow under an operand that lies in it', async () => {
    const kernels = await createWasmKernels();
    const a = kernels.allocate([10, 1000], 'float32');
    const { out, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [10, 1000, 50] });
    expect(() => kernels.addMatmul(out, a, b)).toThrow(MemoryError);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(/reserve/);
    expect(a.data).toHaveLength(10000);
  });
});

describe('createWasmKernels', () => {
  it('refuses a maximum out of range, and a reserve that is not a size', async () => {
    for (const maximumBytes of [0, -1, NaN, 2 ** 33]) {
      await expect(createWasmKernels({ maximumBytes })).rejects.toThrow(ArgumentError);
    }
    const kernels = await createWasmKernels();
    for (const bytes of [-1, 1.5, NaN]) expect(() => kernels.reserve(bytes)).toThrow(ArgumentError);
  });

  it('refuses to work after dispose', async () => {
    const kernels = await createWasmKernels();
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [2, 3, 4] });
    kernels.dispose();
    expect(() => kernels.addMatmul(out, a, b)).toThrow(/disposed/);
    expect(() => kernels.allocate([1], 'float32')).toThrow(/disposed/);
  });

  const realm = globalThis as unknown as { WebAssembly?: unknown };
  const whole = realm.WebAssembly as { Memory: unknown };
  const forbidding: Record<string, unknown> = {
    validate: (): boolean => true,
    Memory: whole.Memory,
    instantiate: () => Promise.reject(new Error('blocked by Content Security Policy')),
  };

  it.each([
    ['no WebAssembly', undefined, /has no WebAssembly\./],
    ['no SIMD', { validate: (): boolean => false }, /no WebAssembly SIMD/],
    ['a page that forbids it', forbidding, /blocked by Content/],
  ])('says why where there is %s', async (_, engine, message) => {
    realm.WebAssembly = engine;
    const failure = await createWasmKernels().catch((error: unknown) => error);
    realm.WebAssembly = whole;
    expect(failure).toBeInstanceOf(UnsupportedError);
    expect((failure as Error).message).toMatch(message);
  });
});
