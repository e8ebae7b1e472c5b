/**
 * Rung 8: packing. Both operands are copied into the order in which the tile reads them.
 *
 * Changes    Panels of 8 columns of b and groups of 4 rows of a: what one k needs lies side by side, the next k behind it. The copies
 *            cost K·(M + N) moves for M·N·K terms. The tile reads two streams, forward.
 * Predicted  1.5×. Rung 7 takes half a cache line per k from a page of its own, and more pages than the TLB of the first level has. A
 *            stream takes whole lines, and the processor reads them ahead.
 * Measured   1.3×: 35.7 GFLOP/s, 73 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */
import { part } from './05-wasm-scalar';
import { COLUMNS, ROWS } from './07-outer-product-tile';

/** Bytes that one k takes in a panel and in a group. */
const PANEL: usize = 32;
const GROUP: usize = 16;

/** Bytes for the panels and, behind them, the groups. */
export function scratchBytes(M: i32, N: i32, K: i32): i32 {
  return 4 * K * (N + M);
}

/** `out [M, N] += a [M, K] · b [K, N]`. */
export function multiply(M: i32, N: i32, K: i32, a: usize, b: usize, out: usize, scratch: usize): void {
  const m = M - (M % ROWS);
  const n = N - (N % COLUMNS);
  const lda = (<usize>K) << 2;
  const ldb = (<usize>N) << 2;
  const groups = scratch + <usize>n * lda;
  packPanels(n, K, b, ldb, scratch);
  packGroups(m, K, a, lda, groups);
  tiles(m, n, K, groups, scratch, out, ldb);
  part(0, m, n, N, K, N, a, b, out);
  part(m, M, 0, N, K, N, a, b, out);
}

/** Panels `[n / 8][K][8]` of b, whose rows are `ldb` bytes apart. */
export function packPanels(n: i32, K: i32, b: usize, ldb: usize, to: usize): void {
  for (let j = 0; j < n; j += COLUMNS) {
    let from = b + ((<usize>j) << 2);
    for (let k = 0; k < K; k++, from += ldb, to += PANEL) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
  }
}

/** Groups `[m / 4][K][4]` of a, whose rows are `lda` bytes apart. */
export function packGroups(m: i32, K: i32, a: usize, lda: usize, to: usize): void {
  for (let i = 0; i < m; i += ROWS) {
    let from = a + <usize>i * lda;
    for (let k = 0; k < K; k++, from += 4, to += GROUP) {
      store<f32>(to, load<f32>(from));
      store<f32>(to, load<f32>(from + lda), 4);
      store<f32>(to, load<f32>(from + 2 * lda), 8);
      store<f32>(to, load<f32>(from + 3 * lda), 12);
    }
  }
}

/** All groups by all panels; rows of out are `ldc` bytes apart. */
export function tiles(m: i32, n: i32, K: i32, groups: usize, panels: usize, out: usize, ldc: usize): void {
  const row = (<usize>K) << 2;
  for (let j = 0; j < n; j += COLUMNS) {
    for (let i = 0; i < m; i += ROWS) {
      const c = out + <usize>i * ldc + ((<usize>j) << 2);
      tile(K, groups + <usize>i * row, panels + <usize>j * row, c, ldc);
    }
  }
}

/** The tile of rung 7 over a group and a panel. */
function tile(K: i32, a: usize, b: usize, c: usize, ldc: usize): void {
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(c + ldc);
  let c11 = v128.load(c + ldc, 16);
  let c20 = v128.load(c + 2 * ldc);
  let c21 = v128.load(c + 2 * ldc, 16);
  let c30 = v128.load(c + 3 * ldc);
  let c31 = v128.load(c + 3 * ldc, 16);
  for (; K > 0; K--, a += GROUP, b += PANEL) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + ldc, c10);
  v128.store(c + ldc, c11, 16);
  v128.store(c + 2 * ldc, c20);
  v128.store(c + 2 * ldc, c21, 16);
  v128.store(c + 3 * ldc, c30);
  v128.store(c + 3 * ldc, c31, 16);
}
