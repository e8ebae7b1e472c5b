/**
 * Counter-based dropout factors: Threefry-4x32-20, the same bits as src/tensor/threefry.ts, which names the sources. Lanes hold
 * four blocks of one row. Two rows are interleaved, because each operation of a row waits for the one before it.
 */

/**
 * Address of the words of the key, each in all lanes: the five, and the first four again, so that any four consecutive words
 * modulo five are consecutive in memory.
 */
let keys: usize = 0;

// @ts-ignore: decorator
@inline
function word(k: i32): v128 {
  return v128.load(keys + (<usize>k << 4));
}

/** `x` rotated to the left by some bits, exclusive or `y`. */
// @ts-ignore: decorator
@inline
function mixed(x: v128, by: i32, y: v128): v128 {
  return v128.xor(v128.or(i32x4.shl(x, by), i32x4.shr_u(x, 32 - by)), y);
}

/**
 * `keep` in the lanes whose word is not below the limit. Limit and words are offset by −2³¹, because SIMD compares signed
 * integers faster.
 */
// @ts-ignore: decorator
@inline
function chosen(x: v128, limit: v128, keep: v128): v128 {
  return v128.andnot(keep, i32x4.lt_s(v128.xor(x, i32x4.splat(0x80000000)), limit));
}

/** Stores word w of block l, which is lane l of register w, as element 4·l + w. */
// @ts-ignore: decorator
@inline
function storeTurned(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const AB = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const CD = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(out, i32x4.shuffle(ab, cd, 0, 1, 4, 5));
  v128.store(out, i32x4.shuffle(ab, cd, 2, 3, 6, 7), 16);
  v128.store(out, i32x4.shuffle(AB, CD, 0, 1, 4, 5), 32);
  v128.store(out, i32x4.shuffle(AB, CD, 2, 3, 6, 7), 48);
}

/** Sixteen factors of each of two rows, starting at a block. A place is the address of a sentence and a token. */
function drawSixteen(
  out: usize,
  out2: usize,
  place: usize,
  place2: usize,
  block: i32,
  limit: v128,
  keep: v128,
): void {
  let a = i32x4.add(i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3)), word(0));
  let b = i32x4.add(v128.load32_splat(place, 4), word(1));
  let c = i32x4.add(v128.load32_splat(place), word(2));
  let d = word(3);
  let a2 = a;
  let b2 = i32x4.add(v128.load32_splat(place2, 4), word(1));
  let c2 = i32x4.add(v128.load32_splat(place2), word(2));
  let d2 = d;
  for (let s = 1; ; s++) {
    a = i32x4.add(a, b);
    b = mixed(b, 10, a);
    c = i32x4.add(c, d);
    d = mixed(d, 26, c);
    a2 = i32x4.add(a2, b2);
    b2 = mixed(b2, 10, a2);
    c2 = i32x4.add(c2, d2);
    d2 = mixed(d2, 26, c2);
    a = i32x4.add(a, d);
    d = mixed(d, 11, a);
    c = i32x4.add(c, b);
    b = mixed(b, 21, c);
    a2 = i32x4.add(a2, d2);
    d2 = mixed(d2, 11, a2);
    c2 = i32x4.add(c2, b2);
    b2 = mixed(b2, 21, c2);
    a = i32x4.add(a, b);
    b = mixed(b, 13, a);
    c = i32x4.add(c, d);
    d = mixed(d, 27, c);
    a2 = i32x4.add(a2, b2);
    b2 = mixed(b2, 13, a2);
    c2 = i32x4.add(c2, d2);
    d2 = mixed(d2, 27, c2);
    a = i32x4.add(a, d);
    d = mixed(d, 23, a);
    c = i32x4.add(c, b);
    b = mixed(b, 5, c);
    a2 = i32x4.add(a2, d2);
    d2 = mixed(d2, 23, a2);
    c2 = i32x4.add(c2, b2);
    b2 = mixed(b2, 5, c2);
    a = i32x4.add(a, word(s));
    b = i32x4.add(b, word(s + 1));
    c = i32x4.add(c, word(s + 2));
    d = i32x4.add(d, i32x4.add(word(s + 3), i32x4.splat(s)));
    a2 = i32x4.add(a2, word(s));
    b2 = i32x4.add(b2, word(s + 1));
    c2 = i32x4.add(c2, word(s + 2));
    d2 = i32x4.add(d2, i32x4.add(word(s + 3), i32x4.splat(s)));
    if (s === 5) break;
    s++;
    a = i32x4.add(a, b);
    b = mixed(b, 6, a);
    c = i32x4.add(c, d);
    d = mixed(d, 20, c);
    a2 = i32x4.add(a2, b2);
    b2 = mixed(b2, 6, a2);
    c2 = i32x4.add(c2, d2);
    d2 = mixed(d2, 20, c2);
    a = i32x4.add(a, d);
    d = mixed(d, 17, a);
    c = i32x4.add(c, b);
    b = mixed(b, 11, c);
    a2 = i32x4.add(a2, d2);
    d2 = mixed(d2, 17, a2);
    c2 = i32x4.add(c2, b2);
    b2 = mixed(b2, 11, c2);
    a = i32x4.add(a, b);
    b = mixed(b, 25, a);
    c = i32x4.add(c, d);
    d = mixed(d, 10, c);
    a2 = i32x4.add(a2, b2);
    b2 = mixed(b2, 25, a2);
    c2 = i32x4.add(c2, d2);
    d2 = mixed(d2, 10, c2);
    a = i32x4.add(a, d);
    d = mixed(d, 18, a);
    c = i32x4.add(c, b);
    b = mixed(b, 20, c);
    a2 = i32x4.add(a2, d2);
    d2 = mixed(d2, 18, a2);
    c2 = i32x4.add(c2, b2);
    b2 = mixed(b2, 20, c2);
    a = i32x4.add(a, word(s));
    b = i32x4.add(b, word(s + 1));
    c = i32x4.add(c, word(s + 2));
    d = i32x4.add(d, i32x4.add(word(s + 3), i32x4.splat(s)));
    a2 = i32x4.add(a2, word(s));
    b2 = i32x4.add(b2, word(s + 1));
    c2 = i32x4.add(c2, word(s + 2));
    d2 = i32x4.add(d2, i32x4.add(word(s + 3), i32x4.splat(s)));
  }
  storeTurned(out, chosen(a, limit, keep), chosen(b, limit, keep), chosen(c, limit, keep), chosen(d, limit, keep));
  storeTurned(out2, chosen(a2, limit, keep), chosen(b2, limit, keep), chosen(c2, limit, keep), chosen(d2, limit, keep));
}

/**
 * `factors[r, d]` is 0 where word d mod 4 of Threefry at the counter `⌊d/4⌋, places[2r + 1], places[2r], 0` is below the limit,
 * else `keep`. `key` holds four words. `scratch` has room for 272 bytes: the extended key, factors of a row past its end, and
 * those of a row past the last.
 */
export function drawFactors(
  R: i32,
  W: i32,
  factors: usize,
  ldFactors: usize,
  key: usize,
  places: usize,
  scratch: usize,
  limit: f64,
  keep: f32,
): void {
  keys = scratch;
  const rest = scratch + 144;
  const rest2 = scratch + 208;
  extend(key);
  const below = i32x4.splat(<i32>(<u32>limit ^ 0x80000000));
  const kept = f32x4.splat(keep);
  for (let r = 0; r < R; r += 2, factors += 2 * ldFactors, places += 16) {
    const both = r + 1 < R;
    const places2 = both ? places + 8 : places;
    let d = 0;
    for (; d + 16 <= W; d += 16) {
      const out = factors + (<usize>d << 2);
      drawSixteen(out, both ? out + ldFactors : rest2, places, places2, d >> 2, below, kept);
    }
    if (d === W) continue;
    drawSixteen(rest, rest2, places, places2, d >> 2, below, kept);
    const out = factors + (<usize>d << 2);
    memory.copy(out, rest, <usize>(W - d) << 2);
    if (both) memory.copy(out + ldFactors, rest2, <usize>(W - d) << 2);
  }
}

/** Four words of a key, and the parity of them and Skein's constant. */
function extend(key: usize): void {
  let parity: i32 = 0x1bd11bda;
  for (let k: usize = 0; k < 4; k++) {
    const own = load<i32>(key + (k << 2));
    parity ^= own;
    v128.store(keys + (k << 4), i32x4.splat(own));
    v128.store(keys + (k << 4), i32x4.splat(own), 80);
  }
  v128.store(keys, i32x4.splat(parity), 64);
}
