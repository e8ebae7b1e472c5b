/**
 * Work on whole rows of float32, as the loops of src/autograd/gather.ts and src/tensor/rows.ts do it, to the bit. Steps
 * between rows in bytes; `map` holds int32 row numbers.
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
  for (let r = 0; r < R; r++, out += ldOut) copyLine(W, out, x + row(map, r) * ldx);
}

/** `out[map[r]] = x[r]`, rows in order. */
export function scatter(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, map: usize): void {
  for (let r = 0; r < R; r++, x += ldx) copyLine(W, out + row(map, r) * ldOut, x);
}

/** `out[map[r]] += x[r]`, rows in order: a row may occur more than once. */
export function scatterAdd(R: i32, W: i32, out: usize, ldOut: usize, x: usize, ldx: usize, map: usize): void {
  for (let r = 0; r < R; r++, x += ldx) addLine(W, out + row(map, r) * ldOut, x);
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
