/** Opens files for the readers: the only place in the labeler that reads from disk. Node only. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { visible } from '../../tensor/visible.js';
import type { BratDocument, BratFile } from './formats/brat.js';
import { readBrat } from './formats/brat.js';
import { readClassified } from './formats/classified.js';
import type { ClassifiedOptions } from './formats/classified-options.js';
import { rejectUnusedBy, tokenCutter } from './formats/classified-options.js';
import { lineBlocks, NoSentencesError } from './formats/lines.js';
import type { ByteChunks } from './formats/lines.js';
import type { LabelPolicy, ReadOptions } from './formats/options.js';
import { readSentences } from './formats/read.js';
import { readSlots } from './formats/slots.js';
import { compareCodePoints } from './lists.js';
import { shortToken } from './long-tokens.js';
import { readText, type SegmentOptions } from './segment.js';
import type { SegmentedSentence, Sentence } from './sentence.js';

/** The files of a slot-filling folder. */
export const SLOT_FILES = ['seq.in', 'seq.out', 'label'] as const;

/**
 * Reads the sentences of a file one by one, in bounded memory.
 *
 * @param path a file; `-` for standard input; for `slots` a folder with `seq.in` and `seq.out`, or the `seq.in` next to its `seq.out`; for
 *   `brat` one file of a pair `.ann` and `.txt`, or a folder of such pairs
 * @param options those of {@link readSentences}; messages name the path
 * @param bytes the bytes of the file, if it is already open
 * @throws DataError if the path cannot be read, or the file does not conform to its format
 */
export async function* openSentences(
  path: string,
  options: ReadOptions = {},
  bytes?: ByteChunks,
): AsyncGenerator<Sentence> {
  const settings = { ...options, source: options.source ?? inputName(path) };
  if (bytes !== undefined) {
    yield* readSentences(bytes, settings);
    return;
  }
  const pairs = await bratPairs(path, options.format);
  if (pairs !== undefined) {
    yield* readBrat(openBrat(pairs, options.labels ?? 'required'), { ...settings, format: 'brat' });
    return;
  }
  const folder = await slotFolder(path, options.format);
  if (folder === undefined) yield* readSentences(await openBytes(path), settings);
  else yield* openSlots(folder, { ...settings, source: options.source ?? visible(folder) });
}

/**
 * Reads all sentences of a file or folder. Bad lines are reported together, unless the options say otherwise.
 *
 * @throws DataError as {@link openSentences} does
 */
export async function readCorpus(path: string, options: ReadOptions = {}): Promise<Sentence[]> {
  const sentences: Sentence[] = [];
  for await (const sentence of openSentences(path, { badLines: 'list', ...options })) sentences.push(sentence);
  return sentences;
}

/** A file whose sentences all have the same label. */
export interface LabeledFile {
  readonly category: string;
  readonly path: string;
}

/** Parses `pos=FILE,neg=FILE` into one file per label; undefined for an ordinary path. */
export function labeledFiles(path: string): LabeledFile[] | undefined {
  const parts = path.split(/,(?=[^,=]+=)/).map((part) => /^([^=,]+)=(.+)$/s.exec(part));
  if (!parts.every((part) => part !== null)) return undefined;
  return parts.map(([, category, file]) => ({ category: category.trim(), path: file }));
}

/**
 * Reads the sentences of a file one by one, each with its `category`, in bounded memory.
 *
 * @param path a file; `-` for standard input; a folder with `seq.in` and `label`; or one file per label, `pos=FILE,neg=FILE`
 * @param bytes the bytes of the file, if it is already open
 * @throws DataError if a path cannot be read, or the file does not conform to its format
 */
export async function* openClassified(
  path: string,
  options: ClassifiedOptions = {},
  bytes?: ByteChunks,
): AsyncGenerator<Sentence> {
  if (bytes !== undefined) {
    yield* readClassified(bytes, { ...options, source: options.source ?? inputName(path) });
    return;
  }
  const files = labeledFiles(path);
  if (files === undefined) {
    yield* openClassifiedFile(path, options);
    return;
  }
  if (options.format !== undefined && options.format !== 'lines') {
    throw new ArgumentError(`files given by label hold one text per line, not ${options.format}: leave the format out`);
  }
  for (const { category, path: file } of files) {
    const source = options.source ?? inputName(file);
    yield* readClassified(await openBytes(file), { ...options, format: 'lines', category, source });
  }
}

async function* openClassifiedFile(path: string, options: ClassifiedOptions): AsyncGenerator<Sentence> {
  const { format, labels = 'required' } = options;
  const folder = format === undefined || format === 'slots' ? await slotFolder(path, format) : undefined;
  if (folder === undefined) {
    if (format === 'lines' && labels === 'required') {
      throw new ArgumentError(
        `${inputName(path)}: the format lines has no labels: give one file per label (pos=FILE,neg=FILE)`,
      );
    }
    yield* readClassified(await openBytes(path), { ...options, source: options.source ?? inputName(path) });
    return;
  }
  rejectUnusedBy('slots', options);
  const source = options.source ?? visible(folder);
  const { badLines, onNote, onReading, normalize, maxLineBytes, maxTokens } = options;
  const given = Object.entries({ badLines, onNote, normalize, maxLineBytes, maxTokens });
  const slots: ReadOptions = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  if (labels === 'required' && !(await exists(join(folder, 'label')))) {
    throw new DataError(`${source}: expected a file named label next to seq.in, with one label per line: add it`);
  }
  onReading?.({ format: 'slots', tokenizer: 'whitespace' });
  yield* openSlots(folder, { ...slots, source, labels: 'ignored' });
}

/**
 * Reads all sentences of `openClassified`. Bad lines are reported together, unless the options say otherwise.
 *
 * @throws DataError likewise
 */
export async function readClassifiedCorpus(path: string, options: ClassifiedOptions = {}): Promise<Sentence[]> {
  const sentences: Sentence[] = [];
  for await (const sentence of openClassified(path, { badLines: 'list', ...options })) sentences.push(sentence);
  return sentences;
}

/**
 * Reads the lines of a file of raw text, or of standard input for `-`, each split into tokens; a blank line has none.
 *
 * @param bytes the bytes of the file, if it is already open
 * @throws DataError on bytes that are not lines of UTF-8, or if all lines are blank
 */
export async function* openLines(
  path: string,
  options: SegmentOptions = {},
  bytes?: ByteChunks,
): AsyncGenerator<Sentence> {
  yield* linesFrom(bytes ?? (await openBytes(path)), inputName(path), options);
}

/** Like {@link openLines}, for bytes. @param source the name of the input in messages */
export async function* linesFrom(
  bytes: ByteChunks,
  source: string,
  options: SegmentOptions = {},
): AsyncGenerator<Sentence> {
  const cut = tokenCutter(options);
  let count = 0;
  for await (const { first, lines } of lineBlocks(bytes, source)) {
    for (let i = 0; i < lines.length; i++) {
      const tokens = cut(lines[i]).map((token) => shortToken(token, source, first + i));
      count += tokens.length;
      yield { tokens, line: first + i };
    }
  }
  if (count === 0) throw new NoSentencesError(`${source}: no sentences: the input is empty or white space only`);
}

/** Reads sentences segmented from a file of raw text, or from standard input for `-`. @throws DataError as {@link readText} does */
export async function* openText(path: string, options: SegmentOptions = {}): AsyncGenerator<SegmentedSentence> {
  yield* readText(await openBytes(path), { ...options, source: inputName(path) });
}

/** Bytes of a file that are read at once: fewer waits than with Node's 64 KiB. */
const CHUNK = 1 << 18;

/**
 * Opens the bytes of a file, or of standard input for `-`.
 *
 * @param atOnce the most bytes in a chunk of a file
 * @throws DataError if the file does not exist, is a folder, or is not readable
 */
export async function openBytes(path: string, atOnce = CHUNK): Promise<ByteChunks> {
  if (path === '-') return process.stdin;
  if (!(await statOf(path)).isDirectory()) return readingErrors(path, atOnce);
  const advice = (await exists(join(path, 'seq.in')))
    ? 'set its format to slots, or pass a file in it'
    : 'pass a file in it or, for labeled sentences, a folder with seq.in and seq.out, or with files .ann and .txt';
  throw new DataError(`${path}: expected a file, got a folder: ${advice}`);
}

/** A read stream that converts system errors to DataErrors. */
async function* readingErrors(path: string, atOnce: number): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: atOnce });
  } catch (cause) {
    throw systemError(path, cause);
  }
}

/** The name of an input in messages: its path, safe to print, or `standard input` for `-`. */
export function inputName(path: string): string {
  return path === '-' ? 'standard input' : visible(path);
}

async function statOf(path: string) {
  if (path === '') throw new DataError('expected a file path; got an empty one: perhaps a variable is not set');
  try {
    return await stat(path);
  } catch (cause) {
    throw systemError(path, cause);
  }
}

/** Explains why the system failed to read a file. */
export function systemError(path: string, cause: unknown): DataError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new DataError(`${path}: no such file: check the path`, { cause });
  if (code === 'EACCES') return new DataError(`${path}: permission denied: check its permissions`, { cause });
  return new DataError(`${path}: cannot be read: ${message}`, { cause });
}

/**
 * Returns the folder of a slot-filling triple, or undefined for an ordinary file. Without a format, a folder is one if it has a `seq.in`,
 * and a file belongs to one if it is a `seq.in` with a `seq.out` next to it.
 *
 * @throws DataError if nothing exists at the path, or it is a folder and the format is another one; ArgumentError if the format is `slots`
 *   and the path is something else
 */
export async function slotFolder(path: string, format?: ReadOptions['format']): Promise<string | undefined> {
  if (path === '-') return undefined;
  if ((await statOf(path)).isDirectory()) {
    if (format !== undefined && format !== 'slots') {
      throw new DataError(`${path}: expected a file in the format ${format}; got a folder: pass a file in it`);
    }
    return format === 'slots' || (await exists(join(path, 'seq.in'))) ? path : undefined;
  }
  const folder = dirname(path);
  const isTokens = basename(path) === 'seq.in';
  if (format === undefined) return isTokens && (await exists(join(folder, 'seq.out'))) ? folder : undefined;
  if (format !== 'slots') return undefined;
  if (!isTokens)
    throw new ArgumentError(`${path}: the format slots is a folder with seq.in and seq.out: pass the folder`);
  return folder;
}

/** The files of a brat document. */
export interface BratPair {
  readonly text: string;
  readonly annotations: string;
}

/**
 * Returns pairs of a text and its annotations, or undefined if the path is something else. Without a format, these are a folder that has
 * `.ann` files and no `seq.in`, or an `.ann` file with a `.txt` next to it.
 *
 * @throws DataError if nothing exists at the path, or the folder has no pair; ArgumentError if the format is `brat` and the path is
 *   something else
 */
export async function bratPairs(path: string, format?: ReadOptions['format']): Promise<BratPair[] | undefined> {
  if (format !== undefined && format !== 'brat') return undefined;
  if (path === '-') {
    if (format === undefined) return undefined;
    throw new ArgumentError(
      'the format brat is two files, a text and its annotations: pass one of them, or their folder',
    );
  }
  const pairOf = (stem: string): BratPair => ({ text: `${stem}.txt`, annotations: `${stem}.ann` });
  if ((await statOf(path)).isDirectory()) {
    const names = await readdir(path).catch((cause: unknown) => Promise.reject(systemError(path, cause)));
    if (format === undefined && (names.includes('seq.in') || !names.some((name) => name.endsWith('.ann'))))
      return undefined;
    const stems = new Set(names.filter((name) => /.\.(txt|ann)$/s.test(name)).map((name) => name.slice(0, -4)));
    if (stems.size > 0) return [...stems].sort(compareCodePoints).map((stem) => pairOf(join(path, stem)));
    throw new DataError(`${path}: expected pairs of files such as a.txt and a.ann; got none: choose another folder`);
  }
  const stem = path.slice(0, -4);
  if (format === undefined) return path.endsWith('.ann') && (await exists(`${stem}.txt`)) ? [pairOf(stem)] : undefined;
  if (/\.(txt|ann)$/.test(path)) return [pairOf(stem)];
  throw new ArgumentError(
    `${path}: the format brat is a .ann file next to a .txt file: pass one of them, or their folder`,
  );
}

/** Reads the sentences of brat documents. @throws DataError as {@link openSentences} does */
export function openPairs(pairs: readonly BratPair[], options: ReadOptions): AsyncGenerator<Sentence> {
  return readBrat(openBrat(pairs, options.labels ?? 'required'), { ...options, format: 'brat' });
}

async function* openBrat(pairs: readonly BratPair[], labels: LabelPolicy): AsyncGenerator<BratDocument> {
  for (const pair of pairs) {
    const missing = async (path: string, what: string, of: string): Promise<void> => {
      if (!(await exists(path))) throw new DataError(`${path}: no such file: expected the ${what} of ${of}: add it`);
    };
    await missing(pair.text, 'text', pair.annotations);
    if (labels === 'required') await missing(pair.annotations, 'annotations', pair.text);
    const wanted = labels !== 'ignored' && (await exists(pair.annotations));
    yield { text: await wholeFile(pair.text), ...(wanted && { annotations: await wholeFile(pair.annotations) }) };
  }
}

async function wholeFile(path: string): Promise<BratFile> {
  const bytes = await readFile(path).catch((cause: unknown) => Promise.reject(systemError(path, cause)));
  return { name: visible(path), bytes };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function* openSlots(folder: string, options: ReadOptions): AsyncGenerator<Sentence> {
  const optional = async (name: string, wanted: boolean) =>
    wanted && (await exists(join(folder, name))) ? openBytes(join(folder, name)) : undefined;
  yield* readSlots(
    {
      tokens: await openBytes(join(folder, 'seq.in')),
      labels: await optional('seq.out', options.labels !== 'ignored'),
      categories: await optional('label', true),
    },
    options,
  );
}
