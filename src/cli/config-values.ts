/**
 * The valid values of a configuration file, by the parser that reads them on the command line. The published JSON Schema
 * (`schema/train-config-1.json`) and the check of a file are both derived from this, so that neither drifts from the options.
 */
import type { Command, Option } from 'commander';
import { SCHEMES } from '../labeling/data/schemes.js';
import { ENCODERS } from '../labeling/model/encoders/index.js';
import { BpttError } from '../tensor/index.js';
import * as parse from './arguments.js';

/** The keywords of JSON Schema, draft 7, that values need. */
export interface ValueSchema {
  readonly type?: 'integer' | 'number' | 'string' | 'boolean' | 'array' | 'object';
  readonly const?: string | number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: ValueSchema;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: ValueSchema | false;
  readonly minProperties?: number;
  readonly anyOf?: readonly ValueSchema[];
  readonly description?: string;
}

/** The values that an option accepts: as a schema, and as text for messages. */
export interface ValueKind {
  readonly schema: ValueSchema;
  readonly expected: string;
  /** Converts the value to its command-line form, if the parser checks more than a schema can. */
  readonly text?: (value: never) => string;
}

const MAX = Number.MAX_SAFE_INTEGER;
const integerFrom = (minimum: number, maximum = MAX): ValueSchema => ({ type: 'integer', minimum, maximum });
const POSITIVE: ValueSchema = { type: 'number', exclusiveMinimum: 0 };
const NOT_NEGATIVE: ValueSchema = { type: 'number', minimum: 0 };
const PROBABILITY: ValueSchema = { type: 'number', minimum: 0, exclusiveMaximum: 1 };
const TEXT: ValueSchema = { type: 'string', minLength: 1 };
const HEAD: ValueSchema = { enum: ['softmax', 'crf'] };
const each = (schema: ValueSchema): ValueSchema => ({ type: 'object', additionalProperties: schema, minProperties: 1 });
const or = (...anyOf: ValueSchema[]): ValueSchema => ({ anyOf });
const record = (properties: Readonly<Record<string, ValueSchema>>): ValueSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const kind = (schema: ValueSchema, expected: string, text?: ValueKind['text']): ValueKind => ({ schema, expected, ...(text && { text }) }); // prettier-ignore

type Parser = (text: string, before: never) => unknown;

const KINDS = new Map<Parser, ValueKind>([
  [parse.positiveInteger, kind(integerFrom(1), 'an integer of at least 1')],
  [parse.threadCount, kind(or(integerFrom(1), { const: 'auto' }), 'an integer of at least 1, or "auto"')],
  [parse.keptVectors, kind(or(integerFrom(0), { const: 'all' }), 'an integer of at least 0, or "all"')],
  [parse.affixRows, kind(or(integerFrom(1), { const: 'all' }), 'an integer of at least 1, or "all"')],
  [parse.affixCount, kind(integerFrom(0, 10), 'an integer from 0 to 10')],
  [
    parse.encoderNames,
    kind(
      { type: 'array', items: { enum: [...ENCODERS] }, minItems: 1, uniqueItems: true },
      `a list of ${ENCODERS.join(', ')}, each at most once`,
    ),
  ],
  [parse.integer, kind(integerFrom(-MAX), 'an integer of magnitude below 2^53')],
  [parse.positiveNumber, kind(POSITIVE, 'a number above 0')],
  [parse.nonNegativeNumber, kind(NOT_NEGATIVE, 'a number of at least 0')],
  [parse.averageDecay, kind({ ...POSITIVE, exclusiveMaximum: 1 }, 'a number above 0 and below 1')],
  [
    parse.classWeights,
    kind(
      or({ type: 'string', pattern: '^balanced$|\\.json$' }, each(NOT_NEGATIVE)),
      '"balanced", an object of weights of at least 0 by label, or the path of a .json file',
    ),
  ],
  [parse.outsideBias, kind(or({ type: 'number' }, { const: 'dev' }), 'a number, or "dev"')],
  [parse.seedCount, kind(integerFrom(2), 'an integer of at least 2')],
  [parse.memberCount, kind({ ...integerFrom(2), maximum: 100 }, 'an integer from 2 to 100')],
  [parse.clipNorm, kind(or(POSITIVE, { const: 'none' }), 'a number above 0, or "none"')],
  [parse.dropProbability, kind(PROBABILITY, 'a number of at least 0 and below 1')],
  [
    parse.zoneoutRates,
    kind(or(PROBABILITY, each(PROBABILITY)), 'a probability below 1, or an object of them by state'),
  ],
  [
    parse.truncation,
    kind(
      record({ every: integerFrom(1), back: integerFrom(1) }),
      '{"every": k1, "back": k2} with integers 1 ≤ k1 ≤ k2',
      ({ every, back }: { every: number; back: number }) => `${every},${back}`,
    ),
  ],
  [
    parse.splitShares,
    kind(
      record({ train: POSITIVE, dev: NOT_NEGATIVE, test: NOT_NEGATIVE }),
      '{"train": 80, "dev": 10, "test": 10} in percent that add up to 100',
      ({ train, dev, test }: { train: number; dev: number; test: number }) => `${train}/${dev}/${test}`,
    ),
  ],
  [parse.schemeName, kind({ enum: [...SCHEMES] }, `one of ${SCHEMES.join(', ')}`)],
  [
    parse.labelColumns,
    kind(or(TEXT, { type: 'array', items: TEXT, minItems: 2 }), 'the name of a column, or a list of two or more'),
  ],
  [
    parse.partNames,
    kind({ type: 'array', items: TEXT, minItems: 1, uniqueItems: true }, 'a list of names of parts, each once'),
  ],
  [parse.labelMark, kind({ type: 'string', pattern: '\\S' }, 'a mark that is not blank')],
  [parse.labelNameList, kind(TEXT, 'names separated by commas, or the path of a file of them')],
  [parse.headChoice, kind(or(HEAD, each(HEAD)), '"softmax", "crf", or an object of them by head')],
  [parse.headWeights, kind(each(NOT_NEGATIVE), 'an object of numbers of at least 0 by head')],
]);

/**
 * The values that an option of a command accepts in a configuration file.
 *
 * @throws BpttError if its parser is not in the table: add it there
 */
export function kindOf({ required, optional, parseArg, long }: Option): ValueKind {
  if (!required && !optional) return kind({ type: 'boolean' }, 'true or false');
  if (parseArg === undefined) return kind(TEXT, 'a string');
  const words = parse.wordsOf(parseArg);
  if (words) return kind({ enum: [...words] }, `one of ${words.join(', ')}`);
  const known = KINDS.get(parseArg);
  if (known) return known;
  if (long === '--cell') return kind(TEXT, 'the name of a cell, or the path of a JavaScript file');
  throw new BpttError(
    `${long} has no entry in config-values.ts: say there what its values are in a configuration file`,
  );
}

/** Options about the destination and content of output, and about the file itself, which are not part of a configuration. */
const NOT_SETTINGS = [
  'out',
  'log',
  'profile',
  'quiet',
  'json',
  'config',
  'saveConfig',
  'tensorboard',
  'card',
  'language',
  'preset',
  'findLr',
  'lrRange',
  'svg',
  'checkpoint',
  'every',
  'resume',
];

/** The options of a command that can occur in a configuration file. */
export function settingsOf(command: Command): readonly Option[] {
  return command.options.filter((option) => !NOT_SETTINGS.includes(option.attributeName()));
}

/** Returns the JSON Schema of the configuration files of a command. */
export function configSchema(command: Command): object {
  const options = settingsOf(command).map((option) => [
    option.attributeName(),
    { description: option.description, ...kindOf(option).schema },
  ]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'bptt/schema/train-config-1.json',
    title: 'bptt training configuration, version 1',
    description:
      'What bptt train --config reads and --save-config writes. Paths are relative to the folder of the file.',
    type: 'object',
    properties: { $schema: { type: 'string' }, bptt: { const: FORMAT }, ...Object.fromEntries(options) },
    required: ['bptt'],
    additionalProperties: false,
  };
}

/** The identification of a configuration file, under the key `bptt`. */
export const FORMAT = 'train-config-1';

/** Whether a value fits a schema, by the keywords of {@link ValueSchema}. */
export function fits(schema: ValueSchema, value: unknown): boolean {
  const { anyOf, enum: words } = schema;
  if (anyOf) return anyOf.some((one) => fits(one, value));
  if (schema.const !== undefined) return value === schema.const;
  if (words) return words.includes(value as string);
  if (schema.type === 'boolean') return typeof value === 'boolean';
  if (schema.type === 'string') return typeof value === 'string' && fitsText(schema, value);
  if (schema.type === 'array') return Array.isArray(value) && fitsList(schema, value);
  if (schema.type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value) && fitsRecord(schema, value as Record<string, unknown>); // prettier-ignore
  return typeof value === 'number' && fitsNumber(schema, value);
}

function fitsNumber({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: ValueSchema, x: number): boolean {
  if (!Number.isFinite(x) || (type === 'integer' && !Number.isInteger(x))) return false;
  if (minimum !== undefined && x < minimum) return false;
  if (maximum !== undefined && x > maximum) return false;
  if (exclusiveMinimum !== undefined && x <= exclusiveMinimum) return false;
  return exclusiveMaximum === undefined || x < exclusiveMaximum;
}

function fitsText({ minLength = 0, pattern }: ValueSchema, text: string): boolean {
  return text.length >= minLength && (pattern === undefined || new RegExp(pattern, 'u').test(text));
}

function fitsList({ items, minItems = 0, uniqueItems }: ValueSchema, list: readonly unknown[]): boolean {
  if (list.length < minItems || (uniqueItems && new Set(list).size < list.length)) return false;
  return items === undefined || list.every((item) => fits(items, item));
}

function fitsRecord(schema: ValueSchema, value: Readonly<Record<string, unknown>>): boolean {
  const { properties = {}, required = [], additionalProperties, minProperties = 0 } = schema;
  const keys = Object.keys(value);
  if (keys.length < minProperties || !required.every((key) => Object.hasOwn(value, key))) return false;
  return keys.every((key) => {
    const own = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    return own === undefined || (own !== false && fits(own, value[key]));
  });
}
