/** The bytes of a file, as a view. */
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';

/** Returns a view of an object that holds bytes, from any realm. @throws ArgumentError if it is something else */
export function expectBytes(where: string, source: unknown): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (Object.prototype.toString.call(source) === '[object ArrayBuffer]') return new Uint8Array(source as ArrayBuffer);
  throw new ArgumentError(`${where}: bytes must be a Uint8Array or an ArrayBuffer; got ${describe(source)}`);
}
