/** Which format a file has, judged by its first lines and never by its name. */
import type { Format } from './options.js';

/** How the columns of a `conll` file are laid out. */
export interface ColumnLayout {
  readonly separator: 'tab' | 'spaces';
  /** Number of columns of most lines. */
  readonly width: number;
  /** Whether the first column counts the tokens of each sentence: 1, 2, 3, …. */
  readonly numbered: boolean;
}

/** A line that separates sentences: nothing, or only spaces and tabs. */
export function isBlank(line: string): boolean {
  return /^[ \t]*$/.test(line);
}

/**
 * The columns of a line. Tabs separate exactly, so an empty column is a column and a token may contain spaces; spaces
 * separate in runs, and only the ASCII space does: a no-break space is part of a token.
 */
export function splitColumns(line: string, separator: 'tab' | 'spaces'): string[] {
  if (separator === 'tab') return line.split('\t');
  return line.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/);
}

/** Layout of the columns, from the first lines of a file. Lines that begin with `#` count only where there are no others. */
export function detectLayout(head: readonly string[]): ColumnLayout {
  const rows = contentRows(head);
  const tabbed = rows.filter((row) => row.includes('\t')).length;
  const separator = 2 * tabbed >= rows.length && tabbed > 0 ? 'tab' : 'spaces';
  const widths = new Map<number, number>();
  for (const row of rows) {
    const width = splitColumns(row, separator).length;
    widths.set(width, (widths.get(width) ?? 0) + 1);
  }
  const [width] = [...widths].sort(([w1, n1], [w2, n2]) => n2 - n1 || w2 - w1)[0] ?? [0];
  return { separator, width, numbered: width >= 3 && isNumbered(head, separator) };
}

/**
 * Format of the text that begins with these lines, or undefined where it looks like none of them (raw text, say).
 * The more lines the surer; `slots` is a folder and is never the answer.
 *
 * - `jsonl`: the first line that is not blank opens an object.
 * - `conllu`: most lines have ten columns separated by tabs, the first one a number, a range or a decimal.
 * - `two-column`: most lines have two columns separated by a tab.
 * - `conll`: most lines have another number of columns separated by tabs, or more than half of all lines have the same
 *   number of columns, two or more, separated by spaces.
 */
export function detectFormat(head: readonly string[]): Exclude<Format, 'slots'> | undefined {
  const rows = contentRows(head);
  if (rows.length === 0) return undefined;
  if (/^\s*\{\s*("|\}|$)/.test(rows[0])) return 'jsonl';
  const { separator, width } = detectLayout(head);
  const usual = rows.filter((row) => splitColumns(row, separator).length === width);
  if (width < 2 || (separator === 'spaces' && 2 * usual.length <= rows.length)) return undefined;
  if (separator === 'tab' && width === 10 && usual.every((row) => /^\d+([-.]\d+)?\t/.test(row))) return 'conllu';
  return separator === 'tab' && width === 2 ? 'two-column' : 'conll';
}

function contentRows(head: readonly string[]): string[] {
  const rows = head.filter((line) => !isBlank(line));
  const withoutComments = rows.filter((row) => !row.startsWith('#'));
  return withoutComments.length > 0 ? withoutComments : rows;
}

function isNumbered(head: readonly string[], separator: 'tab' | 'spaces'): boolean {
  let expected = 1;
  for (const line of head) {
    if (isBlank(line)) expected = 1;
    else if (!line.startsWith('#') && splitColumns(line, separator)[0] !== String(expected++)) return false;
  }
  return true;
}
