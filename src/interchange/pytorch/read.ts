/** Reads state dicts from files: safetensors, or the output of `torch.save`. */
import { expectBytes } from '../../serialize/bytes.js';
import { decodeSafetensors } from '../../serialize/safetensors.js';
import { decodePt } from './pt.js';
import { numbersOf } from './storage.js';
import type { StateDict } from './state-dict.js';

/**
 * Returns the tensors of a file, by name.
 *
 * @param source a safetensors file, or a ZIP archive from `torch.save`
 * @throws DataError if the file is neither, or is damaged; ArgumentError if `source` does not hold bytes
 */
export function readStateDict(source: Uint8Array | ArrayBuffer): StateDict {
  const bytes = expectBytes('readStateDict', source);
  if (isZip(bytes)) return decodePt(bytes);
  const { tensors, raw = {} } = decodeSafetensors(bytes);
  return { ...tensors, ...Object.fromEntries(Object.entries(raw).map(([name, each]) => [name, numbersOf(each)])) };
}

/** Whether bytes start like a ZIP archive. As the start of a safetensors file, these bytes would mean a header of 67 MB. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[8] !== 0x7b;
}
