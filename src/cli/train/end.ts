/** The end of a training: its report for people and for scripts, and how it may have ended early. */
import type { Phase } from '../../kernels/index.js';
import type { TrainResult } from '../../labeling/training/record.js';
import { BpttError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { InterruptedError } from '../failure.js';
import { formatDuration, formatRate } from '../progress.js';
import { headSummary, scoreLines } from '../head-report.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';
import type { CheckpointWriter } from './checkpoint.js';
import { profileTable, sharesOf } from './profile-report.js';
import { outsideLines } from './outside-report.js';
import { membersSaved, whatWasSaved } from './rescue.js';
import { describeEnsemble, describeSeeds, seedsFields } from './seeds-report.js';
import type { TrainLog } from './log.js';
import type { TrainVectors } from './vectors.js';
import type { TrainCommandOptions as Options } from './options.js';
import { sizeOfModel, type Outcome } from './outcome.js';
import type { Beside } from './beside.js';

/** The results of `--profile`. */
interface Times {
  readonly phases: readonly Phase[];
  readonly seconds: number;
}

/** The end of a training, on standard output. */
export async function tell(
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

/** The object of `--json`. */
export function reportOf(
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

/** The scores and sizes, for people. */
function describe(result: TrainResult, { out }: Options, saved: boolean): string {
  const { dev, test, epochs, bestEpoch, seconds, tokensPerSecond } = result;
  const lines = [
    `epochs  ${epochs}, best ${bestEpoch}, ${formatDuration(seconds)}, ${formatRate(tokensPerSecond)} tokens/s`,
    `model   ${saved ? visible(out) : 'not saved'}, ${sizeOfModel(result)}`,
  ];
  lines.push(...outsideLines(result.outsideBias));
  if (dev) lines.push(...scoreLines('dev', dev));
  if (test) lines.push(...scoreLines('test', test));
  return lines.join('\n');
}

/** @throws InterruptedError after a signal; BpttError if the log, or the last checkpoint, could not be written */
export function expectWhole(
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

/** The error of a training that a signal ended: what was saved, and how to go on. */
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
  const next = checkpoint === undefined || !isResumable ? '' : `; continue from here with --resume ${checkpoint}`;
  return new InterruptedError(`interrupted${when}; ${whatWasSaved(result, out, saved)}${next}`, exitCode);
}
