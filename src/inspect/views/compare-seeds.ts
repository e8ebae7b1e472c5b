/** The seeds of a comparison: the retention of each between one loss and one word, as dots on the color scale. */
import type { Trace } from '../trace.js';
import { dataOf, named, read } from './mark.js';
import type { Mark } from './mark.js';
import { indexIn, reachOf } from './select.js';
import type { Selection } from './select.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { percent, widthOf } from './text.js';
import type { Style } from './theme.js';
import type { ReachScales } from './reach-matrix.js';

/** Input of a comparison: for each cell, one trace per seed, all of the same sentence. */
export interface Comparison {
  readonly cells: readonly { readonly traces: readonly Trace[] }[];
}

/** Pointer to a trace in a comparison; references in its part of the picture start with it. */
export const rootOf = (cell: number, seed: number): string => `/cells/${cell}/traces/${seed}`;

/** The numbers of all seeds of a cell at the selected loss and word. */
export function seedMarks(traces: readonly Trace[], selection: Selection): (Mark | undefined)[] {
  return traces.map((trace) => {
    const m = indexIn('loss', selection.loss, trace.losses.length, 'last');
    const k = indexIn('word', selection.word, trace.words.length, 'first');
    const what = selection.normalization === 'absolute' ? 'norms' : 'retention';
    return read(trace, ...reachOf(trace, selection).path, what, m, k);
  });
}

const ROW = 26;

/** A row per cell and a dot per seed, on the color scale. */
export function seedsPlot(
  comparison: Comparison,
  selection: Selection,
  style: Style,
  scales: ReachScales,
  width: number,
): Block {
  const gutter =
    Math.max(...comparison.cells.map(({ traces }) => widthOf(traces[0].model.cell.toUpperCase(), 12))) + 12;
  const long = Math.min(560, width - gutter - 60);
  const at = (value: number): number => gutter + scales.color.scale.at(value) * long;
  const rows = comparison.cells.map(({ traces }, c) => {
    const y = c * ROW + ROW / 2;
    const name = el(
      'text',
      { x: gutter - 10, y, 'text-anchor': 'end', 'dominant-baseline': 'central' },
      escape(traces[0].model.cell.toUpperCase()),
    );
    const line = el('path', { d: `M${Math.round(gutter)} ${y}h${Math.round(long)}`, stroke: style.line });
    const dots = seedMarks(traces, selection).map((mark, s) => dot(mark, s, y, at, style, rootOf(c, s)));
    return name + line + dots.join('');
  });
  const ticks = scales.color.scale.ticks(9).map((value) => {
    const x = at(value);
    const text = {
      x,
      y: comparison.cells.length * ROW + 14,
      'text-anchor': 'middle',
      'font-size': 11,
      fill: style.muted,
    };
    return (
      el('path', {
        d: `M${Math.round(x)} 0V${comparison.cells.length * ROW}`,
        stroke: style.line,
        'stroke-dasharray': '1 3',
      }) + el('text', text, escape(scales.color.format(value)))
    );
  });
  return {
    width: gutter + long + 40,
    height: comparison.cells.length * ROW + 18,
    body: ticks.join('') + rows.join(''),
  };
}

function dot(
  mark: Mark | undefined,
  seed: number,
  y: number,
  at: (value: number) => number,
  style: Style,
  root: string,
): string {
  if (mark === undefined || !(mark.value > 0) || !Number.isFinite(mark.value)) return '';
  const shape = { cx: at(mark.value), cy: y, r: seed === 0 ? 6 : 4, 'fill-opacity': seed === 0 ? '1' : '0.45' };
  return el(
    'circle',
    { ...shape, fill: style.accent, stroke: style.background, 'data-base': root, ...dataOf(mark) },
    named(style, percent(mark.value)),
  );
}
