/**
 * Colors of numbers. A color scale is built once for everything that is compared and passed to each panel: no panel is scaled to
 * its own maximum.
 */
import { hexOf, inkOn, rgbOf, stepOf } from './colors/index.js';
import type { ColorMap } from './colors/index.js';
import { log10, logarithmic, power10, symlog } from './scale.js';
import type { Scale } from './scale.js';
import { short, withSign } from './text.js';
import type { Style } from './theme.js';

/** From numbers to colors. */
export interface ColorScale {
  readonly scale: Scale;
  readonly map: ColorMap;
  /** Whether numbers are signed: zero is then in the middle of the map. */
  readonly signed: boolean;
  /** What the numbers are, for the legend. */
  readonly label: string;
  /** Formats a number for the legend. */
  format(value: number): string;
}

/** How one number is drawn. */
export interface Paint {
  readonly fill: string;
  /** Color of text on it. */
  readonly ink: string;
}

/** The color of a number; none for NaN and ±Infinity, which have a glyph instead. */
export function paintOf({ scale, map }: ColorScale, value: number): Paint | undefined {
  if (!Number.isFinite(value)) return undefined;
  const rgb = rgbOf(map, stepOf(scale.at(value)));
  return { fill: hexOf(rgb), ink: inkOn(rgb) };
}

/** Only the finite numbers. */
const finite = (values: Iterable<number>): number[] => [...values].filter(Number.isFinite);

/**
 * Whole decades around the absolute values of all compared numbers. Retention starts with `from` = 1e-4 … 1, so that a weak panel
 * looks weak; numbers outside extend the range by whole decades, and at most 16 decades are shown.
 */
export function decadesAround(values: Iterable<number>, from?: readonly [number, number]): [number, number] {
  const exponents = finite(values)
    .map(Math.abs)
    .filter((x) => x > 0)
    .map(log10);
  let [low, high] = from === undefined ? [Infinity, -Infinity] : from.map(log10);
  for (const each of exponents) {
    if (each < low) low = Math.floor(each);
    if (each > high) high = Math.ceil(each);
  }
  if (low > high) [low, high] = [-4, 0];
  if (low === high) low -= 1;
  return [power10(Math.max(low, high - 16, -307)), power10(high)];
}

/** A scale of sizes: one sequential map over decades. */
export const magnitudes = (
  style: Style,
  domain: readonly [number, number],
  label: string,
  format = (value: number): string => short(value, 1),
): ColorScale => ({ scale: logarithmic(domain), map: style.magnitude, signed: false, label, format });

/** The smallest 1, 2 or 5 times a power of ten that is at least every |value|; 1 if all are zero. */
export function roundLimit(values: Iterable<number>): number {
  let largest = 0;
  for (const each of finite(values)) largest = Math.max(largest, Math.abs(each));
  if (largest === 0) return 1;
  const power = Math.floor(log10(largest));
  for (const factor of [1, 2, 5, 10]) {
    const limit = Number(`${factor}e${power}`);
    if (limit >= largest) return limit;
  }
  return power10(power + 1);
}

/** A scale of signed numbers: one diverging map, zero in the middle, the same limit on both sides, symlog between. */
export const signedNumbers = (style: Style, limit: number, label: string): ColorScale => ({
  scale: symlog([-limit, limit], [0, 1], limit / 100),
  map: style.sign,
  signed: true,
  label,
  format: (value) => withSign(value, 1),
});
