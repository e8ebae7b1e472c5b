/**
 * The reader: bytes in, sentences out, one by one, so that a file of any size is read in bounded memory.
 *
 * Nothing here opens a file: the chunks may come from Node, from a browser's Blob or from an array.
 */
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import type { Sentence } from '../sentence.js';
import type { LineParser } from './collect.js';
import { createConllParser, createTwoColumnParser } from './conll.js';
import { createConlluParser } from './conllu.js';
import { detectFormat, detectLayout, isBlank } from './detect.js';
import { createJsonlParser } from './jsonl.js';
import { lineBlocks, type ByteChunks, type LineBlock } from './lines.js';
import { FORMATS, parseOptions, rejectUnused, type ParseOptions, type ReadOptions } from './options.js';

/** Lines, blank ones aside, that are looked at before the format, or the columns of `conll`, are judged. */
const HEAD_LINES = 200;

/**
 * Sentences of a stream of bytes.
 *
 * @throws DataError where the input is not what its format demands, naming source and line; where it has no sentence;
 *   where its format cannot be told
 * @throws ArgumentError on an option that does not fit the format; `slots` is read by {@link readSlots}
 */
export async function* readSentences(chunks: ByteChunks, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  const settings = parseOptions(options);
  const normalize = normalizer(settings);
  const blocks = lineBlocks(chunks, settings.source, settings.maxLineBytes);
  // Whoever stops early, by an error or a `break`, closes the input: also while its first lines are being looked at.
  try {
    const judged = settings.format === undefined || settings.format === 'conll';
    const head = await firstBlocks(blocks, judged ? HEAD_LINES : 1);
    const parser = parserFor(
      head.flatMap((block) => block.lines),
      settings,
    );
    let count = 0;
    for await (const { first, lines } of chain(head, blocks)) {
      for (let i = 0; i < lines.length; i++) {
        const sentence = parser.push(lines[i], first + i);
        if (!sentence) continue;
        count++;
        yield normalize(sentence);
      }
    }
    const last = parser.end();
    if (last) yield normalize(last);
    else if (count === 0) {
      throw new DataError(`${settings.source}: no sentences: the input has comments or blank lines only`);
    }
  } finally {
    await blocks.return(undefined);
  }
}

/** The function that brings the tokens of a sentence into the normal form asked for. */
export function normalizer({ normalize = 'none' }: ReadOptions): (sentence: Sentence) => Sentence {
  if (normalize === 'none') return (sentence) => sentence;
  return (sentence) => ({ ...sentence, tokens: sentence.tokens.map((token) => token.normalize(normalize)) });
}

/**
 * Blocks up to the one that completes a head of so many lines; blocks that are blank are dropped, so that they take no
 * memory.
 */
async function firstBlocks(blocks: AsyncGenerator<LineBlock>, lines: number): Promise<LineBlock[]> {
  const head: LineBlock[] = [];
  for (let seen = 0; seen < lines;) {
    const next = await blocks.next();
    if (next.done) break;
    seen += next.value.lines.filter((line) => !isBlank(line)).length;
    if (seen > 0) head.push(next.value);
  }
  return head;
}

async function* chain(head: LineBlock[], rest: AsyncIterable<LineBlock>): AsyncGenerator<LineBlock> {
  while (head.length > 0) yield head.shift()!;
  yield* rest;
}

function parserFor(head: readonly string[], options: ParseOptions): LineParser {
  const { source } = options;
  if (head.length === 0) throw new DataError(`${source}: no sentences: the input is empty`);
  const format = options.format ?? detectFormat(head);
  if (format === undefined) {
    const message = `${source}: cannot tell the format from the first ${head.length} lines`;
    throw new DataError(`${message}: name one of ${FORMATS.join(', ')}`);
  }
  rejectUnused(format, options);
  switch (format) {
    case 'conllu':
      return createConlluParser(options);
    case 'conll':
      return createConllParser(options, detectLayout(head));
    case 'two-column':
      return createTwoColumnParser(options);
    case 'jsonl':
      return createJsonlParser(options);
    case 'slots':
      throw new ArgumentError('the format slots is three files, not one stream: use readSlots, or give the folder');
  }
}
