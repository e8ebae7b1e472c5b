/**
 * Decoding a linear-chain CRF: the best path, the n best, and their probabilities. Letters, scores and equations (1) to (4) are
 * those of crf.ts.
 *
 *   Viterbi    (8)  δ[0,j] = s[j] + a[0,j]
 *              (9)  δ[t,j] = (max_i δ[t−1,i] + A[i,j]) + a[t,j]
 *             (10)  max_y score(y) = max_j δ[T−1,j] + e[j]
 *   n-best          the same with the n largest in place of the largest: n entries per state, in falling order
 *   Marginals (11)  p(y_t = j), by the forward-backward algorithm
 *             (12)  p(y_t ∈ S_t for t = u … v) = Σ_{i ∈ S_u} r[u,i],
 *                   r[v,j] = p(y_v = j),   r[t−1,i] = Σ_{j ∈ S_t} r[t,j] · p(y_{t−1} = i | y_t = j), by (3) backward
 *
 *   Prefix          the largest δ of what has arrived, (10) at the end; what all paths to the last step have in common is settled
 *
 * If paths have equal scores, the one with the smaller label at the last step comes first; if these are equal, at the step before
 * it; and so on. It is the order in which the recursion meets them. Scores are equal if the sums (8) to (10) are, in float64.
 *
 * (12) sums over every path that passes through the sets, so it is exactly the probability of a span: S_u … S_v are the labels
 * that form the span, and one more set after it holds those that do not continue it.
 *
 * Sources: Viterbi (1967); Seshadri & Sundberg, List Viterbi Decoding Algorithms with Applications (1994), the parallel algorithm;
 * the settled beginning: Šrámek, Brejová & Vinař, On-line Viterbi Algorithm for Analysis of Long Biological Sequences (WABI 2007);
 * (12): Culotta & McCallum, Confidence Estimation for Information Extraction (HLT-NAACL 2004).
 */
import { expectEntry, expectKernels } from '../autograd/entry-checks.js';
import type { Packing } from '../autograd/packing.js';
import { expectPacking } from '../autograd/entry-checks.js';
import { rowOf } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import { expectList, expectNumbers, expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, expectPositiveInteger, expectShape, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import type { CrfLattice, CrfMask, CrfParams, CrfScores } from './crf-lattice.js';
import { crfBackward, crfForward, crfScores, crfShare, expectPath, wide, zeroMarginals } from './crf-lattice.js';

/** Options of the search for a path. */
export interface CrfDecodeOptions {
  /** Which labels may begin, follow each other and end; all by default. */
  readonly mask?: CrfMask;
}

const KEYS = keysOf<CrfDecodeOptions>({ mask: true });

/** The best path of every sequence of a batch. */
export interface CrfBest {
  /** `[N]` labels in the order of the packed rows. */
  readonly labels: Int32Array;
  /** `[B]` their scores (1), in packed order; 0 for an empty sequence. */
  readonly scores: Float64Array;
}

/** One path of one sequence. */
export interface CrfPath {
  /** `[T]` labels, first step first. */
  readonly labels: Int32Array;
  /** Its score (1). */
  readonly score: number;
}

/** Marginal probabilities of a batch. */
export interface CrfMarginals {
  /** `[N, K]` p(y_t = j); rows sum to 1. */
  readonly tokens: Tensor;
  /** `[B]` log Z, in packed order: the probability of a path is exp(score − log Z). */
  readonly logZ: Float64Array;
  readonly lattice: CrfLattice;
  /** `[N · K]` `tokens` in float64. */
  readonly exact: Float64Array;
}

/**
 * The best path of every sequence; equations (8) to (10).
 *
 * @param emissions `[N, K]`, packed rows
 * @throws ShapeError when `emissions` or a parameter does not fit
 * @throws ArgumentError when a mask does not fit, or leaves a sequence without a path
 */
export function crfViterbi(
  kernels: Kernels,
  params: CrfParams,
  emissions: Tensor,
  packing: Packing,
  options: CrfDecodeOptions = {},
): CrfBest {
  const { scores, a } = entered('crfViterbi', kernels, params, emissions, packing, options);
  const { K, start, end } = scores;
  const best: CrfBest = { labels: new Int32Array(packing.total), scores: new Float64Array(packing.batch) };
  if (kernels.crf?.viterbi({ packing, scores, emissions: a }, best.labels, best.scores)) return best;
  const delta = new Float64Array(packing.total * K);
  const from = new Int32Array(packing.total * K);
  for (let b = 0; b < packing.batch; b++) {
    const T = packing.lengths[b];
    if (T === 0) continue;
    const first = rowOf(packing, 0, b);
    for (let j = 0; j < K; j++) delta[first * K + j] = start[j] + a[first * K + j]; //  (8)
    for (let t = 1; t < T; t++) {
      const row = rowOf(packing, t, b) * K;
      stepOf(scores, a, row, delta, rowOf(packing, t - 1, b) * K, row, from); //  (9)
    }
    const last = rowOf(packing, T - 1, b) * K;
    let j = lastLabel(delta, last, end); //  (10)
    best.scores[b] = delta[last + j] + end[j]; //  (10)
    for (let t = T - 1; t >= 0; j = from[rowOf(packing, t--, b) * K + j]) best.labels[rowOf(packing, t, b)] = j;
  }
  return best;
}

/** Equation (9) for the row at `row`, whose emissions are at `own`, after the one at `before`. */
function stepOf(
  { K, transitions }: CrfScores,
  a: Float64Array,
  own: number,
  delta: Float64Array,
  before: number,
  row: number,
  from: Int32Array,
): void {
  for (let j = 0; j < K; j++) delta[row + j] = delta[before] + transitions[j];
  for (let i = 1; i < K; i++) {
    for (let j = 0; j < K; j++) {
      const score = delta[before + i] + transitions[i * K + j];
      if (!(score > delta[row + j])) continue; // on ties, the first
      delta[row + j] = score;
      from[row + j] = i;
    }
  }
  for (let j = 0; j < K; j++) delta[row + j] += a[own + j];
}

/** The label of the last step, at `last`, on the best path. */
function lastLabel(delta: Float64Array, last: number, end: Float64Array): number {
  let j = 0;
  for (let k = 1; k < end.length; k++) if (delta[last + k] + end[k] > delta[last + j] + end[j]) j = k;
  return j;
}

/** The state of the recursion within a sequence; immutable. */
export interface CrfPrefix {
  readonly scores: CrfScores;
  /** `[K]` δ of the last step; absent before the first. */
  readonly delta?: Float64Array;
  /** `[K]` for each step that is not settled: the label before it on the best path to each label. */
  readonly from: readonly Int32Array[];
}

/** The best path so far, starting at the first step that was not settled before. */
export interface CrfPrefixPath {
  readonly labels: Int32Array;
  /** How many of these labels are settled: they are on the best path of the whole sequence, whatever follows. */
  readonly settled: number;
  /** The state from which the next chunk continues. */
  readonly prefix: CrfPrefix;
}

/**
 * The best path of a sequence that arrives in chunks. At the end it is bit for bit that of `crfViterbi`; before that, it is the
 * path with the largest δ, without end scores.
 *
 * @param emissions `[T, K]` of a chunk; T may be 0
 * @param ended whether the sequence ends with this chunk
 * @param before what the call for the chunk before returned
 */
export function crfPrefixPath(
  params: CrfParams,
  emissions: Tensor,
  mask: CrfMask | undefined,
  ended: boolean,
  before: CrfPrefix = { scores: crfScores('crfPrefixPath', params, mask), from: [] },
): CrfPrefixPath {
  const { scores } = before;
  const { K, start, end } = scores;
  const [T] = emissions.shape;
  const a = wide(emissions);
  const delta = new Float64Array((T + 1) * K);
  const back = new Int32Array((T + 1) * K);
  if (before.delta) delta.set(before.delta);
  for (let t = 0, row = K; t < T; t++, row += K) {
    if (t > 0 || before.delta)
      stepOf(scores, a, t * K, delta, row - K, row, back); //  (9)
    else for (let j = 0; j < K; j++) delta[row + j] = start[j] + a[j]; //  (8)
  }
  const from = [...before.from, ...Array.from({ length: T }, (_, t) => back.slice((t + 1) * K, (t + 2) * K))];
  const labels = new Int32Array(from.length);
  let j = lastLabel(delta, T * K, ended ? end : new Float64Array(K)); //  (10)
  for (let t = from.length - 1; t >= 0; j = from[t--][j]) labels[t] = j;
  const settled = ended ? from.length : settledOf(delta.subarray(T * K), from);
  const stands = T > 0 || before.delta;
  return {
    labels,
    settled,
    prefix: { scores, ...(stands && { delta: delta.slice(T * K) }), from: from.slice(settled) },
  };
}

/** How many steps the best paths to all labels of the last step have in common. */
function settledOf(delta: Float64Array, from: readonly Int32Array[]): number {
  let reached = new Set(delta.keys());
  for (const [j, score] of delta.entries()) if (score === -Infinity) reached.delete(j);
  let t = from.length;
  for (; t > 0 && reached.size > 1; t--) reached = new Set([...reached].map((j) => from[t - 1][j]));
  return t;
}

/**
 * The n best paths of every sequence, best first; fewer if the mask permits fewer.
 *
 * @param n number of paths
 * @returns one list per sequence, in packed order; for an empty sequence, the one empty path
 * @throws ArgumentError when n is not a positive integer, and as `crfViterbi` does
 */
export function crfNBest(
  kernels: Kernels,
  params: CrfParams,
  emissions: Tensor,
  packing: Packing,
  n: number,
  options: CrfDecodeOptions = {},
): CrfPath[][] {
  expectPositiveInteger('crfNBest', 'n', n);
  const { scores, a } = entered('crfNBest', kernels, params, emissions, packing, options);
  return Array.from({ length: packing.batch }, (_, b) => {
    const rows = Array.from({ length: packing.lengths[b] }, (_, t) => rowOf(packing, t, b));
    return rows.length === 0 ? [{ labels: new Int32Array(0), score: 0 }] : nBestOf(scores, a, rows, n);
  });
}

/** A path up to a state: its score, and the path that it extends. */
interface Entry {
  readonly score: number;
  readonly label: number;
  readonly before?: Entry;
}

function nBestOf(scores: CrfScores, a: Float64Array, rows: readonly number[], n: number): CrfPath[] {
  const { K, start, end, transitions } = scores;
  const states = Array.from({ length: K }, (_, j) => j);
  let entries: Entry[][] = states.map((j) => [{ score: start[j] + a[rows[0] * K + j], label: j }]); //  (8)
  for (const row of rows.slice(1)) {
    entries = states.map((j) => {
      const reached = largest(entries, (i) => transitions[i * K + j], n);
      return reached.map(({ entry, score }) => ({ score: score + a[row * K + j], label: j, before: entry })); //  (9)
    });
  }
  return largest(entries, (j) => end[j], n).map(({ entry, score }) => ({ labels: labelsOf(entry), score })); //  (10)
}

/** The n largest of all possible entries, each with what its state adds; on ties, the one met first. */
function largest(
  entries: readonly (readonly Entry[])[],
  added: (state: number) => number,
  n: number,
): { readonly entry: Entry; readonly score: number }[] {
  const all = entries.flatMap((own, i) => own.map((entry) => ({ entry, score: entry.score + added(i) })));
  const kept = all.filter(({ score }) => score !== -Infinity);
  return kept.sort((p, q) => q.score - p.score).slice(0, n); // a stable sort
}

function labelsOf(entry: Entry): Int32Array {
  const labels: number[] = [];
  for (let each: Entry | undefined = entry; each; each = each.before) labels.push(each.label);
  return Int32Array.from(labels.reverse());
}

/**
 * The probability of every label of every token, given the whole sequence; equation (11).
 *
 * @param emissions `[N, K]`, packed rows
 * @throws ShapeError and ArgumentError as `crfViterbi` does
 */
export function crfMarginals(
  kernels: Kernels,
  params: CrfParams,
  emissions: Tensor,
  packing: Packing,
  options: CrfDecodeOptions = {},
): CrfMarginals {
  const { scores, a } = entered('crfMarginals', kernels, params, emissions, packing, options);
  const lattice = crfForward(kernels, scores, a, packing);
  const sums = zeroMarginals(packing.total, scores.K);
  crfBackward(kernels, lattice, 1, sums); //  (11)
  const tokens = kernels.empty([packing.total, scores.K], emissions);
  tokens.data.set(sums.emissions, tokens.offset);
  return { tokens, logZ: lattice.logZ, lattice, exact: sums.emissions };
}

/** A span of a sequence, and the labels that its steps may have. */
export interface CrfSpan {
  /** Index of the sequence in packed order. */
  readonly sequence: number;
  /** First step. */
  readonly start: number;
  /** One list of labels per step, from `start` on. */
  readonly labels: readonly ArrayLike<number>[];
}

/**
 * The probability, in [0, 1], that every step of a span has one of its labels, whatever the labels of the other steps; equation
 * (12).
 *
 * @param marginals what `crfMarginals` returned
 * @throws ArgumentError if the span is not within its sequence, or a label does not exist
 */
export function crfSpanProbability(marginals: CrfMarginals, span: CrfSpan): number {
  expectSpan(marginals, span);
  const { lattice, exact } = marginals;
  const { scores, packing } = lattice;
  const { sequence, start, labels } = span;
  if (labels.length === 0) return 1;
  const rows = labels.map((_, k) => rowOf(packing, start + k, sequence));
  const last = labels.length - 1;
  let behind = new Map(Array.from(labels[last], (j) => [j, exact[rows[last] * scores.K + j]]));
  for (let k = last; k > 0; k--) {
    const reached = [...behind].filter(([, p]) => p !== 0);
    const shares = (i: number) => reached.map(([j, p]) => p * crfShare(lattice, rows[k - 1], i, rows[k], j));
    behind = new Map(Array.from(labels[k - 1], (i) => [i, sumOf(shares(i))])); //  (12)
  }
  return Math.min(1, sumOf([...behind.values()])); //  (12)
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function expectSpan(marginals: CrfMarginals, span: CrfSpan): void {
  const where = 'crfSpanProbability';
  expectRecord(where, 'marginals', marginals, 'what crfMarginals returned');
  expectRecord(where, 'marginals.lattice', marginals.lattice, 'what crfMarginals returned');
  expectNumbers(where, 'marginals.exact', marginals.exact);
  expectRecord(where, 'span', span, '{ sequence, start, labels }');
  const { packing, scores } = marginals.lattice;
  expectPacking(where, packing, 'marginals.lattice.packing');
  const { sequence, start, labels } = span;
  if (!(Number.isInteger(sequence) && sequence >= 0 && sequence < packing.batch)) {
    throw new ArgumentError(
      `${where}: span.sequence must be a sequence of the batch, 0 … ${packing.batch - 1}; got ${String(sequence)}`,
    );
  }
  expectList(where, 'span.labels', labels, 'lists of labels, one per step');
  const T = packing.lengths[sequence];
  if (!(Number.isInteger(start) && start >= 0 && start + labels.length <= T)) {
    throw new ArgumentError(
      `${where}: span.start must leave ${labels.length} steps in the sequence of ${T}; got ${String(start)}`,
    );
  }
  labels.forEach((own, k) => {
    expectNumbers(where, `span.labels[${k}]`, own);
    const wrong = Array.from(own).find((j) => !(Number.isInteger(j) && j >= 0 && j < scores.K));
    if (wrong === undefined) return;
    throw new ArgumentError(`${where}: span.labels[${k}] must list labels, 0 … ${scores.K - 1}; got ${wrong}`);
  });
}

/** Checks the arguments of a decoder and returns scores and emissions in float64. */
function entered(
  where: string,
  kernels: Kernels,
  params: CrfParams,
  emissions: Tensor,
  packing: Packing,
  options: CrfDecodeOptions,
): { readonly scores: CrfScores; readonly a: Float64Array } {
  expectKernels(where, kernels);
  expectEntry(where, { emissions, packing, options });
  expectKnownKeys(where, 'options', options, KEYS);
  const scores = crfScores(where, params, options.mask);
  expectShape(where, 'emissions', emissions, [{ N: packing.total }, { K: scores.K }], `start is [${scores.K}]`);
  expectPath(where, scores, packing);
  return { scores, a: wide(emissions) };
}
