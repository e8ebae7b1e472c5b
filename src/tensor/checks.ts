/**
 * Checks of arguments. They run when a sequence, a layer or an option enters the engine, never inside a step, so their cost does
 * not grow with the length of a sequence. Each error states what was expected, what was passed, and why.
 */
import { describe, show } from './describe.js';
import { ArgumentError, ShapeError } from './errors.js';
import { nearestName } from './nearest.js';
import type { Tensor } from './types.js';
import { dtypeOf } from './view.js';
import { expectTensor, expectTensors, isSizes } from './arguments.js';

/**
 * One axis of an expected shape. A number is that size. A name matches any size, but the same one each time it occurs. A record
 * with one entry, `{ D: 8 }`, is a named size that is known.
 */
export type Axis = number | string | Readonly<Record<string, number>>;

/**
 * Requires a tensor to have a given shape. `expectShape('lstm', 'x', x, ['T', 'B', { D: 8 }], 'Wx is [8, 64]')` throws
 * `ShapeError: lstm: x must be [T, B, D] with D = 8 (Wx is [8, 64]); got [20, 4, 7]`.
 *
 * @param where the operation that checks
 * @param name name of the argument in the caller's signature
 * @param why where the expected sizes come from
 * @throws ShapeError on another rank or size
 */
export function expectShape(
  where: string,
  name: string,
  x: { readonly shape: readonly number[] },
  axes: readonly Axis[],
  why?: string,
): void {
  expectShaped(where, name, x);
  let fits = x.shape.length === axes.length;
  for (let i = 0; fits && i < axes.length; i++) fits = axisFits(axes, i, x.shape);
  if (fits) return;
  const reason = why === undefined ? '' : ` (${why})`;
  throw new ShapeError(`${where}: ${name} must be ${shapeText(axes)}${reason}; got [${x.shape.join(', ')}]`);
}

/** Whether two shapes are the same. */
export function sameShape(p: readonly number[], q: readonly number[]): boolean {
  if (p.length !== q.length) return false;
  for (let i = 0; i < p.length; i++) if (p[i] !== q[i]) return false;
  return true;
}

/** @throws ArgumentError if a value has no shape, or its data is not a tensor's */
function expectShaped(where: string, name: string, x: unknown): void {
  const shape = typeof x === 'object' && x !== null ? (x as { shape?: unknown }).shape : undefined;
  if (!isSizes(shape) || 'data' in (x as object)) expectTensor(where, name, x);
}

/** Whether the size of axis i is as expected. A name has the size of the first axis that bears it. */
function axisFits(axes: readonly Axis[], i: number, shape: readonly number[]): boolean {
  const axis = axes[i];
  if (typeof axis === 'number') return shape[i] === axis;
  if (typeof axis === 'string') return shape[axes.indexOf(axis)] === shape[i];
  for (const name in axis) return axis[name] === shape[i];
  return false;
}

/** `[T, B, D] with D = 8`. */
function shapeText(axes: readonly Axis[]): string {
  const names = axes.map((axis) => (typeof axis === 'object' ? Object.keys(axis)[0] : String(axis)));
  const known = axes.flatMap((axis) => (typeof axis === 'object' ? Object.entries(axis) : []));
  const text = `[${names.join(', ')}]`;
  return known.length === 0 ? text : `${text} with ${known.map(([name, size]) => `${name} = ${size}`).join(', ')}`;
}

/**
 * Requires two tensors to have the same shape.
 * @throws ShapeError naming both shapes
 */
export function expectSameShape(where: string, nameA: string, a: Tensor, nameB: string, b: Tensor): void {
  expectTensor(where, nameA, a);
  expectTensor(where, nameB, b);
  let same = a.shape.length === b.shape.length;
  for (let i = 0; same && i < a.shape.length; i++) same = a.shape[i] === b.shape[i];
  if (same) return;
  throw new ShapeError(
    `${where}: ${nameA} and ${nameB} must have the same shape; got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
  );
}

/**
 * Requires tensors to share one element type. `expectSameDType('lstm', { x, Wx: params.Wx })`.
 * @throws ShapeError naming the first tensor that differs from the first one
 */
export function expectSameDType(where: string, tensors: Readonly<Record<string, Tensor>>): void {
  expectTensors(where, 'tensors', tensors);
  const entries = Object.entries(tensors);
  for (const [name, x] of entries) {
    const [first, y] = entries[0];
    if (dtypeOf(x.data) !== dtypeOf(y.data)) {
      throw new ShapeError(
        `${where}: all tensors must have one element type; ` +
          `got ${dtypeOf(y.data)} for ${first} and ${dtypeOf(x.data)} for ${name}`,
      );
    }
  }
}

/**
 * Requires an integer of at least 1, such as a size.
 * @throws ArgumentError
 */
export function expectPositiveInteger(where: string, name: string, value: number): void {
  expectArgument(where, name, value, Number.isSafeInteger(value) && value >= 1, 'an integer of at least 1');
}

/**
 * Requires an integer of at least 0, such as a count that may be zero.
 * @throws ArgumentError
 */
export function expectNonNegativeInteger(where: string, name: string, value: number): void {
  expectArgument(where, name, value, Number.isSafeInteger(value) && value >= 0, 'an integer of at least 0');
}

/**
 * Requires a finite number greater than 0, such as a learning rate.
 * @throws ArgumentError
 */
export function expectPositive(where: string, name: string, value: number): void {
  expectArgument(where, name, value, Number.isFinite(value) && value > 0, 'a finite number greater than 0');
}

/**
 * Requires a finite number of at least 0, such as a weight decay.
 * @throws ArgumentError
 */
export function expectNonNegative(where: string, name: string, value: number): void {
  expectArgument(where, name, value, Number.isFinite(value) && value >= 0, 'a finite number of at least 0');
}

/**
 * Requires a probability below 1, 0 ≤ p < 1, such as a dropout rate.
 * @throws ArgumentError
 */
export function expectProbability(where: string, name: string, value: number): void {
  expectArgument(where, name, value, typeof value === 'number' && value >= 0 && value < 1, 'at least 0 and below 1');
}

/**
 * Requires one of the given words.
 * @throws ArgumentError listing them
 */
export function expectOneOf(where: string, name: string, value: string, choices: readonly string[]): void {
  const list = choices.map((choice) => `'${choice}'`).join(', ');
  if (choices.includes(value)) return;
  const got = typeof value === 'string' ? `'${value}'` : describe(value);
  throw new ArgumentError(`${where}: ${name} must be one of ${list}; got ${got}`);
}

/**
 * The names of the fields of a type, for {@link expectKnownKeys}: `keysOf<SgdOptions>({ lr: true, momentum: true, … })`. The
 * compiler rejects a list with a missing or extra field, so that a new option cannot be forgotten.
 */
export function keysOf<T>(fields: { readonly [K in keyof Required<T>]: true }): readonly string[] {
  return Object.keys(fields);
}

/**
 * Rejects an options object with an unknown key: JavaScript would silently ignore a misspelt one. The object may be omitted.
 *
 * @param where the operation that takes the object
 * @param name name of the argument in the caller's signature
 * @param value what the caller passed
 * @param known all keys there are, from {@link keysOf}
 * @throws ArgumentError that names the key and the nearest known one, or says that `value` is not an object
 */
export function expectKnownKeys(where: string, name: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
    throw new ArgumentError(
      `${where}: ${name} must be an object; got ${got}: pass { … } with any of ${known.join(', ')}`,
    );
  }
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = nearestName(key, known);
    const advice = near === undefined ? 'correct it, or leave it out' : `did you mean ${near}?`;
    throw new ArgumentError(
      `${where}: unknown key ${JSON.stringify(key.slice(0, 40))} in ${name}, whose keys are ${known.join(', ')}: ${advice}`,
    );
  }
}

function expectArgument(where: string, name: string, value: unknown, holds: boolean, wanted: string): void {
  if (!holds) throw new ArgumentError(`${where}: ${name} must be ${wanted}; got ${show(value)}`);
}
