/** Scores predicted labels against gold labels, counted sentence by sentence. All scores are fractions in [0, 1]. */
import { expectKnownKeys, expectNonNegative, expectOneOf, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectTypes, expectWords } from '../checks.js';
import { compareCodePoints } from '../data/lists.js';
import type { Scheme } from '../data/schemes.js';
import { UNLABELED } from '../data/unlabeled.js';
import { SCHEMES } from '../data/schemes.js';
import { bucketOf, LENGTH_BUCKETS } from './lengths.js';
import type { MacroAverage, PrecisionRecall } from './precision-recall.js';
import { macroAverage, precisionRecall, ratio } from './precision-recall.js';
import type { SpanMode, SpanReader, SpanScores } from './span-counts.js';
import { createSpanCounts, labelsBy, SPAN_MODES } from './span-counts.js';
import type { SpanKind } from './spans.js';
import { insideOf, spanSchemeOf } from './spans.js';

export type { MacroAverage, PrecisionRecall } from './precision-recall.js';
export type { SpanMode, SpanScores } from './span-counts.js';

/** How often each gold label was predicted as each label. */
export interface Confusion {
  /** Every label that occurred, in code-point order. */
  readonly labels: readonly string[];
  /** `counts[g][p]`: tokens with gold label `labels[g]` and predicted label `labels[p]`. */
  readonly counts: readonly (readonly number[])[];
}

/** Scores of the sentences in a range of lengths. */
export interface LengthScores {
  /** The shortest and the longest length, in tokens; null if unbounded. */
  readonly from: number;
  readonly to: number | null;
  readonly sentences: number;
  /** Decisions: tokens, or sentences. */
  readonly tokens: number;
  readonly correct: number;
  readonly accuracy: number;
  /** Null if there are no spans. */
  readonly spans: PrecisionRecall | null;
}

/** All scores and counts. */
export interface Scores {
  /** The unit of decisions: every token's label, or every sentence's. `tokens`, `correct` and so on count such decisions. */
  readonly unit: 'token' | 'sentence';
  /** Those with a gold label. */
  readonly sentences: number;
  /** Likewise. */
  readonly tokens: number;
  /** Tokens, or sentences, without a gold label: they are excluded from everything else. */
  readonly unlabeled: number;
  readonly correct: number;
  /** Sentences whose labels are all right. */
  readonly correctSentences: number;
  /** Share of tokens that are right; 0 without tokens. */
  readonly accuracy: number;
  readonly knownTokens: number;
  /** Accuracy over the tokens that occurred in training; null if there are none, or if it is unknown which they are. */
  readonly knownAccuracy: number | null;
  readonly oovTokens: number;
  /** Accuracy over the tokens that did not occur in training; null if there are none, or if it is unknown which they are. */
  readonly oovAccuracy: number | null;
  readonly labels: Readonly<Record<string, PrecisionRecall>>;
  /** Unweighted mean of F1 over the labels that occurred, as gold or as prediction; 0 without any. */
  readonly macroF1: number;
  /** The same mean for precision, recall and F1. */
  readonly macro: MacroAverage;
  /** By sentence length, for the buckets that occurred. */
  readonly lengths: readonly LengthScores[];
  readonly confusion: Confusion;
  /** Null if the gold labels annotate no spans, as in part-of-speech tagging. */
  readonly spans: SpanScores | null;
  /** F1 over all spans, or null. */
  readonly spanF1: number | null;
}

/** Options of a scorer. */
export interface ScorerOptions {
  /** Whether a token occurred in training, for the split into known and OOV; usually `vocabulary.known`. */
  known?: (token: string) => boolean;
  /** Whether labels are spans. Default: decided by `labels`. */
  spans?: boolean;
  /** All labels of the task, which determine whether there are spans (`spanSchemeOf`). Default: the gold labels that were added. */
  labels?: readonly string[];
  /** The unit of decisions; default: tokens. */
  unit?: 'token' | 'sentence';
  /** How spans are read from labels; default `conlleval`. The other modes need `scheme`. */
  spanMode?: SpanMode;
  /** The scheme against which `strict` and `repair` check labels. */
  scheme?: Scheme;
}

const KEYS = keysOf<ScorerOptions>({
  known: true,
  spans: true,
  labels: true,
  unit: true,
  spanMode: true,
  scheme: true,
});

/** Counts one sentence after another. */
export interface Scorer {
  /**
   * @param gold `''` for a token without a label, which is skipped; see `spanPair` for the effect on spans
   * @param length of the sentence in tokens, if the lists are not per token; default: the length of the lists
   * @throws ArgumentError if the three lists differ in length
   */
  add(tokens: readonly string[], gold: readonly string[], predicted: readonly string[], length?: number): void;
  /** Scores of everything added so far. */
  scores(): Scores;
}

/** Returns a new scorer. @throws ArgumentError on an option outside its domain, and on a mode without its scheme */
export function createScorer(options: ScorerOptions = {}): Scorer {
  checkOptions(options);
  const { known, spans, labels: task, unit = 'token', spanMode: mode = 'conlleval', scheme = null } = options;
  const confusion = new Map<string, Map<string, number>>();
  const totals = createTotals(known);
  const counts = readersOf(options).map((kind) => ({ kind, of: createSpanCounts({ mode, scheme, kind }) }));
  const seen = new Set<string>(); // labels as added, because repairing may change them
  return {
    add(tokens, gold, predicted, length = tokens.length) {
      for (const [name, list] of Object.entries({ tokens, gold, predicted })) expectWords('scorer', name, list);
      checkLengths(tokens, gold, predicted);
      expectNonNegative('scorer', 'length', length);
      const scoredGold = labelsBy({ mode, scheme }, gold);
      const scoredPredicted = labelsBy({ mode, scheme }, predicted);
      for (const label of [...gold, ...predicted]) if (label !== UNLABELED) seen.add(label);
      countConfusion(confusion, scoredGold, scoredPredicted);
      const oov = totals.add(tokens, scoredGold, scoredPredicted, length);
      for (const { of } of counts) of.add({ gold, predicted, scoredGold, scoredPredicted, oov, length });
    },
    scores() {
      const { kind } = spanSchemeOf(task ?? confusion.keys());
      const wanted = spans === undefined ? kind : spans ? 'plain' : null;
      const found = counts.find((each) => each.kind === wanted)?.of;
      const isOutside = wanted === null || wanted === 'plain' ? () => false : outsideOf(wanted);
      const spanScores = found?.scores([...seen].filter(isOutside).sort(compareCodePoints)) ?? null;
      const { lengths, ...sums } = totals.scores();
      return {
        unit,
        ...sums,
        ...labelScores(confusion),
        lengths: lengthScores(lengths, found?.lengths()),
        spans: spanScores,
        spanF1: spanScores && spanScores.f1,
      };
    },
  };
}

function checkOptions(options: ScorerOptions): void {
  expectKnownKeys('createScorer', 'options', options, KEYS);
  expectTypes('createScorer', options, { known: 'function', spans: 'boolean' });
  if (options.labels !== undefined) expectWords('createScorer', 'labels', options.labels);
  const { unit = 'token', spanMode = 'conlleval', scheme } = options;
  expectOneOf('createScorer', 'unit', unit, ['token', 'sentence']);
  expectOneOf('createScorer', 'spanMode', spanMode, SPAN_MODES);
  if (scheme !== undefined) expectOneOf('createScorer', 'scheme', scheme, SCHEMES);
  if (spanMode === 'conlleval' || scheme !== undefined) return;
  throw new ArgumentError(`createScorer: spanMode ${spanMode} needs a scheme: add one of ${SCHEMES.join(', ')}`);
}

/** The candidate ways of reading spans; without the labels of the task, the right one is known only at the end. */
function readersOf({ spans, labels }: ScorerOptions): readonly SpanReader['kind'][] {
  if (spans !== undefined) return spans ? ['plain'] : [];
  if (labels === undefined) return ['typed', 'bare'];
  const { kind } = spanSchemeOf(labels);
  return kind === null ? [] : [kind];
}

function outsideOf(kind: SpanKind): (label: string) => boolean {
  const inside = insideOf(kind);
  return (label) => label !== 'O' && inside(label) === 'O';
}

/** Number of right decisions, and of all. */
interface Right {
  correct: number;
  tokens: number;
}

/** Totals over all tokens, over known and unknown ones, and by length. */
function createTotals(known: ScorerOptions['known']) {
  const totals = { sentences: 0, correctSentences: 0, unlabeled: 0 };
  const [inVocabulary, out] = [0, 1].map((): Right => ({ correct: 0, tokens: 0 }));
  const lengths = LENGTH_BUCKETS.map(() => ({ sentences: 0, correct: 0, tokens: 0 }));
  return {
    /** @returns for each token whether it was absent from training; undefined if unknown */
    add(tokens: readonly string[], gold: readonly string[], predicted: readonly string[], length: number) {
      const bucket = lengths[bucketOf(length)];
      const oov = known && tokens.map((token) => !known(token));
      const missing = gold.filter((label) => label === UNLABELED).length;
      totals.unlabeled += missing;
      if (missing > 0 && missing === gold.length) return oov;
      totals.sentences++;
      bucket.sentences++;
      let right = missing;
      gold.forEach((label, i) => {
        if (label === UNLABELED) return;
        for (const sums of [oov?.[i] ? out : inVocabulary, bucket]) {
          sums.tokens++;
          if (label === predicted[i]) sums.correct++;
        }
        if (label === predicted[i]) right++;
      });
      if (right === gold.length) totals.correctSentences++;
      return oov;
    },
    scores: () => ({ ...totals, ...accuracies(inVocabulary, out, known !== undefined), lengths }),
  };
}

function accuracies(known: Right, oov: Right, split: boolean) {
  const correct = known.correct + oov.correct;
  const tokens = known.tokens + oov.tokens;
  return {
    tokens,
    correct,
    accuracy: ratio(correct, tokens),
    knownTokens: split ? known.tokens : 0,
    knownAccuracy: split && known.tokens > 0 ? known.correct / known.tokens : null,
    oovTokens: oov.tokens,
    oovAccuracy: oov.tokens > 0 ? oov.correct / oov.tokens : null,
  };
}

function lengthScores(
  totals: readonly (Right & { readonly sentences: number })[],
  spans: readonly PrecisionRecall[] | undefined,
): LengthScores[] {
  return totals.flatMap(({ sentences, tokens, correct }, bucket) => {
    if (sentences === 0) return [];
    const [from, longest] = LENGTH_BUCKETS[bucket];
    const to = Number.isFinite(longest) ? longest : null;
    return [{ from, to, sentences, tokens, correct, accuracy: ratio(correct, tokens), spans: spans?.[bucket] ?? null }];
  });
}

function checkLengths(tokens: readonly string[], gold: readonly string[], predicted: readonly string[]): void {
  if (gold.length === tokens.length && predicted.length === tokens.length) return;
  const got = `${gold.length} gold and ${predicted.length} predicted`;
  throw new ArgumentError(`there must be one label per token, ${tokens.length}; got ${got}`);
}

function countConfusion(
  confusion: Map<string, Map<string, number>>,
  gold: readonly string[],
  predicted: readonly string[],
): void {
  gold.forEach((label, i) => {
    if (label === UNLABELED) return;
    const row = confusion.get(label) ?? new Map<string, number>();
    confusion.set(label, row.set(predicted[i], (row.get(predicted[i]) ?? 0) + 1));
  });
}

function labelScores(
  confusion: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Pick<Scores, 'labels' | 'macroF1' | 'macro' | 'confusion'> {
  const names = new Set(confusion.keys());
  for (const row of confusion.values()) for (const label of row.keys()) names.add(label);
  const labels = [...names].sort(compareCodePoints);
  const counts = labels.map((gold) => labels.map((predicted) => confusion.get(gold)?.get(predicted) ?? 0));
  const entries = labels.map((label, k) => {
    const gold = counts[k].reduce((sum, n) => sum + n, 0);
    const predicted = counts.reduce((sum, row) => sum + row[k], 0);
    return [label, precisionRecall({ correct: counts[k][k], predicted, gold })] as const;
  });
  const macro = macroAverage(entries.map(([, each]) => each));
  return { labels: Object.fromEntries(entries), macroF1: macro.f1, macro, confusion: { labels, counts } };
}
