/**
 * A label and a text in tab-separated columns, in either order, optionally with a first line that names the columns.
 *
 * If no option says which column is which, names in the first line decide (`label`, `text`, …). Otherwise the label is the column with the
 * fewest different values in the first lines, and the text is the longest of the others. A guess is reported.
 */
import { ArgumentError } from '../../../tensor/errors.js';
import { trimOuter } from './clean.js';
import type { ClassifiedLine } from './classified-lines.js';
import { lineParser } from './classified-lines.js';
import type { ClassifiedSettings } from './classified-options.js';
import type { LineParser } from './collect.js';
import { columnSamples, isBlank, splitColumns } from './detect.js';
import { columnList } from './columns.js';
import { columnIndex, dataErrorAt } from './options.js';
import { describeReading, type Reading } from './reading.js';

const LABEL_NAMES = new Set('label labels class category sentiment intent target tag polarity y'.split(' '));
const TEXT_NAMES = new Set(
  'text texts sentence sentences review message utterance tweet content title comment question document x'.split(' '),
);

/** The columns of label and text, counted from 0. */
interface Places {
  readonly label: number | undefined;
  readonly text: number;
  readonly width: number;
  readonly header: boolean;
  /** Whether a column was chosen by its contents. */
  readonly guessed: boolean;
}

/** Returns a parser of such lines. @param head the first lines, from which the columns are determined */
export function createClassifiedTsvParser(head: readonly string[], settings: ClassifiedSettings): LineParser {
  const { source, labels, tokenizer } = settings;
  const { label, text, width, header, guessed } = placesOf(head, settings);
  let pending = header;
  const parse = (row: string, line: number): ClassifiedLine | undefined => {
    if (pending) {
      pending = false;
      return undefined;
    }
    const columns = splitColumns(row, 'tab');
    if (columns.length !== width) {
      const expected = `expected ${width} ${width === 1 ? 'column' : 'columns separated by tabs'}`;
      throw dataErrorAt(source, line, `${expected}; got ${columns.length}: correct the line`);
    }
    settings.onDropped?.('columns', width - (label === undefined ? 1 : 2));
    return { text: columns[text], ...(label !== undefined && { label: columns[label] }) };
  };
  const named = (option: string | number | undefined, at: number) =>
    option !== undefined && !/^[+-]?\d+$/.test(String(option)) ? String(option) : at + 1;
  const reading: Reading = {
    format: 'tsv',
    ...(label !== undefined && { column: named(settings.column, label) }),
    tokenColumn: named(settings.textColumn, text),
  };
  const first = header ? ', the first line names the columns' : '';
  const message = `${source}: read as ${describeReading({ ...reading, tokenizer })}${first}`;
  const advice = 'if that is wrong, set the columns (--column, --text-column)';
  const samples = columnSamples(head, { separator: 'tab', width, numbered: false });
  const note = { kind: 'columns', message: `${message}: ${advice}. The columns are ${samples}`, source };
  return lineParser(reading, settings, parse, () => (guessed && labels === 'required' ? [note] : []));
}

function placesOf(head: readonly string[], settings: ClassifiedSettings): Places {
  const rows = head.filter((line) => !isBlank(line)).map((line) => splitColumns(line, 'tab'));
  const width = usualWidth(rows);
  const names = rows[0].map((name) => trimOuter(name));
  const like = settings.like?.format === 'tsv' ? settings.like : undefined;
  const asked = {
    label: settings.column ?? columnList(like?.column ?? [])[0],
    text: settings.textColumn ?? like?.tokenColumn,
  };
  const byName = [asked.label, asked.text].some((column) => column !== undefined && /[^\d+-]/.test(String(column)));
  const known = (set: ReadonlySet<string>) => names.findIndex((name) => set.has(name.toLowerCase()));
  const title = { label: known(LABEL_NAMES), text: known(TEXT_NAMES) };
  const header = names.length === width && (byName || (title.label >= 0 && title.text >= 0));
  const body = header && rows.length > 1 ? rows.slice(1) : rows;
  const index = (column: string | number | undefined, what?: string) =>
    column === undefined ? undefined : columnIndex(column, header ? names : [], width, what);
  const ignored = settings.labels === 'ignored';
  const stats = columnStats(body, width);
  const given = { label: index(asked.label), text: index(asked.text, 'textColumn') };
  let { label, text } = given;
  if (!ignored && width < 2) {
    throw new ArgumentError(
      `${settings.source}: expected a label and a text separated by a tab; got one column: choose another format (--format)`,
    );
  }
  if (!ignored) label ??= header && title.label >= 0 && title.label !== text ? title.label : fewest(stats, text);
  text ??= header && title.text >= 0 && title.text !== label ? title.text : longest(stats, label);
  if (label === text) throw new ArgumentError(`${settings.source}: label and text are the same column, ${text + 1}`);
  const guessed = given.text === undefined || (!ignored && given.label === undefined);
  return { label: ignored ? undefined : label, text, width, header, guessed };
}

/** Number of columns of most rows. */
function usualWidth(rows: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts].sort(([w1, n1], [w2, n2]) => n2 - n1 || w2 - w1)[0][0];
}

interface ColumnStats {
  readonly place: number;
  readonly values: number;
  readonly characters: number;
  /** Rows in which it contains white space. */
  readonly spaced: number;
}

function columnStats(rows: readonly (readonly string[])[], width: number): ColumnStats[] {
  const whole = rows.filter((row) => row.length === width);
  return Array.from({ length: width }, (_, place) => ({
    place,
    values: new Set(whole.map((row) => row[place])).size,
    characters: whole.reduce((sum, row) => sum + row[place].length, 0),
    spaced: whole.filter((row) => /\S\s+\S/.test(row[place])).length,
  }));
}

/** The column with the fewest values; of equals, the one with less white space, then the shorter one. */
function fewest(stats: readonly ColumnStats[], taken: number | undefined): number {
  const rest = stats.filter(({ place }) => place !== taken);
  const order = (a: ColumnStats, b: ColumnStats) =>
    a.values - b.values || a.spaced - b.spaced || a.characters - b.characters || a.place - b.place;
  return rest.sort(order)[0].place;
}

function longest(stats: readonly ColumnStats[], taken: number | undefined): number {
  const rest = stats.filter(({ place }) => place !== taken);
  return rest.sort((a, b) => b.characters - a.characters || a.place - b.place)[0]?.place ?? 0;
}
