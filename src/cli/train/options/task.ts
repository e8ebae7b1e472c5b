/** Options of `bptt train` about the task and its labels. */
import type { Command } from 'commander';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { SCHEMES } from '../../../labeling/data/schemes.js';
import { ArgumentError } from '../../../tensor/index.js';
import { headChoice, headWeights, oneOf, schemeName } from '../../arguments.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options about the task, the labels of words and sentences, and how they are decided. */
export function addTaskOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command.option(
    '--task <name>',
    'tag: a label for each word; classify: one for the sentence; slots-intent: both',
    oneOf('tag', 'classify', 'slots-intent'),
    d.task,
  );
  addTagOptions(command);
  command.option(
    '--pooling <name>',
    `classify: how a sentence becomes one vector: last, mean, max, attention (default: ${d.pooling})`,
    oneOf('last', 'mean', 'max', 'attention'),
  );
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

/** @throws ArgumentError if the pooling method would be ignored */
export function checkPooling({ task, pooling }: Options): void {
  if (task !== 'tag' || pooling === undefined) return;
  throw new ArgumentError('--pooling does not apply to --task tag: leave it out, or add --task classify');
}

/** @throws ArgumentError if an option about the labels of words would be ignored */
export function checkTagOptions(options: Options): void {
  if (options.task !== 'classify') return;
  const names = ['head', 'scheme', 'decode', 'outsideBias', 'augmentMentions'] as const;
  const given = names.find((name) => (name === 'augmentMentions' ? options[name] : options[name] !== undefined));
  if (given) {
    const flag = given.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new ArgumentError(`--${flag} does not apply to --task ${options.task}: leave it out`);
  }
  if (options.spanMode !== 'conlleval')
    throw new ArgumentError(`--span-mode ${options.spanMode} does not apply to --task ${options.task}: leave it out`);
}
