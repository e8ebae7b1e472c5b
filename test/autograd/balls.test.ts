/** The arithmetic behind the float32 bound: whatever float32 makes of numbers in their balls lies in the ball of the result. */
import fc from 'fast-check';
import { expf, logf, sigmoidf, tanhf } from '../../src/tensor/math.js';
import type { Ball, BallNode, BallTape } from '../support/balls.js';
import * as balls from '../support/balls.js';
import {
  createBallTape,
  div,
  exact,
  gradientOf,
  max,
  mul,
  oneMinus,
  relu,
  reluSlope,
  sum,
  U,
} from '../support/balls.js';

fc.configureGlobal({ seed: 15, numRuns: 300 });

const { fround } = Math;
const inside = (found: number, { value, radius }: Ball): boolean => Math.abs(found - value) <= radius;

/** A float32 number on the edge of a ball around another one: the worst that can come in. */
interface Input {
  readonly ball: Ball;
  readonly found: number;
}

/**
 * Inputs of magnitudes 2^−32 … 2^`most`, and 0, many of them within a few ulp of the centre, some far away, some exact. The bounds hold
 * where nothing overflows or underflows: the quotient of 2^−21 by the least float32 is infinite.
 */
const input = (most = 3): fc.Arbitrary<Input> =>
  fc
    .record({
      fraction: fc.double({ min: -1, max: 1, noNaN: true }).map((x) => (Math.abs(x) < 2 ** -20 ? 0 : x)),
      exponent: fc.integer({ min: -12, max: most }),
      offset: fc.double({ min: -1, max: 1, noNaN: true }),
      spread: fc.constantFrom(0, 2 ** -23, 2 ** -20, 2 ** -10, 0.5),
    })
    .map(({ fraction, exponent, offset, spread }) => {
      const value = fround(fraction * 2 ** exponent);
      const found = fround(value + offset * spread * value);
      return { ball: { value, radius: Math.abs(found - value) }, found };
    });

describe('results in float32 lie in their balls', () => {
  it('products, quotients and differences', () => {
    fc.assert(
      fc.property(input(), input(), (a, b) => {
        expect(inside(fround(a.found * b.found), mul(a.ball, b.ball))).toBe(true);
        expect(inside(fround(1 - a.found), oneMinus(a.ball))).toBe(true);
        expect(inside(Math.max(a.found, b.found), max([a.ball, b.ball]))).toBe(true);
        if (Math.abs(b.ball.value) <= b.ball.radius) return;
        expect(inside(fround(a.found / b.found), div(a.ball, b.ball))).toBe(true);
      }),
    );
  });

  it('sums in any order, nested in any way, rounded at every step', () => {
    const shuffled = fc.array(input(), { maxLength: 20 }).chain((terms) =>
      fc.record({
        terms: fc.constant(terms),
        // Each entry adds one of the remaining sums to the next one.
        places: fc.array(fc.nat(), { minLength: terms.length, maxLength: terms.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ terms, places }) => {
        const sums = terms.map(({ found }) => found);
        for (let k = 0; sums.length > 1; k++) {
          const at = places[k] % (sums.length - 1);
          sums.splice(at, 2, fround(sums[at] + sums[at + 1]));
        }
        expect(inside(sums[0] ?? 0, sum(terms.map(({ ball }) => ball)))).toBe(true);
      }),
    );
  });

  const FUNCTIONS = { exp: expf, tanh: tanhf, sigmoid: sigmoidf, log: logf };
  it.each(['exp', 'tanh', 'sigmoid', 'log'] as const)('%s', (name) => {
    fc.assert(
      fc.property(input(4), ({ ball, found }) => {
        if (name === 'log' && !(ball.value > ball.radius)) return;
        expect(inside(FUNCTIONS[name](found), balls[name](ball))).toBe(true);
      }),
    );
  });

  it('relu and its slope, at the kink too', () => {
    fc.assert(
      fc.property(input(), ({ ball, found }) => {
        expect(inside(Math.max(found, 0), relu(ball))).toBe(true);
        expect(inside(found > 0 ? 1 : 0, reluSlope(ball))).toBe(true);
      }),
    );
    expect(reluSlope({ value: 0.5, radius: 0.25 })).toEqual({ value: 1, radius: 0 });
    expect(reluSlope({ value: 0.5, radius: 0.5 })).toEqual({ value: 1, radius: 1 });
    expect(reluSlope({ value: -0.1, radius: 0.2 })).toEqual({ value: 0, radius: 1 });
    expect(reluSlope(exact(0))).toEqual({ value: 0, radius: 0 });
  });
});

describe('and the balls are not larger than the formulas say', () => {
  const close = (found: number, expected: number): void => expect(Math.abs(found / expected - 1)).toBeLessThan(1e-6);

  it('one rounding of a product of exact numbers, n − 1 of a sum', () => {
    close(mul(exact(3), exact(-5)).radius, 15 * U);
    close(sum([exact(3), exact(-5), exact(0), exact(7)]).radius, 2 * 15 * U);
    expect(sum([exact(0), { value: 3, radius: 0.5 }])).toEqual({ value: 3, radius: 0.5 });
    expect(mul(exact(0), { value: 3, radius: 0.5 })).toEqual(exact(0));
  });

  it('the steepest slope in the ball times its radius, and the error of the function itself', () => {
    close(balls.tanh({ value: 0.01, radius: 0.02 }).radius, 0.02 + 2.7 * U * (Math.tanh(0.01) + 0.02));
    const passed = (0.5 * Math.exp(-2.5)) / (1 + Math.exp(-2.5)) ** 2;
    close(balls.sigmoid({ value: 3, radius: 0.5 }).radius, passed + 4.1 * U * (1 / (1 + Math.exp(-3)) + passed));
  });

  it('a divisor and a logarithm in doubt are refused', () => {
    expect(() => div(exact(1), { value: -0.5, radius: 0.5 })).toThrow('the divisor -0.5 ± 0.5 may be 0');
    expect(() => balls.log({ value: 0.5, radius: 0.5 })).toThrow("the logarithm's argument 0.5 ± 0.5 may be 0");
  });
});

it('the tape finds the derivatives of every operation', () => {
  const values = [0.3, -0.7, 1.1];
  const f = (tape: BallTape, [p, q, r]: readonly BallNode[]): BallNode => {
    const s = tape.sigmoid(tape.dot([[p, q]], [r]));
    const t = tape.relu(tape.tanh(tape.oneMinus(q)));
    return tape.dot([
      [s, t],
      [p, p],
    ]);
  };
  const valueAt = (x: readonly number[]): number => {
    const tape = createBallTape();
    return f(tape, x.map(tape.variable)).ball.value;
  };
  const tape = createBallTape();
  const variables = values.map(tape.variable);
  f(tape, variables).terms.push(exact(1));
  tape.backward();
  variables.forEach((node, k) => {
    const moved = (by: number): number => valueAt(values.map((x, i) => (i === k ? x + by : x)));
    const difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    expect(Math.abs(gradientOf(node).value - difference)).toBeLessThan(1e-9);
  });
});
