/** Checks of values parsed from a file, which may be anything: each returns the value, or throws an error that names the field. */
import { brief } from '../../serialize/unique-json.js';
import { isRecord } from '../../tensor/arguments.js';
import { DataError } from '../../tensor/errors.js';

/** Returns the error for a file that contradicts itself. */
export function damaged(what: string): DataError {
  return new DataError(`${what}: the file is damaged`);
}

/** Returns the error for an invalid field. */
export function malformed(what: string, field: string, expected: string, got: unknown): DataError {
  return damaged(`${what}: expected ${field} to be ${expected}; got ${brief(got)}`);
}

/** Returns an object. @throws DataError if the value is anything else */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw damaged(`expected ${what}, an object; got ${brief(value)}`);
}

/** Returns a copy of a list of non-empty strings. @throws DataError if the value is anything else */
export function stringList(value: unknown, what: string, field: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return [...value];
  throw malformed(what, field, 'an array of strings that are not empty', value);
}

/** @throws DataError if a string occurs twice */
export function checkDistinct(words: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const word of words) {
    if (seen.has(word)) throw damaged(`${what}: ${brief(word)} occurs twice`);
    seen.add(word);
  }
}

/** Requires as many entries as the configuration of a model states. @throws DataError */
export function expectSize(size: unknown, got: number, what: string): void {
  if (got !== size) throw damaged(`model: expected ${brief(size)} ${what}; got ${got}`);
}
