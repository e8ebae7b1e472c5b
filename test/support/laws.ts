/**
 * Two laws, as solutions of the same problems by other calls of the engine:
 *
 *   chained   T one-step calls, chained by hand, equal one call over T steps: the identity that BPTT is
 *   alone     every sequence of a batch run alone equals the batch
 */
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import type { CellParams, State } from '../../src/cells/index.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, columns, flatCopy, viewOf } from '../../src/tensor/view.js';
import type { Case, DirectionName, Problem, Solution } from './cases.js';
import { directionsOf, part, rowNumber, sortedLengths, statesOf } from './cases.js';
import { cellNamed, engine, kernels, zerosLike } from './engine.js';

type Tensors = Record<string, Tensor>;

/** Copies the given rows of a matrix. */
function take(x: Tensor, rows: readonly number[]): Tensor {
  const out = allocate([rows.length, x.shape[1]], 'float64');
  const all = flatCopy(x);
  rows.forEach((row, k) => out.data.set(all.slice(row * x.shape[1], (row + 1) * x.shape[1]), k * x.shape[1]));
  return out;
}

/** Writes, or adds, rows of `x` to the given rows of a row-major matrix. */
function put(out: Tensor, rows: readonly number[], x: Tensor, add = false): void {
  const C = out.shape[1];
  const values = flatCopy(x);
  rows.forEach((row, k) => {
    for (let j = 0; j < C; j++) out.data[row * C + j] = values[k * C + j] + (add ? out.data[row * C + j] : 0);
  });
}

const first = (count: number): number[] => Array.from({ length: count }, (_, b) => b);

/** Rows of step t of a scan, by sequence: sequences that have ended are left out. */
function scanRows(c: Case, t: number, direction: DirectionName): number[] {
  const running = sortedLengths(c).filter((length) => length > t);
  return running.map((length, b) => rowNumber(c, direction === 'forward' ? t : length - 1 - t, b));
}

interface Layer {
  readonly y: Tensor;
  readonly final: Tensors;
  backward(dY: Tensor, dFinal: Tensors, dX: Tensor): { params: Tensors; initial: Tensors };
}

/** One layer in one direction as a chain of one-step calls. */
function chainLayer(c: Case, tensors: Tensors, x: Tensor, l: number, direction: DirectionName): Layer {
  const cell = cellNamed(c.cell);
  const params = part(tensors, `layers.${l}.${direction}`) as unknown as CellParams;
  const [B, H] = [c.lengths.length, c.hidden[l]];
  const names = statesOf(c.cell);
  const state: Tensors = {};
  for (const name of names) {
    state[name] = allocate([B, H], 'float64');
    if (c.initial === 'given') put(state[name], first(B), tensors[`initial.${l}.${direction}.${name}`]);
    if (c.initial === 'learned')
      first(B).forEach((b) => put(state[name], [b], viewOf(params[`${name}0`].data, [1, H])));
  }
  const y = allocate([x.shape[0], H], 'float64');
  const steps = first(Math.max(...c.lengths)).map((t) => {
    const rows = scanRows(c, t, direction);
    const running = first(rows.length);
    const initial = Object.fromEntries(names.map((name) => [name, take(state[name], running)])) as unknown as State;
    const step = unroll(kernels, cell, params, take(x, rows), packingOf(rows.map(() => 1)), { initial });
    for (const name of names) put(state[name], running, step.final[name]);
    put(y, rows, step.y);
    return { rows, running, step };
  });
  const backward: Layer['backward'] = (dY, dFinal, dX) => {
    const grads = zerosLike(params);
    const dState = Object.fromEntries(names.map((name) => [name, take(dFinal[name], first(B))]));
    for (const { rows, running, step } of [...steps].reverse()) {
      const dx = allocate([rows.length, x.shape[1]], 'float64');
      const dNext = Object.fromEntries(names.map((name) => [name, take(dState[name], running)]));
      const options = { dX: dx, dFinal: dNext };
      const { dInitial } = unrollBackward(kernels, step, take(dY, rows), grads as unknown as CellParams, options);
      for (const name of names) put(dState[name], running, dInitial[name]);
      put(dX, rows, dx, true);
    }
    for (const name of c.initial === 'learned' ? names : []) {
      for (const b of first(B)) put(viewOf(grads[`${name}0`].data, [1, H]), [0], take(dState[name], [b]), true);
    }
    return { params: grads, initial: dState };
  };
  return { y, final: state, backward };
}

/** The solution by T one-step calls in every layer and direction. */
export function chainedSolution({ case: c, tensors, cotangents }: Problem): Solution {
  const outputs: Tensors = {};
  const grads = zerosLike(tensors);
  const inputs = [tensors.x];
  const layers = c.hidden.map((H, l) => {
    const halves = directionsOf(c).map((direction) => chainLayer(c, { ...tensors }, inputs[l], l, direction));
    const y = allocate([tensors.x.shape[0], H * halves.length], 'float64');
    halves.forEach((half, k) => {
      half.y.data.forEach((v, i) => (y.data[Math.floor(i / H) * y.shape[1] + k * H + (i % H)] = v));
      for (const [name, x] of Object.entries(half.final)) outputs[`final.${l}.${directionsOf(c)[k]}.${name}`] = x;
    });
    inputs.push(y);
    return halves;
  });
  outputs.y = inputs[c.hidden.length];
  let above = cotangents.y;
  for (let l = c.hidden.length - 1; l >= 0; l--) {
    const dX = allocate(inputs[l].shape, 'float64');
    layers[l].forEach((half, k) => {
      const name = `${l}.${directionsOf(c)[k]}`;
      const dHalf = columns(above, k * c.hidden[l], c.hidden[l]);
      const found = half.backward(dHalf, part(cotangents, `final.${name}`), dX);
      for (const [p, g] of Object.entries(found.params)) grads[`layers.${name}.${p}`] = g;
      if (c.initial === 'given') for (const [s, g] of Object.entries(found.initial)) grads[`initial.${name}.${s}`] = g;
    });
    above = dX;
  }
  grads.x = above;
  return { outputs, grads };
}

/** The solution by running every sequence alone. */
export function aloneSolution({ case: c, tensors, cotangents }: Problem): Solution {
  const outputs = zerosLike(cotangents);
  const grads = zerosLike(tensors);
  sortedLengths(c).forEach((length, b) => {
    const tokens = first(length).map((t) => rowNumber(c, t, b));
    const rowsOf = (name: string): number[] | null => {
      if (name === 'x' || name === 'y') return tokens;
      return name.startsWith('layers.') ? null : [b];
    };
    const restrict = (all: Readonly<Tensors>): Tensors =>
      Object.fromEntries(Object.entries(all).map(([name, x]) => [name, rowsOf(name) ? take(x, rowsOf(name)!) : x]));
    const alone = { ...c, lengths: [length] };
    const solution = engine({ case: alone, tensors: restrict(tensors), cotangents: restrict(cotangents) });
    for (const [name, x] of Object.entries(solution.outputs)) put(outputs[name], rowsOf(name)!, x);
    for (const [name, g] of Object.entries(solution.grads)) {
      const rows = rowsOf(name);
      if (rows) put(grads[name], rows, g);
      else g.data.forEach((v, i) => (grads[name].data[i] += v));
    }
  });
  return { outputs, grads };
}
