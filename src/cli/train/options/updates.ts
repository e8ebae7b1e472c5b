/** Options of `bptt train` about updates and epochs. */
import type { Command } from 'commander';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { SPAN_MODES } from '../../../labeling/scoring/span-counts.js';
import { ArgumentError } from '../../../tensor/index.js';
import {
  clipNorm,
  dropProbability,
  nonNegativeNumber,
  oneOf,
  positiveInteger,
  positiveNumber,
  truncation,
} from '../../arguments.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options about updates and epochs. */
export function addUpdateOptions(command: Command): void {
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

/** @throws ArgumentError if an option about updates would be ignored */
export function checkUpdates({ optimizer, ...options }: Options): void {
  const given = (['beta2', 'epsilon'] as const).find((name) => options[name] !== undefined);
  if (optimizer !== 'sgd' || given === undefined) return;
  throw new ArgumentError(`--${given} has no effect with --optimizer sgd: leave it out, or choose adam or adamw`);
}
