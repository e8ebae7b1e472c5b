/**
 * Attributes of the objects of an HDF5 file, one at a time. jsfive unpacks all those of an object together: one that is damaged spoils the
 * others, and a type that it does not know is reported on the console, which is the caller's. So the messages are read here as far
 * as name, type and size, and jsfive unpacks the value of the one that is asked for.
 *
 *     attribute message   version, a byte that is reserved or flags, sizes of name, type and dataspace (2 bytes each),
 *                         in version 3 the character set of the name; name, type, dataspace, value
 *
 * In version 1 each of the three parts is filled up to a multiple of 8 bytes.
 *
 * Source: HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace), IV.A.2.d (datatype) and IV.A.2.m (attribute).
 */
import { decodeUtf8 } from '../../serialize/utf8.js';

/** Messages of an object header, as jsfive holds them. */
export interface Hdf5Messages {
  find_msg_type(type: number): readonly ReadonlyMap<string, unknown>[];
  unpack_attribute(offset: number): readonly [name: string, value: unknown];
}

const ATTRIBUTE = 0x000c;

/** Classes of types, the low four bits of their first byte: those of numbers and of text, which is all that a file of Keras has. */
const CLASS = { integer: 0, float: 1, string: 3, variable: 9 } as const;

/** Bytes of a value of variable length: its length, and where it lies. */
const REFERENCE_BYTES = 16;

/**
 * The value of an attribute: text, a number or a list of them; undefined where there is none of that name, or it holds something else.
 *
 * @throws Error where its message is damaged; what jsfive throws where its value is
 */
export function attributeOf(messages: Hdf5Messages, bytes: Uint8Array, name: string): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = messages.find_msg_type(ATTRIBUTE).map((message) => Number(message.get('offset_to_message')));
  const found = places.map((at) => headOf(view, at)).findLast((head) => head.name === name);
  const size = found && bytesOfValue(view, found.type);
  if (size === undefined) return undefined;
  if (!(elements(view, found!.space) * size <= bytes.length)) throw new Error('it claims more than the file can hold');
  return messages.unpack_attribute(found!.at)[1];
}

/** Where the parts of an attribute lie. */
interface Head {
  readonly at: number;
  readonly name: string | undefined;
  readonly type: number;
  readonly space: number;
}

function headOf(view: DataView, at: number): Head {
  const version = view.getUint8(at);
  if (version !== 1 && version !== 3) throw new Error(`version ${version} of an attribute is not supported`);
  const [nameBytes, typeBytes] = [view.getUint16(at + 2, true), view.getUint16(at + 4, true)];
  const filled = (size: number): number => (version === 1 ? 8 * Math.ceil(size / 8) : size);
  const begin = at + (version === 1 ? 8 : 9);
  const type = begin + filled(nameBytes);
  if (type > view.byteLength) throw new Error('the name of an attribute reaches over the end');
  const name = decodeUtf8(new Uint8Array(view.buffer, view.byteOffset + begin, nameBytes));
  return { at, name: name?.replace(/\0$/, ''), type, space: type + filled(typeBytes) };
}

/** Bytes of one value of a type; undefined where jsfive does not know the type, or it is not needed here. */
function bytesOfValue(view: DataView, at: number): number | undefined {
  const kind = view.getUint8(at) & 0x0f;
  const size = view.getUint32(at + 4, true);
  if (kind === CLASS.integer || kind === CLASS.float) return [1, 2, 4, 8].includes(size) ? size : undefined;
  if (kind === CLASS.string) return Math.max(size, 1);
  const isText = (view.getUint8(at + 1) & 0x01) === 1;
  return kind === CLASS.variable && isText ? REFERENCE_BYTES : undefined;
}

/** Values of a dataspace. */
function elements(view: DataView, at: number): number {
  const version = view.getUint8(at);
  const sizes = at + (version === 1 ? 8 : 4);
  const axes = Array.from({ length: view.getUint8(at + 1) }, (_, i) => Number(view.getBigUint64(sizes + 8 * i, true)));
  return axes.reduce((product, n) => product * n, 1);
}
