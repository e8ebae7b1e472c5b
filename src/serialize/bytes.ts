/** The bytes of a file, as a view. */
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';

/**
 * Returns a view of an object that holds bytes. It is recognized by what it is, not by its constructor, so that bytes of another realm,
 * such as a frame of a page, work too.
 *
 * @param where the caller's name, for messages
 * @throws ArgumentError if it is something else, or if its buffer was transferred to another thread, so that nothing is left to read
 */
export function expectBytes(where: string, source: unknown): Uint8Array {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    if (isBuffer(source)) return new Uint8Array(source);
  } catch {
    throw new ArgumentError(`${where}: the bytes were transferred: pass a copy`);
  }
  throw new ArgumentError(`${where}: bytes must be a Uint8Array or an ArrayBuffer; got ${describe(source)}`);
}

/** Whether a value is an ArrayBuffer, from any realm. */
export function isBuffer(x: unknown): x is ArrayBuffer {
  return Object.prototype.toString.call(x) === '[object ArrayBuffer]';
}
