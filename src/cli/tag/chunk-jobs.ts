/**
 * Labels a chunk of an input, from bytes to bytes, within one thread of `bptt tag`. It handles only chunks that produce no
 * messages. It rejects any other chunk, and the rest of the input is then read as one stream. Every message, and the point where
 * output ends before an error, is therefore the same as for a single reader.
 */
import type { Cleaner } from '../../labeling/data/formats/clean.js';
import { createCleaner } from '../../labeling/data/formats/clean.js';
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import { gapOf, NoSentencesError } from '../../labeling/data/formats/lines.js';
import { parseOptions } from '../../labeling/data/formats/options.js';
import { readParsed } from '../../labeling/data/formats/read.js';
import { linesFrom } from '../../labeling/data/files.node.js';
import { readText } from '../../labeling/data/segment.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { LONGEST_RAW_SENTENCE } from '../../labeling/model/entities.js';
import type { Tagger } from '../../labeling/model/tagger.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import { conlluFlow } from './conllu.js';
import { conlluHeads } from './heads.js';
import type { Counts, TagResult, TagSettings } from './jobs.js';
import { answer, countsOf, TOKENS_AT_ONCE } from './jobs.js';
import type { SpanReading } from './spans.js';
import { spanLines } from './spans.js';

/** How an input with independent chunks is read. Plain data, except for the listener for notes. */
export type ChunkReading =
  /** CoNLL-U, to be written with its original lines. */
  | { readonly kind: 'own'; readonly read: ReadOptions }
  | { readonly kind: 'sentences'; readonly read: ReadOptions }
  /** Raw text, or one sentence per line. */
  | { readonly kind: 'text' | 'lines'; readonly source: string; readonly cutting: SegmentOptions }
  /** Any of these, for the output spans. */
  | ({ readonly kind: 'spans' } & SpanReading);

/** A reading of sentences that are written one by one. */
export type SentenceReading = Exclude<ChunkReading, { kind: 'own' | 'spans' }>;

/** Some lines of the input. */
export interface ChunkJob {
  readonly kind: 'chunk';
  readonly bytes: Uint8Array;
  /** Number of the first line. */
  readonly firstLine: number;
  /** Input that readers need first: the declaration of the columns of CoNLL-U Plus. */
  readonly before: Uint8Array;
}

/** Sentences of an input. @param cleaner that of the input, if part of it has already been read */
export async function* sentencesFrom(
  reading: SentenceReading,
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
  try {
    const result = await answerOf(tagger, settings, own, job, silent(cleaner));
    return hasNotes ? REFUSED : { ...result, changed: cleaner.changed() };
  } catch (error) {
    if (error instanceof DataError || error instanceof ArgumentError) return REFUSED;
    throw error;
  }
}

function answerOf(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  reading: ChunkReading,
  job: ChunkJob,
  cleaner: Cleaner,
): Promise<TagResult> {
  if (reading.kind === 'own') return ownLines(tagger, settings, reading.read, job, cleaner);
  if (reading.kind === 'spans') return spans(tagger, settings, reading, job, cleaner);
  return written(tagger, settings, reading, job, cleaner);
}

const REFUSED: TagResult = { counts: { sentences: 0, tokens: 0 }, refused: true };

/** The same reading, with notes suppressed, stopping at the first bad line. */
function quiet(reading: ChunkReading, onNote: () => void): ChunkReading {
  if (!('read' in reading) || reading.read === undefined) return reading;
  return { ...reading, read: { ...reading.read, badLines: 'stop', onNote } } as ChunkReading;
}

/** The cleaner without its note: the changes of all chunks are reported together. */
const silent = (cleaner: Cleaner): Cleaner => ({ ...cleaner, note: () => undefined });

/** Input for a reader before a chunk, so that line numbers are right. */
function* lead({ before, firstLine }: ChunkJob): Generator<Uint8Array> {
  if (before.length > 0) yield before;
  yield gapOf(firstLine - 1 - (before.length > 0 ? DECLARATION_LINES : 0));
}

/** Number of lines in `before`, if it is not empty: the declaration and a blank line. */
export const DECLARATION_LINES = 2;

async function written(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  reading: SentenceReading,
  job: ChunkJob,
  cleaner: Cleaner,
): Promise<TagResult> {
  const texts: string[] = [];
  let spelled = 0;
  const counts = await inGroups(sentencesFrom(reading, [...lead(job), job.bytes], cleaner), (sentences) => {
    const said = answer(tagger, settings, { kind: 'write', sentences });
    texts.push(said.text!);
    spelled += said.spelled!;
    return said.counts;
  });
  return { bytes: new TextEncoder().encode(texts.join('')), spelled, counts };
}

async function spans(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  reading: SpanReading,
  job: ChunkJob,
  cleaner: Cleaner,
): Promise<TagResult> {
  const texts: string[] = [];
  let numbered = 0;
  const read = spanLines(tagger.model, reading, [...lead(job), job.bytes], cleaner);
  const counts = await inGroups(read, (lines) => {
    const said = answer(tagger, settings, { kind: 'spans', lines, before: numbered, marked: true });
    texts.push(said.text!);
    for (const { sentences } of lines) numbered += sentences.length;
    return said.counts;
  });
  return { bytes: new TextEncoder().encode(texts.join('')), spelled: 0, numbered, counts };
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
    const tokens = sentences.map((sentence) => sentence.tokens);
    parts.push(flow.write(sentences, tagger.tag(tokens)));
    return countsOf(tokens);
  });
  parts.push(flow.end());
  return { bytes: oneBuffer(parts), counts, spelled: 0 };
}

/** Size in bytes above which no buffer is shared: buffers from Node's pool are smaller (`Buffer.poolSize`). */
const LARGE = 1 << 16;

/** Copies into a separate buffer, which can be transferred. */
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

/**
 * Passes on sentences, or lines, as they are labeled, many at once. An input without sentences is allowed here.
 *
 * @param take labels a group, and returns its counts
 * @returns their sums
 */
async function inGroups<S extends Pick<Sentence, 'tokens'>>(
  sentences: AsyncIterable<S>,
  take: (group: readonly S[]) => Counts,
): Promise<Counts> {
  const sum = { sentences: 0, tokens: 0 };
  let [group, size]: [S[], number] = [[], 0];
  const flush = (): void => {
    if (group.length === 0) return;
    const counts = take(group);
    sum.sentences += counts.sentences;
    sum.tokens += counts.tokens;
    [group, size] = [[], 0];
  };
  try {
    for await (const sentence of sentences) {
      group.push(sentence);
      size += Math.max(sentence.tokens.length, 1);
      if (size >= TOKENS_AT_ONCE) flush();
    }
  } catch (error) {
    if (!(error instanceof NoSentencesError)) throw error; // the code that counts all chunks decides whether that is an error
  }
  flush();
  return sum;
}
