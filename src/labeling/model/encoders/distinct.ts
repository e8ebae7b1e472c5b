/** The distinct words of a batch: each word is read once, however often it occurs. */
import type { Packing } from '../../../autograd/packing.js';
import { packingOf, rowOf } from '../../../autograd/packing.js';
import type { IntegerLists } from '../../data/features.js';

/** U distinct words of M characters. */
export interface DistinctWords {
  /** Packing of the U words as sequences of characters. */
  readonly packing: Packing;
  /** `[M]` ids of characters, in packed order. */
  readonly characters: Int32Array;
  /** `[N]`, each token's word as its index in packed order: the row in any tensor with one row per word. */
  readonly wordOf: Int32Array;
}

/** Finds the distinct lists among those of N tokens. */
export function distinctWords(lists: IntegerLists): DistinctWords {
  const { words, numberOf } = distinctLists(lists);
  const { packing, characters, placeOf } = packWords(words);
  return { packing, characters, wordOf: numberOf.map((number) => placeOf[number]) };
}

/** The distinct lists in order of first occurrence, and each token's list. */
function distinctLists({ ends, values }: IntegerLists) {
  const numbers = new Map<string, number>();
  const words: Int32Array[] = [];
  const numberOf = new Int32Array(ends.length);
  for (let n = 0; n < ends.length; n++) {
    const word = values.subarray(n === 0 ? 0 : ends[n - 1], ends[n]);
    const key = word.join();
    let number = numbers.get(key);
    if (number === undefined) {
      number = words.push(word) - 1;
      numbers.set(key, number);
    }
    numberOf[n] = number;
  }
  return { words, numberOf };
}

/** Packs words, and returns the index of each in packed order. */
function packWords(words: readonly Int32Array[]) {
  const packing = packingOf(words.map((word) => word.length));
  const placeOf = new Int32Array(words.length);
  const characters = new Int32Array(packing.total);
  packing.order.forEach((number, b) => {
    placeOf[number] = b;
    words[number].forEach((id, t) => (characters[rowOf(packing, t, b)] = id));
  });
  return { packing, characters, placeOf };
}
