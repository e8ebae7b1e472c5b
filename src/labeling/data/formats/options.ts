/** The options of readers, and the form of their error messages. */
import { counted } from '../../../tensor/print.js';
import { expectRecord } from '../../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../../tensor/checks.js';
import { show } from '../../../tensor/describe.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { expectTypes, expectWords } from '../../checks.js';
import type { OnNote } from '../notes.js';
import type { OffsetUnit } from '../offsets.js';
import { OFFSET_UNITS } from '../offsets.js';
import type { SegmentOptions } from '../segment.js';
import { createCleaner } from './clean.js';
import type { Cleaner } from './clean.js';
import { expectLabelNames } from './label-names.js';
import type { LabelNames } from './label-names.js';
import type { InputSpec, Reading } from './reading.js';

export { quoted as quote } from '../../../tensor/visible.js';

/** The input formats, by the names that `--format` takes. */
export const FORMATS = [
  'conllu',
  'conll',
  'two-column',
  'slashed',
  'jsonl',
  'doccano',
  'prodigy',
  'spans',
  'brat',
  'slots',
] as const;

/**
 * - `conllu`: CoNLL-U, ten tab-separated columns; CoNLL-U Plus, the columns named in its first line.
 * - `conll`: one token a line, columns separated by tabs or by runs of spaces, a blank line after each sentence.
 * - `two-column`: token, tab, label; a token may contain spaces.
 * - `slashed`: one sentence a line, tokens separated by spaces, each followed by a slash and its label: `the/DT cat/NN`.
 * - `jsonl`: one object a line, `{"tokens": ["a", "b"], "labels": ["X", "Y"]}`.
 * - `doccano`, `prodigy`: the exports of these tools, texts with character spans (`annotated.ts`).
 * - `spans`: the output of `bptt tag --output spans`, likewise.
 * - `brat`: a text with an annotation file next to it, or a folder of such pairs (`brat.ts`).
 * - `slots`: a folder with the parallel files `seq.in` and `seq.out`, and optionally `label`.
 */
export type Format = (typeof FORMATS)[number];

/** Whether labels are required, optional, or ignored. */
export type LabelPolicy = 'required' | 'optional' | 'ignored';

/** Which lines of a file of columns are comments. */
export type CommentRule = 'auto' | 'none' | '#';

/** The columns of labels: one, or several. */
export type LabelColumns = string | number | readonly (string | number)[];

/** How lines that cannot be read are handled. */
export type BadLinePolicy = 'stop' | 'list' | 'skip';

/** What sentences do not hold: comments, ranges of words, empty nodes, document starts, values of other columns, other fields. */
export type Dropped = 'comments' | 'ranges' | 'emptyNodes' | 'documents' | 'columns' | 'fields';

/** Options for reading sentences. Everything has a default; options that do not apply to the format are rejected. */
export interface ReadOptions {
  /** Format of the input; if absent, it is detected from the first 200 lines that are not blank. */
  format?: Format;
  /**
   * The column of the label. `conllu`: a column's name (`upos`, `xpos`, `feats`, …) or number, default `upos`. `conll` and `two-column`: a
   * number from 1, or from −1 backward from the last, or a name listed in `columns`; default −1. `jsonl`: the name of the field, default
   * `labels`. A list reads several columns: `labels` are those of the first, `columns` all of them by name. With `labels: 'optional'` the
   * input may lack some of them, which is noted.
   */
  column?: LabelColumns;
  /** `conll` only: names of the columns from left to right, so that `column` and `tokenColumn` may be names. */
  columns?: readonly string[];
  /**
   * Formats with columns: the column of the token. Default: `form` in `conllu`; otherwise column 1, or column 2 if the first one counts the
   * tokens.
   */
  tokenColumn?: string | number;
  /**
   * `conll` and `two-column`: which lines are comments. `#`: all that begin with it; `none`: none. Default `auto`: determined from the file
   * (`comments.ts`).
   */
  comments?: CommentRule;
  /**
   * How lines that cannot be read are handled. `stop`, the default for streams: the first one stops the reader. `list`, the default for
   * reading whole files: the first ten are reported as notes, then an error gives their number. `skip`: they are reported likewise and
   * skipped, along with the sentences that contain them.
   */
  badLines?: BadLinePolicy;
  /** How a model's training input was read; followed if the format is the same and these options do not say otherwise. */
  like?: InputSpec;
  /** Receives notes on what was decided, changed or dropped. */
  onNote?: OnNote;
  /** Receives how the input is read, before the first sentence. */
  onReading?: (reading: Reading) => void;
  /** Default `required`: a token without a label is an error, unless the input marks it as unlabeled (`unlabeled`). */
  labels?: LabelPolicy;
  /**
   * The mark of a token without a label, such as `_`: its label becomes `''`. By default, `_` is the mark in those columns of CoNLL-U in
   * which it means "not annotated" (not in `form`, `lemma`, `feats`, `deps` and `misc`), and `null` in JSON lines.
   */
  unlabeled?: string;
  /**
   * `jsonl` only: the names of the integers in a label column, as in Hugging Face datasets (`"ner_tags": [0, 3, 4]`): names from 0 on, or
   * names by column if there are several. Without it, integers are rejected. Default: as `like` states.
   */
  labelNames?: LabelNames;
  /**
   * Only for formats with character spans: the unit of their offsets. Default: UTF-16 code units in `doccano` and `spans`, code points in
   * `prodigy` and `brat`, as in these tools, or the other unit if only that fits a text (`annotated.ts`).
   */
  offsetUnit?: OffsetUnit;
  /** How texts are split into tokens, in formats that contain text; the others contain tokens. Default: as `like` states. */
  cutting?: SegmentOptions;
  /** Whether sentences in columns record the line of each token (`lines`); default false, to save memory. */
  tokenLines?: boolean;
  /** Unicode normalization of the tokens. Default `none`: as they are. (A vocabulary compares in NFC in any case.) */
  normalize?: 'NFC' | 'NFD' | 'none';
  /** `conllu` only: whether sentences keep their lines, so that the output `conllu` can write them with new labels. */
  keepLines?: boolean;
  /**
   * Whether sentences keep their source, as far as their format has one: the lines of CoNLL-U (`conllu`), the text that was split into
   * tokens (`surface`). Default false, to save memory.
   */
  keepSource?: boolean;
  /** Called for each part of the input that sentences do not hold, with the number of occurrences. */
  onDropped?: (what: Dropped, count: number) => void;
  /** Name of the input in error messages, usually the file's path. */
  source?: string;
  /** Longest line accepted, in bytes; default 16 MiB. Bounds the memory of a reader. */
  maxLineBytes?: number;
  /** Longest sentence accepted, in tokens; default 100,000. Bounds the memory of a reader. */
  maxTokens?: number;
}

/** Options with defaults filled in, as the parsers take them. */
export interface ParseOptions extends ReadOptions {
  labels: LabelPolicy;
  source: string;
  maxTokens: number;
  cleaner: Cleaner;
}

const KEYS = keysOf<ReadOptions>({
  format: true,
  column: true,
  columns: true,
  tokenColumn: true,
  comments: true,
  badLines: true,
  like: true,
  onNote: true,
  onReading: true,
  labels: true,
  unlabeled: true,
  labelNames: true,
  offsetUnit: true,
  cutting: true,
  tokenLines: true,
  normalize: true,
  keepLines: true,
  keepSource: true,
  onDropped: true,
  source: true,
  maxLineBytes: true,
  maxTokens: true,
});

/** Fills in defaults. @throws ArgumentError on an invalid policy, limit or normalization */
export function parseOptions(options: ReadOptions): ParseOptions {
  expectKnownKeys('readSentences', 'options', options, KEYS);
  expectReadTypes(options);
  const {
    labels = 'required',
    source = 'input',
    maxTokens = 100_000,
    normalize = 'none',
    comments,
    badLines,
  } = options;
  if (!['required', 'optional', 'ignored'].includes(labels)) {
    throw new ArgumentError(`labels must be 'required', 'optional' or 'ignored'; got ${JSON.stringify(labels)}`);
  }
  if (!['NFC', 'NFD', 'none'].includes(normalize)) {
    throw new ArgumentError(`normalize must be 'NFC', 'NFD' or 'none'; got ${JSON.stringify(normalize)}`);
  }
  if (options.unlabeled?.trim() === '') {
    throw new ArgumentError('unlabeled must be a mark that is not blank, such as _');
  }
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ArgumentError(`maxTokens must be an integer of at least 1; got ${show(maxTokens)}`);
  }
  if (comments !== undefined && !['auto', 'none', '#'].includes(comments)) {
    throw new ArgumentError(`comments must be 'auto', 'none' or '#'; got ${JSON.stringify(comments)}`);
  }
  if (badLines !== undefined && !['stop', 'list', 'skip'].includes(badLines)) {
    throw new ArgumentError(`badLines must be 'stop', 'list' or 'skip'; got ${JSON.stringify(badLines)}`);
  }
  return { ...options, labels, source, maxTokens, normalize, cleaner: createCleaner(source) };
}

function expectReadTypes(options: ReadOptions): void {
  const { format, columns, like } = options;
  if (format !== undefined) expectOneOf('readSentences', 'format', format, FORMATS);
  expectTypes('readSentences', options, {
    source: 'string',
    unlabeled: 'string',
    keepLines: 'boolean',
    keepSource: 'boolean',
    onDropped: 'function',
    tokenLines: 'boolean',
    onNote: 'function',
    onReading: 'function',
  });
  if (columns !== undefined) expectWords('readSentences', 'columns', columns);
  if (Array.isArray(options.column)) expectColumns(options.column);
  if (options.offsetUnit !== undefined) expectOneOf('readSentences', 'offsetUnit', options.offsetUnit, OFFSET_UNITS);
  if (options.cutting !== undefined) expectRecord('readSentences', 'cutting', options.cutting, '{ tokenizer, locale }');
  if (options.labelNames !== undefined) expectLabelNames('readSentences', options.labelNames);
  for (const name of ['column', 'tokenColumn'] as const) {
    const isList = name === 'column' && Array.isArray(options[name]);
    if (isList || ['undefined', 'string', 'number'].includes(typeof options[name])) continue;
    throw new ArgumentError(`readSentences: ${name} must be a number or a name; got ${show(options[name])}`);
  }
  if (like !== undefined) expectRecord('readSentences', 'like', like, 'how an input was read, inputSpecOf(reading)');
}

/** Requires names or numbers. @throws ArgumentError on a list that is empty, or contains anything else */
function expectColumns(columns: readonly unknown[]): void {
  const wrong = columns.findIndex((column) => typeof column !== 'string' && typeof column !== 'number');
  if (columns.length > 0 && wrong < 0) return;
  const got = wrong < 0 ? 'an empty list' : `${show(columns[wrong])} at place ${wrong}`;
  throw new ArgumentError(`readSentences: column must be a number or a name, or a list of them; got ${got}`);
}

/** Parses the name of a format. @throws ArgumentError listing the available formats */
export function formatOf(name: string): Format {
  const format = FORMATS.find((known) => known === name);
  if (!format) throw new ArgumentError(`unknown format ${JSON.stringify(name)}: use one of ${FORMATS.join(', ')}`);
  return format;
}

/** Rejects options that the format would ignore. @throws ArgumentError naming the option and what it is for */
export function rejectUnused(format: Format, options: ReadOptions): void {
  const used: Record<Format, readonly string[]> = {
    conllu: ['column', 'tokenColumn', 'keepLines'],
    conll: ['column', 'columns', 'tokenColumn', 'comments'],
    'two-column': ['column', 'tokenColumn', 'comments'],
    slashed: [],
    jsonl: ['column', 'labelNames'],
    doccano: ['offsetUnit'],
    prodigy: ['offsetUnit'],
    spans: ['offsetUnit'],
    brat: ['offsetUnit'],
    slots: [],
  };
  for (const name of [
    'column',
    'columns',
    'tokenColumn',
    'comments',
    'labelNames',
    'offsetUnit',
    'keepLines',
  ] as const) {
    if (options[name] !== undefined && !used[format].includes(name)) {
      throw new ArgumentError(`${name} does not apply to the format ${format}: leave it out, or choose another format`);
    }
  }
}

/**
 * Returns the index of a column in a row of `width`.
 *
 * @param column a name listed in `names`, or a number: 1 is the first column, −1 the last
 * @param what the name of the option, for the message
 * @throws ArgumentError if there is no such column
 */
export function columnIndex(column: string | number, names: readonly string[], width: number, what = 'column'): number {
  const text = String(column);
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text);
    const index = number > 0 ? number - 1 : width + number;
    if (number === 0 || index < 0 || index >= width) {
      throw new ArgumentError(
        `${what} ${text} does not exist: the input has ${counted(width, 'column')}, 1 to ${width}`,
      );
    }
    return index;
  }
  const index = names.findIndex((name) => name.toLowerCase() === text.toLowerCase());
  if (index < 0) {
    const known =
      names.length > 0 ? `the names are ${names.join(', ')}` : 'the columns have no names, so give a number';
    throw new ArgumentError(`${what} ${JSON.stringify(text)} does not exist: ${known}`);
  }
  if (index >= width) throw new ArgumentError(`${what} ${text} is number ${index + 1}, but the input has ${width}`);
  return index;
}

/** Returns a DataError that begins with the source and line. */
export function dataErrorAt(source: string, line: number, message: string): DataError {
  return new DataError(`${source}:${line}: ${message}`);
}

/** The error for requesting words and labels in the same column. */
export function oneColumn(source: string, column: string): ArgumentError {
  const message = `${source}: words and labels would both be ${column}`;
  return new ArgumentError(`${message}: set both columns (--token-column, --column)`);
}
