/** The three scales against d3-scale, which the package does not use. */
import fc from 'fast-check';
import { linear, linearTicks, log10, logarithmic, power10, symlog } from '../../../src/inspect/views/scale.js';
import type { Scale } from '../../../src/inspect/views/scale.js';
import { d3Scales } from '../../support/d3.js';
import type { ScaleCase } from '../../support/d3.js';

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
const near = (x: number, y: number, bound: number): boolean =>
  Math.abs(x - y) <= bound * Math.max(1, Math.abs(x), Math.abs(y));

const cases: Record<ScaleCase['kind'], fc.Arbitrary<ScaleCase>> = {
  linear: fc
    .tuple(number(-100, 100), number(0.01, 100), number(-200, 200), fc.integer({ min: 2, max: 10 }))
    .map(([low, width, at, ticks]) => ({ kind: 'linear', domain: [low, low + width], range: [3, 90], at, ticks })),
  log10: fc.tuple(number(-12, 3), number(1, 9), number(-14, 5)).map(([low, width, x]) => ({
    kind: 'log10',
    domain: [10 ** low, 10 ** (low + width)],
    range: [0, 1],
    at: 10 ** x,
  })),
  symlog: fc
    .tuple(number(0.01, 100), number(0.001, 1), number(-200, 200))
    .map(([limit, c, at]) => ({ kind: 'symlog', domain: [-limit, limit], range: [0, 1], c, at })),
};

const ours = ({ kind, domain, range, c }: ScaleCase): Scale =>
  kind === 'linear' ? linear(domain, range) : kind === 'log10' ? logarithmic(domain, range) : symlog(domain, range, c);

describe('scales', () => {
  it.each(['linear', 'log10', 'symlog'] as const)('%s: as d3, and back', (kind) => {
    const samples = fc.sample(cases[kind], { numRuns: 300, seed: 11 });
    d3Scales(samples).forEach(({ at, ticks }, i) => {
      const scale = ours(samples[i]);
      expect(near(scale.at(samples[i].at), at, 1e-10)).toBe(true);
      expect(near(scale.invert(scale.at(samples[i].at)), samples[i].at, 1e-8)).toBe(true);
      if (kind !== 'linear') return;
      const own = linearTicks(samples[i].domain, samples[i].ticks as number);
      expect(own.length).toBe(ticks.length);
      own.forEach((each, t) => expect(near(each, ticks[t], 1e-9)).toBe(true));
    });
  });

  it('powers of ten are exact, there and back, over the whole range', () => {
    for (let n = -307; n <= 308; n++) {
      expect(power10(n)).toBe(Number(`1e${n}`));
      expect(log10(power10(n))).toBe(n);
    }
    expect([log10(0), log10(Infinity), log10(-1)]).toEqual([-Infinity, Infinity, NaN]);
  });

  it('ticks of decades are decades of the domain, and not too many', () => {
    expect(logarithmic([1e-4, 1]).ticks(7)).toEqual([1e-4, 1e-3, 1e-2, 0.1, 1]);
    expect(logarithmic([1e-12, 10]).ticks(5)).toEqual([1e-11, 1e-8, 1e-5, 0.01, 10]);
    expect(symlog([-1, 1], [0, 1], 0.01).ticks(6)).toEqual([-1, -0.1, -0.01, 0, 0.01, 0.1, 1]);
    expect(linearTicks([2, 2], 5)).toEqual([2]);
    expect(symlog([-3, 3], [0, 1], 0.1).at(0)).toBe(0.5);
  });

  it('a domain of one point is in the middle, and a logarithm of nothing is refused', () => {
    expect(linear([2, 2], [0, 10]).at(2)).toBe(5);
    expect(() => logarithmic([0, 1])).toThrow('must be positive; got 0 … 1');
  });
});
