/**
 * Numbers of the trace, for use in a picture. The only way to make a mark is to read the trace, so that a picture draws exactly
 * what the trace holds; the tests read both and compare.
 */
import { refTo, valueAt } from '../refs.js';
import type { Trace } from '../trace.js';
import { largest } from './aggregate.js';
import { packed } from './base64.js';
import { el, escape } from './svg.js';
import type { Attributes } from './svg.js';
import { exact } from './text.js';
import type { Style } from './theme.js';

declare const fromTrace: unique symbol;

/** One number of the trace with its JSON Pointer: `/reach/retention/3/1`. */
export interface Mark {
  readonly value: number;
  readonly ref: string;
  readonly [fromTrace]: true;
}

/** Keys and indices that lead to a value in the trace. */
export type Path = readonly (string | number)[];

/**
 * Reads a number of the trace.
 *
 * @returns undefined for a structural zero
 * @throws ArgumentError if the path leads nowhere
 */
export function read(trace: Trace, ...path: Path): Mark | undefined {
  const ref = refTo(...path);
  const value = valueAt(trace, ref);
  return typeof value === 'number' ? ({ value, ref } as Mark) : undefined;
}

/** Reads a number that must be present. @throws RangeError if there is something else */
export function must(trace: Trace, ...path: Path): Mark {
  const mark = read(trace, ...path);
  if (mark === undefined) throw new RangeError(`the trace has no number at ${refTo(...path)}`);
  return mark;
}

/** Reads each component of a vector. */
export function vector(trace: Trace, ...path: Path): Mark[] {
  const values = valueAt(trace, refTo(...path)) as readonly unknown[];
  return values.map((_, i) => must(trace, ...path, i));
}

/** The attributes that link a shape to the number it shows. */
export const dataOf = (mark: Mark): Attributes => ({ 'data-v': exact(mark.value), 'data-ref': mark.ref });

/** The name of a mark, shown on hover and read by screen readers; a dense picture has none. */
export const named = ({ dense }: Pick<Style, 'dense'>, label: string): string =>
  dense ? '' : el('title', {}, escape(label));

/** Placeholder for a number in a reference of a row. */
const SLOT = '{}';

/**
 * The attributes that link a row of shapes to the numbers they show, column by column. `data-v` lists the numbers, each as the
 * shortest decimal that gives the same float64, with `-` for a column without a number. `data-ref`, and `data-block` for sums,
 * give their pointers, in which each `{}` stands for a number that differs from column to column. `data-at` lists these numbers,
 * with dots between those of one column; without it they are the column indices, from 0.
 *
 * @param cells the attributes of each column's mark
 * @returns undefined if the references have no common form, so that each shape must carry its own
 */
export function dataOfRow(cells: readonly (Attributes | undefined)[]): Attributes | undefined {
  const marks = cells.flatMap((data, column) => (data === undefined ? [] : [{ data, column }]));
  if (marks.length === 0) return {};
  const places = marks.map(({ data }) => [data['data-ref'], data['data-block']].map((each) => String(each ?? '')));
  if (places.some(([ref]) => ref.includes(SLOT))) return undefined;
  const parts = places.map((each) => each.join('\n').split(/(\d+)/));
  const alike = (i: number): boolean => parts.every((each) => each[i] === parts[0][i]);
  const fixed = parts[0].map((_, i) => alike(i));
  if (parts.some(({ length }) => length !== fixed.length) || fixed.some((same, i) => i % 2 === 0 && !same))
    return undefined;
  const [ref, block] = parts[0]
    .map((part, i) => (fixed[i] ? part : SLOT))
    .join('')
    .split('\n');
  const at = parts.map((each) => each.filter((_, i) => !fixed[i]).join('.'));
  const counted = at.every((each, i) => each === '' || each === String(marks[i].column));
  const last = marks[marks.length - 1].column;
  const listed = (values: readonly string[]): string => {
    const row: string[] = [];
    marks.forEach(({ column }, i) => (row[column] = values[i]));
    return Array.from(row, (each) => each ?? '-').join(' ');
  };
  return {
    'data-ref': ref,
    'data-block': block === '' ? undefined : block,
    'data-at': counted ? undefined : listed(at),
    'data-v': listed(marks.map(({ data: { 'data-v': v } }) => (last === 0 ? String(v) : String(Number(v))))),
  };
}

/**
 * The same row in a shorter form: `data-f` holds its numbers as base64 of little-endian float64, and `data-from` the column of
 * the first number if that is not 0. A row with gaps is left unchanged.
 */
export function packedRow(data: Attributes | undefined): Attributes | undefined {
  const values = data?.['data-v'] === undefined ? [] : String(data['data-v']).split(' ');
  const from = values.findIndex((each) => each !== '-');
  const own = values.slice(from);
  if (own.length < 3 || own.includes('-')) return data;
  const rest = { ...data, 'data-v': undefined };
  return { ...rest, 'data-from': from === 0 ? undefined : String(from), 'data-f': packed(own.map(Number)) };
}

/**
 * A sequence of shapes with one number each. In a dense picture the group around them carries their numbers, as for a row, unless
 * their references have no common form.
 */
export function together({ dense }: Pick<Style, 'dense'>, shapes: readonly string[]): string {
  if (!dense) return shapes.join('');
  const found = shapes.map((shape) => / data-v="([^"&]*)" data-ref="([^"&]*)"(?: data-block="([^"&]*)")?/.exec(shape));
  const data = found.map((each) => each && { 'data-v': each[1], 'data-ref': each[2], 'data-block': each[3] });
  const row = dataOfRow(data.map((each) => each ?? undefined));
  if (row === undefined) return shapes.join('');
  return el('g', packedRow(row) ?? {}, ...shapes.map((shape, i) => shape.replace(found[i]?.[0] ?? '', '')));
}

/** The same rows with the common prefix of all references, up to a slash, written once, as attributes of the element around them. */
export function underBase(rows: readonly (Attributes | undefined)[]): {
  readonly base: Attributes;
  readonly own: readonly (Attributes | undefined)[];
} {
  const refs = rows.flatMap((data) => (data?.['data-ref'] === undefined ? [] : [String(data['data-ref'])]));
  let [base = ''] = refs;
  while (!refs.every((ref) => ref.startsWith(`${base}/`))) base = base.slice(0, Math.max(0, base.lastIndexOf('/')));
  if (base === '') return { base: {}, own: rows };
  const own = rows.map(
    (data) => data && { ...data, 'data-ref': data['data-ref'] && String(data['data-ref']).slice(base.length) },
  );
  return { base: { 'data-base': base }, own };
}

/** A half-open range: from … up to, but not including, …. */
type Range = readonly [number, number];

/**
 * The sum of a block of a matrix, or of a slice of a vector, and the attributes of a shape that shows it: `data-block` gives rows
 * and columns, `0:4,8:12`, or indices, `0:4`. Structural zeros in it count as 0.
 */
export function sumOf(trace: Trace, path: Path, rows: Range, columns?: Range) {
  const ref = refTo(...path);
  const part = (valueAt(trace, ref) as readonly unknown[]).slice(...rows);
  const all = columns === undefined ? part : part.flatMap((row) => (row as readonly unknown[]).slice(...columns));
  const value = all.reduce<number>((sum, each) => sum + (typeof each === 'number' ? each : 0), 0);
  const block = [rows, columns].flatMap((each) => (each === undefined ? [] : [each.join(':')])).join(',');
  const data: Attributes = { 'data-v': exact(value), 'data-ref': ref, 'data-block': block };
  return { value, data };
}

/** The number with the largest absolute value in a block of a matrix, and its position; undefined if all are structural zeros. */
export function largestOf(trace: Trace, path: Path, rows: Range, columns: Range) {
  const matrix = valueAt(trace, refTo(...path)) as readonly (readonly (number | null)[])[];
  const places = matrix
    .slice(...rows)
    .flatMap((row, i) =>
      row.slice(...columns).map((value, j) => ({ value, row: rows[0] + i, column: columns[0] + j })),
    );
  const found = largest(
    places.filter(({ value }) => value !== null),
    ({ value }) => value as number,
  );
  return found && { mark: must(trace, ...path, found.row, found.column), row: found.row, column: found.column };
}
