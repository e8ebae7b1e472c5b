/**
 * A comparison on a terminal: matrices side by side on one scale, and the share of the last word's gradient that arrives at each
 * word.
 */
import type { ComparedCell, Comparison } from './compare-cells.js';
import type { CompareOptions } from './compare.js';
import { conventions } from './conventions.js';
import { legendOf, matrixOf, tableOf } from './matrix.js';
import { median, percent, short, signed } from './numbers.js';
import { beside, wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { lossNames, reachOf } from './place.js';

/** All lines. */
export function compareLines(comparison: Comparison, options: CompareOptions, paper: Paper): string[] {
  const { cells, updates, normalization } = comparison;
  const [{ traces, seeds }] = cells;
  const absolute = normalization === 'absolute';
  const all = cells.flatMap(({ retention }) => retention.flat()).filter(Number.isFinite);
  const scale = absolute ? Math.max(0, ...all) : 1;
  const after = updates > 0 ? `, after ${updates} updates` : ', untrained';
  const drawn = seeds.length === 1 ? `one seed, ${seeds[0].seed}` : `${seeds.length} seeds, median of each`;
  const head = `${cells.map(({ cell }) => cell).join(', ')}${after}; ${drawn}${extrasOf(options)}`;
  return [
    ...wrapped(paper, paper.own(head)),
    '',
    ...beside(
      paper,
      cells.map((cell) => block(cell, options, paper, scale)),
      2,
    ),
    '',
    ...legendOf(paper),
    ...(absolute ? [paper.own(`100 % is the largest of all, ${short(scale)}`)] : []),
    '',
    ...shareTable(comparison, paper),
    ...swapLines(comparison, paper),
    '',
    ...conventions(paper, traces[0], options, comparison.gold),
  ];
}

const extrasOf = ({ cells, hidden = 16, embedding = 16, init, forgetBias = 1 }: CompareOptions): string =>
  `; H = ${hidden}, E = ${embedding}${cells.includes('lstm') ? `, forget bias ${forgetBias}` : ''}` +
  (init ? `, recurrent weights ${init}` : '');

/** The matrix of one cell under its name. */
function block(cell: ComparedCell, options: CompareOptions, paper: Paper, scale: number): string[] {
  const [trace] = cell.traces;
  const zero = reachOf(trace, options).reach.norms;
  const at = (m: number, k: number): number | null =>
    zero[m][k] === null ? null : scale === 0 ? cell.retention[m][k] : cell.retention[m][k] / scale;
  const room = Math.max(24, Math.floor((paper.width - 4) / 3));
  const { lines, block: shared } = matrixOf(paper, { rows: lossNames(trace), columns: trace.words.length, at }, room);
  const name = `${paper.paint('bold', cell.cell)} ${cell.parameters} parameters`;
  return [name, ...lines, ...(shared > 1 ? [`${shared} words share a cell: the largest`] : [])];
}

/** The share of the last word's gradient that arrives at each word, for each cell. */
function shareTable({ cells, updates, tokens, normalization }: Comparison, paper: Paper): string[] {
  const show = (x: number): string => paper.own(normalization === 'absolute' ? short(x) : percent(x));
  const last = paper.word(lossNames(cells[0].traces[0]).at(-1)!);
  const head = ['word', ...cells.map(({ cell }) => cell)];
  const rows = tokens.map((token, k) => [
    paper.word(token, 12),
    ...cells.map(({ retention, before }) => {
      const value = show(retention.at(-1)![k]);
      return before === null ? value : `${show(before.at(-1)![k])}${paper.own(' → ')}${value}`;
    }),
  ]);
  const what = normalization === 'absolute' ? 'the norm of the gradient' : 'the share of the gradient';
  const title = `${what} of the loss at ${last} that arrives at each word${updates > 0 ? ', before → after training' : ''}`;
  const lines = tableOf(paper, [head, ...rows], 'l');
  return [...wrapped(paper, paper.own(title)), ...lines.map((line, n) => (n === 0 ? paper.paint('bold', line) : line))];
}

function swapLines({ cells, tokens }: Comparison, paper: Paper): string[] {
  const moved = cells.flatMap(({ cell, swap }) => (swap === null ? [] : [{ cell, ...swap }]));
  if (moved.length === 0) return [];
  const [{ word, other }] = moved;
  const parts = moved.map(({ cell, change, perSeed }) => {
    const sorted = [...perSeed].sort((a, b) => a - b);
    const range = sorted.length > 1 ? ` (${signed(sorted[0])} … ${signed(sorted.at(-1)!)})` : '';
    return `  ${cell}  ${signed(median([change]))}${range}`;
  });
  const title = `${paper.word(tokens[word])}${paper.own('→')}${paper.word(other)} moves the margin at ${paper.word(tokens.at(-1)!)} by`;
  return ['', ...wrapped(paper, title), ...parts.flatMap((part) => wrapped(paper, paper.own(part), '    '))];
}
