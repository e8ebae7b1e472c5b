/** The global norm of gradients, and the two ways of clipping them. */
import type { Kernels } from '../kernels/types.js';
import { ArgumentError } from '../tensor/errors.js';
import type { TensorRecord } from './grads.js';
import { forEachRun, rowsInUse, scaleGrads } from './grads.js';
import { expectTensors } from '../tensor/arguments.js';
import { show } from '../tensor/describe.js';
import { expectKernels } from './entry-checks.js';

/** Sums of squares below this may have lost subnormal terms; above it their relative error is due only to rounding. */
const TRUSTED_SUM = 2 ** -900;

/**
 * Euclidean norm √(Σ g²) over all elements of all gradients, accumulated in float64. If the squares would overflow or vanish, a
 * second pass divides by the largest magnitude first, as the BLAS routine `dnrm2` does. NaN if an element is NaN.
 */
export function globalNorm(kernels: Kernels, grads: TensorRecord): number {
  expectTensors('globalNorm', 'grads', grads);
  expectKernels('globalNorm', kernels);
  return normOf(kernels, grads);
}

function normOf(kernels: Kernels, grads: TensorRecord): number {
  let sum = 0;
  for (const g of Object.values(grads)) sum = kernels.rows.addSquares(sum, g, rowsInUse(g));
  if (sum > TRUSTED_SUM && sum < Infinity) return Math.sqrt(sum);
  const largest = largestMagnitude(grads);
  if (largest === 0 || !(largest < Infinity)) return largest;
  return largest * Math.sqrt(sumOfScaledSquares(grads, largest));
}

/** Σ (g / unit)², in float64. */
function sumOfScaledSquares(grads: TensorRecord, unit: number): number {
  let sum = 0;
  for (const g of Object.values(grads)) {
    forEachRun(g, (data, start, count, step) => {
      let partial = 0;
      for (let n = 0, i = start; n < count; n++, i += step) {
        const scaled = data[i] / unit;
        partial += scaled * scaled;
      }
      sum += partial;
    });
  }
  return sum;
}

/** max |g|; NaN if an element is NaN (`Math.max` lets it through, a comparison would not). */
function largestMagnitude(grads: TensorRecord): number {
  let largest = 0;
  for (const g of Object.values(grads)) {
    forEachRun(g, (data, start, count, step) => {
      for (let n = 0, i = start; n < count; n++, i += step) largest = Math.max(largest, Math.abs(data[i]));
    });
  }
  return largest;
}

/**
 * Scales all gradients together so that their global norm is at most `maxNorm`; the direction does not change. If the norm is not
 * finite, nothing is scaled: the caller sees it in the return value and decides.
 *
 * Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1.
 *
 * @returns the norm before clipping
 * @throws ArgumentError unless `maxNorm` is greater than 0 (`Infinity` measures without clipping)
 */
export function clipByGlobalNorm(kernels: Kernels, grads: TensorRecord, maxNorm: number): number {
  expectTensors('clipByGlobalNorm', 'grads', grads);
  expectKernels('clipByGlobalNorm', kernels);
  if (!(typeof maxNorm === 'number' && maxNorm > 0)) {
    throw new ArgumentError(`clipByGlobalNorm: maxNorm must be greater than 0; got ${show(maxNorm)}`);
  }
  const norm = normOf(kernels, grads);
  if (norm > maxNorm && norm < Infinity) scaleGrads(kernels, grads, maxNorm / norm);
  return norm;
}

/**
 * Limits every element to `[−limit, limit]`. The direction changes; NaN stays NaN.
 *
 * @throws ArgumentError unless `limit` is greater than 0
 */
export function clipByValue(grads: TensorRecord, limit: number): void {
  expectTensors('clipByValue', 'grads', grads);
  if (!(typeof limit === 'number' && limit > 0)) {
    throw new ArgumentError(`clipByValue: limit must be greater than 0; got ${show(limit)}`);
  }
  for (const g of Object.values(grads)) {
    forEachRun(g, (data, start, count, step) => {
      for (let n = 0, i = start; n < count; n++, i += step) data[i] = Math.max(-limit, Math.min(limit, data[i]));
    });
  }
}
