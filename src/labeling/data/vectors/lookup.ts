/**
 * Which row of a table of pretrained vectors a token has. Words are compared in Unicode NFC, with `_` for spaces, as word2vec writes
 * phrases. The first that is there counts:
 *
 *     the word as it is  →  in lower case  →  with every digit replaced, by an option  →  both
 */
import { normalForm } from '../nfc.js';
import { UNKNOWN } from '../vocabulary.js';

/** What digits may be replaced by: nothing (`keep`), `0`, or `#`, as in the vectors of Google News. */
export const VECTOR_DIGITS = ['keep', '0', '#'] as const;
/** What replaces the digits of a token that has no vector as it is written. @useDeclaredType */
export type VectorDigits = (typeof VECTOR_DIGITS)[number];

/** The row of tokens without a vector. */
export const NO_VECTOR = 0;

/** By what a token was found. */
export type FoundBy = 'exact' | 'lowerCase' | 'digits';

/** What a token has in a table of vectors. */
export interface FoundVector {
  /** Its row, counted from 1; 0 where there is none. */
  readonly row: number;
  readonly by?: FoundBy;
}

const ASCII = /^[!-~]*$/;

/** A word as it is compared. */
export function vectorKey(word: string): string {
  return ASCII.test(word) ? word : normalForm(word).replaceAll(' ', '_');
}

/** The spellings under which a token is looked up, the first first, and what each is called. */
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
 * Looks tokens up among words.
 *
 * @param words of the rows, from row 1, as `vectorKey` writes them
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
