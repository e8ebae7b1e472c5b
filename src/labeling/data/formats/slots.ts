/**
 * Slot-filling triples, the form in which the ATIS and SNIPS corpora are distributed: three parallel files with one sentence a line,
 * `seq.in` with the words, `seq.out` with their labels, both separated by runs of spaces, and `label` with the intent.
 */
import { counted } from '../../../tensor/print.js';
import { DataError } from '../../../tensor/errors.js';
import { expectRecord } from '../../../tensor/arguments.js';
import { expectChunks } from '../../checks.js';
import type { Sentence } from '../sentence.js';
import { createBadLines } from './bad-lines.js';
import { trimOuter } from './clean.js';
import { isBlank, splitColumns } from './detect.js';
import { checkedBlocks, NoSentencesError, type ByteChunks, type LineFault } from './lines.js';
import { dataErrorAt, parseOptions, rejectUnused, type ParseOptions, type ReadOptions } from './options.js';
import { normalizer, withMark } from './read.js';

/** The bytes of the parallel files. */
export interface SlotChunks {
  /** `seq.in`. */
  readonly tokens: ByteChunks;
  /** `seq.out`; needed unless labels are ignored or optional. */
  readonly labels?: ByteChunks;
  /** `label`, one intent a line; becomes the `category` of each sentence. */
  readonly categories?: ByteChunks;
}

type Line = { text: string; line: number; fault: LineFault | undefined };

/**
 * Reads the sentences of a slot-filling triple, one by one, in bounded memory.
 *
 * @throws DataError if the files have different numbers of lines, a line has different numbers of words and labels, or a line is empty
 *   (handled according to `badLines`)
 */
export async function* readSlots(files: SlotChunks, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  expectRecord('readSlots', 'files', files, 'the bytes of parallel files, { tokens, labels, categories }');
  expectChunks('readSlots', 'files.tokens', files.tokens);
  for (const [name, chunks] of Object.entries(files))
    if (chunks !== undefined) expectChunks('readSlots', `files.${name}`, chunks);
  const settings = parseOptions(options);
  rejectUnused('slots', options);
  const { source, labels, maxLineBytes, cleaner, onNote } = settings;
  if (labels === 'required' && !files.labels) throw new DataError(`${source}: expected seq.out next to seq.in: add it`);
  const open = (chunks: ByteChunks | undefined, name: string) =>
    chunks && { name: `${source}/${name}`, lines: eachLine(chunks, `${source}/${name}`, maxLineBytes) };
  const label = open(labels === 'ignored' ? undefined : files.labels, 'seq.out');
  const category = open(files.categories, 'label');
  settings.onReading?.(withMark({ format: 'slots' }, settings));
  try {
    yield* parsedSentences(eachLine(files.tokens, `${source}/seq.in`, maxLineBytes), label, category, settings);
  } finally {
    const note = cleaner.note(source);
    if (note) onNote?.(note);
    await label?.lines.return(undefined);
    await category?.lines.return(undefined);
  }
}

type SlotFile = { readonly name: string; readonly lines: AsyncGenerator<Line> } | undefined;

async function* parsedSentences(
  words: AsyncIterable<Line>,
  label: SlotFile,
  category: SlotFile,
  settings: ParseOptions,
): AsyncGenerator<Sentence> {
  const { source, cleaner } = settings;
  const normalize = normalizer(settings);
  const bad = createBadLines(settings);
  const lost = { sentences: 0, tokens: 0 };
  let count = 0;
  let last = 0;
  for await (const { text, line, fault } of words) {
    const slots = await partner(label, line);
    const intent = await partner(category, line);
    last = line;
    try {
      const wrong = [fault, slots?.fault, intent?.fault].find((each) => each !== undefined);
      if (wrong) throw wrong.error;
      const sentence = parse(cleaner.line(text, line), slots && cleaner.line(slots.text, line), line, settings);
      const name = intent && trimOuter(intent.text);
      count++;
      if (!bad.listing) yield normalize(name ? { ...sentence, category: name } : sentence);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      lost.sentences++;
      bad.take(
        error,
        line,
        [fault, slots?.fault, intent?.fault].some((each) => each?.fatal),
      );
    }
  }
  if (last === 0) throw new NoSentencesError(`${source}/seq.in: no sentences: the file is empty`);
  for (const file of [label, category]) {
    if (file && !(await file.lines.next()).done) {
      throw dataErrorAt(file.name, last + 1, `expected ${counted(last, 'line')}, like seq.in; got more`);
    }
  }
  bad.finish(lost);
  if (count === 0) throw new NoSentencesError(`${source}: no sentences: the files have only bad lines`);
}

/** The line of a parallel file. @throws DataError if the file is shorter, because later lines cannot be matched */
async function partner(file: SlotFile, line: number): Promise<Line | undefined> {
  const next = await file?.lines.next();
  if (next?.done) {
    throw dataErrorAt(file!.name, line, 'expected a line for each line of seq.in; got the end of the file');
  }
  return next?.value;
}

async function* eachLine(chunks: ByteChunks, source: string, maxLineBytes?: number): AsyncGenerator<Line> {
  for await (const { first, lines, faults } of checkedBlocks(chunks, source, maxLineBytes)) {
    for (let i = 0; i < lines.length; i++) yield { text: lines[i], line: first + i, fault: faults.get(i) };
  }
}

function parse(words: string, slots: string | undefined, line: number, settings: ParseOptions): Sentence {
  const { source, maxTokens, cleaner } = settings;
  if (isBlank(words)) throw dataErrorAt(`${source}/seq.in`, line, 'a sentence without tokens: remove the line');
  const tokens = splitColumns(words, 'spaces').map((token) => cleaner.token(token, line));
  if (tokens.length > maxTokens) {
    const message = `the sentence has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`;
    throw dataErrorAt(`${source}/seq.in`, line, message);
  }
  if (slots === undefined) return { tokens, line };
  const labels = isBlank(slots) ? [] : splitColumns(slots, 'spaces').map((label) => cleaner.label(label, line));
  if (labels.length !== tokens.length || labels.includes('')) {
    const got = labels.filter((label) => label !== '').length;
    const message = `expected one label per word of seq.in, ${tokens.length}; got ${got}: correct the line`;
    throw dataErrorAt(`${source}/seq.out`, line, message);
  }
  return { tokens, labels, line };
}
