/** Scores of a model with several heads, for scripts and for people; with one head, as in `report.ts`. */
import { counted } from '../tensor/print.js';
import type { ModelScores, Together } from '../labeling/scoring/evaluate.js';
import type { Scores } from '../labeling/scoring/scorer.js';
import { describeScores, percent, summaryOf } from './report.js';

/** The summary of the first head; if there are several, also that of each by name, and how often all are right together. */
export function headSummary(scores: ModelScores | null): object | null {
  if (scores === null) return null;
  return { ...summaryOf(scores), ...headFields(scores, summaryOf) };
}

/** The fields that only models with several heads have. @param of returns the fields of one head */
export function headFields({ heads, together }: ModelScores, of: (scores: Scores) => object): object {
  if (heads === undefined) return {};
  const each = Object.entries(heads).map(([name, own]) => [name, of(own)]);
  return { heads: Object.fromEntries(each), ...(together && { together }) };
}

/** `all right  93.10 % of 25,094 tokens`, or, for sentences, `whole frames  81.20 % of 700 sentences`. */
export function describeTogether({ unit, decisions, accuracy }: Together): string {
  return unit === 'token'
    ? `all right  ${percent(accuracy)} of ${counted(decisions, 'token')}`
    : `whole frames  ${percent(accuracy)} of ${counted(decisions, 'sentence')}`;
}

/** The scores of one corpus in lines: one for each head. */
export function scoreLines(part: string, scores: ModelScores): string[] {
  const { heads, together } = scores;
  if (heads === undefined) return [`${part.padEnd(8)}${describeScores(scores)}`];
  const width = Math.max(...Object.keys(heads).map((name) => name.length));
  const lines = Object.entries(heads).map(([name, own]) => `${name.padEnd(width)}  ${describeScores(own)}`);
  return [...lines, ...(together ? [describeTogether(together)] : [])].map(
    (line, i) => `${(i === 0 ? part : '').padEnd(8)}${line}`,
  );
}

/** The scores of an epoch, in short form: for each head, span F1, or accuracy if there are no spans. */
export function epochScores({ heads = {}, together }: ModelScores): string[] {
  const each = Object.entries(heads).map(
    ([name, { spanF1, accuracy }]) => `${name} ${spanF1 === null ? '' : 'F1 '}${percent(spanF1 ?? accuracy)}`,
  );
  return [`dev ${each.join('  ')}`, ...(together ? [`all ${percent(together.accuracy)}`] : [])];
}
