/** Checks of what was parsed from a file and may be anything: each returns or throws the error that names the field. */
import { brief } from '../../serialize/unique-json.js';
import { isRecord } from '../../tensor/arguments.js';
import { DataError } from '../../tensor/errors.js';

/** The error of a file that contradicts itself, for the caller to throw. */
export function damaged(what: string): DataError {
  return new DataError(`${what}: the file is damaged`);
}

/** The error of a field that is not what it should be, for the caller to throw. */
export function malformed(what: string, field: string, expected: string, got: unknown): DataError {
  return damaged(`${what}: expected ${field} to be ${expected}; got ${brief(got)}`);
}

/** An object. @throws DataError if the value is anything else */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw damaged(`expected ${what}, an object; got ${brief(value)}`);
}

/** A copy of a list of strings that are not empty. @throws DataError if the value is anything else */
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

/** Requires as many entries as the configuration of a model says. @throws DataError */
export function expectSize(size: unknown, got: number, what: string): void {
  if (got !== size) throw damaged(`model: expected ${brief(size)} ${what}; got ${got}`);
}
