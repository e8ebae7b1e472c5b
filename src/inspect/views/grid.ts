/** A grid of colored cells: its structure, and the appearance of each cell. `heatmap` and `dense` draw it. */
import { dataOfRow } from './mark.js';
import { paintOf } from './paint.js';
import type { ColorScale, Paint } from './paint.js';
import { el, px } from './svg.js';
import type { Attributes } from './svg.js';
import { fit, isolate, widthOf } from './text.js';
import type { Style } from './theme.js';

/** One cell. */
export interface Cell {
  /** The number that its color shows. */
  readonly value: number;
  /** `data-v` and `data-ref` of that number. */
  readonly data: Attributes;
  /** Read by screen readers, and shown on hover. */
  readonly label: string;
  /** Printed inside if it fits. */
  readonly text?: string;
}

/** A grid. */
export interface Grid {
  /** Short description of its content. */
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** The cell of a row and a column; `zero` for a structural zero, undefined for an empty cell. */
  cell(row: number, column: number): Cell | 'zero' | undefined;
  readonly scale: ColorScale;
  /** Width and height of a cell. */
  readonly size: readonly [number, number];
  readonly selected?: readonly [row: number, column: number];
  /** Width reserved for row names; default the width that they need, at most 140. */
  readonly gutter?: number;
  /** Width of the free space on the left of the grid, for slanted column names; default none. */
  readonly free?: number;
  /** Omits the column names. */
  readonly bare?: boolean;
}

/** The cells of a row. */
export type Cells = readonly (Cell | 'zero' | undefined)[];

/** Its numbers. */
export const valuesOf = (row: Cells): (number | null)[] =>
  row.map((cell) => (cell === undefined || cell === 'zero' ? null : cell.value));

/** The numbers of a row, linked to the trace. */
export const dataOfCells = (row: Cells): Attributes | undefined =>
  dataOfRow(row.map((cell) => (cell === undefined || cell === 'zero' ? undefined : cell.data)));

/** Font size of row and column names. */
export const LABEL = 12;

/** Width that row names need. */
export const gutterFor = (names: readonly string[]): number =>
  Math.ceil(Math.min(140, 8 + Math.max(0, ...names.map((name) => widthOf(name, LABEL)))));

/** Font size of row names for a row height. */
export const labelSize = (h: number): number => Math.min(LABEL, Math.max(8, h));

/** The name of a row, truncated to fit; empty if there is no room for names. */
export const rowName = (name: string, h: number, gutter: number): string =>
  gutter <= 8 ? '' : isolate(fit(name, labelSize(h), gutter - 8));

/** Id of the hatching of a picture. */
export const hatchId = (style: Style): string => `${style.shared}-hatch`;

/** The hatching that marks structural zeros. */
export function hatching(style: Style): string {
  const stroke = { stroke: style.line, 'stroke-width': 1 };
  const size = { width: 6, height: 6, patternUnits: 'userSpaceOnUse' };
  return el('pattern', { id: hatchId(style), ...size }, el('path', { d: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5', ...stroke }));
}

/** Position of a shape. */
export interface Place extends Attributes {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Appearance of a cell: its color, and inside it a text, a sign as a path, or nothing. */
export interface CellLooks extends Paint {
  readonly text: string;
  readonly sign: string;
}

/** Chooses the content of a cell. */
export function looksOf(grid: Grid, style: Style, { value, text }: Cell, at: Place): CellLooks {
  const paint = paintOf(grid.scale, value) ?? { fill: style.empty, ink: style.ink };
  if (!Number.isFinite(value)) return { ...paint, text: Number.isNaN(value) ? '✕' : value > 0 ? '∞' : '−∞', sign: '' };
  if (text !== undefined && fits(text, at)) return { ...paint, text, sign: '' };
  if (!grid.scale.signed || value === 0 || Math.min(at.width, at.height) < 7) return { ...paint, text: '', sign: '' };
  const [x, y] = [at.x + at.width / 2, at.y + at.height / 2];
  const minus = `M${px(x - 2.5)} ${px(y)}h5`;
  return { ...paint, text: '', sign: value < 0 ? minus : `${minus}M${px(x)} ${px(y - 2.5)}v5` };
}

const SMALL = 10;
const fits = (text: string, { width, height }: Place): boolean =>
  height >= SMALL + 3 && widthOf(text, SMALL) <= width - 2;

/** Font size of a text in a cell. */
export const insideSize = ({ width, height }: Pick<Place, 'width' | 'height'>): number =>
  Math.min(SMALL, height, width);
