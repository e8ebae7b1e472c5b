/**
 * Reads the attributes of HDF5 objects one at a time. jsfive unpacks all attributes of an object together: a damaged one makes
 * the others unreadable, and an unknown type is reported on the caller's console. The messages are therefore parsed here up to
 * name, type and size, and jsfive unpacks only the value of the requested attribute.
 *
 *     attribute message   version, a byte that is reserved or flags, sizes of name, type and dataspace (2 bytes each),
 *                         in version 3 the character set of the name; name, type, dataspace, value
 *
 * In version 1 each of the three parts is padded to a multiple of 8 bytes.
 *
 * Source: HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace), IV.A.2.d (datatype) and IV.A.2.m (attribute).
 */
import { decodeUtf8 } from '../../serialize/utf8.js';

/** Messages of an object header, as stored by jsfive. */
export interface Hdf5Messages {
  find_msg_type(type: number): readonly ReadonlyMap<string, unknown>[];
  unpack_attribute(offset: number): readonly [name: string, value: unknown];
}

const ATTRIBUTE = 0x000c;

/** Classes of types, the low four bits of their first byte: those of numbers and text, the only ones in a Keras file. */
const CLASS = { integer: 0, float: 1, string: 3, variable: 9 } as const;

/** Size in bytes of a reference to a variable-length value: its length and address. */
const REFERENCE_BYTES = 16;

/**
 * Returns the value of an attribute: text, a number or a list of these; undefined if there is no such attribute, or it holds
 * something else.
 *
 * @throws Error if its message is damaged, or whatever jsfive throws if its value is
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

/** Offsets of the parts of an attribute. */
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
  if (type > view.byteLength) throw new Error('the name of an attribute extends past the end');
  const name = decodeUtf8(new Uint8Array(view.buffer, view.byteOffset + begin, nameBytes));
  return { at, name: name?.replace(/\0$/, ''), type, space: type + filled(typeBytes) };
}

/** Size in bytes of one value of a type; undefined if jsfive does not support the type, or it is not needed here. */
function bytesOfValue(view: DataView, at: number): number | undefined {
  const kind = view.getUint8(at) & 0x0f;
  const size = view.getUint32(at + 4, true);
  if (kind === CLASS.integer || kind === CLASS.float) return [1, 2, 4, 8].includes(size) ? size : undefined;
  if (kind === CLASS.string) return Math.max(size, 1);
  const isText = (view.getUint8(at + 1) & 0x01) === 1;
  return kind === CLASS.variable && isText ? REFERENCE_BYTES : undefined;
}

/** Number of values in a dataspace. */
function elements(view: DataView, at: number): number {
  const version = view.getUint8(at);
  const sizes = at + (version === 1 ? 8 : 4);
  const axes = Array.from({ length: view.getUint8(at + 1) }, (_, i) => Number(view.getBigUint64(sizes + 8 * i, true)));
  return axes.reduce((product, n) => product * n, 1);
}
