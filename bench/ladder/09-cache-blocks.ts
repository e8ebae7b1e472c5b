/**
 * Rung 9: cache blocks. The tiles go through blocks of k and of rows that stay in the caches.
 *
 * Changes    A block of 256 k makes a panel 8 KiB and a group 4 KiB: both fit the first-level cache, 32 KiB. The groups of 64 rows, 64
 *            KiB, stay in the second level while all panels go by. A sum is stored between blocks, and its bits are the same.
 * Predicted  1.1×. The tile asks for 48 bytes per 4 cycles. Rung 8 gets them from the second level, whose 32 bytes a cycle are enough
 *            where the processor reads ahead in time. With a smaller cache or a longer k the gain is more.
 * Measured   1.0×: 35.6 GFLOP/s, 73 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */
import { part } from './05-wasm-scalar';
import { COLUMNS, ROWS } from './07-outer-product-tile';
import { packGroups, packPanels, tiles } from './08-packing';

/** Terms of a sum, and rows, of a block; rows are a multiple of those of a tile. */
const DEPTH: i32 = 256;
const HEIGHT: i32 = 64;

/** Bytes for the panels and groups of one block. */
export function scratchBytes(M: i32, N: i32, K: i32): i32 {
  return 4 * DEPTH * (N + HEIGHT);
}

/** `out [M, N] += a [M, K] · b [K, N]`. */
export function multiply(M: i32, N: i32, K: i32, a: usize, b: usize, out: usize, scratch: usize): void {
  const m = M - (M % ROWS);
  const n = N - (N % COLUMNS);
  const lda = (<usize>K) << 2;
  const ldb = (<usize>N) << 2;
  const groups = scratch + <usize>DEPTH * ldb;
  for (let k = 0; k < K; k += DEPTH) {
    const depth = min(DEPTH, K - k);
    packPanels(n, depth, b + <usize>k * ldb, ldb, scratch);
    for (let i = 0; i < m; i += HEIGHT) {
      const height = min(HEIGHT, m - i);
      packGroups(height, depth, a + <usize>i * lda + ((<usize>k) << 2), lda, groups);
      tiles(height, n, depth, groups, scratch, out + <usize>i * ldb, ldb);
    }
  }
  part(0, m, n, N, K, N, a, b, out);
  part(m, M, 0, N, K, N, a, b, out);
}
