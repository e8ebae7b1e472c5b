/**
 * Plain views: `Tensor` objects made without ndarray, so that they cost one small object and need no `new Function`.
 * Everything inside a step, a scan or a kernel uses these; `create.ts` makes the ndarrays that people hold.
 */
import type { DType, Real, Tensor } from './types.js';

/** Name of the element type of a flat array. */
export function dtypeOf(data: Real): DType {
  return data instanceof Float32Array ? 'float32' : 'float64';
}

/** Number of elements of a shape; 1 for the empty shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    stride[i] = step;
    step *= shape[i];
  }
  return stride;
}

/** A flat typed array of `length` zeros. */
export function flat(length: number, dtype: DType): Real {
  return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

/** A view of `data` as a row-major tensor of the given shape, starting at `offset`. Nothing is copied. */
export function viewOf<A extends Real>(data: A, shape: readonly number[], offset = 0): Tensor<A> {
  return { data, shape, stride: stridesOf(shape), offset };
}

/** A new row-major tensor of zeros, as a plain view. */
export function allocate(shape: readonly number[], dtype: DType): Tensor {
  return viewOf(flat(sizeOf(shape), dtype), shape);
}

/** Rows `start … start + count − 1` of a tensor: the first axis is narrowed, the others are kept. O(1). */
export function rows<A extends Real>(x: Tensor<A>, start: number, count: number): Tensor<A> {
  return {
    data: x.data,
    shape: [count, ...x.shape.slice(1)],
    stride: x.stride,
    offset: x.offset + start * x.stride[0],
  };
}

/** Columns `start … start + count − 1` of a tensor: the last axis is narrowed, the others are kept. O(1). */
export function columns<A extends Real>(x: Tensor<A>, start: number, count: number): Tensor<A> {
  const last = x.shape.length - 1;
  return {
    data: x.data,
    shape: [...x.shape.slice(0, last), count],
    stride: x.stride,
    offset: x.offset + start * x.stride[last],
  };
}

/** A new flat array with the elements of `x` in row-major order, whatever its strides. */
export function flatten(x: Tensor, dtype: DType = dtypeOf(x.data)): Real {
  const out = flat(sizeOf(x.shape), dtype);
  if (out.length > 0) copyAxis(x, out, 0, x.offset, 0);
  return out;
}

/** Copies axis `axis … last` of `x`, starting at `from`, to `out[at …]`; returns the place after the last element. */
function copyAxis(x: Tensor, out: Real, axis: number, from: number, at: number): number {
  if (axis === x.shape.length) {
    out[at] = x.data[from];
    return at + 1;
  }
  const step = x.stride[axis];
  for (let i = 0; i < x.shape[axis]; i++) at = copyAxis(x, out, axis + 1, from + i * step, at);
  return at;
}
