/** Options for readers of sentences with one label each. */
import { expectRecord } from '../../../tensor/arguments.js';
import { show } from '../../../tensor/describe.js';
import { expectTypes } from '../../checks.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import type { SegmentOptions, Tokenizer } from '../segment.js';
import type { SentenceText } from '../sentence.js';
import { createSegmenter } from '../segment.js';
import type { LabelNames } from './label-names.js';
import { parseOptions, type ParseOptions, type ReadOptions } from './options.js';

/** The formats of sentences with one label each, by the names that `--format` takes. */
export const CLASSIFIED_FORMATS = ['tsv', 'jsonl', 'fasttext', 'slots', 'lines'] as const;

/**
 * - `tsv`: a label and a text in tab-separated columns, in either order; the first line may name the columns.
 * - `jsonl`: one object a line, `{"text": "…", "label": "…"}`, or with `"tokens": […]` for text that is already tokenized.
 * - `fasttext`: one text a line, which contains the label as a word that begins with `__label__`.
 * - `slots`: a folder with the parallel files `seq.in` and `label`.
 * - `lines`: one text a line, all with the label given as an option.
 */
export type ClassifiedFormat = (typeof CLASSIFIED_FORMATS)[number];

/** Options for reading sentences with one label each. Everything has a default; options that do not apply to the format are rejected. */
export interface ClassifiedOptions extends Pick<
  ReadOptions,
  | 'badLines'
  | 'like'
  | 'onNote'
  | 'onReading'
  | 'normalize'
  | 'keepSource'
  | 'onDropped'
  | 'source'
  | 'maxLineBytes'
  | 'maxTokens'
> {
  /** Format of the input; if absent, it is detected from the first 200 lines. */
  format?: ClassifiedFormat;
  /** The column of the label. `tsv`: a number from 1, or a name in the first line; `jsonl`: the name of a field. Default: by content. */
  column?: string | number;
  /** The column of the text, likewise. */
  textColumn?: string | number;
  /** Label of all sentences in an input of format `lines`. */
  category?: string;
  /** Default `required`. With `ignored`, labels are not read. */
  labels?: 'required' | 'ignored';
  /** How text is split into tokens; default: as `like` states, else `unicode`. */
  tokenizer?: Tokenizer;
  /**
   * `jsonl` only: the names, from 0 on, of labels that are given as integers; default: as `like` states. Without it `1` is the label "1".
   */
  labelNames?: LabelNames;
  /** Language of the text, for scripts without spaces; default: as `like` states, else `en`. */
  locale?: string;
}

const KEYS = keysOf<ClassifiedOptions>({
  format: true,
  column: true,
  textColumn: true,
  category: true,
  labels: true,
  tokenizer: true,
  labelNames: true,
  locale: true,
  badLines: true,
  like: true,
  onNote: true,
  onReading: true,
  normalize: true,
  keepSource: true,
  onDropped: true,
  source: true,
  maxLineBytes: true,
  maxTokens: true,
});

/** Options with defaults filled in, as the parsers take them. */
export interface ClassifiedSettings extends Omit<ParseOptions, 'format' | 'column'> {
  format?: ClassifiedFormat;
  column?: string | number;
  textColumn?: string | number;
  category?: string;
  tokenizer: Tokenizer;
  locale?: string;
  /** Splits a text into tokens, with their offsets. */
  cut: (text: string) => { tokens: string[]; offsets: SentenceText['offsets'] };
}

/** Fills in defaults. @throws ArgumentError on an option that does not exist or is outside its domain */
export function classifiedSettings(options: ClassifiedOptions): ClassifiedSettings {
  expectKnownKeys('readClassified', 'options', options, KEYS);
  const { format, column, textColumn, category, tokenizer, locale, labels = 'required', ...rest } = options;
  expectOneOf('readClassified', 'labels', labels, ['required', 'ignored']);
  if (format !== undefined) expectOneOf('readClassified', 'format', format, CLASSIFIED_FORMATS);
  const { like } = options;
  if (like !== undefined) expectRecord('readClassified', 'like', like, 'how an input was read, inputSpecOf(reading)');
  expectTypes('readClassified', options, { category: 'string', tokenizer: 'string', locale: 'string' });
  for (const [name, value] of Object.entries({ column, textColumn })) {
    if (['undefined', 'string', 'number'].includes(typeof value)) continue;
    throw new ArgumentError(`readClassified: ${name} must be a number or a name; got ${show(value)}`);
  }
  const how: SegmentOptions = { tokenizer: tokenizer ?? like?.tokenizer, locale: locale ?? like?.locale };
  return {
    ...(parseOptions({ ...rest, labels }) as Omit<ParseOptions, 'format' | 'column'>),
    format,
    ...(column !== undefined && { column }),
    ...(textColumn !== undefined && { textColumn }),
    ...(category !== undefined && { category }),
    tokenizer: how.tokenizer ?? 'unicode',
    ...(how.locale !== undefined && { locale: how.locale }),
    cut: placedCutter(how),
  };
}

/** Returns a function that splits a text, sentence by sentence, into tokens. @throws ArgumentError on an invalid option */
export function tokenCutter({ tokenizer, locale }: SegmentOptions): (text: string) => string[] {
  const segment = createSegmenter({ ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) });
  return (text) => segment(text).flatMap(({ tokens }) => tokens);
}

/** Likewise, with the offsets of each token in the text. */
function placedCutter({ tokenizer, locale }: SegmentOptions): ClassifiedSettings['cut'] {
  const segment = createSegmenter({ ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) });
  return (text) => {
    const parts = segment(text);
    return {
      tokens: parts.flatMap(({ tokens }) => [...tokens]),
      offsets: parts.flatMap(({ offsets }) => [...offsets]),
    };
  };
}

/** Rejects options that the format would ignore. @throws ArgumentError naming the option */
export function rejectUnusedBy(format: ClassifiedFormat, options: ClassifiedOptions): void {
  const used: Record<ClassifiedFormat, readonly string[]> = {
    tsv: ['column', 'textColumn', 'tokenizer', 'locale'],
    jsonl: ['column', 'textColumn', 'labelNames', 'tokenizer', 'locale'],
    fasttext: ['tokenizer', 'locale'],
    slots: [],
    lines: ['category', 'tokenizer', 'locale'],
  };
  for (const name of ['column', 'textColumn', 'category', 'labelNames', 'tokenizer', 'locale'] as const) {
    if (options[name] !== undefined && !used[format].includes(name)) {
      throw new ArgumentError(`${name} does not apply to the format ${format}: leave it out, or choose another format`);
    }
  }
}
