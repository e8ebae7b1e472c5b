/** What the layer tests share: random tensors, the cotangent that turns any output into a loss, and the gradient check. */
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import type { TensorRecord } from '../../src/autograd/grads.js';
import { asNdarray } from '../../src/tensor/create.js';
import { createRng, type Rng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';

/** Every element, in row-major order, as plain numbers. */
export function numbers({ data, shape, stride, offset }: Tensor): number[] {
  let places = [offset];
  shape.forEach((size, axis) => {
    places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * stride[axis]));
  });
  return places.map((place) => data[place]);
}

/** Rows of a matrix. */
export function matrix(x: Tensor): number[][] {
  const flat = numbers(x);
  return Array.from({ length: x.shape[0] }, (_, i) => flat.slice(i * x.shape[1], (i + 1) * x.shape[1]));
}

/** Normal numbers. */
export function random(shape: readonly number[], rng: Rng, dtype: DType = 'float64'): Tensor {
  const x = allocate(shape, dtype);
  for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
  return x;
}

/** The same numbers as a view with gaps, an offset and, for matrices, columns before rows. */
export function scattered(x: Tensor): Tensor {
  const [R, C] = x.shape;
  const big = allocate([C * 2 + 1, R * 3 + 2], dtypeOf(x.data));
  big.data.fill(NaN);
  const view = { data: big.data, shape: [R, C], stride: [3, 2 * big.shape[1]], offset: big.shape[1] + 1 };
  const flat = matrix(x);
  for (let i = 0; i < R; i++) {
    for (let j = 0; j < C; j++) view.data[view.offset + i * view.stride[0] + j * view.stride[1]] = flat[i][j];
  }
  return view;
}

/** Σ cotangent ∘ y: a loss whose gradient by y is the cotangent. */
export function dot(cotangent: Tensor, y: Tensor): number {
  const c = numbers(cotangent);
  return numbers(y).reduce((sum, value, i) => sum + value * c[i], 0);
}

/** Zeros like every tensor of a record. */
export function zerosFor(tensors: TensorRecord): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, x]) => [name, asNdarray(allocate(x.shape, dtypeOf(x.data)))]),
  );
}

/**
 * Fails unless every analytic gradient agrees with finite differences to a relative error of 1e-7. (The differences carry
 * noise of about 1e-12, so a gradient of 1e-4 cannot be confirmed to much better than 1e-8 by them.)
 */
export function expectGradients(tensors: TensorRecord, grads: TensorRecord, loss: () => number, elements = 60): void {
  const report = gradcheck({ tensors, grads, loss, tolerance: 1e-7, elements, rng: createRng(3) });
  expect(report.failures.map(describeElement)).toEqual([]);
}

/** Largest absolute difference. */
export function distance(x: Tensor | readonly number[], y: Tensor | readonly number[]): number {
  const flat = (z: Tensor | readonly number[]) => ('data' in z ? numbers(z) : z);
  const [p, q] = [flat(x), flat(y)];
  expect(p.length).toBe(q.length);
  return p.reduce((worst, value, i) => Math.max(worst, Math.abs(value - q[i])), 0);
}
