/**
 * Which factor shrinks a gradient on one step back in time. v is the gradient at the states after the step, concatenated
 * (`cutsOf`). The cell's own backward step passes v·J to the previous states. It runs once as it is and once with Wh = 0, which
 * leaves the part that goes past the weights:
 *
 *   (1)  through = v·J − carried                   carried = v·J where Wh = 0
 *   (2)  slopes  = ‖da‖ / ‖da ⊘ slope‖             ⊘: over each gate's slope, component by component
 *   (3)  values  = ‖da ⊘ slope‖ / ‖v‖
 *   (4)  weights = ‖through‖ / ‖da‖
 *   (5)  ‖v·J‖² = ‖through‖² + ‖carried‖² + 2·⟨through, carried⟩
 */
import { after, at, before } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { stepOf } from './directions.js';
import { copied, norm, rowOf, zeros } from './numbers.js';
import type { Arrivals, States } from './recurrence.js';
import { arrivalsOf, byName, hiddenTotal } from './recurrence.js';
import type { Returned } from './study.js';
import type { FactorName, FactorTrace, StepTrace } from './trace.js';

/** The factors of every step of a direction, in word order. @param steps the values of the steps, of which the slopes are read */
export function factorsOf(
  kernels: Kernels,
  direction: Direction,
  returned: Returned,
  steps: readonly Pick<StepTrace, 'slopes'>[],
): FactorTrace[] {
  const arrivals = arrivalsOf(kernels, direction, returned);
  return steps.map(({ slopes }, k) => {
    const s = stepOf(direction, k);
    return factorsAt(kernels, direction, s, arrivals[s], slopes);
  });
}

function factorsAt(
  kernels: Kernels,
  direction: Direction,
  s: number,
  arrivals: Arrivals,
  slopes: StepTrace['slopes'],
): FactorTrace {
  const { gateNames, states } = direction.unrolled.cell;
  const own = (): States => ({
    ...byName(states, (name) => copied(arrivals.recurrent[name])),
    h: hiddenTotal(arrivals),
  });
  const v = norm(states.flatMap((name) => rowOf(own()[name], 0)));
  const whole = handedBack(kernels, direction, s, own(), false);
  const past = handedBack(kernels, direction, s, own(), true).before;
  const through = whole.before.map((each, i) => each - past[i]);
  const da = norm(whole.da);
  const steep = gateNames.length === 1 && states.length === 1 ? v : norm(overSlopes(whole.da, gateNames, slopes));
  const known = Number.isFinite(steep);
  const [one, other] = [norm(through), norm(past)];
  const parts = {
    drop: norm(whole.before) / v,
    slopes: known ? ratio(da, steep) : null,
    values: known ? steep / v : da / v,
    weights: ratio(one, da),
    carried: other / v,
    cosine: one === 0 || other === 0 ? 0 : through.reduce((sum, x, i) => sum + (x / one) * (past[i] / other), 0),
  };
  return { ...parts, top: topOf(parts) };
}

/** 0 / 0 is a path that does not exist. */
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** The gradients that a step passes to the previous states and to its pre-activations. @param bare with Wh = 0 */
function handedBack(kernels: Kernels, { unrolled, hidden: H }: Direction, s: number, dNext: States, bare: boolean) {
  const { cell, packing, states } = unrolled;
  const params = bare ? { ...unrolled.params, Wh: zeros(unrolled.params.Wh.shape) } : unrolled.params;
  const scratch: Record<string, Tensor> = Object.fromEntries(
    Object.entries(cell.stepGrads).map(([name, width]) => [name, zeros([1, width * H])]),
  );
  const dPrev = byName(cell.states, () => zeros([1, H]));
  const saved = { ...at(unrolled.saved, packing, s), ...scratch };
  const [prev, next] = [before(states, packing, s), after(states, packing, s)];
  cell.stepBackward(kernels, params, prev, saved, next, dNext as never, dPrev as never);
  return { before: cell.states.flatMap((name) => rowOf(dPrev[name], 0)), da: rowOf(scratch.da, 0) };
}

/** da divided by the slopes: the gradients at the gates' values. NaN if a slope is 0 or unknown. */
function overSlopes(da: readonly number[], gateNames: readonly string[], slopes: StepTrace['slopes']): number[] {
  const H = da.length / gateNames.length;
  return da.map((each, i) => {
    const slope = (slopes[gateNames[Math.floor(i / H)]] as readonly number[] | undefined)?.[i % H] ?? 0;
    return slope === 0 ? NaN : each / slope;
  });
}

/** The smallest factor of the path that lets more through. */
function topOf({ drop, slopes, values, weights, carried }: Omit<FactorTrace, 'top'>): FactorName | null {
  if (!(drop < 1)) return null;
  if (carried >= (slopes ?? 1) * values * weights) return 'carried';
  const all: readonly (readonly [FactorName, number])[] = [['slopes', slopes ?? Infinity], ['values', values], ['weights', weights]]; // prettier-ignore
  return all.reduce((least, each) => (each[1] < least[1] ? each : least))[0];
}
