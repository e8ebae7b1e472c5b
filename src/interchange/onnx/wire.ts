/**
 * The wire encoding of protocol buffers: a message is a sequence of fields, each a key (number · 8 + wire type) and a value.
 *
 *     wire type 0   a varint: 7 bits a byte, least significant first, the high bit says that more follow
 *     wire type 1   8 bytes, little-endian
 *     wire type 2   a varint n, then n bytes: text, bytes, a message, or packed numbers
 *     wire type 5   4 bytes, little-endian
 *
 * `proto.ts` gives the meaning of the field numbers. Source: https://protobuf.dev/programming-guides/encoding/
 *
 * A message to be written is a list of pieces, so that tensors are copied only once, by `joined`. A message that is read is a
 * view of its bytes: every length is checked against the available bytes before anything is allocated.
 */
import { DataError } from '../../tensor/errors.js';
import { decodeUtf8, encodeUtf8 } from '../../serialize/utf8.js';

/** Bytes in pieces. */
export type Pieces = readonly Uint8Array[];

/** Concatenates all pieces. */
export function joined(pieces: Pieces): Uint8Array {
  const bytes = new Uint8Array(sizeOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const sizeOf = (pieces: Pieces): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

/** Encodes a varint. @param value an integer; a negative one takes 10 bytes, as for int64 */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** Encodes an integer field. */
export const integerField = (field: number, value: number | bigint): Pieces => [varint(field * 8), varint(value)];

/** Encodes a field of bytes, or of a nested message. */
export const bytesField = (field: number, value: Pieces): Pieces => [
  varint(field * 8 + 2),
  varint(sizeOf(value)),
  ...value,
];

/** Encodes a text field. */
export const textField = (field: number, value: string): Pieces => bytesField(field, [encodeUtf8(value)]);

/** Encodes a float32 field. */
export function floatField(field: number, value: number): Pieces {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [varint(field * 8 + 5), bytes];
}

/** A decoded field: its number, its wire type, and its value, a number or bytes. */
export interface Field {
  readonly number: number;
  readonly wire: 0 | 1 | 2 | 5;
  /** Value of a field of wire type 0, as an int64; integers beyond 2^53 are rounded. */
  readonly value: number;
  /** Value of a field of another wire type: a view of the message. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** A read position in bytes. */
interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * Decodes the fields of a message, in order.
 *
 * @param what names the message, for an error
 * @throws DataError if the bytes end early, a length reaches beyond them, or a field has an unknown wire type
 */
export function fieldsOf(bytes: Uint8Array, what: string): Field[] {
  const cursor: Cursor = { bytes, at: 0 };
  const fields: Field[] = [];
  while (cursor.at < bytes.length) {
    if (fields.length === MOST_FIELDS) throw damaged(what, `at most ${MOST_FIELDS} fields`, 'more');
    fields.push(readField(cursor, what));
  }
  return fields;
}

/** Maximum number of fields in a message: a field can be as short as two bytes, and its object takes fifty times as many. */
const MOST_FIELDS = 2 ** 20;

function readField(cursor: Cursor, what: string): Field {
  const key = readVarint(cursor, what);
  const [number, wire] = [Math.floor(key / 8), key % 8];
  if (key < 8 || number >= 2 ** 29) throw damaged(what, `a field number from 1 to ${2 ** 29 - 1}`, `${number}`);
  if (wire === 0) return { number, wire, value: readVarint(cursor, what), bytes: NOTHING };
  if (wire !== 1 && wire !== 2 && wire !== 5) throw damaged(what, 'a wire type of 0, 1, 2 or 5', `${wire}`);
  const length = wire === 1 ? 8 : wire === 5 ? 4 : readVarint(cursor, what);
  return { number, wire, value: 0, bytes: take(cursor, length, what) };
}

function take(cursor: Cursor, length: number, what: string): Uint8Array {
  const left = cursor.bytes.length - cursor.at;
  if (length < 0 || length > left) throw damaged(what, `at most ${left} bytes in a field`, `a length of ${length}`);
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** Length in bytes of the longest varint. */
const LONGEST = 10;

function readVarint(cursor: Cursor, what: string): number {
  const { bytes } = cursor;
  let small = 0;
  for (let k = 0; k < 4; k++) {
    if (cursor.at + k >= bytes.length) throw damaged(what, 'a whole number', 'the end of the bytes');
    const byte = bytes[cursor.at + k];
    small += (byte & 127) * 2 ** (7 * k);
    if (byte >= 128) continue;
    cursor.at += k + 1;
    return small;
  }
  return readLong(cursor, what);
}

function readLong(cursor: Cursor, what: string): number {
  let value = 0n;
  for (let k = 0; k < LONGEST; k++) {
    const [byte] = take(cursor, 1, what);
    value |= BigInt(byte & 127) << BigInt(7 * k);
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
  throw damaged(what, `a number of at most ${LONGEST} bytes`, 'a longer one');
}

/** The text of a field. @throws DataError if it is not UTF-8 */
export function textOf({ wire, bytes }: Field, what: string): string {
  const text = wire === 2 ? decodeUtf8(bytes) : undefined;
  if (text === undefined) throw damaged(what, 'text in UTF-8', 'other bytes');
  return text;
}

/** Integers of a repeated field, packed or unpacked. @throws DataError */
export function integersOf(fields: readonly Field[], what: string): number[] {
  return fields.flatMap((field) => {
    if (field.wire === 0) return [field.value];
    if (field.wire !== 2) throw damaged(what, 'integers', 'fixed bytes');
    const [cursor, values]: [Cursor, number[]] = [{ bytes: field.bytes, at: 0 }, []];
    while (cursor.at < field.bytes.length) values.push(readVarint(cursor, what));
    return values;
  });
}

/** float32 numbers of a repeated field, packed or unpacked. @throws DataError */
export function floatsOf(fields: readonly Field[], what: string): Float32Array {
  const bytes = joined(fields.map((field) => field.bytes));
  if (bytes.length % 4 !== 0 || fields.some(({ wire }) => wire !== 2 && wire !== 5)) {
    throw damaged(what, 'float32 numbers, of 4 bytes each', `${bytes.length} bytes`);
  }
  return float32Of(bytes);
}

/** Little-endian float32 numbers. */
export function float32Of(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float32Array(bytes.length / 4);
  for (let i = 0; i < numbers.length; i++) numbers[i] = view.getFloat32(4 * i, true);
  return numbers;
}

/** Returns an error for malformed bytes. */
export function damaged(what: string, expected: string, got: string): DataError {
  return new DataError(`onnx: ${what}: expected ${expected}; got ${got}: the file is damaged, or not an ONNX model`);
}
