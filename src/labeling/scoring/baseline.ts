/** The baseline that every tagger has to beat: each word's most frequent training tag, regardless of context. */
import { expectIterable, expectSentence, expectWords } from '../checks.js';
import { DataError } from '../../tensor/errors.js';
import type { Sentence } from '../data/sentence.js';
import { labelsOf } from '../data/labels.js';
import { UNLABELED } from '../data/unlabeled.js';

/** Tags each word independently. */
export interface Baseline {
  /** One label per token. */
  predict(tokens: readonly string[]): string[];
}

/**
 * Trains the most-frequent-tag baseline: a word that occurs in training gets its most frequent tag there, any other word the most frequent
 * tag of all training tokens. Ties go to the tag that occurs first. Words are compared exactly as written.
 *
 * @throws DataError if there are no labeled sentences
 */
export function mostFrequentTag(train: Iterable<Sentence>): Baseline {
  expectIterable('mostFrequentTag', 'train', train, 'sentences');
  const overall = new Map<string, number>();
  const byWord = new Map<string, Map<string, number>>();
  let place = 0;
  for (const sentence of train) {
    expectSentence('mostFrequentTag', `train[${place++}]`, sentence);
    labelsOf(sentence).forEach((label, i) => {
      if (label === UNLABELED) return;
      const counts = byWord.get(sentence.tokens[i]) ?? new Map<string, number>();
      byWord.set(sentence.tokens[i], counts);
      for (const each of [overall, counts]) each.set(label, (each.get(label) ?? 0) + 1);
    });
  }
  if (overall.size === 0) throw new DataError('expected training sentences with labels; got none: check the input');
  const commonest = mostFrequent(overall);
  const tags = new Map([...byWord].map(([word, counts]) => [word, mostFrequent(counts)]));
  return {
    predict(tokens) {
      expectWords('mostFrequentTag', 'tokens', tokens);
      return tokens.map((token) => tags.get(token) ?? commonest);
    },
  };
}

/** A map keeps insertion order and the sort is stable, so ties go to the tag that occurs first. */
function mostFrequent(counts: ReadonlyMap<string, number>): string {
  return [...counts].sort(([, m], [, n]) => n - m)[0][0];
}
