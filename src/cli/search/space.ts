/**
 * The space of a search: the settings it tries, and their values. Read from a JSON file, `{"lr": {"min": 0.001, "max": 0.03,
 * "log": true}}`.
 */
import type { Command, Option } from 'commander';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { nearestName } from '../../tensor/nearest.js';
import { DataError } from '../../tensor/index.js';
import { quoted, visible } from '../../tensor/visible.js';
import { mapPaths, valueOf } from '../config.js';
import type { ValueSchema } from '../config-values.js';
import { kindOf, settingsOf } from '../config-values.js';

/** Some values of a setting, as in JSON; null leaves the setting as it is without the search. */
export interface ListDimension {
  readonly name: string;
  readonly values: readonly unknown[];
}

/** All numbers in a closed interval. */
export interface RangeDimension {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Whether sampling is logarithmic instead of linear. */
  readonly log: boolean;
  readonly integer: boolean;
}

/** The values tried for one setting. */
export type Dimension = ListDimension | RangeDimension;

/** The dimensions of a search, in the order of its file. */
export type Space = readonly Dimension[];

/** Whether a dimension is a list. */
export const isList = (dimension: Dimension): dimension is ListDimension => 'values' in dimension;

/** Settings that a search keeps fixed, and why. */
const HELD: readonly (readonly [names: readonly string[], why: string])[] = [
  [['test'], 'a search never uses test data'],
  [
    ['train', 'dev', 'split', 'format', 'column', 'unlabeled', 'tokenColumn', 'textColumn', 'tokenizer', 'locale', 'comments', 'skipBad', 'labelNames'], // prettier-ignore
    'trials are compared on the same data',
  ],
  [['task', 'bestBy', 'spanMode', 'strictLabels'], 'trials are compared by one score'],
  [['seed', 'seeds', 'ensemble'], 'a lucky seed says nothing about other seeds: compare seeds with bptt train --seeds'],
  [['epochs'], 'the rungs decide how long a trial trains: set the most epochs with --epochs'],
  [['threads', 'backend'], 'it changes the speed of training, not the result'],
  [['checkpoint', 'every', 'resume'], 'it applies to a single run; a search keeps finished runs in --state'],
  [['init'], 'a search chooses the architecture, which a model already has'],
  [['preset'], 'it is a set of settings: pass --preset, and search other settings'],
];

/** The settings that a search can vary. */
export function searchable(train: Command): Option[] {
  const held = HELD.flatMap(([names]) => names);
  return settingsOf(train).filter((option) => !held.includes(option.attributeName()));
}

/**
 * Parses the space from a text: an object with a list of values for each setting, or a range, `{"min": 1, "max": 9, "log":
 * true}`.
 *
 * @param train the command whose settings these are
 * @param lists whether ranges are rejected, because every value is to be tried
 * @throws DataError naming the first setting that is unknown, kept fixed, or has an invalid value
 */
export function parseSpace(text: string, train: Command, lists = false): Space {
  const read = parseUniqueJson(text, 'space');
  if (!isRecord(read))
    throw new DataError('expected an object of settings, {"dropout": [0.2, 0.5]}; got another value');
  const entries = { ...read };
  delete entries.$schema; // for editors
  if (Object.keys(entries).length === 0) {
    throw new DataError('expected at least one setting with its values, {"dropout": [0.2, 0.5]}; got none');
  }
  const options = searchable(train);
  return Object.entries(entries).map(([name, value]) => {
    const option = options.find((each) => each.attributeName() === name);
    if (option === undefined) throw refused(name, train, options);
    if (Array.isArray(value)) return listOf(option, value);
    if (!isRecord(value)) throw new DataError(`"${name}" must be a list of values${lists ? '' : ', or {"min": …, "max": …}'}; got ${shown(value)}`); // prettier-ignore
    if (lists) throw new DataError(`"${name}" must be a list in a grid, where every value is tried; got ${shown(value)}: draw from ranges with --random and --space`); // prettier-ignore
    return rangeOf(option, value);
  });
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return visible(text.length > 60 ? `${text.slice(0, 60)}…` : text);
};

/** Why a name is not in {@link searchable}. */
function refused(name: string, train: Command, options: readonly Option[]): DataError {
  const why = HELD.find(([names]) => names.includes(name))?.[1];
  if (why !== undefined) return new DataError(`"${name}" cannot be searched: ${why}`);
  if (train.options.some((each) => each.attributeName() === name)) {
    return new DataError(`"${name}" cannot be searched: it is an output, not a training setting`);
  }
  const near = nearestName(name, options.map((option) => option.attributeName())); // prettier-ignore
  const hint = near === undefined ? 'bptt train --help lists them' : `did you mean "${near}"?`;
  return new DataError(`unknown setting ${quoted(name)}: expected one of bptt train; ${hint}`);
}

function listOf(option: Option, values: readonly unknown[]): ListDimension {
  const name = option.attributeName();
  if (values.length === 0) throw new DataError(`"${name}" has an empty list: give at least one value`);
  const texts = values.map((value) => JSON.stringify(value));
  const twice = texts.find((text, place) => texts.indexOf(text) < place);
  if (twice !== undefined) throw new DataError(`"${name}" has ${visible(twice)} twice: leave one out`);
  for (const value of values) if (value !== null) expectValue(option, value);
  return { name, values };
}

/** @throws DataError if the option does not accept the value, or if the value is a file path */
function expectValue(option: Option, value: unknown): void {
  const name = option.attributeName();
  valueOf(option, value);
  mapPaths(name, value, false, (path) => {
    throw new DataError(`"${name}": the file ${quoted(path)} cannot be searched: give --${flagOf(name)} to the search, fixed for all trials`); // prettier-ignore
  });
}

/** The option of a setting: `word-dropout` of `wordDropout`. */
export const flagOf = (name: string): string => name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);

const RANGE_KEYS = ['min', 'max', 'log'];

function rangeOf(option: Option, value: Readonly<Record<string, unknown>>): RangeDimension {
  const name = option.attributeName();
  const numbers = numbersOf(kindOf(option).schema);
  if (numbers === undefined) {
    throw new DataError(`"${name}" has no numbers between two: expected a list of values; got ${shown(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !RANGE_KEYS.includes(key));
  if (unknown !== undefined) {
    const near = nearestName(unknown, RANGE_KEYS);
    throw new DataError(`"${name}" has the unknown key ${quoted(unknown)}; ${near === undefined ? 'a range has min, max and log' : `did you mean "${near}"?`}`); // prettier-ignore
  }
  const { min, max, log = false } = value;
  for (const end of [min, max]) if (end === undefined || typeof end !== 'number') throw new DataError(`"${name}" must have numbers min and max; got ${shown(value)}`); // prettier-ignore
  if (typeof log !== 'boolean') throw new DataError(`"${name}": log must be true or false; got ${shown(log)}`);
  for (const end of [min, max]) expectValue(option, end);
  const [low, high] = [min as number, max as number];
  if (low >= high) throw new DataError(`"${name}": min must be below max; got ${low} and ${high}`);
  if (log && low <= 0) throw new DataError(`"${name}": a logarithmic range begins above 0; got ${low}: raise min, or leave log out`); // prettier-ignore
  return { name, min: low, max: high, log, integer: numbers === 'integer' };
}

/** Whether a setting accepts numbers. */
function numbersOf({ type, anyOf = [] }: ValueSchema): 'integer' | 'number' | undefined {
  if (type === 'integer' || type === 'number') return type;
  return anyOf.map(numbersOf).find((each) => each !== undefined);
}
