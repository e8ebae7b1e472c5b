/** Converts bytes to numbers: the elements of a PyTorch storage, or of a raw safetensors tensor. */
import type { RawTensor } from '../../serialize/safetensors.js';
import { floatsOf } from '../../serialize/safetensors.js';
import { DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { sizeOf, viewOf } from '../../tensor/view.js';

/** Element types of storages, by their safetensors names. */
export const STORAGES = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
} as const;

/** A storage type by name. */
export type StorageKind = keyof typeof STORAGES;

/** Bytes per element. */
export const WIDTHS = { F32: 4, F64: 8, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;

type Integer = 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

const INTEGERS: Readonly<Record<Integer, (view: DataView, at: number) => number>> = {
  I64: (view, at) => exact(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};

/**
 * Returns the numbers of a tensor: float32 if every value fits exactly, else float64.
 *
 * @throws DataError on another element type, or an integer that a float64 does not hold
 */
export function numbersOf({ dtype, shape, bytes }: RawTensor): Tensor {
  if (dtype === 'F32' || dtype === 'F64' || dtype === 'F16' || dtype === 'BF16')
    return floatsOf({ dtype, shape, bytes });
  if (!Object.hasOwn(INTEGERS, dtype)) {
    throw new DataError(
      `PyTorch state dict: its element type ${dtype} is not read; expected ${Object.keys(WIDTHS).join(', ')}`,
    );
  }
  const read = INTEGERS[dtype as Integer];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float64Array(sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = read(view, i * WIDTHS[dtype as Integer]);
  return viewOf(out, shape);
}

function exact(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new DataError(`PyTorch state dict: it has the integer ${value}, which a float64 does not hold`);
}
