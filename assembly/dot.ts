/**
 * One row times a matrix that is stored transposed: `c[n] += Σ_k a[k] · b[n, k]`, float32. Every row of `b` is contiguous along
 * k, so four parallel sums need four rows transposed in registers; nothing is packed. The terms of a sum keep their order, so the
 * bits are the same.
 */

import { madd } from './tile';

/** Four sums and four more terms of each: `b` at the first of four rows, `a0 … a3` in every lane. */
// @ts-ignore: decorator
@inline
function terms(sum: v128, a0: v128, a1: v128, a2: v128, a3: v128, b: usize, ldb: usize): v128 {
  const r0 = v128.load(b);
  const r1 = v128.load(b + ldb);
  const r2 = v128.load(b + 2 * ldb);
  const r3 = v128.load(b + 3 * ldb);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  sum = madd<f32>(sum, a0, v128.shuffle<f64>(low01, low23, 0, 2));
  sum = madd<f32>(sum, a1, v128.shuffle<f64>(low01, low23, 1, 3));
  sum = madd<f32>(sum, a2, v128.shuffle<f64>(high01, high23, 0, 2));
  return madd<f32>(sum, a3, v128.shuffle<f64>(high01, high23, 1, 3));
}

/** @param ldb bytes between the rows of `b [N, K]` */
export function dot32(N: i32, K: i32, c: usize, a: usize, b: usize, ldb: usize): void {
  const whole = K & ~3;
  const end = a + (<usize>whole << 2);
  for (; N >= 16; N -= 16, c += 64, b += 16 * ldb) {
    let s0 = v128.load(c);
    let s1 = v128.load(c, 16);
    let s2 = v128.load(c, 32);
    let s3 = v128.load(c, 48);
    let from = b;
    for (let at = a; at < end; at += 16, from += 16) {
      const a0 = v128.load32_splat(at);
      const a1 = v128.load32_splat(at, 4);
      const a2 = v128.load32_splat(at, 8);
      const a3 = v128.load32_splat(at, 12);
      s0 = terms(s0, a0, a1, a2, a3, from, ldb);
      s1 = terms(s1, a0, a1, a2, a3, from + 4 * ldb, ldb);
      s2 = terms(s2, a0, a1, a2, a3, from + 8 * ldb, ldb);
      s3 = terms(s3, a0, a1, a2, a3, from + 12 * ldb, ldb);
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
    scalars(16, whole, K, c, a, b, ldb);
  }
  for (; N >= 4; N -= 4, c += 16, b += 4 * ldb) {
    let sum = v128.load(c);
    let from = b;
    for (let at = a; at < end; at += 16, from += 16) {
      const a0 = v128.load32_splat(at);
      const a1 = v128.load32_splat(at, 4);
      const a2 = v128.load32_splat(at, 8);
      sum = terms(sum, a0, a1, a2, v128.load32_splat(at, 12), from, ldb);
    }
    v128.store(c, sum);
    scalars(4, whole, K, c, a, b, ldb);
  }
  scalars(N, 0, K, c, a, b, ldb);
}

/** The terms `from … K` of N sums, one by one: in a lane, because only there can a build fuse them like the others. */
function scalars(N: i32, from: i32, K: i32, c: usize, a: usize, b: usize, ldb: usize): void {
  if (from == K) return;
  for (; N > 0; N--, c += 4, b += ldb) {
    let sum = v128.load32_zero(c);
    for (let k = from; k < K; k++) {
      const at = <usize>k << 2;
      sum = madd<f32>(sum, v128.load32_zero(a + at), v128.load32_zero(b + at));
    }
    v128.store32_lane(c, sum, 0);
  }
}
