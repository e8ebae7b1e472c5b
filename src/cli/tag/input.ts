/** The input of `bptt tag`: all of a file or a stream, or a piece of a file. */
import { join } from 'node:path';
import { bratPairs, openBytes, slotFolder } from '../../labeling/data/files.node.js';
import type { BratPair } from '../../labeling/data/files.node.js';
import type { ByteChunks } from '../../labeling/data/formats/index.js';
import { NoSentencesError } from '../../labeling/data/formats/lines.js';
import { ArgumentError } from '../../tensor/index.js';
import type { Boundary, Piece } from '../shard/cut.js';
import { cutDocuments, cutFile, pieceBytes } from '../shard/cut.js';
import type { Shard } from '../shard/which.js';
import { chained, peekConllu } from './conllu.js';

/** Where sentences come from. */
export interface TagInput {
  readonly path: string;
  /** Whether it is CoNLL-U: by its format, or by its first line if the output depends on it. */
  readonly conllu: boolean;
  readonly piece?: Piece;
  /** Whether some of its sentences have already been labeled: there need not be more. */
  readonly isRest?: boolean;
  /** For a piece of brat documents: the documents in it. */
  readonly pairs?: readonly BratPair[];
  /** Opens the bytes; only once, unless it is a piece. @param whole whether to include everything before a piece */
  bytes(whole?: boolean): Promise<InputBytes>;
}

/** The part of an input that a reader gets. */
export interface InputBytes {
  /** The preceding input, which the reader needs but does not label. */
  readonly before: ByteChunks;
  readonly body: ByteChunks;
  /** The number of the first line of the body. */
  readonly firstLine: number;
}

/** The options that determine how it is opened. */
interface Opening {
  readonly format?: string;
  readonly output: string;
}

/** Formats of columns: a blank line ends a sentence. */
const COLUMNS: readonly (string | undefined)[] = ['conllu', 'conll', 'two-column'];

/**
 * Opens an input; a piece of it if there is a shard.
 *
 * @throws ArgumentError, DataError as `cutFile` does
 */
export async function openInput(path: string, { format, output }: Opening, shard?: Shard): Promise<TagInput> {
  const peeks = output === 'conllu' && format === undefined;
  if (shard === undefined) {
    const { conllu, chunks } = peeks ? await peekConllu(await openBytes(path)) : { conllu: format === 'conllu', chunks: undefined }; // prettier-ignore
    return { path, conllu, bytes: async () => ({ before: [], body: chunks ?? (await openBytes(path)), firstLine: 1 }) };
  }
  if (format === 'brat') return openDocuments(path, output, shard);
  const folder = path === '-' ? undefined : await slotFolder(path, format === 'slots' ? format : undefined);
  const file = format === 'slots' && folder !== undefined ? join(folder, 'seq.in') : path;
  const conllu = format === 'conllu' || (peeks && (await isConllu(file)));
  const boundary: Boundary = conllu || COLUMNS.includes(format) ? 'blank' : 'line';
  const piece = await cutFile(file, boundary, shard);
  return {
    path,
    conllu,
    piece,
    bytes: async (whole = false) => ({ ...pieceBytes(file, piece, whole), firstLine: piece.firstLine }),
  };
}

async function isConllu(path: string): Promise<boolean> {
  if (path === '-') return false; // `cutFile` refuses it
  const { conllu, chunks } = await peekConllu(await openBytes(path));
  await (chunks as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
  return conllu;
}

async function openDocuments(path: string, output: string, shard: Shard): Promise<TagInput> {
  if (output === 'spans')
    throw new ArgumentError('--shard: --output spans numbers the sentences of all documents: convert brat to jsonl first (bptt convert)'); // prettier-ignore
  const all = (await bratPairs(path, 'brat'))!;
  const piece = await cutDocuments(all.map(({ text }) => text), shard); // prettier-ignore
  const pairs = all.slice(piece.begin, piece.end);
  return {
    path,
    conllu: false,
    piece,
    pairs,
    bytes: () => Promise.reject(new ArgumentError('brat is two files, not one stream')),
  };
}

/** Everything that a reader gets of an input, as one stream. */
export async function readable(input: TagInput, whole?: boolean): Promise<ByteChunks> {
  const { before, body } = await input.bytes(whole);
  return chained(before, body);
}

/**
 * Selects the sentences or lines of a stream whose line is in the piece, if any.
 *
 * @param skip called for each item before the piece
 */
export async function* inPiece<S extends { readonly line?: number }>(
  { piece, pairs, isRest = false }: Pick<TagInput, 'piece' | 'pairs' | 'isRest'>,
  all: AsyncIterable<S>,
  skip: (each: S) => void = () => undefined,
): AsyncGenerator<S> {
  if (piece && piece.begin === piece.end && piece.bytes > 0) return;
  try {
    for await (const each of all) {
      if (piece === undefined || pairs !== undefined || each.line === undefined) yield each;
      else if (each.line > piece.lastLine) return;
      else if (each.line >= piece.firstLine) yield each;
      else skip(each);
    }
  } catch (error) {
    if (!(error instanceof NoSentencesError) || !(isRest || (piece && piece.bytes > 0))) throw error;
  }
}
