/**
 * One token a line in columns, with a blank line after each sentence: the format of the CoNLL shared tasks, with any number of columns.
 * `two-column` is the case of a token, a tab and a label. `comments.ts` decides which lines that begin with `#` are comments.
 */
import { ArgumentError } from '../../../tensor/errors.js';
import type { Note } from '../notes.js';
import { trimOuter } from './clean.js';
import { createCollector, type LineParser } from './collect.js';
import { asksForSeveral, columnList, columnName, oneOrList, placesOfColumns } from './columns.js';
import { createCommentJudge, type CommentJudge } from './comments.js';
import { columnSamples, isBlank, splitColumns, type ColumnLayout } from './detect.js';
import { columnIndex, dataErrorAt, quote, type ParseOptions, oneColumn } from './options.js';
import type { Reading } from './reading.js';

/** The token that CoNLL-2003 puts before each document; it is not a sentence. */
const DOCUMENT_START = '-DOCSTART-';

/** The columns of token and labels, and the permitted width of a line. */
interface Places {
  readonly token: number;
  /** One or several columns; none if labels are ignored. */
  readonly labels: readonly number[];
  /** Whether several label columns were requested. */
  readonly several: boolean;
  /** Whether the last column is taken as the label column only by default. */
  readonly guessed: boolean;
  /** Whether column 1 counts the tokens, which are in another column. */
  readonly ids: boolean;
  /** Smallest number of columns. */
  readonly least: number;
  /** Largest number of columns; Infinity if every column is counted from the left. */
  readonly most: number;
}

/** Whether the first column of a line is a range (`3-4`) or a decimal (`5.1`), and so not a token. */
const IS_RANGE = /^\d+[-.]\d+$/;

/**
 * Returns a parser of lines in columns.
 *
 * @param layout separator and width, as `detectLayout` determines them from the first lines
 * @param head the first lines, if known: their labels distinguish comments from tokens
 * @throws ArgumentError if there is no such column, or words and labels are in the same column
 * @throws DataError if the first of two columns counts the words, and labels are needed
 */
export function createConllParser(
  options: ParseOptions,
  layout: ColumnLayout,
  head: readonly string[] = [],
): LineParser {
  const notes: Note[] = [];
  const places = placesOf(options, layout, notes);
  const sentence = createCollector(options, places.several ? places.labels.map((c) => columnName(c + 1)) : []);
  const tabs = layout.separator === 'tab';
  const comments = options.comments ?? options.like?.comments ?? 'auto';
  const judge = createCommentJudge(comments, { tabs, ids: places.ids });
  learnLabels(judge, head, layout, places);
  const check = lineChecks(options, layout, places);
  const labelAt = judgedColumn(layout, places);

  return {
    reading: readingOf(layout, places, comments, head),
    push(text, line) {
      if (isBlank(text)) return sentence.flush();
      const columns = splitColumns(text, layout.separator);
      if (text.startsWith('#')) {
        const fits = columns.length === layout.width;
        const label = labelAt === undefined || !fits ? undefined : trimOuter(columns[labelAt] ?? '');
        const hash = { text, line, columns, fits, atStart: sentence.count === 0, label };
        if (judge.isComment(hash)) return void options.onDropped?.('comments', 1);
      }
      if (columns[0] === DOCUMENT_START) {
        options.onDropped?.('documents', 1);
        return sentence.flush();
      }
      if (places.ids && IS_RANGE.test(columns[0])) return void options.onDropped?.('ranges', 1);
      check.width(text, columns.length, line);
      check.id(columns[0], line);
      const token = check.token(columns[places.token], line);
      const labels = places.labels.map((c) => check.label(columns[c] ?? '', c, line));
      if (labels[0] !== undefined && columns[0] !== '#') judge.learn(labels[0]);
      options.onDropped?.('columns', Math.max(0, columns.length - 1 - labels.length - Number(places.ids)));
      sentence.add(token, labels, line);
      return undefined;
    },
    end: () => sentence.flush(),
    spoil: () => sentence.spoil(),
    lost: () => sentence.lost(),
    notes: () => [...notes, ...[judge.note(options.source)].filter((note) => note !== undefined)],
  };
}

/** Returns a parser of lines with a token, a tab and a label. */
export function createTwoColumnParser(
  options: ParseOptions,
  numbered = false,
  head: readonly string[] = [],
): LineParser {
  const parser = createConllParser(options, { separator: 'tab', width: 2, numbered }, head);
  return { ...parser, reading: { ...parser.reading, format: 'two-column' } };
}

/** The requirements for a line. Each check throws a DataError with its line. */
function lineChecks({ source, labels, cleaner }: ParseOptions, layout: ColumnLayout, places: Places) {
  const fail = (line: number, message: string) => dataErrorAt(source, line, message);
  return {
    width(text: string, width: number, line: number): void {
      if (width >= places.least && width <= places.most) return;
      const expected = places.most === Infinity ? `at least ${places.least}` : `${places.most}`;
      const separator = layout.separator === 'tab' ? 'tabs' : 'spaces';
      const problem = `too ${width < places.least ? 'few' : 'many'} columns: expected ${expected} separated by ${separator}`;
      const advice = 'correct the line, or give the format and the column';
      throw fail(line, `${problem}; got ${width} in ${quote(text)}: ${advice}`);
    },
    id(id: string, line: number): void {
      if (!places.ids || /^\d+$/.test(id)) return;
      const message = `expected a number in column 1, which numbers the words; got ${quote(id)}`;
      throw fail(line, `${message}: correct it, or set the token column (--token-column)`);
    },
    token(token: string, line: number): string {
      if (token !== '') return token;
      throw fail(line, `expected a token in column ${places.token + 1}; got nothing: fill it in`);
    },
    label(text: string, column: number, line: number): string | undefined {
      const label = cleaner.label(text, line);
      if (label !== '') return label;
      if (labels !== 'required') return undefined;
      const message = `expected a label in column ${column + 1}; got nothing`;
      throw fail(line, `${message}: fill it in, or choose another column`);
    },
  };
}

function readingOf(
  layout: ColumnLayout,
  places: Places,
  comments: Reading['comments'],
  head: readonly string[],
): Reading {
  return {
    format: 'conll',
    tokenColumn: places.token + 1,
    ...(places.labels.length > 0 && { column: oneOrList(places.labels.map((c) => c + 1)) }),
    ...(places.ids && { ids: true }),
    comments,
    width: layout.width,
    guessed: places.guessed,
    samples: columnSamples(head, layout),
  };
}

/** The label column that is used to recognize comments, even if labels are ignored. */
function judgedColumn({ width }: ColumnLayout, { token, labels }: Places): number | undefined {
  if (labels.length > 0) return labels[0];
  return width > 1 && token !== width - 1 ? width - 1 : undefined;
}

function learnLabels(judge: CommentJudge, head: readonly string[], layout: ColumnLayout, places: Places): void {
  const at = judgedColumn(layout, places);
  if (at === undefined || at >= layout.width) return;
  for (const line of head) {
    if (/^#([ \t]|$)/.test(line) || isBlank(line)) continue;
    const columns = splitColumns(line, layout.separator);
    if (columns.length === layout.width) judge.learn(trimOuter(columns[at]));
  }
}

function placesOf(options: ParseOptions, layout: ColumnLayout, notes: Note[]): Places {
  const { columns = [], labels } = options;
  const { width } = layout;
  const given = givenColumns(options, layout, notes);
  const numbered = layout.numbered || (given.followed && options.like?.ids === true);
  const token = columnIndex(given.tokenColumn ?? (numbered ? 2 : 1), columns, width, 'tokenColumn');
  const ids = numbered && token !== 0;
  // A file without labels may have no label column; then there is none to examine.
  const single = width === 1 || (width === 2 && ids);
  const labelless = labels === 'ignored' || (labels === 'optional' && single && given.column === undefined);
  if (!labelless && width === 2 && ids && given.column === undefined) throw nothingButWords(options.source);
  const other = width === 2 && token === 1 ? 1 : -1;
  const wanted = given.column ?? other;
  const find = (column: string | number) =>
    columnIndex(column, columns, labels === 'required' ? Math.max(width, 2) : width);
  const found = labelless ? [] : placesOfColumns(wanted, options, find, notes);
  if (found.includes(token)) throw oneColumn(options.source, `column ${token + 1}`);
  const fromTheRight = (place: string | number | undefined) => /^-/.test(String(place));
  const strict =
    fromTheRight(given.tokenColumn) || (found.length > 0 && columnList(given.column ?? -1).some(fromTheRight));
  const needed = Math.max(token, ...found) + 1;
  const whole = Math.max(width, needed);
  return {
    token,
    labels: found,
    several: !labelless && asksForSeveral(wanted),
    guessed: found.length > 0 && given.column === undefined,
    ids,
    least: strict ? whole : needed,
    most: strict ? whole : Infinity,
  };
}

/** The columns given as options, or else those that a model was trained with, if this input has them. */
function givenColumns(
  { column, tokenColumn, like, source, labels }: ParseOptions,
  { width }: ColumnLayout,
  notes: Note[],
) {
  if (like === undefined || (like.format !== 'conll' && like.format !== 'two-column')) {
    return { column, tokenColumn, followed: false };
  }
  const several = columnList(like.column ?? 1);
  const looked = labels === 'ignored' || (labels === 'optional' && several.length > 1) ? [] : several;
  const needed = Math.max(Number(like.tokenColumn ?? 1), ...looked.map(Number));
  if (needed <= width) {
    const followed = tokenColumn === undefined;
    return { column: column ?? like.column, tokenColumn: tokenColumn ?? like.tokenColumn, followed };
  }
  if (labels !== 'ignored' && column === undefined && like.column !== undefined) {
    const message = `${source}: the training data had its labels in column ${several.join(', ')}, but this input has ${width}`;
    throw new ArgumentError(`${message} ${width === 1 ? 'column' : 'columns'}: set the label column (--column)`);
  }
  const message = `${source}: the training data had its words in column ${like.tokenColumn}, but this input has ${width}`;
  const advice = 'the column was chosen by its contents; set it with --token-column';
  notes.push({ kind: 'columns', message: `${message}: ${advice}`, source });
  return { column, tokenColumn, followed: false };
}

function nothingButWords(source: string): ArgumentError {
  const message = `${source}: column 1 of 2 numbers the words, so column 2 has the words and there are no labels`;
  return new ArgumentError(`${message}: add labels, or set the word column (--token-column 1)`);
}
