/**
 * `bptt tag --output conllu` of CoNLL-U: the bytes of the input, with the labels of the model in their columns and everything
 * else unchanged, including comments, ranges, empty nodes, other columns, line ends and blank lines.
 */
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import type { Cleaner } from '../../labeling/data/formats/clean.js';
import { CONLLU_COLUMNS } from '../../labeling/data/formats/index.js';
import { parseOptions } from '../../labeling/data/formats/options.js';
import { readParsed } from '../../labeling/data/formats/read.js';
import { declaredColumns, isBlank } from '../../labeling/data/formats/detect.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { Prediction } from '../../labeling/model/predict.js';
import type { ConlluHead } from './conllu-write.js';
import { blockWriter, keptLines } from './conllu-write.js';

/** Maximum number of bytes searched for the first line that is neither blank nor a comment. */
const MOST_PEEKED = 1 << 20;

/** An input whose start has been inspected. */
export interface Peeked {
  readonly conllu: boolean;
  /** All of its bytes. */
  readonly chunks: ByteChunks;
}

/**
 * Whether an input is CoNLL-U: its first line that is neither blank nor a comment has as many columns as CoNLL-U has, separated
 * by tabs, and a number or a range in the first; or a first line declares the columns of CoNLL-U Plus. No more than necessary is
 * read.
 */
export async function peekConllu(input: ByteChunks): Promise<Peeked> {
  const iterator = (async function* () {
    yield* input;
  })();
  const head: Uint8Array[] = [];
  let [text, verdict, ended]: [string, boolean | undefined, boolean] = ['', undefined, false];
  while (verdict === undefined && !ended && text.length < MOST_PEEKED) {
    const next = await iterator.next();
    ended = next.done === true;
    if (next.value) head.push(next.value);
    text = Buffer.concat(head).toString('latin1');
    verdict = looksLikeConllu(text, ended);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* head;
      yield* iterator;
    } finally {
      await iterator.return(undefined);
    }
  }
  return { conllu: verdict ?? false, chunks: all() };
}

/** Undefined if more must be read. */
function looksLikeConllu(text: string, ended: boolean): boolean | undefined {
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split('\n');
  for (const line of ended ? lines : lines.slice(0, -1)) {
    if (declaredColumns(line)) return true;
    if (isBlank(line) || line.startsWith('#')) continue;
    const cells = line.split('\t');
    return cells.length === CONLLU_COLUMNS.length && /^\d+([-.]\d+)?$/.test(cells[0]);
  }
  return undefined;
}

/** CoNLL-U sentences, and a function that writes them with new labels. */
export interface ConlluFlow {
  readonly sentences: AsyncIterable<Sentence>;
  /** The bytes of sentences, including everything between them. */
  write(group: readonly Sentence[], predictions: readonly Prediction[]): Uint8Array;
  /** The bytes after the last sentence. */
  end(): Uint8Array;
}

/** The input before a piece of a file, only for the reader, and the number of the first line of the piece. */
export interface BeforePiece {
  readonly chunks: ByteChunks;
  readonly firstLine: number;
  /** Size of the piece in bytes, if these remain unchanged and are written at once. */
  readonly lasting?: number;
}

/**
 * @param heads heads that label tokens; a label of the whole sentence becomes a comment `# label = …` before it
 * @param before input that is read first but not written: its sentences are also yielded, and must be skipped
 * @param cleaner that of the input, if part of it has already been read
 */
export function conlluFlow(
  input: ByteChunks,
  options: ReadOptions,
  heads: readonly ConlluHead[],
  before: BeforePiece = { chunks: [], firstLine: 1 },
  cleaner?: Cleaner,
): ConlluFlow {
  const kept = keptLines(input, before.lasting !== undefined);
  const { write, end } = blockWriter(kept, heads, options, before.firstLine, before.lasting);
  const read = { ...options, labels: 'ignored', format: 'conllu', tokenLines: true, keepLines: true } as const;
  const settings = parseOptions(read);
  const sentences = readParsed(chained(before.chunks, kept.chunks), { ...settings, ...(cleaner && { cleaner }) });
  return { sentences, write, end };
}

/** Chunks, one after another. */
export async function* chained(...parts: ByteChunks[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part as AsyncIterable<Uint8Array>;
}
