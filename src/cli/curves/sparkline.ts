/** A curve in one line of text, for terminals: eight heights of blocks. */

const BLOCKS = '▁▂▃▄▅▆▇█';

/** Least and greatest of the existing values; null if there are none. */
export function rangeOf(values: readonly (number | null)[]): readonly [number, number] | null {
  let range: readonly [number, number] | null = null;
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    range = range === null ? [value, value] : [Math.min(range[0], value), Math.max(range[1], value)];
  }
  return range;
}

/**
 * One character for each value, or for the mean of consecutive values if there are more of them than columns. A value that is
 * missing or not finite becomes a space; if all are equal, they are drawn at mid-height.
 *
 * @param width maximum number of characters, at least 1
 * @param range the values of the lowest and the highest block; default: those of the curve itself
 */
export function sparkline(
  values: readonly (number | null)[],
  width: number,
  range: readonly [number, number] | null = rangeOf(values),
): string {
  const count = Math.min(width, values.length);
  let line = '';
  for (let i = 0; i < count; i++) {
    const [from, to] = [Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count)];
    line += blockOf(meanOf(values.slice(from, to)), range);
  }
  return line;
}

function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value): value is number => value !== null && Number.isFinite(value));
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value / there.length, 0);
}

function blockOf(value: number | null, range: readonly [number, number] | null): string {
  if (value === null || range === null) return ' ';
  const [least, most] = range;
  if (!(most > least)) return BLOCKS[3];
  const share = (value - least) / (most - least);
  return BLOCKS[Math.max(0, Math.min(7, Math.floor(8 * share)))];
}
