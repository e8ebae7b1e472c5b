/**
 * The safetensors file format: named tensors and a few strings in one file that any reader of the format can open.
 *
 *     bytes 0 … 7        n, the length of the header, unsigned little-endian 64-bit
 *     bytes 8 … 7 + n    the header, one JSON object in UTF-8, padded with spaces
 *                        { "__metadata__": { name: text, … },
 *                          name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, … }
 *     the rest           the data: little-endian, row-major, offsets counted from its first byte, without gaps
 *
 * Sources: the format section of the safetensors README, and its reference reader for what a file must not contain.
 *
 * A header is untrusted input. Everything it claims is checked against the actual bytes before a tensor is allocated, so a file
 * can never make the reader allocate more than a small multiple of its own length.
 */
import { expectRecord, expectString, expectTensors, isRecord, isSizes } from '../tensor/arguments.js';
import { describe, typedArrayName } from '../tensor/describe.js';
import { ArgumentError, DataError } from '../tensor/errors.js';
import type { Real, Tensor } from '../tensor/types.js';
import { allocate, dtypeOf } from '../tensor/view.js';
import { brief, parseUniqueJson } from './unique-json.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** The contents of a safetensors file. Its records have no prototype, so no name in a file can collide with inherited members. */
export interface Safetensors {
  /** Row-major plain views over separate arrays: `Float64Array` for F64, `Float32Array` for F32, F16 and BF16, widened exactly. */
  readonly tensors: Record<string, Tensor>;
  /** The `__metadata__` object; empty if the file has none. */
  readonly metadata: Record<string, string>;
  /** Tensors of other element types, not converted; absent if there are none. */
  readonly raw?: Record<string, RawTensor>;
}

/** A tensor as raw bytes, of any element type of the format. */
export interface RawTensor {
  /** The format's name of the element type, such as `I64`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** A safetensors file whose header has been read, with its tensors still as bytes. */
export interface OpenSafetensors {
  readonly metadata: Record<string, string>;
  /** Views of the file's own bytes, by name; no prototype. */
  readonly raw: Record<string, RawTensor>;
}

/** Longest header accepted, in bytes; the reference reader has the same limit. */
export const MAX_HEADER_BYTES = 100_000_000;

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;

/** The element types of the format, those of its reference reader. */
const DTYPE = /^(BOOL|BF16|C64|[IU](8|16|32|64)|F(4|6_E(2M3|3M2)|8_E(5M2|4M3|8M0)|16|32|64))$/;

/** Bits of an element: the first number in the name. */
const bitsOf = (dtype: string): number => Number(/\d+/.exec(dtype) ?? 8);

/** Whether a type is decoded to floating-point numbers. */
const isFloat = (dtype: string): boolean => /^B?F(16|32|64)$/.test(dtype);

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The bytes of a safetensors file. The same tensors and metadata give the same bytes, whatever the order of their keys:
 * tensors of wide elements come first (so that every tensor is aligned to its element size), then names in code-unit order.
 *
 * @param tensors float32 or float64, any rank, any strides; elements are written row-major. A NaN remains a NaN, but its payload
 * bits may change
 * @param metadata strings by name, chosen by the caller
 * @param raw tensors of any element type of the format, as raw bytes, which are written unchanged
 * @throws ArgumentError when a tensor is called `__metadata__`, which the format reserves; a name occurs twice; a raw tensor has
 * an unknown type, or a number of bytes that does not match its shape; or the header exceeds {@link MAX_HEADER_BYTES}
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
  raw: Readonly<Record<string, RawTensor>> = {},
): Uint8Array {
  expectTensors('encodeSafetensors', 'tensors', tensors);
  expectRecord('encodeSafetensors', 'metadata', metadata, 'a record of strings');
  for (const [name, text] of Object.entries(metadata)) expectString('encodeSafetensors', `metadata.${name}`, text);
  expectRecord('encodeSafetensors', 'raw', raw, 'tensors in bytes, { dtype, shape, bytes }, by name');
  for (const [name, tensor] of Object.entries(raw)) expectRaw(name, tensor, tensors);
  const entries = layOut(tensors, raw);
  const header = encodeHeader(entries, metadata);
  const dataBytes = entries.length === 0 ? 0 : entries[entries.length - 1].end;
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + dataBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, LENGTH_BYTES);
  for (const { name, begin } of entries) {
    const start = LENGTH_BYTES + header.length + begin;
    if (Object.hasOwn(raw, name)) bytes.set(raw[name].bytes, start);
    else writeElements(view, start, tensors[name]);
  }
  return bytes;
}

/** @throws ArgumentError unless it is a raw tensor with a unique name */
function expectRaw(name: string, tensor: RawTensor, tensors: Readonly<Record<string, Tensor>>): void {
  const what = `raw[${brief(name)}]`;
  expectRecord('encodeSafetensors', what, tensor, 'a tensor in bytes, { dtype, shape, bytes }');
  const { dtype, shape, bytes } = tensor;
  const refuse = (why: string): never => {
    throw new ArgumentError(`encodeSafetensors: ${what} ${why}`);
  };
  if (Object.hasOwn(tensors, name)) refuse('has the name of one of tensors: give each name once');
  if (!DTYPE.test(dtype)) refuse(`must have a dtype of the format; got ${brief(dtype)}`);
  if (!isSizes(shape)) refuse(`must have a shape of integers of at least 0; got ${brief(shape)}`);
  if (typedArrayName(bytes) !== 'Uint8Array') refuse(`must have bytes in a Uint8Array; got ${describe(bytes)}`);
  const expected = byteLength(shape, bitsOf(dtype));
  if (expected !== bytes.length)
    refuse(`must have ${expected} bytes for ${dtype} of shape [${shape.join(', ')}]; got ${bytes.length}`);
}

/**
 * Reads a safetensors file. The result shares no memory with `bytes`.
 *
 * Besides files in other formats, it rejects a key that occurs twice in one object (JSON readers disagree on which one counts),
 * data that two tensors share or no tensor claims, and element types that the format does not have.
 *
 * @throws DataError that says what is wrong with the file; it throws no other error
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { metadata, raw } = openSafetensors(bytes);
  const tensors = Object.create(null) as Record<string, Tensor>;
  const others = Object.create(null) as Record<string, RawTensor>;
  for (const [name, tensor] of Object.entries(raw)) {
    if (isFloat(tensor.dtype)) tensors[name] = floatsOf(tensor);
    else others[name] = { ...tensor, bytes: tensor.bytes.slice() };
  }
  return { tensors, metadata, ...(Object.keys(others).length > 0 && { raw: others }) };
}

/** `decodeSafetensors` without copying: the tensors by name, and their bytes. @throws DataError as it does */
export function openSafetensors(bytes: Uint8Array): OpenSafetensors {
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
  const raw = Object.create(null) as Record<string, RawTensor>;
  for (const { name, dtype, shape, begin, end } of entries)
    raw[name] = { dtype, shape, bytes: bytes.subarray(dataStart + begin, dataStart + end) };
  return { metadata, raw };
}

function layOut(
  tensors: Readonly<Record<string, Tensor>>,
  raw: Readonly<Record<string, Pick<RawTensor, 'dtype' | 'shape'>>>,
): Entry[] {
  let end = 0;
  const own = Object.entries(tensors).map(([name, { data, shape }]) => {
    return { name, dtype: dtypeOf(data) === 'float32' ? 'F32' : 'F64', shape };
  });
  return [...own, ...Object.entries(raw).map(([name, { dtype, shape }]) => ({ name, dtype, shape }))]
    .sort((p, q) => bitsOf(q.dtype) - bitsOf(p.dtype) || (p.name < q.name ? -1 : 1))
    .map((entry) => {
      const begin = end;
      end += byteLength(entry.shape, bitsOf(entry.dtype));
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
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = encodeUtf8(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  if (padded.length > MAX_HEADER_BYTES) {
    throw new ArgumentError(`the header would take ${padded.length} bytes; the format allows ${MAX_HEADER_BYTES}`);
  }
  return padded;
}

/**
 * Other formats that are often passed as a model, by their first bytes, and what to do. No file of this format below 30 MB begins
 * like these.
 */
const OTHER_FORMATS: readonly (readonly [begin: string, what: string])[] = [
  ['version https://git-lfs', 'it is a Git LFS pointer, not the file itself: fetch the file with git lfs pull'],
  ['<', 'it is an HTML or XML page, perhaps an error page of the server: download it again'],
  ['PK\u0003\u0004', 'it is a zip archive, as PyTorch and NumPy write: convert a PyTorch file with bptt import'],
  ['\u001f\u008b', 'it is gzip-compressed: unpack it with gunzip'],
  ['\u0089HDF', 'it is an HDF5 file, as Keras writes: convert it with bptt import'],
  ['\u0080\u0002\u008a\nl\u00fc', 'it was saved by PyTorch before 1.6: load it in PyTorch and save it again'],
];

/** The description of the bytes if they are a file of another common format. */
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
    throw broken(
      `its header claims ${claimed} bytes, the limit is ${MAX_HEADER_BYTES}; it may not be a safetensors file`,
    );
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
  if (!isRecord(value)) throw broken(`${METADATA} must be an object of strings`);
  for (const name of Object.keys(value)) {
    const text = value[name];
    if (typeof text !== 'string') throw broken(`${METADATA}: ${brief(name)} must be a string; got ${brief(text)}`);
    metadata[name] = text;
  }
  return metadata;
}

function readEntry(name: string, value: unknown): Entry {
  const where = `tensor ${brief(name)}`;
  if (!isRecord(value)) throw broken(`${where} must be described by an object`);
  const unknown = Object.keys(value).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (unknown !== undefined) throw broken(`${where} has an unknown field ${brief(unknown)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !DTYPE.test(dtype))
    throw broken(`${where} has dtype ${brief(dtype)}; the format has no such type`);
  if (!isSizes(shape)) throw broken(`${where}: shape must be a list of integers of at least 0; got ${brief(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw broken(`${where}: data_offsets must be [begin, end]; got ${brief(offsets)}`);
  }
  const [begin, end] = offsets;
  const expected = byteLength(shape, bitsOf(dtype));
  if (expected !== end - begin) {
    throw broken(
      `${where}: ${dtype} of shape [${brief(shape)}] takes ${expected} bytes; data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/**
 * Size in bytes, exact where it matters. Above 2⁵³ bits it is Infinity, and if the elements do not fill whole bytes it is a
 * fraction; neither matches any offsets.
 */
function byteLength(shape: readonly number[], bits: number): number {
  if (shape.includes(0)) return 0;
  let size = bits;
  for (const n of shape) {
    size *= n;
    if (size > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return size / 8;
}

/** The tensors, in order of their data, must tile the `length` bytes of data: no gap, no overlap, no rest. */
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
  if (covered !== length) throw broken(`${length - covered} bytes after the last tensor belong to no tensor`);
}

/**
 * The numbers of a tensor: in float64 for F64, else in float32, which represents every F16, BF16 and I8 exactly. DataView fixes
 * the byte order, so that a file is the same on every machine, and requires no alignment; if the machine has that byte order,
 * bytes are copied.
 */
export function floatsOf({ dtype, shape, bytes }: RawTensor): Tensor {
  const tensor = allocate(shape, dtype === 'F64' ? 'float64' : 'float32');
  const { data } = tensor;
  if (littleEndian && (dtype === 'F32' || dtype === 'F64')) {
    new Uint8Array(data.buffer).set(bytes);
    return tensor;
  }
  const bits = new Uint32Array(data.buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = ({ F32: 'getFloat32', F64: 'getFloat64', I8: 'getInt8' } as const)[dtype as 'F32'] as
    'getFloat32' | undefined;
  const width = bytes.length / data.length;
  for (let i = 0; i < data.length; i++) {
    if (read) data[i] = view[read](width * i, true);
    else if (dtype === 'BF16')
      bits[i] = view.getUint16(2 * i, true) << 16; // a truncated float32
    else data[i] = halfOf(view.getUint16(2 * i, true), bits, data, i);
  }
  return tensor;
}

/** Whether numbers in memory have the byte order of the file. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Decodes an IEEE 754 half: sign, 5 bits of exponent with a bias of 15, 10 bits of fraction. Moved to the bit positions of a
 * float32, whose exponent has a bias of 127, its bits are that number times 2⁻¹¹², even if the exponent is 0; infinities and NaN
 * get the greatest exponent.
 */
function halfOf(half: number, bits: Uint32Array, data: Real, i: number): number {
  const isFinite = (half & 0x7c00) !== 0x7c00;
  bits[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13) | (isFinite ? 0 : 0x7f800000);
  return isFinite ? data[i] * 2 ** 112 : data[i];
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

function broken(what: string): DataError {
  return new DataError(`safetensors: the file cannot be read: ${what}`);
}
