/** `--label-names`: the names of labels given as integers, on the command line or in a file. */
import { readFileSync } from 'node:fs';
import { isLabelNames } from '../labeling/data/formats/label-names.js';
import type { LabelNames } from '../labeling/data/formats/index.js';
import { parseUniqueJson } from '../serialize/unique-json.js';
import { DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { visible } from '../tensor/visible.js';

/** Whether a text is a list of names; without a comma it is the path of a file. */
export const listsNames = (text: string): boolean => text.includes(',');

/** Returns the names given by the option. @throws DataError on a file that cannot be read or has other contents */
export function openLabelNames(text: string): LabelNames {
  if (listsNames(text)) return text.split(',').map((name) => name.trim());
  const source = `--label-names ${visible(text)}`;
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(text));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'no such file' : `cannot be read: ${messageOf(cause)}`;
    throw new DataError(`${source}: ${why}: pass a file, or the labels separated by commas (O,B-PER,I-PER)`, {
      cause,
    });
  }
  const names = namesIn(content, source);
  if (isLabelNames(names)) return names;
  throw new DataError(
    `${source}: expected names of labels, each once: one a line, a JSON list, or the features of a dataset ({"features": {"ner_tags": {"feature": {"names": […]}}}})`,
  );
}

/** Names in a file: JSON if it starts like JSON, else one per line. */
function namesIn(content: string, source: string): unknown {
  if (!/^\s*[[{]/.test(content)) return content.trim().split(/\r?\n/).map((line) => line.trim()); // prettier-ignore
  let value: unknown;
  try {
    value = parseUniqueJson(content, 'names');
  } catch (cause) {
    throw new DataError(`${source}: ${messageOf(cause)}: write a JSON list, or one name a line`, { cause });
  }
  return Array.isArray(value) ? value : featureNames(value, source);
}

/**
 * The names of class labels by column: in `dataset_info.json` (`{"features": …}`), `dataset_infos.json` (such an object by
 * configuration), or the features themselves. A column is `{"feature": {"names": […]}}`, or `{"names": […]}` for one label per
 * sentence.
 */
function featureNames(value: unknown, source: string): unknown {
  const found = new Map<string, readonly string[]>();
  const configurations = 'features' in Object(value) ? [value] : Object.values(value as object);
  const lists = configurations.some((each) => 'features' in Object(each))
    ? configurations.map((each) => (each as Record<string, unknown>).features)
    : [value];
  for (const [column, feature] of lists.flatMap((list) => Object.entries(Object(list) as object))) {
    const { names, feature: inner } = Object(feature) as Record<string, unknown>;
    const own = names ?? (Object(inner) as Record<string, unknown>).names;
    if (!Array.isArray(own)) continue;
    const before = found.get(column);
    if (before && JSON.stringify(before) !== JSON.stringify(own))
      throw new DataError(
        `${source}: two lists of names for the column ${column}: leave one configuration in the file`,
      );
    found.set(column, own as string[]);
  }
  return Object.fromEntries(found);
}
