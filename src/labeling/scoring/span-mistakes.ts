/**
 * Classifies wrong spans: each wrong span, gold or predicted, has one kind of mistake.
 *
 * A gold and a predicted span that are both wrong count as one mistake if they overlap: `type`, the same tokens with another type;
 * `boundary`, the same type over other tokens; `type-and-boundary`, both. Each span is in at most one pair. Pairs are searched for in this
 * order, and within a kind from left to right. Remaining gold spans are `missed`, remaining predicted ones `spurious`.
 */
import type { Span } from './spans.js';

/** Kinds of mistakes, in the order of the search. */
export const MISTAKE_KINDS = ['type', 'boundary', 'type-and-boundary', 'missed', 'spurious'] as const;
/** Kind of a mistake. @useDeclaredType */
export type MistakeKind = (typeof MISTAKE_KINDS)[number];

/** One mistake. */
export interface SpanMistake {
  readonly kind: MistakeKind;
  /** Null if the predicted span is spurious. */
  readonly gold: Span | null;
  /** Null if the gold span is missed. */
  readonly predicted: Span | null;
}

/** The condition for a wrong gold span and an overlapping wrong predicted span to be a pair, per kind. */
const PAIRS: Readonly<Record<'type' | 'boundary' | 'type-and-boundary', (a: Span, b: Span) => boolean>> = {
  type: (a, b) => a.start === b.start && a.end === b.end,
  boundary: (a, b) => a.type === b.type,
  'type-and-boundary': () => true,
};

const keyOf = ({ type, start, end }: Span): string => JSON.stringify([type, start, end]);

/**
 * Returns the mistakes of one sentence, ordered by the beginning of their spans.
 *
 * @param gold, predicted spans from left to right, without overlaps
 */
export function spanMistakes(gold: readonly Span[], predicted: readonly Span[]): SpanMistake[] {
  const [goldKeys, predictedKeys] = [new Set(gold.map(keyOf)), new Set(predicted.map(keyOf))];
  const wrongGold = new Set(gold.filter((a) => !predictedKeys.has(keyOf(a))));
  const wrongPredicted = new Set(predicted.filter((b) => !goldKeys.has(keyOf(b))));
  const over = new Map<number, Span>(); // the wrong predicted span that covers each token
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

/** The first matching span over the tokens of another. */
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

/** The token at which a mistake begins. */
function startOf({ gold, predicted }: SpanMistake): number {
  return Math.min(gold?.start ?? Infinity, predicted?.start ?? Infinity);
}
