/** Variants of the cells on the tape, from their equations, beside `tape-cells.ts`. */
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import { allocate } from '../../src/tensor/view.js';
import type { TapeStep } from './tape-cells.js';

/** Those that the proof shows, by the name that the command line takes. */
export const VARIANTS: readonly string[] = ['lstm:layernorm', 'gru:layernorm', 'lstm:projection=2'];

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

/** The step of a variant; nothing where there is no text of it. */
export function variantStep(name: string): TapeStep | undefined {
  if (name === 'lstm:layernorm') return lstmLayerNorm;
  if (name === 'gru:layernorm') return gruLayerNorm;
  const [, k] = /^lstm:projection=(\d+)$/.exec(name) ?? [];
  return k === undefined ? undefined : lstmProjection(Number(k));
}
