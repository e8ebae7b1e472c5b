/**
 * LSTM (Hochreiter & Schmidhuber 1997) with forget gate (Gers et al. 2000), without peepholes, one step. Gate order i f g o.
 *
 * Forward
 *   (1)  a = x·Wx + b + h'·Wh                          [B_t, 4H]    x·Wx + b is already in `a`
 *   (2)  i = σ(a_i)  f = σ(a_f)  g = tanh(a_g)  o = σ(a_o)     4 × [B_t, H], written over `a`
 *   (3)  c = f ∘ c' + i ∘ g                            [B_t, H]
 *   (4)  h = o ∘ tanh(c)                               [B_t, H]
 *
 * Backward, the same numbers in reverse
 *   (4)  do = dh ∘ tanh(c)      dc += dh ∘ o ∘ (1 − tanh²(c))
 *   (3)  df = dc ∘ c'   di = dc ∘ g   dg = dc ∘ i   dc' += dc ∘ f
 *   (2)  da_i = di ∘ i(1 − i)   da_f = df ∘ f(1 − f)   da_g = dg ∘ (1 − g²)   da_o = do ∘ o(1 − o)
 *   (1)  dh' += da·Whᵀ          and, over all steps at once,  dWh += h'ᵀ·da
 *
 * Kept for backward: the gates i f g o, because every factor above is a function of them; tanh(c), to avoid recomputing it; c and
 * c' are in the states.
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
import { gateQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

/** Parameters: `Wx [D, 4H]`, `Wh [H, 4H]`, `b [4H]`, and, if they are learned, the initial states `h0`, `c0` `[H]`. */
export type LstmParams = CellParams;

/** Hidden state and cell state, both `[B_t, H]`. */
export interface LstmState extends State {
  readonly c: Tensor;
}

/** Saved per row: `a [4H]`, the gates i f g o; `tanhC [H]`. Left by the backward step: `da [4H]`. */
export interface LstmSaved extends Saved {
  readonly a: Tensor;
  readonly tanhC: Tensor;
  readonly da: Tensor;
}

/** One step forward: equations (1) to (4). Shapes as in the header; `next` and the saved tensors are overwritten. */
export function lstmStepForward(
  kernels: Kernels,
  params: LstmParams,
  prev: LstmState,
  { a, tanhC }: LstmSaved,
  next: LstmState,
): void {
  const { h, c } = next;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(h);

  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const ai = rowStart(a, b);
    const af = ai + H;
    const ag = af + H;
    const ao = ag + H;
    const cNow = rowStart(c, b);
    const cPrev = rowStart(prev.c, b);
    const tanhNow = rowStart(tanhC, b);
    const hNow = rowStart(h, b);
    for (let j = 0; j < H; j++) {
      const i = sigmoid(a.data[ai + j]); //                                              (2)
      const f = sigmoid(a.data[af + j]);
      const g = tanh(a.data[ag + j]);
      const o = sigmoid(a.data[ao + j]);
      a.data[ai + j] = i;
      a.data[af + j] = f;
      a.data[ag + j] = g;
      a.data[ao + j] = o;
      c.data[cNow + j] = f * prev.c.data[cPrev + j] + i * g; //                          (3)
      const tc = tanh(c.data[cNow + j]);
      tanhC.data[tanhNow + j] = tc;
      h.data[hNow + j] = o * tc; //                                                      (4)
    }
  }
}

/** The step in reverse: undoes (4) to (1). Leaves `da`, completes `dNext.c`, adds to `dPrev`. */
export function lstmStepBackward(
  kernels: Kernels,
  params: LstmParams,
  prev: LstmState,
  { a, tanhC, da }: LstmSaved,
  dNext: LstmState,
  dPrev: LstmState,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const ai = rowStart(a, b);
    const af = ai + H;
    const ag = af + H;
    const ao = ag + H;
    const dai = rowStart(da, b);
    const daf = dai + H;
    const dag = daf + H;
    const dao = dag + H;
    const tanhNow = rowStart(tanhC, b);
    const cPrev = rowStart(prev.c, b);
    const dhNow = rowStart(dNext.h, b);
    const dcNow = rowStart(dNext.c, b);
    const dcPrev = rowStart(dPrev.c, b);
    for (let j = 0; j < H; j++) {
      const i = a.data[ai + j];
      const f = a.data[af + j];
      const g = a.data[ag + j];
      const o = a.data[ao + j];
      const tc = tanhC.data[tanhNow + j];
      const dh = dNext.h.data[dhNow + j];
      const dc = dNext.c.data[dcNow + j] + dh * o * (1 - tc * tc); //                    (4)
      dNext.c.data[dcNow + j] = dc;
      dPrev.c.data[dcPrev + j] += dc * f; //                                             (3)
      da.data[dai + j] = dc * g * i * (1 - i); //                                        (3) di, (2)
      da.data[daf + j] = dc * prev.c.data[cPrev + j] * f * (1 - f); //                   (3) df, (2)
      da.data[dag + j] = dc * i * (1 - g * g); //                                        (3) dg, (2)
      da.data[dao + j] = dh * tc * o * (1 - o); //                                       (4) do, (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Equations (1) to (4) over any algebra. */
const lstmEquations: CellEquations = (ops, { Wx, Wh, b }, x, { h: hPrev, c: cPrev }, H) => {
  const a = ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(hPrev, Wh)); //            (1)
  const i = ops.name('i', ops.sigmoid(ops.name('a_i', ops.sliceColumns(a, 0, H)))); //   (2)
  const f = ops.name('f', ops.sigmoid(ops.name('a_f', ops.sliceColumns(a, H, H))));
  const g = ops.name('g', ops.tanh(ops.name('a_g', ops.sliceColumns(a, 2 * H, H))));
  const o = ops.name('o', ops.sigmoid(ops.name('a_o', ops.sliceColumns(a, 3 * H, H))));
  const c = ops.name('c', ops.add(ops.mul(f, cPrev), ops.mul(i, g))); //                 (3)
  const h = ops.name('h', ops.mul(o, ops.name('tanh(c)', ops.tanh(c)))); //              (4)
  return { h, c };
};

/** What a forward pass needs of the LSTM. */
const forward: ForwardCell<LstmParams, LstmState, LstmSaved> = {
  name: 'lstm',
  gates: 4,
  states: ['h', 'c'],
  saved: { a: 4, tanhC: 1 },
  shapes: (D, H) => commonShapes(D, H, 4),
  stepForward: lstmStepForward,
};

/** The forward half of the LSTM, which is all that labeling needs. */
export const lstmForward: ForwardCell<LstmParams, LstmState, LstmSaved> = /* @__PURE__ */ builtIn(forward);

/** The LSTM cell, for `unroll` and the layers. */
export const lstm: Cell<LstmParams, LstmState, LstmSaved> = /* @__PURE__ */ lstmCell();

function lstmCell(): Cell<LstmParams, LstmState, LstmSaved> {
  return builtIn({
    ...forward,
    gateNames: ['i', 'f', 'g', 'o'],
    stepGrads: { da: 4 },
    quantities: [
      gateQuantity(2, 'i', 'input gate', 0, SIGMOID_RANGE),
      gateQuantity(2, 'f', 'forget gate', 1, SIGMOID_RANGE),
      gateQuantity(2, 'g', 'candidate', 2, TANH_RANGE),
      gateQuantity(2, 'o', 'output gate', 3, SIGMOID_RANGE),
      stateQuantity(3, 'c', 'cell state', UNBOUNDED),
      {
        ...{ symbol: 'tanh(c)', name: 'squashed cell state', equation: 4, range: TANH_RANGE },
        value: { in: 'saved', tensor: 'tanhC', block: 0 },
      },
      stateQuantity(4, 'h', 'hidden state', TANH_RANGE),
    ],
    initialize(D, H, rng, options = {}) {
      const params = initCommon(D, H, 4, rng, options);
      params.b.data.fill(options.forgetBias ?? 1, H, 2 * H);
      return { ...params, ...initStates(['h', 'c'], H, options) };
    },
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      lstmStepBackward(kernels, params, prev, saved, dNext, dPrev),
    weightGradients: (kernels, hPrev, { da }, grads) => kernels.addMatmulTA(grads.Wh, hPrev, da), //  (1)
    equations: lstmEquations,
  });
}
