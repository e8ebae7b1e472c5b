/** The activations of ONNX on the tape, from their definitions. */
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import type { Activation, ActivationName } from '../../src/cells/activations.js';
import { ACTIVATIONS } from '../../src/cells/activations.js';
import { allocate } from '../../src/tensor/view.js';

/** Value and derivative of every activation, from their definitions. */
export const SCALAR: Readonly<
  Record<ActivationName, (a: number, b: number) => readonly [(v: number) => number, (v: number) => number]>
> = {
  Relu: () => [(v) => Math.max(0, v), (v) => (v > 0 ? 1 : 0)],
  Tanh: () => [Math.tanh, (v) => 1 - Math.tanh(v) ** 2],
  Sigmoid: () => [(v) => 1 / (1 + Math.exp(-v)), (v) => Math.exp(-v) / (1 + Math.exp(-v)) ** 2],
  Affine: (a, b) => [(v) => a * v + b, () => a],
  LeakyRelu: (a) => [(v) => (v >= 0 ? v : a * v), (v) => (v >= 0 ? 1 : a)],
  ThresholdedRelu: (a) => [(v) => (v >= a ? v : 0), (v) => (v >= a ? 1 : 0)],
  ScaledTanh: (a, b) => [(v) => a * Math.tanh(b * v), (v) => (a * b) / Math.cosh(b * v) ** 2],
  HardSigmoid: (a, b) => [(v) => Math.min(1, Math.max(0, a * v + b)), (v) => (Math.abs(a * v + b - 0.5) < 0.5 ? a : 0)],
  Elu: (a) => [(v) => (v >= 0 ? v : a * Math.expm1(v)), (v) => (v >= 0 ? 1 : a * Math.exp(v))],
  Softsign: () => [(v) => v / (1 + Math.abs(v)), (v) => (1 + Math.abs(v)) ** -2],
  Softplus: () => [(v) => Math.log1p(Math.exp(v)), (v) => 1 / (1 + Math.exp(-v))],
};
/** A function of a node by two functions of numbers. */
export function through(
  tape: Tape,
  x: TapeNode,
  [f, slope]: readonly [(v: number) => number, (v: number) => number],
): TapeNode {
  const y = allocate(x.value.shape, 'float64');
  y.data.set(Array.from(x.value.data, f));
  return tape.record(y, [x], (gradient) => gradient.forEach((d, i) => (x.grad.data[i] += d * slope(x.value.data[i]))));
}

/** An activation behind a clip. */
export function activated(tape: Tape, v: TapeNode, activation: ActivationName | Activation, clip = Infinity): TapeNode {
  const { name, alpha, beta }: Activation = typeof activation === 'string' ? { name: activation } : activation;
  const kappa = [
    (x: number) => Math.min(clip, Math.max(-clip, x)),
    (x: number) => (Math.abs(x) <= clip ? 1 : 0),
  ] as const;
  const rule = SCALAR[name](alpha ?? ACTIVATIONS[name].alpha ?? 0, beta ?? ACTIVATIONS[name].beta ?? 0);
  return through(tape, through(tape, v, kappa), rule);
}
