/**
 * The spelling of words, for encoders that use it: characters, beginnings and endings, shape.
 *
 * Words are read in Unicode normal form NFC (`nfc.ts`), so that two encodings of a word are the same. For words of more than 64 code
 * points, the first 32 and the last 32 are read: a token of megabytes costs no more than a long word, and keeps its ends, which are the
 * most informative.
 */
import { normalForm } from './nfc.js';

/** Code points of a word that are read; for a longer word, half from each end. */
export const LONGEST_WORD = 64;

/** What counts as one character: a code point, or a grapheme, which is what people see as one. */
export const CHARACTER_UNITS = ['code-point', 'grapheme'] as const;
/** What counts as one character: a code point, or a grapheme. @useDeclaredType */
export type CharacterUnit = (typeof CHARACTER_UNITS)[number];

/** Returns a token in normal form, without the middle of a long one. */
export function spellingOf(token: string): string {
  const word = normalForm(token);
  if (word.length <= LONGEST_WORD) return word; // at most as many code points as code units
  let start = 0;
  for (let n = 0; n < LONGEST_WORD / 2; n++) start += isPair(word, start) ? 2 : 1;
  let end = word.length;
  for (let n = 0; n < LONGEST_WORD / 2; n++) end -= isPair(word, end - 2) ? 2 : 1;
  return start < end ? word.slice(0, start) + word.slice(end) : word;
}

/** Whether the two code units at an index form one code point. */
function isPair(word: string, at: number): boolean {
  return word.codePointAt(at)! > 0xffff;
}

/** Returns a function that splits tokens into characters. An empty token has none. */
export function characterSplitter(unit: CharacterUnit): (token: string) => string[] {
  if (unit === 'code-point') return (token) => Array.from(spellingOf(token));
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (token) => Array.from(graphemes.segment(spellingOf(token)), ({ segment }) => segment);
}

/**
 * Whether a word can contain this as one character: in normal form, and a single code point. Which code points form one grapheme depends on
 * the version of Unicode, but in no version do two ASCII characters form one.
 */
export function isCharacter(text: string, unit: CharacterUnit): boolean {
  if (normalForm(text) !== text || spellingOf(text) !== text) return false;
  return unit === 'code-point' ? Array.from(text).length === 1 : text !== '' && !/[!-~]{2}/.test(text);
}

/** The most equal characters in a row within a shape. */
const LONGEST_RUN = 4;

/**
 * Returns the shape of a word: `X` for a capital letter, `x` for any other letter, `d` for a digit or another number, nothing for a
 * combining mark, everything else as it is. Five or more equal characters in a row are cut to four.
 *
 *     Kongehuset → Xxxxx     1980'erne → dddd'xxxx     EU → XX     U.S. → X.X.     ภาษา → xxxx
 *
 * (After the `shape` of spaCy, which treats marks and numbers differently.)
 */
export function shapeOf(token: string): string {
  let shape = '';
  let last = '';
  let run = 0;
  for (const character of spellingOf(token)) {
    const form = formOf(character);
    if (form === '') continue;
    run = form === last ? run + 1 : 1;
    last = form;
    if (run <= LONGEST_RUN) shape += form;
  }
  return shape;
}

function formOf(character: string): string {
  if (/[\p{Lu}\p{Lt}]/u.test(character)) return 'X';
  if (/\p{L}/u.test(character)) return 'x';
  if (/\p{N}/u.test(character)) return 'd';
  return /\p{M}/u.test(character) ? '' : character;
}
