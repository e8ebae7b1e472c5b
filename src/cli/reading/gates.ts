/** `bptt gates`: how open the gates are, word by word. */
import type { Command } from 'commander';
import type { Trace } from '../../inspect/index.js';
import { counted } from '../../tensor/print.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { modelLines } from './conventions.js';
import { QUICK, traceFor } from './inspect.js';
import { matrixOf, tableOf } from './matrix.js';
import { percent } from './numbers.js';
import { addModelOptions, addPlaceOptions, addPrintOptions, addSentenceOptions } from './options.js';
import type { ReadingOptions } from './options.js';
import { beside, paperFor, wrapped } from './paper.js';
import type { Glyph, Paper } from './paper.js';
import { factorLines, saturationLines } from './gates-factors.js';
import { placeOf } from './place.js';

const HELP = `
One picture per gate: units down, words across. A gate, between 0 and 1, is drawn by its value; a candidate, between −1 and 1, by
its magnitude. Below are the mean at each word, and how many values are nearly open (> 0.9) or nearly closed (< 0.1). Then follow
how often each unit is saturated, and how much of the gradient survives one step back at each word, as a product: which factor
shrinks it most.

Example:
  bptt gates "the cat near the dogs by the trees sat" --cell lstm
  bptt gates "the cat near the dogs sat" --cell gru --train 300 --json`;

/** Adds the command. */
export function addGates(program: Command, terminal: Terminal): void {
  const command = program.command('gates').description('show the gates of every unit at every word');
  addPrintOptions(
    addPlaceOptions(addSentenceOptions(addModelOptions(command))),
    'print one JSON object: a matrix per gate, words by units',
  )
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: ReadingOptions) =>
      runGates(sentence, file, options, terminal),
    );
}

async function runGates(
  text: string,
  file: string | undefined,
  options: ReadingOptions,
  terminal: Terminal,
): Promise<void> {
  const { question, trace } = await traceFor(text, file, options, terminal, () => QUICK);
  const { steps } = placeOf(trace, options).trace;
  if (options.json) {
    const gates = trace.model.gates.map((gate) => [gate, steps.map((step) => step.gates[gate])] as const);
    return printJson(terminal, Object.fromEntries(gates));
  }
  const paper = paperFor(terminal, options);
  for (const line of [...modelLines(paper, trace, question.notes), ...gateLines(trace, options, paper)])
    await print(terminal, line);
}

/** All gates. */
export function gateLines(trace: Trace, options: ReadingOptions, paper: Paper): string[] {
  const place = placeOf(trace, options);
  const { steps, hidden, saturation } = place.trace;
  const blocks = trace.model.gates.map((gate) => {
    const value = (unit: number, k: number): number => steps[k].gates[gate][unit];
    const rows = Array.from({ length: Math.min(hidden, MOST) }, (_, unit) => String(unit));
    const room = Math.max(24, Math.floor((paper.width - 3) / 2));
    const { lines, block } = matrixOf(paper, { rows, columns: steps.length, at: value, classOf: fifths }, room);
    const { open, closed } = saturation[gate];
    const facts = `${paper.paint('bold', `gate ${gate}`)}  open ${percent(open)}, closed ${percent(closed)}`;
    return [facts, ...lines, ...(block > 1 ? [paper.own(`${block} words share a cell: the largest`)] : [])];
  });
  const [first, ...others] = [0, 1, 2, 3, 4] as const;
  const scale = [first, ...others].map((n) => `${paper.paint(`size${n}`, paper.glyph(n))} ${paper.own(FIFTHS[n])}`);
  const hiddenOnes = hidden > MOST ? [`units 0 to ${MOST - 1} of ${hidden}; all are in --json`] : [];
  return [
    ...wrapped(paper, `layer ${place.layer}, ${place.direction}; units down, words across`),
    '',
    ...beside(paper, blocks),
    '',
    ...wrapped(paper, scale.join('  ')),
    ...hiddenOnes,
    ...meanTable(trace, steps, paper),
    '',
    ...saturationLines(trace, options, paper),
    '',
    ...factorLines(trace, options, paper),
  ];
}

const FIFTHS = ['≥ 0.8', '≥ 0.6', '≥ 0.4', '≥ 0.2', 'less'];

/** Maximum number of units drawn. */
const MOST = 32;

/** The class of a value by fifths of 1. */
function fifths(x: number | null): Glyph {
  if (x === null) return 'none';
  if (Number.isNaN(x)) return 'nan';
  const size = Math.abs(x);
  return size >= 0.8 ? 0 : size >= 0.6 ? 1 : size >= 0.4 ? 2 : size >= 0.2 ? 3 : 4;
}

function meanTable(
  { words, model }: Trace,
  steps: Trace['layers'][number]['forward']['steps'],
  paper: Paper,
): string[] {
  const mean = (values: readonly number[]): string => {
    const m = values.reduce((sum, x) => sum + x, 0) / values.length;
    return paper.own(Number.isFinite(m) ? m.toFixed(3).replace('-', '−') : '✕');
  };
  const head = ['mean of', ...model.gates];
  const most = 40;
  const rows = words
    .slice(0, most)
    .map(({ text }, k) => [paper.word(text, 12), ...model.gates.map((gate) => mean(steps[k].gates[gate]))]);
  return [
    ...tableOf(paper, [head, ...rows], 'l'),
    ...(words.length > most
      ? [
          `${counted(words.length - most, 'more word', 'more words')} ${words.length - most === 1 ? 'is' : 'are'} in --json`,
        ]
      : []),
  ];
}
