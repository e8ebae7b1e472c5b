/** The options for reading a file of sentences, which `train`, `eval` and `tag` share. */
import type { Command } from 'commander';
import { CLASSIFIED_FORMATS, FORMATS } from '../labeling/data/formats/index.js';
import type {
  ClassifiedFormat,
  ClassifiedOptions,
  CommentRule,
  Format,
  InputSpec,
  ReadOptions,
} from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { OffsetUnit } from '../labeling/data/offsets.js';
import { OFFSET_UNITS } from '../labeling/data/offsets.js';
import { TOKENIZERS } from '../labeling/data/segment.js';
import type { Tokenizer } from '../labeling/data/segment.js';
import { ArgumentError } from '../tensor/index.js';
import { labelColumns, labelMark, labelNameList, oneOf } from './arguments.js';
import { openLabelNames } from './label-names.js';

/** As passed by commander. */
export interface ReadingOptions {
  readonly format?: Format | ClassifiedFormat;
  /** One column, or several. */
  readonly column?: string | readonly string[];
  readonly tokenColumn?: string;
  readonly textColumn?: string;
  readonly unlabeled?: string;
  /** Comma-separated names, or the path of a file of names. */
  readonly labelNames?: string;
  readonly offsetUnit?: OffsetUnit;
  readonly comments?: CommentRule;
  readonly skipBad?: boolean;
  readonly tokenizer?: Tokenizer;
  readonly locale?: string;
}

/** Formats of sentences with one label each, as listed in help texts; `lines` is the format of `pos=FILE,neg=FILE`. */
const SENTENCE_FORMATS = CLASSIFIED_FORMATS.filter((name) => name !== 'lines');

/**
 * Adds the options to a command.
 *
 * @param labels whether the command reads labels
 * @param cutting whether it also needs the options for tokenizing text
 */
export function addReadingOptions(command: Command, format: string, labels: boolean, cutting = true): void {
  const all = [...new Set<Format | ClassifiedFormat>([...FORMATS, ...SENTENCE_FORMATS])];
  const lists = `${FORMATS.join(', ')}; one label a sentence: ${SENTENCE_FORMATS.join(', ')}`;
  command.option('--format <name>', `${format}: ${lists}`, oneOf(...all));
  const places = 'conllu: upos; other columns: the last; jsonl: labels; one label a sentence: by content';
  if (labels) {
    command.option(
      '--column <columns>',
      `label column by name or number, or several: upos,xpos (default: ${places})`,
      labelColumns,
    );
    command.option(
      '--unlabeled <mark>',
      'mark of unlabeled tokens, such as _ or ?, which are left out of loss and scores (default: _ in conllu but feats, misc, …; null in jsonl)',
      labelMark,
    );
    command.option(
      '--label-names <names>',
      'jsonl: names of integer labels (ner_tags), from 0 on: O,B-PER,… or a file: one per line, a JSON list, dataset_info.json',
      labelNameList,
    );
    command.option(
      '--offset-unit <unit>',
      `unit of character offsets: ${OFFSET_UNITS.join(', ')} (default: doccano, spans: utf16, as JavaScript; prodigy, brat: codepoints, as Python; the other if only it fits)`,
      oneOf(...OFFSET_UNITS),
    );
  }
  command
    .option('--token-column <column>', 'word column by name or number (default: by content)')
    .option('--text-column <column>', 'one label a sentence: text column by name or number (default: by content)');
  if (cutting) {
    command
      .option(
        '--tokenizer <name>',
        `how text is split: ${TOKENIZERS.join(', ')} (default: unicode)`,
        oneOf(...TOKENIZERS),
      )
      .option('--locale <tag>', 'language of text, for scripts without spaces: th, ja, … (default: en)');
  }
  command
    .option('--comments <rule>', 'lines that begin with # in columns: auto, none, #', oneOf('auto', 'none', '#'))
    .option('--skip-bad', 'leave out lines that cannot be read, with their sentences, and report them');
}

/** The options of a reader of sentences with a label for each token. @param like how the training data of the model was read */
export function readOptionsOf(options: ReadingOptions, warnings: NoteCollector, like?: InputSpec): ReadOptions {
  const { column, tokenColumn, unlabeled, labelNames, offsetUnit, comments, skipBad, tokenizer, locale } = options;
  const format = FORMATS.find((name) => name === options.format);
  if (options.format !== undefined && format === undefined) {
    throw new ArgumentError(
      `--format ${options.format} is for sentence labels: choose one of ${FORMATS.join(', ')}, or train with --task classify`,
    );
  }
  refuse(options, ['textColumn'], 'does not apply to word labels');
  const cuts = tokenizer !== undefined || locale !== undefined;
  return {
    ...(format !== undefined && { format }),
    ...(column !== undefined && { column }),
    ...(tokenColumn !== undefined && { tokenColumn }),
    ...(unlabeled !== undefined && { unlabeled }),
    ...(labelNames !== undefined && { labelNames: openLabelNames(labelNames) }),
    ...(offsetUnit !== undefined && { offsetUnit }),
    ...(cuts && { cutting: { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) } }),
    ...(comments !== undefined && { comments }),
    ...(skipBad && { badLines: 'skip' }),
    ...(like !== undefined && { like }),
    onNote: warnings.add,
  };
}

/** The options of a reader of sentences with one label each. @param like how the training data of the model was read */
export function classifiedOptionsOf(
  options: ReadingOptions,
  warnings: NoteCollector,
  like?: InputSpec,
): ClassifiedOptions {
  const { textColumn, labelNames, skipBad, tokenizer, locale } = options;
  const column = oneColumnOf(options, 'sentences with one label each');
  const format = CLASSIFIED_FORMATS.find((name) => name === options.format);
  if (options.format !== undefined && format === undefined) {
    throw new ArgumentError(
      `--format ${options.format} has one label per word, but here each sentence has one: choose one of ${SENTENCE_FORMATS.join(', ')}`,
    );
  }
  refuse(options, ['tokenColumn', 'unlabeled', 'offsetUnit', 'comments'], 'does not apply to sentence labels');
  return {
    ...(format !== undefined && { format }),
    ...(column !== undefined && { column }),
    ...(textColumn !== undefined && { textColumn }),
    ...(labelNames !== undefined && { labelNames: openLabelNames(labelNames) }),
    ...(skipBad && { badLines: 'skip' }),
    ...(tokenizer !== undefined && { tokenizer }),
    ...(locale !== undefined && { locale }),
    ...(like !== undefined && { like }),
    onNote: warnings.add,
  };
}

/** The label column, for commands that accept only one. @throws ArgumentError on several */
export function oneColumnOf({ column }: ReadingOptions, of: string): string | undefined {
  if (column === undefined || typeof column === 'string') return column;
  throw new ArgumentError(`--column ${column.join(',')}: ${of} are read from one column: choose one`);
}

const FLAGS = {
  tokenColumn: '--token-column',
  unlabeled: '--unlabeled',
  offsetUnit: '--offset-unit',
  textColumn: '--text-column',
  comments: '--comments',
  skipBad: '--skip-bad',
  tokenizer: '--tokenizer',
  locale: '--locale',
} as const;

/** @throws ArgumentError naming the first of these options that was given */
function refuse(options: ReadingOptions, names: readonly (keyof typeof FLAGS)[], why: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given) throw new ArgumentError(`${FLAGS[given]} ${why}: leave it out`);
}

/** Formats with texts that must be tokenized. */
const WITH_TEXTS: readonly string[] = ['doccano', 'prodigy', 'spans', 'brat'];

/** Rejects tokenization options for a tokenized input. @throws ArgumentError naming the first */
export function refuseCutting(options: ReadingOptions, { format }: InputSpec): void {
  if (!WITH_TEXTS.includes(format)) refuse(options, ['tokenizer', 'locale'], 'does not apply to word labels');
}

/** Rejects options that do not apply to raw text. @throws ArgumentError naming the first */
export function refuseForRawText(options: ReadingOptions): void {
  const names = ['tokenColumn', 'textColumn', 'comments', 'skipBad'] as const;
  const given = names.find((name) => options[name] !== undefined);
  if (given) throw new ArgumentError(`${FLAGS[given]} does not apply to raw text: set the format too (--format)`);
}
