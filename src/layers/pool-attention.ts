/**
 * Attention pooling: a weighted mean of the rows of a sequence, with learned weights.
 *
 *   Forward    (1)  u[n] = tanh(x[n]·W + b)                      x [N,D]   W [D,A]   b [A]   u [N,A]
 *              (2)  s[n] = u[n]·v                                v [A]     s [N]
 *              (3)  α[(t, b)] = exp(s[(t, b)]) / Σ_τ exp(s[(τ, b)])        α [N]     a softmax over every sequence
 *              (4)  y[b] = Σ_t α[(t, b)] · x[(t, b)]             y [B,D]
 *
 *   Backward   (4)  dα[(t, b)] = dy[b]·x[(t, b)]                 dx[(t, b)] += α[(t, b)] · dy[b]
 *              (3)  ds[(t, b)] = α[(t, b)] · (dα[(t, b)] − Σ_τ α[(τ, b)] · dα[(τ, b)])
 *              (2)  du[n] = ds[n] · v                            dv += Σ_n ds[n] · u[n]
 *              (1)  da[n] = du[n] ∘ (1 − u[n]²)                  dx += da·Wᵀ   dW += xᵀ·da   db += Σ_n da[n]
 *
 * The score is the additive one of Bahdanau, Cho & Bengio, Neural Machine Translation by Jointly Learning to Align and
 * Translate (ICLR 2015), appendix A.1.2, without a query state: a learned query v takes its place, as in Yang et al.,
 * Hierarchical Attention Networks for Document Classification (NAACL 2016), equations 5 to 7.
 *
 * The softmax subtracts the greatest score of the sequence. Its sums, and those of (4), are computed in float64.
 *
 * Kept for backward: x, by reference; u and α.
 */
import type { Packing } from '../autograd/packing.js';
import { expectNoEmptySequence, rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { uniform, zeros } from '../tensor/create.js';
import { transcendentals } from '../tensor/math.js';
import type { Rng } from '../tensor/random.js';
import { addSumRows } from '../tensor/rows.js';
import type { DType, Tensor } from '../tensor/types.js';
import { expectUnchanged, remember } from '../tensor/versions.js';
import { dtypeOf } from '../tensor/view.js';
import { expectEntry, expectGrads, expectPass } from '../autograd/entry-checks.js';
import { expectRng, expectTensor } from '../tensor/arguments.js';

/** The parameters of the score. */
export type AttentionPoolParams = {
  /** `[D, A]` */
  readonly W: Tensor;
  /** `[A]` */
  readonly b: Tensor;
  /** `[A]` the query with which every row is compared. */
  readonly v: Tensor;
};

/** Gradients mirror the parameters. */
export type AttentionPoolGrads = AttentionPoolParams;

/** One vector per sequence, and what the backward pass needs. */
export interface AttentionPool {
  /** `[B, D]` in packed order: row b belongs to the caller's sequence `packing.order[b]`. */
  readonly y: Tensor;
  /** `[N, 1]` α, the weight of every row: positive, with a sum of 1 over each sequence. */
  readonly weights: Tensor;
  /** `[N, A]` */
  readonly u: Tensor;
  readonly x: Tensor;
  readonly packing: Packing;
}

/**
 * New parameters: `W` and `v` by Glorot & Bengio (2010), equation 16, uniform in ±√(6/(D+A)) and ±√(6/(A+1)); `b` is zero.
 *
 * @param D width of the rows
 * @param A number of hidden units of the score
 * @throws ArgumentError when D or A is not a positive integer
 */
export function initAttentionPool(D: number, A: number, rng: Rng, options: { dtype?: DType } = {}) {
  expectRng('initAttentionPool', 'rng', rng);
  expectKnownKeys('initAttentionPool', 'options', options, ['dtype']);
  const { dtype = 'float32' } = options;
  expectPositiveInteger('initAttentionPool', 'D', D);
  expectPositiveInteger('initAttentionPool', 'A', A);
  const [wide, narrow] = [Math.sqrt(6 / (D + A)), Math.sqrt(6 / (A + 1))];
  return {
    W: uniform([D, A], -wide, wide, rng.split('W'), dtype),
    b: zeros([A], dtype),
    v: uniform([A], -narrow, narrow, rng.split('v'), dtype),
  };
}

/**
 * The weighted mean of the rows of every sequence.
 *
 * @param x `[N, D]`, packed rows
 * @throws ShapeError when `x` does not have the rows of the packing or the columns of `W`, or the parameters do not fit
 * @throws ArgumentError naming a sequence without rows
 */
export function attentionPoolForward(
  kernels: Kernels,
  params: AttentionPoolParams,
  x: Tensor,
  packing: Packing,
): AttentionPool {
  expectEntry('attentionPoolForward', { kernels, params, x, packing });
  for (const name of ['W', 'b', 'v'] as const) expectTensor('attentionPoolForward', `params.${name}`, params[name]);
  checkParams(params);
  const [D, A] = params.W.shape;
  const N = packing.total;
  expectShape('attentionPool', 'x', x, [{ N }, { D }], `W is [${D}, ${A}]`);
  expectNoEmptySequence('attentionPool', packing);
  const { tanh } = transcendentals(x);
  const u = kernels.zeros([N, A], x);
  kernels.addMatmul(u, x, params.W); //                                    (1)
  for (let n = 0; n < N; n++) {
    const row = u.offset + n * u.stride[0];
    for (let i = 0; i < A; i++) {
      u.data[row + i] += params.b.data[params.b.offset + i * params.b.stride[0]]; // rounded before tanh is applied
      u.data[row + i] = tanh(u.data[row + i]); //                          (1)
    }
  }
  const weights = kernels.zeros([N, 1], x);
  kernels.addMatmul(weights, u, columnOf(params.v)); //                    (2)
  softmaxOverTime(weights, packing); //                                    (3)
  const y = kernels.empty([packing.batch, D], x);
  weightedMean(y, weights, x, packing); //                                 (4)
  return remember({ y, weights, u, x, packing }, { ...params });
}

/**
 * Adds the gradients of `attentionPoolForward` to `grads` and, if given, to `dX`.
 *
 * @param dY `[B, D]` in packed order
 * @param dX `[N, D]`; omit it if nothing before the layer is trained
 * @throws ShapeError when `dY`, `dX` or a gradient has another shape
 * @throws ArgumentError if an optimizer has updated the weights since the forward pass
 */
export function attentionPoolBackward(
  kernels: Kernels,
  params: AttentionPoolParams,
  pass: AttentionPool,
  dY: Tensor,
  grads: AttentionPoolGrads,
  dX?: Tensor,
): void {
  expectEntry('attentionPoolBackward', { kernels, params, pass, dY });
  for (const name of ['W', 'b', 'v'] as const) expectTensor('attentionPoolBackward', `params.${name}`, params[name]);
  expectPass('attentionPoolBackward', pass, ['x', 'u', 'y', 'weights']);
  expectGrads('attentionPoolBackward', 'grads', grads, { ...params });
  expectUnchanged('attentionPoolBackward', pass);
  const { x, u, y } = pass;
  const [B, D] = y.shape;
  const [N, A] = u.shape;
  expectShape('attentionPoolBackward', 'dY', dY, [{ B }, { D }]);
  if (dX !== undefined) expectShape('attentionPoolBackward', 'dX', dX, [{ N }, { D }]);
  const dtype = dtypeOf(x.data);
  const ds = kernels.empty([N, 1], dtype);
  weightedMeanBackward(pass, dY, ds, dX); //                               (4)
  softmaxOverTimeBackward(pass, ds); //                                    (3)
  kernels.addMatmulTA(columnOf(grads.v), u, ds); //                        (2) through v
  const da = kernels.zeros([N, A], dtype);
  kernels.addMatmulTB(da, ds, columnOf(params.v)); //                      (2) du
  for (let n = 0; n < N; n++) {
    const [row, uRow] = [da.offset + n * da.stride[0], u.offset + n * u.stride[0]];
    for (let i = 0; i < A; i++) da.data[row + i] *= 1 - u.data[uRow + i] * u.data[uRow + i]; //  (1) da
  }
  if (dX !== undefined) kernels.addMatmulTB(dX, da, params.W); //          (1) through x
  kernels.addMatmulTA(grads.W, x, da); //                                  (1) through W
  addSumRows(grads.b, da); //                                              (1) through b
}

/** Equation (3), in place: scores `[N, 1]` become weights. */
function softmaxOverTime(s: Tensor, packing: Packing): void {
  const { exp } = transcendentals(s);
  for (let b = 0; b < packing.batch; b++) {
    const T = packing.lengths[b];
    const at = (t: number) => s.offset + rowOf(packing, t, b) * s.stride[0];
    let max = s.data[at(0)];
    for (let t = 1; t < T; t++) if (s.data[at(t)] > max) max = s.data[at(t)];
    let Z = 0;
    for (let t = 0; t < T; t++) {
      s.data[at(t)] -= max; // stored first: exp requires a number of this element type
      s.data[at(t)] = exp(s.data[at(t)]);
      Z += s.data[at(t)];
    }
    for (let t = 0; t < T; t++) s.data[at(t)] /= Z; //                     (3)
  }
}

/** Equation (3) backward, in place: `ds` holds dα and becomes ds. */
function softmaxOverTimeBackward({ weights, packing }: AttentionPool, ds: Tensor): void {
  for (let b = 0; b < packing.batch; b++) {
    let mean = 0;
    for (let t = 0; t < packing.lengths[b]; t++) {
      const n = rowOf(packing, t, b);
      mean += weights.data[weights.offset + n * weights.stride[0]] * ds.data[ds.offset + n * ds.stride[0]];
    }
    for (let t = 0; t < packing.lengths[b]; t++) {
      const n = rowOf(packing, t, b);
      const at = ds.offset + n * ds.stride[0];
      ds.data[at] = weights.data[weights.offset + n * weights.stride[0]] * (ds.data[at] - mean); //  (3)
    }
  }
}

/** Equation (4). */
function weightedMean(y: Tensor, weights: Tensor, x: Tensor, packing: Packing): void {
  const D = x.shape[1];
  const sum = new Float64Array(D);
  for (let b = 0; b < packing.batch; b++) {
    sum.fill(0);
    for (let t = 0; t < packing.lengths[b]; t++) {
      const n = rowOf(packing, t, b);
      const alpha = weights.data[weights.offset + n * weights.stride[0]];
      const from = x.offset + n * x.stride[0];
      for (let d = 0; d < D; d++) sum[d] += alpha * x.data[from + d * x.stride[1]]; //  (4)
    }
    for (let d = 0; d < D; d++) y.data[y.offset + b * y.stride[0] + d * y.stride[1]] = sum[d];
  }
}

/** Equation (4) backward: writes dα, adds to dx. */
function weightedMeanBackward({ weights, x, packing }: AttentionPool, dY: Tensor, dAlpha: Tensor, dX?: Tensor): void {
  const D = x.shape[1];
  for (let b = 0; b < packing.batch; b++) {
    const dyRow = dY.offset + b * dY.stride[0];
    for (let t = 0; t < packing.lengths[b]; t++) {
      const n = rowOf(packing, t, b);
      const xRow = x.offset + n * x.stride[0];
      let sum = 0;
      for (let d = 0; d < D; d++) sum += dY.data[dyRow + d * dY.stride[1]] * x.data[xRow + d * x.stride[1]];
      dAlpha.data[dAlpha.offset + n * dAlpha.stride[0]] = sum; //          (4) through α
      if (dX === undefined) continue;
      const alpha = weights.data[weights.offset + n * weights.stride[0]];
      const to = dX.offset + n * dX.stride[0];
      for (let d = 0; d < D; d++) dX.data[to + d * dX.stride[1]] += alpha * dY.data[dyRow + d * dY.stride[1]]; // (4) through x
    }
  }
}

/** A vector `[A]` as a matrix `[A, 1]`, for products. */
function columnOf(v: Tensor): Tensor {
  return { data: v.data, shape: [v.shape[0], 1], stride: [v.stride[0], 1], offset: v.offset };
}

function checkParams({ W, b, v }: AttentionPoolParams): void {
  expectShape('attentionPool', 'W', W, ['D', 'A']);
  const [D, A] = W.shape;
  expectShape('attentionPool', 'b', b, [{ A }], `W is [${D}, ${A}]`);
  expectShape('attentionPool', 'v', v, [{ A }], `W is [${D}, ${A}]`);
}
