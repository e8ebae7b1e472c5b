/** Sentences that occur again: inside of a corpus, and in another one, where a score would count what was learned by heart. */
import type { Sentence } from '../../labeling/data/sentence.js';
import { exactKey, foldedKey } from './same-text.js';

/** A sentence and where it stands. */
export interface Placed {
  /** What stands before the line number. */
  readonly file: string;
  readonly sentence: Sentence;
}

/** A place, as it is listed. */
export interface Place {
  readonly file: string;
  readonly line: number | null;
}

/** A repetition and what it repeats. */
export interface Repeated extends Place {
  readonly same: Place;
  readonly exact: boolean;
  readonly tokens: number;
  readonly text: string;
}

/** The repetitions of a corpus in itself, or in an earlier one. */
export interface Repetitions {
  /** Sentences that are, token by token, one that was met before, or one of the other corpus. */
  readonly exact: number;
  /** The same after normalization to NFC and case folding; the exact ones are among them. */
  readonly folded: number;
  /** Sentences of the corpus. */
  readonly sentences: number;
  /** The longest of them, which are the least likely to be chance. */
  readonly shown: readonly Repeated[];
}

/** Where a placed sentence stands. */
export const placeOf = ({ file, sentence: { line } }: Placed): Place => ({ file, line: line ?? null });

/**
 * The sentences of a corpus that repeat one of `others`, or, without these, an earlier one of the corpus itself.
 *
 * @param most how many are listed
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
