/** Axes of charts: from values to pixels, and the round numbers at the ticks. */
import { log } from '../../tensor/index.js';

/** From a value to pixels, counted from the origin of its chart. */
export interface Axis {
  readonly at: (value: number) => number;
  /** Round numbers within the range, ascending. */
  readonly ticks: readonly number[];
}

/**
 * Values whose relative difference is at most this count as equal: they differ only by rounding, and ticks are written with
 * twelve digits.
 */
const ROUNDING = 1e-10;

/**
 * An axis over the range of some values, with a small margin at both ends.
 *
 * @param values all above 0 if the scale is logarithmic; may be empty, or equal to ten digits, which gives an axis around them
 * @param length in pixels
 */
export function axisOf(values: readonly number[], scale: 'linear' | 'integers' | 'logarithmic', length: number): Axis {
  const [least, most] = [Math.min(...values, Infinity), Math.max(...values, -Infinity)];
  const [from, to] = least <= most ? [least, most] : [1, 1];
  const bent = scale === 'logarithmic' ? log : (value: number): number => value;
  const isRange = to - from > ROUNDING * Math.max(Math.abs(from), Math.abs(to));
  const span = isRange ? bent(to) - bent(from) : 0;
  const room = span > 0 ? 0.04 * span : scale === 'logarithmic' ? 1 : Math.abs(from) || 1;
  const [low, high] = [bent(from) - room, bent(to) + room];
  const at = (value: number): number => ((bent(value) - low) / (high - low)) * length;
  if (!isRange) return { at, ticks: [from] };
  return { at, ticks: scale === 'logarithmic' ? decades(from, to) : steps(from, to, scale === 'integers') };
}

/** About five numbers: multiples of 1, 2 or 5 times a power of ten; only integers if requested. */
function steps(from: number, to: number, integers: boolean): number[] {
  const step = roundUp((to - from) / 5);
  const by = integers ? Math.max(1, step) : step;
  const ticks: number[] = [];
  for (let k = Math.ceil(from / by); k * by <= to; k++) ticks.push(Number((k * by).toPrecision(12)));
  if (integers && ticks.length > 0 && ticks[0] - from >= by / 2) ticks.unshift(from);
  return ticks;
}

/** The least of 1, 2, 5 times a power of ten that is not below x > 0. */
function roundUp(x: number): number {
  const [digits, power] = x.toExponential().split('e');
  const first = [1, 2, 5, 10].find((digit) => digit >= Number(digits)) as number;
  return Number(`${first}e${power}`);
}

/** 1, 2 and 5 times powers of ten; only the powers if there are many. */
function decades(from: number, to: number): number[] {
  const [first, last] = [from, to].map((x) => Number(x.toExponential().split('e')[1]));
  const ticks: number[] = [];
  for (let power = first; power <= last; power++) {
    for (const digit of last - first > 2 ? [1] : [1, 2, 5]) {
      const tick = Number(`${digit}e${power}`);
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks.length > 0 ? ticks : [from, to];
}

/** Formats a tick: small and large numbers by their power of ten. */
export function tickText(value: number): string {
  const short = Number(value.toPrecision(6));
  const size = Math.abs(short);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return short.toExponential();
  return String(short);
}
