/**
 * CoNLL-U written as it was read, with new cells: bytes of the input are copied up to each cell that is new. No text is made of them, so a
 * word costs a pass over its line.
 */
import type { ByteChunks, ReadOptions } from '../labeling/data/formats/index.js';
import { isBlank } from '../labeling/data/formats/detect.js';
import { columnIndex } from '../labeling/data/formats/options.js';
import { cell } from '../labeling/data/formats/write.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Prediction } from '../labeling/model/predict.js';
import { ArgumentError } from '../tensor/index.js';

const [TAB, LINE_FEED, RETURN, HASH] = [0x09, 0x0a, 0x0d, 0x23];

/** Lines as they pass by, kept until they are written. */
export interface KeptLines {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Goes to the next line: in `bytes`, from `begin` to `end`, its own end included. @returns false if none is kept */
  next(): boolean;
  readonly line: Line;
}

interface Line {
  bytes: Buffer;
  /** How many buffers came before. */
  block: number;
  begin: number;
  end: number;
}

/** Keeps the lines of an input. @param lasting whether its chunks stay as they are: they are not copied then */
export function keptLines(input: ByteChunks, lasting = false): KeptLines {
  const blocks: Buffer[] = []; // of whole lines; the last one of an input may lack its end
  const line: Line = { bytes: Buffer.alloc(0), block: 0, begin: 0, end: 0 };
  let rest: Uint8Array[] = [];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      const end = chunk.lastIndexOf(LINE_FEED) + 1;
      if (end > 0) {
        const whole = chunk.subarray(0, end);
        const { buffer, byteOffset, length } = whole;
        const stays = lasting && rest.length === 0;
        blocks.push(stays ? Buffer.from(buffer, byteOffset, length) : Buffer.concat([...rest, whole])); // a copy of what is the input's own
        rest = [];
      }
      if (end < chunk.length) rest.push(chunk.slice(end));
      yield chunk;
    }
    if (rest.length > 0) blocks.push(Buffer.concat(rest));
    rest = [];
  }
  function next(): boolean {
    if (line.end === line.bytes.length) {
      const bytes = blocks.shift();
      if (bytes === undefined) return false;
      [line.bytes, line.end] = [bytes, 0];
      line.block++;
    }
    const end = line.bytes.indexOf(LINE_FEED, line.end) + 1;
    line.begin = line.end;
    line.end = end === 0 ? line.bytes.length : end;
    return true;
  }
  return { chunks: chunks(), next, line };
}

/** Whether a kept line separates sentences, as readers see it. */
function isBlankLine({ bytes, begin, end }: Line): boolean {
  for (let at = begin; at < end; at++) {
    const byte = bytes[at];
    if (byte >= 0x80) return isBlank(bytes.toString('utf8', begin, end));
    if (byte > 0x20 || (byte !== 0x20 && (byte < TAB || byte > RETURN))) return false;
  }
  return true;
}

/** Where a line ends without its line end. */
function rowEnd({ bytes, begin, end }: Line): number {
  let at = end;
  while (at > begin && (bytes[at - 1] === LINE_FEED || bytes[at - 1] === RETURN)) at--;
  return at;
}

/** What a head says, and the column it says it in. */
export interface ConlluHead {
  readonly column: string;
  readonly labels: (prediction: Prediction) => readonly string[];
}

/** Bytes one behind the other, in a buffer that grows. */
interface Output {
  bytes: Buffer;
  length: number;
}

function append(out: Output, from: Uint8Array, begin: number, end: number): void {
  const { length } = out;
  if (length + end - begin > out.bytes.length) {
    const larger = Buffer.allocUnsafe(2 * (length + end - begin));
    out.bytes.copy(larger, 0, 0, length);
    out.bytes = larger;
  }
  const { bytes } = out;
  // A loop: for the length of a line, a call of `copy` takes longer.
  for (let at = begin, to = length; at < end; at++, to++) bytes[to] = from[at];
  out.length = length + end - begin;
}

/** Writes the lines that are kept, with new labels. */
export interface BlockWriter {
  /** The bytes of sentences, with what stands between them. */
  write(group: readonly Sentence[], predictions: readonly Prediction[]): Uint8Array;
  /** What stands behind the last sentence. */
  end(): Uint8Array;
}

/** What is written to which columns, and how far that is. */
interface Writing {
  readonly kept: KeptLines;
  readonly cells: (label: string) => Uint8Array;
  /** Whether sentences with a bad line are left out. */
  readonly skips: boolean;
  /** The columns, from the names that stand with the first sentence. */
  readonly columnsOf: (names: readonly string[]) => readonly Column[];
  columns?: readonly Column[];
  /** Number of the last line that was written. */
  number: number;
}

/**
 * Makes a writer.
 *
 * @param heads about tokens; a label of the whole sentence becomes a comment `# label = …` in front of it
 * @param firstLine number of the first line that is kept
 * @param bytes of an output, about
 */
export function blockWriter(
  kept: KeptLines,
  heads: readonly ConlluHead[],
  options: ReadOptions,
  firstLine: number,
  bytes = 0,
): BlockWriter {
  const skips = options.badLines === 'skip';
  const writing: Writing = {
    kept,
    cells: labelCells(),
    skips,
    columnsOf: (names) => columnsOf(heads, names, options),
    number: firstLine - 1,
  };
  let size = Math.max(1 << 16, bytes); // of an output, about
  return {
    write(group, predictions) {
      const out: Output = { bytes: Buffer.allocUnsafe(size), length: 0 };
      group.forEach((sentence, i) => writeBlock(writing, out, sentence, predictions[i]));
      size = Math.max(size, out.bytes.length);
      return out.bytes.subarray(0, out.length);
    },
    end() {
      const out: Output = { bytes: Buffer.alloc(0), length: 0 };
      const { line } = kept;
      while (kept.next()) {
        if (!skips || line.bytes[line.begin] === HASH || isBlankLine(line)) append(out, line.bytes, line.begin, line.end); // prettier-ignore
      }
      return out.bytes.subarray(0, out.length);
    },
  };
}

/** Writes a sentence, with what stands before it. */
function writeBlock(writing: Writing, out: Output, sentence: Sentence, prediction: Prediction): void {
  const { kept, cells, skips } = writing;
  const lines = sentence.lines!;
  const columns = (writing.columns ??= writing.columnsOf(sentence.conllu!.columns));
  const labels = columns.map(({ head }) => head.labels(prediction));
  const { line } = kept;
  const block = { begin: out.length, isOther: false, lineEnd: '' }; // what follows the last blank line
  let [t, from, bytes, copying] = [0, line.end, line.bytes, line.block]; // what is to be copied begins at `from` of `bytes`
  let isFirst = true;
  while (kept.next()) {
    writing.number++;
    if (line.block !== copying) {
      append(out, bytes, from, bytes.length);
      [from, bytes, copying] = [line.begin, line.bytes, line.block];
    }
    if (isFirst) block.lineEnd = bytes.toString('latin1', rowEnd(line), line.end);
    isFirst = false;
    if (writing.number === lines[t]) {
      from = writeCells(out, line, from, columns, labels, t, cells);
      t++;
    } else if (isBlankLine(line)) {
      append(out, bytes, from, line.end);
      from = line.end;
      if (t === lines.length) break;
      if (skips && block.isOther) out.length = block.begin;
      [block.begin, block.isOther, isFirst] = [out.length, false, true];
    } else block.isOther ||= bytes[line.begin] !== HASH;
  }
  append(out, bytes, from, line.end);
  if (prediction.category !== undefined) addComment(out, block.begin, prediction.category, block.lineEnd);
}

/** A column that is written, counted from 0. */
interface Column {
  readonly place: number;
  readonly head: ConlluHead;
}

/** Writes what is to be copied up to each cell that is new, and that cell: the labels of token t. @returns where copying goes on */
function writeCells(
  out: Output,
  line: Line,
  from: number,
  columns: readonly Column[],
  labels: readonly (readonly string[])[],
  t: number,
  cells: (label: string) => Uint8Array,
): number {
  const { bytes } = line;
  const last = rowEnd(line);
  let [at, column, copied] = [line.begin, 0, from];
  for (let h = 0; h < columns.length; h++) {
    for (; column < columns[h].place && at < last; at++) if (bytes[at] === TAB) column++;
    append(out, bytes, copied, at);
    const label = cells(labels[h][t]);
    append(out, label, 0, label.length);
    copied = at;
    while (copied < last && bytes[copied] !== TAB) copied++;
  }
  return copied;
}

/** A function that gives labels as they stand in a column, as bytes. */
function labelCells(): (label: string) => Uint8Array {
  const known = new Map<string, Uint8Array>();
  return (label) => {
    let found = known.get(label);
    if (found === undefined) known.set(label, (found = Buffer.from(cell(label))));
    return found;
  };
}

const MARK = Buffer.from('\ufeff');

/** Puts a comment with the label of the whole sentence in front of what was written from a place on. */
function addComment(out: Output, place: number, label: string, lineEnd: string): void {
  const written = Buffer.from(out.bytes.subarray(place, out.length));
  const behind = written.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
  const comment = Buffer.from(`# label = ${cell(label)}${lineEnd || '\n'}`);
  out.length = place + behind;
  append(out, comment, 0, comment.length);
  append(out, written, behind, written.length);
}

/** @throws ArgumentError if the file has no such column, it counts or holds the words, or two heads have one */
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
