/** Mistakes of a model or of a file of predictions, most frequent first, each with the lines where it occurs. */
import type { SpanScores } from '../labeling/scoring/scorer.js';
import { labelsBy, spanPair } from '../labeling/scoring/span-counts.js';
import type { MistakeKind } from '../labeling/scoring/span-mistakes.js';
import { spanMistakes } from '../labeling/scoring/span-mistakes.js';
import type { Span } from '../labeling/scoring/spans.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { UNLABELED } from '../labeling/data/unlabeled.js';
import { grouped } from '../tensor/print.js';
import { cutShort, visible } from '../tensor/visible.js';
import type { Paper } from './reading/paper.js';
import { headed } from './score-tables.js';

/** One sentence with gold labels and predicted labels. */
export interface Judged {
  readonly sentence: Sentence;
  readonly predicted: readonly string[];
}

/** Where mistakes of one kind occur. */
interface Places {
  count: number;
  /** Line of the first one, and lines of all; absent if the input has no lines. */
  readonly line?: number;
  readonly lines: number[];
}

/** One kind of wrong label: a word, its gold label and the predicted one. */
export interface LabelMistake extends Places {
  readonly token: string;
  readonly gold: string;
  readonly predicted: string;
}

/** A span as text. */
export interface SpanText {
  readonly type: string;
  readonly text: string;
}

/** One kind of wrong span. */
export interface WrongSpan extends Places {
  readonly kind: MistakeKind;
  readonly gold: SpanText | null;
  readonly predicted: SpanText | null;
}

/** The span scheme, if there are spans. */
type Reading = Pick<SpanScores, 'mode' | 'scheme' | 'kind'> | null;

/** Wrong labels, most frequent first; ties in order of occurrence. */
export function labelMistakes(judged: readonly Judged[], reading: Reading): LabelMistake[] {
  const found = createTally<LabelMistake>();
  for (const { sentence, predicted } of judged) {
    const { tokens, labels = [] } = sentence;
    const [gold, chosen] = reading ? [labelsBy(reading, labels), labelsBy(reading, predicted)] : [labels, predicted];
    gold.forEach((label, t) => {
      if (label === chosen[t] || label === UNLABELED) return;
      found.add({ token: tokens[t], gold: label, predicted: chosen[t] }, lineOf(sentence, t));
    });
  }
  return found.commonest();
}

/** Wrong spans, in the same order. */
export function wrongSpans(judged: readonly Judged[], reading: NonNullable<Reading>): WrongSpan[] {
  const found = createTally<WrongSpan>();
  for (const { sentence, predicted } of judged) {
    const textOf = (span: Span | null): SpanText | null =>
      span && { type: span.type, text: sentence.tokens.slice(span.start, span.end).join(' ') };
    const [gold, chosen] = [sentence.labels ?? [], predicted].map((labels) => labelsBy(reading, labels));
    const spans = spanPair(reading, gold, chosen);
    for (const { kind, gold: a, predicted: b } of spanMistakes(spans.gold, spans.predicted)) {
      const start = Math.min(a?.start ?? Infinity, b?.start ?? Infinity);
      found.add({ kind, gold: textOf(a), predicted: textOf(b) }, lineOf(sentence, start));
    }
  }
  return found.commonest();
}

/** The line of a token in its file. */
export function lineOf({ lines, line }: Sentence, t: number): number | undefined {
  return lines?.[t] ?? line;
}

function createTally<M extends Places>() {
  const found = new Map<string, M>();
  return {
    add(what: Omit<M, keyof Places>, line: number | undefined): void {
      const key = JSON.stringify(what);
      const entry =
        found.get(key) ?? ({ ...what, count: 0, ...(line !== undefined && { line }), lines: [] } as unknown as M);
      found.set(key, entry);
      entry.count++;
      if (line !== undefined && entry.lines.at(-1) !== line) entry.lines.push(line);
    },
    commonest: (): M[] => [...found.values()].sort((a, b) => b.count - a.count),
  };
}

/** Maximum number of lines listed per kind of mistake. */
const MOST_LINES = 4;

/** Wrong labels as a table. */
export function labelMistakeTable(paper: Paper, mistakes: readonly LabelMistake[], unit: 'token' | 'sentence'): string {
  const rows = mistakes.map((each) => [
    visible(cutShort(each.token)),
    visible(each.gold),
    visible(each.predicted),
    grouped(each.count),
    linesOf(each),
  ]);
  return headed(paper, [[unit, 'gold', 'predicted', 'count', 'lines'], ...rows], 'lllrl');
}

/** Wrong spans as a table. */
export function wrongSpanTable(paper: Paper, mistakes: readonly WrongSpan[]): string {
  const textOf = (span: SpanText | null): string =>
    span === null ? '-' : visible(cutShort(span.type === '' ? span.text : `${span.type}: ${span.text}`));
  const rows = mistakes.map((each) => [
    each.kind.replaceAll('-', ' '),
    textOf(each.gold),
    textOf(each.predicted),
    grouped(each.count),
    linesOf(each),
  ]);
  return headed(paper, [['mistake', 'gold span', 'predicted span', 'count', 'lines'], ...rows], 'lllrl');
}

const linesOf = ({ lines }: Places): string =>
  lines.slice(0, MOST_LINES).join(', ') + (lines.length > MOST_LINES ? ', …' : '');
