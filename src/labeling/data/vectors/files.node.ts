/** Opens files of pretrained vectors, compressed or not. Node only. */
import { stat } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BpttError, DataError } from '../../../tensor/errors.js';
import { inputName, openBytes } from '../files.node.js';
import type { ByteChunks } from '../formats/lines.js';
import type { ReadVectors, VectorReadOptions } from './options.js';
import { continued, readVectors } from './read.js';

/** Vectors from a file, and how the file was stored. */
export interface OpenedVectors extends ReadVectors {
  /** Whether it was compressed with gzip. */
  readonly compressed: boolean;
}

/** Receives the progress of reading: bytes read, and the size of the file; 0 if unknown. */
export type OnBytes = (read: number, total: number) => void;

/**
 * Reads the vectors of a file in any of the formats of {@link readVectors}, with or without gzip, which is detected from its first bytes.
 *
 * @param path a file; `-` for standard input
 * @throws DataError as `readVectors` does, and if the file cannot be read, or its compressed data is damaged or truncated
 */
export async function openVectors(
  path: string,
  options: VectorReadOptions = {},
  onBytes?: OnBytes,
): Promise<OpenedVectors> {
  const source = options.source ?? inputName(path);
  const bytes = await openBytes(path);
  const total = path === '-' ? 0 : (await stat(path)).size;
  const iterator = counted(bytes, total, onBytes);
  try {
    const first: number[] = [];
    const read: Uint8Array[] = [];
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      read.push(next.value);
      first.push(...next.value.subarray(0, 2));
      if (first.length >= 2) break;
    }
    const all = continued(read, iterator);
    const compressed = first[0] === 0x1f && first[1] === 0x8b;
    const vectors = await readVectors(compressed ? unpacked(all, source) : all, { ...options, source });
    return { ...vectors, compressed };
  } finally {
    await iterator.return(undefined);
  }
}

async function* counted(chunks: ByteChunks, total: number, onBytes?: OnBytes): AsyncGenerator<Uint8Array, void> {
  let read = 0;
  for await (const chunk of chunks) {
    read += chunk.length;
    yield chunk;
    onBytes?.(read, total);
  }
}

async function* unpacked(chunks: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  pipeline(Readable.from(chunks, { objectMode: true }), gunzip, () => undefined); // errors are passed to the reader below
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (cause) {
    if (cause instanceof BpttError) throw cause;
    const { message } = cause as Error;
    throw new DataError(
      `${source}: cannot unpack the gzip data (${message}): the file is truncated or damaged: download it again`,
      { cause },
    );
  }
}
