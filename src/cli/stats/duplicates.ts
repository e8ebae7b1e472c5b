/** Repeated sentences: within a corpus, and between corpora, where a score would count memorized sentences. */
import type { Sentence } from '../../labeling/data/sentence.js';
import { exactKey, foldedKey } from './same-text.js';

/** A sentence and its location. */
export interface Placed {
  /** The prefix of the line number. */
  readonly file: string;
  readonly sentence: Sentence;
}

/** A location in listed form. */
export interface Place {
  readonly file: string;
  readonly line: number | null;
}

/** A repetition and the sentence that it repeats. */
export interface Repeated extends Place {
  readonly same: Place;
  readonly exact: boolean;
  readonly tokens: number;
  readonly text: string;
}

/** The repetitions of a corpus, within itself or from an earlier corpus. */
export interface Repetitions {
  /** Number of sentences that equal, token by token, an earlier sentence, or a sentence of the other corpus. */
  readonly exact: number;
  /** The same after normalization to NFC and case folding; includes the exact ones. */
  readonly folded: number;
  /** Number of sentences in the corpus. */
  readonly sentences: number;
  /** The longest repetitions, which are least likely to be coincidence. */
  readonly shown: readonly Repeated[];
}

/** Location of a placed sentence. */
export const placeOf = ({ file, sentence: { line } }: Placed): Place => ({ file, line: line ?? null });

/**
 * The sentences of a corpus that repeat one of `others`, or, if `others` is absent, an earlier one of the corpus itself.
 *
 * @param most maximum number listed
 */
export function repetitionsIn(corpus: readonly Placed[], most: number, others?: readonly Placed[]): Repetitions {
  const exact = firstBy(others ?? corpus, exactKey);
  const folded = firstBy(others ?? corpus, foldedKey);
  const found: Repeated[] = [];
  for (const placed of corpus) {
    const { tokens } = placed.sentence;
    const [twin, like] = [exact.get(exactKey(tokens))!, folded.get(foldedKey(tokens))!];
    const same = twin !== undefined && twin !== placed ? twin : like;
    if (same === undefined || same === placed) continue;
    const place = { ...placeOf(placed), same: placeOf(same) };
    found.push({ ...place, exact: same === twin, tokens: tokens.length, text: tokens.join(' ') });
  }
  return {
    exact: found.filter(({ exact: whole }) => whole).length,
    folded: found.length,
    sentences: corpus.length,
    shown: found.sort((a, b) => b.tokens - a.tokens).slice(0, most),
  };
}

function firstBy(corpus: readonly Placed[], keyOf: (tokens: readonly string[]) => string): Map<string, Placed> {
  const first = new Map<string, Placed>();
  for (const placed of corpus) {
    const key = keyOf(placed.sentence.tokens);
    if (!first.has(key)) first.set(key, placed);
  }
  return first;
}
