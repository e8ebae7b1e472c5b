/**
 * `C += A·B` in tiles: blocks of k so that a panel of B stays in the first-level cache, blocks of rows so that A stays in the
 * second.
 */
import { packGroups, transpose } from './pack';
import { PANEL, half4, packed4, packed4x2, row2, row4, rows2, rows3, tile1, tile2, tile3, tile4 } from './tile';

/**
 * Bytes of A per row in a block of k, as in src/kernels/wasm/product.ts: with the panel of B, at most 24 KB of the first-level
 * cache for float32.
 */
const BLOCK_BYTES: i32 = 2048;

/** The same if two panels are read at once. */
const WIDE_BLOCK_BYTES: i32 = 1024;

/** Rows of a block; a multiple of 4. */
const BLOCK_ROWS: i32 = 64;

/** Panels, and terms of a sum, from which on A is packed too: with fewer, the tile gains less than the copy costs. */
const MANY_PANELS: i32 = 4;
const MANY_TERMS: i32 = 40;

/**
 * Whether float32 uses the tiles of 4 and of 3 rows and two panels. Sums have the same terms in the same order, so the bits are
 * the same.
 */
let wideTiles: bool = false;

/** Selects the tiles of all later products: 1 for those two panels wide. */
export function useWideTiles(on: i32): void {
  wideTiles = on != 0;
}

/** `multiply` for an `a` whose rows are contiguous along k. */
// @ts-ignore: decorator
@inline
export function multiply<T>(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  step: usize,
  scratch: usize,
): void {
  multiplyStrided<T>(M, N, K, c, ldc, a, lda, sizeof<T>(), b, ldb, step, scratch);
}

/**
 * `c [M, N] += a [M, K] · b [K, N]`.
 *
 * @param c row-major, `ldc` bytes between rows
 * @param a `lda` bytes between rows, `ka` between two k; one of them the size of an element
 * @param b panels `step` bytes apart, `ldb` bytes between two k of a panel. Packed: `step = K · 32`, `ldb = 32`. An unpacked
 * row-major matrix: `step = 32`, `ldb` its bytes between rows; its last row is then read up to 28 bytes past its end.
 * @param scratch `64 · 32` bytes for the right edge, then `64 · 2048` for a packed block of A
 */
export function multiplyStrided<T>(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  a: usize,
  lda: usize,
  ka: usize,
  b: usize,
  ldb: usize,
  step: usize,
  scratch: usize,
): void {
  const depth = (sizeof<T>() == 4 && wideTiles ? WIDE_BLOCK_BYTES : BLOCK_BYTES) / <i32>sizeof<T>();
  const alongRows = ka == sizeof<T>();
  // Copying an A that is stored by columns costs almost nothing.
  const packs = ldb == PANEL && (!alongRows || (K >= MANY_TERMS && N >= MANY_PANELS * <i32>(PANEL / sizeof<T>())));
  const groups = packs ? scratch + BLOCK_ROWS * PANEL : 0;
  for (let k = 0; k < K; k += depth) {
    const inner = min(depth, K - k);
    const fromB = b + <usize>k * ldb;
    for (let m = 0; m < M; m += BLOCK_ROWS) {
      const count = min(BLOCK_ROWS, M - m);
      const fromC = c + <usize>m * ldc;
      const fromA = a + <usize>m * lda + <usize>k * ka;
      const whole = packs ? count & ~3 : 0;
      packGroups<T>(whole, inner, fromA, lda, ka, groups);
      if (k == 0) touch(count, fromC, ldc, <usize>N * sizeof<T>(), scratch);
      let rest = fromA + <usize>whole * lda;
      let ldRest = lda;
      if (!alongRows) {
        ldRest = <usize>inner * sizeof<T>();
        const target = scratch + BLOCK_ROWS * PANEL + <usize>whole * ldRest;
        transpose<T>(inner, count - whole, rest, ka, target, ldRest);
        rest = target;
      }
      block<T>(count, N, inner, fromC, ldc, groups, rest, ldRest, fromB, ldb, step, scratch);
    }
  }
}

/**
 * Prefetches `M` rows by reading a word every 64 bytes: one of each cache line, except at the ends of rows. A tile would wait for
 * its few lines of C and go through them column by column; here they are requested all at once, in the order in which the
 * hardware prefetches. `sink` receives the words read; otherwise the compiler would remove the reads.
 */
function touch(M: i32, c: usize, ldc: usize, bytes: usize, sink: usize): void {
  let all = 0;
  for (; M > 0; M--, c += ldc) {
    for (let at = c, end = c + bytes; at < end; at += 64) all |= load<i32>(at);
  }
  store<i32>(sink, all);
}

/**
 * One block of rows and of k: all panels. `groups` holds the rows of A except the last M % 4, which are in `a`; if `groups` is 0,
 * all are in `a`.
 */
function block<T>(
  M: i32,
  N: i32,
  K: i32,
  c: usize,
  ldc: usize,
  groups: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  step: usize,
  edge: usize,
): void {
  const width = <i32>(PANEL / sizeof<T>());
  // Rows left over by tiles of 4 are multiplied by several panels at once, while there are enough: 1 row by four, then two; 2
  // rows by two.
  const rest = M & 3;
  const restA = groups != 0 ? a : a + <usize>(M - rest) * lda;
  let restC = c + <usize>(M - rest) * ldc;
  let restB = b;
  let wide = 0;
  for (; rest == 1 && wide + 4 * width <= N; wide += 4 * width, restC += 4 * PANEL, restB += 4 * step) {
    row4<T>(K, restC, restA, restB, ldb, step);
  }
  for (; (rest == 1 || rest == 2) && wide + 2 * width <= N; wide += 2 * width, restC += 2 * PANEL, restB += 2 * step) {
    if (rest == 1) row2<T>(K, restC, restA, restB, ldb, step);
    else rows2<T>(K, restC, ldc, restA, lda, restB, ldb, step);
  }
  const pairs = sizeof<T>() == 4 && wideTiles;
  if (pairs && rest == 3) {
    for (; wide + 2 * width <= N; wide += 2 * width, restC += 2 * PANEL, restB += 2 * step) {
      rows3<T>(K, restC, ldc, restA, lda, restB, ldb, step);
    }
  }
  let n = M < 4 ? wide : 0;
  c += <usize>n * sizeof<T>();
  b += <usize>(n / width) * step;
  if (pairs && groups != 0) {
    for (; n + 2 * width <= N; n += 2 * width, c += 2 * PANEL, b += 2 * step) twoPanels<T>(M, K, c, ldc, groups, b, step);
  }
  for (; n + width <= N; n += width) {
    rows<T>(n < wide ? M - rest : M, width, K, c, ldc, groups, a, lda, b, ldb);
    c += PANEL;
    b += step;
  }
  if (n < N) {
    const bytes = <usize>(N - n) * sizeof<T>();
    for (let m = 0; m < M; m++) {
      const to = edge + <usize>m * PANEL;
      v128.store(to, v128.splat<T>(0));
      v128.store(to, v128.splat<T>(0), 16);
      copyRow<T>(to, c + <usize>m * ldc, bytes);
    }
    rows<T>(M, N - n, K, edge, PANEL, groups, a, lda, b, ldb);
    for (let m = 0; m < M; m++) copyRow<T>(c + <usize>m * ldc, edge + <usize>m * PANEL, bytes);
  }
}

/** Copies less than a panel's row: too little for `memory.copy`, which calls out of the module. */
// @ts-ignore: decorator
@inline
function copyRow<T>(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) store<T>(to + i, load<T>(from + i));
}

/** The packed rows of a block by two panels. */
function twoPanels<T>(M: i32, K: i32, c: usize, ldc: usize, groups: usize, b: usize, step: usize): void {
  const group = <usize>K * 4 * sizeof<T>();
  for (; M >= 4; M -= 4, c += 4 * ldc, groups += group) packed4x2<T>(K, c, ldc, groups, b, step);
}

/** All rows of a block by the first `columns` of one panel: tiles of 4, and one for the remainder. */
function rows<T>(
  M: i32,
  columns: i32,
  K: i32,
  c: usize,
  ldc: usize,
  groups: usize,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
): void {
  const half = columns <= <i32>(16 / sizeof<T>());
  const group = <usize>K * 4 * sizeof<T>();
  if (groups != 0) {
    for (; M >= 4; M -= 4) {
      if (half) half4<T>(K, c, ldc, groups, sizeof<T>(), 4 * sizeof<T>(), b, ldb);
      else packed4<T>(K, c, ldc, groups, b);
      c += 4 * ldc;
      groups += group;
    }
  } else {
    for (; M >= 4; M -= 4) {
      if (half) half4<T>(K, c, ldc, a, lda, sizeof<T>(), b, ldb);
      else tile4<T>(K, c, ldc, a, lda, b, ldb);
      c += 4 * ldc;
      a += 4 * lda;
    }
  }
  if (M == 3) tile3<T>(K, c, ldc, a, lda, b, ldb);
  else if (M == 2) tile2<T>(K, c, ldc, a, lda, b, ldb);
  else if (M == 1) tile1<T>(K, c, a, b, ldb);
}
