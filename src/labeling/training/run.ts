/** The state of a training run, built from sentences and options. `train.ts` runs it. */
import { checkTruncation } from '../../autograd/truncate.js';
import type { TensorRecord } from '../../autograd/grads.js';
import type { Kernels } from '../../kernels/types.js';
import { createAverage } from '../../optim/average.js';
import type { Schedule, ScheduleSpec } from '../../optim/schedules.js';
import { createSchedule, parseSchedule } from '../../optim/schedules.js';
import { poolings } from '../../layers/pooling.js';
import {
  expectNonNegative,
  expectOneOf,
  expectPositive,
  expectPositiveInteger,
  expectProbability,
  expectKnownKeys,
  keysOf,
} from '../../tensor/checks.js';
import { expectList, expectRecord } from '../../tensor/arguments.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { createRng } from '../../tensor/random.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { InputSpec } from '../data/formats/reading.js';
import { expectReading } from '../data/formats/reading.js';
import { batchesOf } from '../data/batches.js';
import { buildLabels, labelsOf } from '../data/labels.js';
import { hasLabel, withSomeLabel } from '../data/unlabeled.js';
import { cellNamed } from '../../cells/index.js';
import type { Cell } from '../../cells/index.js';
import { CHARACTER_UNITS } from '../data/spelling.js';
import { VECTOR_DIGITS } from '../data/vectors/lookup.js';
import { expectAffixes } from '../model/encoders/affixes.js';
import { CHARACTER_NETWORKS } from '../model/encoders/character-network.js';
import type { EncoderKind, TokenReader } from '../model/encoders/encoder.js';
import { encoderKinds, ENCODERS } from '../model/encoders/index.js';
import { VECTOR_MODES } from '../model/encoders/vectors.js';
import { labelsGivenBack } from '../model/heads/converted.js';
import { decodingOf } from '../model/heads/decoding.js';
import type { HeadKind } from '../model/heads/head.js';
import { SCHEMES } from '../data/schemes.js';
import { lossSettingsOf } from './losses.js';
import type { Grown, TrainHooks } from './record.js';
import type { PlannedHead } from './heads.js';
import { checkHeadNames, goldOfHead, plannedHeads, sourceOf, spansOfHeads } from './heads.js';
import type { SpanPlan, Spans } from './spans.js';
import { expectPaths } from './spans.js';
import type { Note, OnNote } from '../data/notes.js';
import type { Model } from '../model/model.js';
import { expectKinds } from '../model/checks.js';
import { expectCorpus, expectSwitches, expectTypes, expectWords } from '../checks.js';
import { createModel } from '../model/model.js';
import type { BodyExtras, InitialParams, ModelConfig, OwnParts } from '../model/network.js';
import { cellConfig } from '../model/network.js';
import { encodersOfModel, headsOfModel, partsOfInit, withArchitecture } from './init.js';
import { augmentedFrom } from './augment.js';
import { mentionsOf } from './mentions.js';
import { expectOutside, expectOutsideBias } from './outside-bias.js';
import { decideOptions } from './presets.js';
import type { Decided } from './presets.js';
import type { Settings, TrainOptions } from './options.js';
import { withDefaults } from './options.js';
import type { EncodedSentences, Replica } from './replica.js';
import { createReplica } from './replica.js';
import type { Sentence } from '../data/sentence.js';
import type { EvaluateOptions } from '../scoring/evaluate.js';
import { expectSomeLabel } from '../scoring/evaluate.js';
import { SPAN_MODES } from '../scoring/span-counts.js';
import { spanReading } from '../scoring/span-reading.js';
import { leakNotes } from '../scoring/leaks.js';
import { notesOfScoring, notesOfTraining } from '../scoring/suspect.js';

/** The sentences of a training run, with labels. A token, or a sentence, without a label (`''`) is excluded from the loss. */
export interface Corpora {
  readonly train: readonly Sentence[];
  /** Decides which epoch is best; without it, the last one is. */
  readonly dev?: readonly Sentence[];
  /** Scored once, at the end. */
  readonly test?: readonly Sentence[];
  /** Names of the three corpora, for messages. */
  readonly sources?: { readonly train?: string; readonly dev?: string; readonly test?: string };
  /** How the training sentences were read (`inputSpecOf`); recorded in the model. */
  readonly input?: InputSpec;
}

const SOURCE_KEYS = keysOf<NonNullable<Corpora['sources']>>({ train: true, dev: true, test: true });
const CORPORA_KEYS = keysOf<Corpora>({ train: true, dev: true, test: true, sources: true, input: true });

/** The state of a training run. */
export interface Run {
  readonly kernels: Kernels;
  readonly settings: Settings;
  readonly model: Model;
  readonly replica: Replica;
  readonly schedule: Schedule;
  /**
   * How spans of dev and test are read: with one head, by the scheme of the training data; with several, by the scheme detected in each
   * file.
   */
  readonly scoring: Pick<EvaluateOptions, 'spanMode' | 'scheme'>;
  readonly decided: Decided | null;
  /** Number of tokens of each training sentence, and in total. */
  readonly lengths: readonly number[];
  readonly tokens: number;
  /**
   * Counts only training, not evaluation. `paused` is the last time that control was returned to the host. It is kept across epochs,
   * because epochs can be shorter than the interval between pauses.
   */
  readonly clock: { seconds: number; tokens: number; updates: number; paused: number };
}

/**
 * Prepares vocabularies, encoded sentences, initial parameters and the optimizer: everything before the first batch.
 *
 * @throws ArgumentError and DataError as `train` does
 */
export function prepareRun(
  kernels: Kernels,
  all: Corpora,
  asked: TrainOptions,
  { onNote, onSpans, onDecided, onGrown }: Pick<TrainHooks, 'onNote' | 'onSpans' | 'onDecided' | 'onGrown'> = {},
): Run {
  expectCorpora(all);
  const corpora = { ...all, train: withSomeLabel(all.train) };
  const { options, settings, decided, encoders, own } = planOf(asked, corpora);
  const { init } = options;
  expectLearnable(all, corpora);
  const schedule = scheduleOf(settings, corpora);
  const heads = init ? headsOfModel(init) : plannedHeads(settings, own.heads);
  expectVectorsUsed(encoders, options.vectors);
  const parts = init
    ? partsOfInit(init, corpora, options, settings, heads, onNote)
    : partsFrom(corpora, options, settings, heads, encoders, onNote);
  const { config, initial, start, labels, spans } = parts;
  if (parts.grown) onGrown?.(parts.grown);
  checkHeadNames(settings, config, corpora.dev);
  tellSpans(config, spans, onSpans);
  const givenBack = labels.map((each, h) => labelsGivenBack(each, decodingOf(config.heads[h]).schemes));
  heads.forEach((head, h) => checkCorpora(head, all, givenBack[h], spans[h].plan, settings.strictLabels, onNote));
  checkScored(heads, config, settings, corpora, onNote);
  if (onNote) leaksOf(corpora).forEach(onNote);
  expectOutside({ config, labels, freeze: settings.freeze }, settings.outsideBias, corpora, onNote);
  const sentences = encodedFrom(corpora, heads, parts, settings);
  const losses = lossSettingsOf(heads, config, settings, labels, sentences.targets);
  expectPathsOf(heads, config, sentences, corpora);
  if (decided) onDecided?.(decided);
  const replica = averaged(createReplica(kernels, { settings, config, sentences, losses, initial, start, own }));
  const lengths = Array.from(sentences.lengths);
  return {
    kernels,
    settings,
    model: modelOf(parts, replica, corpora, init, own),
    replica,
    scoring: scoringOf(heads, givenBack, corpora, settings),
    decided,
    schedule: createSchedule(schedule, settings.epochs * batchesPerEpoch(lengths.length, settings)),
    lengths,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    clock: { seconds: 0, tokens: 0, updates: 0, paused: performance.now() },
  };
}

/** The options with all decisions filled in, and the parts that they name. @throws ArgumentError */
function planOf(asked: TrainOptions, { train, dev }: Corpora) {
  const { options: given, decided } = decideOptions(asked, train, dev !== undefined);
  const { init } = given;
  const options = init ? withArchitecture(given, init) : given;
  const settings = withDefaults(options);
  checkSettings(settings);
  const encoders = init ? encodersOfModel(init) : encodersOf(options.encoders);
  expectKinds('train', { encoders, heads: options.heads });
  const own = init?.own ?? ownPartsOf(encoders, options.heads, settings.cell);
  return { options, settings, decided, encoders, own };
}

/** The model in training; foreign contents of the initial model's file are kept. */
function modelOf(
  { config, readers, labels }: Parts,
  { modelParams: params }: Replica,
  { input }: Corpora,
  init: Model | undefined,
  own: OwnParts,
): Model {
  const foreign = init?.foreign;
  const pieces = { config, params, readers, labels, input: input ?? init?.input };
  return createModel({ ...pieces, ...(foreign && { foreign }) }, own);
}

/** @throws DataError if there is no sentence to learn from */
function expectLearnable({ train, sources }: Corpora, learned: Corpora): void {
  if (train.length === 0) throw new DataError('train: expected at least one sentence; got none');
  if (learned.train.length === 0) expectSomeLabel(train, 'token', sources?.train);
}

/** Requires that the missing labels of every head can be completed. @throws DataError naming the sentence */
function expectPathsOf(
  heads: readonly PlannedHead[],
  config: ModelConfig,
  { targets }: EncodedSentences,
  { train, sources }: Corpora,
): void {
  heads.forEach(({ place }, h) => expectPaths(config.heads[h], targets[h], train, sourceOf(place, sources?.train)));
}

/** @throws ArgumentError if the schedule is invalid, or needs a development set that is missing */
function scheduleOf({ schedule: text }: Settings, { dev }: Corpora): ScheduleSpec {
  const schedule = parseSchedule(text);
  if (schedule.kind !== 'plateau' || dev) return schedule;
  throw new ArgumentError(
    'train: the schedule plateau needs scores on a development set, and there is none: add one (--dev), or choose another schedule',
  );
}

/** Adds an average of its parameters to the replica, if requested. */
function averaged(replica: Replica): Replica {
  const { ema } = replica.settings;
  if (ema === undefined) return replica;
  return { ...replica, average: createAverage(replica.params, { decay: ema, lazy: true }) };
}

/** How heads are scored; a single head by the scheme of training. @throws DataError if its labels annotate no spans, and the mode needs some */
function scoringOf(
  heads: readonly PlannedHead[],
  labels: readonly LabelVocabulary[],
  { train: sentences, sources }: Corpora,
  { spanMode }: Settings,
): Run['scoring'] {
  if (spanMode === 'conlleval') return {};
  if (heads.length > 1) return { spanMode };
  const gold = goldOfHead(heads[0], sentences, sources?.train);
  return spanReading({ spanMode, source: sources?.train }, labels[0].labels, gold);
}

/** Encodes the training sentences as integers. */
function encodedFrom(
  { train, sources }: Corpora,
  heads: readonly PlannedHead[],
  { readers, labels, spans }: Parts,
  settings: Settings,
): EncodedSentences {
  const features = readers.map((reader) => train.map((s) => reader.read(s.tokens)));
  const targets = heads.map((head, h) =>
    goldOfHead(head, train, sources?.train).map((s) =>
      labels[h].encode(spans[h].learned(s), sourceOf(head.place, sources?.train)),
    ),
  );
  const ofTokens = heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [{ labels: labels[h], targets: targets[h] }] : [])); // prettier-ignore
  const { seed, augmentCase, augmentMentions } = settings;
  const mentions = augmentMentions > 0 ? mentionsOf(train, ofTokens, seed, sources?.train) : undefined;
  return {
    lengths: Int32Array.from(train, (s) => s.tokens.length),
    features,
    targets,
    ...((augmentCase > 0 || mentions) && { augmented: augmentedFrom(settings, readers, train, features, mentions) }),
  };
}

/** Reports the decisions about span labels, for each head that has any. */
function tellSpans({ heads }: ModelConfig, spans: readonly Spans[], onSpans: TrainHooks['onSpans']): void {
  spans.forEach(({ plan }, h) => {
    if (plan) onSpans?.(heads.length > 1 ? { ...plan, head: heads[h].name } : plan);
  });
}

/** Number of batches in an epoch. */
export function batchesPerEpoch(sentences: number, { batch }: Pick<Settings, 'batch'>): number {
  return Math.ceil(sentences / batch);
}

/** The batches of an epoch in order, which depends only on seed, epoch, batch size and the lengths of the sentences. */
export function batchesOfEpoch({ settings, lengths }: Pick<Run, 'settings' | 'lengths'>, epoch: number): number[][] {
  return batchesOf(lengths, settings.batch, createRng(settings.seed).split('order').split(String(epoch)));
}

/** The custom parts. */
function ownPartsOf(
  encoders: readonly EncoderKind[],
  heads: readonly HeadKind[] | undefined,
  cell: Settings['cell'],
): OwnParts {
  const own = encoders.filter((each) => !Object.values(encoderKinds).includes(each));
  return {
    ...(own.length > 0 && { encoders: own }),
    heads,
    ...(cellConfig(cell).ownCell && { cell: cell as Cell }),
  };
}

/** The requested encoders; built-in ones are given by name. @throws ArgumentError on an unknown name */
function encodersOf(encoders: TrainOptions['encoders'] = ['words']): readonly EncoderKind[] {
  expectList('train', 'encoders', encoders, 'names of encoders, or custom kinds');
  if (encoders.length === 0)
    throw new ArgumentError("train: encoders must list at least one, such as 'words'; got none");
  return encoders.map((each, i) => {
    if (typeof each !== 'string') return each;
    expectOneOf('train', `encoders[${i}]`, each, ENCODERS);
    return encoderKinds[each];
  });
}

/** @throws ArgumentError if there are vectors that no encoder reads */
function expectVectorsUsed(encoders: readonly EncoderKind[], vectors: TrainOptions['vectors']): void {
  if (vectors === undefined || encoders.some(({ kind }) => kind === 'vectors')) return;
  throw new ArgumentError(
    "train: vectors have no effect without the encoder vectors: leave them out, or add 'vectors' to encoders",
  );
}

/** Requires that every sentence has labels and, if requested, that those of `dev` and `test` are known. Other oddities become notes. */
function checkCorpora(
  head: PlannedHead,
  corpora: Corpora,
  labels: LabelVocabulary,
  plan: SpanPlan | undefined,
  strict: boolean,
  onNote?: OnNote,
): void {
  const { sources = {} } = corpora;
  const decisions = (part: 'train' | 'dev' | 'test'): Sentence[] =>
    goldOfHead(head, corpora[part] ?? [], sources[part]);
  const { unit } = head.kind;
  const named = (part: 'train' | 'dev' | 'test') => sourceOf(head.place, sources[part]);
  if (onNote) notesOfTraining(decisions('train'), labels, named('train'), unit).forEach(onNote);
  for (const part of ['dev', 'test'] as const) {
    const sentences = decisions(part);
    for (const each of sentences) {
      if (strict) labels.encode(each, named(part));
      else labelsOf(each, named(part));
    }
    if (onNote) notesOfScoring(sentences, labels, named(part), unit, plan?.data).forEach(onNote);
  }
}

/** Notes on dev and test corpora that overlap strongly with the training data. */
function leaksOf({ train, dev, test, sources }: Corpora): Note[] {
  const parts = [{ part: 'dev', sentences: dev, source: sources?.dev }, { part: 'test', sentences: test, source: sources?.test }]; // prettier-ignore
  return leakNotes(
    train,
    parts.flatMap(({ sentences, ...named }) => (sentences ? [{ sentences, ...named }] : [])),
  );
}

/**
 * Heads without any label in dev or test are left out of its scores, which is noted; but not the head that decides which epoch is best.
 *
 * @throws DataError if that head has no labels
 */
function checkScored(
  heads: readonly PlannedHead[],
  config: ModelConfig,
  { bestBy = config.heads[0].name }: Settings,
  corpora: Corpora,
  onNote?: OnNote,
): void {
  const { sources = {} } = corpora;
  for (const part of ['dev', 'test'] as const) {
    const sentences = corpora[part];
    if (sentences === undefined) continue;
    heads.forEach((head, h) => {
      const { name } = config.heads[h];
      const source = sourceOf(head.place, sources[part]);
      const gold = goldOfHead(head, sentences, sources[part]);
      if (heads.length === 1 || (part === 'dev' && name === bestBy)) expectSomeLabel(gold, head.kind.unit, source);
      else if (!gold.some(({ labels }) => hasLabel(labels))) {
        const message = `${source === undefined ? '' : `${source}: `}no labels for the head ${name}: it is not scored`;
        onNote?.({ kind: 'head-left-out', message, ...(source !== undefined && { source }) });
      }
    });
  }
}

/** The parts of a model, built from training sentences. */
export interface Parts {
  readonly config: ModelConfig;
  readonly readers: readonly TokenReader[];
  readonly initial: InitialParams;
  /** One list per head. */
  readonly labels: readonly LabelVocabulary[];
  /** One per head. */
  readonly spans: readonly Spans[];
  /** For a model that continues from another one: its initial parameters, flat, as far as that model has them. */
  readonly start?: TensorRecord;
  /** The additions to that model. */
  readonly grown?: Grown;
}

/** Builds vocabularies, labels and the complete configuration from the training sentences and the options. */
function partsFrom(
  corpora: Corpora,
  { vectors }: TrainOptions,
  settings: Settings,
  heads: readonly PlannedHead[],
  encoders: readonly EncoderKind[],
  onNote?: OnNote,
): Parts {
  const { train, sources } = corpora;
  const { cell, hidden, layers, bidirectional, dropout } = settings;
  const body = {
    ...{ ...cellConfig(cell), hidden: new Array<number>(layers).fill(hidden), bidirectional, dropout },
    ...bodyExtras(settings, typeof cell === 'string' ? undefined : cell),
  };
  const built = encoders.map((kind) => kind.build(train, { ...settings, vectors }));
  const spans = spansOfHeads(train, heads, settings, sources?.train, onNote);
  const labels = heads.map((head, h) => {
    const gold = goldOfHead(head, train, sources?.train);
    expectSomeLabel(gold, head.kind.unit, sourceOf(head.place, sources?.train));
    return buildLabels(gold.map(spans[h].learned));
  });
  const config: ModelConfig = {
    encoders: built.map((each) => each.config),
    body,
    heads: heads.map(({ kind, place }, h) =>
      kind.configure(labels[h].size, {
        pooling: settings.pooling,
        decoding: spans[h].decoding(labels[h].labels),
        ...place,
      }),
    ),
  };
  const initial = Object.fromEntries(built.flatMap((each) => (each.initial ? [[each.config.kind, each.initial]] : [])));
  return { config, readers: built.map(({ reader }) => reader), initial, labels, spans };
}

/** The optional fields of a body, omitted unless requested, so that the files of other models do not change. */
function bodyExtras(settings: Settings, own?: Cell): BodyExtras {
  const { cell, dropoutKind, recurrentDropout: p, zoneout, residual, dense } = settings;
  const states = (own ?? cellNamed(cell as string))?.states ?? []; // the network rejects an unknown cell
  const rates = typeof zoneout === 'number' ? Object.fromEntries(states.map((state) => [state, zoneout])) : zoneout;
  if (states.length > 0) expectKnownKeys('train', 'zoneout (--zoneout)', rates, states);
  const isZoned = Object.values(rates).some((rate) => rate !== 0);
  return {
    ...(dropoutKind === 'variational' && { variational: true }),
    ...(p !== 0 && { recurrentDropout: p }),
    ...(isZoned && { zoneout: rates }),
    ...(residual && { residual: true }),
    ...(dense !== 0 && { dense }),
  };
}

function expectCorpora(corpora: Corpora): void {
  expectRecord('train', 'corpora', corpora, 'sentences by their use, { train, dev?, test? }');
  expectKnownKeys('train', 'corpora', corpora, CORPORA_KEYS);
  expectCorpus('train', 'corpora.train', corpora.train);
  for (const part of ['dev', 'test'] as const) {
    if (corpora[part] !== undefined) expectCorpus('train', `corpora.${part}`, corpora[part]);
  }
  expectKnownKeys('train', 'corpora.sources', corpora.sources, SOURCE_KEYS);
  expectTypes('train', corpora.sources, { train: 'string', dev: 'string', test: 'string' });
  if (corpora.input !== undefined) expectReading('train', corpora.input, 'corpora.input');
}

const POSITIVE = [
  'embedding',
  'affixSize',
  'affixMinCount',
  'characterEmbedding',
  'characterSize',
  'characterWindow',
  'vectorsSize',
  'hidden',
  'layers',
  'minCount',
  'epochs',
  'batch',
] as const;

function checkSettings(settings: Settings): void {
  expectOneOf('train', 'spanMode', settings.spanMode, SPAN_MODES);
  if (settings.scheme !== undefined) expectOneOf('train', 'scheme', settings.scheme, SCHEMES);
  if (settings.decode !== undefined) expectOneOf('train', 'decode', settings.decode, ['free', 'constrained']);
  expectOneOf('train', 'characters', settings.characters, CHARACTER_NETWORKS);
  expectOneOf('train', 'characterUnit', settings.characterUnit, CHARACTER_UNITS);
  expectOneOf('train', 'vectorsMode', settings.vectorsMode, VECTOR_MODES);
  expectOneOf('train', 'vectorsDigits', settings.vectorsDigits, VECTOR_DIGITS);
  expectOneOf('train', 'pooling', settings.pooling, Object.keys(poolings));
  for (const name of POSITIVE) {
    expectPositiveInteger('train', name, settings[name]);
  }
  for (const name of ['prefixes', 'suffixes'] as const) expectAffixes('train', name, settings[name]);
  if (settings.patience !== Infinity) expectPositiveInteger('train', 'patience', settings.patience);
  expectProbability('train', 'wordDropout', settings.wordDropout);
  checkAffixes(settings);
  for (const name of ['augmentCase', 'augmentMentions'] as const) expectProbability('train', name, settings[name]);
  checkNoise(settings);
  expectNonNegative('train', 'lr', settings.lr);
  if (settings.clip !== Infinity) expectPositive('train', 'clip', settings.clip);
  if (settings.truncate !== undefined) checkTruncation(settings.truncate);
  checkOptimizer(settings);
  expectNonNegative('train', 'adversarial', settings.adversarial);
  expectProbability('train', 'labelSmoothing', settings.labelSmoothing);
  if (settings.ema !== undefined) checkDecay(settings.ema);
  if (settings.outsideBias !== undefined) expectOutsideBias(settings.outsideBias);
  if (settings.freeze !== undefined) expectWords('train', 'freeze (--freeze)', settings.freeze);
  expectSwitches('train', settings, 'bidirectional', 'lowerCase', 'signatures', 'strictLabels', 'residual');
}

/**
 * Checks the options for dropout masks, and for what is added around the layers.
 *
 * @throws ArgumentError on one that is invalid, or has no effect
 */
function checkNoise({ dropoutKind, dropout, recurrentDropout: p, zoneout, residual, layers, dense }: Settings): void {
  expectOneOf('train', 'dropoutKind', dropoutKind, ['standard', 'variational']);
  if (dropoutKind === 'variational' && dropout === 0) {
    throw new ArgumentError(
      "train: dropoutKind 'variational' has no effect without dropout: leave it out, or set dropout",
    );
  }
  expectProbability('train', 'recurrentDropout', p);
  if (typeof zoneout === 'number') expectProbability('train', 'zoneout', zoneout);
  else {
    expectRecord('train', 'zoneout', zoneout, 'a probability, or probabilities by state, such as { h: 0.05, c: 0.5 }');
    for (const [state, rate] of Object.entries(zoneout)) expectProbability('train', `zoneout.${state}`, rate);
  }
  if (dense !== 0) expectPositiveInteger('train', 'dense', dense);
  if (residual && layers === 1) {
    throw new ArgumentError('train: residual has no effect with one layer: leave it out, or set layers to 2 or more');
  }
}

/** @throws ArgumentError on an option that is outside its domain, or that the optimizer would ignore */
function checkOptimizer({ optimizer, beta2, epsilon, weightDecay }: Settings): void {
  if (beta2 !== undefined) expectProbability('train', 'beta2', beta2);
  if (epsilon !== undefined) expectPositive('train', 'epsilon', epsilon);
  if (weightDecay !== undefined) expectNonNegative('train', 'weightDecay', weightDecay);
  const given = beta2 !== undefined ? 'beta2' : epsilon !== undefined ? 'epsilon' : undefined;
  if (optimizer !== 'sgd' || given === undefined) return;
  throw new ArgumentError(`train: ${given} does not apply to the optimizer sgd: leave it out, or choose adam or adamw`);
}

/** @throws ArgumentError if affixes would be read as rare values in a model that has none */
function checkAffixes({ affixRows, affixDropout, affixMinCount }: Settings): void {
  if (affixRows !== 'all' && !(Number.isSafeInteger(affixRows) && affixRows >= 1))
    throw new ArgumentError(`train: affixRows must be an integer of at least 1, or 'all'; got ${show(affixRows)}`);
  expectProbability('train', 'affixDropout', affixDropout);
  if (affixDropout === 0 || affixMinCount > 1) return;
  throw new ArgumentError(
    'train: affixDropout (--affix-dropout) has no effect without rare affixes: set affixMinCount (--affix-min-count) to 2 or more',
  );
}

function checkDecay(ema: number): void {
  if (typeof ema === 'number' && ema > 0 && ema < 1) return;
  throw new ArgumentError(
    `train: ema must be greater than 0 and less than 1; got ${show(ema)}: try 0.999, or leave it out`,
  );
}
