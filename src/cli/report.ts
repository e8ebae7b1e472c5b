/** Scores for scripts and for people. */
import { counted, grouped } from '../tensor/print.js';
import type { Scores, SpanMode, SpanScores } from '../labeling/scoring/scorer.js';

/** The scores of one corpus in every `--json` object, for token labels. Fractions in [0, 1]. */
export interface TokenSummary {
  readonly accuracy: number;
  /** Accuracy on the tokens never seen in training; null if there are none. */
  readonly oovAccuracy: number | null;
  /** Null if the labels are not spans. */
  readonly spanF1: number | null;
  /** How spans were read; null if the labels are not spans. */
  readonly spanMode: SpanMode | null;
  /** Number of tokens with a gold label. */
  readonly tokens: number;
  /** Number of tokens without a gold label, which are excluded; absent if all have one. */
  readonly unlabeled?: number;
}

/** The same for sentence labels. */
export interface SentenceSummary {
  readonly accuracy: number;
  /** Unweighted mean of the F1 of all labels. */
  readonly macroF1: number;
  readonly sentences: number;
  readonly unlabeled?: number;
}

export type ScoreSummary = TokenSummary | SentenceSummary;

/** Selects the fields of a summary from all scores; null stays null. */
export function summaryOf(scores: Scores): ScoreSummary;
export function summaryOf(scores: Scores | null): ScoreSummary | null;
export function summaryOf(scores: Scores | null): ScoreSummary | null {
  if (scores === null) return null;
  const { accuracy, oovAccuracy, spanF1, tokens, macroF1, sentences } = scores;
  const unlabeled = scores.unlabeled > 0 && { unlabeled: scores.unlabeled };
  if (scores.unit === 'sentence') return { accuracy, macroF1, sentences, ...unlabeled };
  return { accuracy, oovAccuracy, spanF1, spanMode: scores.spans?.mode ?? null, tokens, ...unlabeled };
}

/** All scores of one label column except the confusion matrix, as in `eval --json`: the summary and its components. */
export function detailsOf(scores: Scores): object {
  const { sentences, correct, correctSentences, macro, macroF1, labels, lengths, spans } = scores;
  const { knownTokens, knownAccuracy, oovTokens } = scores;
  if (scores.unit === 'sentence') {
    const own = lengths.map(({ spans: _none, tokens: _same, ...each }) => each);
    return { ...summaryOf(scores), correct, macro, labels, lengths: own };
  }
  return {
    ...summaryOf(scores),
    ...{ sentences, correct, correctSentences, knownTokens, knownAccuracy, oovTokens },
    ...{ macroF1, macro, labels, lengths, spans },
  };
}

/**
 * One line: `accuracy 93.12 %   OOV 71.40 %   span F1 81.20 % (conlleval)   25,094 tokens`, or, for
 * sentences with one label each, `accuracy 76.92 %   macro F1 76.90 %   1,066 sentences`.
 */
export function describeScores(scores: Scores): string {
  const summary = summaryOf(scores);
  const parts = [`accuracy ${percent(summary.accuracy)}`];
  if ('macroF1' in summary) {
    return [...parts, `macro F1 ${percent(summary.macroF1)}`, sizeOf(scores)].join('   ');
  }
  const { oovAccuracy, spanF1 } = summary;
  if (oovAccuracy !== null) parts.push(`OOV ${percent(oovAccuracy)}`);
  if (spanF1 !== null && scores.spans) parts.push(`span F1 ${percent(spanF1)} (${modeOf(scores.spans)})`);
  return [...parts, sizeOf(scores)].join('   ');
}

/** `25,094 tokens`, or `25,000 tokens, 94 without label left out`. */
function sizeOf({ unit, tokens, sentences, unlabeled }: Scores): string {
  const size = counted(unit === 'token' ? tokens : sentences, unit);
  return unlabeled === 0 ? size : `${size}, ${grouped(unlabeled)} without label left out`;
}

/** How spans were read: `conlleval`, or `strict, IOB2`. */
export function modeOf({ mode, scheme }: Pick<SpanScores, 'mode' | 'scheme'>): string {
  return scheme === null ? mode : `${mode}, ${scheme}`;
}

/** A fraction as a percentage with two decimals. */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
