/** Scores as scripts and as people read them. */
import type { Scores } from '../labeling/scorer.js';

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

/** An integer with its thousands set apart: `1,234,567`. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Rows of text in aligned columns, the first one to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  const align = (cell: string, j: number): string => (j === 0 ? cell.padEnd(widths[j]) : cell.padStart(widths[j]));
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}
