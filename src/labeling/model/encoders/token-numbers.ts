/** Numbers distinct tokens: two tokens are equal if every encoder reads the same features from both. */
import type { Feature, Features } from '../../data/features.js';
import { integersOf } from '../../data/features.js';

/** Numbers 0, 1, … in order of first occurrence. */
export interface TokenNumbers {
  /** How many numbers are in use. */
  readonly size: number;
  /**
   * Returns the number of every token.
   *
   * @param features one record per encoder, for N tokens
   * @returns undefined if more than `most` numbers would be needed; tokens that were new up to that point stay numbered
   */
  of(features: readonly Features[], N: number): Int32Array | undefined;
  /** Forgets the tokens from this number on; they are numbered again when they occur. */
  forget(from: number): void;
}

/** Returns an empty list of at most `most` numbers. */
export function tokenNumbers(most: number): TokenNumbers {
  const numbers = new Map<string, number>();
  const textOf = writer();
  return {
    get size() {
      return numbers.size;
    },
    of(features, N) {
      const columns = features.flatMap((each) => Object.keys(each).sort().map((name) => each[name])); // prettier-ignore
      const found = new Int32Array(N);
      for (let n = 0; n < N; n++) {
        const text = textOf(columns, n);
        let number = numbers.get(text);
        if (number === undefined) {
          number = numbers.size;
          if (number === most) return undefined;
          numbers.set(text, number);
        }
        found[n] = number;
      }
      return found;
    },
    forget(from) {
      for (const [text, number] of numbers) if (number >= from) numbers.delete(text);
    },
  };
}

/** Code units of a text that are created at once. */
const AT_ONCE = 4096;

/** Returns a function that gives token n a unique text: its integers, two code units each. */
function writer(): (columns: readonly Feature[], n: number) => string {
  let integers = new Int32Array(256);
  return (columns, n) => {
    let at = 0;
    for (const feature of columns) {
      const own = integersOf(feature, n);
      if (at + own.length >= integers.length) {
        const wider = new Int32Array(2 * (at + own.length + 1));
        wider.set(integers);
        integers = wider;
      }
      integers[at++] = own.length; // separates lists whose integers would otherwise run together
      for (const integer of own) integers[at++] = integer;
    }
    const units = new Uint16Array(integers.buffer, 0, 2 * at);
    let text = '';
    for (let i = 0; i < units.length; i += AT_ONCE) text += String.fromCharCode(...units.subarray(i, i + AT_ONCE));
    return text;
  };
}
