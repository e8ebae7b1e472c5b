/** Opening files for the readers: the only place of the labeler that reads from a disk. Node only. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { visible } from '../../tensor/visible.js';
import type { ByteChunks } from './formats/lines.js';
import type { ReadOptions } from './formats/options.js';
import { readSentences } from './formats/read.js';
import { readSlots } from './formats/slots.js';
import { readText, type SegmentOptions } from './segment.js';
import type { SegmentedSentence, Sentence } from './sentence.js';

/** The files of a slot-filling folder. */
export const SLOT_FILES = ['seq.in', 'seq.out', 'label'] as const;

/**
 * Sentences of a file, one by one, in bounded memory.
 *
 * @param path a file; `-` for standard input; for `slots` a folder with `seq.in` and `seq.out`, or the `seq.in` beside its
 *   `seq.out`
 * @param options as {@link readSentences} takes them; messages name the path
 * @throws DataError where the path cannot be read, or the file is not what its format demands
 */
export async function* openSentences(path: string, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  const settings = { ...options, source: options.source ?? inputName(path) };
  const folder = await slotFolder(path, options.format);
  if (folder === undefined) yield* readSentences(await openBytes(path), settings);
  else yield* openSlots(folder, { ...settings, source: options.source ?? visible(folder) });
}

/**
 * All sentences of a file or folder. Bad lines are listed, unless the options say otherwise.
 *
 * @throws DataError as {@link openSentences} does
 */
export async function readCorpus(path: string, options: ReadOptions = {}): Promise<Sentence[]> {
  const sentences: Sentence[] = [];
  for await (const sentence of openSentences(path, { badLines: 'list', ...options })) sentences.push(sentence);
  return sentences;
}

/** Sentences cut out of a file of raw text, or of standard input for `-`. @throws DataError as {@link readText} does */
export async function* openText(path: string, options: SegmentOptions = {}): AsyncGenerator<SegmentedSentence> {
  yield* readText(await openBytes(path), { ...options, source: inputName(path) });
}

/**
 * The bytes of a file, or of standard input for `-`.
 *
 * @throws DataError where there is no such file, it is a folder, or it may not be read
 */
export async function openBytes(path: string): Promise<ByteChunks> {
  if (path === '-') return process.stdin;
  if (!(await statOf(path)).isDirectory()) return readingErrors(path);
  const advice = (await exists(join(path, 'seq.in')))
    ? 'say that its format is slots, or name a file in it'
    : 'name a file in it, or, for labeled sentences, a folder with seq.in and seq.out';
  throw new DataError(`${path}: expected a file, got a folder: ${advice}`);
}

/** A read stream whose system errors are told as DataErrors. */
async function* readingErrors(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path);
  } catch (cause) {
    throw systemError(path, cause);
  }
}

/** What messages call an input: its path, safe to print, or `standard input` for `-`. */
export function inputName(path: string): string {
  return path === '-' ? 'standard input' : visible(path);
}

async function statOf(path: string) {
  if (path === '') throw new DataError('expected the path of a file; got an empty one: perhaps a variable is not set');
  try {
    return await stat(path);
  } catch (cause) {
    throw systemError(path, cause);
  }
}

function systemError(path: string, cause: unknown): DataError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new DataError(`${path}: no such file: check the path`, { cause });
  if (code === 'EACCES') return new DataError(`${path}: reading is not permitted: check its permissions`, { cause });
  return new DataError(`${path}: cannot be read: ${message}`, { cause });
}

/**
 * The folder of a slot-filling triple, or undefined where the path is an ordinary file. Without a format a folder is one
 * that has a `seq.in`, and a file is part of one if it is a `seq.in` with a `seq.out` beside it.
 *
 * @throws DataError where there is nothing at the path, or a folder and another format; ArgumentError where the format is
 *   `slots` and the path something else
 */
export async function slotFolder(path: string, format?: ReadOptions['format']): Promise<string | undefined> {
  if (path === '-') return undefined;
  if ((await statOf(path)).isDirectory()) {
    if (format !== undefined && format !== 'slots') {
      throw new DataError(`${path}: expected a file in the format ${format}, got a folder: name a file in it`);
    }
    return format === 'slots' || (await exists(join(path, 'seq.in'))) ? path : undefined;
  }
  const folder = dirname(path);
  const isTokens = basename(path) === 'seq.in';
  if (format === undefined) return isTokens && (await exists(join(folder, 'seq.out'))) ? folder : undefined;
  if (format !== 'slots') return undefined;
  if (!isTokens)
    throw new ArgumentError(`${path}: the format slots is a folder with seq.in and seq.out: name the folder`);
  return folder;
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
