/**
 * Register tiles: `C += A·B` for up to 4 rows and two vectors of columns (8 float32, 4 float64), the sums in registers.
 *
 * A sum starts from the element of C and takes its terms in the order of k, one multiplication and one addition each
 * (simd128 never fuses them). So an element has the same bits whatever tile it falls into, however k is cut into blocks,
 * however many rows there are. Four rows by two vectors need 8 sums, 2 vectors of B, 1 of A and 1 product: 12 of the 15
 * vector registers of x64; five rows spill. One row takes four panels at once, because 2 sums alone wait for each other.
 *
 * Steps are in bytes: `ldc` and `lda` between rows of C and A, `ldb` between two k of B. A is read along its rows, but where
 * a step `ka` between two k of it says otherwise.
 */

/** Bytes of one row of a panel: two vectors. */
export const PANEL: usize = 32;

/** `sum + x·y`: in two roundings, or in one where the build allows relaxed SIMD and the machine can fuse. */
// @ts-ignore: decorator
@inline
function madd<T>(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(x, y, sum);
  return v128.add<T>(sum, v128.mul<T>(x, y));
}

/**
 * 4 rows by one packed panel, A packed too: its 4 elements of one k lie side by side. One pointer into A instead of four,
 * and two steps of k per turn, halve what the loop itself costs. The exit between the two steps is there also where K is
 * known to be even: without it V8 moves the loads of both steps to the front, and then spills.
 */
export function packed4<T>(K: i32, c: usize, ldc: usize, a: usize, b: usize): void {
  const c1 = c + ldc;
  const c2 = c1 + ldc;
  const c3 = c2 + ldc;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
  const end = b + <usize>K * PANEL;
  const last = end - PANEL;
  while (b < end) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a, sizeof<T>());
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a, 2 * sizeof<T>());
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    x = v128.load_splat<T>(a, 3 * sizeof<T>());
    s30 = madd<T>(s30, x, b0);
    s31 = madd<T>(s31, x, b1);
    if (b >= last) break;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<T>(a, 4 * sizeof<T>());
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a, 5 * sizeof<T>());
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a, 6 * sizeof<T>());
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    x = v128.load_splat<T>(a, 7 * sizeof<T>());
    s30 = madd<T>(s30, x, b0);
    s31 = madd<T>(s31, x, b1);
    b += 2 * PANEL;
    a += 8 * sizeof<T>();
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** 4 rows by the first vector of a panel: for a right edge of half a panel at most. */
export function half4<T>(K: i32, c: usize, ldc: usize, a: usize, lda: usize, ka: usize, b: usize, ldb: usize): void {
  const c1 = c + ldc;
  let a1 = a + lda;
  const c2 = c1 + ldc;
  let a2 = a1 + lda;
  const c3 = c2 + ldc;
  let a3 = a2 + lda;
  let s0 = v128.load(c);
  let s1 = v128.load(c1);
  let s2 = v128.load(c2);
  let s3 = v128.load(c3);
  for (; K > 0; K--) {
    const y = v128.load(b);
    s0 = madd<T>(s0, v128.load_splat<T>(a), y);
    s1 = madd<T>(s1, v128.load_splat<T>(a1), y);
    s2 = madd<T>(s2, v128.load_splat<T>(a2), y);
    s3 = madd<T>(s3, v128.load_splat<T>(a3), y);
    b += ldb;
    a += ka;
    a1 += ka;
    a2 += ka;
    a3 += ka;
  }
  v128.store(c, s0);
  v128.store(c1, s1);
  v128.store(c2, s2);
  v128.store(c3, s3);
}

/** 4 rows by one panel. */
export function tile4<T>(K: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, ldb: usize): void {
  const c1 = c + ldc;
  let a1 = a + lda;
  const c2 = c1 + ldc;
  let a2 = a1 + lda;
  const c3 = c2 + ldc;
  let a3 = a2 + lda;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
  const end = a + <usize>K * sizeof<T>();
  const last = end - sizeof<T>();
  while (a < end) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a1);
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a2);
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    x = v128.load_splat<T>(a3);
    s30 = madd<T>(s30, x, b0);
    s31 = madd<T>(s31, x, b1);
    b += ldb;
    if (a >= last) break;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    x = v128.load_splat<T>(a, sizeof<T>());
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a1, sizeof<T>());
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a2, sizeof<T>());
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    x = v128.load_splat<T>(a3, sizeof<T>());
    s30 = madd<T>(s30, x, b0);
    s31 = madd<T>(s31, x, b1);
    b += ldb;
    a += 2 * sizeof<T>();
    a1 += 2 * sizeof<T>();
    a2 += 2 * sizeof<T>();
    a3 += 2 * sizeof<T>();
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** 3 rows by one panel. */
export function tile3<T>(K: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, ldb: usize): void {
  const c1 = c + ldc;
  let a1 = a + lda;
  const c2 = c1 + ldc;
  let a2 = a1 + lda;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  const end = a + <usize>K * sizeof<T>();
  const last = end - sizeof<T>();
  while (a < end) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a1);
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a2);
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    b += ldb;
    if (a >= last) break;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    x = v128.load_splat<T>(a, sizeof<T>());
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a1, sizeof<T>());
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    x = v128.load_splat<T>(a2, sizeof<T>());
    s20 = madd<T>(s20, x, b0);
    s21 = madd<T>(s21, x, b1);
    b += ldb;
    a += 2 * sizeof<T>();
    a1 += 2 * sizeof<T>();
    a2 += 2 * sizeof<T>();
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
}

/** 2 rows by one panel. */
export function tile2<T>(K: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, ldb: usize): void {
  const c1 = c + ldc;
  let a1 = a + lda;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  for (; K > 0; K--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    x = v128.load_splat<T>(a1);
    s10 = madd<T>(s10, x, b0);
    s11 = madd<T>(s11, x, b1);
    b += ldb;
    a += sizeof<T>();
    a1 += sizeof<T>();
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
}

/** 1 row by one panel. */
export function tile1<T>(K: i32, c: usize, ldc: usize, a: usize, lda: usize, b: usize, ldb: usize): void {
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  for (; K > 0; K--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x = v128.load_splat<T>(a);
    s00 = madd<T>(s00, x, b0);
    s01 = madd<T>(s01, x, b1);
    b += ldb;
    a += sizeof<T>();
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
}

/** One row by four panels, which lie `step` bytes apart; their sums follow each other in C. */
export function row4<T>(K: i32, c: usize, a: usize, b: usize, ldb: usize, step: usize): void {
  let p1 = b + step;
  let p2 = p1 + step;
  let p3 = p2 + step;
  let s0 = v128.load(c);
  let s1 = v128.load(c, 16);
  let s2 = v128.load(c, 32);
  let s3 = v128.load(c, 48);
  let s4 = v128.load(c, 64);
  let s5 = v128.load(c, 80);
  let s6 = v128.load(c, 96);
  let s7 = v128.load(c, 112);
  const end = a + <usize>(K & ~1) * sizeof<T>();
  while (a < end) {
    let x = v128.load_splat<T>(a);
    s0 = madd<T>(s0, x, v128.load(b));
    s1 = madd<T>(s1, x, v128.load(b, 16));
    s2 = madd<T>(s2, x, v128.load(p1));
    s3 = madd<T>(s3, x, v128.load(p1, 16));
    s4 = madd<T>(s4, x, v128.load(p2));
    s5 = madd<T>(s5, x, v128.load(p2, 16));
    s6 = madd<T>(s6, x, v128.load(p3));
    s7 = madd<T>(s7, x, v128.load(p3, 16));
    b += ldb;
    p1 += ldb;
    p2 += ldb;
    p3 += ldb;
    x = v128.load_splat<T>(a, sizeof<T>());
    s0 = madd<T>(s0, x, v128.load(b));
    s1 = madd<T>(s1, x, v128.load(b, 16));
    s2 = madd<T>(s2, x, v128.load(p1));
    s3 = madd<T>(s3, x, v128.load(p1, 16));
    s4 = madd<T>(s4, x, v128.load(p2));
    s5 = madd<T>(s5, x, v128.load(p2, 16));
    s6 = madd<T>(s6, x, v128.load(p3));
    s7 = madd<T>(s7, x, v128.load(p3, 16));
    b += ldb;
    p1 += ldb;
    p2 += ldb;
    p3 += ldb;
    a += 2 * sizeof<T>();
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
  v128.store(c, s2, 32);
  v128.store(c, s3, 48);
  v128.store(c, s4, 64);
  v128.store(c, s5, 80);
  v128.store(c, s6, 96);
  v128.store(c, s7, 112);
  if (K & 1) {
    tile1<T>(1, c, 0, a, 0, b, ldb);
    tile1<T>(1, c + PANEL, 0, a, 0, p1, ldb);
    tile1<T>(1, c + 2 * PANEL, 0, a, 0, p2, ldb);
    tile1<T>(1, c + 3 * PANEL, 0, a, 0, p3, ldb);
  }
}
