/** The steps of one direction: what they hold, and the gradients of all of it. */
import { after, at, before } from '../autograd/storage.js';
import type { State } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { arrivingAt, stepOf, unwoundOf } from './directions.js';
import { asRow, copied, cosine, norm, rowOf, zerosOf, zeros } from './numbers.js';
import type { Activation } from './quantities.js';
import { activationsAt, gateAt } from './quantities.js';
import type { Returned } from './study.js';
import type { SplitGradient, StepGradients, StepTrace, Vector } from './trace.js';

/** Every step of a direction, in the order of the words. */
export function stepsOf(kernels: Kernels, direction: Direction, returned: Returned): StepTrace[] {
  const splits = splitsOf(kernels, direction, returned);
  const dx = inputGradients(kernels, direction, returned);
  return Array.from({ length: direction.words }, (_, k) => {
    const s = stepOf(direction, k);
    const gradients = { ...gradientsAt(direction, returned, s), states: splits[s], x: rowOf(dx, s) };
    return { ...valuesAt(direction, s), gradients };
  });
}

/** What the forward step holds. */
function valuesAt({ unrolled, hidden: H }: Direction, s: number): Omit<StepTrace, 'gradients'> {
  const { cell, params, packing, states, x } = unrolled;
  const found = activationsAt(cell, params, asRow(x, s), before(states, packing, s), H);
  const ofGate = (pick: (each: Activation) => Vector): Record<string, Vector> =>
    Object.fromEntries(cell.gateNames.flatMap((name, g) => (found[g] ? [[name, pick(found[g])]] : [])));
  return {
    preActivations: ofGate(({ argument }) => argument),
    gates: byName(cell.gateNames, (gate) => gateAt(unrolled, gate, s)),
    states: byName(cell.states, (name) => rowOf((states as Record<string, Tensor>)[name], packing.batch + s)),
    others: {},
    slopes: ofGate(({ slope }) => slope),
  };
}

/** What the backward step leaves behind: ∂/∂a per gate, and its companions. */
function gradientsAt(
  direction: Direction,
  returned: Returned,
  s: number,
): Pick<StepGradients, 'preActivations' | 'gates' | 'others'> {
  const { stepGrads } = unwoundOf(direction, returned);
  const { gateNames } = direction.unrolled.cell;
  const H = direction.hidden;
  return {
    preActivations: byName(gateNames, (gate) => rowOf(stepGrads.da, s, gateNames.indexOf(gate) * H, H)),
    gates: {},
    others: {},
  };
}

/** `[T, D]` da·Wxᵀ, in the order of the scan: the gradient of the inputs through this direction. */
function inputGradients(kernels: Kernels, direction: Direction, returned: Returned): Tensor {
  const { x, params } = direction.unrolled;
  const dx = zeros(x.shape);
  kernels.addMatmulTB(dx, unwoundOf(direction, returned).stepGrads.da, params.Wx);
  return dx;
}

/**
 * The gradient of every state in two parts. The cell's own backward step runs once more from the last step to the first, into
 * empty gradients, so that what comes from the step after stands by itself before it is added to.
 *
 * @returns one record per row of the scan
 */
function splitsOf(kernels: Kernels, direction: Direction, returned: Returned): Record<string, SplitGradient>[] {
  const { unrolled, words } = direction;
  const { cell, packing } = unrolled;
  const { dStates } = unwoundOf(direction, returned);
  const fromAbove = arrivingAt(direction, returned);
  const splits = new Array<Record<string, SplitGradient>>(words);
  let arriving = zerosOf(copies(after(unrolled.states, packing, 0)));
  for (let s = words - 1; s >= 0; s--) {
    const direct: Record<string, Tensor> = zerosOf(arriving);
    direct.h = asRow(fromAbove, stepOf(direction, s));
    const hidden = { ...zerosOf(arriving), h: sumOf(arriving.h, direct.h) };
    const next = { ...copies(arriving), h: copied(hidden.h) };
    const previous = stepBack(kernels, direction, s, next);
    if (cell.states.length > 1) stepBack(kernels, direction, s, hidden); // what h alone passes on to the other states
    for (const name of cell.states) if (name !== 'h') direct[name] = (hidden as Record<string, Tensor>)[name];
    splits[s] = byName(cell.states, (name) => {
      const total = rowOf((dStates as Record<string, Tensor>)[name], packing.batch + s);
      return splitOf(rowOf(direct[name], 0), rowOf((arriving as Record<string, Tensor>)[name], 0), total);
    });
    arriving = previous;
  }
  return splits;
}

/** One backward step into zeros. `dNext` is completed, as a cell does; the gradient of the state before comes back. */
function stepBack(kernels: Kernels, { unrolled, hidden: H }: Direction, s: number, dNext: State): State {
  const { cell, params, packing, states } = unrolled;
  const scratch = Object.fromEntries(
    Object.entries(cell.stepGrads).map(([name, width]) => [name, zeros([1, width * H])]),
  );
  const dPrev = zerosOf(dNext);
  const saved = { ...at(unrolled.saved, packing, s), ...scratch };
  cell.stepBackward(kernels, params, before(states, packing, s), saved, after(states, packing, s), dNext, dPrev);
  return dPrev;
}

function splitOf(direct: Vector, recurrent: Vector, total: Vector): SplitGradient {
  const norms = { direct: norm(direct), recurrent: norm(recurrent), total: norm(total) };
  return { direct, recurrent, total, norms, cosine: cosine(direct, recurrent) };
}

function sumOf(u: Tensor, v: Tensor): Tensor {
  const sum = copied(u);
  for (let i = 0; i < sum.data.length; i++) sum.data[i] += v.data[v.offset + i];
  return sum;
}

const copies = <R extends State>(states: R): R =>
  Object.fromEntries(Object.entries(states).map(([name, x]) => [name, copied(x)])) as unknown as R;

/** A record from names. */
export function byName<V>(names: readonly string[], make: (name: string) => V): Record<string, V> {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}
