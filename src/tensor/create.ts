/** User-facing tensors: ndarrays over a new or given typed array. */
import ndarray from 'ndarray';
import type { NdArray } from 'ndarray';
import { expectDType, expectRng, expectTensor, isSizes, listed } from './arguments.js';
import { describe, show, typedArrayName } from './describe.js';
import { ArgumentError, ShapeError } from './errors.js';
import type { Rng } from './random.js';
import type { DType, Real, Tensor } from './types.js';
import { dtypeOf, flat, flatCopy, sizeOf } from './view.js';

/** Numbers nested to any depth: `[[1, 2], [3, 4]]` is a matrix, `5` a scalar. */
export type Nested = number | readonly Nested[];

/**
 * A new row-major ndarray of zeros.
 * @throws ShapeError unless every size is an integer of at least 0; ArgumentError when there is no memory for it
 */
export function zeros(shape: readonly number[], dtype: DType = 'float32'): NdArray<Real> {
  if (!isSizes(shape)) throw new ShapeError(`a shape must hold integers of at least 0; got ${listed(shape)}`);
  expectDType('zeros', dtype);
  return wrap(flat(sizeOf(shape), dtype), shape);
}

/** A new row-major ndarray of zeros with the shape and element type of `x`. */
export function zerosLike(x: Tensor): NdArray<Real> {
  expectTensor('zerosLike', 'x', x);
  return zeros(x.shape, dtypeOf(x.data));
}

/** A new row-major ndarray with the elements of `x`, of the same element type unless `dtype` says otherwise. */
export function copy(x: Tensor, dtype: DType = dtypeOf(x.data)): NdArray<Real> {
  expectTensor('copy', 'x', x);
  return wrap(flatCopy(x, dtype), x.shape);
}

/** `x` as an ndarray, with ndarray's methods; the elements are shared. An ndarray is returned unchanged. */
export function asNdarray<A extends Real>(x: Tensor<A>): NdArray<A> {
  if (typeof x === 'object' && x !== null && 'hi' in x && 'pick' in x) return x as NdArray<A>;
  expectTensor('asNdarray', 'x', x);
  return ndarray(x.data, [...x.shape], [...x.stride], x.offset);
}

/**
 * A new row-major ndarray from numbers, nested or flat.
 *
 * @param values nested arrays, or a flat array or typed array; numbers of any type are copied
 * @param shape the shape; by default that of the nesting
 * @param dtype by default that of a Float32Array or Float64Array, else float32
 * @throws ShapeError when the nesting is ragged, or the number of elements is not that of `shape`
 * @throws ArgumentError when an element is not a number
 */
export function fromArray(
  values: Nested | Real,
  shape?: readonly number[] | null,
  dtype: DType = typedArrayName(values) === 'Float64Array' ? 'float64' : 'float32',
): NdArray<Real> {
  expectValues(values, shape, dtype);
  const found = ArrayBuffer.isView(values) ? [values.length] : nestingOf(values as Nested);
  const out = zeros(shape ?? found, dtype);
  if (sizeOf(out.shape) !== sizeOf(found)) {
    throw new ShapeError(
      `fromArray: shape [${out.shape.join(', ')}] needs ${sizeOf(out.shape)} elements; got ${sizeOf(found)}`,
    );
  }
  if (ArrayBuffer.isView(values)) out.data.set(values as Real);
  else fill(out.data, values as Nested, found, 0, 0);
  return out;
}

function expectValues(values: unknown, shape: unknown, dtype: string): void {
  const kind = typedArrayName(values);
  if (!Array.isArray(values) && typeof values !== 'number' && (kind === undefined || kind.startsWith('Big'))) {
    throw new ArgumentError(`fromArray: values must be numbers, nested or flat; got ${describe(values)}`);
  }
  if (shape !== undefined && shape !== null && !Array.isArray(shape)) {
    const slip = shape === 'float32' || shape === 'float64';
    const advice = slip ? ': the element type is the third argument, fromArray(values, null, dtype)' : '';
    throw new ArgumentError(`fromArray: shape must be a list of sizes; got ${describe(shape)}${advice}`);
  }
  expectDType('fromArray', dtype);
}

/**
 * A new ndarray with elements uniform in [low, high), drawn in row-major order.
 * @throws ArgumentError unless low ≤ high, both finite
 */
export function uniform(
  shape: readonly number[],
  low: number,
  high: number,
  rng: Rng,
  dtype: DType = 'float32',
): NdArray<Real> {
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
    throw new ArgumentError(
      `uniform: low and high must be finite, low <= high; got low = ${show(low)}, high = ${show(high)}`,
    );
  }
  expectRng('uniform', 'rng', rng);
  const out = zeros(shape, dtype);
  for (let i = 0; i < out.data.length; i++) out.data[i] = low + (high - low) * rng.next();
  return out;
}

/**
 * A new ndarray of normal elements with mean 0 and standard deviation `std`, drawn in row-major order.
 * @throws ArgumentError unless std is finite and at least 0
 */
export function normal(shape: readonly number[], std: number, rng: Rng, dtype: DType = 'float32'): NdArray<Real> {
  if (!(Number.isFinite(std) && std >= 0)) {
    throw new ArgumentError(`normal: std must be finite and at least 0; got ${show(std)}`);
  }
  expectRng('normal', 'rng', rng);
  const out = zeros(shape, dtype);
  for (let i = 0; i < out.data.length; i++) out.data[i] = std * rng.normal();
  return out;
}

function wrap(data: Real, shape: readonly number[]): NdArray<Real> {
  return ndarray(data, [...shape]) as NdArray<Real>;
}

/** Shape implied by the first elements of a nested array; `fill` checks the others against it. */
function nestingOf(values: Nested): number[] {
  const shape: number[] = [];
  for (let level: Nested | undefined = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  return shape;
}

/** Writes `values` row-major from `data[at]`, and returns the offset after the last one. */
function fill(data: Real, values: Nested, shape: readonly number[], depth: number, at: number): number {
  if (depth === shape.length) {
    if (Array.isArray(values)) throw ragged(shape, depth, `an array of ${values.length}`);
    if (typeof values !== 'number')
      throw new ArgumentError(`fromArray: values must hold numbers; got ${describe(values)}`);
    data[at] = values;
    return at + 1;
  }
  if (!Array.isArray(values)) throw ragged(shape, depth, show(values));
  if (values.length !== shape[depth]) throw ragged(shape, depth, `an array of ${values.length}`);
  for (const value of values) at = fill(data, value, shape, depth + 1, at);
  return at;
}

function ragged(shape: readonly number[], depth: number, got: string): ShapeError {
  const want = depth === shape.length ? 'a number' : `an array of ${shape[depth]}`;
  return new ShapeError(
    `fromArray: the nesting must be rectangular, [${shape.join(', ')}]; at depth ${depth} expected ${want}, got ${got}`,
  );
}
