import { createRng } from '../../src/tensor/random.js';
import { exp, expf, log, logf, sigmoid, sigmoidf, tanh, tanhf, transcendentals } from '../../src/tensor/math.js';
import type { BigFloat } from '../support/bigfloat.js';
import { bigExp, bigLog, bigSigmoid, bigTanh, ulpError } from '../support/bigfloat.js';

type Dtype = 'float64' | 'float32';
const ORACLES = { exp: bigExp, tanh: bigTanh, sigmoid: bigSigmoid, log: bigLog } as const;
type Name = keyof typeof ORACLES;
const NAMES: Name[] = ['exp', 'tanh', 'sigmoid', 'log'];
const SAMPLES = 3000;

/** The bounds that the header of src/tensor/math.ts states, in ulp. */
const BOUNDS: Record<Dtype, Record<Name, number>> = {
  float64: { exp: 0.82, tanh: 1.3, sigmoid: 2, log: 0.8 },
  float32: { exp: 0.8, tanh: 1.34, sigmoid: 2, log: 0.83 },
};

/** Next float64 or float32 above x. */
function nextUp(x: number, dtype: Dtype): number {
  const view = new DataView(new ArrayBuffer(8));
  if (dtype === 'float64') {
    view.setFloat64(0, x);
    view.setBigInt64(0, view.getBigInt64(0) + (x < 0 ? -1n : 1n));
    return view.getFloat64(0);
  }
  view.setFloat32(0, x);
  view.setInt32(0, view.getInt32(0) + (x < 0 ? -1 : 1));
  return view.getFloat32(0);
}

/** Seeded arguments of every magnitude that matters, with the places where the implementations change their formula. */
function samples(name: Name, dtype: Dtype, count: number): number[] {
  const rng = createRng(20).split(`${name} ${dtype}`);
  const wide = dtype === 'float64' ? 745 : 104;
  const tiny = dtype === 'float64' ? 1074 : 149;
  const draw = (i: number): number => {
    const u = rng.next();
    if (name === 'log') return i % 2 === 0 ? 0.4 + 2 * u : (1 + u) * 2 ** (rng.integer(2 * tiny - 60) - tiny);
    const sign = rng.integer(2) === 0 ? -1 : 1;
    return sign * [u, 3 * u, 40 * u, wide * u, (1 + u) * 2 ** -rng.integer(tiny)][i % 5];
  };
  const edges = [
    0.625,
    1,
    0.5 * Math.LN2,
    1.5 * Math.LN2,
    Math.SQRT2,
    Math.SQRT1_2,
    2 ** -tiny,
    2 ** (51 - tiny),
    20,
    wide,
  ];
  if (dtype === 'float64') edges.push(709.78271289338397, 708.3964185322641, 2.2250738585072014e-308, 1e308);
  else edges.push(88.72283172607422, 87.33654022216797, 1.1754943508222875e-38, 1e38);
  const points = edges.flatMap((x) => [x, nextUp(x, dtype), -nextUp(-x, dtype)]);
  if (name !== 'log') points.push(...points.map((x) => -x));
  const all = [...points, ...Array.from({ length: count }, (_, i) => draw(i))];
  return all.map((x) => (dtype === 'float32' ? Math.fround(x) : x)).filter((x) => name !== 'log' || x > 0);
}

function worstError(f: (x: number) => number, oracle: (x: number) => BigFloat, xs: number[], dtype: Dtype) {
  let worst = { error: 0, at: NaN };
  for (const x of xs) {
    // Past these the exact result has a million bits, and is infinite or zero in either format anyway.
    if (Math.abs(x) > 1100 && oracle !== bigLog) continue;
    const error = ulpError(f(x), oracle(x), dtype);
    if (error > worst.error) worst = { error, at: x };
  }
  return worst;
}

describe('maximum error against arbitrary precision', () => {
  for (const dtype of ['float64', 'float32'] as const) {
    for (const name of NAMES) {
      const bound = BOUNDS[dtype][name];
      test(`${name}, ${dtype}: at most ${bound} ulp`, () => {
        const f = transcendentals(dtype)[name];
        const { error, at } = worstError(f, ORACLES[name], samples(name, dtype, SAMPLES), dtype);
        expect({ at, within: error <= bound ? bound : error }).toEqual({ at, within: bound });
        expect(error).toBeGreaterThan(0.3); // a sample that sees no rounding error at all has measured nothing
      });
    }
  }

  test('the platform in float64, reference of the exhaustive float32 sweep, is within 2^-20 of a float32 ulp', () => {
    const reference: Record<Name, (x: number) => number> = {
      exp: Math.exp,
      tanh: Math.tanh,
      sigmoid: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
      log: Math.log,
    };
    for (const name of NAMES) {
      const xs = samples(name, 'float32', 500).filter((x) => name === 'log' || Math.abs(x) < 80);
      for (const x of xs) expect(ulpError(reference[name](x), ORACLES[name](x), 'float32')).toBeLessThan(2 ** -20);
    }
  });
});

describe('the oracle', () => {
  /** The first `count` decimals of a value. */
  const decimals = ({ mantissa, exponent }: BigFloat, count: number) =>
    String((mantissa * 10n ** BigInt(count)) >> BigInt(-exponent));

  test('gives the published digits of e, ln 2, tanh 1 and sigmoid 1', () => {
    expect(decimals(bigExp(1), 40)).toBe('27182818284590452353602874713526624977572');
    expect(decimals(bigLog(2), 40)).toBe('6931471805599453094172321214581765680755');
    expect(decimals(bigTanh(1), 40)).toBe('7615941559557648881194582826047935904127');
    expect(decimals(bigSigmoid(1), 40)).toBe('7310585786300048792511592418218362743651');
  });

  test('is its own inverse: ln of e^x and tanh from the sigmoid', () => {
    for (const x of [-3.25, 0.0625, 1, 9.5]) {
      // tanh(x) = 2·sigmoid(2x) − 1, two different series below |x| = 0.4
      const t = bigTanh(x);
      const s = bigSigmoid(2 * x);
      const twice = (2n * s.mantissa * 2n ** 200n) / 2n ** BigInt(-s.exponent) - 2n ** 200n;
      const off = twice - (t.mantissa * 2n ** 200n) / 2n ** BigInt(-t.exponent);
      expect(off < 4n && off > -4n).toBe(true);
    }
  });

  test('sees one unit in the last place, in normal numbers, subnormals, and at overflow', () => {
    for (const x of [0.3, -0.7, 5, -700, -744]) {
      const y = Number(exp(x));
      const off = ulpError(nextUp(nextUp(y, 'float64'), 'float64'), bigExp(x), 'float64');
      expect(off).toBeGreaterThan(1);
      expect(off).toBeLessThan(3.01);
    }
    expect(ulpError(Infinity, bigExp(709), 'float64')).toBe(Infinity);
    expect(ulpError(Infinity, bigExp(710), 'float64')).toBe(0);
    expect(ulpError(Number.MAX_VALUE, bigExp(710), 'float64')).toBeGreaterThan(1e14);
    expect(ulpError(NaN, bigExp(1), 'float64')).toBe(Infinity);
  });

  test('rejects a wrong coefficient: exp with a Taylor polynomial one term short', () => {
    const short = (x: number) => 1 + x * (1 + x * (1 / 2 + x * (1 / 6 + (x * 1) / 24)));
    expect(worstError(short, bigExp, [0.1, 0.2, 0.3], 'float32').error).toBeGreaterThan(2);
  });
});

describe('special values', () => {
  for (const dtype of ['float64', 'float32'] as const) {
    const f = transcendentals(dtype);
    const least = dtype === 'float64' ? 2 ** -1074 : 2 ** -149;

    test(`NaN propagates, ${dtype}`, () => {
      for (const name of NAMES) expect(f[name](NaN)).toBeNaN();
    });

    test(`infinities and zeros, ${dtype}`, () => {
      expect([f.exp(Infinity), f.exp(-Infinity), f.exp(0), f.exp(-0)]).toEqual([Infinity, 0, 1, 1]);
      expect([f.tanh(Infinity), f.tanh(-Infinity), f.tanh(0), f.tanh(-0)]).toEqual([1, -1, 0, -0]);
      expect([f.sigmoid(Infinity), f.sigmoid(-Infinity), f.sigmoid(0), f.sigmoid(-0)]).toEqual([1, 0, 0.5, 0.5]);
      expect([f.log(Infinity), f.log(0), f.log(-0), f.log(1)]).toEqual([Infinity, -Infinity, -Infinity, 0]);
      for (const x of [-1, -least, -Infinity]) expect(f.log(x)).toBeNaN();
    });

    test(`overflow, and underflow through the subnormals, ${dtype}`, () => {
      const [over, under] = dtype === 'float64' ? [709.8, -745.2] : [Math.fround(88.73), Math.fround(-104)];
      expect(f.exp(over)).toBe(Infinity);
      expect(f.exp(under)).toBe(0);
      expect(f.exp(dtype === 'float64' ? -745 : -103)).toBe(least);
      expect(f.exp(1e38)).toBe(Infinity);
      expect(f.sigmoid(-1e38)).toBe(0);
      expect(f.tanh(least)).toBe(least);
    });
  }
});

describe('shape of the functions', () => {
  /** Runs of neighbouring numbers from seeded places, and an even grid over the whole range. */
  function ascending(name: Name, dtype: Dtype): number[][] {
    const starts = samples(name, dtype, 400).filter((x) => x !== 0 && Number.isFinite(x));
    const runs = starts.map((x) => {
      const run = [x];
      for (let i = 0; i < 40; i++) run.push(nextUp(run[i], dtype));
      return run;
    });
    const wide = dtype === 'float64' ? 760 : 110;
    const from = name === 'log' ? 0 : -wide;
    const grid = Array.from({ length: 40001 }, (_, i) => from + ((wide - from) * i) / 40000);
    return [...runs, grid.map((x) => (dtype === 'float32' ? Math.fround(x) : x))];
  }

  for (const dtype of ['float64', 'float32'] as const) {
    for (const name of NAMES) {
      test(`${name} never decreases, ${dtype}`, () => {
        const f = transcendentals(dtype)[name];
        const reversals = ascending(name, dtype).flatMap((xs) =>
          xs.slice(1).filter((x, i) => x > xs[i] && f(x) < f(xs[i])),
        );
        expect(reversals).toEqual([]);
      });
    }

    test(`tanh is odd and within 1, sigmoid within 0 and 1, ${dtype}`, () => {
      const f = transcendentals(dtype);
      for (const x of samples('tanh', dtype, 1500)) {
        expect(Object.is(f.tanh(-x), -f.tanh(x))).toBe(true);
        expect(Math.abs(f.tanh(x))).toBeLessThanOrEqual(1);
        expect(f.sigmoid(x)).toBeGreaterThanOrEqual(0);
        expect(f.sigmoid(x)).toBeLessThanOrEqual(1);
      }
    });
  }

  test('float32 results are float32 numbers', () => {
    for (const name of NAMES) {
      const f = transcendentals('float32')[name];
      for (const x of samples(name, 'float32', 1000)) expect(f(x)).toBe(Math.fround(f(x)));
    }
  });

  test('transcendentals hands out the functions by their element type', () => {
    expect(transcendentals('float64')).toEqual({ exp, tanh, sigmoid, log });
    expect(transcendentals('float32')).toEqual({ exp: expf, tanh: tanhf, sigmoid: sigmoidf, log: logf });
  });
});
