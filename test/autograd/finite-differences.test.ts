import { differentiate, lossNoise } from '../../src/autograd/finite-differences.js';
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
