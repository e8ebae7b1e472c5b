/** What a reader of vectors is told, what it tells, and the rows it keeps. */
import { keysOf } from '../../../tensor/checks.js';
import { DataError } from '../../../tensor/errors.js';
import { flat } from '../../../tensor/view.js';
import { quoted } from '../../../tensor/visible.js';
import type { VectorDigits } from './lookup.js';
import { spellingsOf, vectorKey, vectorLookup } from './lookup.js';
import { UNKNOWN } from '../vocabulary.js';
import type { WordVectors } from './word-vectors.js';

/** Formats of files of vectors: GloVe's text has no header; fastText's `.vec` is word2vec's text. */
export type VectorFormat = 'glove' | 'word2vec-text' | 'word2vec-binary';

/** Options of `readVectors`. */
export interface VectorReadOptions {
  /** Name of the input in messages. Default `input`. */
  readonly source?: string;
  /** Words that are looked up: rows of others are left out, but for the first `keep`. Without `keep` no row is left out, and they change nothing. Default: none. */
  readonly words?: Iterable<string>;
  /** Rows from the beginning of the file that are kept whatever their words: files list frequent words first. Default: all, also where `words` are given; 0 keeps those alone. */
  readonly keep?: number;
  /** What digits are replaced by where a word is not found otherwise; default `keep`, nothing. */
  readonly digits?: VectorDigits;
}

export const READ_KEYS = keysOf<VectorReadOptions>({ source: true, words: true, keep: true, digits: true });

/** What was found in a file of vectors. */
export interface VectorFile {
  readonly format: VectorFormat;
  /** Rows of the file. */
  readonly rows: number;
  /** Rows left out because an earlier one has their word. Counted among those that are kept alone. */
  readonly duplicates: number;
  /** Rows whose word has spaces in it. */
  readonly spaced: number;
}

/** Vectors that were read, and what was found in their file. */
export interface ReadVectors extends WordVectors {
  readonly file: VectorFile;
}

/** Bytes of the longest line of text, and of the longest word of a binary file. */
export const LONGEST_LINE = 1 << 20;
export const LONGEST_WORD = 1 << 16;

/** Most components of a vector: as many as a line has room for. */
export const MOST_COMPONENTS = 1 << 16;

/** Bytes that the kept rows may take: a model file of more than 2 GiB can be written and not read. */
const MOST_BYTES = 1_900_000_000;

/** Bytes that their words may take, counted high: the header of a model file has room for 100 MB. */
const MOST_NAME_BYTES = 95_000_000;

/** Rows that are kept, in the order of the file. */
export interface RowKeeper {
  /** Where to write the row of a word; undefined if it is not kept. Holds until the next call. */
  take(word: string): Float32Array | undefined;
  readonly rows: number;
  readonly duplicates: number;
  /** The rows that are needed. */
  kept(): WordVectors;
}

/** Keeps the first `keep` rows, and those of the words under any of their spellings. */
export function rowKeeper(
  D: number,
  { words, keep = Infinity, digits = 'keep', source }: VectorReadOptions,
  mostBytes = MOST_BYTES,
  mostNameBytes = MOST_NAME_BYTES,
): RowKeeper {
  const tokens = [...new Set(words)];
  const wanted = wantedBy(tokens, digits);
  const rowOf = new Map<string, number>();
  let values = flat(16 * D, 'float32') as Float32Array;
  let [rows, duplicates, frequent, nameBytes] = [0, 0, 0, 0];
  const grow = (size: number, word: string): void => {
    nameBytes += 3 * word.length + 5;
    if (4 * size > mostBytes || nameBytes > mostNameBytes) throw tooLarge(D, rowOf.size, source);
    if (size <= values.length) return;
    const wider = flat(
      Math.min(Math.max(size, 2 * values.length), Math.floor(mostBytes / 4)),
      'float32',
    ) as Float32Array;
    wider.set(values);
    values = wider;
  };
  return {
    take(word) {
      const key = vectorKey(word);
      if (rows++ >= keep && !wanted.has(key)) return undefined;
      if (rowOf.has(key)) {
        duplicates++;
        return undefined;
      }
      const row = rowOf.size;
      grow((row + 1) * D, key);
      rowOf.set(key, row);
      if (rows <= keep) frequent = row + 1;
      return values.subarray(row * D, (row + 1) * D);
    },
    get rows() {
      return rows;
    },
    get duplicates() {
      return duplicates;
    },
    kept: () => needed(D, [...rowOf.keys()], values, frequent, tokens, digits),
  };
}

/** Every spelling under which one of the tokens may be found, and the row of all others. */
function wantedBy(tokens: readonly string[], digits: VectorDigits): Set<string> {
  const spellings = tokens.flatMap((token) => spellingsOf(token, digits).map(([spelling]) => spelling));
  return new Set([...spellings, UNKNOWN]);
}

/** The frequent rows, and those that a token has in the end: one that has a row of its own does not need that in lower case. */
function needed(
  D: number,
  words: readonly string[],
  values: Float32Array,
  frequent: number,
  tokens: readonly string[],
  digits: VectorDigits,
): WordVectors {
  const find = vectorLookup(words, digits);
  const used = new Set(tokens.map((token) => find(token).row - 1));
  const places = [...words.keys()].filter((row) => row < frequent || used.has(row) || words[row] === UNKNOWN);
  const own = new Float32Array(places.length * D);
  places.forEach((row, i) => own.set(values.subarray(row * D, (row + 1) * D), i * D));
  return { size: D, words: places.map((row) => words[row]), values: own };
}

function tooLarge(D: number, rows: number, source = 'input'): DataError {
  return new DataError(
    `${source}: ${rows} rows of ${D} numbers are kept, and a model has room for no more: lower keep (--vectors-keep)`,
  );
}

/** The error of a row that is not one. @param at `line 7`, `row 7` */
export function badRow(source: string, at: string, problem: string): DataError {
  return new DataError(`${source}: ${at}: ${problem}: the file is damaged, cut short or not made of word vectors`);
}

/** A word for a message. */
export const wordOf = (word: string): string => quoted(word, 30);
