/** How an input is read: the options that were given, and the decisions based on its contents. */
import { expectRecord } from '../../../tensor/arguments.js';
import { expectOneOf } from '../../../tensor/checks.js';
import { show } from '../../../tensor/describe.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { quoted } from '../../../tensor/visible.js';
import { expectCorpus, expectTypes } from '../../checks.js';
import { malformed } from '../read-back.js';
import type { OffsetUnit } from '../offsets.js';
import { OFFSET_UNITS, UNIT_NAMES } from '../offsets.js';
import type { Tokenizer } from '../segment.js';
import { TOKENIZERS } from '../segment.js';
import type { Sentence } from '../sentence.js';
import type { ClassifiedFormat } from './classified-options.js';
import { CLASSIFIED_FORMATS } from './classified-options.js';
import { columnList } from './columns.js';
import { expectLabelNames, isLabelNames } from './label-names.js';
import type { LabelNames } from './label-names.js';
import type { CommentRule, Format, LabelColumns } from './options.js';
import { FORMATS } from './options.js';

/** What a model records about its training input, so that later inputs are read the same way. Plain data. */
export interface InputSpec {
  readonly format: Format | ClassifiedFormat;
  /** The column of the tokens: number from 1, or a name. Absent if the format fixes it. */
  readonly tokenColumn?: number | string;
  /** The column of the labels: number from 1, a name, or the field of an object; a list if there are several columns. */
  readonly column?: LabelColumns;
  /** Whether column 1 counts the tokens, so that `3-4` and `5.1` in it are not tokens. */
  readonly ids?: boolean;
  /** Which lines are comments. */
  readonly comments?: CommentRule;
  /** The mark of a token without a label. */
  readonly unlabeled?: string;
  /** The names of the integers in the label columns. */
  readonly labelNames?: LabelNames;
  /** The unit of character offsets, if it was given. */
  readonly offsetUnit?: OffsetUnit;
  /** How text is split into tokens, and its language: that of sentences with one label each, or raw text to be tagged. */
  readonly tokenizer?: Tokenizer;
  readonly locale?: string;
}

/** How a reader reads one input. */
export interface Reading extends InputSpec {
  /** Number of columns, if there are any. */
  readonly width?: number;
  /** Whether the label column was neither given nor fixed by the format, but is the last one by default. */
  readonly guessed?: boolean;
  /** Up to three values of each column, for a question: `1 (Il, va), 2 (PRON, VERB)`. */
  readonly samples?: string;
}

/** Selects the parts of a reading that a model records. */
export function inputSpecOf(reading: Reading): InputSpec {
  expectReading('inputSpecOf', reading);
  return specOf(reading);
}

type Field = Exclude<keyof InputSpec, 'format'>;

const COMMENT_RULES: readonly CommentRule[] = ['auto', 'none', '#'];

/** Names of formats that may be recorded. */
const formats = (): readonly string[] => [...new Set([...FORMATS, ...CLASSIFIED_FORMATS])];

/** The requirement for each field other than the format, in the order of a model file. */
const fieldRules = (): Readonly<Record<Field, Rule>> => ({
  tokenColumn: [isPlace, 'a name or a number from 1'],
  column: [(at) => (Array.isArray(at) ? at.length > 0 && at.every(isPlace) : isPlace(at)), 'a name or a number from 1'],
  ids: [(counts) => typeof counts === 'boolean', 'a boolean'],
  comments: [(rule) => COMMENT_RULES.includes(rule as CommentRule), 'auto, none or #'],
  unlabeled: [(mark) => typeof mark === 'string' && mark.trim() !== '', 'a mark'],
  labelNames: [isLabelNames, 'names of labels'],
  offsetUnit: oneOf(OFFSET_UNITS),
  tokenizer: oneOf(TOKENIZERS),
  locale: [(tag) => typeof tag === 'string', 'a language tag'],
});

/** Whether a value that is present is valid, and in words what is expected. */
type Rule = readonly [holds: (value: unknown) => boolean, expected: string];

const isPlace = (at: unknown): boolean => typeof at === 'string' || (Number.isInteger(at) && Number(at) > 0);
const oneOf = (names: readonly string[]): Rule => [
  (name) => names.includes(name as string),
  `one of ${names.join(', ')}`,
];

function specOf({ format, ...reading }: InputSpec): InputSpec {
  const fields = (Object.keys(fieldRules()) as Field[]).map((field) => [field, reading[field]] as const);
  const told = fields.filter(([field, value]) => (field === 'ids' ? value : value !== undefined));
  return { format, ...Object.fromEntries(told) };
}

/** Restores a stored specification; unknown fields are ignored. @throws DataError if it is invalid */
export function inputSpecFromJson(value: unknown): InputSpec {
  if (typeof value !== 'object' || value === null) throw malformed('model', 'input', 'an object', value);
  const spec = value as Readonly<Record<string, unknown>>;
  for (const [field, [holds, expected]] of Object.entries({ format: oneOf(formats()), ...fieldRules() })) {
    const isAbsent = spec[field] === undefined && field !== 'format';
    if (!isAbsent && !holds(spec[field])) throw malformed('model', `input.${field}`, expected, spec[field]);
  }
  return specOf(spec as unknown as InputSpec);
}

/** Requires a reading. @throws ArgumentError that names the invalid part */
export function expectReading(where: string, reading: unknown, name = 'reading'): void {
  expectRecord(where, name, reading, 'how an input is read, as onReading hears it');
  const { format, comments, labelNames, offsetUnit, ...places } = reading as Record<string, unknown>;
  expectOneOf(where, `${name}.format`, format as string, formats());
  if (offsetUnit !== undefined) expectOneOf(where, `${name}.offsetUnit`, offsetUnit as string, OFFSET_UNITS);
  if (labelNames !== undefined) expectLabelNames(where, labelNames, `${name}.labelNames`);
  if (comments !== undefined) expectOneOf(where, `${name}.comments`, comments as string, COMMENT_RULES);
  const texts = { unlabeled: 'string', tokenizer: 'string', locale: 'string' } as const;
  expectTypes(where, reading, { ids: 'boolean', guessed: 'boolean', ...texts });
  for (const place of ['tokenColumn', 'column']) {
    const list = place === 'column' && Array.isArray(places[place]) ? places[place] : [places[place]];
    if (list.every((each) => ['undefined', 'string', 'number'].includes(typeof each))) continue;
    throw new ArgumentError(`${where}: ${name}.${place} must be a number or a name; got ${show(places[place])}`);
  }
}

/** Describes a reading in one line: `two-column, words in column 1, labels in column 2`. */
export function describeReading(reading: InputSpec): string {
  const { format, tokenColumn, column, ids, unlabeled, labelNames, offsetUnit, tokenizer, locale } = reading;
  const place = (at: number | string) => (typeof at === 'number' ? `column ${at}` : at);
  const parts: string[] = [format];
  const isText = tokenizer !== undefined && (CLASSIFIED_FORMATS as readonly string[]).includes(format);
  if (tokenColumn !== undefined) parts.push(`${isText ? 'text' : 'words'} in ${place(tokenColumn)}`);
  if (column !== undefined) parts.push(`labels in ${columnList(column).map(place).join(', ')}`);
  if (offsetUnit !== undefined) parts.push(`places in ${UNIT_NAMES[offsetUnit]}`);
  if (labelNames !== undefined) parts.push('integers by their names');
  if (unlabeled !== undefined) parts.push(`${quoted(unlabeled)} means no label`);
  if (ids) parts.push('column 1 numbers the words');
  if (isText) parts.push(`tokens by ${tokenizer}`);
  else if (tokenizer) parts.push(`raw text will be cut by ${tokenizer}`);
  if (locale !== undefined) parts.push(`language ${locale}`);
  return parts.join(', ');
}

/**
 * Says why the last column may not be the labels, or returns undefined if there is no reason for doubt: it has a single value in the whole
 * input, or one value in each sentence, like the name of an annotator or of a document.
 */
export function doubtfulLabels(reading: Reading, sentences: readonly Sentence[]): string | undefined {
  expectReading('doubtfulLabels', reading);
  expectCorpus('doubtfulLabels', 'sentences', sentences);
  if (!reading.guessed || (reading.width ?? 0) < 3) return undefined;
  const varied = sentences.some(({ labels = [] }) => labels.some((label) => label !== labels[0]));
  if (varied) return undefined;
  const values = new Set(sentences.flatMap(({ labels }) => labels?.slice(0, 1) ?? []));
  const longer = sentences.filter(({ tokens }) => tokens.length > 1).length;
  if (values.size !== 1 && longer < 5) return undefined;
  const what = values.size === 1 ? `the one value ${quoted([...values][0])}` : 'one value in each sentence';
  const question = 'is it the label column? Set the right one (--column)';
  return `the last column, ${reading.width}, has ${what}: ${question}. The columns are ${reading.samples}`;
}
