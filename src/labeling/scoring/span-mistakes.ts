/**
 * What is wrong with predicted spans: each wrong span, gold or predicted, has one kind of mistake.
 *
 * A gold and a predicted span that are both wrong are one mistake where they overlap: `type`, the same tokens under another type;
 * `boundary`, the same type over other tokens; `type-and-boundary`, both. Each span is in one pair at most. Pairs are sought in this
 * order, and of each kind from left to right. Gold spans that are left over are `missed`, predicted ones `spurious`.
 */
import type { Span } from './spans.js';

/** Kinds of mistakes, in the order in which they are looked for. */
export const MISTAKE_KINDS = ['type', 'boundary', 'type-and-boundary', 'missed', 'spurious'] as const;
/** Kind of a mistake. @useDeclaredType */
export type MistakeKind = (typeof MISTAKE_KINDS)[number];

/** One mistake. */
export interface SpanMistake {
  readonly kind: MistakeKind;
  /** Null where the predicted span is spurious. */
  readonly gold: Span | null;
  /** Null where the gold span is missed. */
  readonly predicted: Span | null;
}

/** When a wrong gold span and a wrong predicted one that overlap are a pair of each kind. */
const PAIRS: Readonly<Record<'type' | 'boundary' | 'type-and-boundary', (a: Span, b: Span) => boolean>> = {
  type: (a, b) => a.start === b.start && a.end === b.end,
  boundary: (a, b) => a.type === b.type,
  'type-and-boundary': () => true,
};

const keyOf = ({ type, start, end }: Span): string => JSON.stringify([type, start, end]);

/** The mistakes of one sentence, by the begin of their spans. @param gold, predicted spans from left to right, without overlaps */
export function spanMistakes(gold: readonly Span[], predicted: readonly Span[]): SpanMistake[] {
  const [goldKeys, predictedKeys] = [new Set(gold.map(keyOf)), new Set(predicted.map(keyOf))];
  const wrongGold = new Set(gold.filter((a) => !predictedKeys.has(keyOf(a))));
  const wrongPredicted = new Set(predicted.filter((b) => !goldKeys.has(keyOf(b))));
  const over = new Map<number, Span>(); // the wrong predicted span over each token
  for (const b of wrongPredicted) for (let t = b.start; t < b.end; t++) over.set(t, b);
  const mistakes: SpanMistake[] = [];
  for (const kind of ['type', 'boundary', 'type-and-boundary'] as const) {
    for (const a of wrongGold) {
      const b = firstOver(a, (each) => wrongPredicted.has(each) && PAIRS[kind](a, each), over);
      if (b === undefined) continue;
      wrongGold.delete(a);
      wrongPredicted.delete(b);
      mistakes.push({ kind, gold: a, predicted: b });
    }
  }
  for (const a of wrongGold) mistakes.push({ kind: 'missed', gold: a, predicted: null });
  for (const b of wrongPredicted) mistakes.push({ kind: 'spurious', gold: null, predicted: b });
  return mistakes.sort((a, b) => startOf(a) - startOf(b));
}

/** The first span that is wanted over the tokens of another. */
function firstOver(
  { start, end }: Span,
  wanted: (span: Span) => boolean,
  over: ReadonlyMap<number, Span>,
): Span | undefined {
  for (let t = start; t < end; t++) {
    const found = over.get(t);
    if (found !== undefined && wanted(found)) return found;
  }
  return undefined;
}

/** Where a mistake begins. */
function startOf({ gold, predicted }: SpanMistake): number {
  return Math.min(gold?.start ?? Infinity, predicted?.start ?? Infinity);
}
