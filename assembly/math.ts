/**
 * exp, tanh, sigmoid and log of four float32 at once. Each operation is that of the float32 twin in src/tensor/math.ts, in
 * its order, so the bits are the same; where the twin branches, both branches are computed and one is chosen per lane.
 */

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

/** exp(x − n·ln 2), of which `exp4` makes exp(x). */
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
  // pmax and pmin are the comparisons of the twin: they let NaN through.
  const a = f32x4.pmin(f32x4.pmax(x, all(-104)), all(89));
  const shifted = nearestPower(a);
  const y = reduced(a, sub(shifted, all(ROUNDER)));
  // In two factors, for 2^n itself may leave the range. n is read off the bits of n + ROUNDER.
  const k = i32x4.sub(shifted, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(k, 1);
  return mul(mul(y, power(half)), power(i32x4.sub(k, half)));
}

/** `exp4` for 0 ≤ x ≤ 88, to the same bits: 2^n fits one factor. NaN stays NaN. */
// @ts-ignore: decorator
@inline
function growing(x: v128): v128 {
  const shifted = nearestPower(x);
  const y = reduced(x, sub(shifted, all(ROUNDER)));
  // The bits of n + ROUNDER end in n + 127 once 127 is added, and the shift drops what is above.
  return mul(y, i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23));
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
  const e = exp4(v128.bitselect(x, f32x4.neg(x), small));
  const d = add(all(1), e);
  const q = f32x4.div(v128.bitselect(e, all(1), small), d);
  return v128.bitselect(sub(q, mul(q, sub(e, sub(d, all(1))))), q, small);
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

/** The functions over `count` float32 at `x`, a multiple of 4, in place. */
export function exp32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, exp4(v128.load(x)));
}

export function tanh32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, tanh4(v128.load(x)));
}

export function sigmoid32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, sigmoid4(v128.load(x)));
}

export function log32(count: i32, x: usize): void {
  for (; count > 0; count -= 4, x += 16) v128.store(x, log4(v128.load(x)));
}
