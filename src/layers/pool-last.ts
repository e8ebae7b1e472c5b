/**
 * Last pooling: a sequence is represented by the output of the step that has read all of it.
 *
 *   Forward    (1)  y[b] = x[(T_b−1, b)]                         x [N,W]   y [B,W]   T_b: the length of sequence b
 *   Backward   (1)  dx[(T_b−1, b)] += dy[b]
 *
 * In a bidirectional layer, x = [x→ | x←] with W = 2H, each half has its own last step: the reverse direction ends at the first
 * token (equation (3) of bidirectional.ts: row (t, b) of x← has read the sequence from its end to token t).
 *
 *   Forward    (1)  y[b, 0…H−1]  = x[(T_b−1, b), 0…H−1]
 *              (2)  y[b, H…2H−1] = x[(0, b), H…2H−1]
 *   Backward   (2)  dx[(0, b), H…2H−1]    += dy[b, H…2H−1]
 *              (1)  dx[(T_b−1, b), 0…H−1] += dy[b, 0…H−1]
 *
 * Kept for backward: where the rows are, that is, the packing.
 */
import type { Packing } from '../autograd/packing.js';
import { expectNoEmptySequence, rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectShape, keysOf } from '../tensor/checks.js';
import { ShapeError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { expectEntry, expectPass } from '../autograd/entry-checks.js';

/** Describes the layer whose outputs are pooled. */
export interface LastPoolOptions {
  /** Whether the right half of a row is the reverse direction, whose last step is the first token. Default `false`. */
  readonly bidirectional?: boolean;
}

const KEYS = keysOf<LastPoolOptions>({ bidirectional: true });

/** One vector per sequence, and what the backward pass needs. */
export interface LastPool {
  /** `[B, W]` in packed order: row b belongs to the caller's sequence `packing.order[b]`. */
  readonly y: Tensor;
  readonly packing: Packing;
  readonly bidirectional: boolean;
}

/**
 * The last output of every sequence.
 *
 * @param x `[N, W]`, packed rows; W is even with `bidirectional`
 * @throws ShapeError when `x` does not have the rows of the packing, or W is odd with `bidirectional`
 * @throws ArgumentError naming a sequence without rows
 */
export function lastPoolForward(
  kernels: Kernels,
  x: Tensor,
  packing: Packing,
  options: LastPoolOptions = {},
): LastPool {
  expectEntry('lastPoolForward', { kernels, x, packing });
  expectKnownKeys('lastPool', 'options', options, KEYS);
  const { bidirectional = false } = options;
  const { batch: B, lengths } = packing;
  expectShape('lastPool', 'x', x, [{ N: packing.total }, 'W']);
  expectNoEmptySequence('lastPool', packing);
  const W = x.shape[1];
  const H = forwardWidth(W, bidirectional);
  const y = kernels.empty([B, W], x);
  for (let b = 0; b < B; b++) {
    const last = x.offset + rowOf(packing, lengths[b] - 1, b) * x.stride[0];
    const first = x.offset + rowOf(packing, 0, b) * x.stride[0];
    const to = y.offset + b * y.stride[0];
    for (let j = 0; j < H; j++) y.data[to + j * y.stride[1]] = x.data[last + j * x.stride[1]]; //   (1)
    for (let j = H; j < W; j++) y.data[to + j * y.stride[1]] = x.data[first + j * x.stride[1]]; //  (2)
  }
  return { y, packing, bidirectional };
}

/**
 * Adds the gradient of `lastPoolForward` to `dX`.
 *
 * @param dY `[B, W]` in packed order
 * @param dX `[N, W]`, accumulates; every row that was not a last one gets nothing
 * @throws ShapeError when `dY` or `dX` has another shape
 */
export function lastPoolBackward(_kernels: Kernels, pass: LastPool, dY: Tensor, dX: Tensor): void {
  expectPass('lastPoolBackward', pass, ['y']);
  const { packing, bidirectional } = pass;
  const [B, W] = pass.y.shape;
  expectShape('lastPoolBackward', 'dY', dY, [{ B }, { W }]);
  expectShape('lastPoolBackward', 'dX', dX, [{ N: packing.total }, { W }]);
  const H = forwardWidth(W, bidirectional);
  for (let b = 0; b < B; b++) {
    const last = dX.offset + rowOf(packing, packing.lengths[b] - 1, b) * dX.stride[0];
    const first = dX.offset + rowOf(packing, 0, b) * dX.stride[0];
    const from = dY.offset + b * dY.stride[0];
    for (let j = H; j < W; j++) dX.data[first + j * dX.stride[1]] += dY.data[from + j * dY.stride[1]]; //  (2)
    for (let j = 0; j < H; j++) dX.data[last + j * dX.stride[1]] += dY.data[from + j * dY.stride[1]]; //   (1)
  }
}

/** Columns of the forward direction: all of W, or the left half. @throws ShapeError when an odd W has to be halved */
function forwardWidth(W: number, bidirectional: boolean): number {
  if (!bidirectional) return W;
  if (W % 2 === 0) return W / 2;
  throw new ShapeError(
    `lastPool: x must be [N, 2H], a forward half and a reverse half of H columns each; got ${W} columns. ` +
      'Pass bidirectional: false for a layer of one direction.',
  );
}
