/**
 * Zoneout (Krueger et al. 2017, section 3.1) for any cell: at every step some components of a state keep their previous values
 * instead of getting new ones. The new h is computed from c before the zoneout of c, as in the paper's equations.
 *
 * Forward, for every state s that is zoned out
 *   (1)  s̃ = the cell's step of x and s'               [B_t, H]
 *   (2)  s = k ∘ s' + (1 − k) ∘ s̃                      [B_t, H]    training: k = 1 with probability p, else 0; elsewhere k = p
 *
 * Backward, the same numbers in reverse
 *   (2)  ds̃ = ds ∘ (1 − k)      ds' += ds ∘ k
 *   (1)  the cell's step backward, from ds̃
 *
 * Kept for backward: k, a mask with an element for every step and unit, and s̃, from which a cell may compute a derivative.
 *
 * In the list of quantities the cell's equations keep their numbers; its h is called h~ here, and (2) comes last.
 */
import type { Kernels } from '../kernels/types.js';
import { expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, expectProbability } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { Cell, CellParams, ForwardCell, MaskSpec, Saved, State } from './cell.js';
import { expectCell, expectForwardCell } from './check.js';
import type { CellEquations } from './equations.js';
import type { Quantity } from './quantities.js';

/** Probability that a component keeps its value, in [0, 1), by the name of the state; 0 for an omitted state. */
export type ZoneoutRates = Readonly<Record<string, number>>;

const keepOf = (state: string): string => `keep_${state}`;
const newOf = (state: string): string => `new_${state}`;

/**
 * A cell with zoneout, for training and for inspecting gradients. Without masks (evaluation) it computes the mean.
 *
 * @throws ArgumentError on a state that the cell does not have, or a rate outside [0, 1)
 */
export function zoneout(cell: Cell, rates: ZoneoutRates): Cell {
  expectCell('zoneout', cell);
  const states = zonedStates(cell, rates);
  if (states.length === 0) return cell;
  const { stepBackward, equations } = cell;
  return {
    ...cell,
    ...forwardMembers(cell, rates, states),
    stepGrads: { ...cell.stepGrads, ...Object.fromEntries(states.map((s) => [`d${newOf(s)}`, 1])) },
    quantities: quantitiesOf(cell, states),
    stepBackward(kernels, params, prev, saved, next, dNext, dPrev) {
      zoneoutStepBackward(states, saved, dNext, dPrev);
      const own = { ...next, ...pick(saved, states, newOf) };
      const dOwn = { ...dNext, ...pick(saved, states, (s) => `d${newOf(s)}`) };
      stepBackward(kernels, params, prev, saved, own, dOwn, dPrev); //                     (1)
    },
    equations: equations && zonedEquations(equations, rates, states),
  };
}

/** `zoneout` for the forward half of a cell. @throws ArgumentError as `zoneout` does */
export function zoneoutForward(cell: ForwardCell, rates: ZoneoutRates): ForwardCell {
  expectForwardCell('zoneout', cell);
  const states = zonedStates(cell, rates);
  return states.length === 0 ? cell : { ...cell, ...forwardMembers(cell, rates, states) };
}

/** The states with a rate above 0. */
function zonedStates(cell: ForwardCell, rates: ZoneoutRates): string[] {
  expectRecord('zoneout', 'rates', rates, 'probabilities by state, such as { h: 0.05, c: 0.5 }');
  expectKnownKeys('zoneout', 'rates', rates, cell.states);
  for (const [state, p] of Object.entries(rates)) expectProbability('zoneout', `rates.${state}`, p);
  const states = cell.states.filter((state) => rates[state] > 0);
  const taken = states.map(newOf).find((name) => Object.hasOwn(cell.saved, name));
  if (taken === undefined) return states;
  throw new ArgumentError(`zoneout: the cell '${cell.name}' already saves ${taken}: apply zoneout once`);
}

/** The members of the forward half that differ from the cell's. */
function forwardMembers(cell: ForwardCell, rates: ZoneoutRates, states: readonly string[]) {
  const { stepForward, saved, masks } = cell;
  const own = states.map((s): [string, MaskSpec] => [keepOf(s), { mean: rates[s], per: 'step' }]);
  return {
    saved: { ...saved, ...Object.fromEntries(states.flatMap((s) => [[keepOf(s), 1], [newOf(s), 1]])) }, // prettier-ignore
    masks: { ...masks, ...Object.fromEntries(own) },
    stepForward(kernels: Kernels, params: CellParams, prev: State, kept: Saved, next: State): void {
      stepForward(kernels, params, prev, kept, { ...next, ...pick(kept, states, newOf) }); // (1)
      zoneoutStepForward(states, prev, kept, next);
    },
  };
}

/** Equation (2) of every state. */
function zoneoutStepForward(states: readonly string[], prev: State, saved: Saved, next: State): void {
  for (const state of states) {
    const [k, before, fresh, s] = [saved[keepOf(state)], prev[state], saved[newOf(state)], next[state]];
    const [B, H] = s.shape;
    for (let b = 0; b < B; b++) {
      const [kNow, sPrev, sNew, sNow] = [k, before, fresh, s].map((x) => rowStart(x, b));
      for (let j = 0; j < H; j++) {
        const keep = k.data[kNow + j];
        s.data[sNow + j] = keep * before.data[sPrev + j] + (1 - keep) * fresh.data[sNew + j]; //  (2)
      }
    }
  }
}

/** Equation (2) undone: leaves the gradient of every s̃, adds to `dPrev`. */
function zoneoutStepBackward(states: readonly string[], saved: Saved, dNext: State, dPrev: State): void {
  for (const state of states) {
    const [k, ds, dsNew, dsPrev] = [saved[keepOf(state)], dNext[state], saved[`d${newOf(state)}`], dPrev[state]];
    const [B, H] = ds.shape;
    for (let b = 0; b < B; b++) {
      const [kNow, now, fresh, before] = [k, ds, dsNew, dsPrev].map((x) => rowStart(x, b));
      for (let j = 0; j < H; j++) {
        const keep = k.data[kNow + j];
        dsNew.data[fresh + j] = ds.data[now + j] * (1 - keep); //                          (2)
        dsPrev.data[before + j] += ds.data[now + j] * keep; //                             (2)
      }
    }
  }
}

/** Saved tensors under the names of the states they belong to. */
function pick(saved: Saved, states: readonly string[], nameOf: (state: string) => string): Record<string, Tensor> {
  return Object.fromEntries(states.map((state) => [state, saved[nameOf(state)]]));
}

/** Equation (2) after the equations of a cell, over any algebra: the mean, as in evaluation. */
function zonedEquations(equations: CellEquations, rates: ZoneoutRates, states: readonly string[]): CellEquations {
  return (ops, params, x, prev, H) => {
    const own = { ...ops, name: <V>(symbol: string, value: V) => ops.name(renamed(symbol, states), value as never) };
    const next = { ...equations(own as typeof ops, params, x, prev, H) };
    for (const s of states) {
      const mean = ops.add(ops.scale(prev[s], rates[s]), ops.scale(next[s], 1 - rates[s]));
      next[s] = ops.name(s, mean); //                                                     (2)
    }
    return next;
  };
}

/** A symbol of the cell's equations, renamed for states followed by zoneout: `h` → `h~`, `tanh(c)` → `tanh(c~)`. */
function renamed(symbol: string, states: readonly string[]): string {
  return states.reduce((text, s) => text.replace(new RegExp(`(?<!\\w)${s}(?!\\w)`, 'g'), `${s}~`), symbol);
}

function quantitiesOf({ quantities }: Cell, states: readonly string[]): Quantity[] {
  const isZoned = (s: string): boolean => states.includes(s);
  const own = quantities.map((each): Quantity => {
    const symbol = renamed(each.symbol, states);
    const gradient = each.gradient && { ...each.gradient, of: renamed(each.gradient.of, states) };
    if (each.value.in !== 'states' || !isZoned(each.value.tensor))
      return { ...each, symbol, ...(gradient && { gradient }) };
    const s = each.value.tensor;
    return {
      ...{ ...each, symbol, name: `${each.name} before zoneout` },
      value: { in: 'saved', tensor: newOf(s), block: 0 },
      gradient: { of: symbol, in: 'stepGrads', tensor: `d${newOf(s)}`, block: 0 },
    };
  });
  const last = quantities[quantities.length - 1].equation + 1;
  const zoned = quantities.filter(({ value }) => value.in === 'states' && isZoned(value.tensor));
  return [...own, ...zoned.map((each) => ({ ...each, equation: last }))];
}
