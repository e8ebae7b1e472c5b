/** A grid of colored cells with row and column names: the form that most views share. */
import { denseRows } from './dense.js';
import { dataOfCells, gutterFor, hatchId, insideSize, LABEL, labelSize, looksOf, rowName, valuesOf } from './grid.js';
import type { Cell, Cells, Grid, Place } from './grid.js';
import { el, escape, px } from './svg.js';
import type { Attributes, Block } from './svg.js';
import { fit, isolate, widthOf } from './text.js';
import type { Style } from './theme.js';

/** Sine and cosine of 45 degrees. */
const SLANT = Math.SQRT1_2;
/** The longest slanted name. */
const LONGEST = 120;

/** Whether column names must be slanted, and the space that they need under the grid. */
function footFor(names: readonly string[], width: number): { readonly slanted: boolean; readonly height: number } {
  const widest = Math.min(LONGEST, Math.max(0, ...names.map((name) => widthOf(name, LABEL))));
  const slanted = widest > width - 4;
  return { slanted, height: slanted ? widest * SLANT + LABEL + 4 : LABEL + 8 };
}

/** Draws a grid. Its upper left corner is that of the row names. */
export function heatmap(grid: Grid, style: Style): Block & { readonly gutter: number } {
  const [w, h] = grid.size;
  const gutter = grid.gutter ?? gutterFor(grid.rows);
  const height = grid.rows.length * h;
  const width = gutter + grid.columns.length * w;
  const none = { height: 0, body: '' };
  const names = grid.bare ? none : columnNames(grid.columns, style, gutter, height, w, grid.free);
  const rows = grid.rows.map((_, r) => grid.columns.map((__, c) => grid.cell(r, c)));
  style.matrices.push({ label: grid.label, rows: grid.rows, columns: grid.columns, values: rows.map(valuesOf) });
  const cells = style.dense
    ? denseRows(grid, style, rows, gutter)
    : el(
        'g',
        { role: 'table', 'aria-label': grid.label },
        ...grid.rows.map((name, r) => rowOf(grid, style, rows[r], name, r, gutter)),
      );
  return { width, height: height + names.height, body: cells + names.body + selection(grid, style, gutter), gutter };
}

function rowOf(grid: Grid, style: Style, row: Cells, name: string, r: number, gutter: number): string {
  const [w, h] = grid.size;
  const cells: string[] = [];
  const glyphs = new Map<string, string>();
  const data = dataOfCells(row);
  row.forEach((cell, c) => {
    const at = { x: gutter + c * w, y: r * h, width: w, height: h };
    if (cell === 'zero') cells.push(zeros(row, style, c, at));
    else if (cell !== undefined) cells.push(cellOf(grid, style, cell, at, glyphs, data ? {} : cell.data));
  });
  const paths = [...glyphs].map(([stroke, d]) => el('path', { d, stroke, fill: 'none', 'aria-hidden': 'true' }));
  const label = el(
    'text',
    {
      role: 'rowheader',
      x: gutter - 6,
      y: r * h + h / 2,
      'text-anchor': 'end',
      'dominant-baseline': 'central',
      'font-size': labelSize(h),
    },
    escape(rowName(name, h, gutter)),
  );
  return el('g', { role: 'row', ...data }, label, ...cells, ...paths);
}

/** Draws a run of structural zeros as one shape, at its first cell. */
function zeros(row: Cells, style: Style, c: number, at: Place): string {
  if (c > 0 && row[c - 1] === 'zero') return '';
  let end = c + 1;
  while (row[end] === 'zero') end++;
  const title = el('title', {}, escape(style.strings['legend.zero']));
  return el('rect', { role: 'cell', ...at, width: (end - c) * at.width, fill: `url(#${hatchId(style)})` }, title);
}

function cellOf(
  grid: Grid,
  style: Style,
  cell: Cell,
  at: Place,
  glyphs: Map<string, string>,
  data: Attributes,
): string {
  const { fill, ink, text, sign } = looksOf(grid, style, cell, at);
  const rect = el('rect', { role: 'cell', ...at, fill, ...data }, el('title', {}, escape(cell.label)));
  if (sign !== '') glyphs.set(ink, (glyphs.get(ink) ?? '') + sign);
  return text === '' ? rect : rect + inside(at, ink, text);
}

/** A text in the middle of a cell. It repeats the cell's name and is therefore hidden from screen readers. */
function inside({ x, y, width, height }: Place, fill: string, text: string): string {
  const middle = { x: x + width / 2, y: y + height / 2, 'text-anchor': 'middle', 'dominant-baseline': 'central' };
  return el(
    'text',
    { ...middle, 'font-size': insideSize({ width, height }), fill, 'aria-hidden': 'true', 'pointer-events': 'none' },
    escape(text),
  );
}

/**
 * Column names: horizontal if they fit, else slanted; some are omitted if they would touch. Slanted names run to the left below the grid,
 * and are truncated where the block and the free space before it end.
 *
 * @param free width of the free space on the left of the block
 */
export function columnNames(
  names: readonly string[],
  style: Style,
  x0: number,
  y: number,
  width: number,
  free = 0,
): Block {
  const { slanted, height } = footFor(names, width);
  const every = slanted ? Math.ceil(17 / width) : 1;
  const texts = names.map((name, c) => {
    if (c % every > 0) return '';
    const x = c * width + width / 2;
    const room = slanted ? Math.min(LONGEST, (free + x0 + x - LABEL / 2) / SLANT) : width - 2;
    const text = escape(isolate(fit(name, LABEL, room)));
    if (!slanted) return el('text', { x }, text);
    return el('text', { x: (x + 4) * SLANT, y: (x + 4) * SLANT }, text); // the axes are rotated with the words
  });
  const at = slanted
    ? {
        transform: `translate(${px(x0)} ${px(y + 8)})rotate(-45)`,
        'text-anchor': 'end',
        'dominant-baseline': 'central',
      }
    : { transform: `translate(${px(x0)} ${px(y + LABEL + 3)})`, 'text-anchor': 'middle' };
  const body = el('g', { ...at, 'font-size': LABEL, fill: style.ink }, ...texts);
  return { width: x0 + names.length * width, height, body };
}

function selection({ selected, size: [w, h] }: Grid, style: Style, gutter: number): string {
  if (selected === undefined) return '';
  const [x, y] = [gutter + selected[1] * w, selected[0] * h];
  return (
    el('rect', { x, y, width: w, height: h, fill: 'none', stroke: style.background, 'stroke-width': 4 }) +
    el('rect', { x, y, width: w, height: h, fill: 'none', stroke: style.accent, 'stroke-width': 2 })
  );
}
