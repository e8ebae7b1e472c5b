/** JSON lines: one object a line, `{"tokens": ["a", "b"], "labels": ["X", "Y"]}`, perhaps with a `"category"`. */
import { brief, jsonExcess } from '../../../serialize/unique-json.js';
import type { DataError } from '../../../tensor/errors.js';
import type { Sentence } from '../sentence.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { dataErrorAt, quote, type ParseOptions } from './options.js';

/** The fields of the object in a line. @param shape what to write, for the message. @throws what `fail` makes of a message */
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
    throw fail(`expected a JSON object; got ${quote(text)} (${(cause as Error).message}): one object a line`);
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw fail(`expected a JSON object; got ${quote(text)}: ${shape}`);
  }
  return new Map<string, unknown>(Object.entries(object));
}

/** A parser of JSON lines. Labels are the field that `column` names, by default `labels`; other fields are left alone. */
export function createJsonlParser(options: ParseOptions): LineParser {
  const like = options.like?.format === 'jsonl' ? options.like : undefined;
  const column = options.column ?? like?.column ?? 'labels';
  const lost = { sentences: 0, tokens: 0 };
  return {
    reading: { format: 'jsonl', ...(options.labels !== 'ignored' && { column }) },
    push: (text, line) => (isBlank(text) ? undefined : parseLine(text, line, { ...options, column })),
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes: () => [],
  };
}

function parseLine(text: string, line: number, options: ParseOptions): Sentence {
  const { source, labels: policy, column = 'labels', maxTokens, cleaner } = options;
  const fail = (message: string) => dataErrorAt(source, line, message);
  const fields = jsonFields(text, 'write {"tokens": […], "labels": […]}', fail);
  const given = strings(fields.get('tokens'));
  if (!given) throw fail(`expected "tokens", an array of strings that are not empty; got ${shown(fields, 'tokens')}`);
  const tokens = given.map((token) => cleaner.token(token, line));
  if (tokens.length === 0) throw fail('a sentence of zero tokens: remove the line');
  if (tokens.length > maxTokens) {
    throw fail(`the sentence has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`);
  }
  const category = fields.get('category');
  const sentence: Sentence = { tokens, line, ...(typeof category === 'string' && { category }) };
  const name = String(column);
  if (policy === 'ignored' || (policy === 'optional' && (fields.get(name) ?? null) === null)) return sentence;
  const labels = strings(fields.get(name))?.map((label) => cleaner.label(label, line));
  if (!labels?.every((label) => label !== '')) {
    throw fail(`expected "${name}", an array of strings that are not empty; got ${shown(fields, name)}`);
  }
  if (labels.length !== tokens.length) {
    throw fail(`expected one label per token, ${tokens.length}; got ${labels.length}: correct the line`);
  }
  return { ...sentence, labels };
}

/** A list of strings that are not empty; undefined where the value is anything else. */
export function strings(value: unknown): string[] | undefined {
  const valid = Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
  return valid ? (value as string[]) : undefined;
}

/** The value of a field, for a message. */
export function shown(fields: ReadonlyMap<string, unknown>, name: string): string {
  const advice = fields.size > 0 ? ` (the fields are ${[...fields.keys()].slice(0, 8).join(', ')})` : '';
  return fields.has(name) ? brief(fields.get(name)) : `no such field${advice}`;
}
