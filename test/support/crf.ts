/**
 * The problems on which the CRF is proved, and its oracles: every path written out, and the tape. Row numbers are worked out anew,
 * exponentials are the platform's, nothing is taken from src/layers.
 */
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, viewOf } from '../../src/tensor/view.js';

/** A CRF with numbers, and labels. */
export interface CrfProblem {
  readonly K: number;
  /** In the caller's order, not sorted. */
  readonly lengths: readonly number[];
  /** `emissions [N, K]` in packed rows, `transitions [K, K]`, `start [K]`, `end [K]`. */
  readonly tensors: Readonly<Record<'emissions' | 'transitions' | 'start' | 'end', Tensor>>;
  /** `[N]` in packed rows. */
  readonly targets: Int32Array;
  readonly mask?: { readonly start: number[]; readonly transitions: number[]; readonly end: number[] };
}

interface Sizes {
  readonly K?: number;
  readonly lengths?: readonly number[];
  readonly seed?: number;
  readonly scale?: number;
  readonly dtype?: DType;
  /** Share of the tokens that have no label. */
  readonly unlabeled?: number;
  readonly masked?: boolean;
}

/** The packed rows of every sequence, longest first, by counting. */
export function sequencesOf(lengths: readonly number[]): number[][] {
  const sorted = [...lengths].sort((p, q) => q - p);
  const rows: number[][] = sorted.map(() => []);
  let n = 0;
  for (let t = 0; t < (sorted[0] ?? 0); t++) sorted.forEach((length, b) => length > t && rows[b].push(n++));
  return rows;
}

/** A problem with random numbers; the same arguments give the same numbers. A mask leaves every sequence paths. */
export function crfProblem(sizes: Sizes = {}): CrfProblem {
  const { K = 4, lengths = [2, 5, 1, 3, 1, 4], seed = 1, scale = 1, dtype = 'float64', unlabeled = 0 } = sizes;
  const rng = createRng(seed);
  const normal = (...shape: number[]): Tensor => {
    const x = allocate(shape, dtype);
    for (let i = 0; i < x.data.length; i++) x.data[i] = scale * rng.normal();
    return x;
  };
  const N = lengths.reduce((sum, length) => sum + length, 0);
  const tensors = { emissions: normal(N, K), transitions: normal(K, K), start: normal(K), end: normal(K) };
  const bits = (size: number): number[] => Array.from({ length: size }, () => (rng.next() < 0.3 ? 0 : 1));
  const mask = sizes.masked ? { start: bits(K), transitions: bits(K * K), end: bits(K) } : undefined;
  if (mask) {
    const home = K - 1; // may begin, stay and end: so every length has a path
    mask.start[home] = mask.end[home] = mask.transitions[home * K + home] = 1;
  }
  const targets = new Int32Array(N).fill(-1);
  for (const rows of sequencesOf(lengths)) {
    const draw = (): number[] => rows.map(() => rng.integer(K));
    let walk = draw();
    for (let tries = 0; !permits(mask, walk, K); tries++) walk = tries < 200 ? draw() : rows.map(() => K - 1);
    rows.forEach((n, t) => (targets[n] = rng.next() < unlabeled ? -1 : walk[t]));
  }
  return { K, lengths, tensors, targets, ...(mask && { mask }) };
}

/** Whether a mask permits a path. */
export function permits(mask: CrfProblem['mask'], labels: readonly number[], K: number): boolean {
  if (mask === undefined || labels.length === 0) return true;
  if (mask.start[labels[0]] === 0 || mask.end[labels[labels.length - 1]] === 0) return false;
  return labels.every((label, t) => t === 0 || mask.transitions[labels[t - 1] * K + label] === 1);
}

/** What enumeration finds for one sequence. */
export interface Enumerated {
  readonly logZ: number;
  /** Over the paths that agree with the targets. */
  readonly logGold: number;
  /** `[T][K]`, and those of the paths that agree. */
  readonly tokens: number[][];
  readonly goldTokens: number[][];
  /** `[K · K]`, summed over the steps, of all paths less those that agree. */
  readonly pairs: number[];
  /** Every permitted path: best first, and of equals the one whose labels are smaller from the last step on. */
  readonly paths: readonly { readonly labels: readonly number[]; readonly score: number }[];
}

/** Every path of every sequence, in packed order. */
export function enumerate({ K, lengths, tensors, targets, mask }: CrfProblem): Enumerated[] {
  const [a, A, s, e] = (['emissions', 'transitions', 'start', 'end'] as const).map((name) =>
    Array.from(tensors[name].data),
  );
  return sequencesOf(lengths).map((rows) => {
    const T = rows.length;
    const paths: { labels: number[]; score: number }[] = [];
    for (let code = 0; code < K ** T; code++) {
      // The last step is the highest digit: codes rise in the order that breaks ties.
      const labels = rows.map((_, t) => Math.floor(code / K ** t) % K);
      if (!permits(mask, labels, K)) continue;
      let score = T === 0 ? 0 : s[labels[0]];
      labels.forEach((label, t) => {
        score = (t === 0 ? score : score + A[labels[t - 1] * K + label]) + a[rows[t] * K + label];
      });
      paths.push({ labels, score: T === 0 ? 0 : score + e[labels[T - 1]] });
    }
    paths.sort((p, q) => q.score - p.score);
    const agrees = ({ labels }: { labels: number[] }): boolean =>
      rows.every((n, t) => targets[n] === -1 || targets[n] === labels[t]);
    const logSum = (of: { score: number }[]): number =>
      of.length === 0 ? -Infinity : of[0].score + Math.log(of.reduce((sum, { score }) => sum + Math.exp(score - of[0].score), 0)); // prettier-ignore
    const gold = paths.filter(agrees);
    const [logZ, logGold] = [logSum(paths), logSum(gold)];
    const tokens = rows.map(() => new Array<number>(K).fill(0));
    const goldTokens = rows.map(() => new Array<number>(K).fill(0));
    const pairs = new Array<number>(K * K).fill(0);
    for (const [of, log, into, sign] of [
      [paths, logZ, tokens, 1],
      [gold, logGold, goldTokens, -1],
    ] as const) {
      for (const { labels, score } of of) {
        const p = Math.exp(score - log);
        labels.forEach((label, t) => {
          into[t][label] += p;
          if (t > 0) pairs[labels[t - 1] * K + label] += sign * p;
        });
      }
    }
    return { logZ, logGold, tokens, goldTokens, pairs, paths };
  });
}

/** The summed loss by the tape, with its gradients: e^score of everything, and one logarithm at the end. */
export function tapeCrf(problem: CrfProblem): { loss: number; grads: Record<string, Tensor> } {
  const { K, lengths, tensors, targets, mask } = problem;
  const tape = createTape();
  const nodes = {
    emissions: tape.variable(tensors.emissions),
    transitions: tape.variable(tensors.transitions),
    start: tape.variable(viewOf(tensors.start.data, [1, K])),
    end: tape.variable(viewOf(tensors.end.data, [1, K])),
  };
  const bits = (values: readonly number[], shape: number[]): TapeNode =>
    tape.constant(viewOf(Float64Array.from(values), shape));
  const ones = new Array<number>(K * K).fill(1);
  const weights = {
    transitions: tape.mul(tape.exp(nodes.transitions), bits(mask?.transitions ?? ones, [K, K])),
    start: tape.mul(tape.exp(nodes.start), bits(mask?.start ?? ones.slice(0, K), [1, K])),
    end: tape.mul(tape.exp(nodes.end), bits(mask?.end ?? ones.slice(0, K), [1, K])),
  };
  let total: TapeNode = tape.constant(viewOf(Float64Array.of(0), [1, 1]));
  for (const rows of sequencesOf(lengths)) {
    for (const gold of [false, true]) {
      const logZ = tapeLogZ(tape, nodes.emissions, weights, rows, (n) =>
        bits(
          ones.slice(0, K).map((_, k) => (gold && targets[n] !== -1 && targets[n] !== k ? 0 : 1)),
          [1, K],
        ),
      );
      total = gold ? tape.sub(total, logZ) : tape.add(total, logZ);
    }
  }
  const loss = tape.sum(total);
  tape.backward(loss);
  const flat = (x: TapeNode): Tensor => viewOf(x.grad.data, [K]);
  const grads = { emissions: nodes.emissions.grad, transitions: nodes.transitions.grad };
  return { loss: loss.value.data[0], grads: { ...grads, start: flat(nodes.start), end: flat(nodes.end) } };
}

/** log Z of one sequence as a product of matrices of e^score. */
function tapeLogZ(
  tape: Tape,
  emissions: TapeNode,
  weights: Readonly<Record<'transitions' | 'start' | 'end', TapeNode>>,
  rows: readonly number[],
  permitted: (n: number) => TapeNode,
): TapeNode {
  const K = emissions.value.shape[1];
  const column = tape.constant(viewOf(new Float64Array(K).fill(1), [K, 1]));
  let logZ: TapeNode = tape.constant(viewOf(Float64Array.of(0), [1, 1]));
  let row: TapeNode | undefined;
  for (const n of rows) {
    const own = tape.mul(tape.exp(tape.sliceRows(emissions, n, 1)), permitted(n));
    row = tape.mul(row ? tape.matmul(row, weights.transitions) : weights.start, own);
  }
  if (row) logZ = tape.log(tape.matmul(tape.mul(row, weights.end), column));
  return logZ;
}
