/**
 * Plain views: `Tensor` objects made without ndarray, so that they cost one small object and need no `new Function`. Everything
 * inside a step, a scan or a kernel uses these; `create.ts` makes the ndarrays that users hold.
 */
import { describe, show, typedArrayName } from './describe.js';
import { ArgumentError, ShapeError } from './errors.js';
import type { DType, Real, Tensor } from './types.js';
import { expectTensor } from './arguments.js';

/**
 * Name of the element type of a flat array, from this realm or another (an iframe, a `vm` context).
 *
 * @throws ArgumentError for anything but a Float32Array or Float64Array
 */
export function dtypeOf(data: Real): DType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Float64Array ? 'float64' : dtypeElsewhere(data);
}

function dtypeElsewhere(data: unknown): DType {
  const name = typedArrayName(data);
  if (name === 'Float32Array') return 'float32';
  if (name === 'Float64Array') return 'float64';
  throw new ArgumentError(
    `the data of a tensor must be a Float32Array or a Float64Array; got ${describe(data)}: copy it with fromArray(…)`,
  );
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

/**
 * A flat typed array of `length` zeros.
 * @throws ArgumentError if there is not enough memory
 */
export function flat(length: number, dtype: DType): Real {
  try {
    return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  } catch (cause) {
    throw new ArgumentError(`a tensor of ${length} ${dtype} elements does not fit into memory: choose smaller sizes`, {
      cause,
    });
  }
}

/** A view of `data` as a row-major tensor of the given shape, starting at `offset`. Nothing is copied. */
export function viewOf<A extends Real>(data: A, shape: readonly number[], offset = 0): Tensor<A> {
  return { data, shape, stride: stridesOf(shape), offset };
}

/** A new row-major tensor of zeros, as a plain view. @param like the element type, or a tensor that has it */
export function allocate(shape: readonly number[], like: DType | Tensor): Tensor {
  return viewOf(flat(sizeOf(shape), typeof like === 'string' ? like : dtypeOf(like.data)), shape);
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

/** Where row `b` of a matrix starts in its `data`. */
export function rowStart(x: Tensor, b: number): number {
  return x.offset + b * x.stride[0];
}

/** The element of a matrix in row i and column j. O(1). */
export function elementAt(x: Tensor, i: number, j: number): number {
  return x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
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
export function flatCopy(x: Tensor, dtype: DType = dtypeOf(x.data)): Real {
  expectTensor('flatCopy', 'x', x);
  const out = flat(sizeOf(x.shape), dtype);
  if (out.length > 0) copyAxis(x, out, 0, x.offset, 0);
  return out;
}

/** Copies axis `axis … last` of `x`, starting at `from`, to `out[at …]`; returns the offset after the last element. */
function copyAxis(x: Tensor, out: Real, axis: number, from: number, at: number): number {
  if (axis === x.shape.length) {
    out[at] = x.data[from];
    return at + 1;
  }
  const step = x.stride[axis];
  for (let i = 0; i < x.shape[axis]; i++) at = copyAxis(x, out, axis + 1, from + i * step, at);
  return at;
}

/** Whether the elements of `x` lie in row-major order without gaps. Axes of size 1 may have any stride. */
export function isContiguous(x: Tensor): boolean {
  let step = 1;
  for (let i = x.shape.length - 1; i >= 0; i--) {
    if (x.shape[i] !== 1 && x.stride[i] !== step) return false;
    step *= x.shape[i];
  }
  return true;
}

/**
 * Time step `t` of a sequence: `[T, B, D]` → `[B, D]`, or any rank of at least 1. O(1), elements shared.
 * @throws ShapeError for a scalar
 * @throws ArgumentError unless t is an integer in 0 … T − 1
 */
export function step<A extends Real>(x: Tensor<A>, t: number): Tensor<A> {
  expectTensor('step', 'x', x);
  if (x.shape.length === 0) throw new ShapeError('step: x must have a time axis, [T, ...]; got []');
  if (!Number.isInteger(t) || t < 0 || t >= x.shape[0]) {
    throw new ArgumentError(`step: t must be an integer in 0 ... T - 1 with T = ${x.shape[0]}; got ${show(t)}`);
  }
  return { data: x.data, shape: x.shape.slice(1), stride: x.stride.slice(1), offset: x.offset + t * x.stride[0] };
}

/**
 * Gate `g` of pre-activations or activations that hold the gates side by side: `[..., G·H]` → `[..., H]`. O(1), elements
 * shared. The order of the gates is the cell's: i f g o for the LSTM, r z n for the GRU.
 * @throws ShapeError when the last axis is not a multiple of H
 * @throws ArgumentError unless H is a positive integer and g an integer in 0 … G − 1
 */
export function gate<A extends Real>(a: Tensor<A>, g: number, H: number): Tensor<A> {
  expectTensor('gate', 'a', a);
  if (!Number.isInteger(H) || H < 1)
    throw new ArgumentError(`gate: H must be an integer of at least 1; got ${show(H)}`);
  const width = a.shape[a.shape.length - 1];
  if (width === undefined || width % H !== 0) {
    throw new ShapeError(`gate: a must be [..., G*H] with H = ${H}; got [${a.shape.join(', ')}]`);
  }
  if (!Number.isInteger(g) || g < 0 || g >= width / H) {
    throw new ArgumentError(`gate: g must be an integer in 0 ... G - 1 with G = ${width / H}; got ${show(g)}`);
  }
  return columns(a, g * H, H);
}

/**
 * All time steps as the rows of one matrix: `[T, B, D]` → `[T·B, D]`. O(1), elements shared.
 * @throws ShapeError unless `x` has rank 3 and its time and batch axes are contiguous
 */
export function flattenTime<A extends Real>(x: Tensor<A>): Tensor<A> {
  expectTensor('flattenTime', 'x', x);
  if (x.shape.length !== 3) throw new ShapeError(`flattenTime: x must be [T, B, D]; got [${x.shape.join(', ')}]`);
  const [T, B, D] = x.shape;
  const [dt, db, dd] = x.stride;
  if (T > 1 && B > 1 && dt !== B * db) {
    throw new ShapeError(
      `flattenTime: the steps of x must follow each other in memory, stride[0] = B * stride[1] = ${B * db}; ` +
        `got strides [${x.stride.join(', ')}]: copy the tensor first`,
    );
  }
  return { data: x.data, shape: [T * B, D], stride: [B > 1 ? db : dt, dd], offset: x.offset };
}

/**
 * A tensor with its last two axes swapped: `[M, N]` → `[N, M]`. O(1), elements shared.
 * @throws ShapeError for a rank below 2
 */
export function transpose<A extends Real>(x: Tensor<A>): Tensor<A> {
  const rank = x.shape.length;
  if (rank < 2) throw new ShapeError(`transpose: x must have at least two axes; got [${x.shape.join(', ')}]`);
  const exchange = (sizes: readonly number[]) => [...sizes.slice(0, rank - 2), sizes[rank - 1], sizes[rank - 2]];
  return { data: x.data, shape: exchange(x.shape), stride: exchange(x.stride), offset: x.offset };
}
