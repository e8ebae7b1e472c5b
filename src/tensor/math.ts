/**
 * exp, tanh, sigmoid and log in plain arithmetic. `Math.exp` and its relatives may differ in the last place from one JavaScript
 * engine to the next; these use only +, −, ×, ÷ and exact scaling by powers of two, so they give the same bits everywhere.
 *
 * The float32 twins round after every operation that is not exact. Each of their operations is one WebAssembly f32x4 or i32x4
 * lane operation (add, sub, mul, div, abs, compare and select, shift, reinterpret). A vector kernel with the same operations in
 * the same order gives the same bits. Their arguments must be float32 numbers.
 *
 * Largest error, in units in the last place of the exact result:
 *
 *     float64   exp 0.81   log 0.80   tanh 1.3   sigmoid 2.0    the worst of seeded samples; asserted in test/tensor/math.test.ts
 *     float32   exp 0.79   log 0.83   tanh 1.34  sigmoid 2.0    the worst of all floats: npm run build && node scripts/math-error.mjs
 *
 * All of them are monotone (float32: over all floats; float64: where tested), tanh is odd, |tanh| ≤ 1, 0 ≤ sigmoid ≤ 1. NaN
 * gives NaN; exp overflows to Infinity and underflows through the subnormals to 0; log 0 = −Infinity, log of less is NaN.
 *
 * Sources: float64 exp and log: fdlibm 5.3, e_exp.c and e_log.c (Sun Microsystems, 1993). Coefficients of tanh near 0, and of
 * float32 exp, log and tanh: Cephes 2.8, tanh.c, expf.c, logf.c, tanhf.c (S. Moshier). The float32 polynomials of exp and
 * tanh are evaluated by Estrin's scheme, which has shorter chains, and exp adds its leading terms by Fast2Sum (T. Dekker, 1971).
 */
import type { DType, Tensor } from './types.js';
import { dtypeOf } from './view.js';

// Looked up once: properties of a global object are slow to read when there are several realms, as in test runners.
const { abs, floor, fround: round } = Math;

// ---------------------------------------------------------------------------------------------------------- float64

/**
 * `POWERS[POWERS_ZERO + k]` is 2^k for k = −1075 … 1024; the first is 0 and the last infinite. Scaling by 2^k is exact if the
 * result is normal, and rounds once if it is subnormal.
 */
const POWERS = powersOfTwo();
const POWERS_ZERO = 1075;

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(2100);
  powers[1075] = 1;
  for (let i = 1076; i < 2100; i++) powers[i] = powers[i - 1] * 2;
  for (let i = 1074; i >= 0; i--) powers[i] = powers[i + 1] / 2;
  return powers;
}

const LOG2E = 1.4426950408889634;
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/**
 * e^x in float64: 2^k · e^r with |r| ≤ ½ ln 2, e^r = 1 + r + r·c / (2 − c), where c = r − r²·P(r²) comes from the even
 * function r·coth(r/2). k·ln 2 is subtracted in two parts, the first of which is exact.
 */
export function exp(x: number): number {
  if (x !== x) return x;
  if (x > 709.79) return Infinity;
  if (x < -745.14) return 0;
  const k = floor(x * LOG2E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);
  // In two factors, because 2^k itself may be out of range when the result is not.
  const half = k >> 1;
  return y * POWERS[POWERS_ZERO + half] * POWERS[POWERS_ZERO + k - half];
}

const bits64 = new Float64Array(1);
const words64 = new Int32Array(bits64.buffer);
/** Index of the high word of a float64 among its two 32-bit words: 1 on little-endian machines. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Natural logarithm in float64: k·ln 2 + log(1 + f) with √½ ≤ 1 + f < √2, by the series of artanh in s = f / (2 + f). */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  let k = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984; // 2^54
    k = -54;
  }
  bits64[0] = x;
  // The significand is brought to [√½, √2): adding 0x95f64 to the fraction carries into the exponent from √2 on.
  let hx = words64[HIGH];
  k += (hx >> 20) - 1023;
  hx &= 0xfffff;
  const i = (hx + 0x95f64) & 0x100000;
  words64[HIGH] = hx | (i ^ 0x3ff00000);
  k += i >> 20;
  const f = bits64[0] - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const t1 = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const t2 =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + t1 + t2) + k * LN2_LOW) - f);
}

/** Hyperbolic tangent in float64: a rational function of x² near 0, 1 − 2 / (e^2|x| + 1) elsewhere. */
export function tanh(x: number): number {
  const a = abs(x);
  if (a < 0.625) {
    const z = x * x;
    const p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    return x + x * ((z * p) / q + 0); // −0 + 0 = 0: keeps the sign of x = −0
  }
  const y = 1 - 2 / (exp(2 * a) + 1);
  return x < 0 ? -y : y;
}

/**
 * Logistic sigmoid in float64: 1 / (1 + e^−x), and e^x / (1 + e^x) below −2, where the rounding error of the denominator,
 * e − (d − 1), is corrected in the quotient. The second form keeps the precision of small results down to the subnormals; above
 * −2, where the curve is flat compared with its last place, only the first form is monotone.
 */
export function sigmoid(x: number): number {
  const small = x < -2;
  const e = exp(small ? x : -x);
  const d = 1 + e;
  const q = (small ? e : 1) / d;
  return small ? q - q * (e - (d - 1)) : q;
}

// ---------------------------------------------------------------------------------------------------------- float32

const LOG2E_F = round(1.44269504088896341);
const LN2_HIGH_F = round(0.693359375);
const LN2_LOW_F = round(-2.1219444e-4);
/** 1.5 · 2^23: adding and subtracting it rounds a float32 to the nearest integer, ties to even. */
const ROUNDER = 12582912;
const E5 = round(1.98756915e-4);
const E4 = round(1.3981999507e-3);
const E3 = round(8.3334519073e-3);
const E2 = round(4.1665795894e-2);
const E1 = round(1.6666665459e-1);
const E0 = round(5.0000001201e-1);

/**
 * e^x in float32: 2^n · e^r with r = x − n·ln 2 = high − low, `high` exact, and e^r = 1 + high + (r²·P(r) − low). The sum
 * 1 + high is rounded to s, and what the rounding lost, high − (s − 1), is exact and joins the small terms.
 */
export function expf(x: number): number {
  let a = x < -104 ? -104 : x;
  a = a > 89 ? 89 : a;
  const n = round(round(a * LOG2E_F) + ROUNDER) - ROUNDER;
  const high = a - n * LN2_HIGH_F;
  const low = round(n * LN2_LOW_F);
  const r = round(high - low);
  const rr = round(r * r);
  const p0 = round(E0 + round(E1 * r));
  const p2 = round(E2 + round(E3 * r));
  const p4 = round(E4 + round(E5 * r));
  const p = round(p0 + round(rr * round(p2 + round(rr * p4))));
  const s = round(1 + high);
  const tail = round(high - (s - 1) + round(round(rr * p) - low));
  // One rounding from a float64 product; a lane multiplies by 2^(n >> 1) and 2^(n − (n >> 1)) to the same bits.
  return round(round(s + tail) * POWERS[POWERS_ZERO + (n | 0)]);
}

const T4 = round(-5.70498872745e-3);
const T3 = round(2.06390887954e-2);
const T2 = round(-5.37397155531e-2);
const T1 = round(1.33314422036e-1);
const T0 = round(-3.33332819422e-1);

/** Hyperbolic tangent in float32; the same two forms as in float64. */
export function tanhf(x: number): number {
  const a = abs(x);
  if (a < 0.625) {
    const z = round(x * x);
    const zz = round(z * z);
    const p0 = round(T0 + round(T1 * z));
    const p2 = round(T2 + round(T3 * z));
    const p = round(p0 + round(zz * round(p2 + round(zz * T4))));
    return round(x + round(x * (round(z * p) + 0))); // as in tanh
  }
  const y = round(1 - round(2 / round(expf(round(2 * a)) + 1)));
  return x < 0 ? -y : y;
}

/** Logistic sigmoid in float32; the same two forms as in float64. */
export function sigmoidf(x: number): number {
  const small = x < -2;
  const e = expf(small ? x : -x);
  const d = round(1 + e);
  const q = round((small ? e : 1) / d);
  return small ? round(q - round(q * (e - (d - 1)))) : q;
}

const L8 = round(7.0376836292e-2);
const L7 = round(-1.151461031e-1);
const L6 = round(1.167699874e-1);
const L5 = round(-1.2420140846e-1);
const L4 = round(1.4249322787e-1);
const L3 = round(-1.6668057665e-1);
const L2 = round(2.0000714765e-1);
const L1 = round(-2.4999993993e-1);
const L0 = round(3.3333331174e-1);
const bits32 = new Float32Array(1);
const words32 = new Int32Array(bits32.buffer);

/** Natural logarithm in float32: k·ln 2 + f − f²/2 + f³·P(f) with √½ ≤ 1 + f < √2. */
export function logf(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  const subnormal = x < 1.1754943508222875e-38;
  bits32[0] = subnormal ? x * 8388608 : x;
  const shifted = words32[0] + (0x3f800000 - 0x3f3504f3);
  const k = (shifted >> 23) - (subnormal ? 150 : 127);
  words32[0] = (shifted & 0x007fffff) + 0x3f3504f3;
  const f = round(bits32[0] - 1);
  const z = round(f * f);
  let p = round(round(L8 * f) + L7);
  p = round(round(p * f) + L6);
  p = round(round(p * f) + L5);
  p = round(round(p * f) + L4);
  p = round(round(p * f) + L3);
  p = round(round(p * f) + L2);
  p = round(round(p * f) + L1);
  p = round(round(p * f) + L0);
  let y = round(round(p * f) * z);
  y = round(y + round(k * LN2_LOW_F));
  y = round(y - round(0.5 * z));
  return round(round(f + y) + round(k * LN2_HIGH_F));
}

/** The four functions of one element type. */
export interface Transcendentals {
  /** `e^x`. */
  exp(x: number): number;
  /** The hyperbolic tangent. */
  tanh(x: number): number;
  /** `1 / (1 + e^−x)`. */
  sigmoid(x: number): number;
  /** The natural logarithm. */
  log(x: number): number;
}

const FLOAT64: Transcendentals = { exp, tanh, sigmoid, log };
const FLOAT32: Transcendentals = { exp: expf, tanh: tanhf, sigmoid: sigmoidf, log: logf };

/**
 * The functions for an element type, or for that of a tensor: results of `float32` are float32 numbers, computed in float32
 * arithmetic.
 */
export function transcendentals(like: DType | Tensor): Transcendentals {
  return (typeof like === 'string' ? like : dtypeOf(like.data)) === 'float32' ? FLOAT32 : FLOAT64;
}
