/** The lines of a file as bytes: their offsets, which are blank, and where documents begin. */
import { isBlank } from '../../labeling/data/formats/detect.js';
import { jsonFields } from '../../labeling/data/formats/jsonl.js';
import { ArgumentError, DataError } from '../../tensor/index.js';
import type { Piece } from './input.js';

/** Formats with one token per line, and a blank line after each sentence. */
const COLUMNS: readonly string[] = ['conllu', 'conll', 'two-column'];
/** Formats with one object per line. */
const OBJECTS: readonly string[] = ['jsonl', 'doccano', 'prodigy', 'spans'];

/** Whether a sentence spans several lines. */
export const inColumns = ({ reading }: Piece): boolean => COLUMNS.includes(reading.format);

/** Lines of bytes, numbered from 1 as in messages. */
export interface ByteLines {
  readonly count: number;
  /** Offset of a line; for `count + 1` the end of the bytes. */
  begin(line: number): number;
  /** The text of a line without its end, and without a byte order mark before it. Bytes that are not UTF-8 become U+FFFD. */
  text(line: number): string;
}

/** The lines of a file. Any bytes after the last line feed are a line. */
export function byteLines(bytes: Uint8Array): ByteLines {
  const begins: number[] = [];
  for (let at = 0; at < bytes.length;) {
    begins.push(at);
    const end = bytes.indexOf(0x0a, at);
    at = end < 0 ? bytes.length : end + 1;
  }
  const begin = (line: number): number => begins[line - 1] ?? bytes.length;
  const decoder = new TextDecoder(); // drops a byte order mark
  return {
    count: begins.length,
    begin,
    text: (line) => decoder.decode(bytes.subarray(begin(line), begin(line + 1))).replace(/[\r\n]+$/, ''),
  };
}

/** The blank lines of a format with one sentence per line, which its reader skips. */
export function blankLines(piece: Piece): number[] {
  if (inColumns(piece)) return [];
  const lines = byteLines(piece.files[0].bytes);
  return Array.from({ length: lines.count }, (_, i) => i + 1).filter((line) => isBlank(lines.text(line)));
}

/**
 * The document of each sentence, numbered from 0: by `# newdoc` and `-DOCSTART-` in columns, or by a field in JSON Lines, where
 * all sentences with the same value form one document regardless of position. Undefined if the file has no document markers.
 *
 * @throws DataError if a line of JSON lacks the field, ArgumentError if a field is given for another format
 */
export function documentsOf(piece: Piece, field?: string): number[] | undefined {
  if (OBJECTS.includes(piece.reading.format)) return field === undefined ? undefined : byField(piece, field);
  if (field !== undefined) {
    const format = piece.reading.format;
    throw new ArgumentError(
      `${piece.name}: --document-field applies only to JSON lines; got the format ${format}: leave it out`,
    );
  }
  return inColumns(piece) ? byMarks(piece) : undefined;
}

function byField({ name, files, sentences }: Piece, field: string): number[] {
  const lines = byteLines(files[0].bytes);
  const numbers = new Map<string, number>();
  return sentences.map(({ line = 1 }) => {
    const fields = jsonFields(lines.text(line), 'write one object a line', (message) => new DataError(message));
    const value = fields.get(field);
    if (typeof value !== 'string' && typeof value !== 'number') {
      const got = fields.has(field) ? JSON.stringify(value)?.slice(0, 40) : `no such field (${[...fields.keys()].slice(0, 8).join(', ')})`; // prettier-ignore
      throw new DataError(
        `${name}:${line}: expected "${field}", the name or the number of a document; got ${got}: set the field (--document-field)`,
      );
    }
    const key = `${typeof value} ${value}`;
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key)!;
  });
}

/** The document marker in columns: a comment of CoNLL-U, or the token of CoNLL-2003. */
export const isDocumentMark = (text: string): boolean =>
  /^#\s*newdoc(\s|$)/.test(text) || /^[ \t]*-DOCSTART-([ \t]|$)/.test(text);

function byMarks({ files, sentences }: Piece): number[] | undefined {
  const lines = byteLines(files[0].bytes);
  const tokens = new Set(sentences.flatMap((sentence) => sentence.lines ?? []));
  let [line, mark, marks] = [1, 0, 0];
  const numbers = new Map<number, number>();
  const found = sentences.map((sentence) => {
    for (; line < (sentence.line ?? 1); line++) {
      if (tokens.has(line) || !isDocumentMark(lines.text(line))) continue;
      mark = line;
      marks++;
    }
    if (!numbers.has(mark)) numbers.set(mark, numbers.size);
    return numbers.get(mark)!;
  });
  return marks === 0 ? undefined : found;
}
