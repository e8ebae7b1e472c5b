/** Cells of the LSTM's variants: the steps of `lstm-variant.ts` with the options of `lstm-plan.ts`. */
import { zeros } from '../tensor/create.js';
import type { Cell, ForwardCell } from './cell.js';
import type { Algebra, CellEquations } from './equations.js';
import { cutOver } from './clip.js';
import { commonShapes, initCommon, initStates } from './init.js';
import type { ActivationOf } from './activations.js';
import type { LstmPlan, LstmVariantOptions } from './lstm-plan.js';
import { nameOf, planOf } from './lstm-plan.js';
import type { LstmVariantParams, LstmVariantSaved } from './lstm-variant.js';
import { lstmVariantStepBackward, lstmVariantStepForward, lstmVariantWeightGradients } from './lstm-variant.js';
import type { LstmState } from './lstm.js';
import type { Quantity } from './quantities.js';
import { stateQuantity, UNBOUNDED } from './quantities.js';

/** Equations (1) to (6) over any algebra. */
function equationsOf({ peepholes, coupled, clip, gate, candidate, output, at }: LstmPlan): CellEquations {
  return <V>(
    ops: Algebra<V>,
    { Wx, Wh, b, p }: Record<string, V>,
    x: V,
    { h: hPrev, c: cPrev }: Record<string, V>,
    H: number,
  ) => {
    const a = ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(hPrev, Wh)); //          (1)
    const block = (k: number): V => ops.sliceColumns(a, k * H, H);
    // p is a row, but blocks are sliced from matrices, so it is expanded to a matrix with p in every row.
    const rows = peepholes ? ops.add(ops.scale(ops.sliceColumns(a, 0, (coupled ? 2 : 3) * H), 0), p) : a;
    const peep = (k: number, v: V, c: V): V =>
      peepholes ? ops.add(v, ops.mul(ops.sliceColumns(rows, k * H, H), c)) : v;
    const act = (by: ActivationOf, symbol: string, v: V): V =>
      ops.name(symbol, by.over(ops, cutOver(ops, ops.name(`a_${symbol}`, v), clip)));
    const i = act(gate, 'i', peep(0, block(at.i), cPrev)); //                            (2), (3)
    const f = coupled ? ops.name('f', ops.oneMinus(i)) : act(gate, 'f', peep(1, block(at.f), cPrev));
    const g = act(candidate, 'g', block(at.g));
    const c = ops.name('c', ops.add(ops.mul(f, cPrev), ops.mul(i, g))); //               (4)
    const o = act(gate, 'o', peep(coupled ? 1 : 2, block(at.o), c)); //                  (5)
    const q = ops.name('q', output.over(ops, cutOver(ops, c, clip))); //                 (6)
    return { h: ops.name('h', ops.mul(o, q)), c };
  };
}

function forwardOf(
  plan: LstmPlan,
  name: string,
): Omit<ForwardCell<LstmVariantParams, LstmState, LstmVariantSaved>, 'original'> {
  const { peepholes, coupled, G } = plan;
  return {
    name,
    gates: G,
    states: ['h', 'c'],
    saved: { a: G, gates: G, q: 1, ...(peepholes && { cells: 2 }) },
    shapes: (D, H) => ({ ...commonShapes(D, H, G), ...(peepholes && { p: [(coupled ? 2 : 3) * H] }) }),
    stepForward: (kernels, params, prev, saved, next) =>
      lstmVariantStepForward(plan, kernels, params, prev, saved, next),
  };
}

function quantitiesOf({ coupled, gate, candidate, output, at }: LstmPlan): Quantity[] {
  const of = (equation: number, symbol: 'i' | 'f' | 'g' | 'o', name: string, range: Quantity['range']): Quantity => ({
    ...{ symbol, name, equation, range, value: { in: 'saved', tensor: 'gates', block: at[symbol] } },
    gradient: { of: `a_${symbol}`, in: 'stepGrads', tensor: 'da', block: at[symbol] },
  });
  return [
    of(3, 'i', 'input gate', gate.range),
    ...(coupled ? [] : [of(3, 'f', 'forget gate', gate.range)]),
    of(3, 'g', 'candidate', candidate.range),
    stateQuantity(4, 'c', 'cell state', UNBOUNDED),
    of(5, 'o', 'output gate', gate.range),
    {
      ...{ symbol: 'q', name: 'squashed cell state', equation: 6, range: output.range },
      value: { in: 'saved', tensor: 'q', block: 0 },
    },
    stateQuantity(6, 'h', 'hidden state', UNBOUNDED),
  ];
}

/**
 * An LSTM with some of ONNX's options. Its name lists them, `lstm:peepholes,clip=3`, and `cellNamed` reads it back, so a model
 * file stores only the name. It runs step by step on every backend.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createLstm(options: LstmVariantOptions = {}): Cell<LstmVariantParams, LstmState, LstmVariantSaved> {
  const plan = planOf(options);
  const name = nameOf(plan);
  const made = known.get(name) ?? wholeOf(plan, name);
  known.set(name, made);
  return made;
}

/** Cells already made, by name: the same options give the same cell. */
const known = new Map<string, Cell<LstmVariantParams, LstmState, LstmVariantSaved>>();

function wholeOf(plan: LstmPlan, name: string): Cell<LstmVariantParams, LstmState, LstmVariantSaved> {
  const { coupled, peepholes, G, at } = plan;
  return {
    ...forwardOf(plan, name),
    gateNames: coupled ? ['i', 'g', 'o'] : ['i', 'f', 'g', 'o'],
    stepGrads: { da: G },
    quantities: quantitiesOf(plan),
    initialize(D, H, rng, init = {}) {
      const params = initCommon(D, H, G, rng, init);
      // To remember, f must be large; with coupled gates that means a small i.
      const bias = (init.forgetBias ?? 1) * (coupled ? -1 : 1);
      params.b.data.fill(bias, at.f * H, (at.f + 1) * H);
      const p = peepholes && { p: zeros([(coupled ? 2 : 3) * H], init.dtype ?? 'float32') };
      return { ...params, ...p, ...initStates(['h', 'c'], H, init) } as LstmVariantParams;
    },
    stepBackward: (kernels, params, prev, saved, next, dNext, dPrev) =>
      lstmVariantStepBackward(plan, kernels, params, prev, saved, next, dNext, dPrev),
    weightGradients: (kernels, hPrev, saved, grads) => lstmVariantWeightGradients(plan, kernels, hPrev, saved, grads),
    equations: equationsOf(plan),
  };
}
