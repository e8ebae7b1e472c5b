/**
 * Zoneout and recurrent dropout around the built-in cells, with masks that are drawn: one direction of a layer by the engine, and the
 * same step by step on the tape.
 */
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { cells, recurrentDropout, zoneout } from '../../src/cells/index.js';
import type { Cell, CellParams, State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import type { Kernels } from '../../src/kernels/index.js';
import { drawMasks } from '../../src/layers/index.js';
import { createKey } from '../../src/tensor/index.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, flatCopy, viewOf } from '../../src/tensor/view.js';
import type { CellName, Problem, Solution } from './cases.js';
import { part, problemOf, statesOf } from './cases.js';
import { zerosLike } from './engine.js';
import type { Around } from './tape-cells.js';

export const kernels = createCpuKernels();
export const H = 3;
const LENGTHS = [2, 4, 1, 3];
export const packing = packingOf(LENGTHS);
export const DIRECTIONS = ['forward', 'reverse'] as const;
export type DirectionName = (typeof DIRECTIONS)[number];

export const problemFor = (cell: CellName, direction: DirectionName): Problem =>
  problemOf({ cell, initial: 'given', direction, hidden: [H], input: 5, lengths: LENGTHS });

/** Rates of every state, all different. */
export const ratesOf = (name: CellName) => Object.fromEntries(statesOf(name).map((state, k) => [state, 0.3 + 0.2 * k]));

/** One direction of a layer with masks, and its gradients. */
export function solve(
  problem: Problem,
  cell: Cell,
  direction: DirectionName,
  masks: Readonly<Record<string, Tensor>> | undefined,
  backend: Kernels = kernels,
): Solution {
  const { tensors, cotangents } = problem;
  const pass = unrolled(problem, cell, direction, masks, backend);
  const grads = zerosLike(tensors);
  const own = part(grads, `layers.0.${direction}`) as unknown as CellParams;
  const dFinal = part(cotangents, `final.0.${direction}`) as unknown as State;
  const { dInitial } = unrollBackward(backend, pass, cotangents.y, own, { dX: grads.x, dFinal });
  for (const [state, x] of Object.entries(dInitial)) grads[`initial.0.${direction}.${state}`].data.set(flatCopy(x));
  return { outputs: outputsOf(pass, direction), grads };
}

export function unrolled(
  { tensors }: Problem,
  cell: Cell,
  direction: DirectionName,
  masks?: Readonly<Record<string, Tensor>>,
  backend: Kernels = kernels,
) {
  const params = part(tensors, `layers.0.${direction}`) as unknown as CellParams;
  const initial = part(tensors, `initial.0.${direction}`) as unknown as State;
  return unroll(backend, cell, params, tensors.x, packing, { direction, initial, masks });
}

export function outputsOf({ y, final }: ReturnType<typeof unrolled>, direction: DirectionName) {
  const compact = (x: Tensor): Tensor => viewOf(flatCopy(x), x.shape);
  const finals = Object.entries(final).map(([state, x]) => [`final.0.${direction}.${state}`, compact(x)]);
  return { y: compact(y), ...Object.fromEntries(finals) };
}

export const lossOf = (outputs: Solution['outputs'], { cotangents }: Problem): number =>
  Object.entries(cotangents).reduce(
    (sum, [name, c]) => sum + Array.from(c.data).reduce((own, v, i) => own + v * outputs[name].data[i], 0),
    0,
  );

/** Masks drawn for a cell at places of its own. */
export const drawn = (cell: Cell, seed: number) =>
  drawMasks(kernels, cell, H, 'float64', packing, { key: createKey(seed).fold('masks') });

const row = (x: Tensor, n: number): Tensor => viewOf(Float64Array.from(x.data.slice(n * H, (n + 1) * H)), [1, H]);

/** Around the tape's own steps: zoneout by its definition; recurrent dropout as rows of Wh, scaled or zeroed. */
export const aroundOf =
  (masks: Readonly<Record<string, Tensor>>, p: number): Around =>
  (tape, step, params, x, state, { row: n }) => {
    const mask = masks.mask_h && row(masks.mask_h, n);
    const diagonal = allocate([H, H], 'float64');
    for (let j = 0; j < H; j++) diagonal.data[j * H + j] = mask ? mask.data[j] / (1 - p) : 1;
    const own = { ...params, Wh: tape.matmul(tape.constant(diagonal), params.Wh) };
    const next = { ...step(tape, own, x, state) };
    for (const name of Object.keys(next)) {
      if (masks[`keep_${name}`] === undefined) continue;
      const keep = tape.constant(row(masks[`keep_${name}`], n));
      next[name] = tape.add(tape.mul(keep, state[name]), tape.mul(tape.oneMinus(keep), next[name]));
    }
    return next;
  };

export const P = 0.4;
export const WRAPPED: readonly (readonly [string, (name: CellName) => Cell])[] = [
  ['zoneout', (name) => zoneout(cells[name], ratesOf(name))],
  ['recurrent dropout', (name) => recurrentDropout(cells[name], P)],
  ['zoneout with recurrent dropout', (name) => recurrentDropout(zoneout(cells[name], ratesOf(name)), P)],
];
