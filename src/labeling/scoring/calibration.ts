/**
 * Calibration: whether a model is right as often as its confidence suggests. There are n decisions; decision i was made with the confidence
 * p̂ᵢ in [0, 1] and was right or wrong. M bins of equal width group them by confidence.
 *
 *   (1)  bin m, of 1 … M, holds i where (m − 1)/M < p̂ᵢ ≤ m/M; the first holds p̂ᵢ = 0 too     Bₘ
 *   (2)  acc(Bₘ)  = |{ i ∈ Bₘ : right }| / |Bₘ|
 *   (3)  conf(Bₘ) = Σ_{i ∈ Bₘ} p̂ᵢ / |Bₘ|
 *   (4)  ECE = Σₘ |Bₘ|/n · |acc(Bₘ) − conf(Bₘ)|                                              the expected calibration error
 *   (5)  MCE = maxₘ |acc(Bₘ) − conf(Bₘ)|                                                     the maximum calibration error, over bins that hold any
 *
 * Source: Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017), section 2, with M = 15 as in its tables;
 * ECE and MCE are those of Naeini, Cooper & Hauskrecht (AAAI 2015).
 */
import { expectNumbers } from '../../tensor/arguments.js';
import { expectPositiveInteger } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { ratio } from './precision-recall.js';

/** M of equation 1, unless another number is given. */
export const CALIBRATION_BINS = 15;

/** How far rounding may push a probability above 1 if it was summed over many paths in float32. */
const ROUNDING = 1e-4;

/** Decisions of similar confidence. */
export interface CalibrationBin {
  /** The bin holds confidences above `from` and up to `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly correct: number;
  /** Equation 2; null if the bin is empty. */
  readonly accuracy: number | null;
  /** Equation 3; null if the bin is empty. */
  readonly confidence: number | null;
}

/** Agreement of confidence and correctness. */
export interface Calibration {
  /** n, the number of decisions. */
  readonly count: number;
  /** Means over all decisions; null if there are none. */
  readonly accuracy: number | null;
  readonly confidence: number | null;
  /** Equation 4, in [0, 1]; null without decisions. */
  readonly ece: number | null;
  /** Equation 5, in [0, 1]; null without decisions. */
  readonly mce: number | null;
  /** All M bins, by confidence. */
  readonly bins: readonly CalibrationBin[];
}

/**
 * Measures the calibration of decisions.
 *
 * @param confidences p̂, the probability given to each decision, in [0, 1]; an excess over 1 due to rounding is cut off
 * @param right whether each decision was right
 * @param bins M, at least 1
 * @throws ArgumentError if the lists differ in length, or a confidence is invalid
 */
export function calibrationOf(
  confidences: ArrayLike<number>,
  right: readonly boolean[],
  bins = CALIBRATION_BINS,
): Calibration {
  checkArguments(confidences, right, bins);
  const held = Array.from({ length: bins }, () => ({ count: 0, correct: 0, sum: 0 }));
  for (let i = 0; i < right.length; i++) {
    const p = Math.min(1, confidences[i]);
    const bin = held[binOf(p, bins)];
    bin.count++;
    bin.sum += p;
    if (right[i]) bin.correct++;
  }
  const n = right.length;
  const measured = held.map(({ count, correct, sum }, m): CalibrationBin => {
    const [accuracy, confidence] = count === 0 ? [null, null] : [correct / count, sum / count]; // (2), (3)
    return { from: m / bins, to: (m + 1) / bins, count, correct, accuracy, confidence };
  });
  const gaps = measured.map(({ accuracy, confidence }) => Math.abs((accuracy ?? 0) - (confidence ?? 0)));
  const total = (of: 'correct' | 'sum'): number => held.reduce((sum, bin) => sum + bin[of], 0);
  return {
    count: n,
    accuracy: n === 0 ? null : ratio(total('correct'), n),
    confidence: n === 0 ? null : ratio(total('sum'), n),
    ece: n === 0 ? null : gaps.reduce((sum, gap, m) => sum + (held[m].count / n) * gap, 0), // (4)
    mce: n === 0 ? null : Math.max(...gaps), // (5): the gap of an empty bin is 0
    bins: measured,
  };
}

/** Index of the bin that holds p: m − 1 of equation 1, computed with exactly the quotients that are its bounds. */
function binOf(p: number, bins: number): number {
  let m = Math.min(bins, Math.max(1, Math.ceil(p * bins)));
  while (m > 1 && p <= (m - 1) / bins) m--; // the product above may round to the wrong side of a bound
  while (m < bins && p > m / bins) m++;
  return m - 1;
}

function checkArguments(confidences: ArrayLike<number>, right: readonly boolean[], bins: number): void {
  expectPositiveInteger('calibrationOf', 'bins', bins);
  expectNumbers('calibrationOf', 'confidences', confidences);
  if (!Array.isArray(right) || !right.every((each) => typeof each === 'boolean')) {
    throw new ArgumentError(`calibrationOf: right must be a list of true and false; got ${show(right)}`);
  }
  if (confidences.length !== right.length) {
    throw new ArgumentError(
      `calibrationOf: confidences and right must have the same length; got ${confidences.length} and ${right.length}`,
    );
  }
  for (let i = 0; i < confidences.length; i++) {
    const p: unknown = confidences[i];
    if (typeof p === 'number' && p >= 0 && p <= 1 + ROUNDING) continue;
    throw new ArgumentError(`calibrationOf: confidences[${i}] must be a probability in [0, 1]; got ${show(p)}`);
  }
}
