/** Counts of spans, sentence by sentence: over all, by type, by length of the sentence, with and without words unknown in training. */
import { compareCodePoints } from '../data/lists.js';
import type { Scheme } from '../data/schemes.js';
import { convertPartial, UNLABELED } from '../data/unlabeled.js';
import { bucketOf, LENGTH_BUCKETS } from './lengths.js';
import type { Counts, MacroAverage, PrecisionRecall } from './precision-recall.js';
import { macroAverage, noCounts, precisionRecall } from './precision-recall.js';
import type { MistakeKind } from './span-mistakes.js';
import { MISTAKE_KINDS, spanMistakes } from './span-mistakes.js';
import type { Span, SpanKind } from './spans.js';
import { insideOf, spansOf } from './spans.js';
import { strictSpansOf } from './strict.js';

/**
 * How spans are read from labels.
 *
 * - `conlleval`: a span starts at B, S or U, and at any label that cannot continue the one before (I after O, or after another type).
 *   The rule of the CoNLL shared tasks, which never fails.
 * - `strict`: only spans that are well-formed in their scheme count, as in the strict mode of seqeval.
 * - `repair`: labels, gold and predicted, are first written anew in their scheme, as `convertLabels` repairs them. Its spans are those
 *   of conlleval; what changes are accuracies and the scores of labels.
 */
export const SPAN_MODES = ['conlleval', 'strict', 'repair'] as const;
/** Name of a mode. @useDeclaredType */
export type SpanMode = (typeof SPAN_MODES)[number];

/** Scores of spans: a span is right if its type and both its ends are. The totals are the micro average. */
export interface SpanScores extends PrecisionRecall {
  /** How spans were read. */
  readonly mode: SpanMode;
  /** The scheme that labels were judged by; null for conlleval, which needs none. */
  readonly scheme: Scheme | null;
  /** What labels stand for spans: a position and a type (`typed`), a position alone (`bare`), or every label (`plain`). */
  readonly kind: SpanReader['kind'];
  readonly types: Readonly<Record<string, PrecisionRecall>>;
  /** Unweighted means over the types that occurred, as gold or as prediction. */
  readonly macro: MacroAverage;
  /** Spans whose words all occurred in training, and spans that hold one that did not; null where it is unknown which they are. */
  readonly known: PrecisionRecall | null;
  readonly oov: PrecisionRecall | null;
  /** Mistakes by their kind; see `spanMistakes`. */
  readonly mistakes: Readonly<Record<MistakeKind, number>>;
  /**
   * Labels that break the scheme: of `strict` those beside `O` that stand in no well-formed span, of `repair` those that were
   * changed; null for conlleval.
   */
  readonly illFormed: { readonly gold: number; readonly predicted: number } | null;
  /**
   * Labels that were added and are neither `O` nor of the kind (`0`, `o`, `b-per`), in code-point order: they count as outside of
   * every span. Empty where `spans: true` asked for the plain rule, by which such a label is a type of its own.
   */
  readonly outside: readonly string[];
}

/** How labels of one task become spans. */
export interface SpanReader {
  readonly mode: SpanMode;
  readonly scheme: Scheme | null;
  /** What labels stand for spans: `plain`, every label; else those of a kind, the others are outside. */
  readonly kind: SpanKind | 'plain';
}

const outsideGaps = (label: string): string => (label === UNLABELED ? 'O' : label);

/** The spans of a sentence as a reader has them. */
export function spansBy({ mode, scheme, kind }: SpanReader, labels: readonly string[]): Span[] {
  const inside = kind === 'plain' ? labels.map(outsideGaps) : labels.map(insideOf(kind));
  return mode === 'strict' && scheme !== null ? strictSpansOf(inside, scheme) : spansOf(inside);
}

/**
 * The spans of a sentence, gold and predicted, that are scored. A token without a gold label leaves open how far a span reaches, so spans
 * that hold one, or border on one, count in neither list.
 *
 * @param gold labels as the mode scores them, `''` for a token without one; likewise `predicted`
 */
export function spanPair(
  reader: SpanReader,
  gold: readonly string[],
  predicted: readonly string[],
): { readonly gold: Span[]; readonly predicted: Span[] } {
  const pair = { gold: spansBy(reader, gold), predicted: spansBy(reader, predicted) };
  if (!gold.includes(UNLABELED)) return pair;
  const isSure = ({ start, end }: Span): boolean => !gold.slice(Math.max(0, start - 1), end + 1).includes(UNLABELED);
  return { gold: pair.gold.filter(isSure), predicted: pair.predicted.filter(isSure) };
}

/** The labels of a sentence as a mode scores them: as they are, or repaired. */
export function labelsBy({ mode, scheme }: Omit<SpanReader, 'kind'>, labels: readonly string[]): readonly string[] {
  return mode === 'repair' && scheme !== null ? convertPartial(labels, scheme, scheme).labels : labels;
}

/** What one sentence brings. */
export interface SpanSentence {
  /** As they were added, and as the mode scores them. */
  readonly gold: readonly string[];
  readonly predicted: readonly string[];
  readonly scoredGold: readonly string[];
  readonly scoredPredicted: readonly string[];
  /** Whether each token never occurred in training; undefined if that is unknown. */
  readonly oov?: readonly boolean[];
  readonly length: number;
}

/** Counts that grow. */
export interface SpanCounts {
  add(sentence: SpanSentence): void;
  /** @param outside see SpanScores */
  scores(outside: readonly string[]): SpanScores;
  /** By the buckets of lengths. */
  lengths(): readonly PrecisionRecall[];
}

/** No spans counted yet. */
export function createSpanCounts(reader: SpanReader): SpanCounts {
  const types = new Map<string, Counts>();
  const sides = { known: noCounts(), oov: noCounts() };
  const lengths = LENGTH_BUCKETS.map(noCounts);
  const mistakes = Object.fromEntries(MISTAKE_KINDS.map((kind) => [kind, 0])) as Record<MistakeKind, number>;
  const illFormed = { gold: 0, predicted: 0 };
  let split = false;
  return {
    add({ scoredGold, scoredPredicted, oov, length, ...raw }) {
      split ||= oov !== undefined;
      const { gold, predicted } = spanPair(reader, scoredGold, scoredPredicted);
      const countersOf = (span: Span): Counts[] => [
        counterOf(types, span.type),
        lengths[bucketOf(length)],
        oov?.slice(span.start, span.end).includes(true) ? sides.oov : sides.known,
      ];
      for (const span of gold) for (const counts of countersOf(span)) counts.gold++;
      for (const span of predicted) for (const counts of countersOf(span)) counts.predicted++;
      for (const span of rightOnes(gold, predicted)) for (const counts of countersOf(span)) counts.correct++;
      for (const { kind } of spanMistakes(gold, predicted)) mistakes[kind]++;
      illFormed.gold += illFormedIn(reader, raw.gold, scoredGold);
      illFormed.predicted += illFormedIn(reader, raw.predicted, scoredPredicted);
    },
    scores(outside) {
      const ordered = [...types].sort(([v], [w]) => compareCodePoints(v, w));
      const byType = ordered.map(([type, counts]) => [type, precisionRecall(counts)] as const);
      return {
        mode: reader.mode,
        scheme: reader.mode === 'conlleval' ? null : reader.scheme,
        kind: reader.kind,
        ...precisionRecall(sumOf(types.values())),
        types: Object.fromEntries(byType),
        macro: macroAverage(byType.map(([, each]) => each)),
        known: split ? precisionRecall(sides.known) : null,
        oov: split ? precisionRecall(sides.oov) : null,
        mistakes: { ...mistakes },
        illFormed: reader.mode === 'conlleval' ? null : { ...illFormed },
        outside,
      };
    },
    lengths: () => lengths.map(precisionRecall),
  };
}

function counterOf(counts: Map<string, Counts>, key: string): Counts {
  const entry = counts.get(key) ?? noCounts();
  counts.set(key, entry);
  return entry;
}

function sumOf(counts: Iterable<Counts>): Counts {
  const total = noCounts();
  for (const { correct, predicted, gold } of counts) {
    total.correct += correct;
    total.predicted += predicted;
    total.gold += gold;
  }
  return total;
}

/** Predicted spans that are gold ones. */
function rightOnes(gold: readonly Span[], predicted: readonly Span[]): Span[] {
  const atStart = new Map(gold.map((span) => [span.start, span]));
  return predicted.filter(({ type, start, end }) => {
    const match = atStart.get(start);
    return match !== undefined && match.end === end && match.type === type;
  });
}

/** Labels of a sentence that break the scheme. */
function illFormedIn(reader: SpanReader, raw: readonly string[], scored: readonly string[]): number {
  const { mode, kind } = reader;
  if (mode === 'repair') return raw.filter((label, t) => label !== scored[t]).length;
  if (mode === 'conlleval') return 0;
  const covered = spansBy(reader, scored).reduce((sum, { start, end }) => sum + end - start, 0);
  const inside = kind === 'plain' ? raw : raw.map(insideOf(kind));
  return inside.filter((label) => label !== 'O' && label !== UNLABELED).length - covered;
}
