/** Options and results of a reader of vectors, and the rows it keeps. */
import { keysOf } from '../../../tensor/checks.js';
import { DataError } from '../../../tensor/errors.js';
import { flat } from '../../../tensor/view.js';
import { quoted } from '../../../tensor/visible.js';
import type { VectorDigits } from './lookup.js';
import { spellingsOf, vectorKey, vectorLookup } from './lookup.js';
import { UNKNOWN } from '../vocabulary.js';
import type { WordVectors } from './word-vectors.js';

/** Formats of vector files: GloVe's text has no header; fastText's `.vec` is word2vec's text. */
export type VectorFormat = 'glove' | 'word2vec-text' | 'word2vec-binary';

/** Options of `readVectors`. */
export interface VectorReadOptions {
  /** Name of the input in messages. Default `input`. */
  readonly source?: string;
  /**
   * Words to look up: rows of other words are dropped, except for the first `keep`. Without `keep` no row is dropped, and this option has
   * no effect. Default: none.
   */
  readonly words?: Iterable<string>;
  /**
   * Number of rows at the beginning of the file that are kept regardless of their words: files list frequent words first. Default: all,
   * even if `words` are given; 0 keeps only the rows of `words`.
   */
  readonly keep?: number;
  /** The replacement for digits when a word is not found otherwise; default `keep`, none. */
  readonly digits?: VectorDigits;
}

export const READ_KEYS = keysOf<VectorReadOptions>({ source: true, words: true, keep: true, digits: true });

/** Facts about a vector file. */
export interface VectorFile {
  readonly format: VectorFormat;
  /** Number of rows in the file. */
  readonly rows: number;
  /** Rows dropped because an earlier one has their word. Counted only among rows that are kept. */
  readonly duplicates: number;
  /** Rows whose word contains spaces. */
  readonly spaced: number;
}

/** The vectors that were read, and facts about their file. */
export interface ReadVectors extends WordVectors {
  readonly file: VectorFile;
}

/** The most bytes in a line of text, and in a word of a binary file. */
export const LONGEST_LINE = 1 << 20;
export const LONGEST_WORD = 1 << 16;

/** The most components of a vector: as many as fit in a line. */
export const MOST_COMPONENTS = 1 << 16;

/** The most bytes that the kept rows may take: a model file of more than 2 GiB can be written but not read. */
const MOST_BYTES = 1_900_000_000;

/** The most bytes that their words may take, a conservative estimate: the header of a model file has room for 100 MB. */
const MOST_NAME_BYTES = 95_000_000;

/** Rows that are kept, in the order of the file. */
export interface RowKeeper {
  /** Returns where to write the row of a word; undefined if it is not kept. Valid until the next call. */
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

/** Every spelling under which one of the tokens may be found, and the row of unknown words. */
function wantedBy(tokens: readonly string[], digits: VectorDigits): Set<string> {
  const spellings = tokens.flatMap((token) => spellingsOf(token, digits).map(([spelling]) => spelling));
  return new Set([...spellings, UNKNOWN]);
}

/** Selects the frequent rows, and those that tokens actually use: a token with its own row does not need that of its lower-case form. */
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
    `${source}: ${rows} rows of ${D} numbers are kept, more than a model can hold: lower keep (--vectors-keep)`,
  );
}

/** The error for an invalid row. @param at `line 7`, `row 7` */
export function badRow(source: string, at: string, problem: string): DataError {
  return new DataError(`${source}: ${at}: ${problem}: the file is truncated, damaged or not a file of word vectors`);
}

/** Formats a word for a message. */
export const wordOf = (word: string): string => quoted(word, 30);
