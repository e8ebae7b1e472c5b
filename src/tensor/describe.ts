/** Short descriptions of values for error messages. Nothing here traverses a value, so a hostile one costs nothing. */

/** The name of a typed array from any realm (an iframe, a `vm` context), read from its internal slot. */
const TAG = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
) as { get(this: unknown): string | undefined };

/** `Float32Array`, `Uint8Array`, … from any realm; undefined for anything else. */
export function typedArrayName(x: unknown): string | undefined {
  return TAG.get.call(x);
}

/** Describes any value in a few words, for a message. */
export function describe(x: unknown): string {
  if (x === null || x === undefined) return String(x);
  if (typeof x === 'string') return `the string ${JSON.stringify(x.slice(0, 40))}`;
  if (typeof x === 'function') return 'a function';
  if (typeof x !== 'object') return `the ${typeof x} ${String(x)}`;
  if (Array.isArray(x)) return 'a list';
  const typed = typedArrayName(x);
  if (typed !== undefined) return `${typed.startsWith('Int') ? 'an' : 'a'} ${typed}`;
  if (typeof (x as { then?: unknown }).then === 'function') return 'a Promise';
  return `an object with ${Object.keys(x).join(', ').slice(0, 100) || 'nothing'}`;
}

/** Describes a value that should have been a number: a number as it is written, anything else in words. */
export function show(x: unknown): string {
  return typeof x === 'number' ? String(x) : describe(x);
}
