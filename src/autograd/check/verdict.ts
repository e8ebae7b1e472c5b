/**
 * The combined verdict of three methods on one derivative: the backward pass, forward mode and finite differences.
 * `bptt gradcheck`, `bptt check` and the trace use it.
 *
 * Forward mode is exact to rounding, so it decides if it is available. Finite differences come with an estimate of their noise: a
 * difference above it is an error, and one below it proves nothing. At a kink of the loss each method may take a different slope
 * between the two sides, so only finite differences, which see both sides, decide there.
 */
import type { CheckedElement } from './gradcheck.js';

/** Relative difference up to which finite differences agree with a backward pass. */
export const NUMERIC_TOLERANCE = 1e-7;

/** The same for forward mode. */
const FORWARD_TOLERANCE = 1e-9;

/** Tolerance for rounding, relative to the size of the summands: sums may cancel. */
const ROUNDING = 1e-13;

/** One derivative by three methods. */
export interface Opinions {
  /** By the backward pass. */
  readonly analytic: number;
  /** By dual numbers over the equations; null if the cell has none. */
  readonly forwardMode: number | null;
  /** By finite differences; undefined if the loss is not finite nearby. */
  readonly numeric?: Pick<CheckedElement, 'passed' | 'conclusive' | 'kink'>;
  /** Size of the terms of which the derivative may be a small difference, such as Σ|terms|. */
  readonly magnitude: number;
}

/** `inconclusive`: no method confirms the derivative, and none refutes it. */
export type Verdict = 'agrees' | 'disagrees' | 'inconclusive';

/**
 * Whether two derivatives that are exact to rounding are the same.
 *
 * @param magnitude size of the terms of which they may be a small difference
 */
export function agree(analytic: number, other: number, magnitude: number): boolean {
  const allowed = FORWARD_TOLERANCE * Math.max(Math.abs(analytic), Math.abs(other)) + ROUNDING * magnitude;
  return Math.abs(analytic - other) <= allowed;
}

/** Combines the three methods into one verdict. */
export function verdictOf({ analytic, forwardMode, numeric, magnitude }: Opinions): Verdict {
  if (!Number.isFinite(analytic) || (numeric?.conclusive && !numeric.passed)) return 'disagrees';
  if (forwardMode !== null && numeric?.kink === undefined) {
    return agree(analytic, forwardMode, magnitude) ? 'agrees' : 'disagrees';
  }
  return numeric?.passed ? 'agrees' : 'inconclusive';
}
