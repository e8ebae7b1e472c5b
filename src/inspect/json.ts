/**
 * Converts a trace to JSON and back. JSON has no NaN and no infinities, so they are written as the strings "NaN", "Infinity" and
 * "-Infinity"; the schema allows these wherever it allows a number. Finite numbers are written as the shortest decimals that
 * parse back exactly. The sign of a zero is lost.
 */
import { parseUniqueJson } from '../serialize/unique-json.js';
import { expectRecord, expectString } from '../tensor/arguments.js';
import { DataError } from '../tensor/errors.js';
import type { Trace } from './trace.js';

const NON_FINITE: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

/** Fields that hold the user's text, in which the word "NaN" must stay a word. */
const TEXT = new Set(
  'text labels gold predicted label contrast param where message replacements cell name gates states kind'.split(' '),
);

/** Returns a trace as JSON text. */
export function traceToJson(trace: Trace): string {
  expectRecord('traceToJson', 'trace', trace, 'a trace, as inspect returns');
  return JSON.stringify(trace, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

/**
 * Parses a trace from JSON text.
 *
 * @throws DataError if the text is not JSON, names a field twice, or is not a trace of version 1. No further check against the
 *   schema is made
 */
export function traceFromJson(text: string): Trace {
  expectString('traceFromJson', 'text', text);
  const value = parseUniqueJson(text, 'trace') as Partial<Trace> | null;
  if (typeof value !== 'object' || value === null || value.format !== 'bptt-trace') {
    throw new DataError(
      'trace: expected a trace, with "format": "bptt-trace"; got other JSON: write one with traceToJson',
    );
  }
  if (value.version !== 1) {
    throw new DataError(
      `trace: expected version 1; got ${JSON.stringify(value.version)}, made by another bptt: update bptt`,
    );
  }
  return revived(value, '') as Trace;
}

/** Restores the numbers that the three strings stand for, except in text fields. */
function revived(value: unknown, key: string): unknown {
  if (typeof value === 'string') return Object.hasOwn(NON_FINITE, value) && !TEXT.has(key) ? NON_FINITE[value] : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => revived(each, key));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revived(each, name)]));
}
