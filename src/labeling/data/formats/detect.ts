/** Detects the format of a file from its first lines, never from its name. */
import { expectWords } from '../../checks.js';
import { annotatedFormat } from './annotated-format.js';
import { isOuter } from './clean.js';
import { isJsonList } from './json-list.js';
import type { Format } from './options.js';
import { isSlashed } from './slashed-words.js';

/** The column layout of a `conll` file. */
export interface ColumnLayout {
  readonly separator: 'tab' | 'spaces';
  /** Number of columns of most lines. */
  readonly width: number;
  /** Whether the first column counts the tokens of each sentence, from 1 or from 0, or of the whole file. */
  readonly numbered: boolean;
}

/** The declaration of CoNLL-U Plus. */
const GLOBAL_COLUMNS = /^#[ \t]*global\.columns[ \t]*=(.*)$/;

/** Whether a line separates sentences: it is empty, or has only white space and invisible marks. */
export function isBlank(line: string): boolean {
  let i = 0;
  while (i < line.length && isOuter(line.charCodeAt(i))) i++;
  return i === line.length;
}

/** The column names that a line of CoNLL-U Plus declares; undefined for any other line. */
export function declaredColumns(line: string): string[] | undefined {
  const match = GLOBAL_COLUMNS.exec(line);
  return match ? splitColumns(match[1], 'spaces') : undefined;
}

/**
 * Splits a line into columns, in time linear in its length. Every tab is a separator, so a column may be empty and a token may contain
 * spaces. Otherwise runs of spaces and tabs separate; of spaces, only the ASCII space does, so a no-break space is part of a token.
 */
export function splitColumns(line: string, separator: 'tab' | 'spaces'): string[] {
  const columns: string[] = [];
  const { length } = line;
  let start = 0;
  for (let i = 0; i <= length; i++) {
    const unit = i < length ? line.charCodeAt(i) : -1;
    if (unit >= 0 && unit !== 0x09 && (separator === 'tab' || unit !== 0x20)) continue;
    if (separator === 'tab' || i > start) columns.push(line.slice(start, i));
    start = i + 1;
  }
  return columns.length > 0 ? columns : [''];
}

/** Detects the column layout from the first lines of a file. Lines that begin with `#` count only if there are no others. */
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
  return { separator, width, numbered: isNumbered(head, separator, width) };
}

/**
 * Detects the format of a text that begins with these lines; undefined if it matches none (raw text, for example). A JSON list matches
 * none: `formatHint` says what to do. More lines give a more reliable result; `slots` and `brat` consist of several files and are never
 * detected.
 *
 * - `jsonl`: the first line that is not blank opens an object. If it has a text and spans in the form of doccano or Prodigy, it is
 *   `doccano` or `prodigy`.
 * - `conllu`: the first line declares the columns of CoNLL-U Plus; or most lines have ten columns separated by tabs, and at
 *   least half of those have a number, a range or a decimal in the first, or a `_` in another: a malformed one is then an error
 *   of its line, not another format. Also if ten numbered columns with `_` are separated by spaces, which CoNLL-U forbids.
 * - `slashed`: in more than half of all lines, every word contains a slash.
 * - `two-column`: most lines have two columns separated by a tab.
 * - `conll`: most lines have another number of tab-separated columns, or more than half of all lines have the same
 *   number of columns, two or more, separated by spaces.
 */
export function detectFormat(head: readonly string[]): Exclude<Format, 'slots' | 'brat'> | undefined {
  expectWords('detectFormat', 'head', head);
  if (declaredColumns(head.find((line) => !isBlank(line)) ?? '')) return 'conllu';
  const rows = contentRows(head);
  if (rows.length === 0) return undefined;
  if (/^\s*\{\s*("|\}|$)/.test(rows[0])) return annotatedFormat(rows[0]) ?? 'jsonl';
  if (isJsonList(rows)) return undefined;
  const { separator, width } = detectLayout(head);
  const usual = rows.filter((row) => splitColumns(row, separator).length === width);
  if (width === 10 && looksLikeConllu(usual, separator)) return 'conllu';
  if (2 * rows.filter(isSlashed).length > rows.length) return 'slashed';
  if (width < 2 || (separator === 'spaces' && 2 * usual.length <= rows.length)) return undefined;
  return separator === 'tab' && width === 2 ? 'two-column' : 'conll';
}

/** Up to three values of each column: `1 (Il, va, bien), 2 (PRON, VERB, ADV)`. */
export function columnSamples(head: readonly string[], { separator, width }: ColumnLayout): string {
  const shown = Math.min(width, 20);
  const values = Array.from({ length: shown }, () => new Set<string>());
  for (const row of contentRows(head)) {
    const columns = splitColumns(row, separator);
    if (columns.length !== width) continue;
    values.forEach((set, c) => set.size < 3 && set.add(columns[c].slice(0, 20)));
  }
  const list = values.map((set, c) => `${c + 1} (${[...set].join(', ')})`);
  return [...list, ...(width > shown ? ['…'] : [])].join(', ');
}

function looksLikeConllu(rows: readonly string[], separator: 'tab' | 'spaces'): boolean {
  const cells = rows.map((row) => splitColumns(row, separator));
  const withId = cells.filter(([id]) => /^\s*\d+([-.]\d+)?\s*$/.test(id)).length;
  const withUnderscore = cells.filter((columns) => columns.slice(2).includes('_')).length;
  const half = (n: number) => 2 * n >= rows.length;
  return separator === 'tab' ? half(withId) || half(withUnderscore) : half(withId) && half(withUnderscore);
}

function contentRows(head: readonly string[]): string[] {
  const rows = head.filter((line) => !isBlank(line));
  const withoutComments = rows.filter((row) => !row.startsWith('#'));
  return withoutComments.length > 0 ? withoutComments : rows;
}

/**
 * Whether the first column counts the tokens. With three or more columns, most lines must show it; with two, all lines must, and at least
 * up to a second token, because the alternative is a token with its label. Ranges and decimals among them (`3-4`, `5.1`) are not tokens.
 */
function isNumbered(head: readonly string[], separator: 'tab' | 'spaces', width: number): boolean {
  let [previous, following, other, second] = [0, 0, 0, false];
  let begins = true;
  for (const line of head) {
    if (isBlank(line)) begins = true;
    else if (!line.startsWith('#')) {
      const [id] = splitColumns(line, separator);
      if (/^\d+[-.]\d+$/.test(id)) continue;
      const number = /^\d{1,9}$/.test(id) ? Number(id) : NaN;
      const counts = number === previous + 1 || (begins && (number === 0 || number === 1));
      if (counts) following++;
      else other++;
      if (counts && !begins) second = true;
      previous = Number.isNaN(number) ? previous + 1 : number;
      begins = false;
    }
  }
  if (width < 2) return false;
  return width === 2 ? second && other === 0 : following > other;
}
