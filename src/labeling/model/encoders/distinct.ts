/** The distinct words of a batch: a word is spelled once, however often it occurs. */
import type { Packing } from '../../../autograd/packing.js';
import { packingOf, rowOf } from '../../../autograd/packing.js';
import type { IntegerLists } from '../../data/features.js';

/** U distinct words of M characters. */
export interface DistinctWords {
  /** Of the U words, as sequences of characters. */
  readonly packing: Packing;
  /** `[M]` ids of characters, in packed order. */
  readonly characters: Int32Array;
  /** `[N]` of every token its word, by its place in packed order: a row of whatever has one row per word. */
  readonly wordOf: Int32Array;
}

/** The distinct ones among the lists of N tokens. */
export function distinctWords(lists: IntegerLists): DistinctWords {
  const { words, numberOf } = distinctLists(lists);
  const { packing, characters, placeOf } = packWords(words);
  return { packing, characters, wordOf: numberOf.map((number) => placeOf[number]) };
}

/** Distinct lists, in the order in which they are met, and of every token its list. */
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

/** Words packed, and the place of each in packed order. */
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
