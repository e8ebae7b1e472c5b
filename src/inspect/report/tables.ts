/** Tables of a report. Numbers are rounded for readability; the pictures contain all digits. */
import type { NumberMatrix, Strings, Table } from '../views/index.js';
import type { StringKey } from '../views/strings/index.js';
import { say } from '../views/strings/index.js';
import { short } from '../views/text.js';
import { weightName } from '../views/words.js';
import { text } from './html.js';

/** Maximum number of rows of a table; a longer table states that it was cut. */
const ROWS = 60;

/** Three digits, without a leading zero. */
const number = (value: number): string =>
  Number.isInteger(value) ? String(value) : short(value).replace(/^(−?)0(?=\.)/, '$1');

/** Columns whose cells come from a fixed list of words. */
const LISTED = ['known', 'rule', 'verdict'];

/** Translates a word of a table: the name of a column, or a cell from a fixed list. */
function said(strings: Strings, name: string): string {
  const key = `table.${name}`;
  return Object.hasOwn(strings, key) ? strings[key as StringKey] : name;
}

/** The same table in the reader's language. CSV keeps the English names, for programs. */
export function translated({ columns, rows }: Table, strings: Strings): Table {
  const cell = (value: string | number, c: number): string | number => {
    if (columns[c] === 'where') return weightName(String(value), strings);
    return LISTED.includes(columns[c]) ? said(strings, `${columns[c]}.${value}`).replace(/^\w+\./, '') : value;
  };
  return { columns: columns.map((each) => said(strings, each)), rows: rows.map((row) => row.map(cell)) };
}

/** Rows under named columns. Optional end tags of HTML are left out. */
export function table({ columns, rows }: Table, strings: Strings): string {
  const shown = rows.slice(0, ROWS);
  const cell = (value: string | number): string =>
    typeof value === 'number' ? `<td>${number(value)}` : `<td dir="auto">${text(value)}`;
  const less = say(strings, 'report.rows', { shown: shown.length, all: rows.length });
  const caption = shown.length < rows.length ? `<caption>${text(less)}</caption>` : '';
  const head = columns.map((column) => `<th scope="col">${text(column)}`).join('');
  return `<table>${caption}<thead><tr>${head}<tbody>${shown.map((row) => `<tr>${row.map(cell).join('')}`).join('')}</table>`;
}

/** A grid of numbers with column and row names; structural zeros are empty. */
export function matrixTable({ label, rows, columns, values }: NumberMatrix): string {
  const head = columns.map((column) => `<th>${text(column)}`).join('');
  const body = values.map((row, r) => {
    const cells = row.map((value) => `<td>${value === null ? '' : number(value)}`).join('');
    return `<tr><th>${text(rows[r])}${cells}`;
  });
  return `<table><caption>${text(label)}</caption><tr><td>${head}${body.join('')}</table>`;
}
