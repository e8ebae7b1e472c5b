/** `bptt train --checkpoint`, `--every` and `--resume`: training that survives interruptions. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { readCheckpoint } from '../../labeling/training/checkpoint.js';
import type { CheckpointInterval, TrainHooks, TrainPlace } from '../../labeling/training/record.js';
import { saveFile, targetOf } from '../../serialize/save.node.js';
import { ArgumentError, BpttError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import { counted } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { checkpointInterval } from '../arguments.js';
import { named, readBytes } from '../model-io.js';

/** Command-line options. */
export interface CheckpointOptions {
  readonly checkpoint?: string;
  readonly every?: CheckpointInterval;
  readonly resume?: string;
}

/** Default of `--every`. */
const EVERY: CheckpointInterval = { seconds: 300 };

/** Adds the options. */
export function addCheckpointOptions(command: Command): void {
  command
    .option('--checkpoint <file>', 'write checkpoints at intervals, from which --resume continues')
    .option(
      '--every <interval>',
      'with --checkpoint: how often, 30s, 5m, 2h, or 100u for updates (default: 5m)',
      checkpointInterval,
    )
    .option('--resume <file>', 'continue from a checkpoint; if the file does not exist yet, start from the beginning');
}

/** @throws ArgumentError if an option would be ignored, or if checkpoints are requested for several runs */
export function checkCheckpoint(
  options: CheckpointOptions & { readonly seeds?: number; readonly ensemble?: number },
): void {
  const { checkpoint, every, resume, seeds, ensemble } = options;
  if (every !== undefined && checkpoint === undefined)
    throw new ArgumentError('--every has no effect without --checkpoint: leave it out, or add --checkpoint FILE');
  if (resume === '' || resume === '-')
    throw new ArgumentError(`--resume must name a file; got ${resume === '' ? 'an empty name' : '"-"'}: pass one`);
  const several = seeds !== undefined ? '--seeds' : ensemble !== undefined ? '--ensemble' : undefined;
  const given = checkpoint !== undefined ? '--checkpoint' : resume !== undefined ? '--resume' : undefined;
  if (several === undefined || given === undefined) return;
  throw new ArgumentError(
    `${given} applies to a single run, and ${several} starts several: leave one of the two out, or train each --seed separately`,
  );
}

/** The file of `--resume` as an input, unless it is also the output: reading and writing the same file is allowed. */
export async function resumeInput({ checkpoint, resume }: CheckpointOptions): Promise<string | undefined> {
  if (checkpoint === undefined || resume === undefined) return resume;
  return (await targetOf(checkpoint)) === (await targetOf(resume)) ? undefined : resume;
}

/**
 * The bytes to resume from; undefined, with a message, if there are none yet.
 *
 * @throws DataError, starting with the path, if the file is not a complete checkpoint
 */
export async function readResume(
  { resume }: CheckpointOptions,
  line: (text: string) => void,
): Promise<Uint8Array | undefined> {
  if (resume === undefined) return undefined;
  const isThere = await stat(resume).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  if (!isThere) {
    line(visible(`no checkpoint ${resume} yet: starting from the beginning`));
    return undefined;
  }
  const bytes = await readBytes(resume);
  named(resume, () => readCheckpoint(bytes));
  return bytes;
}

/** The point where training resumes, in one line. */
export function resumedLine(
  path: string,
  { epoch, batch, batches, updates, between, finished }: TrainPlace,
  epochs: number,
): string {
  const done = counted(updates, 'update');
  const where = `epoch ${epoch}/${epochs}`;
  if (finished) return visible(`resumed from ${path}: it is finished, after ${where}, ${done}`);
  if (between) return visible(`resumed from ${path}: after ${epoch === 0 ? 'no epoch' : where}, ${done}`);
  return visible(`resumed from ${path}: ${where}, batch ${batch} of ${batches} done, ${done}`);
}

/** Describes when checkpoints are written, in at most one line. */
export function checkpointLines({ checkpoint, every }: CheckpointOptions): string[] {
  return checkpoint === undefined ? [] : [visible(`checkpoint ${checkpoint} ${intervalText(every)}`)];
}

/** `every 5 minutes`. */
function intervalText(every: CheckpointInterval = EVERY): string {
  if ('updates' in every) return `every ${counted(every.updates, 'update')}`;
  const { seconds } = every;
  const [unit, size] = seconds % 3600 === 0 ? ['hour', 3600] : seconds % 60 === 0 ? ['minute', 60] : ['second', 1];
  return `every ${counted(seconds / (size as number), unit as string)}`;
}

/** Writes checkpoints and records whether the last attempt failed. */
export interface CheckpointWriter {
  readonly hooks: Pick<TrainHooks, 'onCheckpoint' | 'checkpointEvery'>;
  /** Why the file is not the final checkpoint; null if it is. */
  failure(): BpttError | null;
}

/**
 * Creates a writer that writes checkpoints atomically: to a temporary file that replaces the earlier one by renaming. A
 * checkpoint that cannot be written (a full disk) does not end training: the failure is reported, and the next checkpoint is
 * tried.
 */
export function checkpointWriter(
  { checkpoint, every = EVERY }: CheckpointOptions,
  warn: (text: string) => void,
): CheckpointWriter {
  let failure: BpttError | null = null;
  if (checkpoint === undefined) return { hooks: {}, failure: () => null };
  const onCheckpoint = async (bytes: Uint8Array): Promise<void> => {
    try {
      await saveFile(checkpoint, bytes);
      failure = null;
    } catch (error) {
      failure = new BpttError(messageOf(error), { cause: error });
      warn(visible(`${failure.message}; training continues, and tries again ${intervalText(every)}`));
    }
  };
  return { hooks: { onCheckpoint, checkpointEvery: every }, failure: () => failure };
}
