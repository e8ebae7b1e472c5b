/** Arbitrary tensors with any strides, and their elements read the slow way, one index at a time. */
import fc from 'fast-check';
import type { DType, Tensor } from '../../src/tensor/types.js';

/** All index tuples of a shape in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (tuples, n) => tuples.flatMap((tuple) => Array.from({ length: n }, (_, i) => [...tuple, i])),
    [[]],
  );
}

/** One element by the definition of strides. */
export function at(x: Tensor, index: readonly number[]): number {
  return x.data[index.reduce((place, i, axis) => place + i * x.stride[axis], x.offset)];
}

/** The elements in row-major order. */
export function elements(x: Tensor): number[] {
  return indicesOf(x.shape).map((index) => at(x, index));
}

/**
 * Tensors of a shape whose axes lie in a random order in memory, with a gap and an offset; every element and every gap
 * holds another integer, so that a wrong place is seen.
 */
export function stridedTensor(shape: readonly number[], dtype: DType = 'float64'): fc.Arbitrary<Tensor> {
  const axes = shape.map((_, axis) => axis);
  return fc
    .record({
      order: fc.shuffledSubarray(axes, { minLength: axes.length }),
      gap: fc.nat(2),
      offset: fc.nat(3),
      first: fc.integer({ min: -50, max: 50 }),
    })
    .map(({ order, gap, offset, first }) => {
      const stride = new Array<number>(shape.length);
      let size = 1;
      for (const axis of order) {
        stride[axis] = size;
        size = size * Math.max(shape[axis], 1) + gap;
      }
      const length = offset + size + 1;
      const values = Array.from({ length }, (_, i) => first + ((i * 7) % 101) + i / 1024);
      const data = dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
      return { data, shape: [...shape], stride, offset };
    });
}

/** Shapes of rank `least … most` with sizes 0 … 4. */
export function shapes(least = 0, most = 4): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(4), { minLength: least, maxLength: most });
}
