/** The table form of a view: what its picture shows, as rows. */

/** Rows under named columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** One field of RFC 4180; numbers have enough digits to parse back to the same float64. */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** The table as comma-separated values, RFC 4180: a header line, CRLF between lines, quotes only if needed. */
export const toCsv = ({ columns, rows }: Table): string =>
  [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
