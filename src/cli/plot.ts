/** `bptt plot`: curves of training runs from their logs, as a picture or as lines of text. */
import type { Command } from 'commander';
import { basename } from 'node:path';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { tickText } from './curves/axis.js';
import type { Chart } from './curves/chart-svg.js';
import { drawPicture, MOST_LINES } from './curves/chart-svg.js';
import type { Quantity, Run } from './curves/run-log.js';
import { QUANTITIES, readRunLog } from './curves/run-log.js';
import { rangeOf, sparkline } from './curves/sparkline.js';
import { checkOutputs } from './outputs.js';
import { percent } from './report.js';
import type { Terminal } from './terminal.js';
import { print } from './terminal.js';

const HELP = `
A log is what bptt train --log writes. The curves over the epochs are the loss, the score on the development set (span F1, or
accuracy; with several heads, that of the first), the learning rate, and the gradient norm before clipping. Each log is one run;
a log of --seeds has one run per seed. A ring marks the epoch whose weights were kept. Without --svg the curves are printed in
the terminal, all runs on one scale.

Exit status: 0, 1 failure, 2 usage, 65 bad data.

Example:
  bptt train --train train.conll --dev dev.conll --log run.jsonl
  bptt plot run.jsonl
  bptt plot slow.jsonl fast.jsonl --svg runs.svg`;

/** Adds the command. */
export function addPlot(program: Command, terminal: Terminal): void {
  program
    .command('plot')
    .description('draw loss, dev score, learning rate and gradient norm of training runs from their logs')
    .argument('<log...>', 'logs of bptt train --log')
    .option('--svg <file>', 'write a picture, light or dark as the reader prefers')
    .addHelpText('after', HELP)
    .action((logs: string[], options: { readonly svg?: string }) => runPlot(logs, options, terminal));
}

async function runPlot(logs: readonly string[], { svg }: { readonly svg?: string }, terminal: Terminal): Promise<void> {
  await checkOutputs({ '--svg': svg }, logs);
  const runs: Run[] = [];
  for (const path of logs) {
    const log = await readRunLog(path, nameOf(path, logs));
    for (const note of log.notes) terminal.stderr.write(`bptt: ${visible(note)}\n`);
    runs.push(...log.runs);
  }
  if (runs.length > MOST_LINES) {
    throw new ArgumentError(
      `plot: ${runs.length} runs cannot be told apart in one picture; expected at most ${MOST_LINES}: pass fewer logs`,
    );
  }
  expectOneMeasure(runs);
  if (svg === undefined) return print(terminal, visibleLines(linesOf(runs, terminal.stdout.columns ?? 80)));
  await saveFile(svg, new TextEncoder().encode(pictureOf(runs)));
  await print(terminal, visible(`${svg}: ${counted(runs.length, 'run')}, ${counted(longest(runs), 'epoch')}`));
}

/** The name of the file, or its path if another log has the same name. */
function nameOf(path: string, all: readonly string[]): string {
  return all.filter((other) => basename(other) === basename(path)).length === 1 ? basename(path) : path;
}

/** @throws DataError if there are two kinds of scores, which do not fit one axis */
function expectOneMeasure(runs: readonly Run[]): void {
  const first = runs.find(({ measure }) => measure !== null);
  const other = runs.find(({ measure }) => measure !== null && measure !== first?.measure);
  if (first === undefined || other === undefined) return;
  throw new DataError(
    `plot: the dev score of ${first.name} is ${first.measure}, that of ${other.name} ${other.measure}; expected one kind of score: plot them separately`,
  );
}

const longest = (runs: readonly Run[]): number => Math.max(...runs.map(({ epochs }) => epochs.length));

/** Name of a quantity; undefined for a score that no run has. */
function titleOf(quantity: Quantity, runs: readonly Run[]): string | undefined {
  if (quantity === 'loss') return 'training loss (nats)';
  if (quantity === 'lr') return 'learning rate';
  if (quantity === 'gradientNorm') return 'gradient norm';
  const measure = runs.find((run) => run.measure !== null)?.measure;
  return measure ? `dev ${measure}` : undefined;
}

const valuesOf = ({ epochs }: Run, quantity: Quantity): (number | null)[] => epochs.map((epoch) => epoch[quantity]);

/** A value with enough digits that neighbors differ. */
function format(quantity: Quantity, value: number): string {
  return quantity === 'dev' ? percent(value) : String(Number(value.toPrecision(4)));
}

/** The last epoch that was best when it finished. */
const bestOf = ({ epochs }: Run) => epochs.filter(({ best, dev }) => best && dev !== null).at(-1);

function pictureOf(runs: readonly Run[]): string {
  const charts = QUANTITIES.flatMap((quantity): Chart[] => {
    const title = titleOf(quantity, runs);
    if (title === undefined) return [];
    const lines = runs.map((run, place) => ({
      place,
      points: run.epochs.map((each) => {
        return { x: each.epoch, y: each[quantity], ring: quantity === 'dev' && each === bestOf(run) };
      }),
    }));
    const range = rangeOf(runs.flatMap((run) => valuesOf(run, quantity)));
    const wide = quantity !== 'dev' && range !== null && range[0] > 0 && range[1] / range[0] > 10;
    return [
      {
        title: quantity === 'dev' ? `${title} (%)` : wide ? `${title}, logarithmic` : title,
        ...{ xLabel: 'epoch', xScale: 'integers', yScale: wide ? 'logarithmic' : 'linear', lines },
        format: (value) => tickText(quantity === 'dev' ? 100 * value : value),
      },
    ];
  });
  const names = runs.map(({ name }) => name);
  const title = runs.length === 1 ? names[0] : `${runs.length} trainings`;
  return drawPicture({ title, description: runs.map((run) => describe(run, runs)).join('. '), names, charts });
}

/** A run in words: `a.jsonl: 8 epochs; training loss (nats) 2.191 to 1.855; …; best dev accuracy 36.10 % in epoch 8`. */
function describe(run: Run, runs: readonly Run[]): string {
  const parts = QUANTITIES.flatMap((quantity) => {
    const values = valuesOf(run, quantity).filter((value) => value !== null);
    const title = titleOf(quantity, runs);
    if (title === undefined || values.length === 0) return [];
    return [`${title} ${format(quantity, values[0])} to ${format(quantity, values[values.length - 1])}`];
  });
  const best = bestOf(run);
  if (best) parts.push(`best dev ${run.measure} ${format('dev', best.dev as number)} in epoch ${best.epoch}`);
  return `${run.name}: ${[counted(run.epochs.length, 'epoch'), ...parts].join('; ')}`;
}

/** The curves as text: for each quantity, a row of blocks per run, all on the same scales of values and epochs. */
function linesOf(runs: readonly Run[], columns: number): string[] {
  const named = Math.max(...runs.map(({ name }) => name.length));
  const width = Math.max(8, Math.min(60, columns - named - 50, longest(runs)));
  return QUANTITIES.flatMap((quantity) => {
    const title = titleOf(quantity, runs);
    if (title === undefined) return [];
    const range = rangeOf(runs.flatMap((run) => valuesOf(run, quantity)));
    const rows = runs.map((run) => {
      const values = valuesOf(run, quantity);
      const there = values.filter((value) => value !== null);
      const name = `  ${run.name.padEnd(named)}  `;
      if (there.length === 0) return `${name}none`;
      const own = Math.max(1, Math.round((width * values.length) / longest(runs)));
      const [first, last] = [there[0], there[there.length - 1]].map((value) => format(quantity, value));
      const best = quantity === 'dev' ? bestOf(run) : undefined;
      const told = best ? `  best ${format('dev', best.dev as number)}, epoch ${best.epoch}` : '';
      return `${name}${first.padStart(9)} ${sparkline(values, own, range).padEnd(width)} ${last}${told}`;
    });
    return [title, ...rows];
  });
}

const visibleLines = (lines: readonly string[]): string => lines.map((line) => visible(line).trimEnd()).join('\n');
