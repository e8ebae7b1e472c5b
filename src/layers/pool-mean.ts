/**
 * Mean pooling: a sequence is represented by the average of its rows.
 *
 *   Forward    (1)  y[b] = 1/T_b · Σ_t x[(t, b)]                 x [N,W]   y [B,W]   T_b: the length of sequence b
 *   Backward   (1)  dx[(t, b)] += dy[b] / T_b                    for t = 0 … T_b−1
 *
 * Only rows that exist are counted: a short sequence in a batch with a long one is divided by its own length. Sums are computed
 * in float64 and rounded once, so long sequences lose no accuracy in float32.
 *
 * Kept for backward: where the rows are, that is, the packing.
 */
import type { Packing } from '../autograd/packing.js';
import { expectNoEmptySequence, rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectShape } from '../tensor/checks.js';
import type { Tensor } from '../tensor/types.js';
import { expectEntry, expectPass } from '../autograd/entry-checks.js';

/** One vector per sequence, and what the backward pass needs. */
export interface MeanPool {
  /** `[B, W]` in packed order: row b belongs to the caller's sequence `packing.order[b]`. */
  readonly y: Tensor;
  readonly packing: Packing;
}

/**
 * The mean of the rows of every sequence.
 *
 * @param x `[N, W]`, packed rows
 * @throws ShapeError when `x` does not have the rows of the packing
 * @throws ArgumentError naming a sequence without rows
 */
export function meanPoolForward(kernels: Kernels, x: Tensor, packing: Packing): MeanPool {
  expectEntry('meanPoolForward', { kernels, x, packing });
  const { batch: B, lengths } = packing;
  expectShape('meanPool', 'x', x, [{ N: packing.total }, 'W']);
  expectNoEmptySequence('meanPool', packing);
  const W = x.shape[1];
  const y = kernels.empty([B, W], x);
  const sum = new Float64Array(W);
  for (let b = 0; b < B; b++) {
    sum.fill(0);
    for (let t = 0; t < lengths[b]; t++) {
      const from = x.offset + rowOf(packing, t, b) * x.stride[0];
      for (let j = 0; j < W; j++) sum[j] += x.data[from + j * x.stride[1]]; //              (1)
    }
    const to = y.offset + b * y.stride[0];
    for (let j = 0; j < W; j++) y.data[to + j * y.stride[1]] = sum[j] / lengths[b]; //      (1)
  }
  return { y, packing };
}

/**
 * Adds the gradient of `meanPoolForward` to `dX`.
 *
 * @param dY `[B, W]` in packed order
 * @param dX `[N, W]`, accumulates
 * @throws ShapeError when `dY` or `dX` has another shape
 */
export function meanPoolBackward(_kernels: Kernels, pass: MeanPool, dY: Tensor, dX: Tensor): void {
  expectPass('meanPoolBackward', pass, ['y']);
  const { y, packing } = pass;
  const [B, W] = y.shape;
  expectShape('meanPoolBackward', 'dY', dY, [{ B }, { W }]);
  expectShape('meanPoolBackward', 'dX', dX, [{ N: packing.total }, { W }]);
  for (let b = 0; b < B; b++) {
    const T = packing.lengths[b];
    const from = dY.offset + b * dY.stride[0];
    for (let t = 0; t < T; t++) {
      const to = dX.offset + rowOf(packing, t, b) * dX.stride[0];
      for (let j = 0; j < W; j++) dX.data[to + j * dX.stride[1]] += dY.data[from + j * dY.stride[1]] / T; // (1)
    }
  }
}
