/** What a training holds while it runs, made of sentences and options. `train.ts` runs it. */
import { checkTruncation } from '../../autograd/truncate.js';
import type { Kernels } from '../../kernels/types.js';
import type { Schedule } from '../../optim/schedules.js';
import { createSchedule, parseSchedule } from '../../optim/schedules.js';
import {
  expectKnownKeys,
  expectNonNegative,
  expectPositive,
  expectPositiveInteger,
  expectProbability,
  keysOf,
} from '../../tensor/checks.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import type { Rng } from '../../tensor/random.js';
import { createRng } from '../../tensor/random.js';
import type { LabelVocabulary } from '../data/labels.js';
import { buildLabels, labelsOf } from '../data/labels.js';
import type { OnNote } from '../data/notes.js';
import type { Model } from '../model/model.js';
import type { Settings, TrainOptions } from './options.js';
import { withDefaults } from './options.js';
import type { Replica } from './replica.js';
import { createReplica } from './replica.js';
import type { Sentence } from '../data/sentence.js';
import { buildVocabulary } from '../data/vocabulary.js';
import { notesOfScoring, notesOfTraining } from '../scoring/suspect.js';

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

const SOURCE_KEYS = keysOf<NonNullable<Corpora['sources']>>({ train: true, dev: true, test: true });
const CORPORA_KEYS = keysOf<Corpora>({ train: true, dev: true, test: true, sources: true });

/** Everything a training holds while it runs. */
export interface Run {
  readonly kernels: Kernels;
  readonly settings: Settings;
  readonly model: Model;
  readonly replica: Replica;
  readonly schedule: Schedule;
  /** Number of tokens of each training sentence, and of all. */
  readonly lengths: readonly number[];
  readonly tokens: number;
  /** The stream that shuffles sentences and batches. */
  readonly order: Rng;
  /**
   * Of training alone, evaluations not counted. `paused`: when the host last had its turn. It outlives an epoch, because
   * epochs can be shorter than a turn may wait.
   */
  readonly clock: { seconds: number; tokens: number; updates: number; paused: number };
}

/**
 * Vocabularies, encoded sentences, first parameters, optimizer: all that comes before the first batch.
 *
 * @throws ArgumentError and DataError as `train` does
 */
export function prepareRun(kernels: Kernels, corpora: Corpora, options: TrainOptions, onNote?: OnNote): Run {
  expectKnownKeys('train', 'corpora', corpora, CORPORA_KEYS);
  expectKnownKeys('train', 'corpora.sources', corpora.sources, SOURCE_KEYS);
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
  checkCorpora(corpora, labels, settings.strictLabels, onNote);
  const sentences = {
    ids: corpora.train.map((s) => words.encode(s.tokens)),
    hidden: corpora.train.map((s) => words.encodeUnknown(s.tokens)),
    targets: corpora.train.map((s) => labels.encode(s, corpora.sources?.train)),
  };
  const replica = createReplica(kernels, { settings, sentences, words: words.size, labels: labels.size });
  const lengths = sentences.ids.map((list) => list.length);
  const batchesPerEpoch = Math.ceil(lengths.length / settings.batch);
  return {
    kernels,
    settings,
    model: {
      config: replica.config,
      words,
      labels,
      params: replica.modelParams,
      ...(replica.cell && { cell: replica.cell }),
    },
    replica,
    schedule: createSchedule(schedule, settings.epochs * batchesPerEpoch),
    lengths,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    order: createRng(settings.seed).split('order'),
    clock: { seconds: 0, tokens: 0, updates: 0, paused: performance.now() },
  };
}

/** Every sentence has labels; those of `dev` and `test` are known where that is asked for. What else is odd becomes a note. */
function checkCorpora(corpora: Corpora, labels: LabelVocabulary, strict: boolean, onNote?: OnNote): void {
  const { train, sources = {} } = corpora;
  if (onNote) notesOfTraining(train, labels, sources.train).forEach(onNote);
  for (const part of ['dev', 'test'] as const) {
    const sentences = corpora[part] ?? [];
    for (const sentence of sentences) {
      if (strict) labels.encode(sentence, sources[part]);
      else labelsOf(sentence, sources[part]);
    }
    if (onNote) notesOfScoring(sentences, labels, sources[part]).forEach(onNote);
  }
}

function checkSettings(settings: Settings): void {
  for (const name of ['embedding', 'hidden', 'layers', 'minCount', 'epochs', 'batch'] as const) {
    expectPositiveInteger('train', name, settings[name]);
  }
  if (settings.patience !== Infinity) expectPositiveInteger('train', 'patience', settings.patience);
  expectProbability('train', 'wordDropout', settings.wordDropout);
  expectNonNegative('train', 'lr', settings.lr);
  if (settings.clip !== Infinity) expectPositive('train', 'clip', settings.clip);
  if (settings.truncate) checkTruncation(settings.truncate);
}
