/**
 * Convolution over time: at every step, one affine map of the window of K rows around it. Rows outside a sequence count as zero,
 * so a sequence has as many outputs as rows, and its outputs do not depend on the other sequences of the batch.
 *
 *   Forward    (1)  u[(t,b)] = [ x[(t−P,b)] | … | x[(t−P+K−1,b)] ]     x [N,D]   u [N,K·D]   P = ⌊(K−1)/2⌋
 *              (2)  y = u·W + b                                        W [K·D,F]   b [F]   y [N,F]
 *   Backward   (2)  du = dy·Wᵀ      dW += uᵀ·dy      db += Σ_n dy[n]
 *              (1)  dx[(t−P+k,b)] += du[(t,b), kD … (k+1)D−1]          for every k whose row lies in the sequence
 *
 * Rows k·D … (k+1)·D − 1 of W are multiplied by the window's row k. (1) copies rows, so that (2) is one product (a convolution as
 * a product: Chellapilla, Puri & Simard 2006).
 *
 * Kept for backward: u.
 */
import { expectEntry, expectGrads, expectPass } from '../autograd/entry-checks.js';
import type { Packing } from '../autograd/packing.js';
import { rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectTensor } from '../tensor/arguments.js';
import { expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { ShapeError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import { columns, rows } from '../tensor/view.js';
import type { LinearGrads, LinearParams } from './linear.js';
import { initLinear, linearBackward, linearForward } from './linear.js';

/** The filters: `W [K·D, F]`, `b [F]`. */
export type ConvolutionParams = LinearParams;

/** Gradients mirror the parameters. */
export type ConvolutionGrads = LinearGrads;

/** The output, and what the backward pass needs. */
export interface ConvolutionPass {
  /** `[N, F]`, packed rows. */
  readonly y: Tensor;
  readonly packing: Packing;
  /** `[N, K·D]` the windows. */
  readonly u: Tensor;
}

/**
 * New filters, initialized like a linear layer from K·D to F (`initLinear`).
 *
 * @param K rows of a window
 * @throws ArgumentError when D, F or K is not a positive integer
 */
export function initConvolution(D: number, F: number, K: number, rng: Rng, options: { dtype?: DType } = {}) {
  expectPositiveInteger('initConvolution', 'D', D);
  expectPositiveInteger('initConvolution', 'F', F);
  expectPositiveInteger('initConvolution', 'K', K);
  return initLinear(K * D, F, rng, options);
}

/**
 * Runs the filters over every sequence of a packed batch.
 *
 * @param params `W [K·D, F]`; the window size K follows from the width D of `x`
 * @param x `[N, D]`
 * @throws ShapeError when `x` does not have the rows of the packing, or W does not fit rows of D columns
 */
export function convolutionForward(
  kernels: Kernels,
  params: ConvolutionParams,
  x: Tensor,
  packing: Packing,
): ConvolutionPass {
  expectEntry('convolutionForward', { kernels, params, x, packing });
  expectTensor('convolutionForward', 'params.W', params.W);
  expectShape('convolutionForward', 'x', x, [{ N: packing.total }, 'D']);
  const K = windowOf('convolutionForward', params.W, x.shape[1]);
  const u = windowsOf(kernels, x, K, packing); //                    (1)
  return { y: linearForward(kernels, params, u), packing, u }; //    (2)
}

/**
 * Adds the gradients of `convolutionForward` to `grads` and, if given, to `dX`.
 *
 * @param dY `[N, F]`
 * @param dX `[N, D]`; omit it if nothing before the layer is trained
 * @throws ShapeError when `dY` or `dX` has another shape
 */
export function convolutionBackward(
  kernels: Kernels,
  params: ConvolutionParams,
  pass: ConvolutionPass,
  dY: Tensor,
  grads: ConvolutionGrads,
  dX?: Tensor,
): void {
  expectEntry('convolutionBackward', { kernels, params, pass, dY });
  expectTensor('convolutionBackward', 'params.W', params.W);
  expectPass('convolutionBackward', pass, ['y', 'u']);
  expectGrads('convolutionBackward', 'grads', grads, { ...params });
  const { u, y, packing } = pass;
  expectShape('convolutionBackward', 'dY', dY, [{ N: packing.total }, { F: y.shape[1] }]);
  if (dX === undefined) return linearBackward(kernels, params, u, dY, grads); // (2)
  expectShape('convolutionBackward', 'dX', dX, [{ N: packing.total }, 'D']);
  const K = windowOf('convolutionBackward', params.W, dX.shape[1]);
  const dU = kernels.zeros(u.shape, u);
  linearBackward(kernels, params, u, dY, grads, dU); //  (2)
  addWindows(kernels, dX, dU, K, packing); //            (1)
}

/** Equation (1): the windows of every row. */
function windowsOf(kernels: Kernels, x: Tensor, K: number, packing: Packing): Tensor {
  const [N, D] = x.shape;
  const padded = kernels.zeros([N + 1, D], x); // the last row stands for everything outside a sequence
  kernels.rows.copyMatrix(rows(padded, 0, N), x);
  const u = kernels.empty([N, K * D], x);
  for (let k = 0; k < K; k++) kernels.rows.gather(columns(u, k * D, D), padded, shifted(packing, k - before(K)));
  return u;
}

/** Equation (1) backward. */
function addWindows(kernels: Kernels, dX: Tensor, dU: Tensor, K: number, packing: Packing): void {
  const [N, D] = dX.shape;
  const padded = kernels.zeros([N + 1, D], dX);
  for (let k = 0; k < K; k++) kernels.rows.scatterAdd(padded, columns(dU, k * D, D), shifted(packing, k - before(K)));
  kernels.rows.addMatrix(dX, rows(padded, 0, N)); // row N collected what fell outside and is dropped
}

/** P, the rows of a window before its own. */
const before = (K: number): number => Math.floor((K - 1) / 2);

/** `[N]` for every row (t, b), the row (t + by, b); N if that lies outside the sequence. */
function shifted(packing: Packing, by: number): Int32Array {
  const { steps, total, batchSizes, lengths } = packing;
  const map = new Int32Array(total).fill(total);
  for (let t = Math.max(0, -by); t < steps; t++) {
    for (let b = 0; b < batchSizes[t] && t + by < lengths[b]; b++)
      map[rowOf(packing, t, b)] = rowOf(packing, t + by, b);
  }
  return map;
}

/** K. @throws ShapeError if W does not fit rows of D columns */
function windowOf(where: string, W: Tensor, D: number): number {
  const K = W.shape[0] / D;
  if (W.shape.length === 2 && Number.isInteger(K) && K >= 1) return K;
  throw new ShapeError(`${where}: W must be [K·D, F] with D = ${D}, the columns of x; got [${W.shape.join(', ')}]`);
}
