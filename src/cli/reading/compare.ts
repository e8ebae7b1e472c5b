/** `bptt compare`: several cells read one sentence, on one scale. */
import type { Command } from 'commander';
import { cells as builtIn } from '../../cells/index.js';
import { ArgumentError } from '../../tensor/index.js';
import { positiveInteger } from '../arguments.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { compareCells } from './compare-cells.js';
import type { Comparison } from './compare-cells.js';
import { compareLines } from './compare-frame.js';
import { addConventionOptions, addDrawingOptions, addPrintOptions, addSentenceOptions, atMost } from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor } from './paper.js';
import { waitingOn } from './waiting.js';

/** Options of a comparison. */
export interface CompareOptions extends ReadingOptions {
  readonly cells: readonly string[];
  readonly seeds: number;
  readonly swap?: string;
}

const HELP = `
Each cell is drawn with the seeds 1 to n (or from --seed on), and the middle value of every number is shown. All pictures share one
scale. With --train n the models are also trained for n updates on number agreement, and the table shows before → after. With --swap the
sentence is read again with another word: how much the margin at the last word moves is a measure of what a model remembers.

Example:
  bptt compare "the cat near the dogs by the trees sat" --cells rnn,lstm,gru --seeds 5
  bptt compare "the cat near the dogs by the trees sat" --seeds 5 --train 300 --loss-seed margin --swap cat=cats`;

/** Adds the command. */
export function addCompare(program: Command, terminal: Terminal): void {
  const command = program
    .command('compare')
    .description('what of the last word arrives at each word, for several cells, before and after training')
    .argument('<sentence>', 'the sentence, in quotes')
    .option('--cells <list>', 'cells, separated by commas', cellList, ['rnn', 'lstm', 'gru'])
    .option('--seeds <n>', 'how many seeds', atMost(positiveInteger, 1000), 1)
    .option('--untrained', 'do not train; this is what happens without --train')
    .option(
      '--swap <word=other>',
      'read the sentence again with one word swapped, and compare the margins at the last word',
    );
  addPrintOptions(
    addConventionOptions(addSentenceOptions(addDrawingOptions(command))),
    'print one JSON object: sentence, variable, normalization, cells',
  )
    .addHelpText('after', HELP)
    .action((sentence: string, options: CompareOptions) => runCompare(sentence, options, terminal));
}

export function cellList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(builtIn, name));
  if (unknown === undefined && new Set(names).size === names.length) return names;
  const wrong = unknown === undefined ? 'a cell is named twice' : `unknown cell ${JSON.stringify(unknown)}`;
  throw new ArgumentError(`--cells: ${wrong}: name some of ${Object.keys(builtIn).join(', ')}, separated by commas`);
}

async function runCompare(text: string, options: CompareOptions, terminal: Terminal): Promise<void> {
  const waiting = waitingOn(terminal, options);
  let comparison: Comparison;
  try {
    comparison = await compareCells(text, options, waiting);
  } finally {
    waiting.stop();
  }
  if (options.json) return printJson(terminal, jsonOf(comparison));
  for (const line of compareLines(comparison, options, paperFor(terminal, options))) await print(terminal, line);
}

/** The contract of --json. Structural zeros are 0. */
function jsonOf({ tokens, variable, normalization, cells, updates }: Comparison): object {
  return {
    sentence: tokens,
    variable,
    normalization,
    updates,
    cells: cells.map(({ cell, hidden, parameters, seeds, retention, before, swap }) => ({
      ...{ cell, hidden, parameters, seeds: seeds.length, retention },
      ...(before && { before }),
      ...(swap && { swap }),
      perSeed: seeds,
    })),
  };
}
