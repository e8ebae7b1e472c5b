/**
 * The lattice of a linear-chain CRF: log Z of every sequence by the forward recursion and, in reverse, the marginals. The
 * equations and their letters are in crf.ts; `crfForward` is (2) to (4), `crfBackward` undoes them.
 *
 * A lattice may be restricted to the paths that a mask permits, and to those that agree with given labels. A step with a given
 * label has one state instead of K, so the lattice of a sequence whose labels are all given costs no more than (1).
 *
 * The sum over i in (3) is computed as S[j] = Σ_i w[i]·F[i,j], with w[i] = exp(α[t−1,i] − max α[t−1]) and F[i,j] = exp(A[i,j] −
 * max A[·,j]), which takes K exponentials per step instead of K². No factor exceeds 1. If S[j] is so small that terms may have
 * underflowed, the sum is computed again term by term, relative to its own maximum. Scores of ±10⁴ and of −Infinity (impossible
 * labels) are therefore exact to rounding. Everything is float64, whatever the element type of the tensors.
 *
 * Finite float32 scores, however large, cause no overflow and no probability above 1: backward, each probability is distributed
 * over the labels before it by shares that are normalized by their own sum. Their accuracy is limited, though: a score x is exact
 * to about |x|·2⁻⁵³, and beyond 10¹⁵ that error decides between labels.
 *
 * The order of sums: over labels i, from the first on; over labels j, in p[t−1,i], those at even and at odd positions separately,
 * then both. A backend may implement these recursions (`kernels.crf`), with the same bits.
 */
import type { Packing } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { rowOf } from '../autograd/packing.js';
import { expectNumbers, expectRecord, expectTensor } from '../tensor/arguments.js';
import { expectShape } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { exp, log } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { flatCopy } from '../tensor/view.js';

/** The parameters of a CRF. */
export type CrfParams = {
  /** `[K, K]` A: from the label of the row to that of the column. */
  readonly transitions: Tensor;
  /** `[K]` s: for beginning with a label. */
  readonly start: Tensor;
  /** `[K]` e: for ending with a label. */
  readonly end: Tensor;
};

/** Which labels may begin, follow each other and end: 0 forbids, anything else permits. */
export interface CrfMask {
  /** `[K]` */
  readonly start: ArrayLike<number>;
  /** `[K · K]`, row-major: from the label of the row to that of the column. */
  readonly transitions: ArrayLike<number>;
  /** `[K]` */
  readonly end: ArrayLike<number>;
}

/** The scores of a CRF in float64, with −Infinity for what is forbidden, and F. */
export interface CrfScores {
  readonly K: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** `[K · K]` A. */
  readonly transitions: Float64Array;
  /** `[K]` the largest of every column of A; 0 if all are −Infinity. */
  readonly largest: Float64Array;
  /** `[K · K]` F. */
  readonly factors: Float64Array;
}

/** The results of the forward recursion. Everything `[N · K]` is in packed rows. */
export interface CrfLattice {
  readonly scores: CrfScores;
  readonly packing: Packing;
  /** Whether it contains all paths that the scores permit, because no label was given. */
  readonly whole: boolean;
  /** `[N · K]` a. */
  readonly emissions: Float64Array;
  /** `[N · K]` α; −Infinity for a state that is not in the lattice. */
  readonly alpha: Float64Array;
  /** `[N · K]` w of a row, for the step after it. */
  readonly weights: Float64Array;
  /** `[N · K]` S; 0 where the sum was computed term by term, and in first rows. */
  readonly sums: Float64Array;
  /** `[N · K]` log Σ_i exp(α[t−1,i] + A[i,j]). */
  readonly logSums: Float64Array;
  /** `[N]` the states of a row are those from `first` up to, and not including, `after`: one if its label is given, else K. */
  readonly first: Int32Array;
  readonly after: Int32Array;
  /** `[B]` log Z, in packed order; 0 for an empty sequence, whose one path is empty. */
  readonly logZ: Float64Array;
}

/** Sums of marginals, over the steps of all sequences. */
export interface CrfMarginalSums {
  /** `[N · K]` */
  readonly emissions: Float64Array;
  /** `[K · K]` */
  readonly transitions: Float64Array;
  /** `[K]` */
  readonly start: Float64Array;
  /** `[K]` */
  readonly end: Float64Array;
}

/** Below it a sum of products may have lost significant terms. K terms below 2⁻¹⁰⁷⁴ are negligible next to it. */
const TINY = 1e-200;

/**
 * The scores of a CRF over K labels.
 *
 * @throws ShapeError when a parameter has the wrong shape; ArgumentError when a mask has
 */
export function crfScores(where: string, params: CrfParams, mask?: CrfMask): CrfScores {
  expectCrfParams(where, 'params', params);
  const K = params.start.shape[0];
  const scores = {
    K,
    start: wide(params.start),
    end: wide(params.end),
    transitions: wide(params.transitions),
  };
  if (mask !== undefined) {
    expectMask(where, mask, K);
    for (const name of ['start', 'end', 'transitions'] as const) {
      for (let i = 0; i < scores[name].length; i++) if (mask[name][i] === 0) scores[name][i] = -Infinity;
    }
  }
  return { ...scores, ...factorsOf(scores.transitions, K) };
}

/** The elements of a tensor, row-major, in float64. */
export function wide(x: Tensor): Float64Array {
  return flatCopy(x, 'float64') as Float64Array;
}

/** F, and the largest of every column. */
function factorsOf(transitions: Float64Array, K: number): Pick<CrfScores, 'largest' | 'factors'> {
  const largest = new Float64Array(K);
  const factors = new Float64Array(K * K);
  for (let j = 0; j < K; j++) {
    let max = -Infinity;
    for (let i = 0; i < K; i++) if (transitions[i * K + j] > max) max = transitions[i * K + j];
    largest[j] = max === -Infinity ? 0 : max;
    for (let i = 0; i < K; i++) factors[i * K + j] = exp(transitions[i * K + j] - largest[j]);
  }
  return { largest, factors };
}

/**
 * Equations (2) to (4).
 *
 * @param emissions `[N · K]` a
 * @param targets `[N]` the label that a row must have, or −1 for any; omit it for all paths
 */
export function crfForward(
  kernels: Kernels,
  scores: CrfScores,
  emissions: Float64Array,
  packing: Packing,
  targets?: ArrayLike<number>,
): CrfLattice {
  const { K, start, end } = scores;
  const N = packing.total;
  const lattice: CrfLattice = {
    scores,
    packing,
    whole: targets === undefined,
    emissions,
    alpha: new Float64Array(N * K).fill(-Infinity),
    weights: new Float64Array(N * K),
    sums: new Float64Array(N * K),
    logSums: new Float64Array(N * K),
    first: Int32Array.from({ length: N }, (_, n) => Math.max(0, targets?.[n] ?? 0)),
    after: Int32Array.from({ length: N }, (_, n) => ((targets?.[n] ?? -1) < 0 ? K : targets![n] + 1)),
    logZ: new Float64Array(packing.batch),
  };
  if (targets === undefined && kernels.crf?.forward(lattice)) return lattice;
  const { alpha, first, after, logZ } = lattice;
  for (let b = 0; b < packing.batch; b++) {
    const T = packing.lengths[b];
    for (let t = 0; t < T; t++) {
      const n = rowOf(packing, t, b);
      if (t === 0)
        for (let j = first[n]; j < after[n]; j++) alpha[n * K + j] = start[j] + emissions[n * K + j]; // (2)
      else stepForward(lattice, rowOf(packing, t - 1, b), n); //  (3)
      weigh(lattice, n);
    }
    if (T > 0) logZ[b] = logSumOf(lattice, rowOf(packing, T - 1, b), end, 0, 1); //  (4)
  }
  return lattice;
}

/** Equation (3) for the row `n` after the row `before`. */
function stepForward(lattice: CrfLattice, before: number, n: number): void {
  const { scores, emissions, alpha, weights, sums, logSums, first, after } = lattice;
  const { K, transitions, factors, largest } = scores;
  const [low, high] = [first[n], after[n]];
  const single = after[before] - first[before] === 1;
  const max = maximum(alpha, before * K + first[before], before * K + after[before]);
  for (let i = first[before]; i < after[before]; i++) {
    const w = weights[before * K + i];
    for (let j = low; j < high; j++) sums[n * K + j] += w * factors[i * K + j];
  }
  for (let j = low; j < high; j++) {
    const at = n * K + j;
    if (sums[at] >= TINY && !single) logSums[at] = log(sums[at]) + max + largest[j];
    else {
      sums[at] = 0;
      logSums[at] = logSumOf(lattice, before, transitions, j, K);
    }
    alpha[at] = logSums[at] + emissions[at]; //  (3)
  }
}

/** w of a row. */
function weigh({ scores: { K }, alpha, weights, first, after }: CrfLattice, n: number): void {
  const max = maximum(alpha, n * K + first[n], n * K + after[n]);
  if (max === -Infinity) return; // no path leads here: all w are 0
  for (let j = first[n]; j < after[n]; j++) weights[n * K + j] = exp(alpha[n * K + j] - max);
}

/** log Σ_i exp(α[n,i] + x[i·stride + j]), term by term; exact if there is one term. */
function logSumOf(lattice: CrfLattice, n: number, x: Float64Array, j: number, stride: number): number {
  const { scores, alpha, first, after } = lattice;
  const row = n * scores.K;
  const max = largestSum(lattice, n, x, j, stride);
  if (max === -Infinity || after[n] - first[n] === 1) return max;
  let sum = 0;
  for (let i = first[n]; i < after[n]; i++) sum += exp(alpha[row + i] + x[i * stride + j] - max);
  return log(sum) + max;
}

/** The largest α[n,i] + x[i·stride + j]. */
function largestSum(lattice: CrfLattice, n: number, x: Float64Array, j: number, stride: number): number {
  const { scores, alpha, first, after } = lattice;
  const row = n * scores.K;
  let max = -Infinity;
  for (let i = first[n]; i < after[n]; i++) {
    const value = alpha[row + i] + x[i * stride + j];
    if (!(value <= max)) max = value; // NaN propagates
  }
  return max;
}

/**
 * exp(α[n,i] + x[i·stride + j]) for every i, divided by their sum: the shares of the labels of row `n` among the paths through
 * it. They sum to 1.
 */
function sharesOf(lattice: CrfLattice, n: number, x: Float64Array, j: number, stride: number): Float64Array {
  const { scores, alpha, first, after } = lattice;
  const row = n * scores.K;
  const max = largestSum(lattice, n, x, j, stride);
  const shares = new Float64Array(scores.K);
  let sum = 0;
  for (let i = first[n]; i < after[n]; i++) {
    shares[i] = exp(alpha[row + i] + x[i * stride + j] - max);
    sum += shares[i];
  }
  for (let i = first[n]; i < after[n]; i++) shares[i] /= sum;
  return shares;
}

/** p(y_{t−1} = i | y_t = j) for the row `n` of step t and the row `before` it; equation (3) backward. */
export function crfShare(lattice: CrfLattice, before: number, i: number, n: number, j: number): number {
  const { scores, weights, sums } = lattice;
  const { K, factors, transitions } = scores;
  const sum = sums[n * K + j];
  if (sum !== 0) return (weights[before * K + i] * factors[i * K + j]) / sum;
  return sharesOf(lattice, before, transitions, j, K)[i];
}

function maximum(x: Float64Array, from: number, to: number): number {
  let max = x[from];
  for (let i = from + 1; i < to; i++) if (x[i] > max) max = x[i];
  return max;
}

/**
 * Equations (4) to (2) backward: adds `dLogZ` times the marginals of the lattice to `to`. They are the gradient of Σ_b log Z[b].
 */
export function crfBackward(kernels: Kernels, lattice: CrfLattice, dLogZ: number, to: CrfMarginalSums): void {
  if (lattice.whole && kernels.crf?.backward(lattice, dLogZ, to)) return;
  const { scores, packing, first, after } = lattice;
  const { K, end } = scores;
  const p = new Float64Array(packing.total * K);
  for (let b = 0; b < packing.batch; b++) {
    const T = packing.lengths[b];
    if (T === 0) continue;
    const last = rowOf(packing, T - 1, b);
    const shares = sharesOf(lattice, last, end, 0, 1);
    for (let j = first[last]; j < after[last]; j++) {
      p[last * K + j] = dLogZ * shares[j]; //  (4)
      to.end[j] += p[last * K + j]; //  (4)
    }
    for (let t = T - 1; t > 0; t--) stepBackward(lattice, rowOf(packing, t - 1, b), rowOf(packing, t, b), p, to);
    const n = rowOf(packing, 0, b);
    for (let j = first[n]; j < after[n]; j++) {
      to.start[j] += p[n * K + j]; //  (2)
    }
  }
  for (let i = 0; i < p.length; i++) {
    to.emissions[i] += p[i]; //  (3), (2)
  }
}

/**
 * Equation (3) backward: from p of the row `n` to p of the row `before` it, and to the marginals of the label pairs between them.
 */
function stepBackward(lattice: CrfLattice, before: number, n: number, p: Float64Array, to: CrfMarginalSums): void {
  const { scores, weights, sums, first, after } = lattice;
  const { K, factors } = scores;
  const [low, high] = [first[n], after[n]];
  const quotients = new Float64Array(high); // p / S, at most 10²⁰⁰; 0 where no path leads, or S is summed term by term
  for (let j = low; j < high; j++) if (sums[n * K + j] !== 0) quotients[j] = p[n * K + j] / sums[n * K + j];
  for (let i = first[before]; i < after[before]; i++) {
    const w = weights[before * K + i];
    const totals = [0, 0]; // of labels at even positions from the first on, and at odd ones
    for (let j = low; j < high; j++) {
      const pair = w * (quotients[j] * factors[i * K + j]); //  (3)
      to.transitions[i * K + j] += pair; //  (3)
      totals[(j - low) & 1] += pair;
    }
    p[before * K + i] = totals[0] + totals[1]; //  (3)
  }
  for (let j = low; j < high; j++) {
    if (sums[n * K + j] === 0 && p[n * K + j] !== 0) columnBackward(lattice, before, n, j, p, to);
  }
}

/** Equation (3) backward for one label of the row `n`, whose sum was computed term by term. */
function columnBackward(
  lattice: CrfLattice,
  before: number,
  n: number,
  j: number,
  p: Float64Array,
  to: CrfMarginalSums,
): void {
  const { scores, first, after } = lattice;
  const { K, transitions } = scores;
  const shares = sharesOf(lattice, before, transitions, j, K);
  for (let i = first[before]; i < after[before]; i++) {
    const pair = p[n * K + j] * shares[i]; //  (3)
    to.transitions[i * K + j] += pair; //  (3)
    p[before * K + i] += pair; //  (3)
  }
}

/** Zeros to which marginals are added. */
export function zeroMarginals(N: number, K: number): CrfMarginalSums {
  return {
    emissions: new Float64Array(N * K),
    transitions: new Float64Array(K * K),
    start: new Float64Array(K),
    end: new Float64Array(K),
  };
}

/** Parameters, or gradients, by their shapes. @throws ArgumentError or ShapeError */
export function expectCrfParams(where: string, name: string, params: CrfParams): void {
  expectRecord(where, name, params, '{ transitions, start, end }');
  for (const each of ['transitions', 'start', 'end'] as const) expectTensor(where, `${name}.${each}`, params[each]);
  expectShape(where, `${name}.start`, params.start, ['K']);
  const K = params.start.shape[0];
  expectShape(where, `${name}.end`, params.end, [{ K }], `start is [${K}]`);
  expectShape(where, `${name}.transitions`, params.transitions, [{ K }, { K }], `start is [${K}]`);
}

/** @throws ArgumentError naming the part of a mask that does not fit */
function expectMask(where: string, mask: CrfMask, K: number): void {
  expectRecord(where, 'mask', mask, '{ start, transitions, end }');
  for (const [name, size] of [
    ['start', K],
    ['transitions', K * K],
    ['end', K],
  ] as const) {
    // prettier-ignore
    expectNumbers(where, `mask.${name}`, mask[name]);
    if (mask[name].length === size) continue;
    throw new ArgumentError(
      `${where}: mask.${name} must have ${size} entries for ${K} labels; got ${mask[name].length}`,
    );
  }
}

/**
 * Requires that every sequence has a path that the scores permit and that agrees with its labels. Forbidden scores are −Infinity,
 * so emissions do not matter.
 *
 * @param targets as for `crfForward`
 * @throws ArgumentError naming the sequence by its index in the caller's order, and the step where the last path ends
 */
export function expectPath(where: string, scores: CrfScores, packing: Packing, targets?: ArrayLike<number>): void {
  const { K, start, end, transitions } = scores;
  if ([start, end, transitions].every((each) => each.every((value) => value !== -Infinity))) return;
  for (let b = 0; b < packing.batch; b++) {
    const T = packing.lengths[b];
    let open: number[] = [];
    for (let t = 0; t < T; t++) {
      const given = targets?.[rowOf(packing, t, b)] ?? -1;
      const states = given < 0 ? Array.from({ length: K }, (_, j) => j) : [given];
      const before = open;
      open = states.filter((j) =>
        t === 0 ? start[j] !== -Infinity : before.some((i) => transitions[i * K + j] !== -Infinity),
      );
      if (t === T - 1) open = open.filter((j) => end[j] !== -Infinity);
      if (open.length === 0) throw noPath(where, packing.order[b], t, T, targets && given);
    }
    if (targets === undefined) b += sameLength(packing, b); // sequences of one length need one check
  }
}

/** How many sequences after b have its length. */
function sameLength({ lengths, batch }: Packing, b: number): number {
  let more = 0;
  while (b + more + 1 < batch && lengths[b + more + 1] === lengths[b]) more++;
  return more;
}

function noPath(where: string, sequence: number, t: number, T: number, label?: number): ArgumentError {
  const what =
    label === undefined
      ? `no path of ${T} labels is permitted`
      : `no permitted path fits targets up to step ${t}, label ${label}`;
  return new ArgumentError(
    `${where}: mask must permit a path for every sequence; for sequence ${sequence}, ${what}: permit more, or correct the labels`,
  );
}
