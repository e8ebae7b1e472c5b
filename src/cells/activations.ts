/**
 * The activation functions that ONNX lists for LSTM, GRU and RNN (https://onnx.ai/onnx/operators/onnx__LSTM.html), each with its
 * derivative. Each is also defined over an algebra, from which forward mode derives its own derivative.
 *
 * At a kink the derivative is taken from the side on which the function is constant; for ThresholdedRelu at its jump, from the
 * upper side.
 */
import { expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys } from '../tensor/checks.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Transcendentals } from '../tensor/math.js';
import type { Algebra } from './equations.js';

/** Spelled as ONNX does. */
export type ActivationName =
  | 'Relu'
  | 'Tanh'
  | 'Sigmoid'
  | 'Affine'
  | 'LeakyRelu'
  | 'ThresholdedRelu'
  | 'ScaledTanh'
  | 'HardSigmoid'
  | 'Elu'
  | 'Softsign'
  | 'Softplus';

/** An activation and its constants. */
export interface Activation {
  readonly name: ActivationName;
  /** Defaults to that of the function, see `ACTIVATIONS`. */
  readonly alpha?: number;
  readonly beta?: number;
}

/** An activation at a number `v`; `y` is its value there. */
interface Rule {
  /** Its constants, with the defaults of ONNX. */
  readonly alpha?: number;
  readonly beta?: number;
  /** Least and greatest value. */
  readonly range: (alpha: number, beta: number) => readonly [number, number];
  readonly value: (m: Transcendentals, v: number, alpha: number, beta: number) => number;
  readonly slope: (m: Transcendentals, v: number, y: number, alpha: number, beta: number) => number;
  readonly over: <V>(ops: Algebra<V>, x: V, alpha: number, beta: number) => V;
}

const ANY: readonly [number, number] = [-Infinity, Infinity];
const UP: readonly [number, number] = [0, Infinity];
const negative = <V>(ops: Algebra<V>, x: V): V => ops.scale(x, -1);
const ends = (p: number, q: number): readonly [number, number] => [Math.min(p, q), Math.max(p, q)];

/** Every activation. */
export const ACTIVATIONS: Readonly<Record<ActivationName, Rule>> = {
  Relu: {
    range: () => UP,
    value: (_, v) => (v > 0 ? v : 0),
    slope: (_, v) => (v > 0 ? 1 : 0),
    over: (ops, x) => ops.relu(x),
  },
  Tanh: {
    range: () => [-1, 1],
    value: (m, v) => m.tanh(v),
    slope: (_, _v, y) => 1 - y * y,
    over: (ops, x) => ops.tanh(x),
  },
  Sigmoid: {
    range: () => [0, 1],
    value: (m, v) => m.sigmoid(v),
    slope: (_, _v, y) => y * (1 - y),
    over: (ops, x) => ops.sigmoid(x),
  },
  Affine: {
    ...{ alpha: 1, beta: 0 },
    range: () => ANY,
    value: (_, v, alpha, beta) => alpha * v + beta,
    slope: (_, _v, _y, alpha) => alpha,
    over: (ops, x, alpha, beta) => ops.shift(ops.scale(x, alpha), beta),
  },
  LeakyRelu: {
    alpha: 0.01,
    range: () => ANY,
    value: (_, v, alpha) => (v > 0 ? v : alpha * v),
    slope: (_, v, _y, alpha) => (v > 0 ? 1 : alpha),
    over: (ops, x, alpha) => ops.sub(ops.relu(x), ops.scale(ops.relu(negative(ops, x)), alpha)),
  },
  ThresholdedRelu: {
    alpha: 1,
    range: () => ANY,
    value: (_, v, alpha) => (v >= alpha ? v : 0),
    slope: (_, v, _y, alpha) => (v >= alpha ? 1 : 0),
    over: (ops, x, alpha) => ops.mul(x, ops.step(ops.shift(x, -alpha))),
  },
  ScaledTanh: {
    ...{ alpha: 1, beta: 1 },
    range: (alpha) => ends(-alpha, alpha),
    value: (m, v, alpha, beta) => alpha * m.tanh(beta * v),
    slope: (m, v, _y, alpha, beta) => alpha * beta * (1 - m.tanh(beta * v) * m.tanh(beta * v)),
    over: (ops, x, alpha, beta) => ops.scale(ops.tanh(ops.scale(x, beta)), alpha),
  },
  HardSigmoid: {
    ...{ alpha: 0.2, beta: 0.5 },
    range: () => [0, 1],
    value: (_, v, alpha, beta) => Math.max(0, Math.min(1, alpha * v + beta)),
    slope: (_, v, _y, alpha, beta) => (alpha * v + beta > 0 && alpha * v + beta < 1 ? alpha : 0),
    over(ops, x, alpha, beta) {
      const line = ops.shift(ops.scale(x, alpha), beta);
      return ops.sub(ops.relu(line), ops.relu(ops.shift(line, -1)));
    },
  },
  Elu: {
    alpha: 1,
    range: (alpha) => [Math.min(-alpha, 0), Infinity],
    value: (m, v, alpha) => (v > 0 ? v : alpha * (m.exp(v) - 1)),
    slope: (_, v, y, alpha) => (v > 0 ? 1 : y + alpha),
    over(ops, x, alpha) {
      const below = ops.shift(ops.exp(negative(ops, ops.relu(negative(ops, x)))), -1);
      return ops.add(ops.relu(x), ops.scale(below, alpha));
    },
  },
  Softsign: {
    range: () => [-1, 1],
    value: (_, v) => v / (1 + Math.abs(v)),
    slope: (_, v) => 1 / ((1 + Math.abs(v)) * (1 + Math.abs(v))),
    over: (ops, x) => ops.mul(x, ops.reciprocal(ops.shift(ops.add(ops.relu(x), ops.relu(negative(ops, x))), 1))),
  },
  Softplus: {
    range: () => UP,
    // log(1 + e^v), so that no e^v overflows.
    value: (m, v) => (v > 0 ? v : 0) + m.log(1 + m.exp(v > 0 ? -v : v)),
    slope: (m, v) => m.sigmoid(v),
    over: (ops, x) => ops.log(ops.shift(ops.exp(x), 1)),
  },
};

/** An activation with its constants filled in. */
export interface ActivationOf {
  readonly range: readonly [number, number];
  readonly value: (m: Transcendentals, v: number) => number;
  readonly slope: (m: Transcendentals, v: number, y: number) => number;
  readonly over: <V>(ops: Algebra<V>, x: V) => V;
  /** As `parseActivation` reads it. */
  readonly text: string;
}

/**
 * @param option name of the option in the call
 * @throws ArgumentError on an unknown name, or a constant that the function does not have or that is not finite
 */
export function activationOf(
  where: string,
  activation: ActivationName | Activation,
  option = 'activations',
): ActivationOf {
  const given = typeof activation === 'string' ? { name: activation } : activation;
  expectRecord(where, option, given, 'names such as Tanh, or { name, alpha, beta }');
  expectKnownKeys(where, option, given, ['name', 'alpha', 'beta']);
  const { name, ...constants } = given;
  if (typeof name !== 'string' || !Object.hasOwn(ACTIVATIONS, name)) {
    const known = Object.keys(ACTIVATIONS).join(', ');
    throw new ArgumentError(`${where}: ${option} must be one of ${known}; got ${describe(name)}: correct the name`);
  }
  const rule = ACTIVATIONS[name];
  for (const [each, value] of Object.entries(constants)) {
    if (value === undefined) continue;
    if (rule[each as 'alpha'] === undefined) throw new ArgumentError(`${where}: ${name} has no ${each}: leave it out`);
    if (!Number.isFinite(value)) {
      throw new ArgumentError(`${where}: ${each} of ${name} must be a finite number; got ${describe(value)}`);
    }
  }
  const { alpha = rule.alpha ?? 0, beta = rule.beta ?? 0 } = constants;
  const own = [alpha, beta].slice(0, rule.beta === undefined ? 1 : 2);
  const isPlain = alpha === (rule.alpha ?? 0) && beta === (rule.beta ?? 0);
  return {
    range: rule.range(alpha, beta),
    value: (m, v) => rule.value(m, v, alpha, beta),
    slope: (m, v, y) => rule.slope(m, v, y, alpha, beta),
    over: (ops, x) => rule.over(ops, x, alpha, beta),
    text: isPlain ? name : `${name}(${own.join(';')})`,
  };
}

/** `Tanh`, `LeakyRelu(0.1)`, `Affine(0.5;0.1)`, in upper or lower case. @throws ArgumentError if the text is not an activation */
export function parseActivation(where: string, whole: string): Activation {
  const found = /^(\w+)(?:\(([^;()]+)(?:;([^;()]+))?\))?$/.exec(whole);
  if (found === null) {
    throw new ArgumentError(
      `${where}: an activation is written Tanh, or LeakyRelu(0.1), or Affine(0.5;0.1); got ${whole}`,
    );
  }
  const [, text, alpha, beta] = found;
  const name = Object.keys(ACTIVATIONS).find((each) => each.toLowerCase() === text.toLowerCase()) ?? text;
  return {
    name: name as ActivationName,
    ...(alpha !== undefined && { alpha: Number(alpha) }),
    ...(beta !== undefined && { beta: Number(beta) }),
  };
}
