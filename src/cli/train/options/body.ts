/** Options of `bptt train` about the recurrent layers, and their noise. */
import type { Command } from 'commander';
import { TRAIN_DEFAULTS } from '../../../labeling/training/options.js';
import { ArgumentError } from '../../../tensor/index.js';
import { dropProbability, oneOf, positiveInteger, zoneoutRates } from '../../arguments.js';
import { cellChoices, cellName } from '../../own-cell.js';
import type { TrainCommandOptions as Options } from '../options.js';

/** Adds options about the recurrent layers. */
export function addBodyOptions(command: Command): void {
  const d = TRAIN_DEFAULTS;
  command
    .option('--cell <cell>', `recurrent cell: ${cellChoices()}`, cellName(), d.cell)
    .option('--hidden <n>', 'hidden size of a layer, per direction', positiveInteger, d.hidden)
    .option('--layers <n>', 'number of recurrent layers', positiveInteger, d.layers)
    .option('--no-bidirectional', 'read sentences from left to right only')
    .option('--residual', 'residual connections: add the input of every layer but the first to its output')
    .option('--dense <n>', 'a dense layer of n tanh units between the recurrent layers and the head', positiveInteger);
  addNoiseOptions(command);
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

/** @throws ArgumentError if an option about the layers would be ignored */
export function checkBodyOptions({
  dropout,
  dropoutKind,
  residual,
  layers,
  dense,
  pooling,
  bidirectional,
}: Options): void {
  if (dropoutKind === 'variational' && dropout === 0) {
    throw new ArgumentError(
      '--dropout-kind variational has no effect without dropout: leave it out, or raise --dropout',
    );
  }
  if (residual && layers === 1) {
    throw new ArgumentError('--residual has no effect with one layer: leave it out, or add --layers 2');
  }
  if (dense && pooling === 'last' && bidirectional) {
    throw new ArgumentError(
      '--pooling last needs the outputs of both directions, which --dense mixes: choose another pooling, or add --no-bidirectional',
    );
  }
}
