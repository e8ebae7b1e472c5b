/**
 * Untrusted JSON. No object may have the same key twice: `JSON.parse` keeps the last of two equal keys, other readers the first
 * or both, so one file could mean two things. And the cost of a text is bounded before it is parsed: `JSON.parse` takes about 128
 * bytes for every `[` of `[[[…`. 64 MB of them crash the process, and any code that walks such a value overflows the stack.
 */
import { DataError } from '../tensor/errors.js';
import { visible } from '../tensor/visible.js';

/** Deepest nesting accepted. A header has three levels, a model's metadata two. */
export const MAX_JSON_DEPTH = 32;

/** Limits on lists, objects and fields, and on elements: about 100 and 16 bytes of memory each. */
const MAX_FIELDS = 1 << 20;
const MAX_ELEMENTS = 1 << 24;

/** Why a JSON text is too costly to parse, for a message; `undefined` if it is not. Scans only the text. */
export function jsonExcess(text: string): string | undefined {
  let depth = 0;
  let fields = 0;
  let elements = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = endOfString(text, i) - 1;
    else if (c === OPEN_LIST || c === OPEN_OBJECT) {
      fields++;
      if (++depth > MAX_JSON_DEPTH) return `brackets nested deeper than ${MAX_JSON_DEPTH} levels`;
    } else if (c === CLOSE_LIST || c === CLOSE_OBJECT) depth--;
    else if (c === COLON) fields++;
    else if (c === COMMA) elements++;
    if (fields > MAX_FIELDS) return `more than ${MAX_FIELDS} lists, objects and fields`;
    if (elements > MAX_ELEMENTS) return `more than ${MAX_ELEMENTS} elements`;
  }
  return undefined;
}

const [QUOTE, COMMA, COLON] = [0x22, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** A value for a message: its JSON, truncated to 60 characters. Never walks more of the value than that. */
export function brief(value: unknown): string {
  const text = beginning(value, 3);
  return visible(text.length <= BRIEF ? text : `${text.slice(0, BRIEF)}…`);
}

const BRIEF = 60;

function beginning(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, BRIEF + 1));
  if (typeof value !== 'object' || value === null) return String(value);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (depth === 0) return `${open}…${close}`;
  let text: string = open;
  for (const key in value) {
    if (text.length > BRIEF) return text;
    const separator = text.length > 1 ? ',' : '';
    const name = Array.isArray(value) ? '' : `${JSON.stringify(key.slice(0, BRIEF))}:`;
    text += separator + name + beginning((value as Record<string, unknown>)[key], depth - 1);
  }
  return text + close;
}

/**
 * The value of a JSON text whose objects have no repeated key.
 *
 * @param what name of the text in messages: `safetensors: the header`
 * @throws DataError on text that is not JSON, that would take too much memory, and on a repeated key, which it names
 */
export function parseUniqueJson(text: string, what: string): unknown {
  const excess = jsonExcess(text);
  if (excess !== undefined) throw new DataError(`${what} has ${excess}: the file is damaged or malicious`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError(`${what} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    throw new DataError(
      `${what} has the key ${repeated.slice(0, 60)} twice in one object; which one counts is unclear`,
    );
  }
  return value;
}

/** The first key that repeats within its object, as it is spelled in `text`, which must be valid JSON. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{' || c === '[') open.push(new Set());
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const end = endOfString(text, i);
      if (isKey(text, end)) {
        const raw = text.slice(i, end);
        const key = JSON.parse(raw) as string; // "a" and "\u0061" are one key
        const keys = open[open.length - 1];
        if (keys.has(key)) return raw;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Whether a colon, after blanks, follows position `i`. */
function isKey(text: string, i: number): boolean {
  while (' \t\n\r'.includes(text[i] ?? '!')) i++;
  return text[i] === ':';
}
