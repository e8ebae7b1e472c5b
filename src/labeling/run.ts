/** What a training holds while it runs, made of sentences and options. `train.ts` runs it. */
import type { TensorRecord } from '../autograd/grads.js';
import { flatten, nestLike, zeroGrads } from '../autograd/grads.js';
import { checkTruncation } from '../autograd/truncate.js';
import type { Kernels } from '../kernels/types.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Schedule } from '../optim/schedules.js';
import { createSchedule, parseSchedule } from '../optim/schedules.js';
import { expectNonNegative, expectPositive, expectPositiveInteger, expectProbability } from '../tensor/checks.js';
import { ArgumentError, DataError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import { createRng } from '../tensor/random.js';
import type { Model, ModelGrads } from './model.js';
import { initModel } from './model.js';
import type { TrainOptions } from './options.js';
import { createOptimizer, withDefaults } from './options.js';
import type { Sentence } from './sentence.js';
import { buildLabels, buildVocabulary } from './vocabulary.js';

/** Sentences of a training, each with its labels. */
export interface Corpora {
  readonly train: readonly Sentence[];
  /** Decides which epoch is best; without it the last one is. */
  readonly dev?: readonly Sentence[];
  /** Scored once, at the end. */
  readonly test?: readonly Sentence[];
  /** Names of the three, for messages. */
  readonly sources?: { readonly train?: string; readonly dev?: string; readonly test?: string };
}

/** Everything a training holds while it runs. */
export interface Run {
  readonly kernels: Kernels;
  readonly settings: ReturnType<typeof withDefaults>;
  readonly model: Model;
  readonly params: TensorRecord;
  readonly grads: ModelGrads;
  readonly flatGrads: TensorRecord;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly ids: readonly Int32Array[];
  /** The ids that word dropout puts in place of `ids`. */
  readonly hidden: readonly Int32Array[];
  readonly targets: readonly Int32Array[];
  readonly tokens: number;
  readonly streams: { readonly order: Rng; readonly dropout: Rng; readonly words: Rng };
  /** Of training alone, evaluations not counted. */
  /** `paused`: when the host last had its turn. It outlives an epoch, because epochs can be shorter than a turn may wait. */
  readonly clock: { seconds: number; tokens: number; updates: number; paused: number };
}

/**
 * Vocabularies, encoded sentences, first parameters, optimizer: all that comes before the first batch.
 *
 * @throws ArgumentError and DataError as `train` does
 */
export function prepareRun(kernels: Kernels, corpora: Corpora, options: TrainOptions): Run {
  const settings = withDefaults(options);
  checkSettings(settings);
  if (corpora.train.length === 0) throw new DataError('train: expected at least one sentence; got none');
  const schedule = parseSchedule(settings.schedule);
  if (schedule.kind === 'plateau' && !corpora.dev) {
    throw new ArgumentError(
      'train: the schedule plateau follows the score on a development set, and there is none: add one (--dev), or choose another schedule',
    );
  }
  const words = buildVocabulary(corpora.train, {
    minCount: settings.minCount,
    lowerCase: settings.lowerCase,
    signatures: settings.signatures,
  });
  const labels = buildLabels(corpora.train);
  for (const part of ['dev', 'test'] as const) {
    for (const sentence of corpora[part] ?? []) labels.encode(sentence, corpora.sources?.[part]);
  }
  const rng = createRng(settings.seed);
  const { cell, embedding, hidden, layers, bidirectional, dropout } = settings;
  const config = { cell, embedding, hidden: new Array<number>(layers).fill(hidden), bidirectional, dropout };
  const model: Model = { config, words, labels, params: initModel(config, words.size, labels.size, rng.split('init')) };
  const params = flatten(model.params);
  const flatGrads = zeroGrads(params, { rowGradients: ['embedding.weight'] });
  const ids = corpora.train.map((s) => words.encode(s.tokens));
  const batchesPerEpoch = Math.ceil(ids.length / settings.batch);
  return {
    kernels,
    settings,
    model,
    params,
    grads: nestLike(model.params, flatGrads) as ModelGrads,
    flatGrads,
    optimizer: createOptimizer(settings.optimizer, params, settings.lr),
    schedule: createSchedule(schedule, settings.epochs * batchesPerEpoch),
    ids,
    hidden: corpora.train.map((s) => words.encodeUnknown(s.tokens)),
    targets: corpora.train.map((s) => labels.encode(s, corpora.sources?.train)),
    tokens: ids.reduce((sum, list) => sum + list.length, 0),
    streams: { order: rng.split('order'), dropout: rng.split('dropout'), words: rng.split('words') },
    clock: { seconds: 0, tokens: 0, updates: 0, paused: performance.now() },
  };
}

function checkSettings(settings: ReturnType<typeof withDefaults>): void {
  for (const name of ['embedding', 'hidden', 'layers', 'minCount', 'epochs', 'batch'] as const) {
    expectPositiveInteger('train', name, settings[name]);
  }
  if (settings.patience !== Infinity) expectPositiveInteger('train', 'patience', settings.patience);
  expectProbability('train', 'wordDropout', settings.wordDropout);
  expectNonNegative('train', 'lr', settings.lr);
  if (settings.clip !== Infinity) expectPositive('train', 'clip', settings.clip);
  if (settings.truncate) checkTruncation(settings.truncate);
}
