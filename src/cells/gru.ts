/**
 * GRU (Cho et al. 2014), reset gate *after* the recurrent product (cuDNN, PyTorch), one step. Gate order r z n.
 * Chung's and Cho's own form, reset before the product, is `gru-reset-before.ts`.
 *
 * Forward
 *   (1)  u = h'·Wh                                     [B_t, 3H]    x·Wx + b is already in `a`
 *   (2)  r = σ(a_r + u_r)   z = σ(a_z + u_z)           2 × [B_t, H], written over `a`
 *   (3)  q = u_n + bn       n = tanh(a_n + r ∘ q)      2 × [B_t, H], written over `u` and `a`
 *   (4)  h = (1 − z) ∘ n + z ∘ h'                      [B_t, H]
 *
 * Backward, the same numbers in reverse
 *   (4)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *   (3)  da_n = dn ∘ (1 − n²)   dr = da_n ∘ q   du_n = dq = da_n ∘ r   and, over all steps at once,  dbn += Σ dq
 *   (2)  da_r = du_r = dr ∘ r(1 − r)   da_z = du_z = dz ∘ z(1 − z)
 *   (1)  dh' += du·Whᵀ          and, over all steps at once,  dWh += h'ᵀ·du
 *
 * Kept for backward: the gates r z n, and q, which the gradient of r needs. `da` and `du` differ only in the n columns, because r
 * stands between the recurrent product and the pre-activation.
 *
 * Reading order: from autograd/unroll.ts, which calls these steps; next stop kernels/cpu/matmul1.ts, the product in them.
 */
import type { Kernels } from '../kernels/types.js';
import { zeros } from '../tensor/create.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { columns, rowStart } from '../tensor/view.js';
import type { Saved, Cell, CellParams, ForwardCell, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import { gateQuantity, savedQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

/** Parameters: `Wx [D, 3H]`, `Wh [H, 3H]`, `b [3H]`, `bn [H]`, and, if it is learned, the initial state `h0 [H]`. */
export interface GruParams extends CellParams {
  /** `[H]` bias inside the reset product, equation (3). */
  readonly bn: Tensor;
}

/** Saved per row: `a [3H]`, the gates r z n; `u [3H]`, its last third q. Left by the backward step: `da`, `du` `[3H]`. */
export interface GruSaved extends Saved {
  readonly a: Tensor;
  readonly u: Tensor;
  readonly da: Tensor;
  readonly du: Tensor;
}

/** One step forward: equations (1) to (4). Shapes as in the header; `next` and the saved tensors are overwritten. */
export function gruStepForward(
  kernels: Kernels,
  params: GruParams,
  prev: State,
  { a, u }: GruSaved,
  next: State,
): void {
  const { h } = next;
  const { bn } = params;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(h);

  kernels.addMatmul(u, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const ar = rowStart(a, b);
    const az = ar + H;
    const an = az + H;
    const ur = rowStart(u, b);
    const uz = ur + H;
    const q = uz + H;
    const hNow = rowStart(h, b);
    const hPrev = rowStart(prev.h, b);
    for (let j = 0; j < H; j++) {
      // Sums go through the arrays, so that they are rounded to the element type before a function is applied.
      a.data[ar + j] += u.data[ur + j]; //                                               (2)
      a.data[az + j] += u.data[uz + j];
      const r = sigmoid(a.data[ar + j]);
      const z = sigmoid(a.data[az + j]);
      u.data[q + j] += bn.data[bn.offset + j * bn.stride[0]]; //                         (3)
      a.data[an + j] += r * u.data[q + j];
      const n = tanh(a.data[an + j]);
      a.data[ar + j] = r;
      a.data[az + j] = z;
      a.data[an + j] = n;
      h.data[hNow + j] = (1 - z) * n + z * prev.h.data[hPrev + j]; //                    (4)
    }
  }
}

/** The step in reverse: undoes (4) to (1). Leaves `da` and `du`, adds to `dPrev`. */
export function gruStepBackward(
  kernels: Kernels,
  params: GruParams,
  prev: State,
  { a, u, da, du }: GruSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const ar = rowStart(a, b);
    const az = ar + H;
    const an = az + H;
    const un = rowStart(u, b) + 2 * H;
    const dar = rowStart(da, b);
    const daz = dar + H;
    const dan = daz + H;
    const dur = rowStart(du, b);
    const duz = dur + H;
    const dq = duz + H;
    const hPrev = rowStart(prev.h, b);
    const dhNow = rowStart(dNext.h, b);
    const dhPrev = rowStart(dPrev.h, b);
    for (let j = 0; j < H; j++) {
      const r = a.data[ar + j];
      const z = a.data[az + j];
      const n = a.data[an + j];
      const q = u.data[un + j];
      const dh = dNext.h.data[dhNow + j];
      dPrev.h.data[dhPrev + j] += dh * z; //                                             (4)
      const dz = dh * (prev.h.data[hPrev + j] - n); //                                   (4)
      const da_n = dh * (1 - z) * (1 - n * n); //                                        (4) dn, (3)
      const da_r = da_n * q * r * (1 - r); //                                            (3) dr, (2)
      const da_z = dz * z * (1 - z); //                                                  (2)
      da.data[dar + j] = da_r;
      da.data[daz + j] = da_z;
      da.data[dan + j] = da_n;
      du.data[dur + j] = da_r;
      du.data[duz + j] = da_z;
      du.data[dq + j] = da_n * r; //                                                     (3) dq
    }
  }
  kernels.addMatmulTB(dPrev.h, du, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·du` (1) and `dbn += Σ dq` (3), dq being the last third of `du`. */
export function gruWeightGradients(kernels: Kernels, hPrev: Tensor, { du }: GruSaved, grads: GruParams): void {
  const H = hPrev.shape[1];
  kernels.addMatmulTA(grads.Wh, hPrev, du); //                                           (1)
  kernels.rows.addSumRows(grads.bn, columns(du, 2 * H, H)); //                           (3)
}

/** Equations (1) to (4) over any algebra. */
const gruEquations: CellEquations = (ops, { Wx, Wh, b, bn }, x, { h: hPrev }, H) => {
  const a = ops.add(ops.matmul(x, Wx), b);
  const u = ops.matmul(hPrev, Wh); //                                                    (1)
  const u_r = ops.name('u_r', ops.sliceColumns(u, 0, H));
  const u_z = ops.name('u_z', ops.sliceColumns(u, H, H));
  const r = ops.name('r', ops.sigmoid(ops.name('a_r', ops.add(ops.sliceColumns(a, 0, H), u_r)))); //  (2)
  const z = ops.name('z', ops.sigmoid(ops.name('a_z', ops.add(ops.sliceColumns(a, H, H), u_z))));
  const q = ops.name('q', ops.add(ops.sliceColumns(u, 2 * H, H), bn)); //                (3)
  const n = ops.name('n', ops.tanh(ops.name('a_n', ops.add(ops.sliceColumns(a, 2 * H, H), ops.mul(r, q)))));
  return { h: ops.name('h', ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev))) }; //  (4)
};

/** What a forward pass needs of the GRU. */
const forward: ForwardCell<GruParams, State, GruSaved> = {
  name: 'gru',
  gates: 3,
  states: ['h'],
  saved: { a: 3, u: 3 },
  shapes: (D, H) => ({ ...commonShapes(D, H, 3), bn: [H] }),
  stepForward: gruStepForward,
};

/** The forward half of the GRU, which is all that labeling needs. */
export const gruForward: ForwardCell<GruParams, State, GruSaved> = /* @__PURE__ */ builtIn(forward);

/** The GRU cell, for `unroll` and the layers. */
export const gru: Cell<GruParams, State, GruSaved> = /* @__PURE__ */ gruCell();

function gruCell(): Cell<GruParams, State, GruSaved> {
  return builtIn({
    ...forward,
    gateNames: ['r', 'z', 'n'],
    stepGrads: { da: 3, du: 3 },
    quantities: [
      savedQuantity(1, 'u_r', 'recurrent part of the reset gate', 'u', 0, UNBOUNDED),
      savedQuantity(1, 'u_z', 'recurrent part of the update gate', 'u', 1, UNBOUNDED),
      gateQuantity(2, 'r', 'reset gate', 0, SIGMOID_RANGE),
      gateQuantity(2, 'z', 'update gate', 1, SIGMOID_RANGE),
      savedQuantity(3, 'q', 'recurrent part of the candidate', 'u', 2, UNBOUNDED),
      gateQuantity(3, 'n', 'candidate', 2, TANH_RANGE),
      stateQuantity(4, 'h', 'hidden state', TANH_RANGE),
    ],
    initialize: (D, H, rng, options) => ({
      ...initCommon(D, H, 3, rng, options),
      bn: zeros([H], options?.dtype ?? 'float32'),
      ...initStates(['h'], H, options),
    }),
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      gruStepBackward(kernels, params, prev, saved, dNext, dPrev),
    weightGradients: gruWeightGradients,
    equations: gruEquations,
  });
}
