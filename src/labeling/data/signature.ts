/**
 * Signatures: classes of words by their appearance, for words without a vector.
 *
 *     Kongehuset   →  C~set, C~et, C~t, C      capitalized, with its last three, two, one letters
 *     1980'erne    →  0~rne, 0~ne, 0~e, 0      has a digit
 *     EU           →  A~u, A                   capitals only
 *     self-made    →  a-~ade, a-~de, a-~e, a-  lower case with a hyphen
 *
 * Each word has several, the most specific first; a vocabulary takes the first one that it contains. The idea is that of the unknown
 * word classes of parsers (Weischedel et al. 1993, section 3; Petrov & Klein 2007): spelling says much about part of speech.
 */

const LONGEST_SUFFIX = 3;

/** Returns the signatures of a word, from the most specific to the least; never empty. */
export function signaturesOf(word: string): string[] {
  const shape = shapeOf(word);
  const letters = Array.from(word.toLowerCase());
  const signatures: string[] = [];
  for (let n = Math.min(LONGEST_SUFFIX, letters.length - 1); n > 0; n--) {
    signatures.push(`${shape}~${letters.slice(-n).join('')}`);
  }
  return [...signatures, shape];
}

/** `0` with a digit, else `A` only capitals, `C` capitalized, `a` other letters, `.` no letter; then `-` with a hyphen inside. */
function shapeOf(word: string): string {
  const letters = word.match(/\p{L}/gu) ?? [];
  const hyphen = /.-./u.test(word) ? '-' : '';
  if (/\p{Nd}/u.test(word)) return `0${hyphen}`;
  if (letters.length === 0) return `.${hyphen}`;
  if (letters.length > 1 && letters.every((letter) => /\p{Lu}/u.test(letter))) return `A${hyphen}`;
  return (/^\p{Lu}/u.test(word) ? 'C' : 'a') + hyphen;
}
