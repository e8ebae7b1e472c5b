/**
 * Rung 1 of the ladder, and the oracle of the others: three nested loops, one dot product per element of `out`.
 *
 * The sum over k runs from 0 to K − 1 in double precision, whatever the element type, and is added to `out` in one
 * rounding. A product of two float32 values is exact in double (24 + 24 ≤ 53 bits), so
 *
 *     float32   |out − exact| ≤ u₃₂·|exact| + (1 + u₃₂)·(γ_K·Σ|a||b| + u₆₄·|exact|),   γ_K = K·u₆₄ / (1 − K·u₆₄)
 *     float64   |out − exact| ≤ γ_{K+1}·(|out₀| + Σ|a||b|)
 *
 * with u₃₂ = 2⁻²⁴ and u₆₄ = 2⁻⁵³ (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.1). The order never
 * depends on M, N or the strides, so a row of a product has the same bits as the product of that row alone. Rungs 2 and
 * 3 keep the order and the precision of every sum: they equal this file bit for bit.
 *
 * Reading order: from cells/lstm.ts; the last stop.
 */
import type { Tensor } from '../../tensor/types.js';

/** `out[m,n] += Σ_k a[m,k] · b[k,n]`. */
export function addMatmul1(out: Tensor, a: Tensor, b: Tensor): void {
  const [M, N] = out.shape;
  const K = a.shape[1];
  if (K === 0) return;
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum +=
          a.data[a.offset + m * a.stride[0] + k * a.stride[1]] * b.data[b.offset + k * b.stride[0] + n * b.stride[1]];
      }
      out.data[out.offset + m * out.stride[0] + n * out.stride[1]] += sum;
    }
  }
}

/** `out[m,n] += Σ_k a[k,m] · b[k,n]`. */
export function addMatmulTA1(out: Tensor, a: Tensor, b: Tensor): void {
  const [M, N] = out.shape;
  const K = a.shape[0];
  if (K === 0) return;
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum +=
          a.data[a.offset + k * a.stride[0] + m * a.stride[1]] * b.data[b.offset + k * b.stride[0] + n * b.stride[1]];
      }
      out.data[out.offset + m * out.stride[0] + n * out.stride[1]] += sum;
    }
  }
}

/** `out[m,n] += Σ_k a[m,k] · b[n,k]`. */
export function addMatmulTB1(out: Tensor, a: Tensor, b: Tensor): void {
  const [M, N] = out.shape;
  const K = a.shape[1];
  if (K === 0) return;
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum +=
          a.data[a.offset + m * a.stride[0] + k * a.stride[1]] * b.data[b.offset + n * b.stride[0] + k * b.stride[1]];
      }
      out.data[out.offset + m * out.stride[0] + n * out.stride[1]] += sum;
    }
  }
}
