/**
 * The safetensors file format: named tensors and a few strings in one file that any reader of the format opens.
 *
 *     bytes 0 … 7        n, the length of the header, unsigned little-endian 64-bit
 *     bytes 8 … 7 + n    the header, one JSON object in UTF-8, padded with spaces
 *                        { "__metadata__": { name: text, … },
 *                          name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, … }
 *     the rest           the data: little-endian, row-major, offsets counted from its first byte, without gaps
 *
 * Source: the format section of the safetensors README, and its reference reader for what a file must not contain.
 *
 * A header is a stranger's word. Everything it claims is checked against the bytes that are really there before a tensor
 * is allocated, so a file can never make the reader allocate more than a small multiple of its own length.
 */
import { expectRecord, expectString, expectTensors } from '../tensor/arguments.js';
import { describe, typedArrayName } from '../tensor/describe.js';
import { ArgumentError, DataError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { allocate, dtypeOf, sizeOf } from '../tensor/view.js';
import { brief, parseUniqueJson } from './unique-json.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** The contents of a safetensors file. Both records have no prototype, so that no name in a file can reach one. */
export interface Safetensors {
  /** Row-major plain views over arrays of their own; F32 becomes `Float32Array`, F64 `Float64Array`. */
  readonly tensors: Record<string, Tensor>;
  /** The `__metadata__` object; empty where the file has none. */
  readonly metadata: Record<string, string>;
}

/** Longest header that is read, in bytes; the reference reader has the same limit. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
const DTYPES = { F32: 'float32', F64: 'float64' } as const;
const WIDTHS = { float32: 4, float64: 8 } as const;

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The bytes of a safetensors file. The same tensors and metadata give the same bytes, whatever the order of their keys:
 * float64 tensors come first (so that every tensor is aligned to its element size), then names in code-unit order.
 *
 * @param tensors float32 or float64, any rank, any strides; elements are written row-major. A NaN keeps being a NaN, but
 *   the payload bits of a NaN are not promised
 * @param metadata strings under names of the caller's choice
 * @throws ArgumentError when a tensor is called `__metadata__`, which the format reserves, or the header exceeds
 *   {@link MAX_HEADER_BYTES}
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  expectTensors('encodeSafetensors', 'tensors', tensors);
  expectRecord('encodeSafetensors', 'metadata', metadata, 'a record of strings');
  for (const [name, text] of Object.entries(metadata)) expectString('encodeSafetensors', `metadata.${name}`, text);
  const entries = layOut(tensors);
  const header = encodeHeader(entries, metadata);
  const dataBytes = entries.length === 0 ? 0 : entries[entries.length - 1].end;
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + dataBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, LENGTH_BYTES);
  for (const entry of entries) {
    writeElements(view, LENGTH_BYTES + header.length + entry.begin, tensors[entry.name]);
  }
  return bytes;
}

/**
 * Reads a safetensors file. The result shares no memory with `bytes`.
 *
 * Refused, beside what is not the format at all: a key that stands twice in one object (JSON readers disagree on which one
 * counts), data that two tensors share or no tensor claims, and element types other than F32 and F64.
 *
 * @throws DataError that says what is wrong with the file, and nothing else
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  if (typedArrayName(bytes) !== 'Uint8Array') {
    throw new ArgumentError(`decodeSafetensors: bytes must be a Uint8Array; got ${describe(bytes)}`);
  }
  const other = otherFormat(bytes);
  if (other !== undefined) throw broken(other);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = LENGTH_BYTES + headerLength(view);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart));
  const metadata = readMetadata(header[METADATA]);
  const entries = Object.keys(header)
    .filter((name) => name !== METADATA)
    .map((name) => readEntry(name, header[name]));
  checkLayout(entries, bytes.byteLength - dataStart);
  const tensors = Object.create(null) as Record<string, Tensor>;
  for (const entry of entries) tensors[entry.name] = readElements(view, dataStart + entry.begin, entry);
  return { tensors, metadata };
}

function layOut(tensors: Readonly<Record<string, Tensor>>): Entry[] {
  let end = 0;
  return Object.keys(tensors)
    .map((name) => ({ name, dtype: dtypeOf(tensors[name].data), shape: tensors[name].shape }))
    .sort((p, q) => WIDTHS[q.dtype] - WIDTHS[p.dtype] || (p.name < q.name ? -1 : 1))
    .map((entry) => {
      const begin = end;
      end += sizeOf(entry.shape) * WIDTHS[entry.dtype];
      return { ...entry, begin, end };
    });
}

function encodeHeader(entries: readonly Entry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header = Object.create(null) as Record<string, unknown>;
  const names = Object.keys(metadata).sort();
  if (names.length > 0) {
    const sorted = Object.create(null) as Record<string, string>;
    for (const name of names) sorted[name] = metadata[name];
    header[METADATA] = sorted;
  }
  for (const { name, dtype, shape, begin, end } of entries) {
    if (name === METADATA) {
      throw new ArgumentError(`a tensor cannot be called '${METADATA}': the safetensors format reserves that name`);
    }
    header[name] = { dtype: dtype === 'float32' ? 'F32' : 'F64', shape, data_offsets: [begin, end] };
  }
  const json = encodeUtf8(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  if (padded.length > MAX_HEADER_BYTES) {
    throw new ArgumentError(`the header would take ${padded.length} bytes; the format allows ${MAX_HEADER_BYTES}`);
  }
  return padded;
}

/** What stands where a model should, by how it begins, and what to do. None of these begins a file of this format below 30 MB. */
const OTHER_FORMATS: readonly (readonly [begin: string, what: string])[] = [
  ['version https://git-lfs', 'it is a Git LFS pointer, which stands for the file: fetch the file with git lfs pull'],
  ['<', 'it is a page of HTML or XML, perhaps an error of the server it came from: download it again'],
  ['PK\u0003\u0004', 'it is a zip archive, as PyTorch and NumPy write: unpack or convert it'],
  ['\u001f\u008b', 'it is compressed by gzip: unpack it with gunzip'],
  ['\u0089HDF', 'it is an HDF5 file, as Keras writes: convert it'],
];

/** What the bytes are, where they are a file of another kind that is often met in its place. */
function otherFormat(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 40));
  const known = OTHER_FORMATS.find(([begin]) => text.startsWith(begin));
  const plausible = bytes.length > LENGTH_BYTES && bytes[LENGTH_BYTES] === 0x7b; // {, which begins every header
  return plausible ? undefined : known?.[1];
}

function headerLength(view: DataView): number {
  if (view.byteLength < LENGTH_BYTES) {
    throw broken(`it has ${view.byteLength} bytes, and the header length alone takes ${LENGTH_BYTES}`);
  }
  const claimed = view.getBigUint64(0, true);
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw broken(`its header claims ${claimed} bytes, the limit is ${MAX_HEADER_BYTES}; it may be no safetensors file`);
  }
  const length = Number(claimed);
  if (length > view.byteLength - LENGTH_BYTES) {
    throw broken(`its header claims ${length} bytes and ${view.byteLength - LENGTH_BYTES} follow; it may be truncated`);
  }
  return length;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw broken('its header does not begin with {');
  const text = decodeUtf8(bytes);
  if (text === undefined) throw broken('its header is not valid UTF-8');
  return parseUniqueJson(text, 'safetensors: the header') as Record<string, unknown>;
}

function readMetadata(value: unknown): Record<string, string> {
  const metadata = Object.create(null) as Record<string, string>;
  if (value === undefined) return metadata;
  if (!isObject(value)) throw broken(`${METADATA} must be an object of strings`);
  for (const name of Object.keys(value)) {
    const text = value[name];
    if (typeof text !== 'string') throw broken(`${METADATA}: ${brief(name)} must be a string; got ${brief(text)}`);
    metadata[name] = text;
  }
  return metadata;
}

function readEntry(name: string, value: unknown): Entry {
  const where = `tensor ${brief(name)}`;
  if (!isObject(value)) throw broken(`${where} must be described by an object`);
  const unknown = Object.keys(value).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (unknown !== undefined) throw broken(`${where} has an unknown field ${brief(unknown)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== 'F32' && dtype !== 'F64') throw broken(`${where} has dtype ${brief(dtype)}; F32 and F64 are read`);
  if (!isSizes(shape)) throw broken(`${where}: shape must be a list of integers of at least 0; got ${brief(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw broken(`${where}: data_offsets must be [begin, end]; got ${brief(offsets)}`);
  }
  const [begin, end] = offsets;
  const expected = byteLength(shape, WIDTHS[DTYPES[dtype]]);
  if (expected !== end - begin) {
    throw broken(
      `${where}: ${dtype} of shape [${brief(shape)}] takes ${expected} bytes; data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype: DTYPES[dtype], shape, begin, end };
}

/** Size in bytes, computed so that it is exact where it matters: above 2⁵³ it is Infinity and matches no offsets. */
function byteLength(shape: readonly number[], width: number): number {
  if (shape.includes(0)) return 0;
  let size = width;
  for (const n of shape) {
    size *= n;
    if (size > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return size;
}

/** The tensors, in order of their data, must tile the `length` bytes of data: no gap, no overlap, nothing left over. */
function checkLayout(entries: readonly Entry[], length: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((p, q) => p.begin - q.begin || p.end - q.end)) {
    if (begin !== covered) {
      const fault = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw broken(`tensor ${brief(name)} ${fault}: it begins at byte ${begin} of the data, expected ${covered}`);
    }
    if (end > length) throw broken(`tensor ${brief(name)} ends at byte ${end} of ${length}; the file may be truncated`);
    covered = end;
  }
  if (covered !== length) throw broken(`${length - covered} bytes after the last tensor belong to none`);
}

/** DataView fixes the byte order, so that a file is the same on every machine, and asks for no alignment. */
function readElements(view: DataView, start: number, { dtype, shape }: Entry): Tensor {
  const tensor = allocate(shape, dtype);
  const { data } = tensor;
  if (dtype === 'float32') {
    for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(start + 4 * i, true);
  } else {
    for (let i = 0; i < data.length; i++) data[i] = view.getFloat64(start + 8 * i, true);
  }
  return tensor;
}

function writeElements(view: DataView, start: number, { data, shape, stride, offset }: Tensor): void {
  const single = dtypeOf(data) === 'float32';
  let at = start;
  const walk = (axis: number, from: number): void => {
    if (axis < shape.length) {
      for (let i = 0; i < shape[axis]; i++) walk(axis + 1, from + i * stride[axis]);
    } else if (single) {
      view.setFloat32(at, data[from], true);
      at += 4;
    } else {
      view.setFloat64(at, data[from], true);
      at += 8;
    }
  };
  walk(0, offset);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function broken(what: string): DataError {
  return new DataError(`safetensors: the file cannot be read: ${what}`);
}
