import { differentiate, lossNoise, oneSided } from '../../src/autograd/check/finite-differences.js';
import { NonFiniteError } from '../../src/tensor/errors.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';

const scalar = (value: number): Tensor => viewOf(Float64Array.of(value), [1]);

/** A fixed pseudo-random number in [−1, 1) for every float64: rounding error writ large. */
function jitter(x: number): number {
  const [low, high] = new Uint32Array(Float64Array.of(x).buffer);
  let hash = Math.imul(low ^ 0x9e3779b9, 0x85ebca6b) ^ high;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) / 2 ** 31;
}

describe('lossNoise', () => {
  it.each([1e-12, 1e-9, 1e-6])('finds the standard deviation of an error of ±%p', (size) => {
    const x = scalar(0.7);
    const sigma = lossNoise({ x }, () => Math.sin(x.data[0]) + size * jitter(x.data[0]));
    const expected = size / Math.sqrt(3); // uniform on ±size
    expect(sigma / expected).toBeGreaterThan(0.4);
    expect(sigma / expected).toBeLessThan(2.5);
    expect(x.data[0]).toBe(0.7);
  });

  it('is far below the loss where there is only rounding', () => {
    const x = scalar(0.7);
    expect(lossNoise({ x }, () => Math.sin(x.data[0]) * 3)).toBeLessThan(1e-15);
    expect(lossNoise({ x }, () => 3)).toBe(0);
  });

  it('is right on average, not just in its order of magnitude', () => {
    let squares = 0;
    for (let k = 0; k < 200; k++) {
      const x = scalar(0.5 + k / 700);
      squares += lossNoise({ x }, () => 2 + 1e-9 * jitter(x.data[0])) ** 2 / 200;
    }
    expect(squares / (1e-18 / 3)).toBeGreaterThan(0.85);
    expect(squares / (1e-18 / 3)).toBeLessThan(1.15);
  });

  it('sees the rounding that every element causes, wherever it lies', () => {
    const data = Float64Array.of(9, 0.7, 9, 0.6, 9, 0.5, 9, 0.4);
    const x: Tensor = { data, shape: [2, 2], stride: [2, 4], offset: 1 };
    for (const at of [1, 3, 5, 7]) expect(lossNoise({ x }, () => 1e-9 * jitter(data[at]))).toBeGreaterThan(1e-10);
    for (const at of [0, 2, 4, 6]) expect(lossNoise({ x }, () => 1e-9 * jitter(data[at]))).toBe(0);
  });

  it('restores strided tensors, also when the loss throws', () => {
    const data = Float64Array.of(9, 0.1, 9, 0.3);
    const x: Tensor = { data, shape: [2], stride: [2], offset: 1 };
    const fail = (): number => {
      throw new Error('no loss');
    };
    expect(() => lossNoise({ x }, fail)).toThrow('no loss');
    expect([...data]).toEqual([9, 0.1, 9, 0.3]);
  });
});

describe('differentiate', () => {
  const functions: [string, (x: number) => number, (x: number) => number][] = [
    ['sin', Math.sin, Math.cos],
    ['exp', Math.exp, Math.exp],
    ['tanh', Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
    ['a steep sigmoid', (x) => 1 / (1 + Math.exp(-40 * x)), (x) => 10 / Math.cosh(20 * x) ** 2],
    ['fifth power', (x) => x ** 5, (x) => 5 * x ** 4],
  ];

  it.each(functions)('of %s is off by less than its noise, and the noise is small', (_, f, slope) => {
    for (const at of [-2.3, -0.4, 0.013, 0.9, 3.7]) {
      const x = scalar(at);
      const loss = (): number => f(x.data[0]);
      const { numeric, noise } = differentiate(x, 0, loss, lossNoise({ x }, loss), 'x');
      expect(Math.abs(numeric - slope(at))).toBeLessThanOrEqual(noise);
      expect(noise).toBeLessThan(1e-9 * Math.max(1, Math.abs(f(at))));
    }
  });

  it.each([0.3, 3, 40, 1e6, 1e12])(
    'of x = ±%p takes steps of 2⁻¹⁰·max(1, |x|), to a power of two, on both sides',
    (size) => {
      const pointsFrom = (value: number): number[] => {
        const x = scalar(value);
        const points: number[] = [];
        const loss = (): number => {
          points.push(x.data[0]);
          return x.data[0]; // straight: the first three widths suffice
        };
        differentiate(x, 0, loss, 0, 'x');
        return points.map((point) => point - value);
      };
      const widths = pointsFrom(size);
      const h = widths[0];
      expect(widths).toEqual([h, -h, 2 * h, -2 * h, 4 * h, -4 * h]);
      expect(Number.isInteger(Math.log2(h))).toBe(true);
      const wanted = 2 ** -10 * Math.max(1, size);
      expect(h).toBeGreaterThanOrEqual(wanted / 2);
      expect(h).toBeLessThanOrEqual(wanted);
      expect(pointsFrom(-size)).toEqual(widths);
    },
  );

  it('has a noise of 5σ/h where the loss is straight; σ is at least that of rounding to the last place, ε/√12', () => {
    const x = scalar(1);
    const h = 2 ** -10;
    const noiseFor = (sigma: number): number => differentiate(x, 0, () => x.data[0], sigma, 'x').noise;
    const largest = 1 + 4 * h;
    const rounding = (2 ** -52 * largest) / 12 ** 0.5;
    expect(noiseFor(0) / ((5 * rounding) / h)).toBeCloseTo(1, 12);
    expect(noiseFor(rounding / 2)).toBe(noiseFor(0));
    expect(noiseFor(1e-9) / (5e-9 / h)).toBeCloseTo(1, 12);
    expect(differentiate(x, 0, () => x.data[0], 0, 'x')).toMatchObject({ numeric: 1, magnitude: largest });
  });

  it('costs 6 losses where the first widths suffice, 24 where none does, and keeps the step of the least noise', () => {
    const count = (f: (x: number) => number, value: number) => {
      let losses = 0;
      const x = scalar(value);
      const loss = (): number => (losses++, f(x.data[0]));
      return { ...differentiate(x, 0, loss, 0, 'x'), losses };
    };
    expect(count(() => 0, 0.3).losses).toBe(6);
    // Far from |x| every difference is x/h, twice as large at every halving: the first step is the best. By hand, from
    // D(h), D(2h), D(4h) = 1, 1/2, 1/4 times x/h: R = 7/6 and 7/12, n = 217/180, noise 7/12.
    const { losses, numeric, noise } = count(Math.abs, 1e-7);
    expect(losses).toBe(24);
    expect(numeric / (1e-7 * 2 ** 10)).toBeCloseTo(217 / 180, 6);
    expect(noise / (1e-7 * 2 ** 10)).toBeCloseTo(7 / 12, 6);
  });

  it('of a noisy loss owns up to it', () => {
    const x = scalar(0.7);
    const loss = (): number => Math.sin(x.data[0]) + 1e-9 * jitter(x.data[0]);
    const { numeric, noise } = differentiate(x, 0, loss, lossNoise({ x }, loss), 'x');
    expect(Math.abs(numeric - Math.cos(0.7))).toBeLessThanOrEqual(noise);
    expect(noise).toBeGreaterThan(1e-7);
  });

  it('names the element where the loss is not finite, and restores it', () => {
    const x = scalar(0);
    const loss = (): number => Math.log(x.data[0] + 1e-4);
    expect(() => differentiate(x, 0, loss, 0, 'b[3]')).toThrow(NonFiniteError);
    expect(() => differentiate(x, 0, loss, 0, 'b[3]')).toThrow('b[3] = -0.0009765625');
    expect(x.data[0]).toBe(0);
  });
});

describe('oneSided', () => {
  /** Both sides of a function at a point, and how many losses they cost. */
  function sidesOf(f: (x: number) => number, value: number, sigma = 0) {
    let losses = 0;
    const x = scalar(value);
    const sides = oneSided(x, 0, () => (losses++, f(x.data[0])), sigma, 'x');
    expect(x.data[0]).toBe(value);
    return { ...sides, losses };
  }

  it('tells the slopes on either side of a kink', () => {
    const { left, right, losses } = sidesOf((x) => (x < 0 ? -2 * x : 3 * x), 0);
    expect([left.slope, right.slope]).toEqual([-2, 3]);
    expect([left.truncation, right.truncation]).toEqual([0, 0]);
    expect(losses).toBe(1 + 2 * 3);
    expect(sidesOf(() => 0, 0.3).losses).toBe(1 + 2 * 3);
  });

  it('has a rounding of 17σ/h, where σ is at least that of the largest loss on its side', () => {
    const h = 2 ** -10;
    const rounding = (largest: number): number => (17 * 2 ** -52 * largest) / 12 ** 0.5 / h;
    const { left, right } = sidesOf((x) => x, 1);
    expect(left.rounding / rounding(1)).toBeCloseTo(1, 12);
    expect(right.rounding / rounding(1 + 4 * h)).toBeCloseTo(1, 12);
    expect(sidesOf((x) => x, 1, 1e-9).left.rounding / (17e-9 / h)).toBeCloseTo(1, 12);
  });

  it('costs 25 losses where no step converges, and then the widest is the best', () => {
    // The quotients of √x at 0 are h^-½, (2h)^-½, (4h)^-½, and grow at every halving. By hand, from (6) and (7), times h^-½.
    const [e1, e2] = [2 - Math.SQRT1_2, Math.SQRT2 - 1 / 2];
    const slope = (4 * e1 - e2) / 3;
    const { right, losses } = sidesOf((x) => Math.sqrt(Math.abs(x)), 0);
    expect(losses).toBe(1 + 2 * 12);
    expect(right.slope / 32).toBeCloseTo(slope, 12);
    expect(right.truncation / 32).toBeCloseTo(slope - e1, 12);
  });

  it.each([1e-7, 1e-8, 1e-9, 1e-10, 1e-11])('keeps the step of the least noise, σ = %p', (sigma) => {
    const noises: number[] = [];
    for (let k = 0; k < 10; k++) {
      const h = 2 ** (-10 - k);
      const [s1, s2, s4] = [1, 2, 4].map((times) => (times * h) ** 0.5); // of x^1.5 at 0
      const [e1, e2] = [2 * s1 - s2, 2 * s2 - s4];
      const [truncation, rounding] = [Math.abs((4 * e1 - e2) / 3 - e1), (17 * sigma) / h];
      noises.push(truncation + rounding);
      if (truncation <= rounding) break;
    }
    const { truncation, rounding } = sidesOf((x) => Math.abs(x) ** 1.5, 0, sigma).right;
    expect((truncation + rounding) / Math.min(...noises)).toBeCloseTo(1, 9);
  });
});
