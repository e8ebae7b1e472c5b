/** Opening files for the readers: the only place of the labeler that reads from a disk. Node only. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, DataError } from '../tensor/errors.js';
import type { ByteChunks } from './formats/lines.js';
import type { ReadOptions } from './formats/options.js';
import { readSentences } from './formats/read.js';
import { readSlots } from './formats/slots.js';
import { readText, type SegmentOptions } from './segment.js';
import type { SegmentedSentence, Sentence } from './sentence.js';

/**
 * Sentences of a file, one by one, in bounded memory.
 *
 * @param path a file; `-` for standard input; for `slots` a folder with `seq.in` and `seq.out`, or the `seq.in` in it
 * @param options as {@link readSentences} takes them; messages name the path
 * @throws DataError where the path cannot be read, or the file is not what its format demands
 */
export async function* openSentences(path: string, options: ReadOptions = {}): AsyncGenerator<Sentence> {
  const settings = { ...options, source: options.source ?? sourceName(path) };
  const folder = path === '-' ? undefined : await slotFolder(path, options.format);
  if (folder === undefined) yield* readSentences(await openBytes(path), settings);
  else yield* openSlots(folder, { ...settings, source: options.source ?? folder });
}

/** All sentences of a file or folder. @throws DataError as {@link openSentences} does */
export async function readCorpus(path: string, options: ReadOptions = {}): Promise<Sentence[]> {
  const sentences: Sentence[] = [];
  for await (const sentence of openSentences(path, options)) sentences.push(sentence);
  return sentences;
}

/** Sentences cut out of a file of raw text, or of standard input for `-`. @throws DataError as {@link readText} does */
export async function* openText(path: string, options: SegmentOptions = {}): AsyncGenerator<SegmentedSentence> {
  yield* readText(await openBytes(path), { ...options, source: sourceName(path) });
}

/**
 * The bytes of a file, or of standard input for `-`.
 *
 * @throws DataError where there is no such file, it is a folder, or it may not be read
 */
export async function openBytes(path: string): Promise<ByteChunks> {
  if (path === '-') return process.stdin;
  if ((await statOf(path)).isDirectory()) {
    throw new DataError(
      `${path}: expected a file, got a folder: name a file in it, or a folder with seq.in and seq.out`,
    );
  }
  return readingErrors(path);
}

/** A read stream whose system errors are told as DataErrors. */
async function* readingErrors(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path);
  } catch (cause) {
    throw systemError(path, cause);
  }
}

function sourceName(path: string): string {
  return path === '-' ? 'standard input' : path;
}

async function statOf(path: string) {
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

/** The folder of a slot-filling triple, or undefined where the path is an ordinary file. */
async function slotFolder(path: string, format: ReadOptions['format']): Promise<string | undefined> {
  if ((await statOf(path)).isDirectory()) {
    if (format !== undefined && format !== 'slots') {
      throw new DataError(`${path}: expected a file in the format ${format}, got a folder: name a file in it`);
    }
    return (await exists(join(path, 'seq.in'))) || format === 'slots' ? path : undefined;
  }
  if (format === 'slots' && basename(path) !== 'seq.in') {
    throw new ArgumentError(`${path}: the format slots is a folder with seq.in and seq.out: name the folder`);
  }
  return format === 'slots' ? dirname(path) : undefined;
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
