/** The steps of one direction: their values, and the gradients of these values. */
import type { Cell } from '../cells/cell.js';
import type { Quantity } from '../cells/quantities.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { cosine, norm, rowOf, zeros } from './numbers.js';
import type { Activation } from './quantities.js';
import { activationsOf, gateAt, kindOf, valueAt } from './quantities.js';
import type { States } from './recurrence.js';
import { arrivalsOf, byName, hiddenTotal, stepBack } from './recurrence.js';
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

/** The values of the forward step. */
function valuesAt({ unrolled }: Direction, s: number): Omit<StepTrace, 'gradients'> {
  const { cell, packing, states } = unrolled;
  const found = activationsOf(unrolled);
  const ofGate = (pick: (each: Activation) => readonly Vector[]): Record<string, Vector> =>
    Object.fromEntries(cell.gateNames.flatMap((name) => (found[name] ? [[name, pick(found[name])[s]]] : [])));
  return {
    preActivations: ofGate(({ argument }) => argument),
    gates: byName(cell.gateNames, (gate) => gateAt(unrolled, gate, s)),
    states: byName(cell.states, (name) => rowOf((states as unknown as States)[name], packing.batch + s)),
    others: Object.fromEntries(othersOf(cell).map((each) => [each.symbol, valueAt(unrolled, each, s)])),
    slopes: ofGate(({ slope }) => slope),
  };
}

/** The quantities that a cell lists besides gates, their arguments and states. */
const othersOf = (cell: Cell): Quantity[] => cell.quantities.filter((each) => kindOf(cell, each) === 'others');

/** The results of the backward step: ∂/∂a per gate, and related gradients. */
function gradientsAt(
  direction: Direction,
  returned: Returned,
  s: number,
): Pick<StepGradients, 'preActivations' | 'gates' | 'others'> {
  const { stepGrads } = unwoundOf(direction, returned);
  const { cell } = direction.unrolled;
  const H = direction.hidden;
  const others = othersOf(cell).flatMap(({ symbol, gradient }) =>
    gradient?.in === 'stepGrads'
      ? [[symbol, rowOf(stepGrads[gradient.tensor], s, gradient.block * H, H)] as const]
      : [],
  );
  return {
    preActivations: byName(cell.gateNames, (gate) => rowOf(stepGrads.da, s, cell.gateNames.indexOf(gate) * H, H)),
    gates: {},
    others: Object.fromEntries(others),
  };
}

/** `[T, D]` da·Wxᵀ, in the order of the scan: the gradient of the inputs through this direction. */
function inputGradients(kernels: Kernels, direction: Direction, returned: Returned): Tensor {
  const { x, params } = direction.unrolled;
  const dx = zeros(x.shape);
  kernels.addMatmulTB(dx, unwoundOf(direction, returned).stepGrads.da, params.Wx);
  return dx;
}

/** The gradient of every state in two parts, one record per row of the scan. */
function splitsOf(kernels: Kernels, direction: Direction, returned: Returned): Record<string, SplitGradient>[] {
  const { cell, packing } = direction.unrolled;
  const dStates = unwoundOf(direction, returned).dStates as States;
  return arrivalsOf(kernels, direction, returned).map((arrivals, s) => {
    const direct: Record<string, Tensor> = byName(cell.states, () => zeros([1, direction.hidden]));
    if (cell.states.length > 1) stepBack(kernels, direction, s, { ...direct, h: hiddenTotal(arrivals) }); // h passes on to c
    direct.h = arrivals.fromAbove;
    return byName(cell.states, (name) =>
      splitOf(rowOf(direct[name], 0), rowOf(arrivals.recurrent[name], 0), rowOf(dStates[name], packing.batch + s)),
    );
  });
}

function splitOf(direct: Vector, recurrent: Vector, total: Vector): SplitGradient {
  const norms = { direct: norm(direct), recurrent: norm(recurrent), total: norm(total) };
  return { direct, recurrent, total, norms, cosine: cosine(direct, recurrent) };
}
