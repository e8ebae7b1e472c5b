/**
 * `bptt train`: from labeled files to a model file.
 *
 * Reading order: the first stop; next stop labeling/training/train.ts.
 */
import type { Command } from 'commander';
import { lossMessage, profile } from '../kernels/index.js';
import type { Kernels, Selection } from '../kernels/index.js';
import type { Model } from '../labeling/model/model.js';
import type { Corpora } from '../labeling/training/run.js';
import type { SeedHooks } from '../labeling/training/seeds.js';
import { hooksOfOneRun } from '../labeling/training/seeds.js';
import type { DeviceError } from '../tensor/index.js';
import { selectOnMachine } from '../kernels/select.node.js';
import { describeBackend } from './backend.js';
import { addConfigOptions } from './config.js';
import { watchInterrupt } from './interrupt.js';
import { openCell } from './own-cell.js';
import type { Progress } from './progress.js';
import { createProgress, silent } from './progress.js';
import type { Terminal } from './terminal.js';
import { columnsOf, describeInput, readCorpora } from './corpora.js';
import { collectWarnings } from './warnings.js';
import { checkpointLines, checkpointWriter, readResume } from './train/checkpoint.js';
import { addInitOptions, readInit, tellInit, withInit } from './train/init.js';
import type { ThreadedOptions } from './train/rescue.js';
import { saveResult, trainEnsembleOrRescue, trainOrRescue, trainSeedsOrRescue } from './train/rescue.js';
import { readTrainVectors } from './train/vectors.js';
import { describeDecided, settle } from './train/settings.js';
import { describeCorpora } from './train/report.js';
import { addDataOptions } from './train/options/data.js';
import { addTaskOptions } from './train/options/task.js';
import { addBodyOptions, checkBodyOptions } from './train/options/body.js';
import { addEncoderOptions } from './train/options/encoders.js';
import { addUpdateOptions } from './train/options/updates.js';
import { addRunOptions } from './train/options/runs.js';
import { addAugmentOptions, addLossOptions } from './train/options/loss.js';
import type { TrainCommandOptions as Options } from './train/options.js';
import { checkTogether } from './train/checks.js';
import { prepareCard, saveBeside } from './train/beside.js';
import { openLogs } from './train/logs.js';
import { reporters } from './train/reporters.js';
import { readClassWeights } from './train/inputs.js';
import { expectWhole, reportOf, tell } from './train/end.js';
import type { Outcome } from './train/outcome.js';
import { ensembleResult } from './train/outcome.js';

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
  addTaskOptions(command);
  addBodyOptions(command);
  addEncoderOptions(command);
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

/** Runs the command: checks, backend, corpora, training, files, report. */
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
  const log = options.findLr === undefined ? await openLogs(options, progress, resume !== undefined) : null;
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
  const result = await trainOrRescue(kernels, corpora, options, hooksOfOneRun(hooks));
  return { result, saved: await saveResult(options.out, result) };
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
