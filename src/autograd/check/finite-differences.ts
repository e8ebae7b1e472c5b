/**
 * One numeric derivative in float64, with an estimate of its error.
 *
 * Central differences at three widths are extrapolated twice (Richardson; two columns of Romberg's table):
 *
 *   (1)  D(h) = (f(x + h) − f(x − h)) / 2h                     error O(h²)
 *   (2)  R(h) = (4·D(h) − D(2h)) / 3                           error O(h⁴)
 *   (3)  n    = (16·R(h) − R(2h)) / 15                         error O(h⁶)
 *   (4)  noise = |R(h) − R(2h)| + 5·σ/h                        truncation, and rounding
 *
 * σ is the standard deviation of the rounding error of f. Written out, (3) is (64·D(h) − 20·D(2h) + D(4h)) / 45; rounding
 * errors of 3σ in every f, all of the least favourable sign, change it by 3σ·(64 + 10 + 1/4)/45h < 5σ/h.
 *
 * h starts at 2⁻¹⁰·max(1, |x|), rounded to a power of two. It is halved, up to nine times, until the first term no longer
 * dominates, as it does near a kink of relu or at strong curvature. The value with the least noise wins. Halving costs one new
 * difference: D(h) and D(2h) become D(2h) and D(4h).
 *
 * Sources: C. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982), whose error
 * estimate compares neighbouring entries of the table; J. Moré, S. Wild, "Estimating computational noise", SIAM J. Sci.
 * Comput. 33 (2011), for σ.
 */
import { NonFiniteError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { flatCopy } from '../../tensor/view.js';
import type { TensorRecord } from '../grads.js';

/** A numeric derivative. */
export interface Derivative {
  /** Equation (3). */
  readonly numeric: number;
  /** Equation (4). */
  readonly noise: number;
  /** max|f| over the evaluations. */
  readonly magnitude: number;
}

/**
 * The derivative of a loss with respect to one element, at the step size with the least noise. Costs 6 losses, up to 24 if the
 * step has to shrink. The element is perturbed in place and restored, even if the loss throws.
 *
 * @param x the tensor that holds the element, float64
 * @param at its offset in `x.data`
 * @param sigma standard deviation of the rounding error of the loss, from `lossNoise`
 * @param place the element's name, for the message of an error
 * @throws NonFiniteError if the loss becomes NaN or infinite
 */
export function differentiate(x: Tensor, at: number, loss: () => number, sigma: number, place: string): Derivative {
  const value = x.data[at];
  let magnitude = 0;
  const f = (point: number): number => {
    const y = lossAt(x, at, point, loss, place);
    magnitude = Math.max(magnitude, Math.abs(y));
    return y;
  };
  const central = (width: number): number => {
    const right = value + width;
    const left = value - width;
    // Divided by the distance between the rounded points: that difference is exact; 2·width may not be.
    return (f(right) - f(left)) / (right - left); //                          (1)
  };
  let h = firstStep(value);
  let best = { numeric: NaN, noise: Infinity };
  try {
    let [d1, d2, d4] = [central(h), central(2 * h), central(4 * h)];
    for (let halvings = 0; ; halvings++) {
      const r1 = (4 * d1 - d2) / 3; //                                        (2)
      const r2 = (4 * d2 - d4) / 3;
      const truncation = Math.abs(r1 - r2);
      const rounding = (5 * atLeastRounding(sigma, magnitude)) / h;
      const noise = truncation + rounding; //                                 (4)
      if (noise < best.noise) best = { numeric: (16 * r1 - r2) / 15, noise }; // (3)
      if (truncation <= rounding || halvings === 9) return { ...best, magnitude };
      h /= 2;
      [d1, d2, d4] = [central(h), d1, d2];
    }
  } finally {
    x.data[at] = value;
  }
}

/** The derivative on one side of a point. */
export interface OneSided {
  /** Equation (7). */
  readonly slope: number;
  /** The first term of (8). */
  readonly truncation: number;
  /** The second term of (8). */
  readonly rounding: number;
}

/**
 * The left and right derivatives of a loss with respect to one element, each at the step size with the least noise. Costs 7
 * losses, up to 25. The parameters and the errors are those of `differentiate`.
 */
export function oneSided(
  x: Tensor,
  at: number,
  loss: () => number,
  sigma: number,
  place: string,
): { left: OneSided; right: OneSided } {
  const value = x.data[at];
  const f = (point: number): number => lossAt(x, at, point, loss, place);
  try {
    const here = f(value);
    return { left: sideOf(f, value, here, -1, sigma), right: sideOf(f, value, here, 1, sigma) };
  } finally {
    x.data[at] = value;
  }
}

function sideOf(f: (point: number) => number, value: number, here: number, side: 1 | -1, sigma: number): OneSided {
  let magnitude = Math.abs(here);
  const quotient = (width: number): number => {
    const point = value + side * width;
    const y = f(point);
    magnitude = Math.max(magnitude, Math.abs(y));
    return (y - here) / (point - value); //                                   (5)
  };
  let h = firstStep(value);
  let best = { slope: NaN, truncation: Infinity, rounding: Infinity };
  let [s1, s2, s4] = [quotient(h), quotient(2 * h), quotient(4 * h)];
  for (let halvings = 0; ; halvings++) {
    const e1 = 2 * s1 - s2; //                                                (6)
    const e2 = 2 * s2 - s4;
    const slope = (4 * e1 - e2) / 3; //                                       (7)
    const truncation = Math.abs(slope - e1);
    const rounding = (17 * atLeastRounding(sigma, magnitude)) / h;
    if (truncation + rounding < best.truncation + best.rounding) best = { slope, truncation, rounding }; // (8)
    if (truncation <= rounding || halvings === 9) return best;
    h /= 2;
    [s1, s2, s4] = [quotient(h), s1, s2];
  }
}

/** The loss with one element set to `point`. */
function lossAt(x: Tensor, at: number, point: number, loss: () => number, place: string): number {
  x.data[at] = point;
  const y = loss();
  if (!Number.isFinite(y)) throw new NonFiniteError(`gradcheck: the loss is ${y} with ${place} = ${point}`);
  return y;
}

/** The widest step: 2⁻¹⁰·max(1, |x|), rounded to a power of two. */
function firstStep(value: number): number {
  let h = 2 ** -10;
  while (h < 2 ** -11 * Math.abs(value)) h *= 2;
  return h;
}

/** σ, but at least the rounding error of the loss value itself, uniform over one unit in the last place. */
export function atLeastRounding(sigma: number, magnitude: number): number {
  return Math.max(sigma, (Number.EPSILON * magnitude) / Math.sqrt(12));
}

const POINTS = 24;
const ORDER = 6;
/** (6!)² / 12!: the sixth difference of independent errors has variance σ²·12!/(6!)². */
const NORMALIZER = 1 / 924;

/**
 * Standard deviation of the rounding error of a loss. All tensors are scaled by 1 + k·2⁻⁴⁴, k = 0 … 23: the exact loss changes so
 * little and so smoothly that its sixth difference vanishes, which leaves only the rounding (Moré & Wild 2011, equation 3.1). The
 * tensors are restored.
 */
export function lossNoise(tensors: TensorRecord, loss: () => number): number {
  const originals = Object.values(tensors).map((x) => ({ x, values: flatCopy(x) }));
  const scale = (factor: number): void => {
    for (const { x, values } of originals) assign(x, values, factor);
  };
  let differences: number[];
  try {
    differences = Array.from({ length: POINTS }, (_, k) => {
      scale(1 + k * 2 ** -44);
      return loss();
    });
  } finally {
    scale(1);
  }
  for (let order = 0; order < ORDER; order++) {
    differences = differences.slice(1).map((value, k) => value - differences[k]);
  }
  const squares = differences.reduce((sum, difference) => sum + difference * difference, 0);
  const sigma = Math.sqrt((NORMALIZER * squares) / differences.length);
  return Number.isFinite(sigma) ? sigma : 0; // a loss that is not finite is reported by element, when it is differentiated
}

/** `x = factor · values`, where `values` are row-major. */
function assign(x: Tensor, values: ArrayLike<number>, factor: number): void {
  let from = 0;
  const visit = (axis: number, at: number): void => {
    if (axis === x.shape.length) x.data[at] = factor * values[from++];
    else for (let i = 0; i < x.shape[axis]; i++) visit(axis + 1, at + i * x.stride[axis]);
  };
  visit(0, x.offset);
}
