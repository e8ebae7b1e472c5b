/** Options of `bptt train` about the loss, and about changes to the training sentences. */
import type { Command } from 'commander';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { PRESETS } from '../../../labeling/training/presets.js';
import { ArgumentError } from '../../../tensor/index.js';
import { averageDecay, classWeights, dropProbability, nonNegativeNumber, oneOf, outsideBias } from '../../arguments.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options that change sentences of training as they are read. */
export function addAugmentOptions(command: Command): void {
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
      'spans: probability of reading another mention of training, or made-up words, instead of one',
      dropProbability,
      d.augmentMentions,
    );
}

/** Adds options about the preset, the loss, and the weights that are saved. */
export function addLossOptions(command: Command): void {
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

/** @throws ArgumentError if an option about the loss would be ignored */
export function checkLoss({ head, labelSmoothing = 0, classWeights: weights }: Options): void {
  const heads = typeof head === 'object' ? Object.values(head) : [head];
  const isByHead = typeof head === 'object' && weights !== 'balanced';
  const ofSoftmax = labelSmoothing > 0 ? 'label-smoothing' : weights && !isByHead && 'class-weights';
  if (!heads.includes('crf') || !ofSoftmax) return;
  throw new ArgumentError(`--${ofSoftmax} has no effect with --head crf: leave it out, or add --head softmax`);
}

/** @throws ArgumentError if there is no development set to choose the bias on */
export function checkOutside({ outsideBias: bias, dev, split }: Options): void {
  if (bias !== 'dev' || dev !== undefined || split !== undefined) return;
  throw new ArgumentError(
    '--outside-bias dev is chosen on a development set, and there is none: add --dev FILE, or give a number',
  );
}
