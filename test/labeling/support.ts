/** Small helpers of the tests of reading and writing. */
import { readSentences, type ByteChunks, type ReadOptions } from '../../src/labeling/data/formats/index.js';
import type { Sentence } from '../../src/labeling/data/sentence.js';

/** UTF-8 bytes. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All items of an asynchronous sequence. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Bytes in chunks of `size`, so that lines and characters are cut anywhere. */
export function chunked(input: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < input.length; i += size) chunks.push(input.slice(i, i + size));
  return chunks;
}

/** Sentences of a text or of chunks. */
export function read(input: string | ByteChunks, options: ReadOptions = {}): Promise<Sentence[]> {
  return all(readSentences(typeof input === 'string' ? [bytes(input)] : input, { source: 'f', ...options }));
}

/** `[tokens, labels]` of each sentence. */
export const pairs = (sentences: readonly Sentence[]) => sentences.map(({ tokens, labels }) => [tokens, labels]);
