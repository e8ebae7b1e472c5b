/** Detects the kind of a vector file from the beginning of its bytes. */
import { decodeUtf8 } from '../../../serialize/utf8.js';
import { DataError } from '../../../tensor/errors.js';
import { quoted } from '../../../tensor/visible.js';
import type { VectorFormat } from './options.js';
import { LONGEST_LINE, MOST_COMPONENTS } from './options.js';
import { isNumeric, numbersAtEnd } from './text.js';

/** The layout of a vector file, as detected. */
export interface VectorLayout {
  readonly format: VectorFormat;
  /** D, the number of components of a vector. */
  readonly size: number;
  /** The number of rows, if a header declares it, and the bytes of the header including its line end. */
  readonly declared?: number;
  readonly headerBytes: number;
}

/** Number of bytes that are examined. */
export const HEAD_BYTES = LONGEST_LINE + 1;

/** Other files that are often given in place of vectors: how they begin, in Latin-1, and what to do. */
const OTHERS: readonly (readonly [begin: string, what: string])[] = [
  ['\x1f\x8b', 'it is gzip-compressed: unpack it first, or read it through DecompressionStream'],
  ['PK\x03\x04', 'it is a zip archive: unpack it, and pass the file of vectors in it'],
  ['BZh', 'it is compressed with bzip2: unpack it with bunzip2'],
  ['\xfd7zXZ', 'it is compressed with xz: unpack it with unxz'],
  ['\x28\xb5\x2f\xfd', 'it is compressed with zstd: unpack it with unzstd'],
  ['\xba\x16\x4f\x2f', 'it is a fastText model: pass its .vec file'],
  ['\x80\x02', 'it is a Python pickle: save the vectors with save_word2vec_format'],
  ['\x80\x03', 'it is a Python pickle: save the vectors with save_word2vec_format'],
  ['\x80\x04', 'it is a Python pickle: save the vectors with save_word2vec_format'],
  ['\x93NUMPY', 'it is a NumPy array, which has no words: save word2vec text'],
  ['version https://git-lfs', 'it is a Git LFS pointer, not the file itself: fetch the file with git lfs pull'],
  ['<', 'it is an HTML or XML page, perhaps an error page of the server: download it again'],
];

/**
 * Detects the layout from the beginning of a file.
 *
 * @param head at least `HEAD_BYTES`, or the whole file
 * @throws DataError if it is not a vector file
 */
export function detectVectors(head: Uint8Array, source: string): VectorLayout {
  const fail = (what: string): DataError => new DataError(`${source}: expected word vectors; got ${what}`);
  if (head.length === 0) throw fail('an empty file: check that it was downloaded');
  const begin = String.fromCharCode(...head.subarray(0, 32));
  const other = OTHERS.find(([magic]) => begin.startsWith(magic));
  // A word may begin with `<`, as <unk> does, but a web page does not continue with numbers.
  const [first, ended] = firstLine(head);
  if (other && !(first !== undefined && widthOf(first) > 0)) throw fail(`another file: ${other[1]}`);
  if (begin[8] === '{' && first === undefined) throw fail('another file: it is a safetensors file, such as a model');
  if (!ended && head.length >= HEAD_BYTES) {
    throw fail(`a first line of more than ${LONGEST_LINE} bytes: one line is a word and its numbers`);
  }
  const header = first === undefined ? null : /^(\d+)[ \t]+(\d+)[ \t]*$/.exec(first);
  if (header) return withHeader(head, Number(header[1]), Number(header[2]), first!, source);
  const size = first === undefined ? 0 : widthOf(first);
  if (size === 0 || first === undefined) {
    const shown = first === undefined ? 'a first line that is not text' : `the first line ${quoted(first)}`;
    throw fail(
      `${shown}: a line is a word and its numbers (GloVe), after a header "rows width" (word2vec, fastText .vec)`,
    );
  }
  return { format: 'glove', size, headerBytes: 0 };
}

function withHeader(head: Uint8Array, rows: number, size: number, line: string, source: string): VectorLayout {
  const says = `the header ${quoted(line)} declares`;
  if (rows === 0) throw new DataError(`${source}: ${says} no rows: expected at least one`);
  if (size === 0 || size > MOST_COMPONENTS || !Number.isSafeInteger(rows)) {
    const found = size === 0 ? 'vectors without numbers' : 'more than is possible';
    throw new DataError(
      `${source}: ${says} ${found}: expected a width of 1 … ${MOST_COMPONENTS}. The file is damaged, or has no header and a number for its first word`,
    );
  }
  const headerBytes = head.indexOf(0x0a) + 1 || head.length;
  const body = head.subarray(headerBytes);
  return { format: looksLikeText(body, size) ? 'word2vec-text' : 'word2vec-binary', size, declared: rows, headerBytes };
}

/** The first line, if it is text, and whether it is complete. */
function firstLine(head: Uint8Array): readonly [string | undefined, boolean] {
  const end = head.indexOf(0x0a);
  const bytes = head.subarray(0, end < 0 ? head.length : end);
  const text = bytes.includes(0) ? undefined : decodeUtf8(bytes);
  return [text?.replace(/^\ufeff/, '').replace(/\r$/, ''), end >= 0];
}

/** The number of components in a first line: all fields but the first if they are numbers, else the numbers at its end. */
function widthOf(line: string): number {
  const fields = line.split(/[ \t]+/).filter((field) => field !== '');
  let numbers = 0;
  while (numbers < fields.length - 1 && isNumeric(fields[fields.length - 1 - numbers])) numbers++;
  return numbers;
}

/**
 * Whether the rows of D numbers after a header are text. The first lines are searched for one with a word and D numbers; if there is none,
 * as in a damaged file, the majority of the bytes decides.
 */
function looksLikeText(body: Uint8Array, D: number): boolean {
  const sample = body.subarray(0, 1 << 16);
  if (sample.length === 0) return true;
  for (let start = 0, n = 0; start < body.length && n < 10; n++) {
    const end = body.indexOf(0x0a, start);
    const line = decodeUtf8(body.subarray(start, end < 0 ? body.length : end))?.replace(/\r$/, '');
    if (
      line !== undefined &&
      (numbersAtEnd(line, D)
        ?.numbers.split(/[ \t]+/)
        .every(isNumeric) ??
        false)
    )
      return true;
    if (end < 0) break;
    start = end + 1;
  }
  const numeric = sample.filter((byte) => (byte >= 0x2b && byte <= 0x39) || byte === 0x20).length;
  if (2 * numeric >= sample.length) return true;
  return sample.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 0x20 && byte < 0x7f));
}
