/**
 * The part of a state's gradient that comes through the recurrence. The engine adds it to the part from above; here the cell's
 * own backward step runs again, from the last step to the first, into empty gradients, so that the two parts stay separate.
 */
import { after, at, before } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { arrivingAt, stepOf } from './directions.js';
import { asRow, copied, rowOf, zeros } from './numbers.js';
import type { Returned } from './study.js';

/** Tensors of all states, by name, `[1, H]` each. */
export type States = Readonly<Record<string, Tensor>>;

/** Builds a record from names. */
export function byName<V>(names: readonly string[], make: (name: string) => V): Record<string, V> {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

/** The gradient that arrives at each row of the scan, in two parts. */
export interface Arrivals {
  /** From the next step, by state. */
  readonly recurrent: States;
  /** From above, only at h. */
  readonly fromAbove: Tensor;
}

/** Runs one backward step into zeros. It completes `dNext`, as a cell does, and returns the gradient of the previous state. */
export function stepBack(kernels: Kernels, { unrolled, hidden: H }: Direction, s: number, dNext: States): States {
  const { cell, params, packing, states } = unrolled;
  const [prev, next] = [before(states, packing, s), after(states, packing, s)];
  const scratch = Object.fromEntries(
    Object.entries(cell.stepGrads).map(([name, width]) => [name, zeros([1, width * H])]),
  );
  const dPrev = byName(cell.states, () => zeros([1, H]));
  const saved = { ...at(unrolled.saved, packing, s), ...scratch };
  cell.stepBackward(kernels, params, prev, saved, next, dNext as never, dPrev as never);
  return dPrev;
}

/** The two parts at every row of the scan. */
export function arrivalsOf(kernels: Kernels, direction: Direction, returned: Returned): Arrivals[] {
  const { words, hidden: H, unrolled } = direction;
  const above = arrivingAt(direction, returned);
  const arrivals = new Array<Arrivals>(words);
  let recurrent: States = byName(unrolled.cell.states, () => zeros([1, H]));
  for (let s = words - 1; s >= 0; s--) {
    const fromAbove = asRow(above, stepOf(direction, s));
    arrivals[s] = { recurrent, fromAbove };
    const copies = byName(unrolled.cell.states, (name) => copied(recurrent[name]));
    recurrent = stepBack(kernels, direction, s, { ...copies, h: hiddenTotal(arrivals[s]) });
  }
  return arrivals;
}

/** The whole of ∂/∂h: the part through time plus the part from above. */
export function hiddenTotal({ recurrent, fromAbove }: Arrivals): Tensor {
  const sum = copied(recurrent.h);
  for (let j = 0; j < sum.data.length; j++) sum.data[j] += fromAbove.data[j];
  return sum;
}

/**
 * Per row of the scan, ∂/∂(all states side by side), h first. They are a cut through the network: h as it is, and c with h held
 * fixed, so that nothing is counted twice.
 */
export function cutsOf(kernels: Kernels, direction: Direction, returned: Returned): number[][] {
  const { states } = direction.unrolled.cell;
  return arrivalsOf(kernels, direction, returned).map((arrivals) =>
    states.flatMap((name) => rowOf(name === 'h' ? hiddenTotal(arrivals) : arrivals.recurrent[name], 0)),
  );
}
