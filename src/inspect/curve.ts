/**
 * Why a finite difference has a best step. Plain central differences of one checked weight, over a ladder of steps:
 *
 *   (1)  D(ε) = (L(θ + ε) − L(θ − ε)) / 2ε = L′ + ε²·L‴/6 + …
 *   (2)  error(ε) = |D(ε) − g| / |g|                    g by the hand-written backward pass
 *   (3)  truncation(ε) = ε²·|C| / |g|                   C = (D(10⁻²) − D(10⁻³)) / (10⁻⁴ − 10⁻⁶) ≈ L‴/6
 *   (4)  rounding(ε) = σ / (√2·ε·|g|)                   standard deviation of (1) where every L is off by σ
 *
 * Wide steps are wrong by (3), narrow ones by (4); a wrong g shows as a level that the error never falls below. σ is measured as
 * in gradient checking (Moré, Wild 2011), over all weights.
 */
import { flatten } from '../autograd/grads.js';
import { atLeastRounding, lossNoise } from '../autograd/check/finite-differences.js';
import { sumOfSeeds } from './losses.js';
import type { Reading } from './reading.js';
import { again } from './study.js';
import type { CheckElement, CurveTrace } from './trace.js';

/** ε, from 10⁻¹ to 10⁻¹². */
const STEPS = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12];

/**
 * Returns the curve of one element; undefined if relative errors are meaningless, because the gradient is 0 or not finite, or if
 * the loss is not finite.
 *
 * @param at its index in the parameter's data
 */
export function curveOf(
  { study, losses, options }: Pick<Reading, 'study' | 'losses' | 'options'>,
  { param, analytic, numeric }: CheckElement,
  at: number,
): Omit<CurveTrace, 'element'> | undefined {
  const size = Math.abs(analytic);
  if (numeric === null || !(size > 0 && size < Infinity)) return undefined;
  const params = flatten(study.params);
  const { data } = params[param];
  const loss = (): number => sumOfSeeds(again(study), losses, options);
  const value = data[at];
  let magnitude = 0;
  const lossAt = (point: number): number => {
    data[at] = point;
    const found = loss();
    magnitude = Math.max(magnitude, Math.abs(found));
    return found;
  };
  const difference = (step: number): number => {
    const [right, left] = [value + step, value - step];
    // Divided by the distance of the rounded points, so that rounding them adds no error.
    return (lossAt(right) - lossAt(left)) / (right - left); //                (1)
  };
  let differences: number[];
  try {
    differences = STEPS.map(difference);
  } finally {
    data[at] = value;
  }
  if (!differences.every(Number.isFinite)) return undefined;
  const sigma = atLeastRounding(lossNoise(params, loss), magnitude);
  const bend = (differences[1] - differences[2]) / (STEPS[1] ** 2 - STEPS[2] ** 2);
  return {
    steps: STEPS,
    errors: differences.map((each) => Math.abs(each - analytic) / size), //    (2)
    truncation: STEPS.map((step) => (step ** 2 * Math.abs(bend)) / size), //   (3)
    rounding: STEPS.map((step) => sigma / (Math.SQRT2 * step * size)), //      (4)
  };
}
