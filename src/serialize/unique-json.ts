/**
 * JSON in which no object has the same key twice. `JSON.parse` keeps the last of two equal keys, other readers the first or
 * both, so one file could mean two things; where a file may be a stranger's, such text is refused.
 */
import { DataError } from '../tensor/errors.js';

/**
 * The value of a JSON text whose objects have no repeated key.
 *
 * @param what names the text in messages: `safetensors: the header`
 * @throws DataError on text that is not JSON, and on a repeated key, which it names
 */
export function parseUniqueJson(text: string, what: string): unknown {
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
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Whether a colon, after blanks, follows position `i`. */
function isKey(text: string, i: number): boolean {
  while (' \t\n\r'.includes(text[i] ?? '!')) i++;
  return text[i] === ':';
}
