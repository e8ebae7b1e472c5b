/** What the swap test puts in a word's place. */
import { UNKNOWN } from '../labeling/data/vocabulary.js';
import { argmaxRows } from '../tensor/rows.js';
import { studyOf } from './study.js';
import type { Study } from './study.js';
import type { ReplacementRule } from './trace.js';

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
export function replacementsFor(study: Study, given?: readonly string[]): Replacement[] {
  return study.tokens.map((token, k): Replacement => {
    if (given !== undefined) return { word: given[k], rule: 'given' };
    const number = otherNumber(study, token);
    if (number !== undefined) return { word: number, rule: 'number' };
    const alike = sameLabel(study, k);
    return alike === undefined ? { word: UNKNOWN, rule: 'unknown' } : { word: alike, rule: 'same-label' };
  });
}

function otherNumber({ model }: Study, token: string): string | undefined {
  const candidates = token.endsWith('s') ? [token.slice(0, -1)] : [`${token}s`];
  return candidates.find((word) => word !== '' && model.words.known(word) && model.words.lookup(word) !== 0);
}

/** The label a word gets, in its own row; that of the sentence where it is the sentence that is labeled. */
function sameLabel(study: Study, k: number): string | undefined {
  const { kernels, model, head, tokens, logits } = study;
  const { name } = model.config.heads[head];
  const row = logits.shape[0] === tokens.length && model.heads[head].kind.unit === 'token' ? k : 0;
  const label = argmaxRows(logits)[row];
  return model.words.words
    .slice(1, 1 + TRIED)
    .filter((word) => model.words.lookup(word) !== model.words.lookup(tokens[k]))
    .find((word) => {
      const other = tokens.map((each, place) => (place === k ? word : each));
      return argmaxRows(studyOf(kernels, model, { tokens: other }, name).logits)[row] === label;
    });
}
