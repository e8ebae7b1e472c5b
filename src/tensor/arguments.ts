/**
 * Argument checks for callers without a type checker. They run once, when a sequence, a layer or an optimizer is entered, never
 * in a step. Each error names the function and the argument, describes what was passed, and suggests what to pass instead.
 */
import { describe, show, typedArrayName } from './describe.js';
import { ArgumentError } from './errors.js';
import type { Tensor } from './types.js';

/**
 * Requires a tensor: `{ data, shape, stride, offset }` over a Float32Array or Float64Array, as every ndarray is.
 *
 * @param where the operation that checks
 * @param name name of the argument in the caller's signature
 * @param advice what to do about it
 * @throws ArgumentError that describes the fault
 */
export function expectTensor(where: string, name: string, x: unknown, advice = ''): asserts x is Tensor {
  const fault = faultOf(x);
  if (fault !== undefined) throw new ArgumentError(`${where}: ${name} must be a tensor${fault}${advice}`);
}

/** Why a value is not a tensor, as the end of a sentence; undefined if it is one. */
function faultOf(x: unknown): string | undefined {
  if (typeof x !== 'object' || x === null || !('data' in x) || !('shape' in x) || !('stride' in x)) {
    return `; got ${describe(x)}: pass an ndarray, fromArray(…) or zeros(…)`;
  }
  const { data, shape, stride, offset } = x as Record<string, unknown>;
  if (!isReal(data)) {
    return ` over a Float32Array or a Float64Array; its data is ${describe(data)}: copy it with fromArray(…)`;
  }
  if (!isSizes(shape)) return ` whose shape lists integers of at least 0; its shape is ${listed(shape)}`;
  if (!Array.isArray(stride) || stride.length !== shape.length || !areIntegers(stride)) {
    return ` with one integer stride per axis, ${shape.length}; its stride is ${listed(stride)}`;
  }
  if (!Number.isSafeInteger(offset) || (offset as number) < 0) {
    return ` with an offset of at least 0; its offset is ${describe(offset)}`;
  }
  return undefined;
}

/** Whether a value is a Float32Array or a Float64Array, from any realm. */
function isReal(data: unknown): boolean {
  const kind = typedArrayName(data);
  return kind === 'Float32Array' || kind === 'Float64Array';
}

function areIntegers(list: readonly unknown[]): boolean {
  for (const n of list) if (!Number.isSafeInteger(n)) return false;
  return true;
}

/** Whether a value lists integers of at least 0. */
export function isSizes(shape: unknown): shape is readonly number[] {
  if (!Array.isArray(shape)) return false;
  for (const n of shape) if (!(Number.isSafeInteger(n) && (n as number) >= 0)) return false;
  return true;
}

/** A list of sizes for a message, `[2, 3]`; anything else in a few words. */
export function listed(x: unknown): string {
  return Array.isArray(x) ? `[${x.slice(0, 8).map(show).join(', ')}${x.length > 8 ? ', …' : ''}]` : describe(x);
}

/** Requires the name of an element type. @throws ArgumentError */
export function expectDType(where: string, dtype: unknown): void {
  if (dtype === 'float32' || dtype === 'float64') return;
  throw new ArgumentError(`${where}: dtype must be 'float32' or 'float64'; got ${describe(dtype)}`);
}

/**
 * Requires a flat record of tensors: parameters, or gradients that mirror them.
 *
 * @throws ArgumentError that names the record, or the entry that is not a tensor
 */
export function expectTensors(where: string, name: string, record: unknown, advice = ''): void {
  expectRecord(where, name, record, 'a record of tensors by name', advice);
  const tensors = record as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(tensors)) {
    if (faultOf(tensors[key]) !== undefined) expectTensor(where, `${name}.${key}`, tensors[key], advice);
  }
}

/** Whether a value is an object and not a list. */
export function isRecord(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/**
 * Requires an object that is neither a list nor a typed array.
 *
 * @param what what it should be, in words
 * @throws ArgumentError
 */
export function expectRecord(where: string, name: string, x: unknown, what = 'an object', advice = ''): void {
  if (isRecord(x) && !ArrayBuffer.isView(x)) return;
  throw new ArgumentError(`${where}: ${name} must be ${what}; got ${describe(x)}${advice}`);
}

/** Requires an object with a method of this name. @throws ArgumentError that says how to get one */
export function expectMethod(where: string, name: string, x: unknown, method: string, what: string): void {
  const got = typeof x === 'object' && x !== null ? (x as Record<string, unknown>)[method] : undefined;
  if (typeof got !== 'function') throw new ArgumentError(`${where}: ${name} must be ${what}; got ${describe(x)}`);
}

/** Requires a generator of random numbers. @throws ArgumentError */
export function expectRng(where: string, name: string, x: unknown): void {
  expectMethod(where, name, x, 'split', 'a generator of random numbers, createRng(seed)');
}

/** Requires a key of random numbers. @throws ArgumentError */
export function expectKey(where: string, name: string, x: unknown): void {
  const what = 'a key of random numbers, createKey(seed)';
  expectMethod(where, name, x, 'fold', what);
  const { words } = x as { words?: unknown };
  if (typedArrayName(words) === 'Int32Array' && (words as Int32Array).length === 4) return;
  throw new ArgumentError(`${where}: ${name} must be ${what}; got one whose words are ${listed(words)}`);
}

/** Requires a list. @throws ArgumentError */
export function expectList(where: string, name: string, x: unknown, of: string): void {
  if (!Array.isArray(x)) throw new ArgumentError(`${where}: ${name} must be a list of ${of}; got ${describe(x)}`);
}

/** Requires a list of strings without holes. @throws ArgumentError naming the element */
export function expectStrings(where: string, name: string, x: unknown): void {
  expectList(where, name, x, 'strings');
  (x as unknown[]).forEach((each, i) => expectString(where, `${name}[${i}]`, each));
}

/** Requires a list of numbers or a typed array. @throws ArgumentError */
export function expectNumbers(where: string, name: string, x: unknown): asserts x is ArrayLike<number> {
  const kind = typedArrayName(x);
  if (kind !== undefined && !kind.startsWith('Big')) return;
  if (Array.isArray(x) && x.every((n) => typeof n === 'number')) return;
  throw new ArgumentError(`${where}: ${name} must be a list of numbers or a typed array; got ${listed(x)}`);
}

/** Requires a typed array of integers from any realm, as used for ids and lengths. @throws ArgumentError */
export function expectIds(where: string, name: string, x: unknown): void {
  const kind = typedArrayName(x);
  if (kind !== undefined && (kind.startsWith('Int') || kind.startsWith('Uint'))) return;
  throw new ArgumentError(`${where}: ${name} must be an Int32Array; got ${describe(x)}: pass Int32Array.from(…)`);
}

/** Requires a function. @throws ArgumentError */
export function expectFunction(where: string, name: string, x: unknown): void {
  if (typeof x !== 'function') throw new ArgumentError(`${where}: ${name} must be a function; got ${describe(x)}`);
}

/** Requires a string. @throws ArgumentError */
export function expectString(where: string, name: string, x: unknown): asserts x is string {
  if (typeof x !== 'string') throw new ArgumentError(`${where}: ${name} must be a string; got ${describe(x)}`);
}

/** Requires any number, NaN and Infinity included. @throws ArgumentError */
export function expectNumber(where: string, name: string, x: unknown): asserts x is number {
  if (typeof x !== 'number') throw new ArgumentError(`${where}: ${name} must be a number; got ${describe(x)}`);
}
