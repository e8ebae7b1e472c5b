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
 * Kept for backward: the gates i f g o, because every factor above is a function of them; tanh(c), to spare its
 * recomputation; c and c' are in the states.
 *
 * Reading order: from autograd/unroll.ts, which calls these steps; next stop kernels/cpu/matmul1.ts, the product in them.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import type { Cache, Cell, CellParams, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';

/** Parameters: `Wx [D, 4H]`, `Wh [H, 4H]`, `b [4H]`, and, where they are learned, the initial states `h0`, `c0` `[H]`. */
export type LstmParams = CellParams;

/** Hidden state and cell state, both `[B_t, H]`. */
export interface LstmState extends State {
  readonly c: Tensor;
}

/** Kept per row: `a [4H]`, the gates i f g o; `tanhC [H]`. Left by the backward step: `da [4H]`. */
export interface LstmCache extends Cache {
  readonly a: Tensor;
  readonly tanhC: Tensor;
  readonly da: Tensor;
}

/** One step forward: equations (1) to (4). Shapes as in the header; `next` and the cache are overwritten. */
export function lstmStepForward(
  kernels: Kernels,
  params: LstmParams,
  prev: LstmState,
  { a, tanhC }: LstmCache,
  next: LstmState,
): void {
  const { h, c } = next;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(dtypeOf(h.data));

  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const hRow = h.offset + b * h.stride[0];
    const cRow = c.offset + b * c.stride[0];
    const cPrevRow = prev.c.offset + b * prev.c.stride[0];
    const tanhRow = tanhC.offset + b * tanhC.stride[0];
    for (let j = 0; j < H; j++) {
      const i = sigmoid(a.data[row + j]); //                                             (2)
      const f = sigmoid(a.data[row + H + j]);
      const g = tanh(a.data[row + 2 * H + j]);
      const o = sigmoid(a.data[row + 3 * H + j]);
      a.data[row + j] = i;
      a.data[row + H + j] = f;
      a.data[row + 2 * H + j] = g;
      a.data[row + 3 * H + j] = o;
      c.data[cRow + j] = f * prev.c.data[cPrevRow + j] + i * g; //                       (3)
      const tc = tanh(c.data[cRow + j]);
      tanhC.data[tanhRow + j] = tc;
      h.data[hRow + j] = o * tc; //                                                      (4)
    }
  }
}

/** The step in reverse: undoes (4) to (1). Leaves `da`, completes `dNext.c`, adds to `dPrev`. */
export function lstmStepBackward(
  kernels: Kernels,
  params: LstmParams,
  prev: LstmState,
  { a, tanhC, da }: LstmCache,
  dNext: LstmState,
  dPrev: LstmState,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const daRow = da.offset + b * da.stride[0];
    const tanhRow = tanhC.offset + b * tanhC.stride[0];
    const cPrevRow = prev.c.offset + b * prev.c.stride[0];
    const dhRow = dNext.h.offset + b * dNext.h.stride[0];
    const dcRow = dNext.c.offset + b * dNext.c.stride[0];
    const dcPrevRow = dPrev.c.offset + b * dPrev.c.stride[0];
    for (let j = 0; j < H; j++) {
      const i = a.data[row + j];
      const f = a.data[row + H + j];
      const g = a.data[row + 2 * H + j];
      const o = a.data[row + 3 * H + j];
      const tc = tanhC.data[tanhRow + j];
      const dh = dNext.h.data[dhRow + j];
      const dc = dNext.c.data[dcRow + j] + dh * o * (1 - tc * tc); //                    (4)
      dNext.c.data[dcRow + j] = dc;
      dPrev.c.data[dcPrevRow + j] += dc * f; //                                          (3)
      da.data[daRow + j] = dc * g * i * (1 - i); //                                      (3) di, (2)
      da.data[daRow + H + j] = dc * prev.c.data[cPrevRow + j] * f * (1 - f); //          (3) df, (2)
      da.data[daRow + 2 * H + j] = dc * i * (1 - g * g); //                              (3) dg, (2)
      da.data[daRow + 3 * H + j] = dh * tc * o * (1 - o); //                             (4) do, (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Equations (1) to (4) over any algebra. */
const lstmEquations: CellEquations = (ops, { Wx, Wh, b }, x, { h: hPrev, c: cPrev }, H) => {
  const a = ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(hPrev, Wh)); //            (1)
  const i = ops.sigmoid(ops.sliceColumns(a, 0, H)); //                                   (2)
  const f = ops.sigmoid(ops.sliceColumns(a, H, H));
  const g = ops.tanh(ops.sliceColumns(a, 2 * H, H));
  const o = ops.sigmoid(ops.sliceColumns(a, 3 * H, H));
  const c = ops.add(ops.mul(f, cPrev), ops.mul(i, g)); //                                (3)
  return { h: ops.mul(o, ops.tanh(c)), c }; //                                           (4)
};

/** The LSTM as `autograd/unroll` sees it. */
export const lstm: Cell<LstmParams> = builtIn({
  name: 'lstm',
  gates: 4,
  gateNames: ['i', 'f', 'g', 'o'],
  states: ['h', 'c'],
  kept: { a: 4, tanhC: 1 },
  left: { da: 4 },
  shapes: (D, H) => commonShapes(D, H, 4),
  initialize(D, H, rng, options = {}) {
    const params = initCommon(D, H, 4, rng, options);
    params.b.data.fill(options.forgetBias ?? 1, H, 2 * H);
    return { ...params, ...initStates(['h', 'c'], H, options) };
  },
  stepForward: (kernels, params, prev, cache, next) =>
    lstmStepForward(kernels, params, prev as LstmState, cache as LstmCache, next as LstmState),
  stepBackward: (kernels, params, prev, cache, _next, dNext, dPrev) =>
    lstmStepBackward(kernels, params, prev as LstmState, cache as LstmCache, dNext as LstmState, dPrev as LstmState),
  collect: (kernels, hPrev, cache, grads) => kernels.addMatmulTA(grads.Wh, hPrev, cache.da), //    (1)
  equations: lstmEquations,
});
