/**
 * Looks up the row of a token in a table of pretrained vectors. Words are compared in Unicode NFC, with `_` for spaces, as word2vec writes
 * phrases. The first match counts:
 *
 *     the word as it is  →  in lower case  →  with every digit replaced, by an option  →  both
 */
import { normalForm } from '../nfc.js';
import { UNKNOWN } from '../vocabulary.js';

/** Replacements for digits: none (`keep`), `0`, or `#`, as in the Google News vectors. */
export const VECTOR_DIGITS = ['keep', '0', '#'] as const;
/** The replacement for the digits of a token that has no vector as it is written. @useDeclaredType */
export type VectorDigits = (typeof VECTOR_DIGITS)[number];

/** The row of tokens without a vector. */
export const NO_VECTOR = 0;

/** How a token was found. */
export type FoundBy = 'exact' | 'lowerCase' | 'digits';

/** The result of looking up a token. */
export interface FoundVector {
  /** Its row, counted from 1; 0 if there is none. */
  readonly row: number;
  readonly by?: FoundBy;
}

const ASCII = /^[!-~]*$/;

/** Returns a word in the form used for comparison. */
export function vectorKey(word: string): string {
  return ASCII.test(word) ? word : normalForm(word).replaceAll(' ', '_');
}

/** The spellings under which a token is looked up, in order, and the name of each. */
export function spellingsOf(token: string, digits: VectorDigits): readonly (readonly [string, FoundBy])[] {
  const own = vectorKey(token);
  const lower = vectorKey(token.toLowerCase());
  const spellings: (readonly [string, FoundBy])[] = [[own, 'exact']];
  if (lower !== own) spellings.push([lower, 'lowerCase']);
  if (digits === 'keep' || !/\p{Nd}/u.test(own)) return spellings;
  for (const word of lower === own ? [own] : [own, lower]) {
    spellings.push([word.replace(/\p{Nd}/gu, digits), 'digits']);
  }
  return spellings;
}

/**
 * Returns a function that looks up tokens.
 *
 * @param words of the rows, from row 1, in the form of `vectorKey`
 */
export function vectorLookup(words: readonly string[], digits: VectorDigits): (token: string) => FoundVector {
  const rows = new Map(words.map((word, i) => [word, i + 1]));
  rows.delete(UNKNOWN);
  return (token) => {
    for (const [spelling, by] of spellingsOf(token, digits)) {
      const row = rows.get(spelling);
      if (row !== undefined) return { row, by };
    }
    return { row: NO_VECTOR };
  };
}
