/** Variants of the cells on the tape, from their equations, beside `tape-cells.ts`. */
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import type { Activation, ActivationName } from '../../src/cells/activations.js';
import type { LstmVariantOptions } from '../../src/cells/lstm-plan.js';
import { allocate } from '../../src/tensor/view.js';
import { activated } from './tape-activations.js';
import type { TapeStep } from './tape-cells.js';

/** Layer normalization of a row `[1, n]`, gain and bias `[n]`; the mean is a product with a column of 1/n. */
export function layerNorm(tape: Tape, v: TapeNode, gain: TapeNode, bias: TapeNode): TapeNode {
  const n = v.value.shape[1];
  const constant = (shape: readonly number[], value: number) => {
    const x = allocate(shape, 'float64');
    x.data.fill(value);
    return tape.constant(x);
  };
  const mean = (x: TapeNode) => tape.matmul(tape.matmul(x, constant([n, 1], 1 / n)), constant([1, n], 1));
  const centered = tape.sub(v, mean(v));
  const variance = tape.add(mean(tape.mul(centered, centered)), constant([1, n], 1e-5));
  const deviation = tape.exp(tape.scale(tape.log(variance), 0.5));
  return tape.add(tape.mul(tape.mul(centered, tape.reciprocal(deviation)), gain), bias);
}

const lstmLayerNorm: TapeStep = (tape, p, x, { h, c }) => {
  const H = h.value.shape[1];
  const a = tape.add(
    layerNorm(tape, tape.add(tape.matmul(x, p.Wx), p.b), p.gainX, p.biasX),
    layerNorm(tape, tape.matmul(h, p.Wh), p.gainH, p.biasH),
  );
  const block = (k: number) => tape.sliceColumns(a, k * H, H);
  const kept = tape.mul(tape.sigmoid(block(1)), c);
  const next = tape.add(kept, tape.mul(tape.sigmoid(block(0)), tape.tanh(block(2))));
  const out = tape.tanh(layerNorm(tape, next, p.gainC, p.biasC));
  return { h: tape.mul(tape.sigmoid(block(3)), out), c: next };
};

const gruLayerNorm: TapeStep = (tape, p, x, { h }) => {
  const H = h.value.shape[1];
  const v = tape.add(tape.matmul(x, p.Wx), p.b);
  const u = tape.matmul(h, p.Wh);
  const zero = tape.constant(allocate([1, 3 * H], 'float64'));
  const of = (w: TapeNode, part: 'X' | 'H', start: number, n: number) => {
    const cut = (vector: TapeNode) => tape.sliceColumns(tape.add(zero, vector), start, n);
    return layerNorm(tape, cut(w), cut(p[`gain${part}`]), cut(p[`bias${part}`]));
  };
  const gates = tape.add(of(v, 'X', 0, 2 * H), of(u, 'H', 0, 2 * H));
  const r = tape.sigmoid(tape.sliceColumns(gates, 0, H));
  const z = tape.sigmoid(tape.sliceColumns(gates, H, H));
  const n = tape.tanh(tape.add(of(v, 'X', 2 * H, H), tape.mul(r, of(u, 'H', 2 * H, H))));
  return { h: tape.add(n, tape.mul(z, tape.sub(h, n))) };
};

/** The cell state in one piece of k·H columns. */
const lstmProjection = (k: number): TapeStep => {
  return (tape, { Wx, Wh, b, Wr }, x, { h, ...cells }) => {
    const H = h.value.shape[1];
    const names = Array.from({ length: k }, (_, s) => `c${s + 1}`);
    const c = tape.concatColumns(names.map((name) => cells[name]));
    const a = tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b);
    const block = (gate: number) => tape.sliceColumns(a, gate * k * H, k * H);
    const kept = tape.mul(tape.sigmoid(block(1)), c);
    const next = tape.add(kept, tape.mul(tape.sigmoid(block(0)), tape.tanh(block(2))));
    const out = tape.matmul(tape.mul(tape.sigmoid(block(3)), tape.tanh(next)), Wr);
    return { h: out, ...Object.fromEntries(names.map((name, s) => [name, tape.sliceColumns(next, s * H, H)])) };
  };
};

type Act = ActivationName | Activation;

/** The LSTM of ONNX in a variant. */
export const lstmOnnx = ({
  peepholes,
  coupled,
  clip = Infinity,
  activations = ['Sigmoid', 'Tanh', 'Tanh'],
}: LstmVariantOptions): TapeStep => {
  return (tape, { Wx, Wh, b, p }, x, { h, c }) => {
    const H = h.value.shape[1];
    const a = tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b);
    const zero = tape.constant(allocate([1, (coupled ? 2 : 3) * H], 'float64'));
    const peep = (k: number, v: TapeNode, cell: TapeNode) =>
      peepholes ? tape.add(v, tape.mul(tape.sliceColumns(tape.add(zero, p), k * H, H), cell)) : v;
    const act = (k: number, v: TapeNode) => activated(tape, v, activations[k], clip);
    const block = (k: number) => tape.sliceColumns(a, k * H, H);
    const [kg, ko] = coupled ? [1, 2] : [2, 3];
    const i = act(0, peep(0, block(0), c));
    const f = coupled ? tape.oneMinus(i) : act(0, peep(1, block(1), c));
    const next = tape.add(tape.mul(f, c), tape.mul(i, act(1, block(kg))));
    const o = act(0, peep(coupled ? 1 : 2, block(ko), next));
    return { h: tape.mul(o, act(2, next)), c: next };
  };
};

/** The RNN of ONNX in a variant. */
export const rnnOnnx = (activation: Act, clip?: number): TapeStep => {
  return (tape, { Wx, Wh, b }, x, { h }) => {
    return { h: activated(tape, tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b), activation, clip) };
  };
};

/** The GRU of ONNX in a variant. */
export const gruOnnx = (resetBefore: boolean, activations: readonly [Act, Act], clip?: number): TapeStep => {
  return (tape, { Wx, Wh, b, bn }, x, { h }) => {
    const H = h.value.shape[1];
    const a = tape.add(tape.matmul(x, Wx), b);
    const input = (k: number) => tape.sliceColumns(a, k * H, H);
    const product = (of: TapeNode, k: number) => tape.matmul(of, tape.sliceColumns(Wh, k * H, H));
    const gate = (k: number) => activated(tape, tape.add(input(k), product(h, k)), activations[0], clip);
    const [r, z] = [gate(0), gate(1)];
    const recurrent = resetBefore ? product(tape.mul(r, h), 2) : tape.mul(r, tape.add(product(h, 2), bn));
    const n = activated(tape, tape.add(input(2), recurrent), activations[1], clip);
    return { h: tape.add(n, tape.mul(z, tape.sub(h, n))) };
  };
};

const STEPS: Readonly<Record<string, TapeStep>> = {
  'lstm:peepholes': lstmOnnx({ peepholes: true }),
  'lstm:coupled': lstmOnnx({ coupled: true }),
  'lstm:peepholes,coupled,clip=0.8': lstmOnnx({ peepholes: true, coupled: true, clip: 0.8 }),
  'lstm:activations=HardSigmoid/Softsign/Tanh': lstmOnnx({ activations: ['HardSigmoid', 'Softsign', 'Tanh'] }),
  'lstm:layernorm': lstmLayerNorm,
  'lstm:projection=2': lstmProjection(2),
  'gru:activations=HardSigmoid/Softsign,clip=0.9': gruOnnx(false, ['HardSigmoid', 'Softsign'], 0.9),
  'gru:layernorm': gruLayerNorm,
  'gru-reset-before:activations=HardSigmoid/Softsign,clip=0.9': gruOnnx(true, ['HardSigmoid', 'Softsign'], 0.9),
  'rnn:activation=Softsign,clip=0.5': rnnOnnx('Softsign', 0.5),
};

/** Those that the proof shows, by the name that the command line takes. */
export const VARIANTS: readonly string[] = Object.keys(STEPS);

/** The step of a variant; nothing where there is no text of it. */
export function variantStep(name: string): TapeStep | undefined {
  if (Object.hasOwn(STEPS, name)) return STEPS[name];
  const [, k] = /^lstm:projection=(\d+)$/.exec(name) ?? [];
  return k === undefined ? undefined : lstmProjection(Number(k));
}
