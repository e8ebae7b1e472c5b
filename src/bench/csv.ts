/** Rows as comma-separated values, RFC 4180: for a spreadsheet, or a script without a JSON parser. */
import type { Row } from './types.js';

const FIELDS = [
  ...['suite', 'case', 'system', 'version', 'backend', 'threads', 'ran', 'metric', 'p50', 'p95'],
  ...['device', 'software', 'engine', 'blas'],
] as const;
const COMPARED = ['ratio', 'low', 'high', 'verdict'] as const;

/** The header line with the column names. */
export const CSV_HEAD = [...FIELDS, ...COMPARED].join(',');

/** A line for each row, in the order of `CSV_HEAD`; a field that a row lacks is empty. */
export function csvOf(rows: readonly Row[]): string {
  return rows.map(lineOf).join('\r\n');
}

function lineOf(row: Row): string {
  const fields = row as unknown as Readonly<Record<string, unknown>>;
  const compared = (row.toEarlier ?? {}) as Readonly<Record<string, unknown>>;
  return [...FIELDS.map((name) => fields[name]), ...COMPARED.map((name) => compared[name])].map(cellOf).join(',');
}

function cellOf(value: unknown): string {
  const text = value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
