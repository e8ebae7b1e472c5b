/**
 * The functions of the gates as a device computes them. Those of the shading languages are not accurate enough: GLSL ES 1.00
 * bounds the error of none of them, and WGSL allows an error of 10⁻⁵ in tanh. These use only additions, products, `floor` and one
 * division, and the polynomials of `tensor/math`, so that one bound holds in every mode.
 *
 * Let u = 2⁻²⁴. Sums and products are rounded correctly, and a quotient has an error of 2.5 ulp, that is at most 5u (GLSL ES
 * 3.00, §4.5.1; WGSL, floating point accuracy):
 *
 *     e^x = 2ⁿ(1 + t)         scaling is exact, |t| < 0.42 is off by 2u|t|, the sum by u: 2u, relative to the result
 *     logistic = 1 / (1 + E)  E off by 2u, the sum by u, the quotient by 5u: 8u, and 0.3u of the polynomial
 *     hyperbolic, |x| < 0.625 x + x·z·P(z): 3u
 *     hyperbolic elsewhere    1 − q, q = 2 / (E + 1) < 0.445 off by 8u: 0.445 · 8u / 0.555 + u = 7.5u
 *
 * An ulp of y is at most 2u|y|: 4.2 ulp and 3.8 ulp. Contracting a product and a sum into one operation reduces the errors.
 * Beyond |x| = 87 the logistic function is constant, below 2⁻¹²⁵ or at 1, so that no power of two leaves the range of float32.
 */

/** Largest errors in ulp, as derived above. */
export const DEVICE_ULPS = { logistic: 4.2, hyperbolic: 3.8 } as const;

const POWER_OF_E = `function powerOfE(v) {
  const n = Math.floor(v * 1.44269504 + 0.5);
  const r = v - n * 0.693359375 + n * 2.1219444e-4;
  let p = 1.3981999507e-3 + r * 1.98756915e-4;
  p = 8.3334519073e-3 + r * p;
  p = 4.1665795894e-2 + r * p;
  p = 1.6666665459e-1 + r * p;
  p = 5.0000001201e-1 + r * p;
  let scale = 1.0;
  let bits = Math.abs(n);
  let power = 2.0;
  if (n < 0.0) { power = 0.5; }
  for (let i = 0; i < 7; i++) {
    const half = Math.floor(bits * 0.5);
    if (bits - half * 2.0 > 0.5) { scale = scale * power; }
    bits = half;
    power = power * power;
  }
  return scale * (1.0 + (r + r * r * p));
}`;

const LOGISTIC = `function logistic(v) {
  let a = v;
  if (v > 87.0) { a = 87.0; }
  if (v < -87.0) { a = -87.0; }
  return 1.0 / (1.0 + powerOfE(-a));
}`;

const HYPERBOLIC = `function hyperbolic(v) {
  const a = Math.abs(v);
  const z = v * v;
  if (a < 0.625) {
    let p = 2.06390887954e-2 - z * 5.70498872745e-3;
    p = -5.37397155531e-2 + z * p;
    p = 1.33314422036e-1 + z * p;
    p = -3.33332819422e-1 + z * p;
    return v + v * (z * p);
  }
  let b = a;
  if (a > 43.0) { b = 43.0; }
  const y = 1.0 - 2.0 / (powerOfE(b + b) + 1.0);
  if (v < 0.0) { return -y; }
  return y;
}`;

/** Sources of the functions that kernels may call, each with one argument; functions that others call come first. */
export const DEVICE_FUNCTIONS: readonly string[] = [POWER_OF_E, LOGISTIC, HYPERBOLIC];
