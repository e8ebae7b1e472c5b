/** Options of `bptt train` about seeds, threads and checkpoints. */
import type { Command } from 'commander';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { ArgumentError } from '../../../tensor/index.js';
import { integer, memberCount, seedCount, threadCount } from '../../arguments.js';
import { addBackendOption } from '../../backend.js';
import { addCheckpointOptions } from '../checkpoint.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options about seeds, threads, checkpoints and the backend. */
export function addRunOptions(command: Command): void {
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

/** @throws ArgumentError if two options give the number of runs */
export function checkRuns({ seeds, ensemble }: Options): void {
  if (seeds === undefined || ensemble === undefined) return;
  throw new ArgumentError(
    '--seeds and --ensemble both train several times, one to compare the models and one to join them: leave one of the two out',
  );
}
