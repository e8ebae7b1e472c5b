/** Labels stored as integers, as in Hugging Face datasets. */
import { brief } from '../../../serialize/unique-json.js';
import { ArgumentError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import type { LabelNames } from './label-names.js';
import { dataErrorAt } from './options.js';
import type { ParseOptions } from './options.js';

/** Replaces integers by label names. */
export interface LabelNamer {
  readonly names?: LabelNames;
  /**
   * Replaces the integers in a list of labels by names; returns any other value as it is.
   *
   * @throws ArgumentError if the column has no names.
   * @throws DataError on a number without a name
   */
  labels(value: unknown, column: string, line: number): unknown;
  /** The same for the label of a whole sentence; if there are no names, numbers stay as they are. */
  label(value: unknown, column: string, line: number): unknown;
  notes(): Note[];
}

/** @param columns the columns that are read */
export function createLabelNamer(
  { labelNames, like, source }: Pick<ParseOptions, 'labelNames' | 'like' | 'source'>,
  columns: readonly string[],
): LabelNamer {
  const names = labelNames ?? like?.labelNames;
  let used = false;
  const namesOf = (column: string, line: number): readonly string[] =>
    namesFor(names, column, columns.length > 1, `${source}:${line}: "${column}" holds integers`);
  const nameOf = (own: readonly string[], item: unknown, column: string, line: number, got: string): string => {
    const name = typeof item === 'number' ? own[item] : undefined;
    if (name !== undefined) return name;
    const expected = `expected an integer from 0 to ${own.length - 1} in "${column}", as there are ${own.length} label names`;
    throw dataErrorAt(source, line, `${expected}; got ${got} add names (--label-names)`);
  };
  return {
    ...(names && { names }),
    labels(value, column, line) {
      if (!Array.isArray(value) || !value.some((item) => typeof item === 'number')) return value;
      used = true;
      const own = namesOf(column, line);
      return (value as unknown[]).map((item, t) => {
        if (item === null) return item;
        const got = `${brief(item)} for token ${t + 1}: correct it, write null if there is no label, or`;
        return nameOf(own, item, column, line, got);
      });
    },
    label(value, column, line) {
      if (names === undefined || typeof value !== 'number') return value;
      used = true;
      return nameOf(namesOf(column, line), value, column, line, `${value}: correct it, or`);
    },
    notes() {
      if (used || labelNames === undefined) return [];
      const message = `${source}: no label is an integer, so the names of --label-names are unused`;
      return [{ kind: 'unused-names', message, source }];
    },
  };
}

/** The names of a column. @throws ArgumentError if it has none */
function namesFor(names: LabelNames | undefined, column: string, several: boolean, place: string): readonly string[] {
  if (names === undefined)
    throw new ArgumentError(`${place}, but the label names are unknown: list them from 0 on (--label-names O,B-PER,… or a file)`); // prettier-ignore
  if (isList(names)) {
    if (!several) return names;
    throw new ArgumentError(`${place}, and other columns may too: give the label names of each in a file of features (--label-names dataset_info.json)`); // prettier-ignore
  }
  if (Object.hasOwn(names, column)) return names[column];
  throw new ArgumentError(`${place}, but names are given only for ${Object.keys(names).join(', ')}: add those of ${column} (--label-names)`); // prettier-ignore
}

const isList = (names: LabelNames): names is readonly string[] => Array.isArray(names);
