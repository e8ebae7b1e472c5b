/** JSON lines: one object a line, `{"tokens": ["a", "b"], "labels": ["X", "Y"]}`, optionally with a `"category"`. */
import { brief, jsonExcess } from '../../../serialize/unique-json.js';
import type { DataError } from '../../../tensor/errors.js';
import type { Sentence } from '../sentence.js';
import { UNLABELED } from '../unlabeled.js';
import type { LineParser } from './collect.js';
import { columnList, namedLike, placesOfColumns } from './columns.js';
import { isBlank } from './detect.js';
import type { LabelNamer } from './integer-labels.js';
import { createLabelNamer } from './integer-labels.js';
import { dataErrorAt, quote, type ParseOptions } from './options.js';

/**
 * Returns the fields of the object in a line.
 *
 * @param shape the expected form, for the message.
 * @throws the error that `fail` makes from a message
 */
export function jsonFields(
  text: string,
  shape: string,
  fail: (message: string) => DataError,
): ReadonlyMap<string, unknown> {
  const excess = jsonExcess(text);
  if (excess !== undefined) throw fail(`expected a JSON object; got ${excess}: ${shape}`);
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch (cause) {
    throw fail(`expected a JSON object; got ${quote(text)} (${(cause as Error).message}): write one object per line`);
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw fail(`expected a JSON object; got ${quote(text)}: ${shape}`);
  }
  return new Map<string, unknown>(Object.entries(object));
}

/**
 * Returns a parser of JSON lines. Labels are in the field that `column` names: by default `labels`, or `ner_tags` if the first line has
 * only that field. Other fields are ignored. A column may also be in the object `labels`, under its name:
 * `{"tokens": …, "labels": {"upos": […], "xpos": […]}}`. Integers stand for the labels listed in `labelNames`.
 *
 * @param head the first lines
 */
export function createJsonlParser(options: ParseOptions, head: readonly string[] = []): LineParser {
  const like = options.like?.format === 'jsonl' ? options.like : undefined;
  const column = options.column ?? like?.column ?? namedLike(options.like) ?? usualColumn(head);
  const names = columnList(column).map(String);
  placesOfColumns(names, options, (name) => names.indexOf(String(name)), []); // rejects one that is named twice
  const lost = { sentences: 0, tokens: 0 };
  const named = createLabelNamer(options, names);
  const looked = options.labels !== 'ignored';
  return {
    reading: { format: 'jsonl', ...(looked && { column }), ...(looked && named.names && { labelNames: named.names }) },
    push: (text, line) => (isBlank(text) ? undefined : parseLine(text, line, options, names, named)),
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes: () => (looked ? named.notes() : []),
  };
}

/** The default label field: `ner_tags`, as in Hugging Face datasets, if there is no other; otherwise `labels`. */
function usualColumn(head: readonly string[]): string {
  const first = head.find((line) => !isBlank(line));
  try {
    const { labels, ner_tags: tags } = JSON.parse(first ?? '') as Record<string, unknown>;
    return (labels ?? null) === null && Array.isArray(tags) ? 'ner_tags' : 'labels';
  } catch {
    return 'labels'; // the parser reports the line
  }
}

function parseLine(
  text: string,
  line: number,
  options: ParseOptions,
  names: readonly string[],
  named: LabelNamer,
): Sentence {
  const { source, labels: policy, maxTokens, cleaner } = options;
  const fail = (message: string) => dataErrorAt(source, line, message);
  const fields = jsonFields(text, 'write {"tokens": […], "labels": […]}', fail);
  const given = strings(fields.get('tokens'));
  if (!given) throw fail(`expected "tokens", an array of strings that are not empty; got ${shown(fields, 'tokens')}${tokensAdvice(fields)}`); // prettier-ignore
  const tokens = given.map((token) => cleaner.token(token, line));
  if (tokens.length === 0) throw fail('a sentence without tokens: remove the line');
  if (tokens.length > maxTokens) {
    throw fail(`the sentence has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`);
  }
  const category = [fields.get('category'), policy === 'ignored' ? undefined : fields.get('label')].find(isText);
  const sentence: Sentence = { tokens, line, ...(category !== undefined && { category }) };
  if (policy === 'ignored') return sentence;
  const read = (name: string): readonly string[] | undefined => {
    const value = named.labels(fieldOf(fields, name), name, line);
    if (policy === 'optional' && (value ?? null) === null) return undefined;
    const labels = labelList(value)?.map((label) => (label === null ? UNLABELED : cleaner.label(label, line)));
    if (!labels?.every((label, t) => label !== '' || (value as unknown[])[t] === null)) {
      const held = name === 'labels' ? namesIn(value) : undefined;
      const advice = held === undefined ? labelsAdvice(fields, name, tokens.length) : `: choose some of its columns (--column ${held.join(',')})`; // prettier-ignore
      throw fail(`expected "${name}", an array of strings that are not empty; got ${shown(fields, name)}${advice}`);
    }
    if (labels.length === tokens.length) return labels;
    const whose = names.length > 1 ? ` in "${name}"` : '';
    throw fail(`expected one label per token${whose}, ${tokens.length}; got ${labels.length}: correct the line`);
  };
  const found = names.flatMap((name) => {
    const labels = read(name);
    return labels ? [[name, labels] as const] : [];
  });
  options.onDropped?.('fields', [...fields.keys()].filter((name) => !HELD.includes(name) && !names.includes(name)).length); // prettier-ignore
  const first = found.find(([name]) => name === names[0])?.[1];
  return {
    ...sentence,
    ...(first && { labels: first }),
    ...(names.length > 1 && { columns: Object.fromEntries(found) }),
  };
}

/** Advice for a missing field of tokens. */
function tokensAdvice(fields: ReadonlyMap<string, unknown>): string {
  if (fields.has('tokens')) return '';
  if (fields.has('annotations') || fields.has('completions'))
    return ': from Label Studio, export CoNLL2003, which is read as conll';
  const other = [...fields.keys()].find((name) => strings(fields.get(name))?.length);
  if (other !== undefined) return `: rename the word field to "tokens", for example with jq -c '.tokens = .${other}'`;
  return fields.has('text')
    ? ': write {"text": "…", "label": [[start, end, "TYPE"], …]}, or the words as "tokens"'
    : '';
}

/** Advice for a missing label field if another field may be the right one. */
function labelsAdvice(fields: ReadonlyMap<string, unknown>, name: string, length: number): string {
  if (fields.has(name)) return '';
  const other = [...fields].find(
    ([field, value]) => field !== 'tokens' && Array.isArray(value) && value.length === length,
  );
  return `: set the label field (--column${other === undefined ? '' : ` ${other[0]}`})`;
}

/** Fields that a sentence holds, in addition to its columns. */
const HELD = ['tokens', 'category', 'label', 'labels'];

const isText = (value: unknown): value is string => typeof value === 'string';

/** The names in an object of labels by column. */
function namesIn(value: unknown): string[] | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.keys(value).slice(0, 8) : undefined;
}

/** The labels of a column: a field of that name, or one in the object `labels`. */
function fieldOf(fields: ReadonlyMap<string, unknown>, name: string): unknown {
  const all = fields.get('labels');
  if (fields.has(name) || namesIn(all) === undefined || !Object.hasOwn(all as object, name)) return fields.get(name);
  return (all as Record<string, unknown>)[name];
}

/** Returns a list of non-empty strings, with null for tokens without a label; undefined if the value is anything else. */
function labelList(value: unknown): (string | null)[] | undefined {
  const valid =
    Array.isArray(value) && value.every((item) => item === null || (typeof item === 'string' && item !== ''));
  return valid ? (value as (string | null)[]) : undefined;
}

/** Returns a list of non-empty strings; undefined if the value is anything else. */
export function strings(value: unknown): string[] | undefined {
  const valid = Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
  return valid ? (value as string[]) : undefined;
}

/** The value of a field, for a message. */
export function shown(fields: ReadonlyMap<string, unknown>, name: string): string {
  const advice = fields.size > 0 ? ` (the fields are ${[...fields.keys()].slice(0, 8).join(', ')})` : '';
  return fields.has(name) ? brief(fields.get(name)) : `no such field${advice}`;
}
