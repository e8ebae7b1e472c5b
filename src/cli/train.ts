/**
 * `bptt train`: from labeled files to a model file.
 *
 * Reading order: the first stop; next stop labeling/training/train.ts.
 */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { Option } from 'commander';
import { lossMessage, profile } from '../kernels/index.js';
import type { Kernels } from '../kernels/index.js';
import type { Phase } from '../kernels/index.js';
import type { Selection } from '../kernels/index.js';
import type { CharacterNetworkName } from '../labeling/model/encoders/character-network.js';
import type { EncoderName } from '../labeling/model/encoders/index.js';
import { ENCODERS } from '../labeling/model/encoders/index.js';
import type { Model } from '../labeling/model/model.js';
import type { OptimizerName, TaskName, TrainOptions } from '../labeling/training/options.js';
import { TRAIN_DEFAULTS } from '../labeling/training/options.js';
import type { EpochRecord, TrainResult } from '../labeling/training/record.js';
import type { Corpora } from '../labeling/training/run.js';
import type { EnsembleResult } from '../labeling/training/ensemble.js';
import type { SeedHooks, SeedsResult } from '../labeling/training/seeds.js';
import { SCHEMES } from '../labeling/data/schemes.js';
import { SPAN_MODES } from '../labeling/scoring/span-counts.js';
import { VECTOR_DIGITS } from '../labeling/data/vectors/lookup.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { SpanPlan } from '../labeling/training/spans.js';
import { PRESETS } from '../labeling/training/presets.js';
import { inputName } from '../labeling/data/files.node.js';
import { parseUniqueJson } from '../serialize/unique-json.js';
import { parseSchedule } from '../optim/index.js';
import { named, readBytes } from './model-io.js';
import { ArgumentError, BpttError, DataError } from '../tensor/index.js';
import type { DeviceError } from '../tensor/index.js';
import {
  affixCount,
  averageDecay,
  classWeights,
  clipNorm,
  dropProbability,
  encoderNames,
  headChoice,
  headWeights,
  integer,
  keptVectors,
  languageCodes,
  memberCount,
  nonNegativeNumber,
  oneOf,
  outsideBias,
  positiveInteger,
  positiveNumber,
  rateRange,
  schemeName,
  seedCount,
  splitShares,
  threadCount,
  truncation,
  updateCount,
  zoneoutRates,
} from './arguments.js';
import { addBackendOption, describeBackend } from './backend.js';
import { selectOnMachine } from '../kernels/select.node.js';
import { InterruptedError } from './failure.js';
import type { CheckpointOptions, CheckpointWriter } from './train/checkpoint.js';
import {
  addCheckpointOptions,
  checkCheckpoint,
  checkpointWriter,
  checkpointLines,
  readResume,
  resumedLine,
  resumeInput,
} from './train/checkpoint.js';
import type { InitOptions } from './train/init.js';
import { addInitOptions, readInit, tellInit, withInit } from './train/init.js';
import type { Card } from './card/card.js';
import type { Input } from './card/files.js';
import type { FindLrOptions } from './train/find-lr.js';
import type { ConfigOptions } from './config.js';
import { addConfigOptions, configPlace, configText, isGiven, saveConfig } from './config.js';
import { watchInterrupt } from './interrupt.js';
import { checkOutputs } from './outputs.js';
import { cellChoices, cellName, fileOfCell, openCell } from './own-cell.js';
import { addRequired } from './required.js';
import { profileTable, sharesOf } from './train/profile-report.js';
import type { Progress } from './progress.js';
import { createProgress, formatDuration, formatRate, silent } from './progress.js';
import { headSummary, scoreLines } from './head-report.js';
import { outsideLines } from './train/outside-report.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import type { ThreadedOptions } from './train/rescue.js';
import {
  membersSaved,
  saveResult,
  trainEnsembleOrRescue,
  trainOrRescue,
  trainSeedsOrRescue,
  whatWasSaved,
} from './train/rescue.js';
import { describeEnsemble, describeSeeds, seedRow, seedsFields } from './train/seeds-report.js';
import type { Terminal } from './terminal.js';
import { colorsFor, print, printJson } from './terminal.js';
import type { TrainLog } from './train/report.js';
import { addReadingOptions } from './reading-options.js';
import { checkSplit, columnsOf, describeInput, pathsOf, readCorpora } from './corpora.js';
import type { CorporaOptions } from './corpora.js';
import { collectWarnings } from './warnings.js';
import type { TrainVectors, VectorOptions } from './train/vectors.js';
import { readTrainVectors } from './train/vectors.js';
import { describeDecided, resolvedSettings, settle } from './train/settings.js';
import {
  courseAfter,
  describeCorpora,
  describeThreads,
  epochLine,
  NO_COURSE,
  openTrainLog,
  progressOf,
} from './train/report.js';

/** The command-line options, as passed by commander. */
export interface Options
  extends
    Omit<ThreadedOptions, keyof VectorOptions | 'classWeights' | 'resume' | 'init'>,
    CheckpointOptions,
    InitOptions,
    VectorOptions,
    Omit<CorporaOptions, 'task'>,
    FindLrOptions,
    ConfigOptions {
  readonly cell: string;
  readonly task: TaskName;
  readonly classWeights?: string | Record<string, number>;
  readonly encoders: readonly EncoderName[];
  readonly characters: CharacterNetworkName;
  readonly characterSize: number;
  readonly optimizer: OptimizerName;
  readonly schedule: string;
  readonly epochs: number;
  readonly seed: number;
  readonly seeds?: number;
  readonly ensemble?: number;
  readonly backend: string;
  readonly log?: string;
  readonly tensorboard?: string;
  readonly card?: string;
  readonly language?: readonly string[];
  readonly profile?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const HELP = `
Formats are detected from the contents of a file. Ctrl-C saves the best model so far; before the end
of the first epoch it keeps an existing model file.

With several columns (--column upos,xpos,feats) the model has a head for each over one body; the losses are added up, and the
first column decides which epoch is best, or --best-by. --task slots-intent learns word labels and one sentence label: a folder
with seq.in, seq.out and label, or JSON lines with "tokens", "labels" and "label"; its heads are slots and intent.

With --task classify each sentence has one label: "label TAB text" in either order, JSON lines with "text" and "label",
fastText's __label__, a folder with seq.in and label, or one file per label, --train pos=FILE,neg=FILE.

Exit status: 0, 1 failure, 2 usage, 65 bad data, 130 after Ctrl-C (129, 143 after SIGHUP, SIGTERM).

Training writes its settings next to the model, MODEL.config.json; --config repeats the run from that file.

--checkpoint writes the state of training every five minutes, or as often as --every says, after Ctrl-C and at the end; --resume
continues from it, with the same data and settings, to the same model byte for byte. One command may have both, at the start and
after an interruption.

--init continues from a model. Words and labels that it lacks are added; --freeze keeps parts of it unchanged.

Example:
  bptt train --config tagger.config.json --seed 2 --out other.safetensors
  bptt train --train train.conllu --dev dev.conllu --test test.conllu --epochs 8 --seed 1 --out tagger.safetensors
  bptt train --init tagger.safetensors --freeze encoders --train new.conllu --dev dev.conllu --out tuned.safetensors
  bptt train --train train.conllu --find-lr --svg rates.svg
  bptt train --train train.conllu --dev dev.conllu --tensorboard runs/first
  bptt train --train train.conllu --dev dev.conllu --checkpoint run.ckpt --every 5m --resume run.ckpt
  bptt train --train train.conllu --dev dev.conllu --card README.md --language en --out tagger.safetensors
  bptt train --column upos,xpos,feats --head-weights feats=0.5 --train train.conllu --dev dev.conllu
  bptt train --task slots-intent --head crf --train snips/train --dev snips/valid --out frames.safetensors
  bptt train --task classify --train pos=good.txt,neg=bad.txt --split 80/10/10 --out sentiment.safetensors`;

/** Adds the command. */
export function addTrain(program: Command, terminal: Terminal): void {
  const command = program
    .command('train')
    .description('train a tagger or a sentence classifier on labeled sentences')
    .addHelpText('after', HELP);
  addConfigOptions(command, terminal);
  addDataOptions(command);
  addModelOptions(command);
  addInitOptions(command);
  addUpdateOptions(command);
  addRunOptions(command);
  addAugmentOptions(command);
  addLossOptions(command);
  command.action(async (options: Options) => {
    const init = await readInit(options, command, terminal);
    return runTrain(withInit(options, command, init), init, terminal, command);
  });
}

function addDataOptions(command: Command): void {
  addRequired(command, '--train <file>', 'labeled sentences to learn from')
    .option('--dev <file>', 'labeled sentences that decide which epoch is best')
    .option('--test <file>', 'labeled sentences scored once, at the end')
    .option(
      '--split <shares>',
      'split --train into train/dev/test by these percentages, such as 80/10/10',
      splitShares,
    );
  addReadingOptions(command, 'format of these files (default: by content)', true);
  command
    .option('--out <file>', 'model file to write', 'model.safetensors')
    .option('--log <file>', 'write a log of JSON lines: start, every epoch, end')
    .option('--tensorboard <folder>', 'write the scalars of every epoch for TensorBoard')
    .option('--card <file>', 'write a model card: data with hashes, settings, scores by type, limits')
    .option('--language <codes>', 'languages of the data, for --card: da, or en,de', languageCodes)
    .option(
      '--find-lr [updates]',
      'suggest a learning rate, by trying growing rates for an epoch; no model is saved',
      updateCount,
    )
    .option('--lr-range <from,to>', 'with --find-lr: first and last rate (default: 1e-5,10)', rateRange)
    .option('--svg <file>', 'with --find-lr: draw the loss over the rates')
    .option('--profile', 'print the time of each phase')
    .option('--quiet', 'print nothing but warnings')
    .option('--json', 'print one JSON object; progress goes to standard error');
}

function addTagOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--head <name>',
      `tag: softmax, each word independently; crf, the labels of a sentence jointly; by column: ner=crf (default: ${String(d.head)})`,
      headChoice,
    )
    .option('--head-weights <list>', 'weights of the losses of heads, such as xpos=0.5 (default: 1 each)', headWeights)
    .option('--best-by <head>', 'the head whose dev score decides which epoch is best (default: the first)')
    .option(
      '--scheme <name>',
      `tag: learn spans in this scheme: ${SCHEMES.join(', ')} (default: as they are)`,
      schemeName,
    )
    .option(
      '--decode <name>',
      'tag: constrained, only label sequences that the scheme permits; free (default: crf: constrained; softmax: free)',
      oneOf('free', 'constrained'),
    );
}

function addModelOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command.option(
    '--task <name>',
    'tag: a label for each word; classify: one for the sentence; slots-intent: both',
    oneOf('tag', 'classify', 'slots-intent'),
    d.task,
  );
  addTagOptions(command);
  command
    .option(
      '--pooling <name>',
      `classify: how a sentence becomes one vector: last, mean, max, attention (default: ${d.pooling})`,
      oneOf('last', 'mean', 'max', 'attention'),
    )
    .option('--cell <cell>', `recurrent cell: ${cellChoices()}`, cellName(), d.cell)
    .option('--hidden <n>', 'hidden size of a layer, per direction', positiveInteger, d.hidden)
    .option('--layers <n>', 'number of recurrent layers', positiveInteger, d.layers)
    .option('--no-bidirectional', 'read sentences from left to right only')
    .option('--residual', 'residual connections: add the input of every layer but the first to its output')
    .option('--dense <n>', 'a dense layer of n tanh units between the recurrent layers and the head', positiveInteger);
  addNoiseOptions(command);
  addWordOptions(command);
  addAffixOptions(command);
  addCharacterOptions(command);
  addVectorOptions(command);
}

function addNoiseOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--dropout <p>', 'dropout on word vectors and layer outputs', dropProbability, d.dropout)
    .option(
      '--dropout-kind <name>',
      `dropout masks: standard, one per word; variational, one per sentence (default: ${d.dropoutKind})`,
      oneOf('standard', 'variational'),
    )
    .option('--recurrent-dropout <p>', 'dropout on the recurrent state, one mask per sentence', dropProbability)
    .option(
      '--zoneout <p>',
      'probability that a state unit keeps its old value: for all states, or by state, h=0.05,c=0.5',
      zoneoutRates,
    );
}

function addWordOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .addOption(
      new Option('--encoders <names>', `how tokens become vectors, concatenated: ${ENCODERS.join(', ')}`)
        .argParser(encoderNames)
        .default(['words'], 'words'),
    )
    .option('--embedding <n>', 'words: size of a word vector', positiveInteger, d.embedding)
    .option('--word-dropout <p>', 'words: probability of hiding a training word', dropProbability, d.wordDropout)
    .option('--min-count <n>', 'words: rarer words are unknown words', positiveInteger, d.minCount)
    .option('--lower-case', 'words: look words up in lower case')
    .option('--no-signatures', 'words: use one vector for all unknown words, whatever their shape and ending');
}

function addAffixOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--affix-size <n>', 'affixes: size of the vectors', positiveInteger, d.affixSize)
    .option('--affix-rows <n>', 'affixes: rows of the table to which they are hashed', positiveInteger, d.affixRows)
    .option('--prefixes <n>', 'affixes: prefixes of 1 to n characters, n up to 10', affixCount, d.prefixes)
    .option('--suffixes <n>', 'affixes: suffixes of 1 to n characters, n up to 10', affixCount, d.suffixes)
    .option(
      '--affix-min-count <n>',
      'affixes: rarer ones share a vector with unseen ones',
      positiveInteger,
      d.affixMinCount,
    )
    .option(
      '--affix-dropout <p>',
      'affixes: probability of hiding those that identify a training word; needs --affix-min-count',
      dropProbability,
      d.affixDropout,
    );
}

function addCharacterOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--characters <name>',
      'characters: lstm, in both directions; cnn, convolution and maximum',
      oneOf('lstm', 'cnn'),
      d.characters,
    )
    .option(
      '--character-unit <name>',
      'characters: unit, code-point or grapheme',
      oneOf('code-point', 'grapheme'),
      d.characterUnit,
    )
    .option(
      '--character-embedding <n>',
      'characters: size of a character vector',
      positiveInteger,
      d.characterEmbedding,
    )
    .option('--character-size <n>', 'characters: size of a word vector', positiveInteger, d.characterSize)
    .option('--character-window <n>', 'characters: window of a cnn filter', positiveInteger, d.characterWindow);
}

function addVectorOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--vectors <file>',
      'vectors: pretrained file: GloVe, word2vec text or binary, fastText .vec; plain or gzip',
    )
    .option(
      '--vectors-keep <n>',
      'vectors: keep the first n, or all, besides those of words in the data',
      keptVectors,
      VECTORS_KEPT,
    )
    .option(
      '--vectors-mode <name>',
      'vectors: frozen, as in the file; tuned, trained too',
      oneOf('frozen', 'tuned'),
      d.vectorsMode,
    )
    .option('--vectors-size <n>', 'vectors: output size of the linear map', positiveInteger, d.vectorsSize)
    .option(
      '--vectors-digits <name>',
      'vectors: as a last resort, look words up with 0 or # for every digit',
      oneOf(...VECTOR_DIGITS),
      d.vectorsDigits,
    );
}

function addUpdateOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--optimizer <name>', 'adam, adamw or sgd', oneOf('adam', 'adamw', 'sgd'), d.optimizer)
    .option('--lr <x>', 'learning rate (default: by size, or 0.003; sgd: 0.5)', positiveNumber)
    .option('--beta2 <x>', 'adam, adamw: decay of the mean of squared gradients (default: 0.999)', dropProbability)
    .option('--epsilon <x>', 'adam, adamw: constant added to its root (default: 1e-8)', positiveNumber)
    .option('--weight-decay <x>', 'decay of the weights towards 0 (default: adamw 0.01; others 0)', nonNegativeNumber)
    .option(
      '--schedule <form>',
      'constant, warmup:STEPS, cosine[:STEPS[,WARMUP[,FLOOR]]], hold:SHARE[,FLOOR], plateau:FACTOR,PATIENCE',
      d.schedule,
    )
    .option(
      '--epochs <n>',
      `passes over the training sentences (default: by size; with --batch or --lr: ${d.epochs})`,
      positiveInteger,
    )
    .option(
      '--batch <n>',
      `sentences per update (default: by size; with --epochs or --lr: ${d.batch})`,
      positiveInteger,
    )
    .option('--clip <x>', 'clip gradients to this norm, or none', clipNorm, d.clip)
    .option('--truncate <k1,k2>', 'truncated BPTT: every k1 steps, k2 steps back (default: full BPTT)', truncation)
    .option('--strict-labels', 'refuse labels of dev or test that training lacks; by default they count as errors')
    .option(
      '--span-mode <name>',
      `how spans of dev and test are read: ${SPAN_MODES.join(', ')}`,
      oneOf(...SPAN_MODES),
      d.spanMode,
    )
    .option('--patience <n>', 'stop after n epochs without a better dev score', positiveInteger, d.patience);
}

function addRunOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--seed <n>', 'seed of everything random', integer, d.seed)
    .option(
      '--seeds <n>',
      'train n times, with --seed and the seeds that follow: mean ± sd; the best model is kept',
      seedCount,
    )
    .option(
      '--ensemble <n>',
      'train n models, with --seed and the seeds that follow, into one file; their probabilities are averaged',
      memberCount,
    )
    .option(
      '--threads <n>',
      'threads that share each batch, or auto: one per core if measured to be faster',
      threadCount,
      1,
    );
  addCheckpointOptions(command);
  addBackendOption(command);
}

function addAugmentOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--augment-case <p>',
      'probability of reading a training sentence in another case: lower, or a capital at every word',
      dropProbability,
      d.augmentCase,
    )
    .option(
      '--augment-mentions <p>',
      'spans: probability of reading another mention of training, or made-up words, in the place of one',
      dropProbability,
      d.augmentMentions,
    );
}

function addLossOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option(
      '--preset <name>',
      `a recipe for a kind of task: ${PRESETS.join(', ')}; other options override it`,
      oneOf(...PRESETS),
    )
    .option(
      '--ema <decay>',
      'evaluate and save a moving average of the weights, such as 0.999 (default: none)',
      averageDecay,
    )
    .option(
      '--class-weights <w>',
      'weights of the labels in the loss: balanced, LABEL=W,…, or a .json file (default: 1 each)',
      classWeights,
    )
    .option(
      '--label-smoothing <x>',
      'share of each target that is spread over all labels',
      dropProbability,
      d.labelSmoothing,
    )
    .option(
      '--adversarial <x>',
      'learn every sentence a second time, its vectors moved the way that hurts most, by this share of their norm, such as 0.07',
      nonNegativeNumber,
      d.adversarial,
    )
    .option(
      '--outside-bias <d>',
      'spans: add d to the logit of O after training, below 0 for more spans; dev: the d with the best F1 on dev (default: 0)',
      outsideBias,
    );
}

/** @throws ArgumentError if options conflict */
export function checkSettings(options: Options, preset: string | undefined, command: Command): void {
  parseSchedule(options.schedule);
  checkSplit(options);
  checkPooling(options);
  checkTagOptions(options);
  checkUpdates(options);
  checkEncoders(options, command);
  checkRuns(options);
  checkOutside(options);
  checkCheckpoint(options);
  if (preset === undefined) checkBodyOptions(options); // a preset determines the number of layers once the data are read
}

/** @throws ArgumentError if options conflict, or an output cannot be written, before minutes of reading */
async function checkTogether(options: Options, preset: string | undefined, command: Command): Promise<void> {
  checkSettings(options, preset, command);
  const { out, log, card, svg, findLr, tensorboard, checkpoint } = options;
  if (findLr !== undefined || svg !== undefined || options.lrRange !== undefined)
    (await import('./train/find-lr.js')).checkFindLr(options, command);
  if (tensorboard !== undefined) (await import('./train/tensorboard.js')).checkScalarFolder(tensorboard);
  const inputs = inputsOf(options).map(({ path }) => path);
  if (findLr !== undefined) return checkOutputs({ '--svg': svg }, [options.config, ...inputs]);
  const config = configPlace(options, out);
  const isAsked = typeof options.saveConfig === 'string';
  await checkOutputs(
    {
      '--out': out,
      '--log': log,
      '--card': card,
      '--checkpoint': checkpoint,
      ...(isAsked ? { '--save-config': config } : { 'the configuration beside --out,': config }),
    },
    [...(isAsked ? [options.config] : []), await resumeInput(options), ...inputs],
  );
}

/** The files that training reads, and their purposes. */
function inputsOf({ task, vectors, init, cell, classWeights: weights, ...options }: Options): Input[] {
  const corpora = (['train', 'dev', 'test'] as const).flatMap((role) =>
    pathsOf(options[role], task).map((path) => ({ role, path })),
  );
  const ofWeights = typeof weights === 'string' && weights !== 'balanced' ? weights : undefined;
  const others = Object.entries({ init, vectors, cell: fileOfCell(cell), 'class weights': ofWeights });
  return [...corpora, ...others.flatMap(([role, path]) => (path === undefined ? [] : [{ role, path }]))];
}

/** Prepares a model card if one is requested; its code is loaded only then. @throws ArgumentError if it would be ignored */
async function prepareCard(options: Options): Promise<Card | undefined> {
  if (options.card === undefined && options.language !== undefined)
    throw new ArgumentError('--language goes into a model card: leave it out, or add --card FILE');
  if (options.card === undefined) return undefined;
  const { openCard } = await import('./card/card.js');
  return openCard(options.card, options, inputsOf(options));
}

async function runTrain(asked: Options, init: Model | undefined, terminal: Terminal, command: Command): Promise<void> {
  const { options: early } = settle(asked, command, {}, init);
  await checkTogether(early, asked.preset, command);
  const card = await prepareCard(early);
  const cell = await openCell(early.cell, terminal);
  const progress = early.quiet ? silent : createProgress(terminal.stderr, terminal.now);
  const warnings = collectWarnings(early.quiet ? (text) => void terminal.stderr.write(`${text}\n`) : progress.line);
  const selection = await openTrainBackend(early, terminal, progress);
  const { kernels } = selection;
  const resume = await readResume(early, progress.line);
  const corpora = await readCorpora(early, warnings, init?.input);
  const { options, decided } = settle(asked, command, corpora, init);
  checkBodyOptions(options);
  const pretrained = await readTrainVectors(options, corpora, warnings, progress, terminal.now);
  const log = options.findLr === undefined ? await openLog(options, progress, resume !== undefined) : null;
  const checkpoints = checkpointWriter(options, progress === silent ? (text) => void terminal.stderr.write(`bptt: ${text}\n`) : progress.line); // prettier-ignore
  const interrupt = watchInterrupt();
  try {
    progress.line(`${describeCorpora(corpora)}; ${describeInput(corpora)}; backend ${describeBackend(selection)}`);
    if (decided) progress.line(describeDecided(decided));
    [...(pretrained?.lines ?? []), ...checkpointLines(options)].forEach(progress.line);
    const onward = tellInit(init, options, progress.line);
    const start = { event: 'start', ...options, decided, input: corpora.input, backend: kernels.backend };
    if (resume === undefined) log?.write(start);
    const [profiled, begun] = [options.profile ? profile(kernels) : undefined, performance.now()];
    const hooks = { ...reporters(options, terminal, progress, log, start), ...checkpoints.hooks, ...onward.hooks, onNote: warnings.add, signal: interrupt.signal }; // prettier-ignore
    const given = { ...options, ...(await readClassWeights(options)), cell, init, vectors: pretrained?.vectors, ...columnsOf(corpora), resume }; // prettier-ignore
    if (options.findLr !== undefined)
      return await (await import('./train/find-lr.js')).runFindLr(given, { selection, corpora, progress, warnings, terminal, interrupt }); // prettier-ignore
    const outcome = await trainAndSave(profiled?.kernels ?? kernels, corpora, given, hooks);
    const beside = await saveBeside(outcome, options, corpora, kernels.backend, command, warnings, card);
    const times = profiled && { phases: profiled.phases(), seconds: (performance.now() - begun) / 1000 };
    progress.stop();
    const told = reportOf(outcome, options, kernels.backend, warnings.notes, times, pretrained);
    const report = { ...told, ...beside, decided, ...onward.report() };
    log?.write({ event: 'end', ...report });
    await tell(terminal, options, outcome, report, times, beside);
    expectWhole(outcome, options, interrupt.exitCode(), log, checkpoints);
  } finally {
    interrupt.release();
    progress.stop();
    log?.close();
    kernels.dispose();
  }
}

/** @throws InterruptedError after a signal; BpttError if the log, or the last checkpoint, could not be written */
function expectWhole(
  outcome: Outcome,
  options: Options,
  exitCode: number,
  log: TrainLog | null,
  checkpoints: CheckpointWriter,
): void {
  const failure = checkpoints.failure();
  if ((outcome.seeds ?? outcome.result).interrupted) throw interruption(outcome, options, exitCode, failure === null);
  const incomplete = log?.failure() ?? failure;
  if (incomplete)
    throw new BpttError(`${incomplete.message}; the model was saved to ${options.out}`, { cause: incomplete });
}

/** The result of training; with several seeds, that of the best one. */
interface Outcome {
  readonly result: TrainResult;
  readonly saved: boolean;
  readonly seeds?: SeedsResult;
  /** Present for an ensemble; `seeds` are then its members. */
  readonly ensemble?: EnsembleResult;
}

/** Trains, once or with several seeds, and writes the model. */
async function trainAndSave(
  kernels: Kernels,
  corpora: Corpora,
  options: ThreadedOptions & Pick<Options, 'seeds' | 'ensemble'>,
  hooks: SeedHooks,
): Promise<Outcome> {
  if (options.seeds !== undefined) {
    const { seeds, saved } = await trainSeedsOrRescue(kernels, corpora, options, options.seeds, hooks);
    return { result: seeds.best, saved, seeds };
  }
  if (options.ensemble !== undefined) {
    const { ensemble, saved } = await trainEnsembleOrRescue(kernels, corpora, options, options.ensemble, hooks);
    return { result: ensembleResult(ensemble), saved, seeds: ensemble.members, ensemble };
  }
  const { onThreads, onSpans, onGrown, onProgress, onEpoch, onNote, signal, onCheckpoint, checkpointEvery, onResume } =
    hooks;
  const own = {
    onThreads,
    onSpans,
    onGrown,
    onProgress,
    onEpoch,
    onNote,
    signal,
    onCheckpoint,
    checkpointEvery,
    onResume,
  };
  const result = await trainOrRescue(kernels, corpora, options, own);
  return { result, saved: await saveResult(options.out, result) };
}

/** Writes the settings next to the saved model. @returns their path; null if they were not written */
async function saveSettings(
  { result, saved }: Outcome,
  options: Options,
  backend: string,
  command: Command,
  warnings: NoteCollector,
): Promise<string | null> {
  const path = configPlace(options, options.out);
  if (path === undefined || !saved) return null;
  const text = settingsText(path, result, options, backend, command);
  const refused = await saveConfig(path, text, options, options.out);
  if (refused !== undefined) warnings.add({ kind: 'config-left', message: refused, source: path });
  return refused === undefined ? path : null;
}

/** The settings of a run in the form of a configuration file. @param path location of the file, to which its paths are relative */
function settingsText(path: string, { threads }: TrainResult, options: Options, backend: string, command: Command) {
  return configText(path, command, resolvedSettings(options, backend, threads), OPTIONS_OF);
}

/** Paths of the files next to a model; null if they were not written. */
interface Beside {
  readonly config: string | null;
  readonly card: string | null;
}

/** Writes the settings next to a saved model, and its card if requested. */
async function saveBeside(
  outcome: Outcome,
  options: Options,
  corpora: Corpora,
  backend: string,
  command: Command,
  warnings: NoteCollector,
  card: Card | undefined,
): Promise<Beside> {
  const config = await saveSettings(outcome, options, backend, command, warnings);
  if (card === undefined || !outcome.saved) return { config, card: null };
  const path = options.card!;
  const settings = settingsText(path, outcome.result, options, backend, command);
  await card.write({ ...outcome, corpora, settings, backend, notes: warnings.notes });
  return { config, card: path };
}

/** The result fields of an ensemble: its own scores, and sums over its members. */
function ensembleResult({ model, dev, test, members: { best, runs } }: EnsembleResult): TrainResult {
  const count = Math.max(1, runs.length);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  return { ...best, model, dev, test, seconds, parameters: count * best.parameters };
}

/** The results of `--profile`. */
interface Times {
  readonly phases: readonly Phase[];
  readonly seconds: number;
}

/** The end of a training, on standard output. */
async function tell(
  terminal: Terminal,
  options: Options,
  { result, saved, seeds, ensemble }: Outcome,
  report: object,
  times: Times | undefined,
  { config, card }: Beside,
): Promise<void> {
  if (options.json) return printJson(terminal, report);
  if (options.quiet) return;
  const out = saved ? options.out : null;
  const several = ensemble ? describeEnsemble(ensemble, result.parameters, out) : seeds && describeSeeds(seeds, out);
  const text = several && seeds?.runs.length ? several : describe(result, options, saved);
  const files = Object.entries({ config, card }).flatMap(([name, path]) => (path === null ? [] : [`\n${name.padEnd(8)}${visible(path)}`])); // prettier-ignore
  await print(terminal, text + files.join(''));
  if (times) await print(terminal, profileTable(times.phases, times.seconds));
}

/** Opens the backend for training. A lost device is reported even with --quiet. */
function openTrainBackend(
  { backend, threads, quiet }: Options,
  { stderr }: Terminal,
  progress: Progress,
): Promise<Selection> {
  const onLost = (error: DeviceError): void => {
    const message = lossMessage(error);
    if (quiet) stderr.write(`bptt: ${message}\n`);
    else progress.line(message);
  };
  return selectOnMachine(backend, onLost, { threads });
}

/** The log entry of an epoch. @param seed the seed, if there are several */
function epochEntry(record: EpochRecord, seed: number | undefined): object {
  return { event: 'epoch', ...(seed !== undefined && { seed }), ...record, dev: headSummary(record.dev) };
}

/** Reports the progress of training to people and to the log. */
function reporters(
  options: Options,
  terminal: Terminal,
  progress: Progress,
  log: TrainLog | null,
  start: object,
): SeedHooks {
  const colors = colorsFor(terminal.stderr, terminal.env);
  const count = options.seeds ?? options.ensemble;
  let now = { place: 0, seed: options.seed };
  let course = NO_COURSE;
  const entryOf = (record: EpochRecord): object => epochEntry(record, count === undefined ? undefined : now.seed);
  return {
    onResume({ history, ...place }) {
      progress.line(resumedLine(options.resume!, place, options.epochs));
      course = history.reduce(courseAfter, NO_COURSE);
      const event = { event: 'resume', from: options.resume, ...place };
      log?.resume([start, ...history.map(entryOf), event], history.length);
    },
    onThreads: (choice) => describeThreads(choice, options.threads, availableParallelism()).forEach(progress.line),
    onSpans: (plan) => progress.line(spansLine(plan)),
    onSeed(seed, place) {
      now = { place, seed };
      course = NO_COURSE;
    },
    onProgress: (state) =>
      progress.update(progressOf(state, course, { place: now.place, count: count ?? 1 }, terminal.stderr.isTTY)),
    onRun(run) {
      progress.line(seedRow(run));
      log?.write({ event: 'run', ...run, dev: headSummary(run.dev), test: headSummary(run.test) });
    },
    onEpoch({ model: _model, ...record }) {
      course = courseAfter(course, record);
      const line = epochLine(record, options.epochs, colors);
      progress.line(count === undefined ? line : `seed ${now.seed}  ${line}`);
      log?.write(entryOf(record));
    },
  };
}

/** Opens the destinations for JSON Lines and for TensorBoard scalars. The code of the latter is loaded only if requested. */
async function openLog({ log, tensorboard }: Options, progress: Progress, resumes: boolean): Promise<TrainLog | null> {
  const onFailure = ({ message }: BpttError): void =>
    progress.line(visible(`${message}; the training goes on without it`));
  const scalars = tensorboard === undefined ? null : (await import('./train/tensorboard.js')).openScalars(tensorboard, onFailure); // prettier-ignore
  const lines = log === undefined ? null : openTrainLog(log, onFailure, resumes);
  if (scalars === null || lines === null) return scalars ?? lines;
  return {
    write(entry) {
      lines.write(entry);
      scalars.write(entry);
    },
    resume(entries, epochs) {
      lines.resume(entries, epochs);
      scalars.resume(entries, epochs);
    },
    failure: () => lines.failure() ?? scalars.failure(),
    close() {
      lines.close();
      scalars.close();
    },
  };
}

/** @throws ArgumentError if two options give the number of runs */
function checkRuns({ seeds, ensemble }: Options): void {
  if (seeds === undefined || ensemble === undefined) return;
  throw new ArgumentError(
    '--seeds and --ensemble both train several times, one to compare the models and one to join them: leave one of the two out',
  );
}

/** @throws ArgumentError if there is no development set to choose the bias on */
function checkOutside({ outsideBias: bias, dev, split }: Options): void {
  if (bias !== 'dev' || dev !== undefined || split !== undefined) return;
  throw new ArgumentError(
    '--outside-bias dev is chosen on a development set, and there is none: add --dev FILE, or give a number',
  );
}

/** @throws ArgumentError if the pooling method would be ignored */
function checkPooling({ task, pooling }: Options): void {
  if (task !== 'tag' || pooling === undefined) return;
  throw new ArgumentError('--pooling means nothing to --task tag: leave it out, or add --task classify');
}

/** @throws ArgumentError if an option about the labels of words would be ignored */
function checkTagOptions(options: Options): void {
  if (options.task !== 'classify') return;
  const names = ['head', 'scheme', 'decode', 'outsideBias', 'augmentMentions'] as const;
  const given = names.find((name) => (name === 'augmentMentions' ? options[name] : options[name] !== undefined));
  if (given) {
    const flag = given.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new ArgumentError(`--${flag} means nothing to --task ${options.task}: leave it out`);
  }
  if (options.spanMode !== 'conlleval')
    throw new ArgumentError(`--span-mode ${options.spanMode} means nothing to --task ${options.task}: leave it out`);
}

/** @throws ArgumentError if an option about updates or the loss would be ignored */
function checkUpdates({ optimizer, head, labelSmoothing = 0, ...options }: Options): void {
  const given = (['beta2', 'epsilon'] as const).find((name) => options[name] !== undefined);
  if (optimizer === 'sgd' && given) {
    throw new ArgumentError(`--${given} means nothing to --optimizer sgd: leave it out, or choose adam or adamw`);
  }
  const heads = typeof head === 'object' ? Object.values(head) : [head];
  const isByHead = typeof head === 'object' && options.classWeights !== 'balanced';
  const ofSoftmax = labelSmoothing > 0 ? 'label-smoothing' : options.classWeights && !isByHead && 'class-weights';
  if (!heads.includes('crf') || !ofSoftmax) return;
  throw new ArgumentError(`--${ofSoftmax} means nothing to --head crf: leave it out, or add --head softmax`);
}

/** Class weights in the form that training takes; weights in a file are read. @throws DataError if the file has other contents */
async function readClassWeights({
  classWeights: weights,
}: Options): Promise<Required<Pick<TrainOptions, 'classWeights'>> | { classWeights: undefined }> {
  if (typeof weights !== 'string' || weights === 'balanced') return { classWeights: weights };
  const path = inputName(weights);
  const text = new TextDecoder().decode(await readBytes(weights));
  const read = named(path, () => parseUniqueJson(text, 'class weights'));
  if (typeof read === 'object' && read !== null && !Array.isArray(read))
    return { classWeights: read as TrainOptions['classWeights'] };
  throw new DataError(`${path}: expected an object of weights by label, {"B-PER": 2}, or by head; got another value`);
}

/** @throws ArgumentError if an option about the layers would be ignored */
function checkBodyOptions({ dropout, dropoutKind, residual, layers, dense, pooling, bidirectional }: Options): void {
  if (dropoutKind === 'variational' && dropout === 0) {
    throw new ArgumentError(
      '--dropout-kind variational means nothing without dropout: leave it out, or raise --dropout',
    );
  }
  if (residual && layers === 1) {
    throw new ArgumentError('--residual means nothing to one layer: leave it out, or add --layers 2');
  }
  if (dense && pooling === 'last' && bidirectional) {
    throw new ArgumentError(
      '--pooling last takes a half of each direction, and behind --dense there are none: take another pooling, or add --no-bidirectional',
    );
  }
}

/** The decisions about span labels, in one line. */
function spansLine({ head, data, evidence, learned, constrained }: SpanPlan): string {
  const other = learned === data ? '' : `, learned as ${learned} and given back as ${data}`;
  return `${head === undefined ? '' : `${head}: `}labels ${data} (${evidence})${other}; ${constrained ? 'only transitions that it permits' : 'all transitions'}`;
}

/** Options that only one encoder reads, by encoder name. */
export const OPTIONS_OF: Readonly<Record<EncoderName, readonly string[]>> = {
  words: ['embedding', 'wordDropout', 'minCount', 'lowerCase', 'signatures'],
  affixes: ['affixSize', 'affixRows', 'prefixes', 'suffixes', 'affixMinCount', 'affixDropout'],
  characters: ['characters', 'characterUnit', 'characterEmbedding', 'characterSize', 'characterWindow'],
  vectors: ['vectors', 'vectorsKeep', 'vectorsMode', 'vectorsSize', 'vectorsDigits'],
};

/** Default of --vectors-keep: the number of rows in a common spaCy model. */
const VECTORS_KEPT = 20_000;

/** @throws ArgumentError if an option would be ignored because its encoder, or its network, is absent */
function checkEncoders(options: Options, command: Command): void {
  const { encoders, characters, characterSize, vectors, init, affixDropout = 0, affixMinCount } = options;
  const given = (names: readonly string[]) =>
    command.options.find((each) => {
      const name = each.attributeName();
      return names.includes(name) && isGiven(command, name);
    });
  for (const name of ENCODERS) {
    const option = encoders.includes(name) ? undefined : given(OPTIONS_OF[name]);
    if (option === undefined) continue;
    throw new ArgumentError(
      `${option.long} means nothing without the encoder ${name}: leave it out, or add ${name} to --encoders`,
    );
  }
  if (encoders.includes('vectors') && vectors === undefined && init === undefined) {
    throw new ArgumentError('--encoders vectors needs a file of vectors: add --vectors FILE, or leave vectors out');
  }
  if (affixDropout > 0 && affixMinCount === 1 && init === undefined) {
    throw new ArgumentError(
      '--affix-dropout reads affixes as rare ones, and none are rare: add --affix-min-count 2, or leave it out',
    );
  }
  if (!encoders.includes('characters') || characters === 'cnn') return;
  if (given(['characterWindow'])) {
    throw new ArgumentError(
      '--character-window means nothing to --characters lstm: leave it out, or add --characters cnn',
    );
  }
  if (characterSize % 2 === 0) return;
  throw new ArgumentError(
    `--character-size must be even for --characters lstm, one half for each direction; got ${characterSize}: make it even`,
  );
}

/** The object of `--json`. */
function reportOf(
  { result, saved, seeds, ensemble }: Outcome,
  { seed, out, checkpoint }: Options,
  backend: string,
  warnings: readonly object[],
  times: Times | undefined,
  pretrained: TrainVectors | undefined,
): object {
  const { dev, test, epochs, bestEpoch, seconds, tokensPerSecond, parameters, threads } = result;
  return {
    dev: headSummary(dev),
    test: headSummary(test),
    epochs,
    bestEpoch,
    seconds,
    tokensPerSecond,
    parameters,
    backend,
    threads,
    seed,
    outsideBias: result.outsideBias,
    model: saved ? out : null,
    warnings,
    ...(seeds && seedsFields(seeds)),
    ...(ensemble && { seed, ensemble: seeds!.runs.length }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(pretrained && { vectors: pretrained.report }),
    ...(times && { profile: sharesOf(times.phases, times.seconds) }),
  };
}

function describe(result: TrainResult, { out }: Options, saved: boolean): string {
  const { dev, test, epochs, bestEpoch, seconds, tokensPerSecond, parameters } = result;
  const lines = [
    `epochs  ${epochs}, best ${bestEpoch}, ${formatDuration(seconds)}, ${formatRate(tokensPerSecond)} tokens/s`,
    `model   ${saved ? visible(out) : 'not saved'}, ${grouped(parameters)} parameters`,
  ];
  lines.push(...outsideLines(result.outsideBias));
  if (dev) lines.push(...scoreLines('dev', dev));
  if (test) lines.push(...scoreLines('test', test));
  return lines.join('\n');
}

function interruption(
  { result, saved, seeds, ensemble }: Outcome,
  { out, checkpoint }: Options,
  exitCode: number,
  isResumable: boolean,
): InterruptedError {
  if (ensemble && seeds?.runs.length) {
    const finished = seeds.runs.length;
    const message = `interrupted after ${counted(finished, 'member')}; ${membersSaved(finished, out)}`;
    return new InterruptedError(message, exitCode);
  }
  if (seeds?.runs.length) {
    const kept = `the best model so far, of seed ${seeds.bestSeed}, was saved to ${out}`;
    return new InterruptedError(`interrupted after ${counted(seeds.runs.length, 'seed')}; ${kept}`, exitCode);
  }
  const when = result.bestEpoch > 0 ? '' : ' in the first epoch';
  const next = checkpoint === undefined || !isResumable ? '' : `; go on from here with --resume ${checkpoint}`;
  return new InterruptedError(`interrupted${when}; ${whatWasSaved(result, out, saved)}${next}`, exitCode);
}
