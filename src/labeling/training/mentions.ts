/**
 * Mentions, the tokens of spans, and their replacements in training. Names are new more often than known, and a model that sees a name in
 * only one sentence memorizes the name instead of learning from its context.
 *
 * Mentions are of one kind if their tokens have the same labels, in all heads, so a swap keeps every label correct. A made-up word combines
 * two words with the same labels: the beginning of one and the end of the other, with about the length and the case of the first.
 *
 *     Ireland, Montana → Irana        BBC, ESPN → BPN        the → the (short words stay)
 *
 * Source: Dai & Adel, An Analysis of Simple Data Augmentation for Named Entity Recognition (COLING 2020): mention replacement, and
 * replacement of tokens by others with the same label.
 */
import { createRng } from '../../tensor/random.js';
import type { Rng } from '../../tensor/random.js';
import { DataError } from '../../tensor/errors.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { Sentence } from '../data/sentence.js';
import { spanSchemeOf, spansOf } from '../scoring/spans.js';

/** A mention of a sentence. */
export interface Mention {
  /** Its first token. */
  readonly start: number;
  /** Index into `Mentions.kinds`. */
  readonly kind: number;
}

/** Mentions with the same labels. */
export interface MentionKind {
  /** The sentence and the first token of each source; the sources differ in their words. */
  readonly sources: readonly (readonly [sentence: number, start: number])[];
  /** For each token the pool of made-up words, an index into `Mentions.pools`. */
  readonly pools: readonly number[];
}

/** The mentions of training sentences: plain data. */
export interface Mentions {
  /** Mentions per sentence. */
  readonly of: readonly (readonly Mention[])[];
  readonly kinds: readonly MentionKind[];
  /** Made-up words, one list for each combination of labels of a token. */
  readonly pools: readonly (readonly string[])[];
}

/** A pool has four times as many words as it is made from, within limits. */
const [POOL_SHARE, LEAST, MOST] = [4, 200, 10_000];

/** Words up to this length are not split. */
const SHORT = 3;

/** One head that labels tokens. */
export interface TokenLabels {
  readonly labels: LabelVocabulary;
  /** Ids of each sentence, −1 for a token without a label. */
  readonly targets: readonly Int32Array[];
}

/**
 * Finds the mentions of sentences: the spans of the first head that has any.
 *
 * @param heads the heads that label tokens
 * @throws DataError if no labels annotate spans
 */
export function mentionsOf(
  sentences: readonly Sentence[],
  heads: readonly TokenLabels[],
  seed: number,
  source?: string,
): Mentions {
  const spans = heads.find(({ labels }) => spanSchemeOf(labels.labels).kind !== null);
  if (spans === undefined) {
    throw new DataError(
      `${source === undefined ? '' : `${source}: `}swapping mentions needs span labels, such as B-PER and O: leave it out (--augment-mentions, --preset ner), or choose another column (--column)`,
    );
  }
  const kinds = new Map<string, { place: number; sources: Map<string, [number, number]>; labels: string[] }>();
  const words = new Map<string, Set<string>>();
  const labelsAt = (s: number, t: number): string => heads.map(({ targets }) => targets[s][t]).join(' ');
  const of = sentences.map(({ tokens }, s) =>
    spansOf(namesOf(spans, s)).map(({ start, end }): Mention => {
      const own = tokens.slice(start, end);
      const labels = own.map((_, i) => labelsAt(s, start + i));
      const kind = found(kinds, labels.join(), () => ({ place: kinds.size, sources: new Map(), labels }));
      found(kind.sources, own.join('\t'), () => [s, start]);
      own.forEach((word, i) => found(words, labels[i], () => new Set<string>()).add(word));
      return { start, kind: kind.place };
    }),
  );
  const order = [...words.keys()];
  return {
    of,
    kinds: [...kinds.values()].map(({ sources, labels }) => ({
      sources: [...sources.values()],
      pools: labels.map((each) => order.indexOf(each)),
    })),
    pools: order.map((labels) => madeUp([...words.get(labels)!], createRng(seed).split('mentions').split(labels))),
  };
}

/** Names of the labels of a sentence; a token without one counts as outside. */
function namesOf({ labels, targets }: TokenLabels, s: number): string[] {
  return Array.from(targets[s], (id) => (id < 0 ? 'O' : labels.labels[id]));
}

/** Returns the value of a key, creating it if it is missing. */
function found<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** Makes words, each from two words of a list. */
function madeUp(words: readonly string[], rng: Rng): string[] {
  const count = Math.min(MOST, Math.max(LEAST, POOL_SHARE * words.length));
  const letters = words.map((word) => Array.from(word));
  return Array.from({ length: count }, () =>
    joined(letters[rng.integer(words.length)], letters[rng.integer(words.length)], rng),
  );
}

/** Joins the beginning of a word and the end of another, given as characters. */
function joined(first: readonly string[], second: readonly string[], rng: Rng): string {
  if (first.length < SHORT || second.length < SHORT) return first.join('');
  const cut = 1 + rng.integer(first.length - 1);
  const tail = Math.max(1, first.length - cut + rng.integer(3) - 1);
  const [head, end] = [first.slice(0, cut).join(''), second.slice(Math.max(1, second.length - tail)).join('')];
  const word = first.join('');
  return head + (word === word.toUpperCase() ? end.toUpperCase() : end.toLowerCase());
}
