/**
 * V10, several cells on one scale: is it the architecture? The reach of each cell, first seed, drawn with the same scale object;
 * below them, on one axis, the retention of all seeds between the selected loss and word.
 */
import { ArgumentError } from '../../tensor/errors.js';
import type { Trace } from '../trace.js';
import { gradient, legend, paragraph } from './legend.js';
import { reachExtras, reachNotes } from './reach.js';
import { distance, reachMatrix, reachScales } from './reach-matrix.js';
import { indexIn, reachOf } from './select.js';
import type { Selection } from './select.js';
import { count, en, say } from './strings/index.js';
import { below, beside, el, escape } from './svg.js';
import type { Block } from './svg.js';
import type { Table } from './table.js';
import { percent, widthOf } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';
import type { ReachScales } from './reach-matrix.js';
import { rootOf, seedMarks, seedsPlot } from './compare-seeds.js';
import type { Comparison } from './compare-seeds.js';
import { viewOf } from './view.js';
import type { Drawing, View } from './view.js';
import { lossesOf, modelLine, quoted, tokensOf } from './words.js';
export type { Comparison } from './compare-seeds.js';

/** Checks that there is something to compare, and that all traces are of the same sentence. */
function first({ cells }: Comparison): Trace {
  const trace = cells[0]?.traces[0];
  if (trace === undefined) throw new ArgumentError('compare: expected at least one cell with one trace; got none');
  const words = JSON.stringify(trace.words.map(({ text }) => text));
  for (const each of cells.flatMap(({ traces }) => traces)) {
    if (JSON.stringify(each.words.map(({ text }) => text)) !== words) {
      throw new ArgumentError('compare: expected traces of one sentence; got different words');
    }
  }
  return trace;
}

function panel(trace: Trace, c: number, selection: Selection, style: Style, scales: ReachScales): Block {
  const matrix = reachMatrix(trace, selection, style, scales);
  const [cell, rest] = [trace.model.cell.toUpperCase(), modelLine(trace, style.strings).replace(/^[^,]*, /, '')];
  const name: Block = {
    width: widthOf(cell, 14),
    height: 14,
    body: el('text', { y: 12, 'font-size': 14, 'font-weight': 600 }, escape(cell)),
  };
  const block = below(10, below(2, name, paragraph(rest, style, matrix.width)), matrix);
  return { ...block, body: el('g', { 'data-base': rootOf(c, 0) }, block.body) };
}

function draw(comparison: Comparison, selection: Selection, look: Look): Drawing {
  const trace = first(comparison);
  const style = styleOf(look, 'compare');
  const { strings } = style;
  const all = comparison.cells.flatMap(({ traces }) => traces);
  const scales = reachScales(all, selection, style);
  const panels = comparison.cells.map(({ traces }, c) => panel(traces[0], c, selection, style, scales));
  const row = beside(28, ...panels);
  const extras = all.map((each) => reachExtras(each, selection));
  const key = legend(scales.color, style, {
    zero: extras.some(({ zero }) => zero),
    broken: extras.some(({ broken }) => broken),
  });
  const [m, k] = [
    indexIn('loss', selection.loss, trace.losses.length, 'last'),
    indexIn('word', selection.word, trace.words.length, 'first'),
  ];
  const seeds = count(strings, 'seeds', comparison.cells[0].traces.length);
  const title = say(strings, 'compare.seeds', {
    loss: quoted(lossesOf(trace, strings)[m]),
    word: quoted(tokensOf(trace)[k]),
    seeds,
  });
  const plot = seedsPlot(comparison, selection, style, scales, row.width);
  return {
    style,
    title: strings['compare.title'],
    line: say(strings, 'compare.line', { n: comparison.cells.length, seeds }),
    summary: summary(comparison, selection, look),
    content: [row, key, below(6, paragraph(title, style, row.width, style.ink), plot)],
    notes: reachNotes(trace, selection, strings),
    definitions: gradient(style, scales.color),
  };
}

/** The median; for an even count the lower of the two middle values, so that it is a number of the trace. */
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];

function summary(comparison: Comparison, selection: Selection = {}, { strings = en }: Look = {}): string {
  const trace = first(comparison);
  const m = indexIn('loss', selection.loss, trace.losses.length, 'last');
  const k = indexIn('word', selection.word, trace.words.length, 'first');
  const parts = comparison.cells.map(({ traces }) => {
    const values = seedMarks(traces, selection).flatMap((mark) => (mark === undefined ? [] : [mark.value]));
    const share = values.length === 0 ? strings['legend.zero'] : percent(median(values));
    return `${traces[0].model.cell.toUpperCase()} ${share}`;
  });
  return say(strings, 'compare.summary', {
    loss: quoted(lossesOf(trace, strings)[m]),
    word: quoted(tokensOf(trace)[k]),
    distance: count(strings, 'words', distance(trace, selection, m, k)),
    parts: parts.join(', '),
    seeds: count(strings, 'seeds', comparison.cells[0].traces.length),
  });
}

function table(comparison: Comparison, selection: Selection = {}, { strings = en }: Look = {}): Table {
  const losses = lossesOf(first(comparison), strings);
  const rows = comparison.cells.flatMap(({ traces }) =>
    traces.flatMap((trace) => {
      const { reach } = reachOf(trace, selection);
      const { cell, initialization } = trace.model;
      return reach.norms.flatMap((row, m) =>
        row.flatMap((norm, k) =>
          norm === null
            ? []
            : [
                [
                  cell,
                  initialization?.seed ?? '',
                  m,
                  losses[m],
                  k,
                  trace.words[k].text,
                  norm,
                  reach.retention[m][k] as number,
                ],
              ],
        ),
      );
    }),
  );
  return { columns: ['cell', 'seed', 'loss', 'loss word', 'step', 'step word', 'norm', 'retention'], rows };
}

/** V10: is it the architecture? */
export const compare: View<Comparison> = viewOf('compare', draw, summary, table);
