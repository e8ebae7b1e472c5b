/** Vectors of words that came up, kept for the next time. */
import type { DType, Tensor } from '../../../tensor/types.js';
import { allocate, rowStart } from '../../../tensor/view.js';

/** Bytes that are kept at most. */
const MOST_BYTES = 32 * 2 ** 20;

/** Vectors by the texts of their words. */
export interface KeptVectors {
  /**
   * `[·, E]` and of every word its row.
   *
   * @param batch what asks: where the same object asks twice in a row, its first answer did not count, and what it brought is forgotten
   * @param compute the vectors of some of the words, by their places: `[missing, E]`, and the row of each
   * @returns undefined where there are too many words at once
   */
  find(batch: object, words: readonly string[], compute: Compute): { table: Tensor; rows: Int32Array } | undefined;
}

type Compute = (missing: readonly number[]) => { readonly v: Tensor; readonly rowOf: Int32Array };

/**
 * At most 32 MiB of vectors of E components; when they are full, it begins anew.
 *
 * @param most rows that are kept at most
 */
export function keptVectors(E: number, dtype: DType, most = Math.floor(MOST_BYTES / (8 * E))): KeptVectors {
  const rowOfWord = new Map<string, number>();
  let table = allocate([Math.min(most, 256), E], dtype);
  let last: { readonly batch: object; readonly words: string[] } | undefined;

  const grow = (rows: number): void => {
    if (rows <= table.shape[0]) return;
    const wider = allocate([Math.min(most, Math.max(rows, 2 * table.shape[0])), E], dtype);
    wider.data.set(table.data);
    table = wider;
  };

  return {
    find(batch, words, compute) {
      if (last?.batch === batch) for (const word of last.words) rowOfWord.delete(word);
      let missing = words.flatMap((word, i) => (rowOfWord.has(word) ? [] : [i]));
      if (rowOfWord.size + missing.length > most) {
        rowOfWord.clear();
        missing = words.map((_, i) => i);
      }
      last = { batch, words: missing.map((i) => words[i]) };
      if (missing.length > most) return undefined;
      if (missing.length > 0) {
        const { v, rowOf } = compute(missing);
        const first = rowOfWord.size;
        grow(first + missing.length);
        missing.forEach((i, j) => {
          const from = rowStart(v, rowOf[j]);
          table.data.set(v.data.subarray(from, from + E), (first + j) * E);
          rowOfWord.set(words[i], first + j);
        });
      }
      return { table, rows: Int32Array.from(words, (word) => rowOfWord.get(word)!) };
    },
  };
}
