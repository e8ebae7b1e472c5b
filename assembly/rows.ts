/**
 * Operations on whole rows of float32, with the same bits as the loops of src/kernels/cpu/rows.ts. Steps between rows in bytes;
 * `map` holds int32 row indices.
 */
import { both, high, low } from './wide';

// @ts-ignore: decorator
@inline
function addLine(W: i32, out: usize, x: usize): void {
  for (; W >= 4; W -= 4, out += 16, x += 16) v128.store(out, f32x4.add(v128.load(out), v128.load(x)));
  for (; W > 0; W--, out += 4, x += 4) store<f32>(out, load<f32>(out) + load<f32>(x));
}

// @ts-ignore: decorator
@inline
function copyLine(W: i32, out: usize, x: usize): void {
  for (; W >= 4; W -= 4, out += 16, x += 16) v128.store(out, v128.load(x));
  for (; W > 0; W--, out += 4, x += 4) store<f32>(out, load<f32>(x));
}

// @ts-ignore: decorator
@inline
function row(map: usize, r: i32): usize {
  return <usize>load<i32>(map + (<usize>r << 2));
}

/**
 * How many rows selected by a map are prefetched at once. Read one after another, each would stall, because the hardware
 * prefetcher sees no pattern in them.
 */
export const AHEAD: i32 = 8;

/**
 * Prefetches the rows that the map selects, each of `line` bytes, by reading a word every 64 bytes. The words are written to
 * address 0, where there is no tensor; otherwise the compiler would remove the reads.
 */
export function touchRows(count: i32, x: usize, line: usize, map: usize): void {
  let all = 0;
  for (; count > 0; count--, map += 4) {
    const from = x + row(map, 0) * line;
    for (let at: usize = 0; at < line; at += 64) all |= load<i32>(from + at);
  }
  store<i32>(0, all);
}

/** `out[r] += x` for R rows of W elements. */
export function addToEveryRow(R: i32, W: i32, out: usize, ldOut: usize, x: usize): void {
  for (let r = 0; r < R; r++, out += ldOut) addLine(W, out, x);
}

/** `out += Σ_r x[r]`, rows in order. Sixteen columns at a time keep their sums in registers. */
export function addSumRows(R: i32, W: i32, out: usize, x: usize, ldx: usize): void {
  for (; W >= 16; W -= 16, out += 64, x += 64) {
    let s0 = v128.load(out);
    let s1 = v128.load(out, 16);
    let s2 = v128.load(out, 32);
    let s3 = v128.load(out, 48);
    let at = x;
    for (let r = 0; r < R; r++, at += ldx) {
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
    }
    v128.store(out, s0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
  }
  for (let r = 0; r < R; r++, x += ldx) addLine(W, out, x);
}

/** `out[r] += x[r]`. */
export function addMatrix(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize): void {
  for (let r = 0; r < R; r++, out += ldOut, x += ldx) addLine(W, out, x);
}

/** `out[r] = x[r]`; with `ldx` = 0 every row is the same. */
export function copyRows(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize): void {
  for (let r = 0; r < R; r++, out += ldOut, x += ldx) copyLine(W, out, x);
}

/** `out[r] = x[map[r]]`. */
export function gather(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, map: usize): void {
  for (let r = 0; r < R; r++, out += ldOut) {
    if (r % AHEAD == 0 && ldx == <usize>W << 2) touchRows(min(AHEAD, R - r), x, ldx, map + (<usize>r << 2));
    copyLine(W, out, x + row(map, r) * ldx);
  }
}

/** `out[map[r]] = x[r]`, rows in order. */
export function scatter(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, map: usize): void {
  for (let r = 0; r < R; r++, x += ldx) copyLine(W, out + row(map, r) * ldOut, x);
}

/** `out[map[r]] += x[r]`, rows in order: a row may occur more than once. */
export function scatterAdd(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, map: usize): void {
  for (let r = 0; r < R; r++, x += ldx) {
    if (r % AHEAD == 0 && ldOut == <usize>W << 2) touchRows(min(AHEAD, R - r), out, ldOut, map + (<usize>r << 2));
    addLine(W, out + row(map, r) * ldOut, x);
  }
}

/** `out[r] += x[r] ⊙ factors[r]`, rounded once, as in TypeScript. */
export function addMasked(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, factors: usize): void {
  for (let r = 0; r < R; r++, out += ldOut, x += ldx) {
    let to = out;
    let from = x;
    let w = W;
    for (; w >= 4; w -= 4, to += 16, from += 16, factors += 16) {
      const sum = v128.load(to);
      const one = v128.load(from);
      const factor = v128.load(factors);
      const first = f64x2.add(low(sum), f64x2.mul(low(one), low(factor)));
      v128.store(to, both(first, f64x2.add(high(sum), f64x2.mul(high(one), high(factor)))));
    }
    for (; w > 0; w--, to += 4, from += 4, factors += 4) {
      store<f32>(to, <f32>(<f64>load<f32>(to) + <f64>load<f32>(from) * <f64>load<f32>(factors)));
    }
  }
}
