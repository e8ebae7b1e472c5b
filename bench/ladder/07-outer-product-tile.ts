/**
 * Rung 7: outer product tile. Four rows and eight columns of out stay in registers while k runs.
 *
 * Changes    For each k, four numbers of a times eight of b give 32 products: six loads for 64 operations. Eight vectors of sums do not
 *            wait for each other. Lanes are columns: the terms of a sum are in order, and the bits are those of rung 1 again.
 * Predicted  3×. Eight chains in the place of one hide the latency of the addition, and two vectors a cycle are at the peak. Loads of
 *            b, a row of N numbers apart, keep it below.
 * Measured   2.7×: 26.6 GFLOP/s, 54 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */
import { part } from './05-wasm-scalar';

/** Rows and columns of a tile. Its 8 vectors of sums, 2 of b and 1 of a, and a product, fit the 15 registers that V8 has on x64. */
export const ROWS: i32 = 4;
export const COLUMNS: i32 = 8;

/** `out [M, N] += a [M, K] · b [K, N]`. */
export function multiply(M: i32, N: i32, K: i32, a: usize, b: usize, out: usize): void {
  const m = M - (M % ROWS);
  const n = N - (N % COLUMNS);
  const lda = (<usize>K) << 2;
  const ldb = (<usize>N) << 2;
  for (let i = 0; i < m; i += ROWS) {
    for (let j = 0; j < n; j += COLUMNS) {
      const at = (<usize>j) << 2;
      tile(K, a + <usize>i * lda, lda, b + at, out + <usize>i * ldb + at, ldb);
    }
  }
  part(0, m, n, N, K, N, a, b, out); // the columns that no tile takes
  part(m, M, 0, N, K, N, a, b, out); // the rows
}

/** `c += a·b` for 4 rows of a, `lda` bytes apart, and 8 columns of b; rows of b and c are `ld` bytes apart. */
function tile(K: i32, a: usize, lda: usize, b: usize, c: usize, ld: usize): void {
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c + ld);
  let c11 = v128.load(c + ld, 16);
  let c20 = v128.load(c + 2 * ld);
  let c21 = v128.load(c + 2 * ld, 16);
  let c30 = v128.load(c + 3 * ld);
  let c31 = v128.load(c + 3 * ld, 16);
  for (; K > 0; K--, a += 4, b += ld) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a + lda);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a + 2 * lda);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a + 3 * lda);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + ld, c10);
  v128.store(c + ld, c11, 16);
  v128.store(c + 2 * ld, c20);
  v128.store(c + 2 * ld, c21, 16);
  v128.store(c + 3 * ld, c30);
  v128.store(c + 3 * ld, c31, 16);
}
