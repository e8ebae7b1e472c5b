/**
 * A chunk of an input, from bytes to bytes: what a thread of `bptt tag` does by itself. It answers for chunks of which there is nothing to say
 * beside their labels. Any other one it refuses, and the input is read in one stream from there on: so each message, and where output ends
 * before an error, is that of one reader.
 */
import type { Cleaner } from '../labeling/data/formats/clean.js';
import { createCleaner } from '../labeling/data/formats/clean.js';
import type { ByteChunks, ReadOptions } from '../labeling/data/formats/index.js';
import { gapOf, NoSentencesError } from '../labeling/data/formats/lines.js';
import { parseOptions } from '../labeling/data/formats/options.js';
import { readParsed } from '../labeling/data/formats/read.js';
import { linesFrom } from '../labeling/data/files.node.js';
import { readText } from '../labeling/data/segment.js';
import type { SegmentOptions } from '../labeling/data/segment.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { LONGEST_RAW_SENTENCE } from '../labeling/model/entities.js';
import type { Tagger } from '../labeling/model/tagger.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { conlluFlow } from './tag-conllu.js';
import { conlluHeads } from './tag-heads.js';
import type { Counts, TagResult, TagSettings } from './tag-jobs.js';
import { answer, countsOf, TOKENS_AT_ONCE } from './tag-jobs.js';

/** How an input is read whose chunks stand for themselves. Plain data, but for what hears notes. */
export type ChunkReading =
  /** CoNLL-U, to be written with its own lines. */
  | { readonly kind: 'own'; readonly read: ReadOptions }
  | { readonly kind: 'sentences'; readonly read: ReadOptions }
  /** Raw text, or a sentence a line. */
  | { readonly kind: 'text' | 'lines'; readonly source: string; readonly cutting: SegmentOptions };

/** Some lines of the input. */
export interface ChunkJob {
  readonly kind: 'chunk';
  readonly bytes: Uint8Array;
  /** The number of the first of them. */
  readonly firstLine: number;
  /** What readers need to have seen before: the declaration of the columns of CoNLL-U Plus. */
  readonly before: Uint8Array;
}

/** Sentences of an input. @param cleaner that of the input, where a part of it was read already */
export async function* sentencesFrom(
  reading: Exclude<ChunkReading, { kind: 'own' }>,
  chunks: ByteChunks,
  cleaner?: Cleaner,
): AsyncGenerator<Sentence> {
  if (reading.kind === 'sentences') {
    yield* readParsed(chunks, { ...parseOptions(reading.read), ...(cleaner && { cleaner }) });
    return;
  }
  const { source, cutting } = reading;
  if (reading.kind === 'lines') yield* linesFrom(chunks, source, cutting);
  else {
    for await (const { tokens, line } of readText(chunks, { source, ...cutting })) {
      for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE) {
        yield { tokens: tokens.slice(i, i + LONGEST_RAW_SENTENCE), line };
      }
    }
  }
}

/** Labels a chunk. */
export async function answerChunk(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  job: ChunkJob,
): Promise<TagResult> {
  const reading = settings.reading!;
  const cleaner = createCleaner('source' in reading ? reading.source : reading.read.source);
  let hasNotes = false;
  const own = quiet(reading, () => (hasNotes = true));
  const answered = own.kind === 'own' ? ownLines(tagger, settings, own.read, job, silent(cleaner)) : written(tagger, settings, own, job, silent(cleaner)); // prettier-ignore
  try {
    const result = await answered;
    return hasNotes ? REFUSED : { ...result, changed: cleaner.changed() };
  } catch (error) {
    if (error instanceof DataError || error instanceof ArgumentError) return REFUSED;
    throw error;
  }
}

const REFUSED: TagResult = { counts: { sentences: 0, tokens: 0 }, refused: true };

/** The same reading, with notes that are not told, and an end at the first bad line. */
function quiet(reading: ChunkReading, onNote: () => void): ChunkReading {
  if (!('read' in reading)) return reading;
  return { ...reading, read: { ...reading.read, badLines: 'stop', onNote } };
}

/** The cleaner without its note: the changes of all chunks are told together. */
const silent = (cleaner: Cleaner): Cleaner => ({ ...cleaner, note: () => undefined });

/** What a reader gets before a chunk, so that lines have their numbers. */
function* lead({ before, firstLine }: ChunkJob): Generator<Uint8Array> {
  if (before.length > 0) yield before;
  yield gapOf(firstLine - 1 - (before.length > 0 ? DECLARATION_LINES : 0));
}

/** How many lines `before` has, where it has any: the declaration and a blank one. */
export const DECLARATION_LINES = 2;

async function written(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  reading: Exclude<ChunkReading, { kind: 'own' }>,
  job: ChunkJob,
  cleaner: Cleaner,
): Promise<TagResult> {
  const texts: string[] = [];
  let spelled = 0;
  const counts = await inGroups(sentencesFrom(reading, [...lead(job), job.bytes], cleaner), (sentences) => {
    const said = answer(tagger, settings, { kind: 'write', sentences });
    texts.push(said.text!);
    spelled += said.spelled!;
  });
  return { bytes: new TextEncoder().encode(texts.join('')), spelled, counts };
}

async function ownLines(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  read: ReadOptions,
  job: ChunkJob,
  cleaner: Cleaner,
): Promise<TagResult> {
  const heads = conlluHeads(tagger.model, settings.columns);
  const { bytes, firstLine } = job;
  const before = { chunks: [...lead(job)], firstLine, lasting: bytes.length + (bytes.length >> 4) };
  const flow = conlluFlow([bytes], read, heads, before, cleaner);
  const parts: Uint8Array[] = [];
  const counts = await inGroups(flow.sentences, (sentences) => {
    parts.push(flow.write(sentences, tagger.tag(sentences.map(({ tokens }) => tokens)))); // prettier-ignore
  });
  parts.push(flow.end());
  return { bytes: oneBuffer(parts), counts, spelled: 0 };
}

/** Bytes from which on no buffer is shared: those of Node's pool are smaller (`Buffer.poolSize`). */
const LARGE = 1 << 16;

/** In a buffer of its own, which can be handed over. */
function oneBuffer(parts: readonly Uint8Array[]): Uint8Array {
  const filled = parts.filter(({ length }) => length > 0);
  if (filled.length === 1 && filled[0].buffer.byteLength >= LARGE) return filled[0];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

/** Hands over sentences as they are labeled, many at once. @returns how many there are; none is allowed here */
async function inGroups(
  sentences: AsyncIterable<Sentence>,
  take: (group: readonly Sentence[]) => void,
): Promise<Counts> {
  const sum = { sentences: 0, tokens: 0 };
  let [group, size]: [Sentence[], number] = [[], 0];
  const flush = (): void => {
    if (group.length === 0) return;
    const counts = countsOf(group.map(({ tokens }) => tokens));
    sum.sentences += counts.sentences;
    sum.tokens += counts.tokens;
    take(group);
    [group, size] = [[], 0];
  };
  try {
    for await (const sentence of sentences) {
      group.push(sentence);
      size += Math.max(sentence.tokens.length, 1);
      if (size >= TOKENS_AT_ONCE) flush();
    }
  } catch (error) {
    if (!(error instanceof NoSentencesError)) throw error; // who counts all chunks knows whether that is one
  }
  flush();
  return sum;
}
