/** Files of word vectors, written as their formats are documented; shares no code with the readers. */

/** A word and its numbers. */
export type VectorRow = readonly [word: string, ...numbers: number[]];

/** GloVe: a word and its numbers on every line, one blank between. */
export const gloveText = (rows: readonly VectorRow[]): Buffer => Buffer.from(rows.map((row) => `${row.join(' ')}\n`).join('')); // prettier-ignore

/** word2vec text, and fastText's .vec with a blank before the line feed: the same behind a line with both sizes. */
export function word2vecText(rows: readonly VectorRow[], header = headerOf(rows), end = '\n'): Buffer {
  return Buffer.from(`${header}\n${rows.map((row) => `${row.join(' ')}${end}`).join('')}`);
}

/** word2vec binary: the header, then the word, a blank and float32 in little-endian; word2vec's own program adds a line feed. */
export function word2vecBinary(rows: readonly VectorRow[], header = headerOf(rows), end = '\n'): Buffer {
  const parts = rows.map(([word, ...numbers]) => {
    const vector = Buffer.alloc(4 * numbers.length);
    numbers.forEach((x, i) => vector.writeFloatLE(x, 4 * i));
    return Buffer.concat([Buffer.from(`${word} `), vector, Buffer.from(end)]);
  });
  return Buffer.concat([Buffer.from(`${header}\n`), ...parts]);
}

const headerOf = (rows: readonly VectorRow[]): string => `${rows.length} ${rows[0].length - 1}`;
