/** Formats numbers for inspection output; digits are significant digits. */
import type { Glyph } from './paper.js';

/** About four digits in six or seven columns: `0.5927`, `12.3`, `4.1e-5`, `✕` for NaN, `∞`. */
export function short(x: number, digits = 4): string {
  if (Number.isNaN(x)) return '✕';
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  const size = Math.abs(x);
  if (x === 0) return '0';
  if (size < 1e-3 || size >= 1e5) return minus(exponential(x, Math.max(0, digits - 3)));
  return minus(size >= 10 ? x.toPrecision(digits) : x.toFixed(digits));
}

const exponential = (x: number, digits: number): string => x.toExponential(digits).replace('e+', 'e');
const minus = (text: string): string => text.replace(/-/g, '−');

/** A share: `15.1 %`, `0.13 %`, `2.0e−6 %`. */
export function percent(x: number): string {
  if (!Number.isFinite(x)) return short(x);
  const p = 100 * x;
  const size = Math.abs(p);
  if (x === 0) return '0 %';
  if (size < 0.001) return `${minus(exponential(p, 1))} %`;
  return `${minus(size < 1 ? p.toPrecision(2) : p.toFixed(1))} %`;
}

/** A number with its sign, including `+`. */
export const signed = (x: number, digits = 4): string => (x > 0 ? `+${short(x, digits)}` : short(x, digits));

/** Exact, as in JSON: the shortest digits that give the same float64. */
export const exact = (x: number): string => minus(String(x));

/** Lower bound of each class except the last. */
export const CLASSES = [0.1, 0.01, 1e-3, 1e-4] as const;

/** The glyph of a share: by decade, largest first. */
export function glyphOf(x: number | null): Glyph {
  if (x === null) return 'none';
  if (Number.isNaN(x)) return 'nan';
  const size = Math.abs(x);
  if (!Number.isFinite(size)) return 'infinite';
  const found = CLASSES.findIndex((least) => size >= least);
  return (found < 0 ? CLASSES.length : found) as Glyph;
}

/** The median; for an even count the lower of the two middle values, so that it occurs. NaN if there is a NaN. */
export function median(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return NaN;
  return [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
}
