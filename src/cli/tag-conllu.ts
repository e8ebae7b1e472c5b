/**
 * `bptt tag --output conllu` of CoNLL-U: the bytes of the input, with the labels of the model in their columns and nothing else changed.
 * Comments, ranges, empty nodes, other columns, line ends and blank lines are those of the file.
 */
import type { ByteChunks, ReadOptions } from '../labeling/data/formats/index.js';
import { CONLLU_COLUMNS, readSentences } from '../labeling/data/formats/index.js';
import { declaredColumns, isBlank } from '../labeling/data/formats/detect.js';
import { columnIndex } from '../labeling/data/formats/options.js';
import { cell } from '../labeling/data/formats/write.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Prediction } from '../labeling/model/predict.js';
import { ArgumentError } from '../tensor/index.js';

/** Bytes looked at, at most, for the first line that is neither blank nor a comment. */
const MOST_PEEKED = 1 << 20;

/** An input whose begin was looked at. */
export interface Peeked {
  readonly conllu: boolean;
  /** All of its bytes. */
  readonly chunks: ByteChunks;
}

/**
 * Whether an input is CoNLL-U: its first line that is neither blank nor a comment has as many columns as CoNLL-U has, separated by tabs, and a
 * number or a range in the first; or a first line declares the columns of CoNLL-U Plus. No more is read than that takes.
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

/** Undefined where more must be read. */
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

/** The lines of an input as they pass by, each with its end, kept until they are written. Text is bytes: one character each. */
function keptLines(input: ByteChunks) {
  let lines: string[] = [];
  let [next, rest] = [0, ''];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      const parts = (rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')).split('\n');
      rest = parts.pop()!;
      lines = [...lines.slice(next), ...parts.map((part) => `${part}\n`)];
      next = 0;
      yield chunk;
    }
    if (rest !== '') lines.push(rest);
    rest = '';
  }
  return { chunks: chunks(), take: (): string | undefined => lines[next++] };
}

/** What a head says, and the column it says it in. */
export interface ConlluHead {
  readonly column: string;
  readonly labels: (prediction: Prediction) => readonly string[];
}

/** Sentences of CoNLL-U, and a function that writes them with new labels. */
export interface ConlluFlow {
  readonly sentences: AsyncIterable<Sentence>;
  /** The bytes of sentences, with what stands between them. */
  write(group: readonly Sentence[], predictions: readonly Prediction[]): Uint8Array;
  /** What stands behind the last sentence. */
  end(): Uint8Array;
}

/** What is before a piece of a file, for the reader alone, and the number of the first line of the piece. */
export interface BeforePiece {
  readonly chunks: ByteChunks;
  readonly firstLine: number;
}

/**
 * @param heads about tokens; a label of the whole sentence becomes a comment `# label = …` in front of it
 * @param before what is read first, and not written: its sentences are given too, and must be left out
 */
export function conlluFlow(
  input: ByteChunks,
  options: ReadOptions,
  heads: readonly ConlluHead[],
  before: BeforePiece = { chunks: [], firstLine: 1 },
): ConlluFlow {
  const kept = keptLines(input);
  const skips = options.badLines === 'skip';
  let number = before.firstLine - 1;
  let places: readonly number[] | undefined;

  function blockOf(sentence: Sentence, prediction: Prediction): string {
    const lines = sentence.lines!;
    places ??= placesOf(heads, sentence.conllu!.columns, options);
    const words = new Map(lines.map((line, t) => [line, t]));
    const block: string[] = [];
    let begin = 0; // of the lines since the last blank one
    for (let line = kept.take(); line !== undefined; line = kept.take()) {
      number++;
      const t = words.get(number);
      block.push(t === undefined ? line : withCells(line, t, prediction));
      if (!isBlank(line)) continue;
      if (number > lines.at(-1)!) break;
      if (skips && block.slice(begin).some((each) => !each.startsWith('#') && !isBlank(each))) block.length = begin;
      begin = block.length;
    }
    if (prediction.category !== undefined) addComment(block, begin, prediction.category);
    return block.join('');
  }

  function withCells(line: string, t: number, prediction: Prediction): string {
    const [, row, end] = /^(.*?)([\r\n]*)$/s.exec(line)!;
    const cells = row.split('\t');
    heads.forEach(({ labels }, h) => (cells[places![h]] = bytesOf(cell(labels(prediction)[t]))));
    return cells.join('\t') + end;
  }

  return {
    sentences: readSentences(chained(before.chunks, kept.chunks), { ...options, labels: 'ignored', format: 'conllu', tokenLines: true, keepLines: true }), // prettier-ignore
    write: (group, predictions) => Buffer.from(group.map((sentence, i) => blockOf(sentence, predictions[i])).join(''), 'latin1'), // prettier-ignore
    end() {
      const rest: string[] = [];
      for (let line = kept.take(); line !== undefined; line = kept.take()) rest.push(line);
      return Buffer.from(rest.filter((line) => !skips || line.startsWith('#') || isBlank(line)).join(''), 'latin1');
    },
  };
}

/** Chunks one after the other. */
export async function* chained(...parts: ByteChunks[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* part as AsyncIterable<Uint8Array>;
}

/** Text as its bytes in UTF-8, one character each. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const MARK = '\u00ef\u00bb\u00bf';

function addComment(block: string[], at: number, label: string): void {
  const end = /[\r\n]*$/.exec(block[at])![0] || '\n';
  const mark = block[at].startsWith(MARK) ? MARK : '';
  block[at] = `${mark}# label = ${bytesOf(cell(label))}${end}${block[at].slice(mark.length)}`;
}

/** @throws ArgumentError where the file has no such column, it counts or holds the words, or two heads have one */
function placesOf(
  heads: readonly ConlluHead[],
  names: readonly string[],
  { tokenColumn, like }: ReadOptions,
): number[] {
  const own = like?.format === 'conllu' ? like.tokenColumn : undefined;
  const words = columnIndex(tokenColumn ?? own ?? 'form', names, names.length, 'tokenColumn');
  const places = heads.map(({ column }) => columnIndex(column, names, names.length));
  const wrong = places.find((place) => place === words || names[place] === 'id');
  if (wrong !== undefined)
    throw new ArgumentError(`--column ${names[wrong]} counts or holds the words: choose another one`);
  if (new Set(places).size === places.length) return places;
  throw new ArgumentError('--column names one column twice: name one for each head of the model');
}
