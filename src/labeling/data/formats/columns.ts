/** Several label columns: which ones, and which of them an input lacks. */
import { ArgumentError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import type { LabelColumns, ParseOptions } from './options.js';
import type { InputSpec } from './reading.js';

/** Returns the columns as a list. */
export function columnList(columns: LabelColumns): readonly (string | number)[] {
  return typeof columns === 'string' || typeof columns === 'number' ? [columns] : columns;
}

/** The name of a column that is one of several: its name, or `column3` for a number. */
export function columnName(column: string | number): string {
  return typeof column === 'number' ? `column${column}` : column;
}

/** The columns of another format by name, if there are several: names can be looked up in every format. */
export function namedLike(like: InputSpec | undefined): readonly string[] | undefined {
  return asksForSeveral(like?.column) ? columnList(like!.column!).map(columnName) : undefined;
}

/** Whether a list of columns was requested: sentences then have `columns`. */
export function asksForSeveral(columns: LabelColumns | undefined): boolean {
  return columns !== undefined && columnList(columns).length > 1;
}

/** Unwraps a list of one column. */
export function oneOrList<C extends string | number>(columns: readonly C[]): C | readonly C[] {
  return columns.length === 1 ? columns[0] : columns;
}

/**
 * Returns the indices of the requested columns. If labels are optional and several columns are requested, those that the input lacks are
 * skipped, and noted.
 *
 * @param find returns the index of one column.
 * @throws ArgumentError if there is none
 * @throws ArgumentError if there is no such column, if none of several exists, or if one is named twice
 */
export function placesOfColumns(
  columns: LabelColumns,
  { labels, source }: Pick<ParseOptions, 'labels' | 'source'>,
  find: (column: string | number) => number,
  notes: Note[],
): number[] {
  const list = columnList(columns);
  const mayLack = labels === 'optional' && list.length > 1;
  const lacking: ArgumentError[] = [];
  const places = list.flatMap((column) => {
    try {
      return [{ column, at: find(column) }];
    } catch (error) {
      if (!mayLack || !(error instanceof ArgumentError)) throw error;
      lacking.push(error);
      return [];
    }
  });
  if (places.length === 0) throw lacking[0];
  for (const error of lacking) notes.push({ kind: 'column-missing', message: `${source}: ${error.message}`, source });
  const twice = places.find(({ at }, i) => places.findIndex((other) => other.at === at) !== i);
  if (twice === undefined) return places.map(({ at }) => at);
  throw new ArgumentError(`${source}: the label column ${twice.column} is named twice: leave one out (--column)`);
}
