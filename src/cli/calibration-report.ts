/** The calibration of a model: how reliable the confidences of its labels and spans are, also as a table. */
import { UNLABELED } from '../labeling/data/unlabeled.js';
import type { Calibration } from '../labeling/scoring/calibration.js';
import { calibrationOf } from '../labeling/scoring/calibration.js';
import { labelsBy, spanPair } from '../labeling/scoring/span-counts.js';
import type { Span } from '../labeling/scoring/spans.js';
import { grouped } from '../tensor/print.js';
import type { JudgedBy, JudgedSentence } from './gold.js';
import type { Paper } from './reading/paper.js';
import { wrapped } from './reading/paper.js';
import { percent } from './report.js';
import { headed } from './score-tables.js';

/** Calibrations of one head. */
export interface HeadCalibration {
  /** Calibration of the label of each token, or of each sentence; those without a gold label are excluded. */
  readonly labels: Calibration;
  /** Calibration of predicted spans, which are right if type and both ends are; null if labels are not spans. */
  readonly spans: Calibration | null;
}

/** The gold and predicted labels of a sentence, in scored form. */
export function scoredLabels(
  { scores: { spans } }: Pick<JudgedBy, 'scores'>,
  { sentence: { labels = [] }, predicted }: Pick<JudgedSentence, 'sentence' | 'predicted'>,
): { readonly gold: readonly string[]; readonly predicted: readonly string[] } {
  return spans ? { gold: labelsBy(spans, labels), predicted: labelsBy(spans, predicted) } : { gold: labels, predicted };
}

const keyOf = ({ type, start, end }: Span): string => JSON.stringify([type, start, end]);

/** The probability of each predicted span, by its type and ends. */
export function spanConfidences({ spans = [] }: JudgedSentence): (span: Span) => number | undefined {
  const byKey = new Map(spans.map((span) => [keyOf(span), span.probability]));
  return (span) => byKey.get(keyOf(span));
}

/** The calibrations of a head whose predictions have probabilities. */
export function calibrationsOf(head: JudgedBy): HeadCalibration {
  const labels = { confidences: [] as number[], right: [] as boolean[] };
  const found = { confidences: [] as number[], right: [] as boolean[] };
  for (const judged of head.judged) {
    const { gold, predicted } = scoredLabels(head, judged);
    const { confidences } = judged;
    gold.forEach((label, t) => {
      if (label === UNLABELED || confidences === undefined) return;
      labels.confidences.push(confidences[t]);
      labels.right.push(label === predicted[t]);
    });
    if (!head.scores.spans) continue;
    const spans = spanPair(head.scores.spans, gold, predicted);
    const goldKeys = new Set(spans.gold.map(keyOf));
    const confidenceOf = spanConfidences(judged);
    for (const span of spans.predicted) {
      const confidence = confidenceOf(span);
      if (confidence === undefined) continue;
      found.confidences.push(confidence);
      found.right.push(goldKeys.has(keyOf(span)));
    }
  }
  return {
    labels: calibrationOf(labels.confidences, labels.right),
    spans: head.scores.spans ? calibrationOf(found.confidences, found.right) : null,
  };
}

/** `expected calibration error 3.10 % (15 bins), maximum 12.40 %; mean confidence 91.20 %, accuracy 88.10 %` */
export function describeCalibration({ ece, mce, bins, confidence, accuracy }: Calibration): string {
  if (ece === null || mce === null || confidence === null || accuracy === null) return 'nothing was predicted';
  return (
    `expected calibration error ${percent(ece)} (${bins.length} bins), maximum ${percent(mce)}; ` +
    `mean confidence ${percent(confidence)}, accuracy ${percent(accuracy)}`
  );
}

/** Accuracy by confidence for the nonempty bins, with the errors below. @param what the kind of decision: `labels` */
export function calibrationTable(paper: Paper, what: string, calibration: Calibration): string {
  const rows = calibration.bins.flatMap(({ from, to, count, accuracy, confidence }) => {
    if (accuracy === null || confidence === null) return [];
    return [[`${from.toFixed(3)} to ${to.toFixed(3)}`, percent(confidence), percent(accuracy), grouped(count)]];
  });
  return [
    headed(paper, [[`confidence of ${what}`, 'mean', 'accuracy', 'count'], ...rows], 'lrrr'),
    ...wrapped(paper, describeCalibration(calibration)),
  ].join('\n');
}
