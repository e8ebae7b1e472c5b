/** Equality of two sentences, token by token: exact, or ignoring case and Unicode normalization form. */
import { normalForm } from '../../labeling/data/nfc.js';

/** Joins words such that sentences with different tokens have different keys: no token contains a line feed. */
export const exactKey = (tokens: readonly string[]): string => tokens.join('\n');

/** The same after normalization to NFC and case folding. */
export const foldedKey = (tokens: readonly string[]): string => tokens.map(foldedWord).join('\n');

/**
 * A word in NFC without its case. JavaScript has no case folding: converting to upper case first maps `ß` to `ss` and `ſ` to `s`,
 * as Unicode's table does; the sigmas become one.
 */
export const foldedWord = (word: string): string =>
  normalForm(normalForm(word).toUpperCase().toLowerCase().replaceAll('ς', 'σ'));
