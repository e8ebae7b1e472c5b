/**
 * The reader: turns bytes into sentences, one by one, so that a file of any size is read in bounded memory.
 *
 * Nothing here opens a file: the chunks may come from Node, from a browser's Blob or from an array.
 */
import { counted } from '../../../tensor/print.js';
import { normalForm } from '../nfc.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { expectChunks } from '../../checks.js';
import type { Sentence } from '../sentence.js';
import { UNLABELED } from '../unlabeled.js';
import { createAnnotatedParser } from './annotated.js';
import { createBadLines } from './bad-lines.js';
import { createCleaner } from './clean.js';
import type { LineParser } from './collect.js';
import { createConllParser, createTwoColumnParser } from './conll.js';
import { createConlluParser } from './conllu.js';
import { detectFormat, detectLayout, isBlank } from './detect.js';
import { formatHint } from './format-hint.js';
import { createJsonlParser } from './jsonl.js';
import { checkedBlocks, NoSentencesError, type ByteChunks, type CheckedBlock, type LineFault } from './lines.js';
import { FORMATS, parseOptions, rejectUnused, type Format, type ParseOptions, type ReadOptions } from './options.js';
import type { Reading } from './reading.js';
import { describeReading } from './reading.js';
import { createSlashedParser } from './slashed.js';

/** Number of lines, apart from blank ones and those that begin with `#`, from which the format, or the columns, are determined. */
const HEAD_LINES = 200;
/** The most lines of leading comments that are searched. */
const MOST_HEAD_LINES = 10_000;

/**
 * Reads the sentences of a stream of bytes. The sentences, and the notes on them, do not depend on how the bytes are divided into chunks.
 *
 * @throws DataError if the input does not conform to its format, naming source and line (handled according to `badLines`); if it has no
 *   sentence; if its format cannot be detected
 * @throws ArgumentError on an option that does not fit the format; `slots` is read by `readSlots`
 */
export async function* readSentences(chunks: ByteChunks, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  expectChunks('readSentences', 'chunks', chunks);
  yield* readParsed(chunks, parseOptions(options));
}

/**
 * Like {@link readSentences}, for options with defaults filled in, whose cleaner may already have processed an earlier part of the input.
 */
export async function* readParsed(chunks: ByteChunks, settings: ParseOptions): AsyncGenerator<Sentence> {
  const { source, maxLineBytes, cleaner, onNote } = settings;
  const blocks = checkedBlocks(chunks, source, maxLineBytes);
  let parser: LineParser | undefined;
  // A caller that stops early, by an error or a `break`, closes the input, even while its first lines are being examined.
  try {
    const judged = settings.format === undefined || settings.format === 'conll';
    const head = await firstBlocks(blocks, judged ? HEAD_LINES : 1, settings.badLines ?? 'stop');
    parser = parserFor(head, settings);
    settings.onReading?.(withMark(parser.reading, settings));
    yield* parsedSentences(parser, chain(head.blocks, blocks), settings);
  } finally {
    const found = [cleaner.note(source), ...(parser?.notes() ?? [])];
    for (const note of found) if (note) onNote?.(note);
    await blocks.return(undefined);
  }
}

/** Reads the sentences that a parser finds in blocks of lines; bad lines are handled according to the options. */
export async function* parsedSentences(
  parser: LineParser,
  blocks: AsyncIterable<CheckedBlock>,
  settings: ParseOptions,
): AsyncGenerator<Sentence> {
  const normalize = normalizer(settings);
  const bad = createBadLines(settings);
  let count = 0;
  for await (const { first, lines, faults } of blocks) {
    for (let i = 0; i < lines.length; i++) {
      const sentence = parseLine(lines[i], first + i, faults.get(i));
      if (!sentence) continue;
      count++;
      if (!bad.listing) yield normalize(sentence);
    }
  }
  const last = parser.end();
  bad.finish(parser.lost());
  if (last) yield normalize(last);
  else if (count === 0) {
    const what = parser.lost().sentences > 0 ? 'bad lines' : 'comments or blank lines';
    throw new NoSentencesError(`${settings.source}: no sentences: the input has only ${what}`);
  }

  function parseLine(text: string, line: number, fault: LineFault | undefined): Sentence | undefined {
    try {
      if (fault) throw fault.error;
      return parser.push(settings.cleaner.line(text, line), line);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      parser.spoil();
      bad.take(error, line, fault?.fatal);
      return undefined;
    }
  }
}

/** Returns the function that normalizes the tokens of a sentence as requested, and replaces the marks of missing labels by `''`. */
export function normalizer(options: ReadOptions): (sentence: Sentence) => Sentence {
  const { normalize = 'none' } = options;
  const mark = markOf(options);
  const marked = mark === undefined ? (sentence: Sentence) => sentence : withoutMark(mark);
  if (normalize === 'none') return marked;
  return (sentence) => marked({ ...sentence, tokens: sentence.tokens.map((token) => normalForm(token, normalize)) });
}

/** The mark of tokens without a label: the given one, or that of the training data, in any format. */
function markOf({ unlabeled, like, labels }: ReadOptions): string | undefined {
  return labels === 'ignored' ? undefined : (unlabeled ?? like?.unlabeled);
}

/** Adds the mark of tokens without a label to a reading, if there is one. */
export function withMark(reading: Reading, options: ReadOptions): Reading {
  const unlabeled = markOf(options);
  return unlabeled === undefined ? reading : { ...reading, unlabeled };
}

function withoutMark(mark: string): (sentence: Sentence) => Sentence {
  const emptied = (labels: readonly string[]) => labels.map((label) => (label === mark ? UNLABELED : label));
  return (sentence) => {
    const { labels, columns, category } = sentence;
    return {
      ...sentence,
      ...(labels && { labels: emptied(labels) }),
      ...(columns && {
        columns: Object.fromEntries(Object.entries(columns).map(([name, own]) => [name, emptied(own)])),
      }),
      ...(category === mark && { category: UNLABELED }),
    };
  };
}

/** The beginning of an input. */
export interface Head {
  /** Blocks that have been read, for the parser. */
  readonly blocks: CheckedBlock[];
  /** The lines for detection, cleaned, from the first that is not blank: the same for any division of the input into blocks. */
  readonly lines: readonly string[];
  /** Blank lines before them. */
  readonly blank: number;
  /** The first fault among them. */
  readonly fault: LineFault | undefined;
}

/**
 * Reads the beginning of an input: this many lines that are neither blank nor begin with `#`, or fewer if the input, or the reading of it,
 * ends earlier. Blank blocks are dropped, so that they take no memory.
 */
export async function firstBlocks(
  input: AsyncGenerator<CheckedBlock>,
  wanted: number,
  badLines: ParseOptions['badLines'],
): Promise<Head> {
  const blocks: CheckedBlock[] = [];
  const lines: string[] = [];
  const { line: clean } = createCleaner();
  let [seen, content, blank] = [0, 0, 0];
  let fault: LineFault | undefined;
  const done = () => content >= wanted || seen >= MOST_HEAD_LINES || (wanted === 1 && seen > 0);
  while (!done()) {
    const next = await input.next();
    if (next.done) break;
    const block = next.value;
    for (let i = 0; i < block.lines.length && !done(); i++) {
      const faulty = block.faults.get(i);
      fault ??= faulty;
      const isContent = faulty !== undefined || !isBlank(block.lines[i]);
      if (!isContent && seen === 0) blank++;
      else if (faulty && (faulty.fatal || badLines === 'stop'))
        wanted = 0; // the parser gets no further either
      else lines.push(faulty ? '' : clean(block.lines[i], 0));
      if (isContent) {
        seen++;
        if (!block.lines[i].startsWith('#')) content++;
      }
    }
    if (seen > 0) blocks.push(block);
  }
  return { blocks, lines, blank, fault };
}

/** The blocks that have been examined, then the others. */
export async function* chain(head: CheckedBlock[], rest: AsyncIterable<CheckedBlock>): AsyncGenerator<CheckedBlock> {
  while (head.length > 0) yield head.shift()!;
  yield* rest;
}

function parserFor({ lines, blank, fault }: Head, options: ParseOptions): LineParser {
  const { source, like, labels, badLines = 'stop' } = options;
  const first = lines.find((line) => !isBlank(line));
  // With a given format and ignored labels, nothing depends on the first line: it is a bad line like any other.
  const isKnown = options.format !== undefined && labels === 'ignored' && badLines !== 'stop';
  if (first === undefined && fault && !fault.fatal && isKnown) {
    rejectUnused(options.format!, options);
    return createParser(options.format!, lines, options);
  }
  if (first === undefined) throw fault?.error ?? new NoSentencesError(`${source}: no sentences: the input is empty`);
  if (first.startsWith('version https://git-lfs.github.com/spec/')) {
    const message = `${source}: expected sentences; got a Git LFS pointer, not the file itself`;
    throw new DataError(`${message}: fetch it with git lfs pull`);
  }
  const format = options.format ?? detectFormat(lines) ?? FORMATS.find((name) => name === like?.format);
  if (format === undefined || ((format === 'slots' || format === 'brat') && options.format === undefined)) {
    if (fault) throw fault.error;
    const message = `${source}: cannot tell the format from the first ${counted(blank + lines.length, 'line')}`;
    const hint = formatHint(lines, 'write {"text": "…", "label": [[start, end, "TYPE"], …]}');
    throw new DataError(`${message}: ${hint ?? `choose one of ${FORMATS.join(', ')}`}`);
  }
  rejectUnused(format, options);
  const parser = createParser(format, lines, options);
  if (format !== 'conll' || options.format || !like || like.format === 'conll') return parser;
  const asked = options.column !== undefined && options.tokenColumn !== undefined;
  return asked ? parser : withNote(parser, source, describeReading(like));
}

/** Notes that the columns of this input were guessed even though there is a model, because it was trained on another format. */
function withNote(parser: LineParser, source: string, trainedOn: string): LineParser {
  const how = `${source}: read as ${describeReading(parser.reading)}, unlike the training data (${trainedOn})`;
  const note = { kind: 'columns', message: `${how}: if that is wrong, set the columns`, source };
  return { ...parser, notes: () => [note, ...parser.notes()] };
}

function createParser(format: Format, head: readonly string[], options: ParseOptions): LineParser {
  switch (format) {
    case 'conllu':
      return createConlluParser(options, head);
    case 'conll':
      return createConllParser(options, detectLayout(head), head);
    case 'two-column':
      if (options.format) return createTwoColumnParser(options);
      return createTwoColumnParser(options, detectLayout(head).numbered, head);
    case 'slashed':
      return createSlashedParser(options);
    case 'jsonl':
      return createJsonlParser(options, head);
    case 'doccano':
    case 'prodigy':
    case 'spans':
      return createAnnotatedParser(format, options);
    case 'brat':
      throw new ArgumentError('the format brat is two files, not one stream: pass one of them, or their folder');
    case 'slots':
      throw new ArgumentError('the format slots is three files, not one stream: use readSlots, or give the folder');
  }
}
