const round = Math.fround;

// ---------------------------------------------------------------------------------------------------------- float64

/** 2^k for k = −1075 … 1024, the last one infinite: scaling by a table entry is exact where the result is normal. */
const POWERS = powersOfTwo();
const POWERS_ZERO = 1075;

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(2100);
  powers[1075] = 1;
  for (let k = 1; k <= 1024; k++) powers[1075 + k] = powers[1075 + k - 1] * 2;
  for (let k = -1; k >= -1075; k--) powers[1075 + k] = powers[1075 + k + 1] / 2;
  return powers;
}

const LOG2E = 1.4426950408889634;
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

/** e^x in float64. */
export function exp(x: number): number {
  if (x !== x) return x;
  if (x > 709.79) return Infinity;
  if (x < -745.14) return 0;
  const k = Math.floor(x * LOG2E + 0.5);
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
  const half = k >> 1;
  return y * POWERS[POWERS_ZERO + half] * POWERS[POWERS_ZERO + k - half];
}

const bits64 = new Float64Array(1);
const words64 = new Int32Array(bits64.buffer);
/** Index of the high word of a float64 among its two 32-bit words: 1 on little-endian machines. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Natural logarithm in float64. */
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

/** Hyperbolic tangent in float64. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a < 0.625) {
    const z = x * x;
    const p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    return x + x * ((z * p) / q + 0);
  }
  const y = 1 - 2 / (exp(2 * a) + 1);
  return x < 0 ? -y : y;
}

/** Logistic sigmoid 1 / (1 + e^−x) in float64. */
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

/** e^x in float32. */
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
  return round(round(s + tail) * POWERS[POWERS_ZERO + (n | 0)]);
}

const T4 = round(-5.70498872745e-3);
const T3 = round(2.06390887954e-2);
const T2 = round(-5.37397155531e-2);
const T1 = round(1.33314422036e-1);
const T0 = round(-3.33332819422e-1);

/** Hyperbolic tangent in float32. */
export function tanhf(x: number): number {
  const a = Math.abs(x);
  if (a < 0.625) {
    const z = round(x * x);
    const zz = round(z * z);
    const p0 = round(T0 + round(T1 * z));
    const p2 = round(T2 + round(T3 * z));
    const p = round(p0 + round(zz * round(p2 + round(zz * T4))));
    return round(x + round(x * (round(z * p) + 0)));
  }
  const y = round(1 - round(2 / round(expf(round(2 * a)) + 1)));
  return x < 0 ? -y : y;
}

/** Logistic sigmoid in float32. */
export function sigmoidf(x: number): number {
  const small = x < -2;
  const e = expf(small ? x : -x);
  const d = round(1 + e);
  const q = round((small ? e : 1) / d);
  return small ? round(q - round(q * (e - (d - 1)))) : q;
}

const bits32 = new Float32Array(1);
const words32 = new Int32Array(bits32.buffer);

/** Natural logarithm in float32. */
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
  let p = round(round(round(7.0376836292e-2) * f) + round(-1.151461031e-1));
  p = round(round(p * f) + round(1.167699874e-1));
  p = round(round(p * f) + round(-1.2420140846e-1));
  p = round(round(p * f) + round(1.4249322787e-1));
  p = round(round(p * f) + round(-1.6668057665e-1));
  p = round(round(p * f) + round(2.0000714765e-1));
  p = round(round(p * f) + round(-2.4999993993e-1));
  p = round(round(p * f) + round(3.3333331174e-1));
  let y = round(round(p * f) * z);
  y = round(y + round(k * LN2_LOW_F));
  y = round(y - round(0.5 * z));
  return round(round(f + y) + round(k * LN2_HIGH_F));
}

/** The four functions of one element type. */
export interface Transcendentals {
  exp(x: number): number;
  tanh(x: number): number;
  sigmoid(x: number): number;
  log(x: number): number;
}

const FLOAT64: Transcendentals = { exp, tanh, sigmoid, log };
const FLOAT32: Transcendentals = { exp: expf, tanh: tanhf, sigmoid: sigmoidf, log: logf };

/** The functions for an element type: results of `float32` are float32 numbers, computed in float32 arithmetic. */
export function transcendentals(dtype: 'float32' | 'float64'): Transcendentals {
  return dtype === 'float32' ? FLOAT32 : FLOAT64;
}
