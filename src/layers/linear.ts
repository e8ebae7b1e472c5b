/**
 * Linear layer: one affine map of every row.
 *
 *   Forward    (1)  Y = X·W + b                       X [N,D]   W [D,K]   b [K]   Y [N,K]
 *   Backward   (1)  dX += dY·Wᵀ                       dX [N,D]
 *              (1)  dW += Xᵀ·dY                       dW [D,K]
 *              (1)  db += Σ_n dY[n]                   db [K]
 *
 * Kept for backward: X, by the caller.
 */
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { uniform, zeros } from '../tensor/create.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import { expectEntry, expectGrads } from '../autograd/entry-checks.js';
import { expectTensor } from '../tensor/arguments.js';

/** Weights and bias of y = x·W + b. */
export type LinearParams = {
  /** `[D, K]` */
  readonly W: Tensor;
  /** `[K]` */
  readonly b: Tensor;
};

/** Gradients mirror the parameters. */
export type LinearGrads = LinearParams;

/**
 * New weights by Glorot & Bengio (2010), equation 16: uniform in ±√(6/(D+K)); the bias is zero.
 *
 * @throws ArgumentError when D or K is not a positive integer
 */
export function initLinear(D: number, K: number, rng: Rng, options: { dtype?: DType } = {}) {
  expectKnownKeys('initLinear', 'options', options, ['dtype']);
  const { dtype = 'float32' } = options;
  expectPositiveInteger('initLinear', 'D', D);
  expectPositiveInteger('initLinear', 'K', K);
  const bound = Math.sqrt(6 / (D + K));
  return { W: uniform([D, K], -bound, bound, rng, dtype), b: zeros([K], dtype) };
}

/**
 * `Y = X·W + b`, `[N, K]`.
 *
 * @param x `[N, D]`
 * @param out where to write, overwritten; a new tensor otherwise
 * @throws ShapeError when `x` is not `[N, D]` or `out` not `[N, K]`
 */
export function linearForward(kernels: Kernels, params: LinearParams, x: Tensor, out?: Tensor): Tensor {
  expectEntry('linearForward', { kernels, params, x });
  expectTensor('linearForward', 'params.W', params.W);
  expectTensor('linearForward', 'params.b', params.b);
  const { W, b } = params;
  const [D, K] = W.shape;
  expectShape('linearForward', 'x', x, ['N', { D }], `W is [${D}, ${K}]`);
  const N = x.shape[0];
  const y = out ?? kernels.empty([N, K], W);
  expectShape('linearForward', 'out', y, [N, K]);
  kernels.rows.setEveryRow(y, b); // (1) + b
  kernels.addMatmul(y, x, W); // (1) X·W
  return y;
}

/**
 * Adds the gradients of one linear map to `grads` and, if given, to `dX`.
 *
 * @param x `[N, D]` the input of the forward pass
 * @param dY `[N, K]`
 * @param dX `[N, D]`; omit it if nothing before the layer is trained
 * @throws ShapeError when `x`, `dY` or `dX` has another shape
 */
export function linearBackward(
  kernels: Kernels,
  params: LinearParams,
  x: Tensor,
  dY: Tensor,
  grads: LinearGrads,
  dX?: Tensor,
): void {
  expectEntry('linearBackward', { kernels, params, x, dY });
  expectTensor('linearBackward', 'params.W', params.W);
  expectGrads('linearBackward', 'grads', grads, { ...params });
  const [D, K] = params.W.shape;
  expectShape('linearBackward', 'x', x, ['N', { D }], `W is [${D}, ${K}]`);
  expectShape('linearBackward', 'dY', dY, [x.shape[0], K], `W is [${D}, ${K}]`);
  if (dX !== undefined) {
    expectShape('linearBackward', 'dX', dX, x.shape);
    kernels.addMatmulTB(dX, dY, params.W); // (1) through X
  }
  kernels.addMatmulTA(grads.W, x, dY); // (1) through W
  kernels.rows.addSumRows(grads.b, dY); // (1) through b
}
