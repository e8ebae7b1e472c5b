/**
 * From bytes to lines in bounded memory.
 *
 * Bytes are cut at line feeds before they are decoded (a byte 0x0A never occurs inside a UTF-8 sequence), so that each
 * decoding is complete and an invalid byte can be named by line and place.
 */
import { decodeUtf8, firstInvalidByte } from '../../../serialize/utf8.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { dataErrorAt } from './options.js';

/** What readers read from: the chunks of a file, a socket or a Blob's stream, or an array of them. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Consecutive lines without their line ends, the first of them numbered from 1. */
export interface LineBlock {
  readonly first: number;
  readonly lines: readonly string[];
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const PIECE = 1 << 20;

/**
 * Lines of UTF-8 text, in blocks. A byte order mark at the start is dropped; lines end in LF or CRLF; the last line may
 * lack its end. Memory is bounded by the longest line and by about a mebibyte.
 *
 * @param source name of the input in messages
 * @param maxLineBytes longest line accepted
 * @throws DataError on invalid UTF-8 and on NUL bytes (with line and byte), on a line that is too long, and where lines end in
 *   CR alone: there is no LF at all, but a CR with something behind it
 */
export async function* lineBlocks(
  chunks: ByteChunks,
  source = 'input',
  maxLineBytes = 16 * PIECE,
): AsyncGenerator<LineBlock> {
  if (!Number.isInteger(maxLineBytes) || maxLineBytes < 1) {
    throw new ArgumentError(`maxLineBytes must be an integer of at least 1; got ${maxLineBytes}`);
  }
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let first = 1;
  for await (const piece of pieces(chunks, Math.min(PIECE, maxLineBytes))) {
    const firstEnd = piece.indexOf(LINE_FEED);
    if (restBytes + (firstEnd < 0 ? piece.length : firstEnd) > maxLineBytes) {
      if (first === 1 && firstEnd < 0 && rest.some((part) => part.includes(CARRIAGE_RETURN))) throw endsInCr(source);
      throw dataErrorAt(source, first, `the line is longer than ${maxLineBytes} bytes: is this a text file?`);
    }
    const end = piece.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const lines = decodeLines(joined(rest, piece.subarray(0, end - 1)), source, first);
      yield { first, lines };
      first += lines.length;
      rest = [];
      restBytes = 0;
    }
    if (end < piece.length) rest.push(piece.slice(end));
    restBytes += piece.length - end;
  }
  if (restBytes === 0) return;
  const lines = decodeLines(joined(rest, new Uint8Array(0)), source, first);
  if (first === 1 && lines[0].includes('\r')) throw endsInCr(source);
  yield { first, lines };
}

function endsInCr(source: string): DataError {
  const message = 'expected lines that end in LF or CRLF; got lines that end in CR alone';
  return dataErrorAt(source, 1, `${message}: convert them, for example with tr '\\r' '\\n'`);
}

async function* pieces(chunks: ByteChunks, size: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += size) yield chunk.subarray(start, start + size);
  }
}

function joined(head: readonly Uint8Array[], tail: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.reduce((sum, part) => sum + part.length, tail.length));
  let offset = 0;
  for (const part of [...head, tail]) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function decodeLines(bytes: Uint8Array, source: string, first: number): string[] {
  const nul = bytes.indexOf(0);
  if (nul >= 0 && !(first === 1 && beginsAsUtf16(bytes))) throw nulByte(bytes, nul, source, first);
  let text = decodeUtf8(bytes);
  if (text === undefined) throw invalidUtf8(bytes, source, first);
  if (first === 1 && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  return text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/** Whether the input begins as a byte order mark of UTF-16 does; no UTF-8 has such bytes. */
function beginsAsUtf16(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff || bytes[0] === 0xfe;
}

/** Line and byte of the line, both from 1, of a place in a block. */
function positionOf(bytes: Uint8Array, place: number, first: number): { line: number; byte: number } {
  const before = bytes.subarray(0, place);
  const line = first + before.reduce((count, byte) => count + (byte === LINE_FEED ? 1 : 0), 0);
  return { line, byte: place - before.lastIndexOf(LINE_FEED) };
}

/** ASCII in UTF-16 is valid UTF-8, every other byte of it NUL; without this check its words would have holes. */
function nulByte(bytes: Uint8Array, place: number, source: string, first: number): DataError {
  const { line, byte } = positionOf(bytes, place, first);
  const order = first === 1 && place === 0 ? 'BE' : 'LE'; // the high byte of a first letter comes first, or second
  const message = `expected text in UTF-8, but byte ${byte} of the line is NUL: the file is probably UTF-16 or binary`;
  return dataErrorAt(source, line, `${message}; convert it, for example with iconv -f UTF-16${order} -t UTF-8`);
}

function invalidUtf8(bytes: Uint8Array, source: string, first: number): DataError {
  const place = firstInvalidByte(bytes);
  const { line, byte } = positionOf(bytes, place, first);
  const shown = `0x${bytes[place].toString(16).padStart(2, '0')}`;
  const utf16 = first === 1 && place === 0 && beginsAsUtf16(bytes);
  const advice = utf16 ? 'it looks like UTF-16; convert it' : 'find out its encoding and convert it';
  const message = `expected UTF-8, but byte ${byte} of the line (${shown}) is not part of a valid sequence`;
  const from = utf16 ? '-f UTF-16 ' : '';
  return dataErrorAt(source, line, `${message}: ${advice}, for example with iconv ${from}-t UTF-8`);
}
