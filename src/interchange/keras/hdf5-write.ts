/**
 * Writes HDF5 files of groups and float32 datasets, as far as Keras weights need them: the oldest version of the format, which
 * every reader supports, with contiguous data.
 *
 *     superblock (version 0)                       sizes, and the root group
 *     group      object header (version 1)         one message: where its B-tree and its names lie
 *                B-tree (version 1), one node      → one symbol table node: name and object header of every member, sorted
 *                local heap                        the names
 *     dataset    object header (version 1)         shape, type, fill value, place; its numbers
 *
 * Source: HDF5 File Format Specification 3.0, sections II.A, III.A, III.C, III.D, IV.A.
 */
import { encodeUtf8 } from '../../serialize/utf8.js';
import { ArgumentError } from '../../tensor/errors.js';

/** A dataset: float32, row-major. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Members of a group by name. */
export interface Hdf5Group {
  readonly [name: string]: Hdf5Group | Hdf5Dataset;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** The undefined address, in two halves. */
const NOWHERE = 0xffffffff;
/** A group can have at most twice this many members: one node holds them all. */
const LEAF_K = 32;
const INTERNAL_K = 16;
const SUPERBLOCK_BYTES = 96;
const ENTRY_BYTES = 40;

const MESSAGE = { dataspace: 0x0001, datatype: 0x0003, fill: 0x0005, layout: 0x0008, symbols: 0x0011 } as const;
/** IEEE float32, little-endian: class 1 version 1, its bits, and the positions of sign, exponent and mantissa. */
const FLOAT32 = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];

/** A buffer that grows by parts, each aligned to 8 bytes. */
interface Writer {
  /** Appends zeros and returns their offset. */
  room(bytes: number): number;
  put(at: number, bytes: ArrayLike<number>): void;
  u16(at: number, value: number): void;
  u32(at: number, value: number): void;
  /** An address or a length: 8 bytes. */
  u64(at: number, value: number): void;
  nowhere(at: number): void;
  readonly size: number;
  bytes(): Uint8Array;
}

/**
 * Returns the bytes of a file. The same tree gives the same bytes.
 *
 * @throws ArgumentError if a group has more than 64 members, a name is empty or contains a slash, or the number of values does
 *   not match the shape
 */
export function writeHdf5(root: Hdf5Group): Uint8Array {
  const out = createWriter();
  out.room(SUPERBLOCK_BYTES);
  const { header, tree, heap } = writeGroup(out, root);
  out.put(0, SIGNATURE);
  out.put(13, [8, 8]); // bytes of an address, and of a length
  out.u16(16, LEAF_K);
  out.u16(18, INTERNAL_K);
  out.nowhere(32);
  out.u64(40, out.size);
  out.nowhere(48);
  out.u64(64, header);
  out.u32(72, 1); // the following bytes are a copy of the group's message
  out.u64(80, tree);
  out.u64(88, heap);
  return out.bytes();
}

interface GroupPlace {
  readonly header: number;
  readonly tree: number;
  readonly heap: number;
}

function writeGroup(out: Writer, group: Hdf5Group): GroupPlace {
  const names = Object.keys(group).sort(byBytes);
  names.forEach(expectName);
  if (names.length > 2 * LEAF_K) throw new ArgumentError(`HDF5: a group holds ${names.length} members; at most ${2 * LEAF_K} fit`); // prettier-ignore
  const members = names.map((name) => writeMember(out, name, group[name]));
  const { heap, offsets } = writeHeap(out, names);
  const tree = writeTree(out, members, offsets);
  const header = writeHeader(out, [[MESSAGE.symbols, 16]], ([at]) => {
    out.u64(at, tree);
    out.u64(at + 8, heap);
  });
  return { header, tree, heap };
}

/** A member, and what its symbol table entry caches: the tree and heap of a group. */
function writeMember(out: Writer, name: string, member: Hdf5Group | Hdf5Dataset): GroupPlace | { header: number } {
  return isDataset(member) ? { header: writeDataset(out, name, member) } : writeGroup(out, member);
}

function isDataset(member: Hdf5Group | Hdf5Dataset): member is Hdf5Dataset {
  return ArrayBuffer.isView((member as Hdf5Dataset).values);
}

function writeDataset(out: Writer, name: string, { shape, values }: Hdf5Dataset): number {
  const count = shape.reduce((product, n) => product * n, 1);
  if (count !== values.length) throw new ArgumentError(`HDF5: ${name} has ${values.length} values; expected ${count}, the product of its shape`); // prettier-ignore
  const data = out.room(values.byteLength);
  out.put(data, littleEndian(values));
  const sizes = [
    [MESSAGE.dataspace, 8 + 8 * shape.length],
    [MESSAGE.datatype, 24],
    [MESSAGE.fill, 8],
    [MESSAGE.layout, 24],
  ] as const;
  return writeHeader(out, sizes, ([space, type, fill, layout]) => {
    out.put(space, [1, shape.length]);
    shape.forEach((n, i) => out.u64(space + 8 + 8 * i, n));
    out.put(type, FLOAT32);
    out.put(fill, [2, 1]); // version 2, early allocation, no fill value
    out.put(layout, [3, 1]); // version 3, contiguous
    if (values.length > 0) out.u64(layout + 2, data);
    else out.nowhere(layout + 2);
    out.u64(layout + 10, values.byteLength);
  });
}

/** Writes an object header with messages of the given types and sizes (multiples of 8); `fill` receives the offsets of their contents. */
function writeHeader(
  out: Writer,
  messages: readonly (readonly [type: number, size: number])[],
  fill: (places: number[]) => void,
): number {
  const total = messages.reduce((sum, [, size]) => sum + 8 + size, 0);
  const header = out.room(16 + total);
  out.put(header, [1]);
  out.u16(header + 2, messages.length);
  out.u32(header + 4, 1); // one link points here
  out.u32(header + 8, total);
  let at = header + 16;
  const places = messages.map(([type, size]) => {
    out.u16(at, type);
    out.u16(at + 2, size);
    at += 8 + size;
    return at - size;
  });
  fill(places);
  return header;
}

/** The names of a group, each followed by a zero byte, and their offsets; the empty name is at 0. */
function writeHeap(out: Writer, names: readonly string[]): { heap: number; offsets: number[] } {
  const encoded = names.map(encodeUtf8);
  let size = 8;
  const offsets = encoded.map(({ length }) => {
    const at = size;
    size += 8 * Math.ceil((length + 1) / 8);
    return at;
  });
  const heap = out.room(32 + size);
  out.put(heap, encodeUtf8('HEAP'));
  out.u64(heap + 8, size);
  out.u64(heap + 16, 1); // nothing is free
  out.u64(heap + 24, heap + 32);
  encoded.forEach((name, i) => out.put(heap + 32 + offsets[i], name));
  return { heap, offsets };
}

function writeTree(out: Writer, members: readonly (GroupPlace | { header: number })[], offsets: number[]): number {
  const leaf = out.room(8 + 2 * LEAF_K * ENTRY_BYTES);
  out.put(leaf, encodeUtf8('SNOD'));
  out.put(leaf + 4, [1]);
  out.u16(leaf + 6, members.length);
  members.forEach((member, i) => {
    const at = leaf + 8 + i * ENTRY_BYTES;
    out.u64(at, offsets[i]);
    out.u64(at + 8, member.header);
    if (!('tree' in member)) return;
    out.u32(at + 16, 1);
    out.u64(at + 24, member.tree);
    out.u64(at + 32, member.heap);
  });
  const tree = out.room(24 + 8 * (4 * INTERNAL_K + 1));
  out.put(tree, encodeUtf8('TREE'));
  out.u16(tree + 6, members.length > 0 ? 1 : 0);
  out.nowhere(tree + 8);
  out.nowhere(tree + 16);
  out.u64(tree + 32, leaf);
  out.u64(tree + 40, offsets[offsets.length - 1] ?? 0);
  return tree;
}

function expectName(name: string): void {
  if (name !== '' && name !== '.' && !/[/\0]/.test(name)) return;
  throw new ArgumentError(`HDF5: a name must have characters, and no slash; got ${JSON.stringify(name)}`);
}

/** Order of the B-tree: bytewise. */
function byBytes(p: string, q: string): number {
  const [a, b] = [encodeUtf8(p), encodeUtf8(q)];
  const i = a.findIndex((byte, at) => byte !== b[at]);
  return i < 0 ? a.length - b.length : a[i] - (b[i] ?? -1);
}

function littleEndian(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}

function createWriter(): Writer {
  let bytes = new Uint8Array(1 << 16);
  let view = new DataView(bytes.buffer);
  let size = 0;
  return {
    get size() {
      return size;
    },
    room(count) {
      const at = size;
      size += 8 * Math.ceil(count / 8);
      if (size > bytes.length) {
        const grown = new Uint8Array(2 * size);
        grown.set(bytes);
        bytes = grown;
        view = new DataView(bytes.buffer);
      }
      return at;
    },
    put: (at, part) => bytes.set(part, at),
    u16: (at, value) => view.setUint16(at, value, true),
    u32: (at, value) => view.setUint32(at, value, true),
    u64(at, value) {
      view.setUint32(at, value % 2 ** 32, true);
      view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
    },
    nowhere(at) {
      view.setUint32(at, NOWHERE, true);
      view.setUint32(at + 4, NOWHERE, true);
    },
    bytes: () => bytes.slice(0, size),
  };
}
