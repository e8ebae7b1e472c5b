/** When two sentences are the same: token by token as they stand, or but for upper and lower case and the form of Unicode. */
import { normalForm } from '../../labeling/data/nfc.js';

/** Words side by side, so that no two sentences of other tokens have the same: no token holds a line feed. */
export const exactKey = (tokens: readonly string[]): string => tokens.join('\n');

/** The same after normalization to NFC and case folding. */
export const foldedKey = (tokens: readonly string[]): string => tokens.map(foldedWord).join('\n');

/**
 * A word in NFC without its case. JavaScript has no case folding: going through upper case makes `ß` to `ss` and `ſ` to `s` as Unicode's
 * table does; of the sigmas one is left.
 */
export const foldedWord = (word: string): string =>
  normalForm(normalForm(word).toUpperCase().toLowerCase().replaceAll('ς', 'σ'));
