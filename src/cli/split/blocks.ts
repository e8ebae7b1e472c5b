/**
 * Divides a file into blocks, one for each sentence: its own lines and the preceding ones, such as comments, blank lines or a
 * document marker. Together they are the file, byte for byte, except for a header with column names, which every part needs.
 */
import { declaredColumns, isBlank } from '../../labeling/data/formats/detect.js';
import type { ByteLines } from '../stats/lines.js';
import { byteLines, inColumns, isDocumentMark } from '../stats/lines.js';
import type { Piece } from '../stats/input.js';

/** The blocks of one file. */
export interface FileBlocks {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Offset of each block, plus the end of the last one. Everything before the first block is the header. */
  readonly cuts: readonly number[];
}

/** The blocks of the files of a piece: one file, or parallel ones, each with a block for every sentence. */
export function blocksOf(piece: Piece): FileBlocks[] {
  return piece.files.map(({ path, bytes }) => {
    const lines = byteLines(bytes);
    const header = headerOf(piece, lines);
    const ends = inColumns(piece) ? columnEnds(piece, lines) : piece.sentences.map(({ line = 1 }) => line);
    const cuts = [header, ...ends.slice(0, -1)].map((line) => lines.begin(line + 1));
    return { path, bytes, cuts: [...cuts, bytes.length] };
  });
}

/** The number of the last line of the header; 0 if there is none. */
function headerOf({ reading, sentences }: Piece, lines: ByteLines): number {
  let first = 1;
  while (first < lines.count && isBlank(lines.text(first))) first++;
  const named =
    (reading.format === 'tsv' && first < (sentences[0].line ?? 1)) ||
    (reading.format === 'conllu' && declaredColumns(lines.text(first)) !== undefined);
  return named ? first : 0;
}

/** The last line of each sentence in columns, including the blank lines after its tokens, up to the start of the next. */
function columnEnds({ sentences }: Piece, lines: ByteLines): number[] {
  return sentences.map((sentence) => {
    let line = (sentence.lines?.at(-1) ?? sentence.line ?? 1) + 1;
    while (line <= lines.count && !isBlank(lines.text(line)) && !isDocumentMark(lines.text(line))) line++;
    while (line <= lines.count && isBlank(lines.text(line))) line++;
    return line - 1;
  });
}

/** The bytes of a part: the header, and the blocks of its sentences in order. */
export function bytesOfPart({ bytes, cuts }: FileBlocks, sentences: readonly number[]): Uint8Array {
  const blocks = sentences.map((s) => bytes.subarray(cuts[s], cuts[s + 1]));
  return Buffer.concat([bytes.subarray(0, cuts[0]), ...blocks]);
}
