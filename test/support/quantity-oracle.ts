/**
 * The cells once more, number by number, each quantity of a step shown as it is computed and replaced by what `see` returns. It
 * shares nothing with src but σ and tanh of the standard library. For `quantities.test.ts`.
 */
import type { Case, Problem } from './cases.js';
import { part, rowNumber, sortedLengths, statesOf } from './cases.js';

/** Sees component j of a quantity in one row of the scan, and returns its value, or another one. */
export type See = (symbol: string, row: number, j: number, value: number) => number;

type Numbers = readonly number[];
type States = Readonly<Record<string, Numbers>>;
type Weights = Readonly<Record<string, Float64Array>>;
type Step = (w: Weights, x: Numbers, prev: States, H: number, see: (symbol: string, x: Numbers) => Numbers) => States;

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const each = (f: (v: number) => number, x: Numbers): Numbers => x.map((v) => f(v));
const zip = (f: (p: number, q: number) => number, x: Numbers, y: Numbers): Numbers => x.map((p, j) => f(p, y[j]));
const add = (x: Numbers, y: Numbers): Numbers => zip((p, q) => p + q, x, y);
const mul = (x: Numbers, y: Numbers): Numbers => zip((p, q) => p * q, x, y);
const block = (x: ArrayLike<number>, k: number, H: number): Numbers =>
  Array.from({ length: H }, (_, j) => x[k * H + j]);

/** Columns `block·H …` of v·W, for W of `G·H` columns. */
function times(v: Numbers, W: Float64Array, k: number, H: number): Numbers {
  const columns = W.length / v.length;
  return Array.from({ length: H }, (_, j) => v.reduce((sum, p, i) => sum + p * W[i * columns + k * H + j], 0));
}

const projected = (w: Weights, x: Numbers, k: number, H: number): Numbers =>
  add(times(x, w.Wx, k, H), block(w.b, k, H));
const leak = (z: Numbers, n: Numbers, h: Numbers): Numbers => n.map((v, j) => (1 - z[j]) * v + z[j] * h[j]);

const rnn =
  (f: (v: number) => number): Step =>
  (w, x, { h }, H, see) => ({ h: see('h', each(f, see('a', add(projected(w, x, 0, H), times(h, w.Wh, 0, H))))) });

const STEPS: Readonly<Record<string, Step>> = {
  rnn: rnn(Math.tanh),
  'rnn-relu': rnn((v) => Math.max(v, 0)),
  lstm(w, x, prev, H, see) {
    const gate = (symbol: string, k: number, f: (v: number) => number): Numbers =>
      see(symbol, each(f, see(`a_${symbol}`, add(projected(w, x, k, H), times(prev.h, w.Wh, k, H)))));
    const [i, f, g, o] = [gate('i', 0, sigmoid), gate('f', 1, sigmoid), gate('g', 2, Math.tanh), gate('o', 3, sigmoid)];
    const c = see('c', add(mul(f, prev.c), mul(i, g)));
    return { c, h: see('h', mul(o, see('tanh(c)', each(Math.tanh, c)))) };
  },
  gru(w, x, { h }, H, see) {
    const u = (symbol: string, k: number): Numbers => see(symbol, times(h, w.Wh, k, H));
    const r = see('r', each(sigmoid, see('a_r', add(projected(w, x, 0, H), u('u_r', 0)))));
    const z = see('z', each(sigmoid, see('a_z', add(projected(w, x, 1, H), u('u_z', 1)))));
    const q = see('q', add(times(h, w.Wh, 2, H), block(w.bn, 0, H)));
    const n = see('n', each(Math.tanh, see('a_n', add(projected(w, x, 2, H), mul(r, q)))));
    return { h: see('h', leak(z, n, h)) };
  },
  'gru-reset-before'(w, x, { h }, H, see) {
    const r = see('r', each(sigmoid, see('a_r', add(projected(w, x, 0, H), times(h, w.Wh, 0, H)))));
    const z = see('z', each(sigmoid, see('a_z', add(projected(w, x, 1, H), times(h, w.Wh, 1, H)))));
    const s = see('s', mul(r, h));
    const n = see('n', each(Math.tanh, see('a_n', add(projected(w, x, 2, H), times(s, w.Wh, 2, H)))));
    return { h: see('h', leak(z, n, h)) };
  },
};

/**
 * The loss of a problem with one layer in one direction.
 *
 * @param see is shown every quantity of every step; rows are those of the scan
 */
export function scalarLoss({ case: c, tensors, cotangents }: Problem, see: See): number {
  const [direction, H] = [c.direction as 'forward' | 'reverse', c.hidden[0]];
  const params = part(tensors, `layers.0.${direction}`);
  const w = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, p.data as Float64Array]));
  let loss = 0;
  sortedLengths(c).forEach((length, b) => {
    const rowOf = (name: string): Numbers => block(tensors[`initial.0.${direction}.${name}`].data, b, H);
    let state: States = Object.fromEntries(statesOf(c.cell).map((name) => [name, rowOf(name)]));
    for (let t = 0; t < length; t++) {
      const token = rowNumber(c, direction === 'forward' ? t : length - 1 - t, b);
      const row = rowNumber(c, t, b);
      const shown = (symbol: string, x: Numbers): Numbers => x.map((v, j) => see(symbol, row, j, v));
      state = STEPS[c.cell](w, block(tensors.x.data, token, c.input), state, H, shown);
      loss += mul(state.h, block(cotangents.y.data, token, H)).reduce((sum, v) => sum + v, 0);
    }
    for (const [name, x] of Object.entries(state)) {
      const cotangent = block(cotangents[`final.0.${direction}.${name}`].data, b, H);
      loss += mul(x, cotangent).reduce((sum, v) => sum + v, 0);
    }
  });
  return loss;
}

/** A case that this oracle takes: one layer in one direction, states given. */
export const scalarCase = (cell: Case['cell'], direction: 'forward' | 'reverse'): Case => {
  return { cell, initial: 'given', direction, hidden: [3], input: 2, lengths: [1, 3, 2] };
};
