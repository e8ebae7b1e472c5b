/** Prints a tensor compactly: aligned columns under a line with its element type and shape. */
import { expectKnownKeys, expectPositiveInteger, keysOf } from './checks.js';
import { ArgumentError } from './errors.js';
import type { Real, Tensor } from './types.js';
import { dtypeOf, flatCopy } from './view.js';
import { expectRecord, expectTensor } from './arguments.js';
import { show } from './describe.js';

/** How a tensor is printed. */
export interface FormatOptions {
  /** Digits after the point; 4 by default. */
  readonly precision?: number;
  /** Entries shown of every axis but the last; if there are more, the middle is omitted. 8 by default. */
  readonly maxRows?: number;
  /** Entries shown of the last axis. 8 by default. */
  readonly maxColumns?: number;
}

const KEYS = keysOf<FormatOptions>({ precision: true, maxRows: true, maxColumns: true });

/**
 * A tensor as text. A matrix is one block of rows; a tensor of higher rank is one block per matrix, headed by its leading
 * indices. Numbers are fixed-point, or all exponential if one is too large or too small for that.
 *
 *     float32 [2, 3]
 *      1.0000  -0.5000     NaN
 *      0.2500   0.0000  -2.0000
 *
 * @throws ArgumentError when an option is not an integer, a maximum below 1, or precision outside 0 … 20
 */
export function format(x: Tensor, options: FormatOptions = {}): string {
  expectTensor('format', 'x', x);
  expectRecord('format', 'options', options);
  expectKnownKeys('format', 'options', options, KEYS);
  const { precision = 4, maxRows = 8, maxColumns = 8 } = options;
  if (!Number.isInteger(precision) || precision < 0 || precision > 20) {
    throw new ArgumentError(`format: precision must be an integer in 0 ... 20; got ${show(precision)}`);
  }
  expectPositiveInteger('format', 'maxRows', maxRows);
  expectPositiveInteger('format', 'maxColumns', maxColumns);
  const head = `${dtypeOf(x.data)} [${x.shape.join(', ')}]`;
  const data = flatCopy(x);
  if (data.length === 0) return `${head} (empty)`;
  const write = numberWriter(data, precision);
  const rank = x.shape.length;
  const C = rank === 0 ? 1 : x.shape[rank - 1];
  const R = rank < 2 ? 1 : x.shape[rank - 2];
  const leading = x.shape.slice(0, Math.max(rank - 2, 0));
  const blocks = blocksOf(leading, maxRows).map(({ title, at }) => {
    if (at < 0) return title;
    const block = matrixText(data, at * R * C, [R, C], write, maxRows, maxColumns);
    return title === '' ? block : `${title}\n${block}`;
  });
  return `${head}\n${blocks.join('\n')}`;
}

/** Indices 0 … n − 1, or the first and last of them with a −1 between if there are more than `most`. */
function shown(n: number, most: number): number[] {
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  const first = Math.ceil(most / 2);
  const last = most - first;
  return [...shown(first, first), -1, ...shown(last, last).map((i) => n - last + i)];
}

/**
 * Titles of the matrices of a tensor with the given leading axes, and the index of each in row-major order; −1 stands for omitted
 * ones.
 */
function blocksOf(leading: readonly number[], most: number): { title: string; at: number }[] {
  let blocks = [{ indices: [] as number[], at: 0 }];
  for (const size of leading) {
    blocks = blocks.flatMap(({ indices, at }) =>
      at < 0
        ? [{ indices, at }]
        : shown(size, most).map((i) => ({ indices: [...indices, i], at: i < 0 ? -1 : at * size + i })),
    );
  }
  return blocks.map(({ indices, at }) => {
    const title = [...indices.map((i) => (i < 0 ? '…' : String(i))), '·', '·'].join(', ');
    return { title: leading.length === 0 ? '' : `[${title}]`, at };
  });
}

function matrixText(
  data: Real,
  offset: number,
  [R, C]: readonly [number, number],
  write: (value: number) => string,
  maxRows: number,
  maxColumns: number,
): string {
  const columns = shown(C, maxColumns);
  const cells = shown(R, maxRows).map((i) =>
    columns.map((j) => (i < 0 || j < 0 ? '…' : write(data[offset + i * C + j]))),
  );
  const widths = columns.map((_, j) => Math.max(...cells.map((row) => row[j].length)));
  return cells.map((row) => ' ' + row.map((cell, j) => cell.padStart(widths[j])).join('  ')).join('\n');
}

/** One notation for all elements: fixed-point unless that would lose the smallest or be too wide for the largest. */
function numberWriter(data: Real, precision: number): (value: number) => string {
  let least = Infinity;
  let greatest = 0;
  for (const value of data) {
    const size = Math.abs(value);
    if (size > 0 && size < Infinity) {
      least = Math.min(least, size);
      greatest = Math.max(greatest, size);
    }
  }
  const fixed = greatest < 1e6 && (greatest === 0 || Number(least.toFixed(precision)) > 0);
  return (value) => {
    if (!Number.isFinite(value)) return String(value);
    return fixed ? value.toFixed(precision) : value.toExponential(precision);
  };
}

/** An integer with thousands separators: `1,234,567`. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count and what is counted: `1 token`, `1,234 tokens`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** Rows of text in aligned columns: the first left-aligned, the others right-aligned. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  const align = (cell: string, j: number): string => (j === 0 ? cell.padEnd(widths[j]) : cell.padStart(widths[j]));
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}
