import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import type { GradcheckOptions } from '../../src/autograd/check/gradcheck.js';
import { lossNoise, oneSided } from '../../src/autograd/check/finite-differences.js';
import { ArgumentError, NonFiniteError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';

const f64 = (shape: number[], values: number[]): Tensor => viewOf(Float64Array.from(values), shape);

/** L = Σ_mn c_mn·tanh(x·W + b)_mn with everything that must be known about it, by hand. */
function affineTanh() {
  const [M, K, N] = [2, 3, 4];
  const x = f64([M, K], [0.3, -0.7, 1.1, 0.2, 0.9, -0.4]);
  const W = f64([K, N], [0.5, -0.2, 0.8, 0.1, -0.6, 0.4, 0.3, -0.9, 0.7, 0.2, -0.1, 0.6]);
  const b = f64([N], [0.1, -0.3, 0.2, 0.4]);
  const c = [1.3, -0.4, 0.6, 0.9, -1.1, 0.8, 0.5, -0.7];
  const y = (m: number, n: number): number => {
    let a = b.data[n];
    for (let k = 0; k < K; k++) a += x.data[m * K + k] * W.data[k * N + n];
    return Math.tanh(a);
  };
  const loss = (): number => c.reduce((sum, cotangent, i) => sum + cotangent * y(Math.floor(i / N), i % N), 0);
  const da = c.map((cotangent, i) => cotangent * (1 - y(Math.floor(i / N), i % N) ** 2));
  const dx = f64([M, K], new Array(M * K).fill(0));
  const dW = f64([K, N], new Array(K * N).fill(0));
  const db = f64([N], new Array(N).fill(0));
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      db.data[n] += da[m * N + n];
      for (let k = 0; k < K; k++) {
        dx.data[m * K + k] += da[m * N + n] * W.data[k * N + n];
        dW.data[k * N + n] += x.data[m * K + k] * da[m * N + n];
      }
    }
  }
  return { tensors: { x, W, b }, grads: { x: dx, W: dW, b: db }, loss };
}

describe('right gradients', () => {
  it('pass, with a relative error far below 1e-9', () => {
    const report = gradcheck({ ...affineTanh(), tolerance: 1e-9 });
    expect(report.passed).toBe(true);
    expect(report.checked).toBe(6 + 12 + 4);
    expect(report.failures).toEqual([]);
    expect(report.worst.relativeError).toBeLessThan(1e-10);
    expect(report.noiseFloor).toBeLessThan(1e-10);
    expect(Object.keys(report.perTensor)).toEqual(['x', 'W', 'b']);
  });

  it('leave the tensors as they were, bit for bit', () => {
    const problem = affineTanh();
    const before = Object.values(problem.tensors).map((x) => [...x.data]);
    gradcheck(problem);
    expect(Object.values(problem.tensors).map((x) => [...x.data])).toEqual(before);
  });

  it('pass for values of every size: the step follows the value', () => {
    for (const size of [1e-9, 1, 1e6, 1e12, -1e-9, -1, -1e6, -1e12]) {
      const x = f64([1], [size]);
      const report = gradcheck({ tensors: { x }, grads: { x: f64([1], [2 * size]) }, loss: () => x.data[0] ** 2 });
      expect(report.passed).toBe(true);
    }
  });

  it('walk strided tensors', () => {
    const data = Float64Array.from([9, 1, 9, 2, 9, 3, 9]);
    const x: Tensor = { data, shape: [3], stride: [2], offset: 1 };
    const loss = (): number => data[1] ** 2 + 5 * data[3] - data[5] ** 3;
    expect(gradcheck({ tensors: { x }, grads: { x: f64([3], [2, 5, -27]) }, loss }).passed).toBe(true);
    expect([...data]).toEqual([9, 1, 9, 2, 9, 3, 9]);
  });

  it('pass near a kink: the step shrinks until it lies on one side', () => {
    const x = f64([2], [0.0007, -0.0002]);
    const loss = (): number => 3 * Math.max(0, x.data[0]) + 2 * Math.max(0, x.data[1]) + 1;
    const report = gradcheck({ tensors: { x }, grads: { x: f64([2], [3, 0]) }, loss });
    expect(report.passed).toBe(true);
  });

  it('pass where the derivative is zero and only rounding is left', () => {
    const x = f64([1], [0.3]);
    const loss = (): number => 1000 + (x.data[0] - x.data[0]);
    const report = gradcheck({ tensors: { x }, grads: { x: f64([1], [0]) }, loss });
    expect(report.passed).toBe(true);
    expect(report.worst.noise).toBeGreaterThan(0);
  });

  it('may be checked on a sample of elements', () => {
    const problem = affineTanh();
    const at = (seed: number): number => gradcheck({ ...problem, elements: 3, rng: createRng(seed) }).checked;
    expect(at(1)).toBe(9);
    problem.grads.b.data[2] += 1e-3; // one of four: some samples of three catch it, some do not
    const caught = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (seed) => !gradcheck({ ...problem, elements: 3, rng: createRng(seed) }).passed,
    );
    expect(new Set(caught)).toEqual(new Set([true, false]));
  });
});

describe('a report', () => {
  it('may rest on one element of each tensor', () => {
    const { checked, passed, perTensor } = gradcheck({ ...affineTanh(), elements: 1, rng: createRng(1) });
    expect([checked, passed, Object.keys(perTensor)]).toEqual([3, true, ['x', 'W', 'b']]);
  });

  it('has the largest noise as its floor, wherever the element stands', () => {
    const slopes = [
      [1, 1e6, 10],
      [1e6, 10, 1],
      [1, 10, 1e6],
    ];
    for (const slope of slopes) {
      const tensors = { p: f64([1], [0.4]), q: f64([1], [0.4]), r: f64([1], [0.4]) };
      const all = Object.values(tensors);
      // A term that bends more is differentiated with more noise.
      const loss = (): number => all.reduce((sum, x, i) => sum + Math.sin(Math.cbrt(slope[i]) * x.data[0]), 0);
      const grads = Object.fromEntries(
        Object.keys(tensors).map((name, i) => {
          const k = Math.cbrt(slope[i]);
          return [name, f64([1], [k * Math.cos(k * all[i].data[0])])];
        }),
      );
      const { noiseFloor, perTensor } = gradcheck({ tensors, grads, loss });
      const noises = Object.values(perTensor).map(({ noise }) => noise);
      expect(new Set(noises).size).toBe(3);
      expect(noiseFloor).toBe(Math.max(...noises));
    }
  });
});

describe('wrong gradients', () => {
  /** The failures of a problem whose gradients were changed, as `name[index]`. */
  function failuresAfter(change: (grads: ReturnType<typeof affineTanh>['grads']) => void): string[] {
    const problem = affineTanh();
    change(problem.grads);
    const report = gradcheck(problem);
    expect(report.passed).toBe(report.failures.length === 0);
    return report.failures.map(({ name, index }) => `${name}[${index.join()}]`);
  }

  it('fail by a sign, and the element is named', () => {
    expect(failuresAfter(({ W }) => (W.data[7] *= -1))).toEqual(['W[1,3]']);
  });

  it('fail by a missing term', () => {
    const { tensors, grads, loss } = affineTanh();
    grads.b.data.fill(0);
    const report = gradcheck({ tensors, grads, loss });
    expect(report.failures.map(({ name }) => name)).toEqual(['b', 'b', 'b', 'b']);
    expect(report.worst.name).toBe('b');
    expect(report.worst.relativeError).toBe(1);
    expect(report.perTensor.x.passed && report.perTensor.W.passed).toBe(true);
  });

  it('fail when transposed', () => {
    const failures = failuresAfter(({ x }) => {
      const [M, K] = x.shape;
      const original = x.data.slice();
      for (let m = 0; m < M; m++) for (let k = 0; k < K; k++) x.data[k * M + m] = original[m * K + k];
    });
    expect(failures.every((place) => place.startsWith('x['))).toBe(true);
    expect(failures.length).toBeGreaterThanOrEqual(4);
  });

  it('fail by one part in a million, at a tolerance of 1e-7', () => {
    expect(failuresAfter(({ x }) => (x.data[4] *= 1 + 1e-6))).toEqual(['x[1,1]']);
    expect(failuresAfter(({ x }) => (x.data[4] *= 1 + 1e-9))).toEqual([]);
  });

  it('fail by NaN', () => {
    const problem = affineTanh();
    problem.grads.b.data[1] = NaN;
    const { worst, passed } = gradcheck(problem);
    expect([passed, worst.name, worst.index, worst.relativeError]).toEqual([false, 'b', [1], Infinity]);
  });

  it('name the time step where an element has one', () => {
    const problem = affineTanh();
    problem.grads.x.data[5] = 7;
    const stepOf: GradcheckOptions['stepOf'] = (name, [row]) => (name === 'x' ? row + 10 : undefined);
    const { worst } = gradcheck({ ...problem, stepOf });
    expect(worst.step).toBe(11);
    expect(describeElement(worst)).toMatch(/^x\[1, 2\] \(step 11\): analytic 7, numeric -?0\.\d+, relative error \d/);
    expect(gradcheck(affineTanh()).worst.step).toBeUndefined();
  });
});

describe('losses that cannot be judged', () => {
  it('are inconclusive at a kink with curvature on one side, and do not pass', () => {
    const x = f64([1], [0]);
    const loss = (): number => (x.data[0] > 0 ? Math.sqrt(x.data[0]) : 0) + 1;
    const { passed, worst } = gradcheck({ tensors: { x }, grads: { x: f64([1], [0]) }, loss });
    expect([passed, worst.conclusive]).toEqual([false, false]);
    expect(describeElement(worst)).toContain('inconclusive');
  });

  it('are refused when they are random, or not finite', () => {
    const x = f64([1], [0.5]);
    const grads = { x: f64([1], [1]) };
    const rng = createRng(3);
    expect(() => gradcheck({ tensors: { x }, grads, loss: () => rng.next() })).toThrow('must be the same');
    for (const spoiled of [1, 2]) {
      let calls = 0;
      const once = (): number => (++calls === spoiled ? NaN : x.data[0]);
      const [first, second] = spoiled === 1 ? ['NaN', '0.5'] : ['0.5', 'NaN'];
      expect(() => gradcheck({ tensors: { x }, grads, loss: once })).toThrow(ArgumentError);
      calls = 0;
      expect(() => gradcheck({ tensors: { x }, grads, loss: once })).toThrow(`got ${first}, then ${second}`);
    }
    expect(() => gradcheck({ tensors: { x }, grads, loss: () => NaN })).toThrow(NonFiniteError); // the same every time
    const loss = (): number => (x.data[0] > 0.5 ? NaN : x.data[0]);
    expect(() => gradcheck({ tensors: { x }, grads, loss })).toThrow(NonFiniteError);
    expect(() => gradcheck({ tensors: { x }, grads, loss })).toThrow('x[0]');
    expect(x.data[0]).toBe(0.5);
  });
});

describe('arguments', () => {
  it('are checked', () => {
    const { tensors, grads, loss } = affineTanh();
    const refuse = (options: Partial<GradcheckOptions>, error: typeof ArgumentError, message: string): void => {
      expect(() => gradcheck({ tensors, grads, loss, ...options })).toThrow(error);
      expect(() => gradcheck({ tensors, grads, loss, ...options })).toThrow(message);
    };
    refuse({ tensors: { x: viewOf(new Float32Array(6), [2, 3]) } }, ArgumentError, "'x' must be float64");
    refuse({ grads: { x: grads.x, W: grads.W } }, ArgumentError, "'b' needs a gradient");
    refuse({ grads: { ...grads, x: f64([3, 2], [0, 0, 0, 0, 0, 0]) } }, ShapeError, 'must be [2, 3]; got [3, 2]');
    refuse({ tensors: {} }, ArgumentError, 'at least one element');
    refuse({ tolerance: 0 }, ArgumentError, 'tolerance must be greater than 0');
    refuse({ elements: 0, rng: createRng(1) }, ArgumentError, 'elements must be an integer');
    refuse({ elements: 2 }, ArgumentError, 'needs rng');
  });
});

/** A fixed pseudo-random number in [−1, 1) for every float64. */
function jitter(x: number): number {
  const [low, high] = new Uint32Array(Float64Array.of(x).buffer);
  let hash = Math.imul(low ^ 0x9e3779b9, 0x85ebca6b) ^ high;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) / 2 ** 31;
}

/** The check of one element. */
function check(f: (x: number) => number, value: number, analytic: number, tolerance?: number) {
  const x = f64([1], [value]);
  return gradcheck({ tensors: { x }, grads: { x: f64([1], [analytic]) }, loss: () => f(x.data[0]), tolerance });
}

describe('verdicts at their limits', () => {
  it('a relative error equal to the tolerance passes, with and without a kink', () => {
    for (const f of [(x: number) => 3 * x, (x: number) => (x < 0 ? -2 * x : 3 * x)]) {
      const { relativeError } = check(f, 0, 3.003).worst;
      expect(relativeError).toBeGreaterThan(5e-4);
      expect(check(f, 0, 3.003, relativeError).passed).toBe(true);
      expect(check(f, 0, 3.003, relativeError * (1 - 1e-12)).passed).toBe(false);
    }
  });

  it('a difference as small as the noise is not held against a gradient', () => {
    const { passed, worst } = check((x) => 1000 + 1e-9 * jitter(x), 0.3, 0);
    expect([passed, worst.conclusive]).toEqual([true, true]);
    expect(Math.abs(worst.numeric)).toBeGreaterThan(1e-8);
  });

  it('noise is judged by the natural size of the derivative: that of the loss over that of x', () => {
    const noisy = (x: number): number => 1000 + 1e-6 * jitter(x);
    // At 1e6 the noise is some 3e-9, and 1e-7 of 1000/1e6 is 1e-10.
    expect(check(noisy, 1e6, 0).worst.conclusive).toBe(false);
  });

  it('what both sides together cannot tell from a kink is undecided', () => {
    // By hand: rounding of 1000 is some 6e-14, the noise of the central difference 3e-10, that of both sides 2e-9.
    const line = (x: number): number => 1000 + 3 * x;
    expect(check(line, 0, 3 + 1e-9, 1e-12).worst).toMatchObject({ conclusive: false, passed: false });
    expect(check(line, 0, 3 + 1e-8, 1e-12).worst).toMatchObject({ conclusive: true, passed: false });
  });

  it('a kink whose noise is above the tolerance is undecided, though the gradient lies between', () => {
    expect(check((x) => 1 + Math.abs(x), 0, 0.5).passed).toBe(true);
    expect(check((x) => 1 + Math.abs(x), 0, 0.5, 1e-15).worst).toMatchObject({ passed: false, conclusive: false });
  });

  it('the noise at a kink is the truncation and the rounding of both sides', () => {
    const f = (x: number): number => 1 + (x < 0 ? -x : x * x + 3 * x);
    const x = f64([1], [0]);
    const loss = (): number => f(x.data[0]);
    const { left, right } = oneSided(x, 0, loss, lossNoise({ x }, loss), 'x');
    const { worst } = check(f, 0, 2);
    expect(worst.kink).toEqual({ left: left.slope, right: right.slope });
    expect(worst.noise / (left.truncation + right.truncation + left.rounding + right.rounding)).toBeCloseTo(1, 12);
  });

  it('a wrong gradient of a straight loss is wrong, not at a kink', () => {
    const rng = createRng(5);
    const lines = Array.from({ length: 50 }, () => [rng.normal(), rng.normal(), rng.normal()]);
    // Here the sides differ by a rounding error, and each of them has converged.
    lines.push([-0.7257360757121265, -2.7800478325664044, -0.0023847886171135383]);
    for (const [slope, constant, value] of lines) {
      const { worst } = check((x) => constant + slope * x, value, 2 * slope);
      expect([worst.passed, worst.conclusive, worst.kink]).toEqual([false, true, undefined]);
    }
  });

  it('a side that has not converged makes no kink, however far it is from the other', () => {
    const { worst } = check((x) => (x > 0 ? Math.sqrt(x) : 0) + 1, 0, 7);
    expect(worst.kink).toBeUndefined();
    expect(worst.passed).toBe(false);
  });
});

describe('the order of a report', () => {
  // Of three elements: right; wrong by a tenth; at a root, which is undecided and further off.
  const f = [(x: number) => 2 * x, (x: number) => 3 * x, (x: number) => (x > 0 ? Math.sqrt(x) : 0)];
  const analytic = [2, 2.7, 0];
  const reportOf = (order: readonly number[]) => {
    const x = f64([3], [0, 0, 0]);
    const grads = { x: f64([3], order.map((k) => analytic[k])) }; // prettier-ignore
    return gradcheck({ tensors: { x }, grads, loss: () => 1 + order.reduce((sum, k, i) => sum + f[k](x.data[i]), 0) });
  };

  it.each([[[0, 1, 2]], [[0, 2, 1]], [[1, 0, 2]], [[1, 2, 0]], [[2, 0, 1]], [[2, 1, 0]]])(
    'a wrong element is worse than an undecided one, and that than a right one: %j',
    (order) => {
      const { worst, perTensor, failures } = reportOf(order);
      expect(worst.index).toEqual([order.indexOf(1)]);
      expect(perTensor.x).toBe(worst);
      expect(failures.map(({ index, conclusive }) => [order[index[0]], conclusive])).toEqual(
        order.filter((k) => k > 0).map((k) => [k, k === 1]),
      );
    },
  );

  it('of elements of one rank the largest relative error is the worst, and of equal ones the first', () => {
    const worstOf = (...errors: number[]): number => {
      const x = f64([errors.length], errors.map(() => 0.5)); // prettier-ignore
      const grads = { x: f64([errors.length], errors.map((error) => 1 - error)) }; // prettier-ignore
      return gradcheck({ tensors: { x }, grads, loss: () => Array.from(x.data).reduce((sum, v) => sum + v, 0) }).worst
        .index[0];
    };
    expect(worstOf(0.1, 0.4, 0.2)).toBe(1);
    expect(worstOf(0.4, 0.1, 0.2)).toBe(0);
    expect(worstOf(0.1, 0.2, 0.4)).toBe(2);
    expect(worstOf(1, 1, 0.2)).toBe(0);
    expect(worstOf(3e-8, 6e-8, 1e-8)).toBe(1); // all of them pass
  });

  it('names elements of a matrix of any form, in their order, also those of a sample', () => {
    const x = f64([2, 3, 2], new Array(12).fill(0.5));
    const grads = { x: f64([2, 3, 2], new Array(12).fill(0)) };
    const loss = (): number => Array.from(x.data).reduce((sum, v) => sum + v, 0);
    const all = [0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 1].map((k) => [i, j, k])));
    expect(gradcheck({ tensors: { x }, grads, loss }).failures.map(({ index }) => index)).toEqual(all);
    for (const seed of [1, 2, 3]) {
      const sample = gradcheck({ tensors: { x }, grads, loss, elements: 7, rng: createRng(seed) }).failures;
      const places = sample.map(({ index }) => all.findIndex((each) => each.join() === index.join()));
      expect(places).toEqual([...places].sort((p, q) => p - q));
      expect(new Set(places).size).toBe(7);
    }
  });

  it('draws nothing where every element is checked', () => {
    for (const elements of [undefined, 4, 5]) {
      const rng = createRng(2);
      const x = f64([4], [1, 2, 3, 4]);
      gradcheck({ tensors: { x }, grads: { x: f64([4], [0, 0, 0, 0]) }, loss: () => 1, elements, rng });
      expect(rng.next()).toBe(createRng(2).next());
    }
  });

  it('says nothing of a step where there is none', () => {
    const { worst } = check((x) => 2 * x, 0.5, 3);
    expect('step' in worst).toBe(false);
    expect(describeElement(worst)).toMatch(/^x\[0\]: analytic 3, numeric 2/);
    expect(() => describeElement({ ...worst, noise: 'little' as unknown as number })).toThrow(/element\.noise/);
  });

  it('refuses a generator or a tolerance of another kind', () => {
    const x = f64([1], [0.5]);
    const all = { tensors: { x }, grads: { x }, loss: () => 1 };
    expect(() => gradcheck({ ...all, rng: 5 as never })).toThrow(/rng/);
    expect(() => gradcheck({ ...all, tolerance: '1' as never })).toThrow(/tolerance must be greater than 0/);
  });
});
