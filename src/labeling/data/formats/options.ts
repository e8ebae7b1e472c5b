/** What a reader may be told, and how every reader says what is wrong with its input. */
import { ArgumentError, DataError } from '../../../tensor/errors.js';

export { quoted as quote } from '../../../tensor/visible.js';

/** The input formats, by the names `--format` takes. */
export const FORMATS = ['conllu', 'conll', 'two-column', 'jsonl', 'slots'] as const;

/**
 * - `conllu`: CoNLL-U, ten columns separated by tabs.
 * - `conll`: one token a line, columns separated by tabs or by runs of spaces, a blank line after each sentence.
 * - `two-column`: token, tab, label; a token may contain spaces.
 * - `jsonl`: one object a line, `{"tokens": ["a", "b"], "labels": ["X", "Y"]}`.
 * - `slots`: a folder with the parallel files `seq.in` and `seq.out`, and perhaps `label`.
 */
export type Format = (typeof FORMATS)[number];

/** Whether a sentence must have labels, may have them, or is read without looking at them. */
export type LabelPolicy = 'required' | 'optional' | 'ignored';

/** How to read sentences. Everything has a default; what does not apply to the format is refused. */
export interface ReadOptions {
  /** Format of the input; absent: found from its first lines. */
  format?: Format;
  /**
   * Where the label stands. `conllu`: a column's name (`upos`, `xpos`, `feats`, …) or number, default `upos`. `conll`: a
   * number from 1, or from −1 backwards from the last, or a name out of `columns`; default −1. `jsonl`: the name of the
   * field, default `labels`.
   */
  column?: string | number;
  /** `conll` only: names of the columns from left to right, so that `column` and `tokenColumn` may be names. */
  columns?: readonly string[];
  /** `conll` only: where the token stands. Default: column 1, or column 2 where the first one counts 1, 2, 3, …. */
  tokenColumn?: string | number;
  /** Default `required`: a token without a label is an error. */
  labels?: LabelPolicy;
  /** Unicode normalization of the tokens. Default `none`: as they stand. (A vocabulary compares in NFC in any case.) */
  normalize?: 'NFC' | 'NFD' | 'none';
  /** Name of the input in error messages, usually the file's path. */
  source?: string;
  /** Longest line accepted, in bytes; default 16 MiB. Bounds the memory of a reader. */
  maxLineBytes?: number;
  /** Longest sentence accepted, in tokens; default 100,000. Bounds the memory of a reader. */
  maxTokens?: number;
}

/** Options with their defaults filled in, as the parsers take them. */
export interface ParseOptions extends ReadOptions {
  labels: LabelPolicy;
  source: string;
  maxTokens: number;
}

/** Fills in defaults. @throws ArgumentError on a policy, limit or normalization that does not exist */
export function parseOptions(options: ReadOptions): ParseOptions {
  const { labels = 'required', source = 'input', maxTokens = 100_000, normalize = 'none' } = options;
  if (!['required', 'optional', 'ignored'].includes(labels)) {
    throw new ArgumentError(`labels must be 'required', 'optional' or 'ignored'; got ${JSON.stringify(labels)}`);
  }
  if (!['NFC', 'NFD', 'none'].includes(normalize)) {
    throw new ArgumentError(`normalize must be 'NFC', 'NFD' or 'none'; got ${JSON.stringify(normalize)}`);
  }
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ArgumentError(`maxTokens must be an integer of at least 1; got ${maxTokens}`);
  }
  return { ...options, labels, source, maxTokens, normalize };
}

/** Reads a format's name. @throws ArgumentError listing the formats there are */
export function formatOf(name: string): Format {
  const format = FORMATS.find((known) => known === name);
  if (!format) throw new ArgumentError(`unknown format ${JSON.stringify(name)}: use one of ${FORMATS.join(', ')}`);
  return format;
}

/** Refuses options that the format would ignore. @throws ArgumentError naming the option and what it is for */
export function rejectUnused(format: Format, options: ReadOptions): void {
  const used: Record<Format, readonly string[]> = {
    conllu: ['column'],
    conll: ['column', 'columns', 'tokenColumn'],
    'two-column': [],
    jsonl: ['column'],
    slots: [],
  };
  for (const name of ['column', 'columns', 'tokenColumn'] as const) {
    if (options[name] !== undefined && !used[format].includes(name)) {
      throw new ArgumentError(`${name} means nothing to the format ${format}: leave it out, or name another format`);
    }
  }
}

/**
 * Index of a column in a row of `width`.
 *
 * @param column name out of `names`, or number: 1 is the first column, −1 the last
 * @throws ArgumentError where there is no such column
 */
export function columnIndex(column: string | number, names: readonly string[], width: number): number {
  const text = String(column);
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text);
    const index = number > 0 ? number - 1 : width + number;
    if (number === 0 || index < 0 || index >= width) {
      throw new ArgumentError(`column ${text} does not exist: the input has ${width} columns, 1 to ${width}`);
    }
    return index;
  }
  const index = names.findIndex((name) => name.toLowerCase() === text.toLowerCase());
  if (index < 0) {
    const known =
      names.length > 0 ? `the names are ${names.join(', ')}` : 'the columns have no names, so give a number';
    throw new ArgumentError(`column ${JSON.stringify(text)} does not exist: ${known}`);
  }
  if (index >= width) throw new ArgumentError(`column ${text} is number ${index + 1}, but the input has ${width}`);
  return index;
}

/** A DataError that begins with the place it came from. */
export function dataErrorAt(source: string, line: number, message: string): DataError {
  return new DataError(`${source}:${line}: ${message}`);
}
