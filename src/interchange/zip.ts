/**
 * Reads and writes ZIP archives whose files are stored without compression, as `torch.save` and Keras write them.
 *
 *     for every file    local header, name, bytes
 *     directory         an entry per file: name, size, checksum, place of its local header
 *     end               number of entries, size and place of the directory
 *
 * Nothing is unpacked, so an archive never takes more memory than its size. These are rejected, each with its own message:
 * compression, encryption, ZIP64 (archives of 4 GiB and more), duplicate file names, overlapping files, a wrong checksum.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.4; the checksum is CRC-32 of ISO 3309.
 */
import { DataError } from '../tensor/errors.js';
import { quoted } from '../tensor/visible.js';
import { decodeUtf8, encodeUtf8 } from '../serialize/utf8.js';

const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENCRYPTED = 1;

interface Entry {
  readonly name: string;
  readonly crc: number;
  readonly size: number;
  /** Offset of the local header. */
  readonly at: number;
}

/**
 * Returns the files of an archive by name, each a view of `bytes`.
 *
 * @throws DataError that describes the defect of the archive
 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = entriesOf(view, bytes);
  const files = new Map<string, Uint8Array>();
  const places = entries.map((entry) => ({ entry, ...placeOf(view, entry) }));
  let covered = 0;
  // torch.save can omit checksums; all of them are then 0.
  const isChecked = entries.some(({ crc }) => crc !== 0);
  for (const { entry, start, end } of [...places].sort((p, q) => p.entry.at - q.entry.at)) {
    if (entry.at < covered) throw broken(`${quoted(entry.name)} overlaps the file before it`);
    if (end > bytes.length)
      throw broken(`${quoted(entry.name)} ends at byte ${end} of ${bytes.length}; it may be truncated`);
    covered = end;
    const own = bytes.subarray(start, end);
    if (isChecked && crc32(own) !== entry.crc) throw broken(`the checksum of ${quoted(entry.name)} does not match`);
    if (files.has(entry.name)) throw broken(`it has ${quoted(entry.name)} twice`);
    files.set(entry.name, own);
  }
  return files;
}

/** @throws DataError if there is no directory, or an inconsistent one */
function entriesOf(view: DataView, bytes: Uint8Array): Entry[] {
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  const [size, start] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  if (count === 0xffff || start === 0xffffffff) throw broken('it is a ZIP64 archive, of 4 GiB or more');
  if (start + size > end) throw broken('its directory is outside it; it may be truncated');
  const entries: Entry[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY) throw broken('its directory is damaged');
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    if (at + ENTRY_BYTES + name > end) throw broken('its directory is damaged');
    entries.push(entryAt(view, at, nameIn(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + name))));
    at += ENTRY_BYTES + name + extra + comment;
  }
  return entries;
}

function entryAt(view: DataView, at: number, name: string): Entry {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
  if (flags & ENCRYPTED) throw broken(`${quoted(name)} is encrypted`);
  if (method !== 0) throw broken(`${quoted(name)} is compressed (method ${method}); expected files that are stored: repack it without compression`); // prettier-ignore
  if (size === 0xffffffff) throw broken('it is a ZIP64 archive, of 4 GiB or more');
  if (packed !== size) throw broken(`${quoted(name)} is stored in ${packed} bytes and has ${size}`);
  return { name, size, crc: view.getUint32(at + 16, true), at: view.getUint32(at + 42, true) };
}

/** The position of a file's bytes. */
function placeOf(view: DataView, { name, size, at }: Entry): { start: number; end: number } {
  if (at + LOCAL_BYTES > view.byteLength || view.getUint32(at, true) !== LOCAL) {
    throw broken(`${quoted(name)} is not where the directory says; it may be truncated`);
  }
  const start = at + LOCAL_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  return { start, end: start + size };
}

/** Finds the end of the directory: the last end record whose comment fills the rest of the archive. */
function endOf(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  }
  throw broken('it has no directory at its end; it may be truncated');
}

function nameIn(bytes: Uint8Array): string {
  const name = decodeUtf8(bytes);
  if (name === undefined) throw broken('a name in it is not valid UTF-8');
  return name;
}

/**
 * Returns an archive of stored files, in the order given. The same files give the same bytes: all are dated 1980.
 *
 * @param align file offsets are multiples of this number of bytes
 */
export function writeZip(files: Readonly<Record<string, Uint8Array>>, align = 1): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const add = (part: Uint8Array): void => void (parts.push(part), (at += part.length));
  for (const [text, bytes] of Object.entries(files)) {
    const name = encodeUtf8(text);
    const padding = paddingOf(at + LOCAL_BYTES + name.length, align);
    const fields = { crc: crc32(bytes), size: bytes.length, name: name.length };
    directory.push(directoryEntry(fields, at), name);
    add(localHeader(fields, padding));
    add(name);
    add(extraOf(padding));
    add(bytes);
  }
  const start = at;
  directory.forEach(add);
  const end = new DataView(new ArrayBuffer(END_BYTES));
  const count = directory.length / 2;
  end.setUint32(0, END, true);
  for (const field of [8, 10]) end.setUint16(field, count, true);
  end.setUint32(12, at - start, true);
  end.setUint32(16, start, true);
  add(new Uint8Array(end.buffer));
  return joined(parts, at);
}

interface Fields {
  readonly crc: number;
  readonly size: number;
  /** The name as bytes. */
  readonly name: number;
}

/** 1 January 1980: the earliest date that the format can represent. */
const DATE = 0x21;
/** Version 2.0 of the format, and names in UTF-8. */
const [NEEDED, UTF8_NAMES] = [20, 0x0800];

function localHeader({ crc, size, name }: Fields, extra: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(LOCAL_BYTES));
  view.setUint32(0, LOCAL, true);
  view.setUint16(4, NEEDED, true);
  view.setUint16(6, UTF8_NAMES, true);
  view.setUint16(12, DATE, true);
  view.setUint32(14, crc, true);
  for (const field of [18, 22]) view.setUint32(field, size, true);
  view.setUint16(26, name, true);
  view.setUint16(28, extra, true);
  return new Uint8Array(view.buffer);
}

function directoryEntry({ crc, size, name }: Fields, at: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(ENTRY_BYTES));
  view.setUint32(0, ENTRY, true);
  for (const field of [4, 6]) view.setUint16(field, NEEDED, true);
  view.setUint16(8, UTF8_NAMES, true);
  view.setUint16(14, DATE, true);
  view.setUint32(16, crc, true);
  for (const field of [20, 24]) view.setUint32(field, size, true);
  view.setUint16(28, name, true);
  view.setUint32(42, at, true);
  return new Uint8Array(view.buffer);
}

/** Size in bytes of the extra field that aligns the following data to `align`: zero, or at least the size of its header. */
function paddingOf(at: number, align: number): number {
  const gap = (align - (at % align)) % align;
  return gap === 0 || gap >= 4 ? gap : gap + align * Math.ceil((4 - gap) / align);
}

/** An extra field of zeros, with the id that PyTorch uses for padding, `FB`. */
function extraOf(length: number): Uint8Array {
  const extra = new Uint8Array(length);
  if (length === 0) return extra;
  const view = new DataView(extra.buffer);
  view.setUint16(0, 0x4246, true);
  view.setUint16(2, length - 4, true);
  return extra;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const TABLE = /* @__PURE__ */ Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** CRC-32, unsigned. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

function broken(what: string): DataError {
  return new DataError(`ZIP archive: the file cannot be read: ${what}`);
}
