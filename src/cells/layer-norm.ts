/**
 * Layer normalization (Ba, Kiros & Hinton 2016, equations 3 and 4) of a row v of n numbers: their mean becomes 0 and their
 * variance 1, then each gets its own gain and bias. ε = 1e-5.
 *
 * Forward
 *   (1)  μ = Σ v / n   σ² = Σ (v − μ)² / n     v̂ = (v − μ) / √(σ² + ε)
 *   (2)  y = γ ∘ v̂ + β
 *
 * Backward, the same numbers in reverse; ⟨ ⟩ is the mean over the row
 *   (2)  dv̂ = dy ∘ γ                           and, over all rows at once,  dγ += Σ dy ∘ v̂   dβ += Σ dy
 *   (1)  dv = (dv̂ − ⟨dv̂⟩ − v̂ ∘ ⟨dv̂ ∘ v̂⟩) / √(σ² + ε)
 *
 * Kept for backward: only v. μ and σ² are computed again.
 */
import type { Real, Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { Algebra } from './equations.js';

/** Keeps the root away from 0, as in the paper's code and in PyTorch. */
export const EPSILON = 1e-5;

/** Gains γ and biases β, `[n]` each. */
export interface Norm {
  readonly gain: Tensor;
  readonly bias: Tensor;
}

/** Equation (1): μ and 1 / √(σ² + ε) of the n numbers starting at `at`. */
function moments(v: Real, at: number, n: number): readonly [number, number] {
  let sum = 0;
  for (let j = 0; j < n; j++) sum += v[at + j];
  const mean = sum / n;
  let squares = 0;
  for (let j = 0; j < n; j++) squares += (v[at + j] - mean) * (v[at + j] - mean);
  return [mean, 1 / Math.sqrt(squares / n + EPSILON)];
}

/** Adds every row of `v [B, n]`, normalized, to that of `y [B, n]`: equations (1) and (2). */
export function addNormalized(y: Tensor, v: Tensor, { gain, bias }: Norm): void {
  const [B, n] = v.shape;
  for (let b = 0; b < B; b++) {
    const [from, to] = [rowStart(v, b), rowStart(y, b)];
    const [mean, scale] = moments(v.data, from, n);
    for (let j = 0; j < n; j++) {
      const hat = (v.data[from + j] - mean) * scale; //                                  (1)
      y.data[to + j] += at(gain, j) * hat + at(bias, j); //                              (2)
    }
  }
}

/** Adds to `dv [B, n]` what `dy [B, n]` passes on: equations (2) and (1) undone, row by row. */
export function normBackward(dv: Tensor, dy: Tensor, v: Tensor, { gain }: Norm): void {
  const [B, n] = v.shape;
  for (let b = 0; b < B; b++) {
    const [from, above, to] = [rowStart(v, b), rowStart(dy, b), rowStart(dv, b)];
    const [mean, scale] = moments(v.data, from, n);
    let [sum, along] = [0, 0];
    for (let j = 0; j < n; j++) {
      const dHat = dy.data[above + j] * at(gain, j); //                                  (2)
      sum += dHat; //                                                                    (1)
      along += dHat * (v.data[from + j] - mean) * scale; //                              (1)
    }
    for (let j = 0; j < n; j++) {
      const dHat = dy.data[above + j] * at(gain, j); //                                  (2)
      const hat = (v.data[from + j] - mean) * scale;
      dv.data[to + j] += (dHat - sum / n - (hat * along) / n) * scale; //                (1)
    }
  }
}

/** Adds the gradients of gains and biases over all rows: equation (2). */
export function normWeightGradients({ gain, bias }: Norm, dy: Tensor, v: Tensor): void {
  const [N, n] = v.shape;
  for (let b = 0; b < N; b++) {
    const [from, above] = [rowStart(v, b), rowStart(dy, b)];
    const [mean, scale] = moments(v.data, from, n);
    for (let j = 0; j < n; j++) {
      const d = dy.data[above + j];
      gain.data[gain.offset + j * gain.stride[0]] += d * (v.data[from + j] - mean) * scale; // (2)
      bias.data[bias.offset + j * bias.stride[0]] += d; //                               (2)
    }
  }
}

/** Equations (1) and (2) over any algebra: `v [M, n]`, gains and biases `[M, n]`. */
export function normalizedOver<V>(ops: Algebra<V>, v: V, gain: V, bias: V): V {
  const centered = ops.sub(v, ops.rowMean(v));
  const variance = ops.rowMean(ops.mul(centered, centered));
  const scale = ops.exp(ops.scale(ops.log(ops.shift(variance, EPSILON)), -0.5)); //      (1)
  return ops.add(ops.mul(ops.mul(centered, scale), gain), bias); //                      (2)
}

/** A matrix with the vector in every row, because blocks are sliced from matrices. `like [M, n]`, vector `[n]`. */
export const asRows = <V>(ops: Algebra<V>, like: V, vector: V): V => ops.add(ops.scale(like, 0), vector);

const at = ({ data, offset, stride }: Tensor, j: number): number => data[offset + j * stride[0]];
