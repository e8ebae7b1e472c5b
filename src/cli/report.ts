/** Scores as scripts and as people read them. */
import { grouped } from '../tensor/print.js';
import type { Scores } from '../labeling/scoring/scorer.js';

/** The scores of one corpus in every `--json` object. Fractions in [0, 1]. */
export interface ScoreSummary {
  readonly accuracy: number;
  /** Over the tokens never seen in training; null where there are none. */
  readonly oovAccuracy: number | null;
  /** Null where the labels are no spans. */
  readonly spanF1: number | null;
  readonly tokens: number;
}

/** The fields of a summary out of all scores; null stays null. */
export function summaryOf(scores: Scores): ScoreSummary;
export function summaryOf(scores: Scores | null): ScoreSummary | null;
export function summaryOf(scores: Scores | null): ScoreSummary | null {
  if (scores === null) return null;
  const { accuracy, oovAccuracy, spanF1, tokens } = scores;
  return { accuracy, oovAccuracy, spanF1, tokens };
}

/** One line: `accuracy 93.12 %   OOV 71.40 %   span F1 81.20 %   25,094 tokens`. */
export function describeScores({ accuracy, oovAccuracy, spanF1, tokens }: ScoreSummary): string {
  const parts = [`accuracy ${percent(accuracy)}`];
  if (oovAccuracy !== null) parts.push(`OOV ${percent(oovAccuracy)}`);
  if (spanF1 !== null) parts.push(`span F1 ${percent(spanF1)}`);
  return [...parts, `${grouped(tokens)} tokens`].join('   ');
}

/** A fraction as a percentage with two decimals. */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
