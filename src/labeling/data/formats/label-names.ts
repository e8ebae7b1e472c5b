/** Names for the integers in label columns, as in Hugging Face datasets. */
import { show } from '../../../tensor/describe.js';
import { ArgumentError } from '../../../tensor/errors.js';

/** Names of labels, in the order of the integers that stand for them: one list for every column, or one per column by name. */
export type LabelNames = readonly string[] | Readonly<Record<string, readonly string[]>>;

/** Whether a value is a list of distinct names, or has such lists by column. */
export function isLabelNames(value: unknown): value is LabelNames {
  if (Array.isArray(value)) return value.length > 0 && value.every(isName) && new Set(value).size === value.length;
  if (typeof value !== 'object' || value === null) return false;
  const lists = Object.values(value);
  return lists.length > 0 && lists.every((list) => Array.isArray(list) && isLabelNames(list));
}

const isName = (name: unknown): boolean => typeof name === 'string' && name.trim() !== '';

/** Requires names of labels. @throws ArgumentError on anything else */
export function expectLabelNames(where: string, names: unknown, what = 'labelNames'): void {
  if (isLabelNames(names)) return;
  throw new ArgumentError(
    `${where}: ${what} must be a list of names that are not blank, each once, or such a list by column; got ${show(names)}`,
  );
}
