/**
 * Aggregation for long sentences. Up to 48 words, every word has its own row and column; above that, neighbors share one, in
 * blocks of equal length, of which the last may be shorter. A picture of norms shows the largest norm of a block, which is one
 * number of the trace; the legend states this.
 */

/** Words `from` up to, not including, `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Maximum number of rows or columns of a picture. */
export const MOST = 48;

/** The spans of `count` words: one each, or blocks if there are more than `most`. */
export function spansOf(count: number, most = MOST): Span[] {
  const size = Math.ceil(count / most);
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    from: i * size,
    to: Math.min(count, (i + 1) * size),
  }));
}

/** How many words a block has; 1 if none are joined. */
export const blockSize = (spans: readonly Span[]): number => (spans.length === 0 ? 1 : spans[0].to - spans[0].from);

/** Index of the span that holds a word. */
export const spanAt = (spans: readonly Span[], word: number): number =>
  spans.findIndex(({ from, to }) => word >= from && word < to);

/** The words of a span, as its label: `cat`, or `the … sat`. */
export const spanLabel = ({ from, to }: Span, tokens: readonly string[]): string =>
  to - from === 1 ? tokens[from] : `${tokens[from]} … ${tokens[to - 1]}`;

/** The candidate with the largest absolute value; NaN and ±Infinity take precedence over every number, so that they are not hidden. */
export function largest<T>(candidates: Iterable<T>, sizeOf: (candidate: T) => number): T | undefined {
  let best: T | undefined;
  let most = -1;
  for (const each of candidates) {
    const value = Math.abs(sizeOf(each));
    const size = Number.isNaN(value) ? Infinity : value;
    if (size > most) [best, most] = [each, size];
  }
  return best;
}
