/** Counts spans sentence by sentence: in total, by type, by sentence length, with and without words unknown in training. */
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
 * - `conlleval`: a span starts at B, S or U, and at any label that cannot continue the previous one (I after O, or after another type).
 *   The rule of the CoNLL shared tasks, which never fails.
 * - `strict`: only spans that are well-formed in their scheme count, as in the strict mode of seqeval.
 * - `repair`: gold and predicted labels are first rewritten in their scheme, as `convertLabels` repairs them. The spans are those of
 *   conlleval, but accuracies and label scores change.
 */
export const SPAN_MODES = ['conlleval', 'strict', 'repair'] as const;
/** Name of a mode. @useDeclaredType */
export type SpanMode = (typeof SPAN_MODES)[number];

/** Scores of spans: a span is right if its type and both its ends are. The totals are the micro average. */
export interface SpanScores extends PrecisionRecall {
  /** How spans were read. */
  readonly mode: SpanMode;
  /** The scheme against which labels were checked; null for conlleval, which needs none. */
  readonly scheme: Scheme | null;
  /** Which labels represent spans: a position and a type (`typed`), only a position (`bare`), or every label (`plain`). */
  readonly kind: SpanReader['kind'];
  readonly types: Readonly<Record<string, PrecisionRecall>>;
  /** Unweighted means over the types that occurred, as gold or as prediction. */
  readonly macro: MacroAverage;
  /**
   * Scores of spans whose words all occurred in training, and of spans with at least one word that did not; null if it is unknown which
   * words did.
   */
  readonly known: PrecisionRecall | null;
  readonly oov: PrecisionRecall | null;
  /** Mistakes by kind; see `spanMistakes`. */
  readonly mistakes: Readonly<Record<MistakeKind, number>>;
  /**
   * Labels that violate the scheme: for `strict` those other than `O` that are in no well-formed span, for `repair` those that were
   * changed; null for conlleval.
   */
  readonly illFormed: { readonly gold: number; readonly predicted: number } | null;
  /**
   * Labels that were added and are neither `O` nor of the kind (`0`, `o`, `b-per`), in code-point order: they count as outside every span.
   * Empty if `spans: true` requested the plain rule, by which each such label is a type.
   */
  readonly outside: readonly string[];
}

/** How labels of one task are turned into spans. */
export interface SpanReader {
  readonly mode: SpanMode;
  readonly scheme: Scheme | null;
  /** Which labels represent spans: `plain`, every label; otherwise only those of a kind, and the others are outside. */
  readonly kind: SpanKind | 'plain';
}

const outsideGaps = (label: string): string => (label === UNLABELED ? 'O' : label);

/** Reads the spans of a sentence. */
export function spansBy({ mode, scheme, kind }: SpanReader, labels: readonly string[]): Span[] {
  const inside = kind === 'plain' ? labels.map(outsideGaps) : labels.map(insideOf(kind));
  return mode === 'strict' && scheme !== null ? strictSpansOf(inside, scheme) : spansOf(inside);
}

/**
 * Returns the gold and predicted spans of a sentence that are scored. A token without a gold label leaves the extent of adjacent spans
 * unknown, so spans that contain or border on one count in neither list.
 *
 * @param gold labels as the mode scores them, `''` for a token without one; `predicted` likewise
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

/** Returns the labels of a sentence as a mode scores them: unchanged, or repaired. */
export function labelsBy({ mode, scheme }: Omit<SpanReader, 'kind'>, labels: readonly string[]): readonly string[] {
  return mode === 'repair' && scheme !== null ? convertPartial(labels, scheme, scheme).labels : labels;
}

/** The labels and tokens of one sentence. */
export interface SpanSentence {
  /** As they were added, and as the mode scores them. */
  readonly gold: readonly string[];
  readonly predicted: readonly string[];
  readonly scoredGold: readonly string[];
  readonly scoredPredicted: readonly string[];
  /** Whether each token is absent from training; undefined if unknown. */
  readonly oov?: readonly boolean[];
  readonly length: number;
}

/** Running counts. */
export interface SpanCounts {
  add(sentence: SpanSentence): void;
  /** @param outside see SpanScores */
  scores(outside: readonly string[]): SpanScores;
  /** By length bucket. */
  lengths(): readonly PrecisionRecall[];
}

/** Returns empty counts. */
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

/** Predicted spans that equal a gold span. */
function rightOnes(gold: readonly Span[], predicted: readonly Span[]): Span[] {
  const atStart = new Map(gold.map((span) => [span.start, span]));
  return predicted.filter(({ type, start, end }) => {
    const match = atStart.get(start);
    return match !== undefined && match.end === end && match.type === type;
  });
}

/** Labels of a sentence that violate the scheme. */
function illFormedIn(reader: SpanReader, raw: readonly string[], scored: readonly string[]): number {
  const { mode, kind } = reader;
  if (mode === 'repair') return raw.filter((label, t) => label !== scored[t]).length;
  if (mode === 'conlleval') return 0;
  const covered = spansBy(reader, scored).reduce((sum, { start, end }) => sum + end - start, 0);
  const inside = kind === 'plain' ? raw : raw.map(insideOf(kind));
  return inside.filter((label) => label !== 'O' && label !== UNLABELED).length - covered;
}
