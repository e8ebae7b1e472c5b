/**
 * Writes CoNLL-U as it was read, with new cells: bytes of the input are copied up to each new cell. They are not decoded, so a
 * word costs one pass over its line.
 */
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import { isBlank } from '../../labeling/data/formats/detect.js';
import { columnIndex } from '../../labeling/data/formats/options.js';
import { cell } from '../../labeling/data/formats/write.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { Prediction } from '../../labeling/model/predict.js';
import { ArgumentError } from '../../tensor/index.js';

const [TAB, LINE_FEED, RETURN, HASH] = [0x09, 0x0a, 0x0d, 0x23];

/** Lines of the input, kept until they are written. */
export interface KeptLines {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Advances to the next line: in `bytes`, from `begin` to `end`, including its line end. @returns false if no line is kept */
  next(): boolean;
  readonly line: Line;
}

interface Line {
  bytes: Buffer;
  /** Number of preceding buffers. */
  block: number;
  begin: number;
  end: number;
}

/** Keeps the lines of an input. @param lasting whether its chunks remain unchanged, so that they need not be copied */
export function keptLines(input: ByteChunks, lasting = false): KeptLines {
  const blocks: Buffer[] = []; // contains whole lines; the last line of an input may lack its end
  const line: Line = { bytes: Buffer.alloc(0), block: 0, begin: 0, end: 0 };
  let rest: Uint8Array[] = [];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      const end = chunk.lastIndexOf(LINE_FEED) + 1;
      if (end > 0) {
        const whole = chunk.subarray(0, end);
        const { buffer, byteOffset, length } = whole;
        const stays = lasting && rest.length === 0;
        blocks.push(stays ? Buffer.from(buffer, byteOffset, length) : Buffer.concat([...rest, whole])); // a copy, since the buffer belongs to the input
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

/** Whether readers treat a kept line as a sentence separator. */
function isBlankLine({ bytes, begin, end }: Line): boolean {
  for (let at = begin; at < end; at++) {
    const byte = bytes[at];
    if (byte >= 0x80) return isBlank(bytes.toString('utf8', begin, end));
    if (byte > 0x20 || (byte !== 0x20 && (byte < TAB || byte > RETURN))) return false;
  }
  return true;
}

/** End of a line, excluding the line terminator. */
function rowEnd({ bytes, begin, end }: Line): number {
  let at = end;
  while (at > begin && (bytes[at - 1] === LINE_FEED || bytes[at - 1] === RETURN)) at--;
  return at;
}

/** The labels of a head, and their column. */
export interface ConlluHead {
  readonly column: string;
  readonly labels: (prediction: Prediction) => readonly string[];
}

/** Appends bytes to a growing buffer. */
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
  // A loop: at the length of a line, a call of `copy` would be slower.
  for (let at = begin, to = length; at < end; at++, to++) bytes[to] = from[at];
  out.length = length + end - begin;
}

/** Writes the kept lines with new labels. */
export interface BlockWriter {
  /** The bytes of sentences, including everything between them. */
  write(group: readonly Sentence[], predictions: readonly Prediction[]): Uint8Array;
  /** The bytes after the last sentence. */
  end(): Uint8Array;
}

/** State of the writer: the columns, and the position. */
interface Writing {
  readonly kept: KeptLines;
  readonly cells: (label: string) => Uint8Array;
  /** Whether sentences with a bad line are skipped. */
  readonly skips: boolean;
  /** The columns, from the names at the first sentence. */
  readonly columnsOf: (names: readonly string[]) => readonly Column[];
  columns?: readonly Column[];
  /** Number of the last written line. */
  number: number;
}

/**
 * Creates a writer.
 *
 * @param heads heads that label tokens; a label of the whole sentence becomes a comment `# label = …` before it
 * @param firstLine number of the first kept line
 * @param bytes approximate size of an output
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
  let size = Math.max(1 << 16, bytes); // approximate size of an output
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

/** Writes a sentence, with everything before it. */
function writeBlock(writing: Writing, out: Output, sentence: Sentence, prediction: Prediction): void {
  const { kept, cells, skips } = writing;
  const lines = sentence.lines!;
  const columns = (writing.columns ??= writing.columnsOf(sentence.conllu!.columns));
  const labels = columns.map(({ head }) => head.labels(prediction));
  const { line } = kept;
  const block = { begin: out.length, isOther: false, lineEnd: '' }; // the part after the last blank line
  let [t, from, bytes, copying] = [0, line.end, line.bytes, line.block]; // the part to copy starts at `from` in `bytes`
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

/** A column to be written, counted from 0. */
interface Column {
  readonly place: number;
  readonly head: ConlluHead;
}

/** Copies up to each new cell, and writes that cell: the labels of token t. @returns where copying continues */
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

/** Returns a function that encodes labels as the bytes of a column. */
function labelCells(): (label: string) => Uint8Array {
  const known = new Map<string, Uint8Array>();
  return (label) => {
    let found = known.get(label);
    if (found === undefined) known.set(label, (found = Buffer.from(cell(label))));
    return found;
  };
}

const MARK = Buffer.from('\ufeff');

/** Inserts a comment with the label of the whole sentence before everything written since an offset. */
function addComment(out: Output, place: number, label: string, lineEnd: string): void {
  const written = Buffer.from(out.bytes.subarray(place, out.length));
  const behind = written.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
  const comment = Buffer.from(`# label = ${cell(label)}${lineEnd || '\n'}`);
  out.length = place + behind;
  append(out, comment, 0, comment.length);
  append(out, written, behind, written.length);
}

/**
 * @throws ArgumentError if the file has no such column, if the column holds the word numbers or the words, or if two heads share
 *   a column
 */
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
  throw new ArgumentError('--column names one column twice: choose one for each head of the model');
}
