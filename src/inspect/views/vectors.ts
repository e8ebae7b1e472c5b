/** Rows of hidden units: vectors of the trace stacked in one grid, one column per unit. */
import { blockSize, largest, MOST, spanAt, spansOf } from './aggregate.js';
import { heatmap } from './heatmap.js';
import type { Cell } from './grid.js';
import { dataOf, vector } from './mark.js';
import type { Mark, Path } from './mark.js';
import type { ColorScale } from './paint.js';
import { say } from './strings/index.js';
import type { Block } from './svg.js';
import { short } from './text.js';
import type { Style } from './theme.js';
import type { Trace } from '../trace.js';

/** One vector of the trace. */
export interface Row {
  readonly name: string;
  readonly path: Path;
}

/** Labels of the columns: units, or the first unit of each block. */
const columnsOf = (count: number): string[] => spansOf(count).map(({ from }) => String(from));

/** Width of a unit's column for `count` units. */
export const unitWidth = (count: number): number => Math.max(12, Math.min(44, Math.floor(620 / Math.min(count, MOST))));

/** How many units share a column. */
export const unitBlock = (count: number): number => blockSize(spansOf(count));

/**
 * Draws vectors of one length as rows. Above 48 units, neighbors share a column, which shows the value with the largest absolute
 * value.
 *
 * @param unit the unit framed in the first row
 */
export function vectors(
  trace: Trace,
  rows: readonly Row[],
  style: Style,
  scale: ColorScale,
  options: { readonly label: string; readonly gutter: number; readonly unit?: number; readonly bare?: boolean },
): Block {
  const marks = rows.map(({ path }) => vector(trace, ...path));
  const count = marks[0]?.length ?? 0;
  const spans = spansOf(count);
  const cell = (r: number, c: number): Cell => {
    const mark = largest(marks[r].slice(spans[c].from, spans[c].to), ({ value }) => value) as Mark;
    const unit = marks[r].indexOf(mark);
    const text = short(mark.value, 2);
    const label = say(style.strings, 'unit.cell', { name: rows[r].name, unit, value: short(mark.value) });
    return { value: mark.value, data: dataOf(mark), label, text };
  };
  const size = [unitWidth(count), 22] as const;
  const selected = options.unit === undefined ? undefined : ([0, spanAt(spans, options.unit)] as const);
  const names = rows.map(({ name }) => name);
  return heatmap({ ...options, rows: names, columns: columnsOf(count), cell, scale, size, selected }, style);
}
