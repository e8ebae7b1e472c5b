/** `bptt report`: one sentence as one HTML file. */
import type { Command } from 'commander';
import { readPackageInfo } from '../../bench/package-info.js';
import type { Trace } from '../../inspect/index.js';
import { reportPage } from '../../inspect/report/index.js';
import type { ReportContent } from '../../inspect/report/index.js';
import { languages } from '../../inspect/views/index.js';
import type { Comparison } from '../../inspect/views/index.js';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError } from '../../tensor/index.js';
import { oneOf } from '../arguments.js';
import { checkOutputs } from '../outputs.js';
import { fileOfCell } from '../own-cell.js';
import { print } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { compareCells } from './compare-cells.js';
import { flagged, quoted, selectionOf } from './figure-draw.js';
import type { FigureOptions } from './figure-draw.js';
import { argumentsOf } from './figure.js';
import { traceFor } from './inspect.js';
import type { Question } from './model.js';
import {
  addConventionOptions,
  addModelOptions,
  addQuietOption,
  addSentenceOptions,
  addViewOptions,
} from './options.js';
import { salienceOptions } from './salience.js';
import { waitingOn } from './waiting.js';

interface Options extends FigureOptions {
  readonly out?: string;
}

/** Number of checked weights, and cells compared with the model's own. */
const CHECKS = 12;
const CELLS = ['rnn', 'lstm', 'gru'];

/** Cells are compared by the gradient at the word vectors, which every cell has. */
const EVERYWHERE = { cell: undefined, variable: undefined, layer: undefined, direction: undefined };

const HELP = `
Every view of the sentence with its numbers as tables, the equations of the cell, and the results of the checks, in one file. It
opens from disk, works offline, and is complete without scripts. With scripts it recomputes its numbers from the weights it
contains, and says whether they agree (up to 100 words, built-in cells, one label per word). The cells it compares are untrained,
or trained like the model (--train); a model file is compared with untrained cells of its size.

Example:
  bptt report "the cat near the dogs by the trees sat" --cell lstm -o report.html
  bptt report "they run" tagger.safetensors --language de --theme dark -o bericht.html`;

/** Adds the command. */
export function addReport(program: Command, terminal: Terminal): void {
  const command = program
    .command('report')
    .description('write every view of a sentence as one HTML file that checks itself');
  addQuietOption(addConventionOptions(addSentenceOptions(addModelOptions(command))))
    .option('-o, --out <file>', 'the page')
    .option('--theme <name>', 'light, dark or print', oneOf('light', 'dark', 'print'), 'light')
    .option(
      '--language <tag>',
      `language of the page: ${Object.keys(languages).join(', ')}`,
      oneOf(...Object.keys(languages)),
      'en',
    );
  addViewOptions(command, 'the equation')
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: Options) => {
      const args = argumentsOf(command, [sentence, ...(file === undefined ? [] : [file])]);
      return runReport(sentence, file, options, args, terminal);
    });
}

async function runReport(
  sentence: string,
  file: string | undefined,
  options: Options,
  args: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { out, theme, language } = options;
  if (out === undefined) throw new ArgumentError('report: -o is missing: pass a file for the page');
  await checkOutputs({ '-o': out }, [file]);
  const { variable = 'x', target, ref } = options;
  const { question, trace } = await traceFor(sentence, file, options, terminal, (asked) => ({
    ...{ checks: CHECKS, reach: ref === undefined ? [...new Set(['x', variable])] : true },
    saliency: salienceOptions(asked, { target }).saliency,
  }));
  const page = drawn({
    trace,
    comparison: await comparisonFor(sentence, file, question, trace, options, terminal),
    selection: selectionOf(options, trace),
    command: ['bptt', 'report', ...args].map(quoted).join(' '),
    version: readPackageInfo().version,
    language,
    theme,
    builtIn: options.cell === undefined || fileOfCell(options.cell) === undefined,
  });
  const bytes = new TextEncoder().encode(page);
  await saveFile(out, bytes);
  await print(terminal, `${out}: ${Math.ceil(bytes.length / 1000)} kB`);
}

/** Builds the page; an error about an invalid selection names its option. */
function drawn(content: ReportContent): string {
  try {
    return reportPage(content);
  } catch (error) {
    throw error instanceof ArgumentError ? new ArgumentError(flagged(error.message), { cause: error }) : error;
  }
}

/** Three cells, initialized or trained alike; preceded by the model of a file, whose size they have. */
async function comparisonFor(
  text: string,
  file: string | undefined,
  { model }: Question,
  trace: Trace,
  options: Options,
  terminal: Terminal,
): Promise<Comparison> {
  const { hidden, embedding, bidirectional } = trace.model;
  const { tokenizer = model.input?.tokenizer, locale = model.input?.locale } = options;
  const size = { hidden: hidden[0], embedding, layers: hidden.length, bidirectional };
  const asked =
    file === undefined
      ? options
      : { ...size, tokenizer, locale, tags: tagsOf(trace), lossSeed: trace.conventions.seed };
  const waiting = waitingOn(terminal, options);
  try {
    const { cells } = await compareCells(text, { ...asked, ...EVERYWHERE, cells: CELLS, seeds: 1 }, waiting);
    return { cells: [...(file === undefined ? [] : [{ traces: [trace] }]), ...cells] };
  } finally {
    waiting.stop();
  }
}

/** The labels of a trace in the form of --tags; undefined if there is not one for each word, or if one contains a space. */
function tagsOf({ losses, words }: Trace): string | undefined {
  const labels = losses.map(({ gold }) => gold);
  return labels.length === words.length && labels.every((each) => /^\S+$/.test(each)) ? labels.join(' ') : undefined;
}
