/**
 * `bptt compare`: compares several cells on one sentence, on one scale; with `--gold`, two systems on one test set
 * (compare-scores.ts).
 */
import type { Command } from 'commander';
import { cellNamed, cells as builtIn } from '../../cells/index.js';
import { ArgumentError } from '../../tensor/index.js';
import { SPAN_MODES } from '../../labeling/scoring/span-counts.js';
import { oneOf, positiveInteger, schemeName } from '../arguments.js';
import type { ScoreOptions } from '../compare/scores.js';
import { addReadingOptions } from '../reading-options.js';
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
bptt compare SENTENCE: several cells on one sentence. Each cell is drawn with the seeds 1 to n (or from --seed on), and the median
of every number is shown. All pictures share one scale. With --train n the models are also trained for n updates on number
agreement, and the table shows before → after. With --swap the sentence is read again with another word: the change of the margin
at the last word measures what a model remembers.

bptt compare A B --gold F: two systems on one test set. A and B are model files, or files of predicted labels for the sentences of
F: columns, CoNLL-U, JSON lines (labels as in F), or only labels, one sentence per line. Sentences are drawn with replacement
(--samples, --seed); the table has the difference B - A with its 95 % interval and p, for accuracy and, for span labels, span F1,
and the sentences that changed. A p below 0.05 means that chance alone seldom produces such a difference. Options that begin with
"gold:" belong to this form; --seed, --json, --quiet and --ascii to both, --tokenizer and --locale also with sentence labels.

Example:
  bptt compare "the cat near the dogs by the trees sat" --cells rnn,lstm,gru --seeds 5
  bptt compare "the cat near the dogs by the trees sat" --seeds 5 --train 300 --loss-seed margin --swap cat=cats
  bptt compare old.safetensors new.safetensors --gold test.conllu
  bptt compare tagger.safetensors theirs.conll --gold test.conll --samples 100000 --json`;

/** Adds the command. */
export function addCompare(program: Command, terminal: Terminal): void {
  const command = program
    .command('compare')
    .description(
      'compare several cells on one sentence or, with --gold, two models or files of predictions on one test set',
    )
    .argument('<sentence>', 'the sentence, in quotes; with --gold A, a model file or predictions')
    .argument('[other]', 'with --gold B, a model file or predictions')
    .option('--cells <list>', 'cells, separated by commas', cellList, ['rnn', 'lstm', 'gru'])
    .option('--seeds <n>', 'how many seeds', atMost(positiveInteger, 1000), 1)
    .option('--untrained', 'do not train, the default without --train')
    .option('--swap <word=other>', 'swap one word, and compare the margins at the last word');
  addPrintOptions(
    addConventionOptions(addSentenceOptions(addDrawingOptions(command))),
    'print one JSON object: sentence, variable, normalization, cells',
  )
    .addHelpText('after', HELP)
    .action((sentence: string, other: string | undefined, options: CompareOptions & ScoreOptions) =>
      dispatch(command, sentence, other, options, terminal),
    );
  addGoldOptions(command);
}

/** Adds the options of the form with `--gold`. */
function addGoldOptions(command: Command): void {
  command.option('--gold <file>', 'compare A and B on these labeled sentences');
  const before = command.options.length;
  addReadingOptions(command, 'format of --gold (default: by content)', true, false);
  command
    .option(
      '--task <name>',
      'tag: a label for each word; classify: one for the sentence (default: as the models; else tag)',
      oneOf('tag', 'classify'),
    )
    .option(
      '--predicted-column <column>',
      'label column of predictions (default: the last; conllu: upos; jsonl: labels)',
    )
    .option('--samples <n>', `how many samples are drawn (default 10,000)`, atMost(positiveInteger, 1_000_000))
    .option(
      '--span-mode <name>',
      `how spans are read: ${SPAN_MODES.join(', ')} (default: conlleval)`,
      oneOf(...SPAN_MODES),
    )
    .option('--scheme <name>', 'scheme that strict and repair judge by (default: as the gold labels show)', schemeName)
    .option('--list <n>', 'how many changed sentences are listed (default 10)', positiveInteger);
  for (const option of command.options.slice(before)) option.description = `gold: ${option.description}`;
}

/** Options that both forms read. */
const SHARED = ['seed', 'json', 'quiet', 'ascii', 'tokenizer', 'locale'];
/** Options only of the form with `--gold`. */
const OF_GOLD = ['gold', 'format', 'column', 'unlabeled', 'labelNames', 'offsetUnit', 'tokenColumn', 'textColumn', 'comments', 'skipBad', 'task', 'predictedColumn', 'samples', 'spanMode', 'scheme', 'list']; // prettier-ignore

/** Runs the requested form. @throws ArgumentError on missing options, and on options of the other form */
async function dispatch(
  command: Command,
  sentence: string,
  other: string | undefined,
  options: CompareOptions & ScoreOptions,
  terminal: Terminal,
): Promise<void> {
  const given = command.options.filter((each) => command.getOptionValueSource(each.attributeName()) === 'cli');
  const isOfGold = (option: { attributeName(): string }): boolean => OF_GOLD.includes(option.attributeName());
  if (options.gold === undefined) {
    const unused = given.find(isOfGold);
    if (unused)
      throw new ArgumentError(`${unused.long} applies only to bptt compare A B --gold F: add --gold, or leave it out`);
    if (other === undefined) return runCompare(sentence, options, terminal);
    throw new ArgumentError(
      'compare: got two arguments and no --gold: pass the labeled sentences (--gold F), or put the sentence in quotes',
    );
  }
  if (other === undefined)
    throw new ArgumentError(
      'compare --gold: expected two systems, A and B; got one: pass the other, a model file or predictions',
    );
  const unread = given.find((each) => !isOfGold(each) && !SHARED.includes(each.attributeName()));
  if (unread)
    throw new ArgumentError(`${unread.long} applies only to bptt compare SENTENCE: leave it out, or leave out --gold`);
  if (options.scheme !== undefined && (options.spanMode ?? 'conlleval') === 'conlleval')
    throw new ArgumentError(
      '--scheme has no effect with --span-mode conlleval: leave it out, or add --span-mode strict',
    );
  const { compareScores } = await import('../compare/scores.js');
  return compareScores([sentence, other], options, terminal);
}

export function cellList(text: string): string[] {
  const names = variantsWhole(text.split(',').map((name) => name.trim())).map(nameOfCell);
  const unknown = names.find((name) => name.known === undefined);
  const known = names.map((name) => name.known!);
  if (unknown === undefined && new Set(known).size === names.length) return known;
  const wrong = unknown === undefined ? 'a cell is named twice' : `unknown cell ${JSON.stringify(unknown.given)}`;
  throw new ArgumentError(`--cells: ${wrong}: choose from ${Object.keys(builtIn).join(', ')}, separated by commas`);
}

/** The options of a variant, also separated by commas, stay with it: no option starts like the name of a cell. */
function variantsWhole(parts: readonly string[]): string[] {
  const names: string[] = [];
  for (const part of parts) {
    const last = names.at(-1);
    if (last?.includes(':') && !/^(rnn|lstm|gru)/.test(part)) names[names.length - 1] = `${last},${part}`;
    else names.push(part);
  }
  return names;
}

/** A cell's name with its options in a fixed order; undefined if there is no such cell. */
function nameOfCell(given: string): { readonly given: string; readonly known: string | undefined } {
  try {
    return { given, known: cellNamed(given)?.name };
  } catch (error) {
    throw error instanceof ArgumentError ? new ArgumentError(`--cells: ${error.message}`) : error;
  }
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
