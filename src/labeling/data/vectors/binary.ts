/**
 * Vectors in word2vec's binary format: after the header, every row has the word in UTF-8, a space, and D numbers in float32, little-endian.
 * Some writers put a line feed after a row.
 */
import { decodeUtf8 } from '../../../serialize/utf8.js';
import type { ByteChunks } from '../formats/lines.js';
import type { VectorLayout } from './detect.js';
import type { RowKeeper } from './options.js';
import { badRow, LONGEST_WORD, wordOf } from './options.js';
import { tooFew } from './text.js';

const [LINE_FEED, SPACE] = [0x0a, 0x20];

/**
 * Reads rows.
 *
 * @throws DataError that names the invalid row, or says that the header declares another number of rows
 */
export async function readBinaryRows(
  chunks: ByteChunks,
  { size: D, declared = 0, headerBytes }: VectorLayout,
  keeper: RowKeeper,
  source: string,
): Promise<void> {
  let rest = new Uint8Array(0);
  let skip = headerBytes;
  for await (const chunk of chunks) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const bytes = new Uint8Array(rest.length + chunk.length - skip);
    bytes.set(rest);
    bytes.set(chunk.subarray(skip), rest.length);
    skip = 0;
    rest = bytes.slice(readRows(bytes, D, declared, keeper, source));
  }
  if (keeper.rows < declared) throw tooFew(declared, keeper.rows, source);
}

/** Reads the complete rows. @returns the offset of the next one */
function readRows(bytes: Uint8Array, D: number, declared: number, keeper: RowKeeper, source: string): number {
  const view = new DataView(bytes.buffer);
  for (let at = 0; ;) {
    while (bytes[at] === LINE_FEED) at++;
    if (at === bytes.length) return at;
    const number = keeper.rows + 1;
    if (number > declared) {
      throw badRow(source, `row ${number}`, `expected no more rows, the header declares ${declared}; got more bytes`);
    }
    const space = bytes.indexOf(SPACE, at);
    if ((space < 0 ? bytes.length : space) - at > LONGEST_WORD) {
      throw badRow(
        source,
        `row ${number}`,
        `expected a word of at most ${LONGEST_WORD} bytes and a space; got a longer one`,
      );
    }
    const end = space + 1 + 4 * D;
    if (space < 0 || end > bytes.length) return at;
    readRow(bytes.subarray(at, space), view, space + 1, keeper, source);
    at = end;
  }
}

function readRow(bytes: Uint8Array, view: DataView, start: number, keeper: RowKeeper, source: string): void {
  const at = `row ${keeper.rows + 1}`;
  const word = decodeUtf8(bytes);
  if (word === undefined) throw badRow(source, at, 'expected a word in UTF-8; got other bytes');
  if (word === '') throw badRow(source, at, 'expected a word before its numbers; got none');
  const row = keeper.take(word);
  if (row === undefined) return;
  for (let d = 0; d < row.length; d++) {
    row[d] = view.getFloat32(start + 4 * d, true);
    if (Number.isFinite(row[d])) continue;
    throw badRow(source, at, `expected finite numbers for the word ${wordOf(word)}; got ${row[d]} in column ${d + 1}`);
  }
}
