/**
 * Splits bytes into lines in bounded memory.
 *
 * Bytes are split at line feeds before decoding (a byte 0x0A never occurs inside a UTF-8 sequence), so that decoding is always complete and
 * an invalid byte can be reported by line and position.
 */
import { expectBytes } from '../../../serialize/bytes.js';
import { decodeUtf8, firstInvalidByte } from '../../../serialize/utf8.js';
import { describe, show, typedArrayName } from '../../../tensor/describe.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { dataErrorAt } from './options.js';

/** The input of readers: the chunks of a file, a socket or a Blob's stream, or an array of chunks. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Consecutive lines without line ends, numbered from 1. */
export interface LineBlock {
  readonly first: number;
  readonly lines: readonly string[];
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const PIECE = 1 << 20;

/**
 * A chunk without bytes that stands for omitted lines: the following lines are numbered as if these had been read. It must be placed at the
 * beginning of a line.
 */
export type Gap = Uint8Array & { readonly skippedLines: number };

/** Returns the chunk that stands for this many lines. */
export function gapOf(skippedLines: number): Gap {
  return Object.assign(new Uint8Array(0), { skippedLines });
}

/** How many lines a chunk stands for; 0 for ordinary chunks. */
export function skippedBy(chunk: Uint8Array): number {
  return (chunk as Partial<Gap>).skippedLines ?? 0;
}

/** The error for an input with nothing to label. */
export class NoSentencesError extends DataError {}

/** A line that is not valid text. */
export interface LineFault {
  readonly error: DataError;
  /** Whether the fault concerns the whole input, which is then not read further. */
  readonly fatal: boolean;
}

/** A block in which some lines, by index, could not be decoded; these lines are empty. */
export interface CheckedBlock extends LineBlock {
  readonly faults: ReadonlyMap<number, LineFault>;
}

/**
 * Lines of UTF-8 text, in blocks. A byte order mark at the start is dropped; lines end in LF or CRLF; the last line may
 * lack its end. Memory is bounded by the longest line and by about a mebibyte.
 *
 * @param source name of the input in messages
 * @param maxLineBytes the longest line accepted
 * @throws DataError on invalid UTF-8 and on NUL bytes (with line and byte), on a line that is too long, and if lines end in CR only: there
 *   is no LF at all, but a CR that is not at the end. The preceding lines are returned first, however the chunks are divided.
 */
export async function* lineBlocks(
  chunks: ByteChunks,
  source = 'input',
  maxLineBytes = 16 * PIECE,
): AsyncGenerator<LineBlock> {
  for await (const { first, lines, faults } of checkedBlocks(chunks, source, maxLineBytes)) {
    const [fault] = faults;
    if (fault === undefined) yield { first, lines };
    else {
      const [index, { error }] = fault;
      if (index > 0) yield { first, lines: lines.slice(0, index) };
      throw error;
    }
  }
}

/** Like {@link lineBlocks}, but a line that is not valid text becomes a fault of its block, and reading continues. */
export async function* checkedBlocks(
  chunks: ByteChunks,
  source = 'input',
  maxLineBytes = 16 * PIECE,
): AsyncGenerator<CheckedBlock> {
  if (!Number.isInteger(maxLineBytes) || maxLineBytes < 1) {
    throw new ArgumentError(`maxLineBytes must be an integer of at least 1; got ${show(maxLineBytes)}`);
  }
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let first = 1;
  let dropping = false; // dropping the rest of a line that was too long
  for await (let piece of bytePieces(chunks, source, Math.min(PIECE, maxLineBytes))) {
    first += skippedBy(piece);
    for (;;) {
      const firstEnd = piece.indexOf(LINE_FEED);
      if (dropping) {
        dropping = firstEnd < 0;
        piece = piece.subarray(dropping ? piece.length : firstEnd + 1);
        if (piece.length > 0) continue;
      }
      if (restBytes + (firstEnd < 0 ? piece.length : firstEnd) <= maxLineBytes) break;
      const begin = joined(rest, piece).subarray(0, maxLineBytes);
      const fault = begin.includes(CARRIAGE_RETURN) && first === 1 ? endsInCr(source) : null;
      const tooLong = `the line is longer than ${maxLineBytes} bytes: is this a text file?`;
      yield faulty(first++, { error: fault ?? dataErrorAt(source, first - 1, tooLong), fatal: fault !== null });
      rest = [];
      restBytes = 0;
      dropping = true;
    }
    const end = piece.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const block = decodeLines(joined(rest, piece.subarray(0, end - 1)), source, first);
      yield block;
      first += block.lines.length;
      rest = [];
      restBytes = 0;
    }
    if (end < piece.length) rest.push(piece.slice(end));
    restBytes += piece.length - end;
  }
  if (restBytes === 0) return;
  const block = decodeLines(joined(rest, new Uint8Array(0)), source, first);
  yield first === 1 && block.lines[0].includes('\r') ? faulty(1, { error: endsInCr(source), fatal: true }) : block;
}

function faulty(first: number, fault: LineFault): CheckedBlock {
  return { first, lines: [''], faults: new Map([[0, fault]]) };
}

function endsInCr(source: string): DataError {
  const message = 'expected lines that end in LF or CRLF; got lines that end in CR only';
  return dataErrorAt(source, 1, `${message}: convert them, for example with tr '\\r' '\\n'`);
}

/**
 * Divides chunks into pieces of at most `size` bytes.
 *
 * @throws ArgumentError if a chunk is not a Uint8Array, or its buffer was transferred
 */
export async function* bytePieces(chunks: ByteChunks, source: string, size = PIECE): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    if (typedArrayName(chunk) !== 'Uint8Array') {
      const message = `${source}: chunks of files and streams must be Uint8Array, bytes; got ${describe(chunk)}`;
      throw new ArgumentError(`${message}: encode text first`);
    }
    if (chunk.length === 0) expectBytes(source, chunk); // empty, or emptied by a transfer
    if (skippedBy(chunk) > 0) yield chunk;
    for (let start = 0; start < chunk.length; start += size) yield chunk.subarray(start, start + size);
  }
}

function joined(head: readonly Uint8Array[], tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  const bytes = new Uint8Array(head.reduce((sum, part) => sum + part.length, tail.length));
  let offset = 0;
  for (const part of [...head, tail]) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

const NO_FAULTS: ReadonlyMap<number, LineFault> = new Map();

/** Decodes lines of bytes, without the last line feed. If they do not decode together, each line is decoded separately. */
function decodeLines(bytes: Uint8Array, source: string, first: number): CheckedBlock {
  const whole = bytes.includes(0) ? undefined : wholeLines(bytes, first);
  if (whole !== undefined) return { first, lines: whole, faults: NO_FAULTS };
  const lines: string[] = [];
  const faults = new Map<number, LineFault>();
  for (let start = 0; start <= bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    const number = first + lines.length;
    const fault = faultOf(line, source, number);
    if (fault) faults.set(lines.length, fault);
    lines.push(fault ? '' : bare(decodeUtf8(line)!, number));
    start += line.length + 1;
  }
  return { first, lines, faults };
}

/**
 * Approximate number of bytes decoded at once. In most engines, a text with one character beyond Latin-1 takes two bytes per character, and
 * is slower to scan; with short texts such a character slows down few lines.
 */
const DECODED = 1 << 14;

/** Decodes the lines if all of them are valid. */
function wholeLines(bytes: Uint8Array, first: number): string[] | undefined {
  const lines: string[] = [];
  for (let start = 0, end: number; start <= bytes.length; start = end + 1) {
    end = start + DECODED < bytes.length ? bytes.indexOf(LINE_FEED, start + DECODED) : -1;
    if (end < 0) end = bytes.length;
    const text = decodeUtf8(bytes.subarray(start, end));
    if (text === undefined) return undefined;
    for (const line of text.split('\n')) lines.push(bare(line, first + lines.length));
  }
  return lines;
}

/** Returns a line without the byte order mark of the input, and without the CR at its end. */
function bare(line: string, number: number): string {
  const start = number === 1 && line.charCodeAt(0) === 0xfeff ? 1 : 0;
  return line.slice(start, line.endsWith('\r') && line.length > start ? -1 : undefined);
}

function faultOf(line: Uint8Array, source: string, number: number): LineFault | undefined {
  if (number === 1 && line[0] === 0x1f && line[1] === 0x8b) return { error: compressed(source), fatal: true };
  const utf16 = number === 1 && beginsAsUtf16(line);
  const nul = line.indexOf(0);
  if (nul >= 0 && !utf16) return { error: nulByte(nul, source, number), fatal: number === 1 };
  const invalid = firstInvalidByte(line);
  return invalid < 0 ? undefined : { error: invalidUtf8(line, invalid, source, number), fatal: utf16 };
}

/** The error for an input that begins like a gzip file (RFC 1952, section 2.3.1); these bytes never occur in UTF-8. */
function compressed(source: string): DataError {
  return new DataError(`${source}: expected text in UTF-8; got gzip-compressed data: unpack it with gunzip`);
}

/** Whether the input begins with a UTF-16 byte order mark; these bytes never occur in UTF-8. */
function beginsAsUtf16(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff || bytes[0] === 0xfe;
}

/** ASCII in UTF-16 is valid UTF-8 in which every other byte is NUL; without this check its words would contain NUL characters. */
function nulByte(place: number, source: string, line: number): DataError {
  const order = line === 1 && place === 0 ? 'BE' : 'LE'; // the high byte of a first letter comes first, or second
  const message = `expected text in UTF-8, but byte ${place + 1} of the line is NUL: the file is probably UTF-16 or binary`;
  return dataErrorAt(source, line, `${message}; convert it, for example with iconv -f UTF-16${order} -t UTF-8`);
}

function invalidUtf8(bytes: Uint8Array, place: number, source: string, line: number): DataError {
  const shown = `0x${bytes[place].toString(16).padStart(2, '0')}`;
  const utf16 = line === 1 && place === 0 && beginsAsUtf16(bytes);
  const advice = utf16 ? 'it looks like UTF-16; convert it' : 'find out its encoding and convert it';
  const message = `expected UTF-8, but byte ${place + 1} of the line (${shown}) is not part of a valid sequence`;
  // Without -f, iconv assumes the encoding of the terminal: almost always UTF-8, which the file is not.
  const from = utf16 ? 'UTF-16' : bytes[place] < 0xa0 ? 'WINDOWS-1252' : 'ISO-8859-1';
  return dataErrorAt(source, line, `${message}: ${advice}, for example with iconv -f ${from} -t UTF-8`);
}
