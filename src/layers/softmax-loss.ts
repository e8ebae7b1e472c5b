/**
 * Softmax cross-entropy over packed rows: the loss of a tagger that labels every token independently.
 *
 *   Forward    (1)  log Z[n] = log Σ_k exp(a[n,k])                     a [N,K] logits, Z over the row's maximum
 *              (2)  log p[n,k] = a[n,k] − log Z[n]
 *              (3)  q[n,k] = (1−ε)·[k = y_n] + ε/K                     smoothed target; ε = 0: one-hot
 *              (4)  ℓ[n] = −Σ_k q[n,k] · w_k · log p[n,k]              w_k class weights; all 1 by default
 *              (5)  L = s · Σ_n ℓ[n]                                   s = 1 (sum), s = 1/Σ_n w_{y_n} (mean)
 *
 *   Backward   (5)  dℓ[n] = s · dL
 *              (4, 2, 1)  da[n,k] += dℓ[n] · (p[n,k] · Σ_c q[n,c]·w_c − q[n,k]·w_k)
 *
 * Sums over n run over the rows whose target is not −1. Label smoothing is that of Szegedy et al., Rethinking the Inception
 * Architecture (CVPR 2016), section 7. Its combination with class weights and the denominator of the mean are PyTorch's: the mean
 * is divided by the weights of the *true* labels, smoothed or not.
 *
 * The log-sum-exp subtracts the row's maximum, which starts from the row's first element; logits of ±10⁴ and of −Infinity
 * (an impossible label) are therefore exact. A row of only −Infinity is not a distribution and yields NaN, as NaN and +Infinity
 * do. Row sums and the loss accumulate in float64 for either element type.
 *
 * Kept for backward: p, q's parameters and s.
 *
 * Reading order: from labeling/model/model.ts; next stop autograd/unroll.ts.
 */
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectNonNegative, expectOneOf, expectShape, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { expectEntry, expectKernels } from '../autograd/entry-checks.js';
import { expectIds, expectNumber, expectNumbers, expectRecord, expectTensor } from '../tensor/arguments.js';

/** Target of a row that is excluded from the loss. */
export const IGNORED = -1;

/** How the losses of the rows are reduced to one number. */
export interface SoftmaxLossOptions {
  /** `mean` (default) divides by the summed class weights of the counted rows' true labels; `sum` does not divide. */
  readonly reduction?: 'mean' | 'sum';
  /** ε, 0 ≤ ε ≤ 1: the share of the target spread evenly over all K labels. Default 0. */
  readonly labelSmoothing?: number;
  /** `[K]` finite weights of at least 0. Default: 1 for every label. */
  readonly classWeights?: ArrayLike<number>;
}

const KEYS = keysOf<SoftmaxLossOptions>({ reduction: true, labelSmoothing: true, classWeights: true });

/** The loss, and what its backward needs. */
export interface SoftmaxLoss {
  /** L; 0 when no row counts, or when all counted rows have labels of weight 0. */
  readonly loss: number;
  /** Rows whose target is not −1. */
  readonly count: number;
  /** `[N, K]` the softmax of every row, ignored rows included. */
  readonly probabilities: Tensor;
  /** s, the factor of equation (5). */
  readonly scale: number;
  readonly targets: Int32Array;
  readonly labelSmoothing: number;
  readonly classWeights: ArrayLike<number>;
}

/**
 * Softmax of every row, `[N, K]`; equations (1) and (2).
 *
 * @param logits `[N, K]`, not modified
 * @param out where to write; may be `logits` itself. Default: a new tensor
 * @throws ShapeError when `logits` is not a matrix or `out` has another shape
 */
export function softmaxRows(kernels: Kernels, logits: Tensor, out?: Tensor): Tensor {
  expectKernels('softmaxRows', kernels);
  expectEntry('softmaxRows', { logits });
  expectShape('softmaxRows', 'logits', logits, ['N', 'K']);
  const [N, K] = logits.shape;
  const p = out ?? kernels.empty([N, K], logits);
  expectShape('softmaxRows', 'out', p, [N, K]);
  if (K === 0 || kernels.softmax?.rows(p, logits)) return p;
  const { exp } = transcendentals(logits);
  const [x, q] = [logits.data, p.data];
  const [dx, dq] = [logits.stride[1], p.stride[1]];
  for (let n = 0; n < N; n++) {
    const from = logits.offset + n * logits.stride[0];
    const to = p.offset + n * p.stride[0];
    const max = rowMaximum(logits, n);
    let Z = 0;
    for (let k = 0; k < K; k++) {
      const at = to + k * dq;
      q[at] = x[from + k * dx] - max; // stored first: exp requires a number of this element type
      q[at] = exp(q[at]);
      Z += q[at];
    }
    for (let k = 0; k < K; k++) q[to + k * dq] /= Z;
  }
  return p;
}

/**
 * The loss of a batch of rows. Nothing is written into the arguments.
 *
 * @param logits `[N, K]`
 * @param targets `[N]` labels 0 … K−1, or −1 for a row that does not count
 * @throws ArgumentError naming the row of a target that is not a label, or the option outside its domain
 * @throws ShapeError when `logits` is not `[N, K]`
 */
export function softmaxLossForward(
  kernels: Kernels,
  logits: Tensor,
  targets: Int32Array,
  options: SoftmaxLossOptions = {},
): SoftmaxLoss {
  expectKernels('softmaxLoss', kernels);
  expectEntry('softmaxLoss', { logits, targets, options });
  expectShape('softmaxLoss', 'logits', logits, [targets.length, 'K']);
  const K = logits.shape[1];
  const { reduction, labelSmoothing, classWeights } = checkedOptions(options, K);
  const probabilities = softmaxRows(kernels, logits);
  const logs = new Float64Array(2 * targets.length);
  if (K > 0 && !kernels.softmax?.logs(logs, logits)) rowLogs(logs, logits);
  let total = 0;
  let weight = 0;
  let count = 0;
  for (let n = 0; n < targets.length; n++) {
    const y = checkedTarget(targets, n, K);
    if (y === IGNORED) continue;
    total += rowLoss(logits, logs, n, y, labelSmoothing, classWeights);
    weight += classWeights[y];
    count++;
  }
  const scale = reduction === 'sum' ? 1 : weight > 0 ? 1 / weight : 0;
  const loss = scale === 0 ? 0 : scale * total; // (5)
  return { loss, count, probabilities, scale, targets, labelSmoothing, classWeights };
}

/**
 * Adds the gradient of the loss to `dLogits`.
 *
 * @param forward what `softmaxLossForward` returned
 * @param dLogits `[N, K]`
 * @param dLoss gradient arriving at the loss, 1 by default
 * @throws ShapeError when `dLogits` does not have the shape of the logits
 */
export function softmaxLossBackward(kernels: Kernels, forward: SoftmaxLoss, dLogits: Tensor, dLoss = 1): void {
  expectKernels('softmaxLossBackward', kernels);
  expectEntry('softmaxLossBackward', { dLogits });
  expectRecord('softmaxLossBackward', 'forward', forward, 'what softmaxLossForward returned');
  expectTensor('softmaxLossBackward', 'forward.probabilities', forward.probabilities);
  expectIds('softmaxLossBackward', 'forward.targets', forward.targets);
  expectNumbers('softmaxLossBackward', 'forward.classWeights', forward.classWeights);
  expectNumber('softmaxLossBackward', 'dLoss', dLoss);
  const { probabilities: p, targets, scale, labelSmoothing: epsilon, classWeights: w } = forward;
  expectShape('softmaxLossBackward', 'dLogits', dLogits, p.shape);
  const K = p.shape[1];
  const tables = weightsOf(epsilon, w, K);
  const dRow = scale * dLoss; // (5)
  if (kernels.softmax?.backward(dLogits, p, targets, tables, dRow)) return;
  for (let n = 0; n < targets.length; n++) {
    const y = targets[n];
    if (y === IGNORED) continue;
    const from = p.offset + n * p.stride[0];
    const to = dLogits.offset + n * dLogits.stride[0];
    for (let k = 0; k < K; k++) {
      const qw = tables[(k === y ? 2 * K : K) + k]; // (3)
      dLogits.data[to + k * dLogits.stride[1]] += dRow * (p.data[from + k * p.stride[1]] * tables[y] - qw); // (4, 2, 1)
    }
  }
}

/**
 * Tables for the gradient of a row by its target y, `[3K]`: Σ_c q[n,c]·w_c if y = k; then q·w of label k if it is not y; then if
 * it is.
 */
function weightsOf(epsilon: number, w: ArrayLike<number>, K: number): Float64Array {
  const tables = new Float64Array(3 * K);
  const share = epsilon / K;
  let spread = 0;
  for (let k = 0; k < K; k++) spread += share * w[k];
  for (let k = 0; k < K; k++) {
    tables[k] = (1 - epsilon) * w[k] + spread;
    tables[K + k] = share * w[k];
    tables[2 * K + k] = (1 - epsilon + share) * w[k];
  }
  return tables;
}

/** The maximum m of every row, and log Z relative to m: equation (1). */
function rowLogs(logs: Float64Array, logits: Tensor): void {
  const { exp, log } = transcendentals('float64');
  const { data, stride } = logits;
  for (let n = 0; n < logits.shape[0]; n++) {
    const from = logits.offset + n * stride[0];
    const max = rowMaximum(logits, n);
    let Z = 0;
    for (let k = 0; k < logits.shape[1]; k++) Z += exp(data[from + k * stride[1]] - max);
    logs[2 * n] = max;
    logs[2 * n + 1] = log(Z); // (1)
  }
}

/** −Σ_k q_k·w_k·log p_k of one row. A factor of 0 drops its term, so a label of weight 0 may have logit −Infinity. */
function rowLoss(
  logits: Tensor,
  logs: Float64Array,
  n: number,
  y: number,
  epsilon: number,
  w: ArrayLike<number>,
): number {
  const K = logits.shape[1];
  const from = logits.offset + n * logits.stride[0];
  const { data } = logits;
  const step = logits.stride[1];
  const [max, logZ] = [logs[2 * n], logs[2 * n + 1]];
  let loss = 0;
  for (let k = epsilon > 0 ? 0 : y; k < K; k++) {
    const factor = ((k === y ? 1 - epsilon : 0) + epsilon / K) * w[k]; // (3)
    if (factor > 0) loss -= factor * (data[from + k * step] - max - logZ); // (2, 4)
    if (epsilon === 0) break; // all of q is at y
  }
  return loss;
}

/** Largest logit of a row. NaN is skipped here and propagates through the sum. */
function rowMaximum(x: Tensor, n: number): number {
  const from = x.offset + n * x.stride[0];
  let max = x.data[from];
  for (let k = 1; k < x.shape[1]; k++) {
    const a = x.data[from + k * x.stride[1]];
    if (a > max) max = a;
  }
  return max;
}

function checkedTarget(targets: Int32Array, n: number, K: number): number {
  const y = targets[n];
  if (y >= IGNORED && y < K) return y;
  throw new ArgumentError(
    `softmaxLoss: targets[${n}] must be a label, 0 … ${K - 1}, or ${IGNORED} to be ignored; got ${y}`,
  );
}

function checkedOptions(options: SoftmaxLossOptions, K: number): Required<SoftmaxLossOptions> {
  expectKnownKeys('softmaxLoss', 'options', options, KEYS);
  const { reduction = 'mean', labelSmoothing = 0, classWeights = new Float64Array(K).fill(1) } = options;
  expectOneOf('softmaxLoss', 'reduction', reduction, ['mean', 'sum']);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ArgumentError(`softmaxLoss: labelSmoothing must be from 0 to 1; got ${labelSmoothing}`);
  }
  if (classWeights.length !== K) {
    throw new ArgumentError(
      `softmaxLoss: classWeights must have one entry per label, ${K}; got ${classWeights.length}`,
    );
  }
  for (let k = 0; k < K; k++) {
    expectNonNegative('softmaxLoss', `classWeights[${k}]`, classWeights[k]);
  }
  return { reduction, labelSmoothing, classWeights };
}
