/**
 * Splits one corpus into three parts, drawn with a seed. Sentences with a category are drawn per category, so that each part has about the
 * same shares as the whole (stratified); others are drawn from all sentences.
 */
import { expectRecord } from '../../tensor/arguments.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { createRng } from '../../tensor/random.js';
import { expectCorpus } from '../checks.js';
import { compareCodePoints } from './lists.js';
import type { Sentence } from './sentence.js';

/** Percent of the sentences in each part; together 100. */
export interface SplitShares {
  readonly train: number;
  readonly dev: number;
  readonly test: number;
}

/** The parts, each in the order of the input. A part of 0 % is empty. */
export interface SplitParts {
  readonly train: Sentence[];
  readonly dev: Sentence[];
  readonly test: Sentence[];
}

const PARTS = ['train', 'dev', 'test'] as const;

/**
 * Splits sentences. The same sentences, shares and seed give the same parts.
 *
 * @throws ArgumentError if the shares are not percentages that add up to 100, or the share of training is 0
 * @throws DataError if there are too few sentences for every requested part
 */
export function splitSentences(sentences: readonly Sentence[], shares: SplitShares, seed = 1): SplitParts {
  expectCorpus('split', 'sentences', sentences);
  checkShares(shares);
  const rng = createRng(seed).split('split');
  const strata = new Map<string, number[]>();
  sentences.forEach(({ category = '' }, place) => {
    const places = strata.get(category);
    if (places) places.push(place);
    else strata.set(category, [place]);
  });
  const part = new Uint8Array(sentences.length);
  for (const name of [...strata.keys()].sort(compareCodePoints)) {
    const places = strata.get(name)!;
    rng.split(name).shuffle(places);
    // Rounded up in favor of training first, then of dev, so that a category with one sentence can be learned.
    const toDev = Math.round((places.length * shares.train) / 100);
    const toTest = Math.round((places.length * (shares.train + shares.dev)) / 100);
    places.forEach((place, i) => (part[place] = i < toDev ? 0 : i < toTest ? 1 : 2));
  }
  const [train, dev, test] = PARTS.map((_, p) => sentences.filter((_sentence, place) => part[place] === p));
  const parts = { train, dev, test };
  const empty = PARTS.find((name) => shares[name] > 0 && parts[name].length === 0);
  if (empty === undefined) return parts;
  const count = `${sentences.length} ${sentences.length === 1 ? 'sentence' : 'sentences'}`;
  throw new DataError(`split: ${count} leave none for ${empty}: add sentences, or choose other shares`);
}

function checkShares(shares: SplitShares): void {
  expectRecord('split', 'shares', shares, 'percentages, { train, dev, test }');
  const numbers = PARTS.map((name) => shares[name]);
  const valid = numbers.every((share) => Number.isFinite(share) && share >= 0) && shares.train > 0;
  if (valid && Math.abs(numbers.reduce((sum, share) => sum + share, 0) - 100) < 1e-9) return;
  throw new ArgumentError(
    `split: shares must be percentages for train/dev/test that add up to 100, such as 80/10/10, with some for train; got ${numbers.map(show).join('/')}`,
  );
}
