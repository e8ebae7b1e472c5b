/** Chooses the replacements for the swap test. */
import { UNKNOWN } from '../labeling/data/vocabulary.js';
import { argmaxRows } from '../tensor/rows.js';
import type { InspectOptions } from './options.js';
import type { Study } from './study.js';
import type { ReplacementRule } from './trace.js';
import { logitsAt, logitsOf, readVariants, vectorsOf } from './variants.js';

/** A word, and the rule that chose it. */
export interface Replacement {
  readonly word: string;
  readonly rule: ReplacementRule;
}

/** Number of most frequent words to try. */
const TRIED = 40;

/**
 * Returns one replacement per word: the given one; else the same noun or verb in the other number, if it is in the vocabulary
 * (English -s); else the most frequent word that gets the same label in this position; else the unknown word.
 */
export function replacementsFor(
  study: Study,
  given?: readonly string[],
  onProgress?: InspectOptions['onProgress'],
): Replacement[] {
  return study.tokens.map((token, k): Replacement => {
    if (k % 16 === 0) onProgress?.({ part: 'replacements', done: k, total: study.tokens.length });
    if (given !== undefined) return { word: given[k], rule: 'given' };
    const number = otherNumber(study, token);
    if (number !== undefined) return { word: number, rule: 'number' };
    const alike = sameLabel(study, k);
    return alike === undefined ? { word: unknownWord(study), rule: 'unknown' } : { word: alike, rule: 'same-label' };
  });
}

/**
 * The unknown word. An encoder that reads characters would see five characters in `<unk>`; a word with no characters is unknown
 * to every encoder.
 */
function unknownWord({ model }: Study): string {
  return model.readers.every(({ vocabulary }) => vocabulary) ? UNKNOWN : '';
}

function otherNumber({ model }: Study, token: string): string | undefined {
  const candidates = token.endsWith('s') ? [token.slice(0, -1)] : [`${token}s`];
  return candidates.find((word) => word !== '' && model.words.known(word) && model.words.lookup(word) !== 0);
}

/** The sentence with another word at one position. */
export const withWord = (tokens: readonly string[], k: number, word: string): string[] =>
  tokens.map((each, place) => (place === k ? word : each));

/** Number of candidates run at once: one of the first usually qualifies. */
const TOGETHER = 8;

/** The label of a word, from its own row, or of the sentence if sentences are labeled. */
function sameLabel(study: Study, k: number): string | undefined {
  const { model, head, tokens, logits } = study;
  const byWord = logits.shape[0] === tokens.length && model.heads[head].kind.unit === 'token';
  const label = argmaxRows(logits)[byWord ? k : 0];
  const words = model.words.words
    .slice(1, 1 + TRIED)
    .filter((word) => model.words.lookup(word) !== model.words.lookup(tokens[k]));
  for (let from = 0; from < words.length; from += TOGETHER) {
    const tried = words.slice(from, from + TOGETHER);
    const vectors = tried.map((word) => vectorsOf(study, withWord(tokens, k, word)));
    const rows = byWord ? logitsAt(study, k, vectors) : logitsOf(readVariants(study, vectors), 0);
    const found = rows.findIndex((row) => largest(row) === label);
    if (found >= 0) return tried[found];
  }
  return undefined;
}

/** Index of the first largest number. */
const largest = (row: readonly number[]): number => row.reduce((best, each, i) => (each > row[best] ? i : best), 0);
