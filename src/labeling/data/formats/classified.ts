/**
 * Sentences with one label each, for `classify`: turns bytes into sentences with a `category`, one by one, in bounded memory. Text is split
 * into tokens by the segmenter. Blank lines are skipped; bad lines are handled as in the other readers.
 */
import { counted } from '../../../tensor/print.js';
import { DataError } from '../../../tensor/errors.js';
import { expectChunks } from '../../checks.js';
import type { Sentence } from '../sentence.js';
import type { ClassifiedFormat, ClassifiedOptions, ClassifiedSettings } from './classified-options.js';
import { CLASSIFIED_FORMATS, classifiedSettings, rejectUnusedBy } from './classified-options.js';
import type { ClassifiedLine } from './classified-lines.js';
import { lineParser } from './classified-lines.js';
import { createClassifiedTsvParser } from './classified-tsv.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { formatHint } from './format-hint.js';
import { createLabelNamer } from './integer-labels.js';
import { jsonFields, shown, strings } from './jsonl.js';
import { checkedBlocks, NoSentencesError, type ByteChunks } from './lines.js';
import { dataErrorAt } from './options.js';
import { chain, firstBlocks, parsedSentences, type Head } from './read.js';
import { describeReading, type Reading } from './reading.js';

/** Number of lines from which the format, or the columns, are determined. */
const HEAD_LINES = 200;

/**
 * Reads the sentences of a stream of bytes, each with its `category`.
 *
 * @throws DataError if the input does not conform to its format, naming source and line, or its format cannot be detected
 * @throws ArgumentError on an option that does not fit the format; the folder of `slots` is opened by `openClassified`
 */
export async function* readClassified(chunks: ByteChunks, options: ClassifiedOptions = {}): AsyncGenerator<Sentence> {
  expectChunks('readClassified', 'chunks', chunks);
  const settings = classifiedSettings(options);
  const { source, maxLineBytes, cleaner, onNote } = settings;
  const blocks = checkedBlocks(chunks, source, maxLineBytes);
  let parser: LineParser | undefined;
  try {
    const judged = settings.format !== 'lines' && settings.format !== 'fasttext';
    const head = await firstBlocks(blocks, judged ? HEAD_LINES : 1, settings.badLines ?? 'stop');
    const format = formatOfHead(head, settings);
    rejectUnusedBy(format, options);
    parser = createParser(format, head.lines, settings);
    settings.onReading?.(parser.reading);
    yield* parsedSentences(parser, chain(head.blocks, blocks), { ...settings, format: undefined });
  } finally {
    const found = [cleaner.note(source), ...(parser?.notes() ?? [])];
    for (const note of found) if (note) onNote?.(note);
    await blocks.return(undefined);
  }
}

/** Detects the format of a text that begins with these lines; undefined if it matches none. */
export function detectClassified(head: readonly string[]): ClassifiedFormat | undefined {
  const rows = head.filter((line) => !isBlank(line));
  const most = (test: (row: string) => boolean) => 2 * rows.filter(test).length > rows.length;
  if (rows.length === 0) return undefined;
  if (/^\s*\{\s*("|\}|$)/.test(rows[0])) return 'jsonl';
  if (most((row) => labelWords(row).length > 0)) return 'fasttext';
  return most((row) => row.includes('\t')) ? 'tsv' : undefined;
}

function formatOfHead({ lines, blank, fault }: Head, { source, format, labels }: ClassifiedSettings): ClassifiedFormat {
  if (lines.every(isBlank)) throw fault?.error ?? new NoSentencesError(`${source}: no sentences: the input is empty`);
  const found = format ?? detectClassified(lines) ?? (labels === 'ignored' ? 'lines' : undefined);
  if (found !== undefined) return found;
  if (fault) throw fault.error;
  const known = CLASSIFIED_FORMATS.filter((name) => name !== 'lines').join(', ');
  const message = `${source}: cannot tell where the labels are from the first ${counted(blank + lines.length, 'line')}`;
  const hint = formatHint(lines, 'write {"text": "…", "label": "…"}');
  throw new DataError(
    `${message}: ${hint ?? `set the format (--format ${known}), or give one file per label (pos=FILE,neg=FILE)`}`,
  );
}

function createParser(format: ClassifiedFormat, head: readonly string[], settings: ClassifiedSettings): LineParser {
  switch (format) {
    case 'tsv':
      return createClassifiedTsvParser(head, settings);
    case 'jsonl':
      return createJsonParser(head, settings);
    case 'fasttext':
      return lineParser({ format }, settings, fastTextLine(settings));
    case 'lines':
      return lineParser({ format }, settings, (text) => ({ text, label: settings.category }));
    case 'slots':
      throw new DataError(`${settings.source}: the format slots is a folder with seq.in and label: pass the folder`);
  }
}

/** The words of a line that are fastText labels. */
function labelWords(text: string): string[] {
  return text.includes(PREFIX) ? text.split(/[ \t]+/).filter((word) => word.startsWith(PREFIX)) : [];
}

const PREFIX = '__label__';

/** fastText: every word that begins with the prefix is a label, in any position. */
function fastTextLine({ source, labels }: ClassifiedSettings) {
  return (text: string, line: number): ClassifiedLine => {
    const words = labelWords(text);
    const rest = text
      .split(/([ \t]+)/)
      .filter((word) => !word.startsWith(PREFIX))
      .join('');
    if (labels === 'ignored') return { text: rest };
    if (words.length !== 1) {
      const got = words.length === 0 ? 'none' : `${words.length} (${words.slice(0, 3).join(', ')})`;
      throw dataErrorAt(
        source,
        line,
        `expected one word that begins with ${PREFIX}; got ${got}: one label per sentence`,
      );
    }
    return { text: rest, label: words[0].slice(PREFIX.length) };
  };
}

/** Names of fields for labels, and for texts, the most likely first. */
const LABEL_FIELDS = ['label', 'category', 'class', 'intent', 'sentiment'];
const TEXT_FIELDS = ['tokens', 'text', 'texts', 'sentence'];

function createJsonParser(head: readonly string[], settings: ClassifiedSettings): LineParser {
  const { source, labels, cleaner } = settings;
  const like = settings.like?.format === 'jsonl' ? settings.like : undefined;
  const fail = (line: number) => (message: string) => dataErrorAt(source, line, message);
  const shape = 'write {"text": "…", "label": "…"}';
  const first = firstFields(head);
  const find = (names: readonly string[]) => names.find((name) => (first.get(name) ?? null) !== null) ?? names[0];
  const column = String(settings.column ?? like?.column ?? find(LABEL_FIELDS));
  const textColumn = String(settings.textColumn ?? like?.tokenColumn ?? find(TEXT_FIELDS));
  const named = createLabelNamer(settings, [column]);
  const parse = (text: string, line: number): ClassifiedLine => {
    const fields = jsonFields(cleaner.line(text, line), shape, fail(line));
    const value = fields.get(textColumn);
    const given = typeof value === 'string' ? value : strings(value);
    if (given === undefined) {
      const what = `expected "${textColumn}", a string or an array of strings that are not empty`;
      throw fail(line)(`${what}; got ${shown(fields, textColumn)}: set the text field (--text-column)`);
    }
    settings.onDropped?.('fields', [...fields.keys()].filter((name) => name !== textColumn && name !== column).length);
    if (labels === 'ignored') return { text: given };
    const label = named.label(onlyOne(fields.get(column)), column, line);
    if (typeof label !== 'string' && typeof label !== 'number' && typeof label !== 'boolean') {
      const what = `expected "${column}", a string, a number or a boolean; got ${shown(fields, column)}`;
      const advice = Array.isArray(label) ? 'a sentence has one label' : 'set the label field (--column)';
      throw fail(line)(`${what}: ${advice}`);
    }
    return { text: given, label: String(label) };
  };
  const reading: Reading = {
    format: 'jsonl',
    column,
    tokenColumn: textColumn,
    ...(named.names && { labelNames: named.names }),
  };
  const usual = column === 'label' && ['text', 'tokens'].includes(textColumn);
  const asked = like !== undefined || (settings.column !== undefined && settings.textColumn !== undefined);
  const message = `${source}: read as ${describeReading({ ...reading, tokenizer: settings.tokenizer })}`;
  const advice = 'if that is wrong, set the fields (--column, --text-column)';
  const note = { kind: 'columns', message: `${message}: ${advice}`, source };
  return lineParser(reading, settings, parse, () => [
    ...(usual || asked || labels === 'ignored' ? [] : [note]),
    ...(labels === 'ignored' ? [] : named.notes()),
  ]);
}

/** Unwraps the label in a list of one, as in doccano's exports of text classes; returns anything else as it is. */
const onlyOne = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

/** The fields of the first line that is an object. */
function firstFields(head: readonly string[]): ReadonlyMap<string, unknown> {
  for (const line of head) {
    try {
      return jsonFields(line, '', (message) => new DataError(message));
    } catch {
      continue; // the parser reports the line
    }
  }
  return new Map();
}
