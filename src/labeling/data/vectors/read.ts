/** Reads pretrained word vectors: GloVe's text, word2vec's text and binary, fastText's `.vec`. The format is detected from the contents. */
import { expectChunks, expectIterable, expectTypes } from '../../checks.js';
import { show } from '../../../tensor/describe.js';
import { expectKnownKeys, expectOneOf } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { bytePieces, type ByteChunks } from '../formats/lines.js';
import { readBinaryRows } from './binary.js';
import { detectVectors, HEAD_BYTES } from './detect.js';
import { VECTOR_DIGITS } from './lookup.js';
import type { ReadVectors, VectorReadOptions } from './options.js';
import { READ_KEYS, rowKeeper } from './options.js';
import { readTextRows } from './text.js';

/**
 * Reads the vectors of a file; memory is taken only for the rows that are kept.
 *
 * If a word has several rows, the first counts. In rows that are kept, the numbers are checked; in others, only how many there are.
 *
 * @param chunks the bytes, uncompressed: a file's stream, a Blob's, `[bytes]`
 * @throws DataError if they are not vectors, are damaged or truncated, or their header declares another number of rows
 */
export async function readVectors(chunks: ByteChunks, options: VectorReadOptions = {}): Promise<ReadVectors> {
  expectChunks('readVectors', 'chunks', chunks);
  expectOptions(options);
  const { source = 'input' } = options;
  const pieces = bytePieces(chunks, source);
  try {
    const read: Uint8Array[] = [];
    const head = await headOf(pieces, read);
    const layout = detectVectors(head, source);
    const keeper = rowKeeper(layout.size, options);
    const { format } = layout;
    const all = continued(read, pieces);
    let spaced = 0;
    if (format === 'word2vec-binary') await readBinaryRows(all, layout, keeper, source);
    else spaced = await readTextRows(all, layout, keeper, source);
    return { ...keeper.kept(), file: { format, rows: keeper.rows, duplicates: keeper.duplicates, spaced } };
  } finally {
    await pieces.return(undefined); // closes the file after an error
  }
}

function expectOptions(options: VectorReadOptions): void {
  expectKnownKeys('readVectors', 'options', options, READ_KEYS);
  expectTypes('readVectors', options, { source: 'string', keep: 'number' });
  const { words, keep = Infinity, digits = 'keep' } = options;
  if (words !== undefined) expectIterable('readVectors', 'words', words, 'words');
  expectOneOf('readVectors', 'digits', digits, VECTOR_DIGITS);
  if (keep === Infinity || (Number.isSafeInteger(keep) && keep >= 0)) return;
  throw new ArgumentError(`readVectors: keep must be an integer of at least 0, or Infinity; got ${show(keep)}`);
}

/** Reads the beginning of a stream, and appends the pieces to `read`. */
async function headOf(pieces: AsyncGenerator<Uint8Array, void>, read: Uint8Array[]): Promise<Uint8Array> {
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const { done, value } = await pieces.next();
    if (done) break;
    read.push(value.slice());
    bytes += value.length;
  }
  const head = new Uint8Array(bytes);
  let at = 0;
  for (const piece of read) {
    head.set(piece, at);
    at += piece.length;
  }
  return head;
}

/** The pieces already read from a stream, then the rest of it. */
export async function* continued(
  read: readonly Uint8Array[],
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* read;
  yield* pieces;
}
