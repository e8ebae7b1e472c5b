/**
 * What a training does where it is told little: settings by the size of the data, and presets.
 *
 * **By size.** Where none of `epochs`, `batch` and `lr` is given, the number of sentences decides: a small set needs small batches, or
 * its few updates an epoch end long before anything is learned. One rule, `SIZES`; from 5,000 sentences on it gives `TRAIN_DEFAULTS`.
 *
 * **Presets.** A preset sets a whole recipe for a kind of task, parts of it by the number of tokens. What is given explicitly wins, and
 * takes with it what goes with nothing else: smoothing where a CRF is asked for, β₂ where the optimizer is SGD.
 *
 * Both were chosen on development sets of languages and tasks that differ: docs/command-line/train.md has the figures.
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

/** What was decided by the size of the data, or by a preset. */
export interface Decided {
  readonly preset?: PresetName;
  /** Size of the training data; sentences without any label do not count. */
  readonly sentences: number;
  readonly tokens: number;
  /** The options that were set. */
  readonly options: Partial<TrainOptions>;
}

/** Size of the training data. */
type Size = Pick<Decided, 'sentences' | 'tokens'>;

/** Batch and rate up to so many sentences; the last holds for all sizes. */
const SIZES = [
  { below: 1000, batch: 8, lr: 0.01 },
  { below: 5000, batch: 16, lr: 0.005 },
  { below: Infinity, batch: TRAIN_DEFAULTS.batch, lr: 0.003 },
] as const;

/** The epochs make at least so many updates, within limits. */
const UPDATES = 2000;

/** Sizes of batches in a preset, by sentences: small sets need their updates. */
const PRESET_BATCHES = [
  { below: 1000, batch: 8 },
  { below: 5000, batch: 16 },
  { below: Infinity, batch: 32 },
] as const;

/** Bounds of sizes in tokens, as the recipe has them. */
const SMALL = 30_000;
const MEDIUM = 100_000;

/** Epochs that make `updates` updates, at least `least` and at most `most`. */
function epochsFor(updates: number, batch: number, { sentences }: Size, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(updates / Math.ceil(sentences / batch))));
}

/** `epochs`, `batch` and `lr` by the number of sentences. */
function bySize(size: Size, optimizer: TrainOptions['optimizer']): Partial<TrainOptions> {
  const { batch, lr } = SIZES.find(({ below }) => size.sentences < below)!;
  const epochs = epochsFor(UPDATES, batch, size, TRAIN_DEFAULTS.epochs, 100);
  return { epochs, batch, ...(optimizer !== 'sgd' && { lr }) };
}

/** The recipe of every preset. */
function common(size: Size): Partial<TrainOptions> {
  const { batch } = PRESET_BATCHES.find(({ below }) => size.sentences < below)!;
  return {
    encoders: ['words', 'affixes', 'characters'],
    embedding: 100,
    affixRows: 20_000,
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
  // A small set is learned by heart early: sentences moved against the loss keep their updates worth something.
  pos: (size) => ({
    task: 'tag',
    ...common(size),
    labelSmoothing: 0.03,
    ...(size.tokens < SMALL && { adversarial: 0.07 }),
  }),
  // Names are new more often than known: what tells one word from all others is hidden, and hidden affixes leave its spelling.
  ner: (size) => ({
    ...{ task: 'tag', head: 'crf', scheme: 'IOBES', outsideBias: 'dev' },
    ...common(size),
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

/** The sizes that a recipe sets for an encoder: they go with it alone. */
const SIZES_OF: Readonly<Record<'words' | 'affixes' | 'characters', readonly (keyof TrainOptions)[]>> = {
  words: ['embedding', 'wordDropout'],
  affixes: ['affixRows', 'prefixes', 'suffixes', 'affixMinCount', 'affixDropout'],
  characters: ['characterEmbedding', 'characterSize'],
};

/** Options of a recipe that go with some choices alone: where the user chose otherwise, they are left out. */
function fitting(recipe: Partial<TrainOptions>, given: TrainOptions, hasDev: boolean): Partial<TrainOptions> {
  const left = { ...recipe };
  if (!hasDev || given.heads) delete left.outsideBias;
  const heads = typeof given.head === 'object' ? Object.values(given.head) : [given.head];
  if (heads.includes('crf') || given.heads) delete left.labelSmoothing;
  if (given.heads) delete left.head;
  if (given.head === 'softmax') delete left.scheme;
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
 * The options of a training with what the size of its data and a preset decide filled in.
 *
 * @param hasDev whether there is a development set, by which a recipe may choose something
 * @returns the options, all of the given ones among them, and what was set; null where nothing was
 * @throws ArgumentError on an unknown preset, or one of another task
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
  const fixed: readonly string[] = given.init ? ARCHITECTURE : []; // a recipe for a model that is there says how to train it
  const chosen = Object.fromEntries(Object.entries(set).filter(([name]) => !(name in given) && !fixed.includes(name)));
  if (Object.keys(chosen).length === 0) return { options: given, decided: null };
  return { options: { ...chosen, ...given }, decided: { ...(preset && { preset }), ...size, options: chosen } };
}

/** The options, with the task, the heads and the encoders of the model that a training goes on from: they decide what of a recipe fits. */
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
 * What a preset sets beside given options.
 *
 * @throws ArgumentError on an unknown preset, or one of another task than the given one
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
    `train: the preset ${preset} is one of the task ${recipe.task}; got the task ${given.task}: leave one of the two out`,
  );
}
