/** Common options of the commands that inspect gradients: model, sentence, and conventions. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { InitScheme } from '../../cells/index.js';
import type { DirectionName, SeedName } from '../../inspect/index.js';
import { ArgumentError } from '../../tensor/index.js';
import { TOKENIZERS } from '../../labeling/data/segment.js';
import type { Tokenizer } from '../../labeling/data/segment.js';
import { count, oneOf, positiveInteger } from '../arguments.js';
import { cellChoices, cellName } from '../own-cell.js';

/** Selection of the model. */
export interface ModelOptions {
  readonly cell?: string;
  readonly untrained?: boolean;
  readonly train?: number;
  readonly hidden?: number;
  readonly embedding?: number;
  readonly layers?: number;
  readonly bidirectional?: boolean;
  readonly forgetBias?: number;
  readonly init?: InitScheme;
  readonly seed?: number;
  /** For a PyTorch state dict: a file with the words of its embedding, and its labels. */
  readonly words?: string;
  readonly labels?: string;
  readonly prefix?: string;
  /** The head of a model file. */
  readonly head?: string;
  /** The member of an ensemble, from 0. */
  readonly member?: number;
  readonly embeddingWeight?: string;
  readonly outputWeight?: string;
}

/** Tokenization and labels of the sentence. */
export interface SentenceOptions {
  readonly tags?: string;
  readonly tokenizer?: Tokenizer;
  readonly locale?: string;
}

/** The variable at which a gradient is shown. */
export type VariableName = 'x' | 'h' | 'c' | 'a' | 'state';

/** Conventions that change a picture without being visible in it, and the part to show. */
export interface ConventionOptions {
  readonly lossSeed?: SeedName;
  readonly label?: string;
  readonly contrast?: string;
  readonly variable?: VariableName;
  readonly normalize?: 'retention' | 'absolute';
  readonly layer?: number;
  readonly direction?: DirectionName;
}

/** Output options. */
export interface PrintOptions {
  readonly ascii?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Options of every command that inspects one sentence with one model. */
export type ReadingOptions = ModelOptions & SentenceOptions & ConventionOptions & PrintOptions;

/** Adds the options for the sentence and the model. */
export function addModelOptions(command: Command): Command {
  return addDrawingOptions(
    command
      .argument('<sentence>', 'the sentence, in quotes')
      .argument(
        '[model]',
        'model file, or a PyTorch state dict, safetensors or .pt; without one, an untrained or briefly trained (--train) model',
      )
      .option('--cell <cell>', `cell of an untrained model (default lstm): ${cellChoices()}`, cellName())
      .option('--head <name>', 'which head of a model file with several, by its name (default: the first)')
      .option('--member <k>', 'which member of an ensemble is read, from 0', count)
      .option('--untrained', 'use an untrained model, the default without a model file')
      .option('--words <file>', 'words of the embedding of a PyTorch state dict, one per line')
      .option('--labels <labels>', 'labels of its output layer, separated by blanks')
      .option('--prefix <name>', 'which of its recurrent parts, such as encoder., if there are several')
      .option('--embedding-weight <name>', 'which of its matrices holds the word vectors')
      .option('--output-weight <name>', 'which of its matrices is the output layer'),
  );
}

/** Adds the options for initializing a model without a file. */
export function addDrawingOptions(command: Command): Command {
  return command
    .option(
      '--train <n>',
      'first train n updates on number agreement (docs/reading-gradients.md)',
      atMost(positiveInteger, 100_000),
    )
    .option('--hidden <n>', 'units H of each layer (default 16)', atMost(positiveInteger, 100_000))
    .option('--embedding <n>', 'components E of a word vector (default 16)', atMost(positiveInteger, 100_000))
    .option('--layers <n>', 'recurrent layers (default 1)', atMost(positiveInteger, 100))
    .option('--bidirectional', 'read both ways')
    .option('--forget-bias <x>', "bias of an LSTM's forget gate before training (default 1)", finiteNumber)
    .option(
      '--init <scheme>',
      'how recurrent weights are drawn: orthogonal (default), uniform, as in PyTorch, or glorot',
      oneOf('orthogonal', 'uniform', 'glorot'),
    )
    .option('--seed <n>', 'seed of the weights (default 1)', count);
}

/** Adds the options for tokenization and labels of the sentence. */
export function addSentenceOptions(command: Command): Command {
  return command
    .option('--tags <labels>', 'gold labels, one per word, separated by blanks')
    .option('--tokenizer <name>', `how the sentence is split: ${TOKENIZERS.join(', ')}`, oneOf(...TOKENIZERS))
    .option('--locale <tag>', 'language of the sentence, for scripts without blanks');
}

/** Adds the options for what is differentiated, and with respect to what. */
export function addConventionOptions(command: Command): Command {
  return addPlaceOptions(
    addSeedOptions(command)
      .option(
        '--variable <name>',
        'gradient of x (word vectors), h, c, a (pre-activations), state',
        oneOf('x', 'h', 'c', 'a', 'state'),
      )
      .option(
        '--normalize <how>',
        'retention (share of the gradient at its own word), or absolute',
        oneOf('retention', 'absolute'),
      ),
  );
}

/** Adds the options for what is differentiated. */
export function addSeedOptions(command: Command): Command {
  return command
    .option('--loss-seed <what>', 'differentiate the loss, a logit or a margin', oneOf('loss', 'logit', 'margin'))
    .option('--label <label>', 'label of the logit or margin (default: the gold one)')
    .option('--contrast <label>', 'second label of a margin (default: the most probable other label)');
}

/** Adds the options for layer and direction. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--layer <n>', 'layer, 0 first (default: the last)', count)
    .option('--direction <name>', 'direction of a bidirectional layer', oneOf('forward', 'reverse'));
}

/** Options that select what the views of a figure or a report show; `opener` names what opens the number of `--ref`. */
export function addViewOptions(command: Command, opener: string): Command {
  return command
    .option('--loss <t>', 'the loss to show, counted from 0 (default: the last)', count)
    .option('--word <k>', 'the word to show, counted from 0', count)
    .option('--gate <name>', 'one gate')
    .option('--unit <n>', 'one unit', count)
    .option('--param <name>', 'parameter of the ledger, such as Wh')
    .option('--ref <pointer>', `number that ${opener} opens, a JSON Pointer into the trace: /words/0/norm`)
    .option('--target <t>', 'word whose label is explained (default: the last)', count);
}

/** Adds the output options. */
export function addPrintOptions(command: Command, json: string): Command {
  return addQuietOption(command.option('--ascii', 'draw with ASCII only').option('--json', json));
}

/** Adds `--quiet`. */
export function addQuietOption(command: Command): Command {
  return command.option('--quiet', 'show no progress');
}

/** Maximum number of checked weights. */
export const MOST_CHECKS = 100_000;

/** A parser that also rejects values above `most`, because a typo could run for days or exhaust memory. */
export function atMost(parse: (text: string) => number, most: number): (text: string) => number {
  return (text) => {
    const n = parse(text);
    if (n > most) throw new InvalidArgumentError(`It must be at most ${most}.`);
    return n;
  };
}

/** Rejects labels that the quantity to differentiate does not use. @throws ArgumentError naming the option */
export function expectSeed({ lossSeed = 'loss', label, contrast }: ConventionOptions): void {
  const [unused, seeds] =
    label !== undefined && lossSeed === 'loss'
      ? ['--label', 'logit or margin']
      : contrast !== undefined && lossSeed !== 'margin'
        ? ['--contrast', 'margin']
        : [];
  if (unused)
    throw new ArgumentError(
      `${unused} applies only to --loss-seed ${seeds}; got ${lossSeed}: add it, or leave ${unused} out`,
    );
  expectContrast({ label, contrast });
}

/** Rejects a label measured against itself, which is 0 everywhere. @throws ArgumentError */
export function expectContrast({ label, contrast }: Pick<ConventionOptions, 'label' | 'contrast'>): void {
  if (contrast === undefined || label !== contrast) return;
  throw new ArgumentError(
    `--contrast must be another label than --label; got ${JSON.stringify(label)} twice: change one`,
  );
}

/** Any finite number. */
export function finiteNumber(text: string): number {
  const x = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(x)) throw new InvalidArgumentError('It must be a number.');
  return x;
}
