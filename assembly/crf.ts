/**
 * The lattice of a linear-chain CRF over all paths, and the best path: equations (2) to (4), their derivatives, and (8) to (10) of
 * src/layers/crf.ts and crf-decode.ts, in float64. Every number is computed by the operations of src/layers/crf-lattice.ts in the
 * same order: two labels j are processed at once, independently; a sum over labels i runs in order; a sum over labels j has two
 * parts, the even and the odd ones, which are added last. So the bits are the same.
 *
 * All matrices are `[N, K]` by packed rows, `[K, K]` or `[K]`, row-major without gaps; `offsets` and `lengths` are int32: the first row of every
 * step, and the steps of every sequence.
 */
import { exp1, exp2, log1, log2 } from './math64';

/** Below it a sum is computed again, term by term: see crf-lattice.ts. */
const TINY: f64 = 1e-200;

/** The largest of K numbers at `x`. NaN is skipped, except in first position. */
function maximum(K: i32, x: usize): f64 {
  let max = load<f64>(x);
  for (let i = 1; i < K; i++) {
    const value = load<f64>(x + (<usize>i << 3));
    if (value > max) max = value;
  }
  return max;
}

/** w of the K numbers α. */
function weigh(K: i32, w: usize, alpha: usize): void {
  const max = maximum(K, alpha);
  if (max == f64.NEGATIVE_INFINITY) {
    memory.fill(w, 0, <usize>K << 3);
    return;
  }
  const all = f64x2.splat(max);
  let j = 0;
  for (; j + 2 <= K; j += 2, w += 16, alpha += 16) v128.store(w, exp2(f64x2.sub(v128.load(alpha), all)));
  if (j < K) store<f64>(w, exp1(load<f64>(alpha) - max));
}

/** The largest α[i] + x[i·step]; NaN propagates. Steps in bytes. */
function largestSum(K: i32, alpha: usize, x: usize, step: usize): f64 {
  let max = f64.NEGATIVE_INFINITY;
  for (let i = 0; i < K; i++) {
    const value = load<f64>(alpha + (<usize>i << 3)) + load<f64>(x + <usize>i * step);
    if (!(value <= max)) max = value;
  }
  return max;
}

/** Σ_i exp(α[i] + x[i·step] − max). */
function sumAbove(K: i32, alpha: usize, x: usize, step: usize, max: f64): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < K; i++) {
    sum += exp1(load<f64>(alpha + (<usize>i << 3)) + load<f64>(x + <usize>i * step) - max);
  }
  return sum;
}

/** log Σ_i exp(α[i] + x[i·step]). */
function logSum(K: i32, alpha: usize, x: usize, step: usize): f64 {
  const max = largestSum(K, alpha, x, step);
  if (max == f64.NEGATIVE_INFINITY) return max;
  return log1(sumAbove(K, alpha, x, step, max)) + max;
}

/** S[j] = Σ_i w[i]·F[i,j] for all j. */
function weighedSums(K: i32, s: usize, w: usize, factors: usize): void {
  const row = <usize>K << 3;
  let j = 0;
  for (; j + 4 <= K; j += 4, s += 32, factors += 32) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let at = factors;
    for (let i = 0; i < K; i++, at += row) {
      const each = f64x2.splat(load<f64>(w + (<usize>i << 3)));
      s0 = f64x2.add(s0, f64x2.mul(each, v128.load(at)));
      s1 = f64x2.add(s1, f64x2.mul(each, v128.load(at, 16)));
    }
    v128.store(s, s0);
    v128.store(s, s1, 16);
  }
  for (; j < K; j++, s += 8, factors += 8) {
    let sum: f64 = 0;
    let at = factors;
    for (let i = 0; i < K; i++, at += row) sum += load<f64>(w + (<usize>i << 3)) * load<f64>(at);
    store<f64>(s, sum);
  }
}

/** Equation (3): α of a row from α and w of the row before it. */
function stepForward(
  K: i32,
  before: usize,
  w: usize,
  a: usize,
  alpha: usize,
  s: usize,
  logs: usize,
  transitions: usize,
  factors: usize,
  largest: usize,
): void {
  weighedSums(K, s, w, factors);
  const max = maximum(K, before);
  const row = <usize>K << 3;
  for (let j = 0; j < K; j += 2) {
    const at = <usize>j << 3;
    const two = j + 1 < K;
    // The second lane of an odd K is not stored.
    const sums = two ? v128.load(s + at) : f64x2.splat(load<f64>(s + at));
    const high = two ? v128.load(largest + at) : f64x2.splat(load<f64>(largest + at));
    const logarithms = f64x2.add(f64x2.add(log2(sums), f64x2.splat(max)), high);
    store<f64>(logs + at, f64x2.extract_lane(logarithms, 0));
    if (two) store<f64>(logs + at, f64x2.extract_lane(logarithms, 1), 8);
  }
  for (let j = 0; j < K; j++) {
    const at = <usize>j << 3;
    if (!(load<f64>(s + at) >= TINY)) {
      store<f64>(s + at, 0);
      store<f64>(logs + at, logSum(K, before, transitions + at, row));
    }
    store<f64>(alpha + at, load<f64>(logs + at) + load<f64>(a + at));
  }
}

/** Equations (2) to (4) for B sequences. `a`, `alpha`, `w`, `sums`, `logs` are `[N, K]`; `logZ` is `[B]`. */
export function crfForward(
  B: i32,
  K: i32,
  lengths: usize,
  offsets: usize,
  a: usize,
  start: usize,
  end: usize,
  transitions: usize,
  factors: usize,
  largest: usize,
  alpha: usize,
  w: usize,
  sums: usize,
  logs: usize,
  logZ: usize,
): void {
  const row = <usize>K << 3;
  for (let b = 0; b < B; b++) {
    const T = load<i32>(lengths + (<usize>b << 2));
    let before: usize = 0;
    for (let t = 0; t < T; t++) {
      const n = <usize>(load<i32>(offsets + (<usize>t << 2)) + b) * row;
      if (t == 0) {
        for (let at: usize = 0; at < row; at += 8) {
          store<f64>(alpha + n + at, load<f64>(start + at) + load<f64>(a + n + at));
        }
        memory.fill(sums + n, 0, row);
        memory.fill(logs + n, 0, row);
      } else {
        stepForward(
          K, alpha + before, w + before, a + n, alpha + n, sums + n, logs + n, transitions, factors, largest,
        );
      }
      weigh(K, w + n, alpha + n);
      before = n;
    }
    if (T > 0) store<f64>(logZ + (<usize>b << 3), logSum(K, alpha + before, end, 8));
  }
}

/** Equation (3) backward, if the sums are those of products: p of the row before, and the marginals of pairs. */
function stepBackward(
  K: i32,
  w: usize,
  s: usize,
  p: usize,
  q: usize,
  pBefore: usize,
  factors: usize,
  dTransitions: usize,
): void {
  for (let at: usize = 0, last = <usize>K << 3; at < last; at += 8) {
    const sum = load<f64>(s + at);
    store<f64>(q + at, sum != 0 ? load<f64>(p + at) / sum : 0);
  }
  for (let i = 0; i < K; i++) {
    const each = load<f64>(w + (<usize>i << 3));
    const splat = f64x2.splat(each);
    let both = f64x2.splat(0);
    let at: usize = 0;
    let j = 0;
    for (; j + 2 <= K; j += 2, at += 16, factors += 16, dTransitions += 16) {
      const pair = f64x2.mul(splat, f64x2.mul(v128.load(q + at), v128.load(factors)));
      v128.store(dTransitions, f64x2.add(v128.load(dTransitions), pair));
      both = f64x2.add(both, pair);
    }
    let even = f64x2.extract_lane(both, 0);
    if (j < K) {
      const pair = each * (load<f64>(q + at) * load<f64>(factors));
      store<f64>(dTransitions, load<f64>(dTransitions) + pair);
      even += pair;
      factors += 8;
      dTransitions += 8;
    }
    store<f64>(pBefore + (<usize>i << 3), even + f64x2.extract_lane(both, 1));
  }
}

/** The same for one label j whose sum was computed term by term. */
function columnBackward(
  K: i32,
  before: usize,
  pj: f64,
  transitions: usize,
  pBefore: usize,
  dTransitions: usize,
): void {
  const row = <usize>K << 3;
  const max = largestSum(K, before, transitions, row);
  const sum = sumAbove(K, before, transitions, row, max);
  for (let i = 0; i < K; i++) {
    const at = <usize>i << 3;
    const term = exp1(load<f64>(before + at) + load<f64>(transitions + <usize>i * row) - max);
    const pair = pj * (term / sum);
    store<f64>(dTransitions + <usize>i * row, load<f64>(dTransitions + <usize>i * row) + pair);
    store<f64>(pBefore + at, load<f64>(pBefore + at) + pair);
  }
}

/**
 * (4) to (2) backward. `p [N, K]` is overwritten; `dStart`, `dEnd` and `dTransitions` are added to; `q` is scratch for K numbers.
 */
export function crfBackward(
  B: i32,
  K: i32,
  lengths: usize,
  offsets: usize,
  end: usize,
  transitions: usize,
  factors: usize,
  alpha: usize,
  w: usize,
  sums: usize,
  dLogZ: f64,
  p: usize,
  q: usize,
  dStart: usize,
  dEnd: usize,
  dTransitions: usize,
): void {
  const row = <usize>K << 3;
  for (let b = 0; b < B; b++) {
    const T = load<i32>(lengths + (<usize>b << 2));
    if (T == 0) continue;
    let n = <usize>(load<i32>(offsets + (<usize>(T - 1) << 2)) + b) * row;
    const max = largestSum(K, alpha + n, end, 8);
    const sum = sumAbove(K, alpha + n, end, 8, max);
    for (let at: usize = 0; at < row; at += 8) {
      const term = exp1(load<f64>(alpha + n + at) + load<f64>(end + at) - max);
      const each = dLogZ * (term / sum);
      store<f64>(p + n + at, each);
      store<f64>(dEnd + at, load<f64>(dEnd + at) + each);
    }
    for (let t = T - 1; t > 0; t--) {
      const before = <usize>(load<i32>(offsets + (<usize>(t - 1) << 2)) + b) * row;
      stepBackward(K, w + before, sums + n, p + n, q, p + before, factors, dTransitions);
      for (let at: usize = 0; at < row; at += 8) {
        if (load<f64>(sums + n + at) != 0) continue;
        const pj = load<f64>(p + n + at);
        if (pj != 0) columnBackward(K, alpha + before, pj, transitions + at, p + before, dTransitions + at);
      }
      n = before;
    }
    for (let at: usize = 0; at < row; at += 8) {
      store<f64>(dStart + at, load<f64>(dStart + at) + load<f64>(p + n + at));
    }
  }
}

/**
 * (8) to (10): `delta [N, K]` and the int32 `from [N, K]` are overwritten; `labels [N]` are int32, `scores [B]`.
 */
export function crfViterbi(
  B: i32,
  K: i32,
  lengths: usize,
  offsets: usize,
  a: usize,
  start: usize,
  end: usize,
  transitions: usize,
  delta: usize,
  from: usize,
  labels: usize,
  scores: usize,
): void {
  const row = <usize>K << 3;
  for (let b = 0; b < B; b++) {
    const T = load<i32>(lengths + (<usize>b << 2));
    if (T == 0) continue;
    let n: usize = 0;
    for (let t = 0; t < T; t++) {
      const before = n;
      n = <usize>(load<i32>(offsets + (<usize>t << 2)) + b) * row;
      if (t == 0) {
        for (let at: usize = 0; at < row; at += 8) {
          store<f64>(delta + n + at, load<f64>(start + at) + load<f64>(a + n + at));
        }
      } else viterbiStep(K, delta + before, a + n, transitions, delta + n, from + (n >> 1));
    }
    let j = 0;
    let best = load<f64>(delta + n) + load<f64>(end);
    for (let k = 1; k < K; k++) {
      const at = <usize>k << 3;
      const score = load<f64>(delta + n + at) + load<f64>(end + at);
      if (!(score > best)) continue;
      best = score;
      j = k;
    }
    store<f64>(scores + (<usize>b << 3), best);
    for (let t = T - 1; t >= 0; t--) {
      const place = <usize>(load<i32>(offsets + (<usize>t << 2)) + b);
      store<i32>(labels + (place << 2), j);
      if (t > 0) j = load<i32>(from + ((place * <usize>K + <usize>j) << 2));
    }
  }
}

/** Equation (9) of one row; if scores are equal, the smaller label wins. */
function viterbiStep(K: i32, before: usize, a: usize, transitions: usize, delta: usize, from: usize): void {
  const row = <usize>K << 3;
  let j = 0;
  for (; j + 2 <= K; j += 2, transitions += 16, a += 16, delta += 16, from += 8) {
    let best = f64x2.add(f64x2.splat(load<f64>(before)), v128.load(transitions));
    let whose = i64x2.splat(0);
    let at = transitions + row;
    for (let i = 1; i < K; i++, at += row) {
      const score = f64x2.add(f64x2.splat(load<f64>(before + (<usize>i << 3))), v128.load(at));
      const more = f64x2.gt(score, best);
      best = v128.bitselect(score, best, more);
      whose = v128.bitselect(i64x2.splat(i), whose, more);
    }
    v128.store(delta, f64x2.add(best, v128.load(a)));
    store<i32>(from, <i32>i64x2.extract_lane(whose, 0));
    store<i32>(from, <i32>i64x2.extract_lane(whose, 1), 4);
  }
  if (j == K) return;
  let best = load<f64>(before) + load<f64>(transitions);
  let whose = 0;
  let at = transitions + row;
  for (let i = 1; i < K; i++, at += row) {
    const score = load<f64>(before + (<usize>i << 3)) + load<f64>(at);
    if (!(score > best)) continue;
    best = score;
    whose = i;
  }
  store<f64>(delta, best + load<f64>(a));
  store<i32>(from, whose);
}
