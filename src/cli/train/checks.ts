/** Rejects options of `bptt train` that conflict, would be ignored, or name an output that cannot be written. */
import type { Command } from 'commander';
import { parseSchedule } from '../../optim/index.js';
import { configPlace } from '../config.js';
import { checkOutputs } from '../outputs.js';
import { checkSplit } from '../corpora.js';
import { checkCheckpoint, resumeInput } from './checkpoint.js';
import type { TrainCommandOptions as Options } from './options.js';
import { checkPooling, checkTagOptions } from './options/task.js';
import { checkUpdates } from './options/updates.js';
import { checkLoss, checkOutside } from './options/loss.js';
import { checkEncoders } from './options/encoders.js';
import { checkRuns } from './options/runs.js';
import { checkBodyOptions } from './options/body.js';
import { inputsOf } from './inputs.js';

/** @throws ArgumentError if options conflict */
export function checkSettings(options: Options, preset: string | undefined, command: Command): void {
  parseSchedule(options.schedule);
  checkSplit(options);
  checkPooling(options);
  checkTagOptions(options);
  checkUpdates(options);
  checkLoss(options);
  checkEncoders(options, command);
  checkRuns(options);
  checkOutside(options);
  checkCheckpoint(options);
  if (preset === undefined) checkBodyOptions(options); // a preset determines the number of layers once the data are read
}

/** @throws ArgumentError if options conflict, or an output cannot be written, before minutes of reading */
export async function checkTogether(options: Options, preset: string | undefined, command: Command): Promise<void> {
  checkSettings(options, preset, command);
  const { out, log, card, svg, findLr, tensorboard, checkpoint } = options;
  if (findLr !== undefined || svg !== undefined || options.lrRange !== undefined)
    (await import('./find-lr.js')).checkFindLr(options, command);
  if (tensorboard !== undefined) (await import('./tensorboard.js')).checkScalarFolder(tensorboard);
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
      ...(isAsked ? { '--save-config': config } : { 'the configuration next to --out,': config }),
    },
    [...(isAsked ? [options.config] : []), await resumeInput(options), ...inputs],
  );
}
