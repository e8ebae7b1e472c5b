/**
 * Three scales from numbers to lengths or to positions on a color map: linear, logarithmic to base ten, and symlog, which is
 * linear around zero and logarithmic away from it (J. Webber 2013, A bi-symmetric log transformation for wide-range data).
 */
import { exp, log } from '../../tensor/math.js';

/** A map of a domain onto a range, and its inverse. Outside the domain it extrapolates. */
export interface Scale {
  readonly kind: 'linear' | 'log10' | 'symlog';
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
  at(x: number): number;
  invert(y: number): number;
  /** Round values of the domain, ascending; about `count` of them. */
  ticks(count?: number): number[];
}

const LN10 = log(10);

/** 10ⁿ, correctly rounded. */
export const power10 = (n: number): number => Number(`1e${n}`);

/** Logarithm to base ten; exact for powers of ten. −Infinity for 0, NaN below. */
export function log10(x: number): number {
  const y = log(x) / LN10;
  const whole = Math.round(y);
  return Number.isFinite(y) && power10(whole) === x ? whole : y;
}

type Pair = readonly [number, number];

/** A scale that is linear after `bend`. */
function bent(
  kind: Scale['kind'],
  domain: Pair,
  range: Pair,
  bend: (x: number) => number,
  unbend: (y: number) => number,
) {
  const [low, high] = domain.map(bend);
  const share = (x: number): number => (high === low ? 0.5 : (bend(x) - low) / (high - low));
  return {
    kind,
    domain,
    range,
    at: (x: number): number => range[0] + share(x) * (range[1] - range[0]),
    invert: (y: number): number => unbend(low + ((y - range[0]) / (range[1] - range[0])) * (high - low)),
  };
}

/** Linear map from `domain` to `range`. */
export function linear(domain: Pair, range: Pair = [0, 1]): Scale {
  const same = (x: number): number => x;
  return { ...bent('linear', domain, range, same, same), ticks: (count = 5) => linearTicks(domain, count) };
}

/** Logarithmic map; the domain must be positive. Ticks are powers of ten. */
export function logarithmic(domain: Pair, range: Pair = [0, 1]): Scale {
  if (!(domain[0] > 0 && domain[1] > 0))
    throw new RangeError(`a logarithmic domain must be positive; got ${domain.join(' … ')}`);
  const power = (y: number): number => (Number.isInteger(y) ? power10(y) : exp(y * LN10));
  return { ...bent('log10', domain, range, log10, power), ticks: (count = 5) => decades(domain, count) };
}

/** sign(x) · log(1 + |x| / c): linear for |x| small compared with `c`, logarithmic for large |x|; 0 stays in the middle. */
export function symlog(domain: Pair, range: Pair = [0, 1], c = 1): Scale {
  const bend = (x: number): number => Math.sign(x) * log(1 + Math.abs(x / c));
  const unbend = (y: number): number => Math.sign(y) * (exp(Math.abs(y)) - 1) * c;
  return { ...bent('symlog', domain, range, bend, unbend), ticks: (count = 5) => symlogTicks(domain, c, count) };
}

/** Multiples of 1, 2 or 5 times a power of ten, about `count` of them. */
export function linearTicks([low, high]: Pair, count: number): number[] {
  if (low === high) return [low];
  const raw = (high - low) / Math.max(1, count);
  const power = Math.floor(log10(raw));
  const rest = raw / power10(power);
  const factor = rest >= Math.sqrt(50) ? 10 : rest >= Math.sqrt(10) ? 5 : rest >= Math.SQRT2 ? 2 : 1;
  const at = (n: number): number => (power < 0 ? (n * factor) / power10(-power) : n * factor * power10(power));
  const [from, to] = [low, high].map((x) => Math.round(x / at(1)));
  const out: number[] = [];
  for (let n = from; n <= to; n++) if (at(n) >= low && at(n) <= high) out.push(at(n));
  return out;
}

/** Powers of ten in a domain: all of them, or every second, third, …, so that about `count` remain. */
export function decades([low, high]: Pair, count: number): number[] {
  const [from, to] = [Math.ceil(log10(low) - 1e-9), Math.floor(log10(high) + 1e-9)];
  const step = Math.max(1, Math.ceil((to - from + 1) / Math.max(1, count)));
  const out: number[] = [];
  for (let n = to; n >= from; n -= step) out.unshift(power10(n));
  return out;
}

function symlogTicks([low, high]: Pair, c: number, count: number): number[] {
  const limit = Math.max(Math.abs(low), Math.abs(high));
  const each = limit <= c ? [limit] : decades([c, limit], Math.max(1, Math.floor(count / 2)));
  return [...each.map((x) => -x).reverse(), 0, ...each].filter((x) => x >= low && x <= high);
}
