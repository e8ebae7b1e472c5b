/**
 * Slot-filling triples, as the ATIS and SNIPS corpora are passed around: three parallel files with one sentence a line,
 * `seq.in` with the words, `seq.out` with their labels, both separated by runs of spaces, and `label` with the intent.
 */
import { DataError } from '../../../tensor/errors.js';
import type { Sentence } from '../sentence.js';
import { isBlank, splitColumns } from './detect.js';
import { lineBlocks, type ByteChunks } from './lines.js';
import { dataErrorAt, parseOptions, rejectUnused, type ParseOptions, type ReadOptions } from './options.js';
import { normalizer } from './read.js';

/** The bytes of the parallel files. */
export interface SlotChunks {
  /** `seq.in`. */
  readonly tokens: ByteChunks;
  /** `seq.out`; needed unless labels are ignored or optional. */
  readonly labels?: ByteChunks;
  /** `label`, one intent a line; becomes the `category` of each sentence. */
  readonly categories?: ByteChunks;
}

type Line = { text: string; line: number };

/**
 * Sentences of a slot-filling triple, one by one, in bounded memory.
 *
 * @throws DataError where the files have different numbers of lines, a line has different numbers of words and labels, or
 *   is empty
 */
export async function* readSlots(files: SlotChunks, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  rejectUnused('slots', options);
  const settings = parseOptions(options);
  const { source, labels, maxLineBytes } = settings;
  const normalize = normalizer(settings);
  if (labels === 'required' && !files.labels) throw new DataError(`${source}: expected seq.out beside seq.in: add it`);
  const open = (chunks: ByteChunks | undefined, name: string) =>
    chunks && { name: `${source}/${name}`, lines: eachLine(chunks, `${source}/${name}`, maxLineBytes) };
  const label = open(labels === 'ignored' ? undefined : files.labels, 'seq.out');
  const category = open(files.categories, 'label');
  const needed = async (file: typeof label, line: number) => {
    const next = await file?.lines.next();
    if (next?.done)
      throw dataErrorAt(file!.name, line, 'expected a line for each line of seq.in; got the end of the file');
    return next?.value?.text;
  };
  try {
    let last = 0;
    for await (const { text, line } of eachLine(files.tokens, `${source}/seq.in`, maxLineBytes)) {
      const sentence = parse(text, await needed(label, line), line, settings);
      const intent = (await needed(category, line))?.trim();
      yield normalize(intent ? { ...sentence, category: intent } : sentence);
      last = line;
    }
    if (last === 0) throw new DataError(`${source}/seq.in: no sentences: the file is empty`);
    for (const file of [label, category]) {
      if (file && !(await file.lines.next()).done) {
        throw dataErrorAt(file.name, last + 1, `expected ${last} lines, as many as seq.in has; got more`);
      }
    }
  } finally {
    await label?.lines.return(undefined);
    await category?.lines.return(undefined);
  }
}

async function* eachLine(chunks: ByteChunks, source: string, maxLineBytes?: number): AsyncGenerator<Line> {
  for await (const { first, lines } of lineBlocks(chunks, source, maxLineBytes)) {
    for (let i = 0; i < lines.length; i++) yield { text: lines[i], line: first + i };
  }
}

function parse(words: string, slots: string | undefined, line: number, { source, maxTokens }: ParseOptions): Sentence {
  if (isBlank(words)) throw dataErrorAt(`${source}/seq.in`, line, 'a sentence of zero tokens: remove the line');
  const tokens = splitColumns(words, 'spaces');
  if (tokens.length > maxTokens) {
    const message = `the sentence has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`;
    throw dataErrorAt(`${source}/seq.in`, line, message);
  }
  if (slots === undefined) return { tokens, line };
  const labels = isBlank(slots) ? [] : splitColumns(slots, 'spaces');
  if (labels.length !== tokens.length) {
    const message = `expected one label per word of seq.in, ${tokens.length}; got ${labels.length}: correct the line`;
    throw dataErrorAt(`${source}/seq.out`, line, message);
  }
  return { tokens, labels, line };
}
