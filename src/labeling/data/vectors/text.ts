/** Vectors as text: a word and its numbers on every line. A word may contain spaces, as some of GloVe's do. */
import { lineBlocks } from '../formats/lines.js';
import type { ByteChunks } from '../formats/lines.js';
import { DataError } from '../../../tensor/errors.js';
import type { VectorLayout } from './detect.js';
import type { RowKeeper } from './options.js';
import { badRow, LONGEST_LINE, wordOf } from './options.js';

const NUMBER = /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|inf(?:inity)?)$/i;

/** Whether a field is written as a number, finite or not. */
export const isNumeric = (field: string): boolean => NUMBER.test(field);

/** A character that never occurs in a decimal number: one scan of a line is faster than a scan of each of its fields. */
const NOT_DECIMAL = /[^-+.\deE \t]/;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** The word of a line, and its last D fields as text; undefined if there are fewer after a word. */
export function numbersAtEnd(line: string, D: number): { readonly word: string; readonly numbers: string } | undefined {
  let at = line.length;
  while (at > 0 && isSpace(line.charCodeAt(at - 1))) at--;
  const end = at;
  for (let field = 0; field < D; field++) {
    while (at > 0 && !isSpace(line.charCodeAt(at - 1))) at--;
    if (at === 0) return undefined;
    if (field < D - 1) while (at > 0 && isSpace(line.charCodeAt(at - 1))) at--;
  }
  const start = at;
  while (at > 0 && isSpace(line.charCodeAt(at - 1))) at--;
  return { word: line.slice(0, at), numbers: line.slice(start, end) };
}

/**
 * Reads rows.
 *
 * @returns how many words contain spaces
 * @throws DataError that names the line of an invalid row, or says that the header declares another number of rows
 */
export async function readTextRows(
  chunks: ByteChunks,
  { size: D, declared }: VectorLayout,
  keeper: RowKeeper,
  source: string,
): Promise<number> {
  let skip = declared === undefined ? 0 : 1;
  let spaced = 0;
  for await (const { first, lines } of lineBlocks(chunks, source, LONGEST_LINE)) {
    for (let i = skip; i < lines.length; i++) {
      const line = lines[i];
      if (line === '') continue;
      if (keeper.rows === declared) throw tooMany(declared, first + i, source);
      if (readRow(line, D, keeper, source, first + i)) spaced++;
    }
    skip = 0;
  }
  if (declared !== undefined && keeper.rows < declared) throw tooFew(declared, keeper.rows, source);
  return spaced;
}

/** Reads one row. @returns whether its word contains spaces */
function readRow(line: string, D: number, keeper: RowKeeper, source: string, number: number): boolean {
  const found = numbersAtEnd(line, D);
  if (found === undefined) throw wrongWidth(line, D, source, number);
  const { word, numbers } = found;
  if (word === '') throw badRow(source, `line ${number}`, `expected a word before its ${D} numbers; got none`);
  const spaced = word.includes(' ') || word.includes('\t');
  // Numbers right after the word are not part of it: the line is too wide.
  if (spaced && word.split(/[ \t]+/).slice(1).every(isNumeric)) throw wrongWidth(line, D, source, number); // prettier-ignore
  if (!/^[-+.\dniNI]/.test(numbers)) throw notNumber(numbers, word, source, number);
  const row = keeper.take(word);
  if (row !== undefined) fill(row, numbers, word, source, number);
  return spaced;
}

function fill(row: Float32Array, numbers: string, word: string, source: string, number: number): void {
  const fields = numbers.split(/[ \t]+/);
  const odd = NOT_DECIMAL.test(numbers);
  for (let d = 0; d < row.length; d++) {
    row[d] = Number(fields[d]);
    if (Number.isFinite(row[d]) && !odd) continue;
    if (!isNumeric(fields[d])) throw notNumber(fields[d], word, source, number);
    if (Number.isFinite(row[d])) continue;
    const problem = `expected finite numbers for the word ${wordOf(word)}; got ${fields[d].slice(0, 20)} in column ${d + 1}`;
    throw badRow(source, `line ${number}`, problem);
  }
}

function notNumber(text: string, word: string, source: string, number: number): DataError {
  const [field] = text.split(/[ \t]/, 1);
  return badRow(source, `line ${number}`, `expected a number for the word ${wordOf(word)}; got ${wordOf(field)}`);
}

function wrongWidth(line: string, D: number, source: string, number: number): DataError {
  const [word, ...fields] = line.trim().split(/[ \t]+/);
  return badRow(source, `line ${number}`, `expected ${D} numbers for the word ${wordOf(word)}; got ${fields.length}`);
}

/** The error for a file with more rows than its header declares. */
function tooMany(declared: number, line: number, source: string): DataError {
  return badRow(source, `line ${line}`, `expected no more rows, the header declares ${declared}; got one`);
}

/** The error for a file with fewer rows than its header declares. */
export function tooFew(declared: number, found: number, source: string): DataError {
  return new DataError(
    `${source}: expected ${declared} rows, as the header declares; got ${found}: the file is truncated: download it again`,
  );
}
