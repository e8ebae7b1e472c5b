/**
 * The simple recurrent network with any activation and a clip, as in ONNX (https://onnx.ai/onnx/operators/onnx__RNN.html), one
 * step.
 *
 * Forward, κ(v) = v, or v within ±clip; φ is the activation
 *   (1)  a = x·Wx + b + h'·Wh        [B_t, H]    x·Wx + b is already in `a`
 *   (2)  h = φ(κ(a))                 [B_t, H]
 *
 * Backward, the same numbers in reverse; κ' is 1 inside of the clip, 0 outside
 *   (2)  da = dh ∘ φ'(κ(a)) ∘ κ'(a)
 *   (1)  dh' += da·Whᵀ               and, over all steps at once,  dWh += h'ᵀ·da
 *
 * Kept for backward: a, on which the derivatives of some activations depend.
 */
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectPositive, keysOf } from '../tensor/checks.js';
import { transcendentals } from '../tensor/math.js';
import { rowStart } from '../tensor/view.js';
import type { Activation, ActivationName, ActivationOf } from './activations.js';
import { activationOf } from './activations.js';
import type { Cell, State } from './cell.js';
import { cut, cutOver, slopeBehind } from './clip.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import { savedQuantity, stateQuantity, UNBOUNDED } from './quantities.js';
import type { RnnParams, RnnSaved } from './rnn.js';

/** What differs from the RNN; by default, nothing. */
export interface RnnVariantOptions {
  /** Default Tanh. */
  readonly activation?: ActivationName | Activation;
  /** Bound of the input of the activation, above 0. */
  readonly clip?: number;
}

const KEYS = keysOf<RnnVariantOptions>({ activation: true, clip: true });

/** The options, ready to compute with. */
export interface RnnPlan {
  readonly by: ActivationOf;
  readonly clip: number;
}

/** @throws ArgumentError on an option outside its domain */
export function rnnPlanOf(options: RnnVariantOptions): RnnPlan {
  expectKnownKeys('createRnn', 'options', options, KEYS);
  const { activation = 'Tanh', clip = Infinity } = options;
  if (clip !== Infinity) expectPositive('createRnn', 'clip', clip);
  return { by: activationOf('createRnn', activation, 'activation'), clip };
}

/** One step forward: equations (1) and (2). */
export function rnnVariantStepForward(
  { by, clip }: RnnPlan,
  kernels: Kernels,
  params: RnnParams,
  prev: State,
  { a }: RnnSaved,
  { h }: State,
): void {
  const [B, H] = h.shape;
  const math = transcendentals(h);
  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const [aNow, hNow] = [rowStart(a, b), rowStart(h, b)];
    for (let j = 0; j < H; j++) h.data[hNow + j] = by.value(math, cut(a.data[aNow + j], clip)); // (2)
  }
}

/** The step in reverse: undoes (2) and (1). Leaves `da`, adds to `dPrev`. */
export function rnnVariantStepBackward(
  { by, clip }: RnnPlan,
  kernels: Kernels,
  params: RnnParams,
  { a, da }: RnnSaved,
  { h }: State,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = h.shape;
  const math = transcendentals(h);
  for (let b = 0; b < B; b++) {
    const [aNow, hNow, dhNow, daNow] = [rowStart(a, b), rowStart(h, b), rowStart(dNext.h, b), rowStart(da, b)];
    for (let j = 0; j < H; j++) {
      const slope = slopeBehind(by, math, a.data[aNow + j], h.data[hNow + j], clip);
      da.data[daNow + j] = dNext.h.data[dhNow + j] * slope; //                           (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Equations (1) and (2) over any algebra. */
const equationsOf = ({ by, clip }: RnnPlan): CellEquations => {
  return (ops, { Wx, Wh, b }, x, { h: hPrev }) => {
    const a = ops.name('a', ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(hPrev, Wh))); //  (1)
    return { h: ops.name('h', by.over(ops, cutOver(ops, a, clip))) }; //                 (2)
  };
};

/** Cells already made, by name: the same options give the same cell. */
const known = new Map<string, Cell<RnnParams, State, RnnSaved>>();

/**
 * An RNN with some of ONNX's options. Its name lists them: `rnn:activation=Softsign,clip=3`. It runs step by step on every
 * backend.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createRnn(options: RnnVariantOptions = {}): Cell<RnnParams, State, RnnSaved> {
  const plan = rnnPlanOf(options);
  const parts = [
    ...(plan.by.text === 'Tanh' ? [] : [`activation=${plan.by.text}`]),
    ...(plan.clip < Infinity ? [`clip=${plan.clip}`] : []),
  ];
  const name = `rnn:${parts.join(',')}`;
  const made = known.get(name) ?? rnnOf(plan, name);
  known.set(name, made);
  return made;
}

function rnnOf(plan: RnnPlan, name: string): Cell<RnnParams, State, RnnSaved> {
  return {
    ...{ name, gates: 1, gateNames: ['h'], states: ['h'], saved: { a: 1 }, stepGrads: { da: 1 } },
    shapes: (D, H) => commonShapes(D, H, 1),
    quantities: [
      savedQuantity(1, 'a', 'pre-activation', 'a', 0, UNBOUNDED),
      stateQuantity(2, 'h', 'hidden state', plan.by.range),
    ],
    initialize: (D, H, rng, options) => ({ ...initCommon(D, H, 1, rng, options), ...initStates(['h'], H, options) }),
    stepForward: (kernels, params, prev, saved, next) =>
      rnnVariantStepForward(plan, kernels, params, prev, saved, next),
    stepBackward: (kernels, params, _prev, saved, next, dNext, dPrev) =>
      rnnVariantStepBackward(plan, kernels, params, saved, next, dNext, dPrev),
    weightGradients: (kernels, hPrev, { da }, grads) => kernels.addMatmulTA(grads.Wh, hPrev, da), //  (1)
    equations: equationsOf(plan),
  };
}
