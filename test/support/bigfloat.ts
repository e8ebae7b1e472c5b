/**
 * An oracle for exp, tanh, sigmoid and log in arbitrary precision: integers of several hundred bits, Taylor series, nothing
 * of the platform's Math. Every result carries at least 150 correct bits, so that the last place of a float64 can be judged.
 */

/** The number `mantissa · 2^exponent`. */
export interface BigFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Fraction bits of a fixed-point computation, where the argument does not ask for more. */
const BITS = 256;

/** The exact value of a finite float64. */
export function exact(x: number): BigFloat {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const word = view.getBigUint64(0);
  const biased = Number((word >> 52n) & 0x7ffn);
  const fraction = word & ((1n << 52n) - 1n);
  const size = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: x < 0 ? -size : size, exponent: Math.max(biased, 1) - 1075 };
}

/** `mantissa · 2^exponent` as an integer multiple of 2^−bits, rounded down. */
function fixed({ mantissa, exponent }: BigFloat, bits: number): bigint {
  const shift = exponent + bits;
  return shift >= 0 ? mantissa << BigInt(shift) : mantissa >> BigInt(-shift);
}

/** ln 2 in fixed point: 2·artanh(1/3). */
function ln2(bits: number): bigint {
  return (2n * artanh((1n << BigInt(bits + 8)) / 3n, bits + 8)) >> 8n;
}

/** artanh(s) = s + s³/3 + s⁵/5 + … in fixed point, |s| < 1/2. */
function artanh(s: bigint, bits: number): bigint {
  const square = (s * s) >> BigInt(bits);
  let sum = 0n;
  let power = s;
  for (let k = 1n; power !== 0n && power !== -1n; k += 2n) {
    sum += power / k;
    power = (power * square) >> BigInt(bits);
  }
  return sum;
}

/** e^r − 1 = r + r²/2 + r³/6 + … in fixed point, |r| < 1. */
function expm1Series(r: bigint, bits: number): bigint {
  let sum = 0n;
  let term = r;
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    sum += term;
    term = ((term * r) >> BigInt(bits)) / k;
  }
  return sum;
}

/** Binary exponent of the leading bit: 2^e ≤ |x| < 2^(e+1). */
function leading({ mantissa, exponent }: BigFloat): number {
  return (mantissa < 0n ? -mantissa : mantissa).toString(2).length - 1 + exponent;
}

/** e^x for a finite float64. */
export function bigExp(x: number): BigFloat {
  const bits = BITS + 16;
  const unit = ln2(bits);
  const argument = fixed(exact(x), bits);
  const k = (2n * argument + unit) / (2n * unit);
  return { mantissa: (1n << BigInt(bits)) + expm1Series(argument - k * unit, bits), exponent: Number(k) - bits };
}

/** ln x for a finite float64 x > 0: k·ln 2 + 2·artanh((f − 1)/(f + 1)) with x = f·2^k and f near 1. */
export function bigLog(x: number): BigFloat {
  const value = exact(x);
  let k = leading(value);
  if (Number(fixed(value, 60 - k)) / 2 ** 60 > Math.SQRT2) k++;
  const one = 1n << BigInt(BITS);
  const f = fixed({ mantissa: value.mantissa, exponent: value.exponent - k }, BITS);
  const s = ((f - one) << BigInt(BITS)) / (f + one);
  return { mantissa: BigInt(k) * ln2(BITS) + 2n * artanh(s, BITS), exponent: -BITS };
}

/** 1 / (1 + e^−x) for a finite float64: for x < 0 as e^x / (1 + e^x), which keeps its precision. */
export function bigSigmoid(x: number): BigFloat {
  const e = bigExp(-Math.abs(x));
  const one = 1n << BigInt(-e.exponent);
  const numerator = x < 0 ? e.mantissa : one;
  const bits = BITS - e.exponent;
  return { mantissa: (numerator << BigInt(bits)) / (one + e.mantissa), exponent: -bits };
}

/** tanh x = (e^2x − 1) / (e^2x + 1) for a finite float64, with as many more bits as a small x needs. */
export function bigTanh(x: number): BigFloat {
  if (Math.abs(x) > 0.4) {
    const e = bigExp(-2 * Math.abs(x));
    const one = 1n << BigInt(-e.exponent);
    const size = ((one - e.mantissa) << BigInt(BITS)) / (one + e.mantissa);
    return { mantissa: x < 0 ? -size : size, exponent: -BITS };
  }
  const bits = BITS + Math.max(0, -leading(exact(x)));
  const e = expm1Series(2n * fixed(exact(x), bits), bits);
  return { mantissa: (e << BigInt(bits)) / (e + (2n << BigInt(bits))), exponent: -bits };
}

/** Significand bits and least exponent of the two formats. */
const FORMATS = { float64: { digits: 53, least: -1022 }, float32: { digits: 24, least: -126 } } as const;

/**
 * How far the computed `y` lies from the exact `reference`, in units in the last place of the format at the reference.
 * An infinite `y` is right (0) where the reference is past the greatest number by half a unit or more; a NaN is Infinity off.
 */
export function ulpError(y: number, reference: BigFloat, format: 'float64' | 'float32'): number {
  const { digits, least } = FORMATS[format];
  if (Number.isNaN(y)) return Infinity;
  const exponent = reference.mantissa === 0n ? least : Math.max(leading(reference), least);
  if (!Number.isFinite(y)) {
    const greatest = { mantissa: (1n << BigInt(digits + 1)) - 1n, exponent: 1 - least - digits };
    const past = y > 0 ? reference.mantissa : -reference.mantissa;
    return fixed({ mantissa: past, exponent: reference.exponent }, 1100) >= fixed(greatest, 1100) ? 0 : Infinity;
  }
  const bits = 64 - (exponent - digits + 1);
  const finer = Math.max(bits, -reference.exponent, 1100);
  const off = fixed(exact(y), finer) - fixed(reference, finer);
  return Number((off < 0n ? -off : off) >> BigInt(finer - bits)) / 2 ** 64;
}
