/**
 * Dense layer with tanh: an affine map of every row, then tanh.
 *
 *   Forward    (1)  a = X·W + b                       X [N,D]   W [D,K]   b [K]
 *              (2)  Y = tanh(a)                       Y [N,K]
 *   Backward   (2)  da = dY ∘ (1 − Y²)
 *              (1)  dX += da·Wᵀ   dW += Xᵀ·da   db += Σ_n da[n]
 *
 * Kept for backward: X, and Y, from which the derivative of tanh is computed.
 */
import { expectEntry } from '../autograd/entry-checks.js';
import type { Kernels } from '../kernels/types.js';
import { expectShape } from '../tensor/checks.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { LinearGrads, LinearParams } from './linear.js';
import { linearBackward, linearForward } from './linear.js';

/**
 * `tanh(X·W + b)`, `[N, K]`. Parameters as `initLinear` makes them.
 *
 * @param x `[N, D]`
 * @throws ShapeError when `x` is not `[N, D]`
 */
export function denseForward(kernels: Kernels, params: LinearParams, x: Tensor): Tensor {
  const y = linearForward(kernels, params, x); // (1)
  const { tanh } = transcendentals(y);
  for (let i = y.offset; i < y.offset + y.shape[0] * y.shape[1]; i++) y.data[i] = tanh(y.data[i]); // (2)
  return y;
}

/**
 * Adds the gradients of the layer to `grads` and, if given, to `dX`.
 *
 * @param x `[N, D]` the input of the forward pass
 * @param y `[N, K]` its output
 * @param dY `[N, K]`
 * @throws ShapeError when a tensor has another shape
 */
export function denseBackward(
  kernels: Kernels,
  params: LinearParams,
  x: Tensor,
  y: Tensor,
  dY: Tensor,
  grads: LinearGrads,
  dX?: Tensor,
): void {
  expectEntry('denseBackward', { kernels, x, y, dY });
  expectShape('denseBackward', 'dY', dY, y.shape);
  const [N, K] = y.shape;
  const da = kernels.empty([N, K], y);
  for (let n = 0; n < N; n++) {
    const [to, from, out] = [rowStart(da, n), rowStart(dY, n), rowStart(y, n)];
    for (let k = 0; k < K; k++) {
      const value = y.data[out + k * y.stride[1]];
      da.data[to + k] = dY.data[from + k * dY.stride[1]] * (1 - value * value); // (2)
    }
  }
  linearBackward(kernels, params, x, da, grads, dX); // (1)
}
