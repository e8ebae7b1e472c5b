/**
 * CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html): ten tab-separated columns, comment lines
 * that begin with `#`, a blank line after each sentence. Multi-word ranges (`8-9`) and empty nodes (`5.1`) are not words and are skipped.
 *
 * CoNLL-U Plus (https://universaldependencies.org/ext-format.html) has the columns named in its first line:
 * `# global.columns = ID FORM UPOS`.
 */
import type { Sentence } from '../sentence.js';
import { UNLABELED } from '../unlabeled.js';
import { createCollector, type LineParser } from './collect.js';
import { declaredColumns, isBlank, splitColumns } from './detect.js';
import { asksForSeveral, namedLike, oneOrList, placesOfColumns } from './columns.js';
import type { Note } from '../notes.js';
import { columnIndex, dataErrorAt, oneColumn, quote, type ParseOptions } from './options.js';

/** Names of the ten columns, as the `column` option takes them. */
export const CONLLU_COLUMNS = [
  'id',
  'form',
  'lemma',
  'upos',
  'xpos',
  'feats',
  'head',
  'deprel',
  'deps',
  'misc',
] as const;

/** In these columns `_` is a value: no features, a lemma that is an underscore. In the others it means "not annotated". */
const UNDERSCORE_IS_A_VALUE = new Set(['form', 'lemma', 'feats', 'deps', 'misc']);

/**
 * Returns a parser of CoNLL-U lines that reads labels from one column, or from several.
 *
 * @param head the first lines, which may declare the columns
 * @throws ArgumentError if there is no such column
 */
export function createConlluParser(options: ParseOptions, head: readonly string[] = []): LineParser {
  const { source } = options;
  const declared = declaredColumns(head.find((line) => !isBlank(line)) ?? '');
  const names = declared?.map((name) => name.toLowerCase()) ?? CONLLU_COLUMNS;
  const columns: Columns = { source, names, declared: declared !== undefined };
  const notes: Note[] = [];
  const { tokenAt, labelsAt, several } = placesIn(options, names, notes);
  const idAt = names.indexOf('id');
  const ids = createIdCheck(options, idAt);
  const held = [idAt, tokenAt, ...labelsAt];
  const cut = options.onDropped ? (text: string) => text.split('\t') : columnCutter(held);
  const sentence = createCollector(options, several ? labelsAt.map((c) => names[c]) : []);

  const kept = createLineKeeper(options, names);
  return {
    reading: { format: 'conllu', tokenColumn: names[tokenAt], ...(labelsAt.length > 0 && { column: oneOrList(labelsAt.map((c) => names[c])) }), width: names.length }, // prettier-ignore
    push(text, line) {
      if (isBlank(text)) {
        ids.restart();
        return kept.of(sentence.flush());
      }
      kept.add(text);
      if (text.startsWith('#')) {
        options.onDropped?.('comments', 1);
        return void checkDeclaration(columns, text, line);
      }
      const values = cut(text);
      checkWidth(columns, text, values.length, line);
      if (!ids.isWord(values, line)) {
        options.onDropped?.(values[idAt].includes('-') ? 'ranges' : 'emptyNodes', 1);
        return undefined;
      }
      options.onDropped?.('columns', values.filter((value, c) => value !== '_' && !held.includes(c)).length);
      const token = wordOf(values[tokenAt], names[tokenAt], source, line);
      const labels = labelsAt.length === 0 ? NO_LABELS : labelsAt.map((c) => labelOf(options, names[c], values[c], line)); // prettier-ignore
      sentence.add(token, labels, line);
      return undefined;
    },
    end: () => kept.of(sentence.flush()),
    spoil: () => sentence.spoil(),
    lost: () => sentence.lost(),
    notes: () => notes,
  };
}

const NO_LABELS: readonly string[] = [];

/** Returns a function that splits a line at its tabs into all its cells; those that are not wanted are left empty. */
function columnCutter(wanted: readonly number[]): (text: string) => string[] {
  const last = Math.max(...wanted);
  const takes = Array.from({ length: last + 1 }, (_, c) => wanted.includes(c));
  return (text) => {
    const cells: string[] = [];
    for (let start = 0; ;) {
      const tab = text.indexOf('\t', start);
      const place = cells.length;
      cells.push(place <= last && takes[place] ? text.slice(start, tab < 0 ? text.length : tab) : '');
      if (tab < 0) return cells;
      start = tab + 1;
    }
  };
}

function wordOf(token: string, name: string, source: string, line: number): string {
  if (token !== '') return token;
  throw dataErrorAt(source, line, `expected a word in column ${name}; got nothing: fill it in`);
}

/** Keeps the lines of one sentence after another, if requested. */
function createLineKeeper({ keepLines, keepSource }: ParseOptions, columns: readonly string[]) {
  const keeps = keepLines === true || keepSource === true;
  let lines: string[] = [];
  return {
    add(text: string): void {
      if (keeps) lines.push(text);
    },
    /** Returns the sentence that ends here, with its lines. */
    of(sentence: Sentence | undefined): Sentence | undefined {
      const own = lines;
      lines = [];
      return sentence && keeps ? { ...sentence, conllu: { columns, lines: own } } : sentence;
    },
  };
}

/** The positions of words and labels among the named columns. */
function placesIn(options: ParseOptions, names: readonly string[], notes: Note[]) {
  const { source, labels } = options;
  const like = options.like?.format === 'conllu' ? options.like : undefined;
  const at = (column: string | number, what?: string) => columnIndex(column, names, names.length, what);
  const tokenAt = at(options.tokenColumn ?? like?.tokenColumn ?? 'form', 'tokenColumn');
  const wanted = options.column ?? like?.column ?? namedLike(options.like) ?? 'upos';
  const labelsAt = labels === 'ignored' ? [] : placesOfColumns(wanted, options, at, notes);
  if (labelsAt.includes(tokenAt)) throw oneColumn(source, `column ${names[tokenAt]}`);
  return { tokenAt, labelsAt, several: labels !== 'ignored' && asksForSeveral(wanted) };
}

/** The columns of a file, and whether its first line declares them. */
interface Columns {
  readonly source: string;
  readonly names: readonly string[];
  readonly declared: boolean;
}

function checkWidth({ source, names }: Columns, text: string, width: number, line: number): void {
  if (width === names.length) return;
  const problem = `too ${width < names.length ? 'few' : 'many'} columns: expected ${names.length} separated by tabs`;
  const spaced = width === 1 && splitColumns(text, 'spaces').length >= names.length;
  const advice = spaced ? 'replace the spaces between the columns with tabs' : 'correct the line';
  throw dataErrorAt(source, line, `${problem}; got ${width} in ${quote(text)}: ${advice}`);
}

/** Rejects a comment that declares other columns. */
function checkDeclaration({ source, names, declared }: Columns, text: string, line: number): void {
  const again = declared ? declaredColumns(text) : undefined;
  if (!again || again.join().toLowerCase() === names.join()) return;
  throw dataErrorAt(
    source,
    line,
    `the columns are not those that line 1 declares: ${quote(text)}: put these sentences into a separate file`,
  );
}

/** The label in a column, `''` if it is not annotated; undefined if the field is empty and may be. */
function labelOf(
  { source, labels, cleaner }: ParseOptions,
  name: string,
  text: string,
  line: number,
): string | undefined {
  const label = cleaner.label(text, line);
  if (label === '_' && !UNDERSCORE_IS_A_VALUE.has(name)) return UNLABELED;
  if (label !== '') return label;
  if (labels === 'optional') return undefined;
  const message = `expected a label in column ${name}; got nothing`;
  throw dataErrorAt(source, line, `${message}: fill it in, write _ if there is none, or choose another column`);
}

/** Checks that words are numbered from 1; after an error, numbering continues from the number in the file. */
function createIdCheck({ source }: ParseOptions, column: number) {
  let expected = 1;
  return {
    restart: () => void (expected = 1),
    /** Whether the line is a word. @throws DataError on an invalid or unexpected number */
    isWord(columns: readonly string[], line: number): boolean {
      if (column < 0) return true;
      const id = columns[column];
      if (id === String(expected)) {
        expected++;
        return true;
      }
      if (/^\d+[-.]\d+$/.test(id)) return false;
      const wanted = expected;
      expected = /^\d+$/.test(id) ? Number(id) + 1 : expected + 1;
      const place = `in column ${column + 1}`;
      if (!/^\d+$/.test(id)) {
        const message = `expected a word number, a range such as 8-9 or a decimal such as 5.1 ${place}; got ${quote(id)}`;
        throw dataErrorAt(source, line, `${message}: correct the number`);
      }
      if (Number(id) === wanted) return true;
      const message = `expected word number ${wanted} ${place}; got ${id}`;
      throw dataErrorAt(source, line, `${message}: number words from 1 and put a blank line after each sentence`);
    },
  };
}
