/**
 * Max pooling over time (Collobert et al., Natural Language Processing (Almost) from Scratch, JMLR 2011, section 3.3.2): the
 * greatest value of every component over a sequence.
 *
 *   Forward    (1)  k[b,j] = argmax_t x[(t, b), j]               x [N,W]   k [B,W]   the first of equals
 *              (2)  y[b,j] = x[(k[b,j], b), j]                   y [B,W]
 *   Backward   (2)  dx[(k[b,j], b), j] += dy[b,j]                all other rows get nothing
 *              (1)  the choice has no gradient: it is constant wherever y is differentiable
 *
 * The maximum starts from the first element, so rows of −Infinity are valid. A NaN counts as greater than everything, so that a
 * faulty row is not hidden by another one.
 *
 * Kept for backward: k, as row indices.
 */
import type { Packing } from '../autograd/packing.js';
import { expectNoEmptySequence, rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectShape } from '../tensor/checks.js';
import type { Tensor } from '../tensor/types.js';
import { expectEntry, expectPass } from '../autograd/entry-checks.js';

/** One vector per sequence, and what the backward pass needs. */
export interface MaxPool {
  /** `[B, W]` in packed order: row b belongs to the caller's sequence `packing.order[b]`. */
  readonly y: Tensor;
  readonly packing: Packing;
  /** `[B · W]`, row-major: the packed row from which component (b, j) was taken. */
  readonly rows: Int32Array;
}

/**
 * The greatest value of every component over the rows of every sequence.
 *
 * @param x `[N, W]`, packed rows
 * @throws ShapeError when `x` does not have the rows of the packing
 * @throws ArgumentError naming a sequence without rows
 */
export function maxPoolForward(kernels: Kernels, x: Tensor, packing: Packing): MaxPool {
  expectEntry('maxPoolForward', { kernels, x, packing });
  const { batch: B, lengths } = packing;
  expectShape('maxPool', 'x', x, [{ N: packing.total }, 'W']);
  expectNoEmptySequence('maxPool', packing);
  const W = x.shape[1];
  const y = kernels.empty([B, W], x);
  const rows = new Int32Array(B * W);
  for (let b = 0; b < B; b++) {
    const to = y.offset + b * y.stride[0];
    for (let j = 0; j < W; j++) {
      const column = x.offset + j * x.stride[1];
      let row = rowOf(packing, 0, b);
      let max = x.data[column + row * x.stride[0]];
      for (let t = 1; t < lengths[b]; t++) {
        const value = x.data[column + rowOf(packing, t, b) * x.stride[0]];
        if (!(value > max || (Number.isNaN(value) && !Number.isNaN(max)))) continue;
        max = value;
        row = rowOf(packing, t, b); //                              (1)
      }
      rows[b * W + j] = row;
      y.data[to + j * y.stride[1]] = max; //                        (2)
    }
  }
  return { y, packing, rows };
}

/**
 * Adds the gradient of `maxPoolForward` to `dX`.
 *
 * @param dY `[B, W]` in packed order
 * @param dX `[N, W]`, accumulates
 * @throws ShapeError when `dY` or `dX` has another shape
 */
export function maxPoolBackward(_kernels: Kernels, pass: MaxPool, dY: Tensor, dX: Tensor): void {
  expectPass('maxPoolBackward', pass, ['y']);
  const { y, packing, rows } = pass;
  const [B, W] = y.shape;
  expectShape('maxPoolBackward', 'dY', dY, [{ B }, { W }]);
  expectShape('maxPoolBackward', 'dX', dX, [{ N: packing.total }, { W }]);
  for (let b = 0; b < B; b++) {
    const from = dY.offset + b * dY.stride[0];
    for (let j = 0; j < W; j++) {
      const to = dX.offset + rows[b * W + j] * dX.stride[0];
      dX.data[to + j * dX.stride[1]] += dY.data[from + j * dY.stride[1]]; //  (2)
    }
  }
}
