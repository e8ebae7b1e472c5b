/** Options of `bptt train` about its files and what it prints. */
import type { Command } from 'commander';
import { languageCodes, rateRange, splitShares, updateCount } from '../../arguments.js';
import { addRequired } from '../../required.js';
import { addReadingOptions } from '../../reading-options.js';

/** Adds options about the files, and what is printed. */
export function addDataOptions(command: Command): void {
  addRequired(command, '--train <file>', 'labeled sentences to learn from')
    .option('--dev <file>', 'labeled sentences that decide which epoch is best')
    .option('--test <file>', 'labeled sentences scored once, at the end')
    .option(
      '--split <shares>',
      'split --train into train/dev/test by these percentages, such as 80/10/10',
      splitShares,
    );
  addReadingOptions(command, 'format of these files (default: by content)', true);
  command
    .option('--out <file>', 'model file to write', 'model.safetensors')
    .option('--log <file>', 'write a log of JSON lines: start, every epoch, end')
    .option('--tensorboard <folder>', 'write the scalars of every epoch for TensorBoard')
    .option('--card <file>', 'write a model card: data with hashes, settings, scores by type, limits')
    .option('--language <codes>', 'languages of the data, for --card: da, or en,de', languageCodes)
    .option(
      '--find-lr [updates]',
      'suggest a learning rate, by trying growing rates for an epoch; no model is saved',
      updateCount,
    )
    .option('--lr-range <from,to>', 'with --find-lr: first and last rate (default: 1e-5,10)', rateRange)
    .option('--svg <file>', 'with --find-lr: draw the loss over the rates')
    .option('--profile', 'print the time of each phase')
    .option('--quiet', 'print nothing but warnings')
    .option('--json', 'print one JSON object; progress goes to standard error');
}
