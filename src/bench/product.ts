/** One product: its operands, its correct result, and the tolerance. */
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from '../kernels/cpu/matmul1.js';
import type { Tensor } from '../tensor/index.js';
import type { ProductName } from './numbers.js';
import { deviation, elements, matrix, randomNumbers, UNIT_ROUNDOFF } from './numbers.js';

const REFERENCE = { addMatmul: addMatmul1, addMatmulTA: addMatmulTA1, addMatmulTB: addMatmulTB1 };

/** Operands of one product and the result of rung 1 for them. */
export interface Product {
  readonly name: ProductName;
  readonly size: readonly [M: number, K: number, N: number];
  readonly out: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  /** `out` plus the product, by `matmul1`. */
  readonly expected: Tensor;
}

/** A product of random operands, which are the same for the same seed. */
export function createProduct(name: ProductName, M: number, K: number, N: number, seed = 1): Product {
  const a =
    name === 'addMatmulTA' ? matrix(randomNumbers(K * M, seed), K, M) : matrix(randomNumbers(M * K, seed), M, K);
  const b =
    name === 'addMatmulTB'
      ? matrix(randomNumbers(N * K, seed + 1), N, K)
      : matrix(randomNumbers(K * N, seed + 1), K, N);
  const out = matrix(randomNumbers(M * N, seed + 2), M, N);
  const expected = matrix(elements(out).slice(), M, N);
  REFERENCE[name](expected, a, b);
  return { name, size: [M, K, N], out, a, b, expected };
}

/**
 * Largest difference between two correct results: each sum of K + 1 terms is off by at most γ_{K+1}·(|out| + Σ|a||b|) (Higham,
 * Accuracy and Stability, 2nd ed., §3.1), and all operands are at most 1/2. A peer gets one more rounding, because its product is
 * added to `out` here.
 */
function allowedError({ size: [, K] }: Pick<Product, 'size'>): number {
  const n = (K + 2) * UNIT_ROUNDOFF;
  return ((2 * n) / (1 - n)) * (K / 4 + 0.5);
}

/** Explains why an answer is wrong; undefined if it is right. */
export function faultOf(
  product: Pick<Product, 'size'>,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): string | undefined {
  const error = deviation(got, want);
  const allowed = allowedError(product);
  if (error <= allowed) return undefined;
  return `differs from matmul1 by ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`;
}
