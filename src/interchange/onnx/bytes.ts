/** The bytes of a file, as a view. */
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';

/** A view of what holds the bytes of a file, of whatever realm. @throws ArgumentError where it is something else */
export function expectBytes(where: string, source: unknown): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (Object.prototype.toString.call(source) === '[object ArrayBuffer]') return new Uint8Array(source as ArrayBuffer);
  throw new ArgumentError(`${where}: bytes must be a Uint8Array or an ArrayBuffer; got ${describe(source)}`);
}
