/** The backend in plain JavaScript: the contract, the ladder bit for bit, rows that do not depend on their batch, the bound. */
import fc from 'fast-check';
import { createCpuKernels } from '../../src/kernels/index';
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from '../../src/kernels/cpu/matmul1';
import { addMatmul2, addMatmulTA2, addMatmulTB2 } from '../../src/kernels/cpu/matmul2';
import { addMatmul3, addMatmulTA3, addMatmulTB3 } from '../../src/kernels/cpu/matmul3';
import type { DType, Tensor } from '../../src/tensor/types';
import { kernelContract, operands } from './contract';
import { LAYOUTS, UNIT, at, clone, deviations, exactProduct, gamma } from './oracle';
import type { Deviation, ProductName } from './oracle';

kernelContract('cpu', ['float32', 'float64'], createCpuKernels);

const RUNGS = {
  addMatmul: [addMatmul1, addMatmul2, addMatmul3],
  addMatmulTA: [addMatmulTA1, addMatmulTA2, addMatmulTA3],
  addMatmulTB: [addMatmulTB1, addMatmulTB2, addMatmulTB3],
} as const;

const cases = fc.record({
  product: fc.constantFrom<ProductName>('addMatmul', 'addMatmulTA', 'addMatmulTB'),
  dtype: fc.constantFrom<DType>('float32', 'float64'),
  size: fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 20 })),
  layouts: fc.tuple(fc.constantFrom(...LAYOUTS), fc.constantFrom(...LAYOUTS), fc.constantFrom(...LAYOUTS)),
});

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

describe('the ladder', () => {
  it('gives the bits of rung 1 on every rung, whatever the shape and the strides', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { out, a, b } = operands(each);
        const [want, ...others] = RUNGS[each.product].map((rung) => {
          const result = clone(out);
          rung(result, a, b);
          return result;
        });
        for (const got of others) expectEqualBits(got, want);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it.each([
    ['addMatmul', 65, 513, 129],
    ['addMatmulTA', 130, 257, 127],
    ['addMatmulTB', 66, 768, 131],
    ['addMatmul', 2, 3, 2050],
  ] as const)('gives the bits of rung 1 across the edges of its blocks: %s %i %i %i', (product, M, K, N) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const { out, a, b } = operands({ product, dtype, size: [M, K, N] });
      const results = RUNGS[product].map((rung) => {
        const result = clone(out);
        rung(result, a, b);
        return result;
      });
      expectEqualBits(results[1], results[0]);
      expectEqualBits(results[2], results[0]);
    }
  });

  it('can tell rungs apart: summing from the other end changes bits', () => {
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float64', size: [5, 40, 6] });
    const backwards = (x: Tensor, axis: number): Tensor => ({
      ...x,
      offset: x.offset + (x.shape[axis] - 1) * x.stride[axis],
      stride: x.stride.map((step, i) => (i === axis ? -step : step)),
    });
    const [forward, backward] = [clone(out), clone(out)];
    addMatmul3(forward, a, b);
    addMatmul3(backward, backwards(a, 1), backwards(b, 0));
    expect(() => expectEqualBits(backward, forward)).toThrow(/is not/);
  });
});

describe('a row of a product', () => {
  const row = (x: Tensor, first: number, count: number): Tensor => ({
    ...x,
    shape: [count, x.shape[1]],
    offset: x.offset + first * x.stride[0],
  });

  it.each(['addMatmul', 'addMatmulTB'] as const)('has the same bits in any batch: %s', (product) => {
    const kernels = createCpuKernels();
    const batches = fc.record({
      dtype: fc.constantFrom<DType>('float32', 'float64'),
      size: fc.tuple(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 12 }),
      ),
      layout: fc.constantFrom(...LAYOUTS),
      first: fc.nat(),
      count: fc.nat(),
    });
    fc.assert(
      fc.property(batches, ({ dtype, size, layout, first, count }) => {
        const { out, a, b } = operands({ product, dtype, size, layouts: ['row-major', layout, layout] });
        const start = clone(out);
        kernels[product](out, a, b);
        const from = first % size[0];
        const some = 1 + (count % (size[0] - from));
        const part = row(start, from, some);
        kernels[product](part, row(a, from, some), b);
        expectEqualBits(part, row(out, from, some));
      }),
      { seed: 12, numRuns: 120 },
    );
  });
});

describe('the error of the cpu kernels', () => {
  const kernels = createCpuKernels();
  const shapes = [
    [4, 100, 7],
    [2, 1500, 3],
    [5, 4096, 2],
  ] as const;

  it.each(['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const)(
    'stays within the bound stated in matmul1: %s',
    (product) => {
      for (const size of shapes) {
        for (const dtype of ['float32', 'float64'] as const) {
          const { out, a, b } = operands({ product, dtype, size });
          const start = clone(out);
          kernels[product](out, a, b);
          const exact = exactProduct(product, a, b);
          for (const each of deviations(out, start, exact)) {
            expect(each.error).toBeLessThanOrEqual(bound(dtype, exact.inner, each));
          }
        }
      }
    },
  );

  it('is below what summing in float32 would give: the bound tells the two apart', () => {
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [5, 4096, 2] });
    const start = clone(out);
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 2; j++) {
        let sum = at(out, i, j);
        for (let k = 0; k < 4096; k++) sum = Math.fround(sum + Math.fround(at(a, i, k) * at(b, k, j)));
        out.data[i * 2 + j] = sum;
      }
    }
    const beyond = deviations(out, start, exactProduct('addMatmul', a, b)).filter(
      (each) => each.error > bound('float32', 4096, each),
    );
    expect(beyond).not.toEqual([]);
  });
});

/** As stated in src/kernels/cpu/matmul1.ts; one γ more covers the rounding of Σ|a||b| and of the bound itself. */
function bound(dtype: DType, inner: number, { value, magnitude, start }: Deviation): number {
  if (dtype === 'float64') return gamma(inner + 2, 'float64') * (Math.abs(start) + magnitude);
  const sum = gamma(inner + 1, 'float64') * magnitude + UNIT.float64 * Math.abs(value);
  return UNIT.float32 * Math.abs(value) * (1 + 2 ** -50) + (1 + UNIT.float32) * sum;
}
