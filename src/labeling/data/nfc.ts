/**
 * Unicode normal forms in linear time. Engines sort the combining marks of a run by insertion, so that a token of 200,000 marks
 * takes half a minute; text that people write has a handful. (Unicode's own Stream-Safe Text Format, UAX #15 section 13, limits
 * a run to 30.)
 */

/** Marks in a row from which a token is left as it is. */
const LONG_RUN = /\p{M}{64}/u;

/** A normal form of Unicode, by its name. */
export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** The token in a normal form; one with 64 combining marks in a row stays as it is. */
export function normalForm(token: string, form: NormalForm = 'NFC'): string {
  return LONG_RUN.test(token) ? token : token.normalize(form);
}
