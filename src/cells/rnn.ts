/**
 * Simple recurrent network (Elman 1990), one step, with tanh or with ReLU (Le et al. 2015).
 *
 * Forward
 *   (1)  a = x·Wx + b + h'·Wh        [B_t, H]    x·Wx + b is already in `a`
 *   (2)  h = tanh(a)  or  max(a, 0)  [B_t, H]
 *
 * Backward, the same numbers in reverse
 *   (2)  da = dh ∘ (1 − h²)  or  dh ∘ [h > 0]
 *   (1)  dh' += da·Whᵀ               and, over all steps at once,  dWh += h'ᵀ·da
 *
 * Kept for backward: nothing but h, which the state holds anyway: both derivatives are functions of the output.
 *
 * Reading order: from autograd/unroll.ts, which calls these steps; next stop kernels/cpu/matmul1.ts, the product in them.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { Saved, Cell, CellParams, ForwardCell, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import { savedQuantity, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

/** Parameters: `Wx [D, H]`, `Wh [H, H]`, `b [H]`, and, if it is learned, the initial state `h0 [H]`. */
export type RnnParams = CellParams;

/** Saved per row: `a [H]`, the pre-activation. Left by the backward step: `da [H]`. */
export interface RnnSaved extends Saved {
  readonly a: Tensor;
  readonly da: Tensor;
}

type Activation = 'tanh' | 'relu';

function rnnStepForward(
  activation: Activation,
  kernels: Kernels,
  params: CellParams,
  prev: State,
  { a }: RnnSaved,
  next: State,
): void {
  const { h } = next;
  const [B, H] = h.shape;
  const { tanh } = transcendentals(h);

  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const aNow = rowStart(a, b);
    const hNow = rowStart(h, b);
    for (let j = 0; j < H; j++) {
      const x = a.data[aNow + j];
      h.data[hNow + j] = activation === 'tanh' ? tanh(x) : x < 0 ? 0 : x; //             (2)
    }
  }
}

function rnnStepBackward(
  activation: Activation,
  kernels: Kernels,
  params: CellParams,
  { da }: RnnSaved,
  next: State,
  dNext: State,
  dPrev: State,
): void {
  const { h } = next;
  const { h: dh } = dNext;
  const [B, H] = h.shape;

  for (let b = 0; b < B; b++) {
    const hNow = rowStart(h, b);
    const dhNow = rowStart(dh, b);
    const daNow = rowStart(da, b);
    for (let j = 0; j < H; j++) {
      const y = h.data[hNow + j];
      const slope = activation === 'tanh' ? 1 - y * y : y > 0 ? 1 : 0;
      da.data[daNow + j] = dh.data[dhNow + j] * slope; //                                (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Equations (1) and (2) over any algebra. */
const equationsOf = (activation: Activation): CellEquations => {
  return (ops, { Wx, Wh, b }, x, { h: hPrev }) => {
    const a = ops.name('a', ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(hPrev, Wh))); //  (1)
    return { h: ops.name('h', ops[activation](a)) }; //                                  (2)
  };
};

/** What a forward pass needs. */
function forwardOf(name: string, activation: Activation): ForwardCell<RnnParams, State, RnnSaved> {
  return {
    name,
    gates: 1,
    states: ['h'],
    saved: { a: 1 },
    shapes: (D, H) => commonShapes(D, H, 1),
    stepForward: (kernels, params, prev, saved, next) => rnnStepForward(activation, kernels, params, prev, saved, next),
  };
}

function rnnCell(name: string, activation: Activation): Cell<RnnParams, State, RnnSaved> {
  return builtIn({
    ...forwardOf(name, activation),
    gateNames: ['h'],
    stepGrads: { da: 1 },
    quantities: [
      savedQuantity(1, 'a', 'pre-activation', 'a', 0, UNBOUNDED),
      stateQuantity(2, 'h', 'hidden state', activation === 'tanh' ? TANH_RANGE : [0, Infinity]),
    ],
    initialize: (D, H, rng, options) => ({ ...initCommon(D, H, 1, rng, options), ...initStates(['h'], H, options) }),
    stepBackward: (kernels, params, _prev, saved, next, dNext, dPrev) =>
      rnnStepBackward(activation, kernels, params, saved, next, dNext, dPrev),
    weightGradients: (kernels, hPrev, { da }, grads) => kernels.addMatmulTA(grads.Wh, hPrev, da), //  (1)
    equations: equationsOf(activation),
  });
}

/** The forward half of the RNN with tanh, which is all that labeling needs. */
export const rnnForward: ForwardCell<RnnParams, State, RnnSaved> = /* @__PURE__ */ builtIn(
  /* @__PURE__ */ forwardOf('rnn', 'tanh'),
);

/** The forward half of the RNN with rectified linear units. */
export const rnnReluForward: ForwardCell<RnnParams, State, RnnSaved> = /* @__PURE__ */ builtIn(
  /* @__PURE__ */ forwardOf('rnn-relu', 'relu'),
);

/** The RNN with tanh. */
export const rnn: Cell<RnnParams, State, RnnSaved> = /* @__PURE__ */ rnnCell('rnn', 'tanh');

/** The RNN with rectified linear units. */
export const rnnRelu: Cell<RnnParams, State, RnnSaved> = /* @__PURE__ */ rnnCell('rnn-relu', 'relu');
