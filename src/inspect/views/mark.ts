/**
 * Numbers of the trace on their way into a picture. A mark can be made by reading the trace and in no other way, so what a
 * picture draws is what the trace holds; the tests read both and compare.
 */
import { refTo, valueAt } from '../refs.js';
import type { Trace } from '../trace.js';
import { largest } from './aggregate.js';
import type { Attributes } from './svg.js';
import { exact } from './text.js';

declare const fromTrace: unique symbol;

/** One number of the trace with its place there, a JSON Pointer: `/reach/retention/3/1`. */
export interface Mark {
  readonly value: number;
  readonly ref: string;
  readonly [fromTrace]: true;
}

/** Names and numbers that lead to a place in the trace. */
export type Path = readonly (string | number)[];

/**
 * Reads a number of the trace.
 *
 * @returns nothing where the trace holds a structural zero
 * @throws ArgumentError where the path leads nowhere
 */
export function read(trace: Trace, ...path: Path): Mark | undefined {
  const ref = refTo(...path);
  const value = valueAt(trace, ref);
  return typeof value === 'number' ? ({ value, ref } as Mark) : undefined;
}

/** Reads a number that is always there. @throws RangeError where there is something else */
export function must(trace: Trace, ...path: Path): Mark {
  const mark = read(trace, ...path);
  if (mark === undefined) throw new RangeError(`the trace holds no number at ${refTo(...path)}`);
  return mark;
}

/** Reads each component of a vector. */
export function vector(trace: Trace, ...path: Path): Mark[] {
  const values = valueAt(trace, refTo(...path)) as readonly unknown[];
  return values.map((_, i) => must(trace, ...path, i));
}

/** The attributes that tie a shape to the number it shows. */
export const dataOf = (mark: Mark): Attributes => ({ 'data-v': exact(mark.value), 'data-ref': mark.ref });

/** From … up to, not including, …. */
type Range = readonly [number, number];

/**
 * The sum of a block of a matrix, or of a stretch of a vector, and the attributes of a shape that shows it: `data-block` names rows
 * and columns, `0:4,8:12`, or places, `0:4`. Structural zeros in it count as 0.
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

/** The number of largest size in a block of a matrix, and where it stands; nothing where all are structural zeros. */
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
