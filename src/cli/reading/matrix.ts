/**
 * The triangle of words by words: row m is a loss, column k a word, a cell the class of a share by decade. A cell is two columns
 * wide, or one if the output is narrow. If even that does not fit, neighbors share a cell, which shows their largest value.
 */
import { left, right, shortened, widthOf } from './paper.js';
import type { Glyph, Paper } from './paper.js';
import { glyphOf } from './numbers.js';

/** What to draw. */
export interface MatrixContent {
  readonly rows: readonly string[];
  readonly columns: number;
  /** The number of a cell; null for a structural zero. */
  at(row: number, column: number): number | null;
  /** Whether to show the sign, in a separate column before the glyph. */
  readonly signs?: boolean;
  /** The class of a number; by default its decade. */
  readonly classOf?: (x: number | null) => Glyph;
  /** Text after a row. */
  readonly beside?: (row: number) => string;
}

/** Lines, and the number of words that share a cell: 1 if each has its own. */
export interface Matrix {
  readonly lines: readonly string[];
  readonly block: number;
}

/** Maximum width of a row's name in columns. */
const NAME = 12;

/** @param room available columns; default: the width of the output */
export function matrixOf(paper: Paper, content: MatrixContent, room = paper.width): Matrix {
  const { rows, columns, beside, classOf = glyphOf } = content;
  const tail = beside === undefined ? 0 : 8;
  const names = rows.map((row) => paper.word(row, NAME));
  const gutter = Math.max(...names.map(widthOf)) + 2;
  const space = Math.max(8, room - gutter - tail);
  const wide = columns * 2 <= space ? 2 : 1;
  const block = Math.ceil((columns * wide) / space);
  const spans = spansOf(columns, block);
  const lines = spansOf(rows.length, rows.length === columns ? block : 1).map(([from, to]) => {
    const cells = spans.map((span) => {
      const value = largestIn(content, [from, to], span);
      const glyph = classOf(value);
      const text = paper.glyph(glyph);
      const mark = content.signs && value !== null ? signOf(value) + text : text.repeat(wide);
      return paint(paper, glyph, wide === 1 ? [...mark].at(-1)! : mark);
    });
    const name = right(to - from > 1 ? paper.word(`${rows[from]}…`, NAME) : names[from], gutter - 1);
    return `${name} ${cells.join('')}${beside ? `  ${beside(from)}` : ''}`.trimEnd();
  });
  return { lines, block };
}

const signOf = (value: number): string => (value < 0 ? '-' : value > 0 ? '+' : ' ');

function paint(paper: Paper, glyph: Glyph, text: string): string {
  if (glyph === 'none') return text;
  return typeof glyph === 'number' ? paper.paint(`size${glyph}`, text) : paper.paint('bad', text);
}

type Span = readonly [from: number, to: number];

/** Ranges of length `block`, the last one possibly shorter. */
export function spansOf(count: number, block: number): Span[] {
  return Array.from({ length: Math.ceil(count / block) }, (_, i) => [i * block, Math.min(count, (i + 1) * block)]);
}

/** The number with the largest absolute value in a block; nonfinite numbers take precedence, so that they are not hidden. */
function largestIn({ at }: MatrixContent, rows: Span, columns: Span): number | null {
  let found: number | null = null;
  let most = -1;
  for (let m = rows[0]; m < rows[1]; m++) {
    for (let k = columns[0]; k < columns[1]; k++) {
      const value = at(m, k);
      if (value === null) continue;
      const size = Number.isFinite(value) ? Math.abs(value) : Infinity;
      if (size > most) [found, most] = [value, size];
    }
  }
  return found;
}

/** The legend of the glyphs. */
export function legendOf(paper: Paper, { broken = false, zeros = true } = {}): string[] {
  const classes = ['≥ 10 %', '≥ 1 %', '≥ 0.1 %', '≥ 0.01 %', 'less'];
  const parts = classes.map((text, n) => `${paper.paint(`size${n as 0}`, paper.glyph(n as 0))} ${paper.own(text)}`);
  if (zeros) parts.push('blank: no path');
  if (broken) parts.push(`${paper.glyph('nan')} NaN`, `${paper.glyph('infinite')} infinite`);
  return chunked(paper, parts);
}

/** Places parts side by side, as many per line as fit. */
function chunked(paper: Paper, parts: readonly string[]): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}  ${part}`;
    if (lines.length > 0 && widthOf(longer) <= paper.width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** Minimum width of a truncated text column. */
const LEAST = 8;

/** Columns between the columns of a table. */
const GAP = 2;

/**
 * A table that fits the output: columns as wide as their widest cell, separated by two spaces. Columns are left-aligned if
 * `align` has `l`, else right-aligned. If the table is too wide, text columns are truncated, widest first; if it is still too
 * wide, the remaining columns continue below, with the first column repeated.
 */
export function tableOf(
  paper: Pick<Paper, 'width' | 'own'>,
  rows: readonly (readonly string[])[],
  align: string,
): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => widthOf(row[c] ?? ''))));
  const texts = widths.map((_, c) => c).filter((c) => align[c] === 'l');
  const excess = (): number => widths.reduce((sum, each) => sum + each + GAP, -GAP) - paper.width;
  while (excess() > 0) {
    const widest = texts.reduce((best, c) => (widths[c] > widths[best] ? c : best), texts[0]);
    if (texts.length === 0 || widths[widest] <= LEAST) break;
    widths[widest]--;
  }
  return sheetsOf(widths, paper.width).flatMap((columns, sheet) => [
    ...(sheet > 0 ? [''] : []),
    ...rows.map((row) =>
      columns
        .map((c) => {
          const cell = shortened(paper as Paper, row[c] ?? '', widths[c]);
          return align[c] === 'l' ? left(cell, widths[c]) : right(cell, widths[c]);
        })
        .join(' '.repeat(GAP))
        .trimEnd(),
    ),
  ]);
}

/** Groups columns that fit side by side, with the first column repeated in each group. */
function sheetsOf(widths: readonly number[], room: number): number[][] {
  const sheets: number[][] = [[0]];
  let taken = widths[0];
  for (let c = 1; c < widths.length; c++) {
    if (taken + GAP + widths[c] > room && sheets.at(-1)!.length > 1) {
      sheets.push([0]);
      taken = widths[0];
    }
    sheets.at(-1)!.push(c);
    taken += GAP + widths[c];
  }
  return sheets;
}
