/** Losses with a kink: where the slopes on either side disagree, no number between them is wrong. */
import fc from 'fast-check';
import { oneSided } from '../../src/autograd/check/finite-differences.js';
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { rnnRelu } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { normal } from '../../src/tensor/create.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';

const f64 = (...values: number[]): Tensor => viewOf(Float64Array.from(values), [values.length]);

/** The verdict about one derivative of f at `at`. */
function verdict(f: (x: number) => number, at: number, analytic: number) {
  const x = f64(at);
  const report = gradcheck({ tensors: { x }, grads: { x: f64(analytic) }, loss: () => f(x.data[0]) });
  expect(x.data[0]).toBe(at);
  expect(report.failures).toEqual(report.passed ? [] : [report.worst]);
  return report.worst;
}

describe('max(0, x) at 0', () => {
  const relu = (x: number): number => Math.max(0, x);

  it.each([0, 0.25, 0.5, 1])('may have the derivative %p, which lies between its sides', (analytic) => {
    const element = verdict(relu, 0, analytic);
    expect(element).toMatchObject({ passed: true, conclusive: true });
    expect(element.relativeError).toBeLessThan(1e-9);
    if (analytic === 0.5) return expect(element.kink).toBeUndefined(); // what a central difference sees
    expect(element.kink?.left).toBeCloseTo(0, 10);
    expect(element.kink?.right).toBeCloseTo(1, 10);
  });

  it.each([-0.25, 1.0001, 7])('is inconclusive with the derivative %p, and does not pass', (analytic) => {
    const element = verdict(relu, 0, analytic);
    expect(element).toMatchObject({ passed: false, conclusive: false, numeric: analytic < 0 ? 0 : 1 });
    expect(describeElement(element)).toContain('at a kink: 0 from the left, 1 from the right');
    expect(describeElement(element)).toContain('inconclusive: the analytic value is outside both');
  });

  it('is judged as everywhere where the kink is elsewhere', () => {
    expect(verdict((x) => relu(x - 1), 1.25, 0)).toMatchObject({ passed: false, conclusive: true });
    expect(verdict((x) => relu(x - 1), 0.75, 0)).toMatchObject({ passed: true, conclusive: true });
  });

  it('fails by NaN, kink or not', () => {
    expect(verdict(relu, 0, NaN)).toMatchObject({ passed: false, relativeError: Infinity });
  });
});

it('accepts every value between the sides of a corner, and calls no other one wrong', () => {
  const thousandths = (min: number, max: number) => fc.integer({ min, max }).map((n) => n / 1000);
  fc.assert(
    fc.property(
      thousandths(-3000, 3000),
      thousandths(-50000, 50000),
      thousandths(1, 50000),
      fc.oneof(thousandths(-2000, -1), thousandths(1, 999), thousandths(1001, 3000)),
      (at, left, jump, mix) => {
        const right = left + jump;
        // Curved on both sides, so that the slopes are not read off a straight line.
        const f = (x: number): number => (x < at ? left : right) * Math.sin(x - at) + (x - at) ** 2;
        const between = mix > 0 && mix < 1;
        // What lies outside by less than the tolerance, 1e-7 of it, is what a side says.
        fc.pre(between || jump * Math.max(-mix, mix - 1) > 1e-5 * (1 + Math.abs(left) + jump));
        expect(verdict(f, at, left + mix * (right - left))).toMatchObject({ passed: between, conclusive: between });
      },
    ),
    { seed: 9, numRuns: 300 },
  );
});

it('takes a value outside of both sides by less than the tolerance for that of the side', () => {
  const f = (x: number): number => (x < 0 ? -10 : -9.999) * Math.sin(x) + x ** 2;
  expect(verdict(f, 0, -10 - 1e-6)).toMatchObject({ passed: true, conclusive: true });
  expect(verdict(f, 0, -10 - 1e-4)).toMatchObject({ passed: false, conclusive: false });
});

it('calls every wrong derivative of a smooth loss wrong, and conclusive', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: 0.5, max: 20, noNaN: true }),
      fc.double({ min: 1e-5, max: 1, noNaN: true }),
      (at, k, off) => {
        const element = verdict((x) => Math.tanh(k * x) + Math.sin(x), at, 0);
        const wrong = element.numeric + off;
        expect(verdict((x) => Math.tanh(k * x) + Math.sin(x), at, wrong)).toMatchObject({
          passed: false,
          conclusive: true,
        });
      },
    ),
    { seed: 9, numRuns: 200 },
  );
});

it('ranks a wrong element before an undecided one', () => {
  const x = f64(0, 0.5);
  const loss = (): number => Math.max(0, x.data[0]) + x.data[1] ** 2;
  const { worst, failures } = gradcheck({ tensors: { x }, grads: { x: f64(9, 1.001) }, loss });
  expect(failures.map(({ index, conclusive }) => [...index, conclusive])).toEqual([
    [0, false],
    [1, true],
  ]);
  expect(worst.index).toEqual([1]);
});

describe('one-sided derivatives', () => {
  it('of a smooth function are off by less than their noise, on both sides', () => {
    for (const at of [-2.3, -0.4, 0, 0.9, 3.7]) {
      const x = f64(at);
      const { left, right } = oneSided(x, 0, () => Math.sin(x.data[0] / 3), 0, 'x');
      for (const { slope, truncation, rounding } of [left, right]) {
        expect(Math.abs(slope - Math.cos(at / 3) / 3)).toBeLessThanOrEqual(truncation + rounding);
        expect(truncation + rounding).toBeLessThan(1e-7);
      }
      expect(x.data[0]).toBe(at);
    }
  });

  it('of a root do not converge, and what does not converge is not a kink', () => {
    const x = f64(0);
    const { right } = oneSided(x, 0, () => Math.sqrt(Math.max(0, x.data[0])), 0, 'x');
    expect(right.truncation).toBeGreaterThan(right.slope / 100);
    expect(verdict((value) => Math.sqrt(Math.max(0, value)), 0, 0)).toMatchObject({ passed: false, conclusive: false });
  });
});

describe('rnn-relu with an input row of zeros and no bias', () => {
  /** L = Σ w_t·h_t over one sequence whose first row is zero, with everything to differentiate by. */
  function problem() {
    const rng = createRng(4);
    const kernels = createCpuKernels();
    const params = rnnRelu.initialize(3, 5, rng.split('parameters'), { dtype: 'float64' });
    const x = normal([4, 3], 1, rng.split('inputs'), 'float64');
    x.data.fill(0, 0, 3);
    const dY = normal([4, 5], 1, rng.split('cotangents'), 'float64');
    const packing = packingOf([4]);
    const run = () => unroll(kernels, rnnRelu, params, x, packing);
    const grads = rnnRelu.initialize(3, 5, rng, { dtype: 'float64' });
    for (const g of Object.values(grads)) g.data.fill(0);
    const dX = viewOf(new Float64Array(12), [4, 3]);
    unrollBackward(kernels, run(), dY, grads, { dX });
    const loss = (): number => {
      const { y } = run();
      return Array.from(dY.data).reduce((sum, w, i) => sum + w * y.data[y.offset + i], 0);
    };
    return { tensors: { ...params, x }, grads: { ...grads, x: dX }, loss };
  }

  it('has no gradient that is called wrong, and every doubt names the kink', () => {
    const { failures, perTensor } = gradcheck(problem());
    expect(failures.filter(({ conclusive, kink }) => conclusive || kink === undefined)).toEqual([]);
    expect(failures.every(({ name, index }) => name === 'b' || (name === 'x' && index[0] === 0))).toBe(true);
    expect([perTensor.Wx.passed, perTensor.Wh.passed]).toEqual([true, true]);
  });

  it('still finds a wrong gradient away from the kink', () => {
    const wrong = problem();
    wrong.grads.x.data[7] += 1e-3;
    const { worst } = gradcheck(wrong);
    expect(worst).toMatchObject({ name: 'x', index: [2, 1], passed: false, conclusive: true });
  });
});
