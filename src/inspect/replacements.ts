/** What the swap test puts in a word's place. */
import { UNKNOWN } from '../labeling/data/vocabulary.js';
import { argmaxRows } from '../tensor/rows.js';
import type { InspectOptions } from './options.js';
import type { Study } from './study.js';
import type { ReplacementRule } from './trace.js';
import { logitsAt, logitsOf, readVariants, vectorsOf } from './variants.js';

/** A word, and why this one. */
export interface Replacement {
  readonly word: string;
  readonly rule: ReplacementRule;
}

/** How many of the commonest words are tried. */
const TRIED = 40;

/**
 * One replacement per word: the one given; else the same noun or verb in the other number, where the model knows it (English -s); else
 * the commonest of its words that gets the same label in this very place; else the unknown word.
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

/** The unknown word. To an encoder that spells, `<unk>` would be five characters like others; a word without any is unknown to all. */
function unknownWord({ model }: Study): string {
  return model.readers.every(({ vocabulary }) => vocabulary) ? UNKNOWN : '';
}

function otherNumber({ model }: Study, token: string): string | undefined {
  const candidates = token.endsWith('s') ? [token.slice(0, -1)] : [`${token}s`];
  return candidates.find((word) => word !== '' && model.words.known(word) && model.words.lookup(word) !== 0);
}

/** The sentence with another word at one place. */
export const withWord = (tokens: readonly string[], k: number, word: string): string[] =>
  tokens.map((each, place) => (place === k ? word : each));

/** How many of them are read at once: the first ones usually do. */
const TOGETHER = 8;

/** The label a word gets, in its own row; that of the sentence where it is the sentence that is labeled. */
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

/** The place of the first largest number. */
const largest = (row: readonly number[]): number => row.reduce((best, each, i) => (each > row[best] ? i : best), 0);
