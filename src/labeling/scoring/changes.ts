/** Finds the sentences that two systems label differently, and which system is closer to the gold labels there. */
import type { Sentence } from '../data/sentence.js';
import { UNLABELED } from '../data/unlabeled.js';
import type { Counts } from './precision-recall.js';
import type { SpanReader } from './span-counts.js';
import { labelsBy, spanPair } from './span-counts.js';

/** Kinds of changes from a to b: b makes fewer mistakes, more mistakes, or different mistakes in equal number. */
export const CHANGE_KINDS = ['better', 'worse', 'both-wrong'] as const;
/** Kind of a change. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** The output of two systems for one sentence. */
export interface Answered {
  /** The sentence with its gold labels. */
  readonly sentence: Sentence;
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** A sentence that is labeled differently. */
export interface Change {
  /** Index of the sentence, counted from 0. */
  readonly place: number;
  readonly kind: ChangeKind;
  /** Mistakes of each system: missed or spurious spans if there are spans, otherwise wrong labels. */
  readonly mistakes: { readonly a: number; readonly b: number };
  /** Indices of the tokens that are labeled differently, counted from 0. */
  readonly tokens: readonly number[];
}

/** Counts labels in one sentence: as many predictions as there are gold labels, so that their F1 is the accuracy. Unlabeled tokens are ignored. */
export function labelCounts(gold: readonly string[], labels: readonly string[]): Counts {
  const given = gold.filter((label) => label !== UNLABELED).length;
  return { correct: given - wrongLabels(gold, labels), predicted: given, gold: given };
}

/** Counts spans in one sentence. */
export function spanCountsOf(reader: SpanReader, gold: readonly string[], labels: readonly string[]): Counts {
  const { gold: wanted, predicted: found } = spanPair(reader, labelsBy(reader, gold), labelsBy(reader, labels));
  const keys = new Set(wanted.map(({ type, start, end }) => JSON.stringify([type, start, end])));
  const correct = found.filter(({ type, start, end }) => keys.has(JSON.stringify([type, start, end]))).length;
  return { correct, predicted: found.length, gold: wanted.length };
}

/** Counts the tokens whose gold label differs from the predicted one. */
const wrongLabels = (gold: readonly string[], labels: readonly string[]): number =>
  gold.filter((label, t) => label !== UNLABELED && label !== labels[t]).length;

const mistakesOf = ({ correct, predicted, gold }: Counts): number => predicted + gold - 2 * correct;

/**
 * Returns the sentences that are labeled differently, in order. If spans are read, the number of span mistakes decides which system is
 * closer to the gold labels; ties are decided by wrong labels.
 */
export function changesOf(answered: readonly Answered[], reader: SpanReader | null): Change[] {
  return answered.flatMap(({ sentence, a, b }, place) => {
    const gold = sentence.labels ?? [];
    const tokens = a.flatMap((label, t) => (label === b[t] || gold[t] === UNLABELED ? [] : [t]));
    if (tokens.length === 0) return [];
    const wrong = [a, b].map((labels) => wrongLabels(gold, labels));
    const spans = [a, b].map((labels) => (reader ? mistakesOf(spanCountsOf(reader, gold, labels)) : 0));
    const order = Math.sign(spans[0] - spans[1]) || Math.sign(wrong[0] - wrong[1]);
    const kind: ChangeKind = order > 0 ? 'better' : order < 0 ? 'worse' : 'both-wrong';
    const [mistakesA, mistakesB] = reader ? spans : wrong;
    return [{ place, kind, mistakes: { a: mistakesA, b: mistakesB }, tokens }];
  });
}
