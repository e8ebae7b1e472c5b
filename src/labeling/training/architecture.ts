/**
 * The settings that are part of a model. When training continues from it, they are taken from the model, and options may only repeat them.
 */
import { ArgumentError } from '../../tensor/errors.js';
import { expectModel } from '../model/checks.js';
import { decodingOf } from '../model/heads/decoding.js';
import type { HeadConfig } from '../model/heads/head.js';
import type { Model } from '../model/model.js';
import type { BodyConfig } from '../model/network.js';
import { cellConfig } from '../model/network.js';
import type { TrainOptions } from './options.js';

type Names = readonly (keyof TrainOptions)[];

/** What only the encoder of that name uses. */
const OF_ENCODERS: Readonly<Record<string, Names>> = {
  words: ['embedding', 'lowerCase', 'signatures'],
  affixes: ['affixSize', 'affixRows', 'prefixes', 'suffixes', 'affixMinCount'],
  characters: ['characters', 'characterUnit', 'characterEmbedding', 'characterSize', 'characterWindow'],
  vectors: ['vectorsSize', 'vectorsMode', 'vectorsDigits'],
};

/** The settings that determine which parameters a model has, what they represent, and what it computes with them. */
export const ARCHITECTURE: Names = [
  ...(['task', 'head', 'heads', 'columns', 'scheme', 'decode', 'pooling', 'encoders'] as const),
  ...(['cell', 'hidden', 'layers', 'bidirectional', 'zoneout', 'residual', 'dense'] as const),
  ...Object.values(OF_ENCODERS).flat(),
];

/** Settings that matter only to training and default to those of the model. */
export const REMEMBERED: Names = ['dropout', 'dropoutKind', 'recurrentDropout', 'minCount'];

type Values = { -readonly [Name in keyof TrainOptions]?: unknown };

/**
 * Returns the settings of a model as training options; those that apply to none of its parts are absent.
 *
 * @throws ArgumentError if it is not a model
 */
export function architectureOf(model: Model): TrainOptions {
  expectModel('train', model, 'init');
  const { body, encoders, heads } = model.config;
  const known: Values = { encoders: encoders.map(({ kind }) => kind), ...bodyOptions(body), ...headOptions(heads) };
  encoders.forEach((config, e) => Object.assign(known, encoderOptions(config, model.readers[e])));
  return known as TrainOptions;
}

function bodyOptions(body: BodyConfig): Values {
  const {
    cell,
    hidden,
    bidirectional,
    dropout,
    variational,
    recurrentDropout = 0,
    zoneout = 0,
    residual,
    dense,
  } = body;
  return {
    cell,
    hidden: hidden.every((size) => size === hidden[0]) ? hidden[0] : hidden,
    layers: hidden.length,
    bidirectional,
    ...{ dropout, dropoutKind: variational ? 'variational' : 'standard', recurrentDropout, zoneout },
    ...{ residual: residual ?? false, dense: dense ?? 0 },
  };
}

function headOptions(heads: readonly HeadConfig[]): Values {
  const tags = heads.filter(({ kind }) => kind === 'softmax' || kind === 'crf');
  const columns = heads.flatMap(({ column }) => (column === undefined ? [] : [String(column)]));
  const pooling = heads.find((each) => each.kind === 'sentence')?.pooling;
  const sentences = heads.length - tags.length;
  const decodings = tags.map(decodingOf);
  const schemes = new Set(decodings.flatMap((each) => (each.schemes ? [each.schemes.learned] : [])));
  return {
    task: tags.length === 0 ? 'classify' : sentences === 0 ? 'tag' : 'slots-intent',
    ...(columns.length > 0 && { columns }),
    ...(pooling !== undefined && { pooling }),
    ...(tags.length === 1 && { head: tags[0].kind }),
    ...(tags.length > 1 && { head: Object.fromEntries(tags.map(({ name, kind }) => [name, kind])) }),
    ...(schemes.size === 1 && { scheme: [...schemes][0] }),
    ...(tags.length > 0 && { decode: decodings.some(({ mask }) => mask) ? 'constrained' : 'free' }),
  };
}

function encoderOptions(config: Model['config']['encoders'][number], reader: Model['readers'][number]): Values {
  const { kind, width } = config;
  const json = reader.toJSON() as { readonly unit?: string; readonly digits?: string; readonly minCount?: number } | null; // prettier-ignore
  if (kind === 'words') {
    const { lowerCase, signatures, minCount } = reader.vocabulary!;
    return { embedding: width, lowerCase, signatures: signatures !== null, minCount };
  }
  if (kind === 'affixes') {
    const { rows, prefixes, suffixes, exact } = config;
    return {
      affixSize: width,
      affixRows: exact ? 'all' : rows,
      prefixes,
      suffixes,
      affixMinCount: json?.minCount ?? 1,
    };
  }
  if (kind === 'characters') {
    const { network, embedding, window } = config;
    const own = { characters: network, characterUnit: json?.unit, characterEmbedding: embedding };
    return { ...own, characterSize: width, ...(network === 'cnn' && { characterWindow: window }) };
  }
  return kind === 'vectors' ? { vectorsSize: width, vectorsMode: config.mode, vectorsDigits: json?.digits } : {};
}

/**
 * Requires that options leave the architecture of a model unchanged.
 *
 * @throws ArgumentError naming the first option that contradicts it, or does not apply to it
 */
export function expectArchitecture(options: TrainOptions, known: TrainOptions): void {
  for (const name of ARCHITECTURE) {
    const given = options[name];
    if (given === undefined || sameSetting(name, given, known)) continue;
    const flag = flagOf(name);
    const has = known[name];
    if (has === undefined) {
      throw new ArgumentError(
        `train: ${name} does not apply to init, a model without that part: leave it out (${flag}), or train without init`,
      );
    }
    throw new ArgumentError(
      `train: ${name} must be that of init, ${text(has)}; got ${text(given)}: leave it out (${flag}), or train without init`,
    );
  }
}

/** Returns the flag of an option: `--character-size` for `characterSize`. A switch that is on by default has a flag that turns it off. */
function flagOf(name: string): string {
  const flag = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  return name === 'bidirectional' || name === 'signatures' ? `--no-${flag}` : `--${flag}`;
}

const text = (value: unknown): string => {
  const shown = plain(value);
  return typeof shown === 'object' ? JSON.stringify(shown) : String(shown);
};

/** Replaces custom parts by their names. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { kind, name, shapes } = value as { kind?: unknown; name?: unknown; shapes?: unknown };
  return kind ?? (shapes === undefined ? undefined : name) ?? value;
}

function sameSetting(name: keyof TrainOptions, given: unknown, known: TrainOptions): boolean {
  const has: unknown = known[name];
  const same = (x: unknown, y: unknown): boolean => JSON.stringify(plain(x)) === JSON.stringify(plain(y));
  if (name === 'cell') return cellConfig(given as NonNullable<TrainOptions['cell']>).cell === has;
  if (name === 'head' && typeof has === 'object' && typeof given === 'string')
    return Object.values(has as object).every((kind) => kind === given);
  if (name === 'head' && typeof has === 'object' && typeof given === 'object')
    return Object.entries(has as object).every(([column, kind]) => kind === ((given as Record<string, string>)[column] ?? 'softmax')); // prettier-ignore
  if (name === 'zoneout' && typeof given === 'number')
    return typeof has === 'number' ? has === given : Object.values(has as object).every((rate) => rate === given);
  if (name === 'zoneout') return sameRates(given as object, has);
  return same(given, has);
}

function sameRates(given: object, has: unknown): boolean {
  const rates = (typeof has === 'object' ? has : {}) as Record<string, number>;
  const names = new Set([...Object.keys(given), ...Object.keys(rates)]);
  return [...names].every((state) => ((given as Record<string, number>)[state] ?? 0) === (rates[state] ?? 0));
}
