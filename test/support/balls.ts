/**
 * Running error analysis of float32 arithmetic: numbers with a radius, and a reverse-mode tape over them.
 *
 * A ball (v, r) says: the exact result of the float32 inputs is v, but for float64 rounding, and what a float32 program has in
 * its place lies in [v − r, v + r]. With u = 2⁻²⁴, the unit roundoff of float32, every operation passes on the radii of its
 * operands in full and adds its own rounding (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002,
 * section 3.3):
 *
 *     a·b              |a|r_b + |b|r_a + r_a·r_b                       + u·|a·b|
 *     Σ t_i, n terms   Σ r_i                                           + γ_{n−1}·Σ|t_i|     γ_k = ku / (1 − ku), section 3.1
 *     1 − a            r_a                                             + u·|1 − a|
 *     f(a)             r_a · max |f′| over the ball of a               + the stated error of f in src/tensor/math.ts
 *     relu(a)          r_a, no rounding; its slope, 0 or 1, is in doubt (radius 1) where the ball of a holds 0
 *
 * where |a·b|, |t_i| and |1 − a| are the largest magnitudes in their balls. So (|a| + r_a)(|b| + r_b)(1 + u) is the end of the
 * ball of a·b, and the bound does not depend on how a product of several factors is associated; γ_{n−1} holds for a sum in any
 * order and any nesting; a common factor taken out of a sum only lessens the error. Whoever computes the same formulas with
 * at most one rounding of relative size u per operation is inside, in particular whoever computes in float64 and rounds what
 * is stored, as the cells and the products of the engine do. Backends may keep to it in their own way.
 *
 * The bound is rigorous: u is taken a little larger (`U`), for what float64 itself rounds in v and in results that are
 * rounded twice; radii are rounded up; and each operation adds `TINY`, for results among the subnormals. Nothing here is taken
 * from src.
 */

/** An exact result and how far a float32 program may be from it. */
export interface Ball {
  readonly value: number;
  readonly radius: number;
}

/** 2⁻²⁴, and 2⁻⁵¹ for the roundings of float64. */
export const U = 2 ** -24 + 2 ** -51;
const TINY = 2 ** -147;
/** Rounds up a radius that some thousand float64 operations led to. */
const UP = 1 + 2 ** -40;

/** Largest errors of the functions of the gates, in ulp, rounded up. An ulp of y is at most 2u·|y|. */
export interface GateUlps {
  readonly tanh: number;
  readonly sigmoid: number;
}

/** Those of the float32 functions in src/tensor/math.ts. */
const ULPS = { tanh: 1.35, sigmoid: 2.05, exp: 0.8, log: 0.84 };

/** A number that float32 holds without error. */
export const exact = (value: number): Ball => ({ value, radius: 0 });

const end = ({ value, radius }: Ball): number => Math.abs(value) + radius;

export function mul(a: Ball, b: Ball): Ball {
  if (end(a) === 0 || end(b) === 0) return exact(0);
  const passed = Math.abs(a.value) * b.radius + Math.abs(b.value) * a.radius + a.radius * b.radius;
  return rounded(a.value * b.value, passed, U);
}

/** A sum of any number of terms, in any order. */
export function sum(terms: readonly Ball[]): Ball {
  let value = 0;
  let radius = 0;
  let magnitude = 0;
  let additions = -1; // adding an exact 0 rounds nothing
  for (const t of terms) {
    const largest = end(t);
    value += t.value;
    radius += t.radius;
    magnitude += largest;
    if (largest > 0) additions++;
  }
  if (additions <= 0) return { value, radius };
  const gamma = (additions * U) / (1 - additions * U);
  return { value, radius: (radius + gamma * magnitude + TINY) * UP };
}

export const negative = ({ value, radius }: Ball): Ball => ({ value: -value, radius });
export const oneMinus = (a: Ball): Ball => sum([exact(1), negative(a)]);

/** a / b, where the ball of b does not hold 0. */
export function div(a: Ball, b: Ball): Ball {
  const least = Math.abs(b.value) - b.radius;
  if (!(least > 0)) throw new Error(`the divisor ${b.value} ± ${b.radius} may be 0`);
  const value = a.value / b.value;
  return rounded(value, (a.radius + Math.abs(value) * b.radius) / least, U);
}

/** The largest of several: it moves by no more than the one that moves most. */
export function max(balls: readonly Ball[]): Ball {
  return { value: Math.max(...balls.map((a) => a.value)), radius: Math.max(...balls.map((a) => a.radius)) };
}

export function exp({ value, radius }: Ball): Ball {
  const y = Math.exp(value);
  return rounded(y, y * Math.expm1(radius), 2 * U * ULPS.exp);
}

/** log a, where the ball of a is positive. */
export function log({ value, radius }: Ball): Ball {
  if (!(value > radius)) throw new Error(`the logarithm's argument ${value} ± ${radius} may be 0`);
  return rounded(Math.log(value), -Math.log1p(-radius / value), 2 * U * ULPS.log);
}

/** tanh′ = 4e / (1 + e)² with e = exp(−2|a|), largest where |a| is least. */
export function tanh({ value, radius }: Ball, ulps = ULPS.tanh): Ball {
  const e = Math.exp(-2 * Math.max(Math.abs(value) - radius, 0));
  return rounded(Math.tanh(value), (radius * 4 * e) / (1 + e) ** 2, 2 * U * ulps);
}

/** σ′ = e / (1 + e)² with e = exp(−|a|), largest where |a| is least. */
export function sigmoid({ value, radius }: Ball, ulps = ULPS.sigmoid): Ball {
  const e = Math.exp(-Math.max(Math.abs(value) - radius, 0));
  return rounded(1 / (1 + Math.exp(-value)), (radius * e) / (1 + e) ** 2, 2 * U * ulps);
}

export const relu = ({ value, radius }: Ball): Ball => ({ value: Math.max(value, 0), radius });

/** The slope of relu; its value at a kink is the 0 that the cells define. */
export function reluSlope({ value, radius }: Ball): Ball {
  return { value: value > 0 ? 1 : 0, radius: radius > 0 && Math.abs(value) <= radius ? 1 : 0 };
}

/** The ball of a result that has inherited the radius `passed` and is then rounded with relative error `unit`. */
function rounded(value: number, passed: number, unit: number): Ball {
  return { value, radius: (passed + unit * (Math.abs(value) + passed) + TINY) * UP };
}

/** A number on the tape, and the terms of its gradient that have arrived so far. */
export interface BallNode {
  readonly ball: Ball;
  readonly terms: Ball[];
}

/** Reverse-mode differentiation over balls, number by number. */
export interface BallTape {
  variable(value: number): BallNode;
  /** Σ p·q over the pairs + Σ of the addends. */
  dot(pairs: readonly (readonly [BallNode, BallNode])[], addends?: readonly BallNode[]): BallNode;
  oneMinus(a: BallNode): BallNode;
  tanh(a: BallNode): BallNode;
  sigmoid(a: BallNode): BallNode;
  relu(a: BallNode): BallNode;
  /** Sends all gradients down; the terms of the outputs are to be there before. */
  backward(): void;
}

/** The gradient of a node, once `backward` has run. */
export const gradientOf = (node: BallNode): Ball => sum(node.terms);

/** An empty tape, for functions of these errors. */
export function createBallTape(ulps: GateUlps = ULPS): BallTape {
  const pulls: (() => void)[] = [];
  const record = (ball: Ball, pull: (gradient: Ball) => void): BallNode => {
    const node: BallNode = { ball, terms: [] };
    pulls.push(() => {
      if (node.terms.length > 0) pull(gradientOf(node));
    });
    return node;
  };
  /** A function of one number, whose derivative is made of its result or its argument. */
  const unary = (f: (a: Ball) => Ball, derivative: (y: Ball, a: Ball) => Ball) => {
    return (a: BallNode): BallNode => {
      const y = f(a.ball);
      return record(y, (dy) => a.terms.push(mul(dy, derivative(y, a.ball))));
    };
  };
  return {
    variable: (value) => ({ ball: exact(value), terms: [] }),
    dot(pairs, addends = []) {
      const value = sum([...pairs.map(([p, q]) => mul(p.ball, q.ball)), ...addends.map((t) => t.ball)]);
      return record(value, (dy) => {
        for (const [p, q] of pairs) {
          p.terms.push(mul(dy, q.ball));
          q.terms.push(mul(dy, p.ball));
        }
        for (const t of addends) t.terms.push(dy);
      });
    },
    oneMinus(a) {
      return record(oneMinus(a.ball), (dy) => a.terms.push(negative(dy)));
    },
    tanh: unary(
      (a) => tanh(a, ulps.tanh),
      (y) => oneMinus(mul(y, y)),
    ),
    sigmoid: unary(
      (a) => sigmoid(a, ulps.sigmoid),
      (y) => mul(y, oneMinus(y)),
    ),
    relu: unary(relu, (_, a) => reluSlope(a)),
    backward() {
      for (let k = pulls.length - 1; k >= 0; k--) pulls[k]();
    },
  };
}
