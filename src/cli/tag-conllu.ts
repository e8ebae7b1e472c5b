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

/** Lines as they pass by, kept until they are written. Text is bytes: one character each. */
interface KeptLines {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Goes to the next line: in `text`, from `begin` to `end`, its own end included. @returns false where none is kept */
  next(): boolean;
  readonly line: { text: string; block: number; begin: number; end: number };
}

function keptLines(input: ByteChunks): KeptLines {
  const blocks: string[] = []; // of whole lines; the last one of an input may lack its end
  const line = { text: '', block: 0, begin: 0, end: 0 };
  let rest = '';
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      if (end > 0) {
        blocks.push(rest + text.slice(0, end));
        rest = '';
      }
      rest += text.slice(end);
      yield chunk;
    }
    if (rest !== '') blocks.push(rest);
    rest = '';
  }
  function next(): boolean {
    if (line.end === line.text.length) {
      const text = blocks.shift();
      if (text === undefined) return false;
      [line.text, line.end] = [text, 0];
      line.block++;
    }
    const end = line.text.indexOf('\n', line.end) + 1;
    [line.begin, line.end] = [line.end, end === 0 ? line.text.length : end];
    return true;
  }
  return { chunks: chunks(), next, line };
}

/** Whether a kept line separates sentences, as readers see it. */
function isBlankLine({ text, begin, end }: KeptLines['line']): boolean {
  if (text.charCodeAt(begin) < 0x80) return isBlank(text.slice(begin, Math.min(end, begin + 8))) && isBlank(text.slice(begin, end)); // prettier-ignore
  return isBlank(Buffer.from(text.slice(begin, end), 'latin1').toString('utf8'));
}

/** Where a line ends without its line end. */
function rowEnd({ text, begin, end }: KeptLines['line']): number {
  let at = end;
  while (at > begin && (text.charCodeAt(at - 1) === 0x0a || text.charCodeAt(at - 1) === 0x0d)) at--;
  return at;
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
  const writeBlock = blockWriter(kept, heads, options, before.firstLine);

  return {
    sentences: readSentences(chained(before.chunks, kept.chunks), { ...options, labels: 'ignored', format: 'conllu', tokenLines: true, keepLines: true }), // prettier-ignore
    write(group, predictions) {
      const out: string[] = [];
      group.forEach((sentence, i) => writeBlock(out, sentence, predictions[i]));
      return Buffer.from(out.join(''), 'latin1');
    },
    end() {
      const rest: string[] = [];
      const { line } = kept;
      while (kept.next()) if (!skips || line.text[line.begin] === '#' || isBlankLine(line)) rest.push(line.text.slice(line.begin, line.end)); // prettier-ignore
      return Buffer.from(rest.join(''), 'latin1');
    },
  };
}

/** Writes sentence after sentence, with what stands before each. @param firstLine number of the first line that is kept */
function blockWriter(kept: KeptLines, heads: readonly ConlluHead[], options: ReadOptions, firstLine: number) {
  const skips = options.badLines === 'skip';
  const cells = labelCells();
  let number = firstLine - 1;
  let columns: readonly Column[] | undefined;

  function writeBlock(out: string[], sentence: Sentence, prediction: Prediction): void {
    const lines = sentence.lines!;
    columns ??= columnsOf(heads, sentence.conllu!.columns, options);
    const labels = columns.map(({ head }) => head.labels(prediction));
    const { line } = kept;
    const block = { begin: out.length, isOther: false, lineEnd: '' }; // what follows the last blank line
    let [t, from, text, copying] = [0, line.end, line.text, line.block]; // what is to be copied begins at `from` of `text`
    let isFirst = true;
    while (kept.next()) {
      number++;
      if (line.block !== copying) {
        out.push(text.slice(from));
        [from, text, copying] = [line.begin, line.text, line.block];
      }
      if (isFirst) block.lineEnd = text.slice(rowEnd(line), line.end);
      isFirst = false;
      if (number === lines[t]) {
        const said = labels.map((each) => cells(each[t]));
        from = writeCells(out, line, from, columns, said);
        t++;
      } else if (isBlankLine(line)) {
        out.push(text.slice(from, line.end));
        from = line.end;
        if (t === lines.length) break;
        if (skips && block.isOther) out.length = block.begin;
        [block.begin, block.isOther, isFirst] = [out.length, false, true];
      } else block.isOther ||= text[line.begin] !== '#';
    }
    if (from < line.end) out.push(text.slice(from, line.end));
    if (prediction.category !== undefined) addComment(out, block.begin, prediction.category, block.lineEnd);
  }

  return writeBlock;
}

/** A column that is written, counted from 0. */
interface Column {
  readonly place: number;
  readonly head: ConlluHead;
}

/** Writes what is to be copied up to each cell that is new, and that cell. @returns where copying goes on */
function writeCells(
  out: string[],
  line: KeptLines['line'],
  from: number,
  columns: readonly Column[],
  labels: readonly string[],
): number {
  const { text } = line;
  const last = rowEnd(line);
  let [at, column, copied] = [line.begin, 0, from];
  columns.forEach(({ place }, h) => {
    for (; column < place; column++) at = text.indexOf('\t', at) + 1;
    const tab = text.indexOf('\t', at);
    out.push(text.slice(copied, at), labels[h]);
    copied = tab < 0 || tab > last ? last : tab;
  });
  return copied;
}

/** A function that gives labels as they stand in a column, as bytes. */
function labelCells(): (label: string) => string {
  const known = new Map<string, string>();
  return (label) => {
    let found = known.get(label);
    if (found === undefined) known.set(label, (found = bytesOf(cell(label))));
    return found;
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

function addComment(out: string[], at: number, label: string, lineEnd: string): void {
  const mark = out[at].startsWith(MARK) ? MARK : '';
  out[at] = `${mark}# label = ${bytesOf(cell(label))}${lineEnd || '\n'}${out[at].slice(mark.length)}`;
}

/** @throws ArgumentError where the file has no such column, it counts or holds the words, or two heads have one */
function columnsOf(
  heads: readonly ConlluHead[],
  names: readonly string[],
  { tokenColumn, like }: ReadOptions,
): Column[] {
  const own = like?.format === 'conllu' ? like.tokenColumn : undefined;
  const words = columnIndex(tokenColumn ?? own ?? 'form', names, names.length, 'tokenColumn');
  const places = heads.map(({ column }) => columnIndex(column, names, names.length));
  const wrong = places.find((place) => place === words || names[place] === 'id');
  if (wrong !== undefined)
    throw new ArgumentError(`--column ${names[wrong]} counts or holds the words: choose another one`);
  if (new Set(places).size === places.length) {
    return heads.map((head, h) => ({ place: places[h], head })).sort((a, b) => a.place - b.place);
  }
  throw new ArgumentError('--column names one column twice: name one for each head of the model');
}
