/**
 * Training settings that are not given explicitly: settings by the size of the data, and presets.
 *
 * **By size.** If none of `epochs`, `batch` and `lr` is given, the number of sentences decides: a small data set needs small batches,
 * because with few updates per epoch, training would end long before anything is learned. There is one rule, `SIZES`; from 5,000 sentences
 * on it gives `TRAIN_DEFAULTS`.
 *
 * **Presets.** A preset is a whole recipe for a kind of task; parts of it depend on the number of tokens. Explicit options take precedence,
 * and remove the settings that do not fit them: label smoothing for a CRF, β₂ for SGD.
 *
 * Both were chosen on development sets of various languages and tasks: docs/command-line/train.md has the figures.
 */
import { ArgumentError } from '../../tensor/errors.js';
import { expectKnownKeys, expectOneOf } from '../../tensor/checks.js';
import type { Sentence } from '../data/sentence.js';
import { withSomeLabel } from '../data/unlabeled.js';
import { ARCHITECTURE, architectureOf } from './architecture.js';
import type { TrainOptions } from './options.js';
import { TRAIN_DEFAULTS, TRAIN_KEYS } from './options.js';

/** Names of the presets. */
export type PresetName = 'pos' | 'ner' | 'slots' | 'sentiment';

/** The names of the presets. */
export const PRESETS: readonly PresetName[] = ['pos', 'ner', 'slots', 'sentiment'];

/** The options that were set from the size of the data, or by a preset. */
export interface Decided {
  readonly preset?: PresetName;
  /** Size of the training data; sentences without any label are not counted. */
  readonly sentences: number;
  readonly tokens: number;
  /** The options that were set. */
  readonly options: Partial<TrainOptions>;
}

/** Size of the training data. */
type Size = Pick<Decided, 'sentences' | 'tokens'>;

/** Batch and rate up to this many sentences; the last entry holds for all larger sizes. */
const SIZES = [
  { below: 1000, batch: 8, lr: 0.01 },
  { below: 5000, batch: 16, lr: 0.005 },
  { below: Infinity, batch: TRAIN_DEFAULTS.batch, lr: 0.003 },
] as const;

/** The epochs make at least this many updates, within limits. */
const UPDATES = 2000;

/** Batch sizes in a preset, by number of sentences: small data sets need their updates. */
const PRESET_BATCHES = [
  { below: 1000, batch: 8 },
  { below: 5000, batch: 16 },
  { below: Infinity, batch: 32 },
] as const;

/** Size limits in tokens that the recipe uses. */
const SMALL = 30_000;
const MEDIUM = 100_000;

/** The number of epochs for `updates` updates, at least `least` and at most `most`. */
function epochsFor(updates: number, batch: number, { sentences }: Size, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(updates / Math.ceil(sentences / batch))));
}

/** `epochs`, `batch` and `lr` by the number of sentences. */
function bySize(size: Size, optimizer: TrainOptions['optimizer']): Partial<TrainOptions> {
  const { batch, lr } = SIZES.find(({ below }) => size.sentences < below)!;
  const epochs = epochsFor(UPDATES, batch, size, TRAIN_DEFAULTS.epochs, 100);
  return { epochs, batch, ...(optimizer !== 'sgd' && { lr }) };
}

/** The part that all presets share. */
function common(size: Size): Partial<TrainOptions> {
  const { batch } = PRESET_BATCHES.find(({ below }) => size.sentences < below)!;
  return {
    encoders: ['words', 'affixes', 'characters'],
    embedding: 100,
    affixRows: size.tokens < MEDIUM ? 'all' : 20_000, // a row for each affix is more accurate, but a large corpus has many
    prefixes: 6,
    suffixes: 6,
    characterEmbedding: 32,
    characterSize: 128,
    hidden: 128,
    layers: size.tokens < MEDIUM ? 1 : 2,
    dropout: size.tokens < SMALL ? 0.33 : 0.5,
    wordDropout: 0.2,
    optimizer: 'adam',
    lr: 0.003,
    beta2: 0.99,
    batch,
    epochs: epochsFor(UPDATES, batch, size, 12, 20),
    clip: 1,
    schedule: 'hold:0.6,0.005',
    ema: 0.999,
    patience: 8,
  };
}

const RECIPES: Readonly<Record<PresetName, (size: Size) => Partial<TrainOptions>>> = {
  // A model memorizes a small data set early; with adversarial training, later updates remain useful.
  pos: (size) => ({
    task: 'tag',
    ...common(size),
    labelSmoothing: 0.03,
    ...(size.tokens < SMALL && { adversarial: 0.07 }),
  }),
  // Names are new more often than known, so what identifies a single word is hidden; with hidden affixes, its spelling remains. A small
  // corpus does without the vectors of words: frequent words are among the affixes, in lower case.
  ner: (size) => ({
    ...{ task: 'tag', head: 'crf', scheme: 'IOBES', outsideBias: 'dev' },
    ...common(size),
    ...(size.tokens < MEDIUM && { encoders: ['affixes', 'characters'] }),
    affixMinCount: 2,
    affixDropout: 0.3,
  }),
  slots: (size) => ({ task: 'tag', head: 'crf', ...common(size) }),
  sentiment: (size) => ({
    task: 'classify',
    pooling: 'max',
    ...common(size),
    encoders: ['words', 'affixes'],
    layers: 1,
    dropout: 0.5,
    labelSmoothing: 0.03,
  }),
};

/** The sizes that a recipe sets for an encoder, which apply only if that encoder is used. */
const SIZES_OF: Readonly<Record<'words' | 'affixes' | 'characters', readonly (keyof TrainOptions)[]>> = {
  words: ['embedding', 'wordDropout'],
  affixes: ['affixRows', 'prefixes', 'suffixes', 'affixMinCount', 'affixDropout'],
  characters: ['characterEmbedding', 'characterSize'],
};

/** Options of the word encoder: any of them adds it. */
const OF_WORDS: readonly (keyof TrainOptions)[] = ['embedding', 'wordDropout', 'minCount', 'lowerCase', 'signatures'];

/** Drops the options of a recipe that do not fit the user's choices. */
function fitting(recipe: Partial<TrainOptions>, given: TrainOptions, hasDev: boolean): Partial<TrainOptions> {
  const left = { ...recipe };
  if (!hasDev || given.heads) delete left.outsideBias;
  const heads = typeof given.head === 'object' ? Object.values(given.head) : [given.head];
  if (heads.includes('crf') || given.heads) delete left.labelSmoothing;
  if (given.heads) delete left.head;
  if (given.head === 'softmax') delete left.scheme;
  if (OF_WORDS.some((name) => name in given) && !left.encoders?.includes('words'))
    left.encoders = ['words', ...(left.encoders ?? [])];
  if (given.vectors !== undefined) left.encoders = [...(left.encoders ?? []), 'vectors'];
  const encoders = given.encoders ?? left.encoders;
  for (const encoder of ['words', 'affixes', 'characters'] as const) {
    if (!encoders?.includes(encoder)) for (const name of SIZES_OF[encoder]) delete left[name];
  }
  if (given.affixMinCount === 1) delete left.affixDropout;
  if (given.optimizer === 'sgd') {
    delete left.beta2;
    delete left.lr;
  }
  if (given.scheme === undefined && given.decode === 'free' && given.head === undefined) delete left.scheme;
  return left;
}

/**
 * Fills in the training options that the size of the data and a preset decide.
 *
 * @param hasDev whether there is a development set on which a recipe may choose something
 * @returns the options, including all given ones, and what was set; null if nothing was set
 * @throws ArgumentError on an unknown preset, or one for another task
 */
export function decideOptions(
  options: TrainOptions,
  train: readonly Sentence[],
  hasDev = true,
): { readonly options: TrainOptions; readonly decided: Decided | null } {
  expectKnownKeys('train', 'options', options, TRAIN_KEYS);
  const { preset, ...rest } = options;
  const given: TrainOptions = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const learned = withSomeLabel(train);
  const size = { sentences: learned.length, tokens: learned.reduce((sum, { tokens }) => sum + tokens.length, 0) };
  const set = preset === undefined ? sized(given, size) : presetOptions(preset, fineTuned(given), size, hasDev);
  const fixed: readonly string[] = given.init ? ARCHITECTURE : []; // for an existing model, a recipe only sets how to train it
  const chosen = Object.fromEntries(Object.entries(set).filter(([name]) => !(name in given) && !fixed.includes(name)));
  if (Object.keys(chosen).length === 0) return { options: given, decided: null };
  return { options: { ...chosen, ...given }, decided: { ...(preset && { preset }), ...size, options: chosen } };
}

/** The options, plus task, heads and encoders of the model that training continues from: they determine which parts of a recipe fit. */
function fineTuned(given: TrainOptions): TrainOptions {
  if (given.init === undefined) return given;
  const { task, head, encoders, affixMinCount = 1 } = architectureOf(given.init);
  return { ...(task && { task }), ...(head && { head }), ...(encoders && { encoders }), affixMinCount, ...given };
}

function sized(given: TrainOptions, size: Size): Partial<TrainOptions> {
  const told = given.epochs !== undefined || given.batch !== undefined || given.lr !== undefined;
  return told ? {} : bySize(size, given.optimizer);
}

/**
 * The options that a preset adds to the given ones.
 *
 * @throws ArgumentError on an unknown preset, or one for another task than the given one
 */
export function presetOptions(
  preset: PresetName,
  given: TrainOptions,
  size: Size,
  hasDev = true,
): Partial<TrainOptions> {
  expectOneOf('train', 'preset', preset, PRESETS);
  const recipe = RECIPES[preset](size);
  if (given.task === undefined || given.task === recipe.task) return fitting(recipe, given, hasDev);
  throw new ArgumentError(
    `train: the preset ${preset} is for the task ${recipe.task}; got the task ${given.task}: leave one of the two out`,
  );
}
