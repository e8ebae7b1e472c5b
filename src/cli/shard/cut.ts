/**
 * Cutting a file into pieces, as a pure function of its bytes and the number of pieces.
 *
 *     t_k = ⌊bytes / n · k⌋                        (1) target of cut k
 *     c_k = the first boundary at or after t_k     (2)  c_0 = 0, c_n = bytes
 *     piece i = bytes from c_{i-1} to c_i          (3)
 *
 * A boundary is the start of a line, or, in column formats, the start of a line after a blank one. The start of the file is one.
 * Cuts are monotonic, so that the pieces joined in order are the file; a piece in which no sentence begins is empty.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isBlank } from '../../labeling/data/formats/detect.js';
import { inputName, systemError } from '../../labeling/data/files.node.js';
import type { ByteChunks } from '../../labeling/data/formats/index.js';
import { gapOf } from '../../labeling/data/formats/lines.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/index.js';
import type { Shard } from './which.js';

/** Where sentences can be separated: at every line, or at blank lines. */
export type Boundary = 'line' | 'blank';

/** A piece of a file. */
export interface Piece extends Shard {
  /** Its bytes, or documents: from `begin` up to, but not including, `end`. */
  readonly begin: number;
  readonly end: number;
  /** Number of its first line in the file, from 1. */
  readonly firstLine: number;
  /** Number of its last line; Infinity for the last piece. */
  readonly lastLine: number;
  /** End of the start of the file from which readers detect a format: at a boundary, and not after `begin`. */
  readonly head: { readonly end: number; readonly lines: number };
  /** Digest of the whole file. */
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Maximum number of lines from which readers detect a format: lines that are neither blank nor start with `#`, and all nonblank
 * lines.
 */
const HEAD = { content: 200, lines: 10_000 } as const;

const [LINE_FEED, HASH] = [0x0a, 0x23];

/**
 * Finds a piece. The file is read once, while computing its digest.
 *
 * @throws ArgumentError on what is not a regular file: its size must be known in advance. BpttError if it changes meanwhile
 */
export async function cutFile(path: string, boundary: Boundary, { i, n }: Shard): Promise<Piece> {
  if (path === '-')
    throw new ArgumentError('--shard cuts a file; standard input has no size to cut: write it to a file first');
  const before = await stat(path).catch((cause: Error) => {
    throw systemError(path, cause);
  });
  if (!before.isFile())
    throw new ArgumentError(`--shard cuts a file; ${inputName(path)} is not a regular file: write it to one first`);
  const at = (k: number): number => (k === n ? before.size : Math.floor((before.size / n) * k)); // (1)
  const scan = createScan(boundary, [at(i - 1), at(i)]);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    scan.take(chunk);
  }
  if (scan.size() !== before.size) throw changed(path);
  return { i, n, ...scan.piece(), bytes: before.size, sha256: hash.digest('hex') };
}

/**
 * Distributes whole documents: piece i has those from ⌊documents · (i−1) / n⌋ to ⌊documents · i / n⌋, counted from 0.
 *
 * @param paths paths of the documents; the digest covers their bytes and lengths, in this order
 */
export async function cutDocuments(paths: readonly string[], { i, n }: Shard): Promise<Piece> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const path of paths) {
    const text = await readFile(path).catch((cause: Error) => {
      throw new DataError(`${path}: cannot be read: ${cause.message}`, { cause });
    });
    bytes += text.length;
    hash.update(`${text.length}\n`).update(text);
  }
  const at = (k: number): number => Math.floor((paths.length * k) / n);
  const none = { firstLine: 1, lastLine: Infinity, head: { end: 0, lines: 0 } };
  return { i, n, begin: at(i - 1), end: at(i), bytes, sha256: hash.digest('hex'), ...none };
}

function changed(path: string): BpttError {
  return new BpttError(`${inputName(path)} changed while it was read: run all of its pieces again`);
}

/** Finds two cuts and the end of the file's head in a sequence of chunks. */
function createScan(boundary: Boundary, [from, to]: readonly [number, number]) {
  const found: { begin?: number; end?: number; lastLine?: number } = {
    ...(from === 0 && { begin: 0 }),
    ...(to === 0 && { end: 0, lastLine: 0 }),
  };
  let [offset, lines, firstLine] = [0, 0, 1];
  let head: { end: number; lines: number } | undefined;
  const seen = { content: 0, lines: 0 };
  let rest: Buffer[] = []; // of the line that continues in the next chunk

  /** A line has ended before `place`; `lineOf` gives it where it has to be looked at. */
  function lineEnd(place: number, lineOf: () => Buffer): void {
    lines++;
    const [looksForBegin, looksForEnd] = [found.begin === undefined && place >= from, found.end === undefined && place >= to]; // prettier-ignore
    if (head !== undefined && !looksForBegin && !looksForEnd) return;
    const line = lineOf();
    const blank = !line.includes(0) && isBlank(line.toString('utf8').replace(/\r$/, ''));
    if (!blank) seen.lines++;
    if (!blank && line[0] !== HASH) seen.content++;
    if (boundary === 'blank' && !blank) return;
    if (head === undefined && (seen.content >= HEAD.content || seen.lines >= HEAD.lines)) head = { end: place, lines };
    if (looksForBegin) [found.begin, firstLine] = [place, lines + 1]; // (2)
    if (looksForEnd) [found.end, found.lastLine] = [place, lines];
  }

  return {
    size: () => offset,
    take(chunk: Buffer): void {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        const [own, before] = [chunk.subarray(start, end), rest];
        lineEnd(offset + end + 1, () => Buffer.concat([...before, own]));
        rest = [];
        start = end + 1;
      }
      if (start < chunk.length) rest.push(chunk.subarray(start));
      offset += chunk.length;
    },
    piece() {
      const { begin = offset, end = offset } = found;
      if (found.begin === undefined) firstLine = lines + 1;
      const fits = head !== undefined && head.end < begin;
      const lastLine = end === offset ? Infinity : found.lastLine!;
      return { begin, end, firstLine, lastLine, head: fits ? head! : { end: begin, lines: firstLine - 1 } };
    },
  };
}

/** The bytes of a piece, and the preceding bytes that a reader gets. */
export interface PieceBytes {
  readonly before: ByteChunks;
  readonly body: ByteChunks;
}

/**
 * The input of a reader for a piece. Lines keep their numbers.
 *
 * @param whole whether to include everything before the piece, for stateful readers and for counting sentences. Otherwise only
 *   the head of the file, then a gap
 */
export function pieceBytes(path: string, { begin, end, firstLine, head }: Piece, whole: boolean): PieceBytes {
  if (begin === end) return { before: [], body: [] };
  const body = range(path, begin, end);
  if (whole) return { before: range(path, 0, begin), body };
  async function* before(): AsyncGenerator<Uint8Array> {
    yield* range(path, 0, head.end);
    if (firstLine - 1 > head.lines) yield gapOf(firstLine - 1 - head.lines);
  }
  return { before: before(), body };
}

async function* range(path: string, begin: number, end: number): AsyncGenerator<Uint8Array> {
  if (begin === end) return;
  let length = 0;
  for await (const chunk of createReadStream(path, { start: begin, end: end - 1 }) as ByteChunks) {
    length += chunk.length;
    yield chunk;
  }
  if (length !== end - begin) throw changed(path);
}
