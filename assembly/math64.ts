/**
 * exp and log of two float64 at once. Each operation is that of `exp` and `log` in src/tensor/math.ts, in the same order, so the
 * bits are the same. They cover only the values that assembly/crf.ts needs: results of exp up to 1, arguments of log from 1e-200.
 */

const LOG2E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;

// @ts-ignore: decorator
@inline
function all(x: f64): v128 {
  return f64x2.splat(x);
}

// @ts-ignore: decorator
@inline
function add(x: v128, y: v128): v128 {
  return f64x2.add(x, y);
}

// @ts-ignore: decorator
@inline
function sub(x: v128, y: v128): v128 {
  return f64x2.sub(x, y);
}

// @ts-ignore: decorator
@inline
function mul(x: v128, y: v128): v128 {
  return f64x2.mul(x, y);
}

/** 2^k per lane, for integers −1022 … 1023 in the low halves of 64-bit lanes. */
// @ts-ignore: decorator
@inline
function power(k: v128): v128 {
  return i64x2.shl(i64x2.add(k, i64x2.splat(1023)), 52);
}

/** `exp` of src/tensor/math.ts, for x ≤ 0 and NaN. */
export function exp2(x: v128): v128 {
  const k = f64x2.floor(add(mul(x, all(LOG2E)), all(0.5)));
  const high = sub(x, mul(k, all(LN2_HIGH)));
  const low = mul(k, all(LN2_LOW));
  const r = sub(high, low);
  const t = mul(r, r);
  let p = add(all(-1.6533902205465251539e-6), mul(t, all(4.13813679705723846039e-8)));
  p = add(all(6.61375632143793436117e-5), mul(t, p));
  p = add(all(-2.77777777770155933842e-3), mul(t, p));
  p = add(all(1.66666666666666019037e-1), mul(t, p));
  const c = sub(r, mul(t, p));
  const y = sub(all(1), sub(sub(low, f64x2.div(mul(r, c), sub(all(2), c))), high));
  const whole = i32x4.trunc_sat_f64x2_s_zero(k);
  const half = i32x4.shr_s(whole, 1);
  const rest = i32x4.sub(whole, half);
  const scaled = mul(mul(y, power(i64x2.extend_low_i32x4_s(half))), power(i64x2.extend_low_i32x4_s(rest)));
  return v128.bitselect(all(0), scaled, f64x2.lt(x, all(-745.14)));
}

/** `log` of src/tensor/math.ts, for positive finite x that are not subnormal, and NaN; for others NaN, or an undefined value. */
export function log2(x: v128): v128 {
  const top = i64x2.shr_u(x, 32);
  const fraction = v128.and(top, i64x2.splat(0xfffff));
  const carry = v128.and(i64x2.add(fraction, i64x2.splat(0x95f64)), i64x2.splat(0x100000));
  const exponent = i64x2.add(i64x2.shr_u(top, 20), i64x2.shr_u(carry, 20));
  const whole = i64x2.sub(exponent, i64x2.splat(1023));
  const k = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(whole, whole, 0, 2, 0, 2));
  const high = i64x2.shl(v128.or(fraction, v128.xor(carry, i64x2.splat(0x3ff00000))), 32);
  const f = sub(v128.or(high, v128.and(x, i64x2.splat(0xffffffff))), all(1));
  const s = f64x2.div(f, add(all(2), f));
  const z = mul(s, s);
  const w = mul(z, z);
  const t1 = mul(
    w,
    add(
      all(3.999999999940941908e-1),
      mul(w, add(all(2.222219843214978396e-1), mul(w, all(1.531383769920937332e-1)))),
    ),
  );
  let p = add(all(1.818357216161805012e-1), mul(w, all(1.479819860511658591e-1)));
  p = add(all(2.857142874366239149e-1), mul(w, p));
  const t2 = mul(z, add(all(6.66666666666673513e-1), mul(w, p)));
  const half = mul(mul(all(0.5), f), f);
  const inner = add(mul(s, add(add(half, t1), t2)), mul(k, all(LN2_LOW)));
  const y = sub(mul(k, all(LN2_HIGH)), sub(sub(half, inner), f));
  return v128.bitselect(y, all(f64.NaN), f64x2.gt(x, all(0)));
}

/** The same functions for one number. */
export function exp1(x: f64): f64 {
  return f64x2.extract_lane(exp2(f64x2.splat(x)), 0);
}

export function log1(x: f64): f64 {
  return f64x2.extract_lane(log2(f64x2.splat(x)), 0);
}
