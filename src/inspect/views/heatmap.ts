/** A grid of colored cells with names for rows and columns: the form most views share. */
import { paintOf } from './paint.js';
import type { ColorScale } from './paint.js';
import { el, escape, px } from './svg.js';
import type { Attributes, Block } from './svg.js';
import { fit, isolate, widthOf } from './text.js';
import type { Style } from './theme.js';

/** One cell. */
export interface Cell {
  /** What its color shows. */
  readonly value: number;
  /** `data-v` and `data-ref` of that number. */
  readonly data: Attributes;
  /** Read aloud, and shown by the pointer. */
  readonly label: string;
  /** Printed inside where it fits. */
  readonly text?: string;
}

/** A grid. */
export interface Grid {
  /** What it shows, in a few words. */
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** The cell of a row and a column; `zero` for a structural zero, nothing where the picture stays empty. */
  cell(row: number, column: number): Cell | 'zero' | undefined;
  readonly scale: ColorScale;
  /** Width and height of a cell. */
  readonly size: readonly [number, number];
  readonly selected?: readonly [row: number, column: number];
  /** Room for the names of rows; default what they need, at most 140. */
  readonly gutter?: number;
  /** Leaves the names of columns out. */
  readonly bare?: boolean;
  /** Where the references of all cells begin; it is then written once, as `data-base` of the grid. */
  readonly base?: string;
}

const LABEL = 12;
/** Sine and cosine of 45 degrees. */
const SLANT = Math.SQRT1_2;

/** Room that names of rows need. */
export const gutterFor = (names: readonly string[]): number =>
  Math.min(140, 8 + Math.max(0, ...names.map((name) => widthOf(name, LABEL))));

/** Whether names of columns must be slanted, and the room under the grid that they need. */
function footFor(names: readonly string[], width: number): { readonly slanted: boolean; readonly height: number } {
  const widest = Math.min(120, Math.max(0, ...names.map((name) => widthOf(name, LABEL))));
  const slanted = widest > width - 4;
  return { slanted, height: slanted ? widest * SLANT + LABEL + 4 : LABEL + 8 };
}

/** Id of the hatching of a picture. */
export const hatchId = (style: Style): string => `${style.id}-hatch`;

/** The hatching that marks structural zeros. */
export function hatching(style: Style): string {
  const stroke = { stroke: style.line, 'stroke-width': 1 };
  const size = { width: 6, height: 6, patternUnits: 'userSpaceOnUse' };
  return el('pattern', { id: hatchId(style), ...size }, el('path', { d: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5', ...stroke }));
}

/** Draws a grid. Its upper left corner is that of the names of rows. */
export function heatmap(grid: Grid, style: Style): Block & { readonly gutter: number } {
  const [w, h] = grid.size;
  const gutter = grid.gutter ?? gutterFor(grid.rows);
  const rows = grid.rows.map((name, r) => rowOf(grid, style, name, r, gutter));
  const height = grid.rows.length * h;
  const width = gutter + grid.columns.length * w;
  const none = { height: 0, body: '' };
  const names = grid.bare ? none : columnNames(grid.columns, style, gutter, height, w);
  const body =
    el('g', { role: 'table', 'aria-label': grid.label, 'data-base': grid.base }, ...rows) +
    names.body +
    selection(grid, style, gutter);
  return { width, height: height + names.height, body, gutter };
}

function rowOf(grid: Grid, style: Style, name: string, r: number, gutter: number): string {
  const [w, h] = grid.size;
  const cells: string[] = [];
  const glyphs = new Map<string, string>();
  const row = grid.columns.map((_, c) => grid.cell(r, c));
  row.forEach((cell, c) => {
    const at = { x: gutter + c * w, y: r * h, width: w, height: h };
    if (cell === 'zero') cells.push(zeros(row, style, c, at));
    else if (cell !== undefined) cells.push(cellOf(grid, style, cell, at, glyphs));
  });
  const paths = [...glyphs].map(([stroke, d]) => el('path', { d, stroke, fill: 'none', 'aria-hidden': 'true' }));
  const size = Math.min(LABEL, Math.max(8, h));
  const label = el(
    'text',
    {
      role: 'rowheader',
      x: gutter - 6,
      y: r * h + h / 2,
      'text-anchor': 'end',
      'dominant-baseline': 'central',
      'font-size': size,
    },
    escape(isolate(fit(name, size, gutter - 8))),
  );
  return el('g', { role: 'row' }, label, ...cells, ...paths);
}

interface Place extends Attributes {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A run of structural zeros is one shape, drawn at its first cell. */
function zeros(row: readonly (Cell | 'zero' | undefined)[], style: Style, c: number, at: Place): string {
  if (c > 0 && row[c - 1] === 'zero') return '';
  let end = c + 1;
  while (row[end] === 'zero') end++;
  const title = el('title', {}, escape(style.strings['legend.zero']));
  return el('rect', { role: 'cell', ...at, width: (end - c) * at.width, fill: `url(#${hatchId(style)})` }, title);
}

function cellOf(grid: Grid, style: Style, cell: Cell, at: Place, glyphs: Map<string, string>): string {
  const paint = paintOf(grid.scale, cell.value);
  const title = style.titles ? el('title', {}, escape(cell.label)) : '';
  const data = { ...cell.data, 'data-ref': String(cell.data['data-ref']).slice((grid.base ?? '').length) };
  const rect = el('rect', { role: 'cell', ...at, fill: paint?.fill ?? style.empty, ...data }, title);
  const [x, y] = [at.x + at.width / 2, at.y + at.height / 2];
  const ink = paint?.ink ?? style.ink;
  if (paint === undefined) return rect + inside(at, ink, Number.isNaN(cell.value) ? '✕' : cell.value > 0 ? '∞' : '−∞');
  if (cell.text !== undefined && fits(cell.text, at)) return rect + inside(at, ink, cell.text);
  if (grid.scale.signed && cell.value !== 0 && Math.min(at.width, at.height) >= 7) {
    const minus = `M${px(x - 2.5)} ${px(y)}h5`;
    glyphs.set(ink, (glyphs.get(ink) ?? '') + (cell.value < 0 ? minus : `${minus}M${px(x)} ${px(y - 2.5)}v5`));
  }
  return rect;
}

const SMALL = 10;
const fits = (text: string, { width, height }: Place): boolean =>
  height >= SMALL + 3 && widthOf(text, SMALL) <= width - 2;

/** A text in the middle of a cell; it repeats what the cell's name says, so that it is not read twice. */
function inside({ x, y, width, height }: Place, fill: string, text: string): string {
  const size = Math.min(SMALL, height, width);
  const middle = { x: x + width / 2, y: y + height / 2, 'text-anchor': 'middle', 'dominant-baseline': 'central' };
  return el(
    'text',
    { ...middle, 'font-size': size, fill, 'aria-hidden': 'true', 'pointer-events': 'none' },
    escape(text),
  );
}

/** Names under columns: level where they fit, else slanted, and not all of them where they would touch. */
export function columnNames(names: readonly string[], style: Style, x0: number, y: number, width: number): Block {
  const { slanted, height } = footFor(names, width);
  const every = slanted ? Math.ceil(17 / width) : 1;
  const texts = names.map((name, c) => {
    if (c % every > 0) return '';
    const x = x0 + c * width + width / 2;
    const text = escape(isolate(fit(name, LABEL, slanted ? 120 : width - 2)));
    if (!slanted) return el('text', { x, y: y + LABEL + 3, 'text-anchor': 'middle' }, text);
    const transform = `translate(${px(x + 4)} ${px(y + 8)})rotate(-45)`;
    return el('text', { transform, 'text-anchor': 'end', 'dominant-baseline': 'central' }, text);
  });
  const body = el('g', { 'font-size': LABEL, fill: style.ink }, ...texts);
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
