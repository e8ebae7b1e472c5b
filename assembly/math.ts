/**
 * exp, tanh, sigmoid and log of four float32 at once. Each operation is that of the float32 twin in src/tensor/math.ts, in the
 * same order, so the bits are the same; if the twin branches, both branches are computed and one is selected per lane.
 */
import { pair, read, write } from './lanes';

const LOG2E: f32 = 1.44269504088896341;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444e-4;
/** 1.5 · 2^23: added to a small float32, it leaves the nearest integer in the low bits. */
const ROUNDER: f32 = 12582912;

// @ts-ignore: decorator
@inline
function all(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline
function add(x: v128, y: v128): v128 {
  return f32x4.add(x, y);
}

// @ts-ignore: decorator
@inline
function sub(x: v128, y: v128): v128 {
  return f32x4.sub(x, y);
}

// @ts-ignore: decorator
@inline
function mul(x: v128, y: v128): v128 {
  return f32x4.mul(x, y);
}

/** n + ROUNDER, n being the integer nearest to x/ln 2. */
// @ts-ignore: decorator
@inline
function nearestPower(x: v128): v128 {
  return add(mul(x, all(LOG2E)), all(ROUNDER));
}

/** exp(x − n·ln 2), from which `exp4` computes exp(x). */
// @ts-ignore: decorator
@inline
function reduced(x: v128, n: v128): v128 {
  const high = sub(x, mul(n, all(LN2_HIGH)));
  const low = mul(n, all(LN2_LOW));
  const r = sub(high, low);
  const rr = mul(r, r);
  const p0 = add(all(5.0000001201e-1), mul(all(1.6666665459e-1), r));
  const p2 = add(all(4.1665795894e-2), mul(all(8.3334519073e-3), r));
  const p4 = add(all(1.3981999507e-3), mul(all(1.98756915e-4), r));
  const p = add(p0, mul(rr, add(p2, mul(rr, p4))));
  const s = add(all(1), high);
  const tail = add(sub(high, sub(s, all(1))), sub(mul(rr, p), low));
  return add(s, tail);
}

/** 2^k per lane, for integers −126 … 127. */
// @ts-ignore: decorator
@inline
function power(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

/** `expf` of src/tensor/math.ts. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // pmax and pmin are the comparisons of the twin: they propagate NaN.
  const a = f32x4.pmin(f32x4.pmax(x, all(-104)), all(89));
  const shifted = nearestPower(a);
  const y = reduced(a, sub(shifted, all(ROUNDER)));
  // In two factors, because 2^n itself may be out of range. n is read from the bits of n + ROUNDER.
  const k = i32x4.sub(shifted, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(k, 1);
  return mul(mul(y, power(half)), power(i32x4.sub(k, half)));
}

/** `exp4` for 0 ≤ x ≤ 88, with the same bits: 2^n fits one factor. NaN stays NaN. */
// @ts-ignore: decorator
@inline
function growing(x: v128): v128 {
  const shifted = nearestPower(x);
  const y = reduced(x, sub(shifted, all(ROUNDER)));
  // Once 127 is added, the bits of n + ROUNDER end in n + 127, and the shift drops the higher bits.
  return mul(y, i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23));
}

/** `exp4` for x ≤ 88, with the same bits. */
// @ts-ignore: decorator
@inline
function falling(x: v128): v128 {
  const a = f32x4.pmax(x, all(-104));
  const shifted = nearestPower(a);
  const y = reduced(a, sub(shifted, all(ROUNDER)));
  // By 2^(n + 64), which is exact, and by 2^−64, which rounds once if the result is subnormal.
  return mul(mul(y, i32x4.shl(i32x4.add(shifted, i32x4.splat(127 + 64)), 23)), all(5.421010862427522e-20));
}

/** `tanhf` of src/tensor/math.ts. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = mul(x, x);
  const zz = mul(z, z);
  const p0 = add(all(-3.33332819422e-1), mul(all(1.33314422036e-1), z));
  const p2 = add(all(-5.37397155531e-2), mul(all(2.06390887954e-2), z));
  const p = add(p0, mul(zz, add(p2, mul(zz, all(-5.70498872745e-3)))));
  const near = add(a, mul(a, mul(z, p)));
  // From |x| = 20 on the quotient is too small to change the 1.
  const far = sub(all(1), f32x4.div(all(2), add(growing(f32x4.pmin(mul(all(2), a), all(40))), all(1))));
  const sign = v128.and(x, i32x4.splat(i32.MIN_VALUE));
  return v128.or(v128.bitselect(near, far, f32x4.lt(a, all(0.625))), sign);
}

/** `sigmoidf` of src/tensor/math.ts. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const small = f32x4.lt(x, all(-2));
  // −x, but x if it is small.
  const e = falling(v128.xor(x, v128.andnot(i32x4.splat(i32.MIN_VALUE), small)));
  const d = add(all(1), e);
  const q = f32x4.div(v128.bitselect(e, all(1), small), d);
  return sub(q, v128.and(mul(q, sub(e, sub(d, all(1)))), small));
}

/** `logf` of src/tensor/math.ts. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const subnormal = f32x4.lt(x, all(1.1754943508222875e-38));
  const bits = v128.bitselect(mul(x, all(8388608)), x, subnormal);
  const shifted = i32x4.add(bits, i32x4.splat(0x3f800000 - 0x3f3504f3));
  const bias = v128.bitselect(i32x4.splat(150), i32x4.splat(127), subnormal);
  const k = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(shifted, 23), bias));
  const f = sub(i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3)), all(1));
  const z = mul(f, f);
  let p = add(mul(all(7.0376836292e-2), f), all(-1.151461031e-1));
  p = add(mul(p, f), all(1.1676998740e-1));
  p = add(mul(p, f), all(-1.2420140846e-1));
  p = add(mul(p, f), all(1.4249322787e-1));
  p = add(mul(p, f), all(-1.6668057665e-1));
  p = add(mul(p, f), all(2.0000714765e-1));
  p = add(mul(p, f), all(-2.4999993993e-1));
  p = add(mul(p, f), all(3.3333331174e-1));
  let y = mul(mul(p, f), z);
  y = add(y, mul(k, all(LN2_LOW)));
  y = sub(y, mul(all(0.5), z));
  y = add(add(f, y), mul(k, all(LN2_HIGH)));
  y = v128.bitselect(x, y, f32x4.eq(x, all(f32.POSITIVE_INFINITY)));
  y = v128.bitselect(all(f32.NEGATIVE_INFINITY), y, f32x4.eq(x, all(0)));
  return v128.bitselect(y, all(f32.NaN), f32x4.ge(x, all(0)));
}

// The thirty operations on one vector depend on each other, so rows process four vectors at a time to overlap their latencies.
// Their stores are adjacent, so an engine may join them.

/** `tanhf` over a row of `count` float32, from `x` to `y`, which may be the same. */
export function tanhRow(count: i32, x: usize, y: usize): void {
  for (; count >= 16; count -= 16, x += 64, y += 64) {
    const y0 = tanh4(v128.load(x));
    const y1 = tanh4(v128.load(x, 16));
    const y2 = tanh4(v128.load(x, 32));
    const y3 = tanh4(v128.load(x, 48));
    pair(y, y0, y1);
    pair(y + 32, y2, y3);
  }
  for (; count > 0; count -= 4, x += 16, y += 16) write(y, tanh4(read(x, count)), count);
}

/** `sigmoidf` over a row of `count` float32, from `x` to `y`, which may be the same. */
export function sigmoidRow(count: i32, x: usize, y: usize): void {
  for (; count >= 16; count -= 16, x += 64, y += 64) {
    const y0 = sigmoid4(v128.load(x));
    const y1 = sigmoid4(v128.load(x, 16));
    const y2 = sigmoid4(v128.load(x, 32));
    const y3 = sigmoid4(v128.load(x, 48));
    pair(y, y0, y1);
    pair(y + 32, y2, y3);
  }
  for (; count > 0; count -= 4, x += 16, y += 16) write(y, sigmoid4(read(x, count)), count);
}

/** The functions over `count` float32 at `x`, in place; exp and log over a multiple of 4. */
export function exp32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, exp4(v128.load(x)));
}

export function tanh32(count: i32, x: usize): void {
  tanhRow(count, x, x);
}

export function sigmoid32(count: i32, x: usize): void {
  sigmoidRow(count, x, x);
}

export function log32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, log4(v128.load(x)));
}
