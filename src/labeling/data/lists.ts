/** Lists of distinct strings, of which vocabularies are made: their order, and their checks when they are read back. */
import { brief } from '../../serialize/unique-json.js';
import { DataError } from '../../tensor/errors.js';

/** The counted strings by falling count, ties in code-point order. */
export function byCount(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([v, m], [w, n]) => n - m || compareCodePoints(v, w)).map(([word]) => word);
}

/** Order by code points; `<` orders by UTF-16 code units, where a surrogate comes before U+E000. */
export function compareCodePoints(v: string, w: string): number {
  const length = Math.min(v.length, w.length);
  let i = 0;
  while (i < length && v.charCodeAt(i) === w.charCodeAt(i)) i++;
  if (i === length) return v.length - w.length;
  // Where the strings part inside a surrogate pair, the pair begins one unit earlier, the same in both.
  const inside = i > 0 && (v.charCodeAt(i - 1) & 0xfc00) === 0xd800;
  const at = inside ? i - 1 : i;
  return v.codePointAt(at)! - w.codePointAt(at)!;
}

/** The error of a field that is not what it should be, for the caller to throw. */
export function malformed(what: string, field: string, expected: string, got: unknown): DataError {
  return new DataError(`${what}: expected ${field} to be ${expected}; got ${brief(got)}: the file is damaged`);
}

/** A copy of a list of strings that are not empty. @throws DataError where the value is anything else */
export function stringList(value: unknown, what: string, field: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return [...value];
  throw malformed(what, field, 'an array of strings that are not empty', value);
}

/** @throws DataError where a string occurs twice */
export function checkDistinct(words: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const word of words) {
    if (seen.has(word)) throw new DataError(`${what}: ${brief(word)} occurs twice: the file is damaged`);
    seen.add(word);
  }
}
