/**
 * Rung 6: SIMD dot. Four terms of a sum at once, in the lanes of a vector.
 *
 * Changes    b is transposed, so that a row of a and a column of b both lie along k. A vector multiplies four pairs and adds them to
 *            four sums. The order of a sum is another one: its bits differ from rung 1, within the bound of `roundings`.
 * Predicted  2×, not 4×. Every addition waits for the one before it, 3 cycles for 8 operations, and each vector of b is loaded for one
 *            row of a alone.
 * Measured   1.4×: 10.0 GFLOP/s, 20 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */

/** Bytes for the transpose of b. */
export function scratchBytes(M: i32, N: i32, K: i32): i32 {
  return 4 * N * K;
}

/** Roundings of a term at most: its product, the sums of its lane, two over the lanes, three of the rest, and the one with `out`. */
export function roundings(K: i32): i32 {
  return 1 + K / 4 + 2 + 3 + 1;
}

/** `out [M, N] += a [M, K] · b [K, N]`. */
export function multiply(M: i32, N: i32, K: i32, a: usize, b: usize, out: usize, scratch: usize): void {
  transpose(K, N, b, scratch);
  const row = (<usize>K) << 2;
  for (let i = 0; i < M; i++, a += row) {
    for (let j = 0; j < N; j++, out += 4) {
      store<f32>(out, load<f32>(out) + dot(K, a, scratch + <usize>j * row));
    }
  }
}

/** The dot product of two rows: lane l sums the terms k = l, l + 4, l + 8, … */
function dot(K: i32, x: usize, y: usize): f32 {
  let sums = f32x4.splat(0);
  const vectors = (<usize>(K & ~3)) << 2;
  let at: usize = 0;
  for (; at < vectors; at += 16) {
    sums = f32x4.add(sums, f32x4.mul(v128.load(x + at), v128.load(y + at)));
  }
  const low = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
  let sum = low + (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
  for (; at < (<usize>K) << 2; at += 4) sum += load<f32>(x + at) * load<f32>(y + at);
  return sum;
}

/** `b [K, N]` as `to [N, K]`. */
function transpose(K: i32, N: i32, b: usize, to: usize): void {
  for (let j = 0; j < N; j++) {
    for (let k = 0; k < K; k++, to += 4) {
      store<f32>(to, load<f32>(b + ((<usize>k * <usize>N + <usize>j) << 2)));
    }
  }
}
