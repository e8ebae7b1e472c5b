/**
 * A corpus with the bytes it was read from: each file is read once, into memory, so that pipes are supported and reports about
 * lines refer to the same bytes as the sentences.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  bratPairs,
  inputName,
  labeledFiles,
  openBytes,
  SLOT_FILES,
  slotFolder,
} from '../../labeling/data/files.node.js';
import {
  CLASSIFIED_FORMATS,
  FORMATS,
  inputSpecOf,
  readClassified,
  readSentences,
  readSlots,
} from '../../labeling/data/formats/index.js';
import type { ByteChunks, InputSpec, ReadOptions, Reading } from '../../labeling/data/formats/index.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { TaskName } from '../../labeling/training/options.js';
import { DataError } from '../../tensor/index.js';
import type { ReadingOptions } from '../reading-options.js';
import { classifiedOptionsOf, readOptionsOf } from '../reading-options.js';

/** One file in memory. */
export interface InputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Sentences read together: from one file, or from the parallel files of a folder. */
export interface Piece {
  /** The prefix of a line number: the path; for a folder, that of its `seq.in`. */
  readonly name: string;
  /** One file; for a slot-filling folder, its parallel files. */
  readonly files: readonly InputFile[];
  /** The label of all its sentences, if they are labeled this way (`pos=FILE`). */
  readonly category?: string;
  readonly sentences: readonly Sentence[];
  readonly reading: Reading;
  /** Reads other bytes in the same way as these files, without messages. @throws DataError likewise */
  again(files: readonly Uint8Array[]): Promise<readonly Sentence[]>;
}

/** A corpus: one piece, or one for each label (`pos=FILE,neg=FILE`). */
export interface Input {
  /** Its name on the command line. */
  readonly path: string;
  readonly pieces: readonly Piece[];
}

/** The task of an input if none is given: derived from its path and format, else word labels. */
export function taskOf(path: string, { task, format }: ReadingOptions & { readonly task?: TaskName }): TaskName {
  if (task !== undefined) return task;
  const ofSentences = [...CLASSIFIED_FORMATS].some((name) => name === format);
  const ofWords = FORMATS.some((name) => name === format);
  return labeledFiles(path) !== undefined || (ofSentences && !ofWords) ? 'classify' : 'tag';
}

/**
 * Rejects brat: a document consists of two files, and a part of it would need different offsets.
 *
 * @throws DataError if the path contains such documents
 */
async function refuseBrat(path: string, { format }: ReadingOptions): Promise<void> {
  if (path === '-' || (format !== undefined && format !== 'brat') || !existsSync(path)) return;
  if ((await bratPairs(path, format)) === undefined) return;
  throw new DataError(
    `${path}: expected one file of labeled sentences; got a text and its annotations (brat): convert them first, with bptt convert ${path} --output jsonl`,
  );
}

/**
 * Reads a corpus. Bad lines are reported as errors, or skipped if the options allow it.
 *
 * @param like how an earlier corpus was read: used for options that are not given
 * @throws DataError if the path cannot be read, or the file does not match its format; ArgumentError on options that do not apply
 */
export async function readInput(
  path: string,
  task: TaskName,
  options: ReadingOptions,
  warnings: NoteCollector,
  like?: InputSpec,
): Promise<Input> {
  const labeled = task === 'classify' ? labeledFiles(path) : undefined;
  if (labeled === undefined) await refuseBrat(path, options);
  if (labeled === undefined) return { path, pieces: [await readPiece(path, task, options, warnings, like)] };
  const pieces: Piece[] = [];
  for (const { category, path: file } of labeled) {
    const policy = { badLines: options.skipBad ? 'skip' : 'list' } as const;
    const read = { ...classifiedOptionsOf(options, warnings, like), ...policy, format: 'lines' as const, category };
    pieces.push({
      category,
      ...(await pieceOf(file, ([bytes], more) => readClassified([bytes], { ...read, ...more }))),
    });
  }
  return { path, pieces };
}

/** Reads the bytes of files. */
type Read = (
  files: readonly Uint8Array[],
  more: Pick<ReadOptions, 'source' | 'onReading' | 'onNote'>,
) => AsyncIterable<Sentence>;

async function readPiece(
  path: string,
  task: TaskName,
  options: ReadingOptions,
  warnings: NoteCollector,
  like: InputSpec | undefined,
): Promise<Piece> {
  const policy = { badLines: options.skipBad ? 'skip' : 'list' } as const;
  if (task === 'classify') {
    const read = { ...classifiedOptionsOf(options, warnings, like), ...policy };
    const folder =
      read.format === undefined || read.format === 'slots' ? await slotFolder(path, read.format) : undefined;
    if (folder !== undefined) return slotsOf(folder, { ...policy, onNote: read.onNote, labels: 'ignored' }, true);
    return pieceOf(path, ([bytes], more) => readClassified([bytes], { ...read, ...more }));
  }
  const read: ReadOptions = { ...readOptionsOf(options, warnings, like), ...policy, tokenLines: true };
  const folder = await slotFolder(path, read.format);
  if (folder !== undefined) return slotsOf(folder, read, false);
  return pieceOf(path, ([bytes], more) => readSentences([bytes], { ...read, ...more }));
}

/** The sentences of one file. */
async function pieceOf(path: string, read: Read): Promise<Piece> {
  const files = [{ path, bytes: await bytesOf(path) }];
  const source = inputName(path);
  return { name: source, files, ...(await heard(files, read, source)) };
}

/** The sentences of a folder of slots. @param ofSentences whether the file of sentence labels is needed */
async function slotsOf(folder: string, options: ReadOptions, ofSentences: boolean): Promise<Piece> {
  const files: InputFile[] = [];
  const names: string[] = [];
  for (const name of SLOT_FILES) {
    const path = join(folder, name);
    if (name !== 'seq.in' && !existsSync(path)) continue;
    files.push({ path, bytes: await bytesOf(path) });
    names.push(name);
  }
  const source = inputName(folder);
  if (ofSentences && !names.includes('label'))
    throw new DataError(`${source}: expected a file named label next to seq.in, with one label per line: add it`);
  const chunks = (all: readonly Uint8Array[], name: string): ByteChunks | undefined =>
    names.includes(name) ? [all[names.indexOf(name)]] : undefined;
  const read: Read = (all, more) =>
    readSlots(
      { tokens: [all[0]], labels: chunks(all, 'seq.out'), categories: chunks(all, 'label') },
      { ...options, ...more },
    );
  return { name: `${source}/seq.in`, files, ...(await heard(files, read, source)) };
}

async function heard(
  files: readonly InputFile[],
  read: Read,
  source: string,
): Promise<Pick<Piece, 'sentences' | 'reading' | 'again'>> {
  let reading: Reading | undefined;
  const bytes = files.map((file) => file.bytes);
  const sentences = await all(read(bytes, { source, onReading: (found) => (reading = found) }));
  const again = (others: readonly Uint8Array[]) => all(read(others, { source, onNote: () => undefined }));
  return { sentences, reading: reading!, again };
}

async function all(sentences: AsyncIterable<Sentence>): Promise<Sentence[]> {
  const list: Sentence[] = [];
  for await (const sentence of sentences) list.push(sentence);
  return list;
}

/** All bytes of a file, or of standard input. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await openBytes(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** How the later corpora of a command are read: like the first one. */
export const likeFirst = ({ pieces }: Input): InputSpec => inputSpecOf(pieces[0].reading);

/** All sentences of a corpus, in order, each with the prefix of its line number. */
export const sentencesOf = ({ pieces }: Input): { readonly file: string; readonly sentence: Sentence }[] =>
  pieces.flatMap(({ name, sentences }) => sentences.map((sentence) => ({ file: name, sentence })));
