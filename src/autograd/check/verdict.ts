/**
 * What three methods say together of one derivative: the backward pass, forward mode and finite differences. `bptt gradcheck`,
 * `bptt check` and the trace judge by it.
 *
 * Forward mode is exact to rounding, so where it has an opinion it decides. Finite differences know their own noise: what they call
 * wrong beyond it is wrong, and below it they say nothing. At a kink of the loss each method may take another one of the slopes
 * between the sides, so there finite differences, which see both sides, decide alone.
 */
import type { CheckedElement } from './gradcheck.js';

/** Relative difference up to which finite differences agree with a backward pass. */
export const NUMERIC_TOLERANCE = 1e-7;

/** The same for forward mode. */
const FORWARD_TOLERANCE = 1e-9;

/** What is allowed for rounding, times the size of what is added up: sums may cancel. */
const ROUNDING = 1e-13;

/** One derivative by three methods. */
export interface Opinions {
  /** By the backward pass. */
  readonly analytic: number;
  /** By dual numbers over the equations; null where the cell has none. */
  readonly forwardMode: number | null;
  /** By finite differences; undefined where the loss is not finite nearby. */
  readonly numeric?: Pick<CheckedElement, 'passed' | 'conclusive' | 'kink'>;
  /** Size of what the derivative may be a small difference of, such as Σ|terms|. */
  readonly magnitude: number;
}

/** `inconclusive`: nothing confirms the derivative, and nothing can call it wrong. */
export type Verdict = 'agrees' | 'disagrees' | 'inconclusive';

/** Whether two derivatives that are exact to rounding are the same. @param magnitude size of what they may be a small difference of */
export function agree(analytic: number, other: number, magnitude: number): boolean {
  const allowed = FORWARD_TOLERANCE * Math.max(Math.abs(analytic), Math.abs(other)) + ROUNDING * magnitude;
  return Math.abs(analytic - other) <= allowed;
}

/** What the three methods say together. */
export function verdictOf({ analytic, forwardMode, numeric, magnitude }: Opinions): Verdict {
  if (!Number.isFinite(analytic) || (numeric?.conclusive && !numeric.passed)) return 'disagrees';
  if (forwardMode !== null && numeric?.kink === undefined) {
    return agree(analytic, forwardMode, magnitude) ? 'agrees' : 'disagrees';
  }
  return numeric?.passed ? 'agrees' : 'inconclusive';
}
