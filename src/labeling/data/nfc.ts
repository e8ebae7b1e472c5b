/**
 * Unicode normal forms in linear time. Engines sort a run of combining marks by insertion, so a token of 200,000 marks takes half a minute,
 * while real text has a handful. (Unicode's Stream-Safe Text Format, UAX #15 section 13, limits a run to 30.)
 */

/** A token with this many marks in a row is left as it is. */
const LONG_RUN = /\p{M}{64}/u;

/** Name of a Unicode normal form. */
export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Returns the token in a normal form; a token with 64 combining marks in a row is left as it is. */
export function normalForm(token: string, form: NormalForm = 'NFC'): string {
  return LONG_RUN.test(token) ? token : token.normalize(form);
}
