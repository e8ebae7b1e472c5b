/**
 * Parsers of command-line values. Each is strict: the whole text must be a valid value, because a half-understood typo (`1e`,
 * `0x10`, an empty string as 0) would train for an hour with the wrong setting.
 */
import { InvalidArgumentError } from 'commander';
import { MOST_MEMBERS } from '../labeling/model/heads/head.js';
import type { Scheme } from '../labeling/data/schemes.js';
import { schemeOf, SCHEMES } from '../labeling/data/schemes.js';
import type { EncoderName } from '../labeling/model/encoders/index.js';
import { ENCODERS } from '../labeling/model/encoders/index.js';
import type { TagHead } from '../labeling/training/options.js';

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** An integer of at least 1: sizes, counts, epochs. */
export function positiveInteger(text: string): number {
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('It must be an integer of at least 1.');
  return n;
}

/** Threads: an integer of at least 1, or `auto`. */
export function threadCount(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 1)
    throw new InvalidArgumentError('It must be an integer of at least 1, or auto.');
  return n;
}

/** A number of items to show: an integer of at least 1, or `all`, which is Infinity. */
export function countOrAll(text: string): number {
  if (text === 'all') return Infinity;
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('It must be an integer of at least 1, or all.');
  return n;
}

/** An integer of at least 0. */
export function count(text: string): number {
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It must be an integer of at least 0.');
  return n;
}

/** Rows of vectors: an integer of at least 0, or `all`. */
export function keptVectors(text: string): number | 'all' {
  if (text === 'all') return text;
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError('It must be an integer of at least 0, or all.');
  return n;
}

/** A number of rows: an integer of at least 1, or `all`. */
export function affixRows(text: string): number | 'all' {
  if (text === 'all') return text;
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError('It must be an integer of at least 1, or all.');
  return n;
}

/** A number of affixes: an integer from 0 to 10. */
export function affixCount(text: string): number {
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!(n >= 0 && n <= 10)) throw new InvalidArgumentError('It must be an integer from 0 to 10.');
  return n;
}

/** `words,affixes`: names of encoders, each once. */
export function encoderNames(text: string): EncoderName[] {
  const names = text.split(',');
  const wrong = names.find((name, i) => !(ENCODERS as readonly string[]).includes(name) || names.indexOf(name) !== i);
  if (wrong === undefined) return names as EncoderName[];
  throw new InvalidArgumentError(
    `It must be a list of ${ENCODERS.join(', ')}, each at most once, such as words,affixes.`,
  );
}

/** Any integer that a double holds exactly: seeds. */
export function integer(text: string): number {
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n)) throw new InvalidArgumentError('It must be an integer of magnitude below 2^53.');
  return n;
}

/** A finite number above 0: learning rates, norms. */
export function positiveNumber(text: string): number {
  const x = NUMBER.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(x) || x <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return x;
}

/** A finite number of at least 0: weight decay. */
export function nonNegativeNumber(text: string): number {
  const x = NUMBER.test(text) ? Number(text) : NaN;
  if (!(x >= 0 && Number.isFinite(x))) throw new InvalidArgumentError('It must be a number of at least 0.');
  return x;
}

/** The decay of an average of weights: above 0 and below 1. */
export function averageDecay(text: string): number {
  const x = NUMBER.test(text) ? Number(text) : NaN;
  if (!(x > 0 && x < 1)) throw new InvalidArgumentError('It must be a number above 0 and below 1, such as 0.999.');
  return x;
}

/** A bias for the logit of O: a finite number, or `dev`. */
export function outsideBias(text: string): number | 'dev' {
  if (text === 'dev') return text;
  const x = NUMBER.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(x)) throw new InvalidArgumentError('It must be dev, or a number, such as -1.');
  return x;
}

/** `balanced`, `LABEL=W,…` (a weight for each named label), or the path of a JSON file, which is returned as text. */
export function classWeights(text: string): string | Record<string, number> {
  if (text === 'balanced' || text.endsWith('.json')) return text;
  const entries = text.split(',').map((part) => [part.slice(0, part.lastIndexOf('=')), part.slice(part.lastIndexOf('=') + 1)]); // prettier-ignore
  const names = new Set(entries.map(([label]) => label));
  const fits = ([label, weight]: string[]): boolean => label !== '' && NUMBER.test(weight) && Number(weight) >= 0 && Number(weight) < Infinity; // prettier-ignore
  if (!text.includes('=') || names.size < entries.length || !entries.every(fits)) {
    throw new InvalidArgumentError(
      'It must be balanced, LABEL=W,… with weights of at least 0, each label once, such as O=0.5,B-PER=2, or a .json file of them.',
    );
  }
  return Object.fromEntries(entries.map(([label, weight]) => [label, Number(weight)]));
}

/** A number of seeds: an integer of at least 2. */
export function seedCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 2 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError(
    'It must be the number of seeds, an integer of at least 2, counted up from --seed. For one seed leave it out.',
  );
}

/** A number of members: an integer from 2 to 100. */
export function memberCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 2 && count <= MOST_MEMBERS) return count;
  throw new InvalidArgumentError(
    `It must be the number of members, an integer from 2 to ${MOST_MEMBERS}, with seeds counted up from --seed. For one model leave it out.`,
  );
}

/** The largest norm of a gradient: a number above 0, or `none`, which is Infinity. */
export function clipNorm(text: string): number {
  if (text === 'none') return Infinity;
  const x = NUMBER.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(x) || x <= 0) throw new InvalidArgumentError('It must be a number above 0, or none.');
  return x;
}

/** A probability below 1, for dropout: at 1 nothing would be left to scale up. */
export function dropProbability(text: string): number {
  const p = NUMBER.test(text) ? Number(text) : NaN;
  if (!(p >= 0 && p < 1)) throw new InvalidArgumentError('It must be a number of at least 0 and below 1.');
  return p;
}

/** A probability below 1, or probabilities by the name of a state, `h=0.05,c=0.5`. */
export function zoneoutRates(text: string): number | Record<string, number> {
  if (!text.includes('=')) return dropProbability(text);
  const pairs = text.split(',').map((part) => part.split('='));
  const names = pairs.map(([name]) => name);
  if (pairs.some((pair) => pair.length !== 2 || !/^\w+$/.test(pair[0])) || new Set(names).size < names.length) {
    throw new InvalidArgumentError('It must be a probability, or one for each state, such as h=0.05,c=0.5.');
  }
  return Object.fromEntries(pairs.map(([name, p]) => [name, dropProbability(p)]));
}

/** `k1,k2`: every k1 steps, gradients are propagated back k2 steps. */
export function truncation(text: string): { every: number; back: number } {
  const parts = text.split(',');
  const [every, back] = parts.map((part) => (INTEGER.test(part) ? Number(part) : NaN));
  if (parts.length !== 2 || !(every >= 1 && back >= every && Number.isSafeInteger(back))) {
    throw new InvalidArgumentError('It must be k1,k2 with integers 1 ≤ k1 ≤ k2, such as 10,20.');
  }
  return { every, back };
}

/** `i` or `i,j`: the index of an element, counted from 0. */
export function elementIndex(text: string): number[] {
  const index = text.split(',').map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (index.length > 2 || !index.every(Number.isSafeInteger)) {
    throw new InvalidArgumentError('It must be i or i,j with integers of at least 0, such as 3,7.');
  }
  return index;
}

const words = new WeakMap<object, readonly string[]>();

/** The words that a parser made by {@link oneOf} accepts; undefined for other parsers. */
export const wordsOf = (parser: object): readonly string[] | undefined => words.get(parser);

/** Returns a parser that accepts one of the given words. */
export function oneOf<W extends string>(...choices: W[]): (text: string) => W {
  const parser = (text: string): W => {
    const word = choices.find((w) => w === text);
    if (word === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return word;
  };
  words.set(parser, choices);
  return parser;
}

/** `80/10/10`: percent of the sentences for train, dev and test; a part of 0 % is left out. */
export function splitShares(text: string): { train: number; dev: number; test: number } {
  const [train, dev, test, ...more] = text.split('/').map((part) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : NaN));
  const total = train + dev + test;
  if (more.length > 0 || !(train > 0) || !(Math.abs(total - 100) < 1e-9)) {
    throw new InvalidArgumentError('It must be train/dev/test in percent that add up to 100, such as 80/10/10.');
  }
  return { train, dev, test };
}

/** The name of a scheme of span labels. */
export function schemeName(text: string): Scheme {
  try {
    return schemeOf(text);
  } catch {
    throw new InvalidArgumentError(`It must be one of ${SCHEMES.join(', ')}.`);
  }
}

/** `upos,xpos,feats`: columns of labels, by name or number; a single one is returned as text. */
export function labelColumns(text: string): string | string[] {
  const columns = text.split(',').map((column) => column.trim());
  if (columns.includes(''))
    throw new InvalidArgumentError('It must be a name or a number, or several, separated by commas.');
  return columns.length === 1 ? text : columns;
}

/** A placeholder for a missing label: any text that is not blank. */
export function labelMark(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must be a mark that is not blank, such as _.');
  return text.trim();
}

/** `O,B-PER,I-PER`, each name once, or the path of a file. */
export function labelNameList(text: string): string {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('') || new Set(names).size < names.length)
    throw new InvalidArgumentError(
      'It must be names separated by commas, each once, such as O,B-PER,I-PER, or a file.',
    );
  return text;
}

/** `softmax`, `crf`, or one of them by head: `ner=crf,pos=softmax`. */
export function headChoice(text: string): TagHead | Record<string, TagHead> {
  const kindOf = oneOf<TagHead>('softmax', 'crf');
  if (!text.includes('=')) return kindOf(text);
  return byName(text, 'It must be softmax, crf, or one of them for some heads, such as ner=crf.', kindOf);
}

/** `xpos=0.5,feats=0.5`: numbers of at least 0 by head. */
export function headWeights(text: string): Record<string, number> {
  const rule = 'It must be numbers of at least 0 by head, such as xpos=0.5,feats=0.5.';
  return byName(text, rule, (value) => {
    const x = NUMBER.test(value) ? Number(value) : NaN;
    if (!(x >= 0 && Number.isFinite(x))) throw new InvalidArgumentError(rule);
    return x;
  });
}

/** `a=X,b=Y`, each name once. */
function byName<V>(text: string, rule: string, valueOf: (text: string) => V): Record<string, V> {
  const entries = text.split(',').map((part): [string, V] => {
    const at = part.lastIndexOf('=');
    const name = part.slice(0, at).trim();
    if (at < 0 || name === '') throw new InvalidArgumentError(rule);
    return [name, valueOf(part.slice(at + 1))];
  });
  if (new Set(entries.map(([name]) => name)).size < entries.length)
    throw new InvalidArgumentError(`${rule} Each at most once.`);
  return Object.fromEntries(entries);
}

/** Codes of languages, joined by commas: `da`, `pt-BR`, `multilingual`. They are checked as BCP 47 tags and kept as written. */
export function languageCodes(text: string): string[] {
  const codes = text.split(',').map((code) => code.trim());
  const isTag = (code: string): boolean => {
    try {
      return Intl.getCanonicalLocales(code).length === 1;
    } catch {
      return false;
    }
  };
  const bad = codes.find((code) => code !== 'multilingual' && !isTag(code));
  if (bad !== undefined)
    throw new InvalidArgumentError('It must be codes of languages, such as da or en,de, or multilingual.');
  const twice = codes.find((code, i) => codes.indexOf(code) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`It must name each language once; ${twice} is given twice.`);
  return codes;
}

/** Comma-separated names of parts of a model. */
export function partNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('It must be names separated by commas: encoders,layers.0.');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`It must name each part once; ${twice} is given twice.`);
  return names;
}

/** Updates of a range test: an integer of at least 10, because a slope needs enough points. */
export function updateCount(text: string): number {
  const n = INTEGER.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n) || n < 10) throw new InvalidArgumentError('It must be an integer of at least 10.');
  return n;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** An interval: `30s`, `5m`, `2h`, or updates, `100u`. */
export function checkpointInterval(text: string): { readonly updates: number } | { readonly seconds: number } {
  const [, number, unit] = /^(\d+)([smhu])$/.exec(text) ?? [];
  const n = Number(number);
  if (Number.isSafeInteger(3600 * n) && n > 0) return unit === 'u' ? { updates: n } : { seconds: n * SECONDS[unit] };
  throw new InvalidArgumentError(
    'It must be an integer of at least 1 followed by s, m, h or, for updates, u, such as 30s, 5m or 100u.',
  );
}

/** Two learning rates, the second above the first: `1e-5,10`. */
export function rateRange(text: string): { readonly from: number; readonly to: number } {
  const parts = text.split(',').map((part) => (NUMBER.test(part.trim()) ? Number(part) : NaN));
  const [from, to] = parts;
  if (parts.length === 2 && from > 0 && to > from && to < Infinity) return { from, to };
  throw new InvalidArgumentError('It must be two numbers above 0, the second above the first, such as 1e-5,10.');
}
