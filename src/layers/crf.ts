/**
 * Linear-chain conditional random field: the loss of a tagger that labels a whole sequence at once. Besides a score for every
 * label of every token (an emission), there is one for every transition between two labels.
 *
 *   Forward    (1)  score(y) = s[y_0] + Σ_t a[t,y_t] + Σ_{t≥1} A[y_{t−1},y_t] + e[y_{T−1}]
 *                                               a [N,K] emissions   A [K,K] transitions   s [K] start   e [K] end
 *              (2)  α[0,j] = s[j] + a[0,j]
 *              (3)  α[t,j] = a[t,j] + log Σ_i exp(α[t−1,i] + A[i,j])
 *              (4)  log Z = log Σ_j exp(α[T−1,j] + e[j])           = log Σ_y exp(score(y)), over all Kᵀ paths
 *              (5)  log Z_g: (2) to (4) over the paths with y_t = g_t at every step that has a target g_t
 *              (6)  ℓ[b] = log Z − log Z_g                         = −log p(g), p(y) = exp(score(y)) / Z
 *              (7)  L = c · Σ_b ℓ[b]                               c = 1 (sum), c = 1 / number of targets that are given (mean)
 *
 *   Backward   (7)  dℓ[b] = c · dL
 *              (6)  d log Z = dℓ[b],   d log Z_g = −dℓ[b]          (4) to (2) with d log Z; the same, (5), with d log Z_g
 *              (4)  p[T−1,j] = d log Z · exp(α[T−1,j] + e[j] − log Z)                      de[j] += p[T−1,j]
 *              (3)  p[t,i,j] = p[t,j] · exp(α[t−1,i] + A[i,j] − (α[t,j] − a[t,j]))         dA[i,j] += p[t,i,j]
 *                   p[t−1,i] = Σ_j p[t,i,j]                                                da[t,j] += p[t,j]
 *              (2)  ds[j] += p[0,j]                                                        da[0,j] += p[0,j]
 *
 * With d log Z = 1, p[t,j] is the probability that step t has label j, and p[t,i,j] that i comes right before it: the marginals.
 * So the gradient is c·dL times the marginals of all paths minus those of the paths that agree with the targets. The recursion
 * over p is the backward one of the forward-backward algorithm, written as the derivative of the forward one; it splits
 * probabilities, which lie in [0, 1], and so cannot overflow.
 *
 * A target of −1 is unlabeled: (5) sums over its K labels, so it contributes nothing itself but its neighbors still count. If all
 * targets are given, log Z_g is score(g); if none is, ℓ = 0. The mean is over given targets, not sentences: L is then in nats per
 * token, like the softmax loss, and one learning rate fits both.
 *
 * A mask forbids labels at the beginning and at the end, and transitions between labels: their scores are −Infinity, in Z as in
 * Z_g, and get no gradient. Targets that violate the mask are rejected, because p(g) = 0 has no finite loss.
 *
 * Sources: Lafferty, McCallum & Pereira, Conditional Random Fields (ICML 2001); Rabiner, A Tutorial on Hidden Markov Models (1989),
 * section III; start and end scores as in Collobert et al., Natural Language Processing (Almost) from Scratch (JMLR 2011), section 3.3.2,
 * and Lample et al. (NAACL 2016); (5) for missing labels: Tsuboi et al., Training CRFs Using Incomplete Annotations (COLING 2008).
 *
 * Kept for backward: α of both lattices and their sums, in float64 (crf-lattice.ts).
 */
import { expectEntry, expectGrads, expectKernels } from '../autograd/entry-checks.js';
import type { Packing } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectNumber, expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, expectPositiveInteger, expectShape, keysOf } from '../tensor/checks.js';
import { zeros } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { expectUnchanged, remember } from '../tensor/versions.js';
import type { CrfLattice, CrfMask, CrfParams } from './crf-lattice.js';
import { crfBackward, crfForward, crfScores, expectPath, wide, zeroMarginals } from './crf-lattice.js';

/** Gradients mirror the parameters. */
export type CrfGrads = CrfParams;

/** How the losses of the sequences are reduced to one number, and what is forbidden. */
export interface CrfLossOptions {
  /** `mean` (default) divides by the number of targets that are not −1; `sum` does not divide. */
  readonly reduction?: 'mean' | 'sum';
  /** Which labels may begin, follow each other and end; all by default. */
  readonly mask?: CrfMask;
}

const KEYS = keysOf<CrfLossOptions>({ reduction: true, mask: true });

/** The loss, and what its backward needs. */
export interface CrfLoss {
  /** L, at least 0 up to rounding; 0 when no target is given. */
  readonly loss: number;
  /** Number of targets that are not −1. */
  readonly count: number;
  /** `[B]` ℓ, in packed order. */
  readonly losses: Float64Array;
  /** c. */
  readonly scale: number;
  /** All paths, and those that agree with the targets. */
  readonly all: CrfLattice;
  readonly gold: CrfLattice;
}

/**
 * New parameters: zeros, which make the CRF an independent softmax over each token.
 *
 * @param K number of labels
 * @throws ArgumentError when K is not a positive integer
 */
export function initCrf(K: number, options: { dtype?: DType } = {}): CrfParams {
  expectPositiveInteger('initCrf', 'K', K);
  expectKnownKeys('initCrf', 'options', options, ['dtype']);
  const { dtype = 'float32' } = options;
  return { transitions: zeros([K, K], dtype), start: zeros([K], dtype), end: zeros([K], dtype) };
}

/**
 * The loss of a batch of sequences. Nothing is written into the arguments.
 *
 * @param emissions `[N, K]`, packed rows
 * @param targets `[N]` labels 0 … K−1 in the order of the rows, or −1 for a token without one
 * @throws ArgumentError naming the row of a target that is not a label, the sequence whose targets violate the mask, or the
 * option outside its domain
 * @throws ShapeError when `emissions` or a parameter does not fit
 */
export function crfLossForward(
  kernels: Kernels,
  params: CrfParams,
  emissions: Tensor,
  packing: Packing,
  targets: Int32Array,
  options: CrfLossOptions = {},
): CrfLoss {
  expectKernels('crfLoss', kernels);
  expectEntry('crfLoss', { emissions, packing, targets, options });
  expectKnownKeys('crfLoss', 'options', options, KEYS);
  const { reduction = 'mean', mask } = options;
  expectOneOf('crfLoss', 'reduction', reduction, ['mean', 'sum']);
  const scores = crfScores('crfLoss', params, mask);
  const { K } = scores;
  expectShape('crfLoss', 'emissions', emissions, [{ N: packing.total }, { K }], `start is [${K}]`);
  const count = countTargets(targets, packing.total, K);
  expectPath('crfLoss', scores, packing, targets);
  const a = wide(emissions);
  const all = crfForward(kernels, scores, a, packing); //  (2), (3), (4)
  const gold = crfForward(kernels, scores, a, packing, targets); //  (5)
  const losses = all.logZ.map((logZ, b) => logZ - gold.logZ[b]); //  (6)
  const scale = reduction === 'sum' ? 1 : count > 0 ? 1 / count : 0;
  const loss = scale * losses.reduce((sum, each) => sum + each, 0); //  (7)
  return remember({ loss, count, losses, scale, all, gold }, { ...params });
}

/**
 * Adds the gradients of the loss to `dEmissions` and `grads`.
 *
 * @param forward what `crfLossForward` returned
 * @param dEmissions `[N, K]`
 * @param dLoss gradient arriving at the loss, 1 by default
 * @throws ShapeError when `dEmissions` or a gradient has another shape
 * @throws ArgumentError if an optimizer has updated the scores since the forward pass
 */
export function crfLossBackward(
  kernels: Kernels,
  params: CrfParams,
  forward: CrfLoss,
  dEmissions: Tensor,
  grads: CrfGrads,
  dLoss = 1,
): void {
  expectKernels('crfLossBackward', kernels);
  expectEntry('crfLossBackward', { params, dEmissions });
  expectRecord('crfLossBackward', 'forward', forward, 'what crfLossForward returned');
  expectRecord('crfLossBackward', 'forward.all', forward.all, 'a lattice');
  expectRecord('crfLossBackward', 'forward.gold', forward.gold, 'a lattice');
  expectNumber('crfLossBackward', 'dLoss', dLoss);
  expectGrads('crfLossBackward', 'grads', grads, { ...params });
  expectUnchanged('crfLossBackward', forward);
  const { all, gold, scale } = forward;
  const [N, K] = [all.packing.total, all.scores.K];
  expectShape('crfLossBackward', 'dEmissions', dEmissions, [{ N }, { K }]);
  const [p, q] = [zeroMarginals(N, K), zeroMarginals(N, K)];
  const d = scale * dLoss; //  (7)
  crfBackward(kernels, all, d, p); //  (6) through log Z
  crfBackward(kernels, gold, d, q); //  (6) through log Z_g, whose sign is below
  addDifference(dEmissions, p.emissions, q.emissions); //  (6)
  addDifference(grads.transitions, p.transitions, q.transitions); //  (6)
  addDifference(grads.start, p.start, q.start); //  (6)
  addDifference(grads.end, p.end, q.end); //  (6)
}

/** `x += p − q` for a matrix or a vector, p and q row-major. Equal marginals leave no residue. */
function addDifference(x: Tensor, p: Float64Array, q: Float64Array): void {
  const columns = x.shape[x.shape.length - 1];
  const [down, right] = x.shape.length === 2 ? x.stride : [0, x.stride[0]];
  for (let i = 0; i < p.length; i++) {
    x.data[x.offset + Math.floor(i / columns) * down + (i % columns) * right] += p[i] - q[i];
  }
}

function countTargets(targets: Int32Array, N: number, K: number): number {
  if (targets.length !== N) {
    throw new ArgumentError(`crfLoss: targets must have one entry per row of the packing, ${N}; got ${targets.length}`);
  }
  let count = 0;
  for (let n = 0; n < N; n++) {
    const y = targets[n];
    if (!(y >= -1 && y < K)) {
      throw new ArgumentError(
        `crfLoss: targets[${n}] must be a label, 0 … ${K - 1}, or −1 for a token without one; got ${y}`,
      );
    }
    if (y >= 0) count++;
  }
  return count;
}
