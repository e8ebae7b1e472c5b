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
 * Kept for backward: the gates r z n, and q, which the gradient of r needs. `da` and `du` differ in the n columns alone,
 * because r stands between the recurrent product and the pre-activation.
 *
 * Reading order: from autograd/unroll.ts, which calls these steps; next stop kernels/cpu/matmul1.ts, the product in them.
 */
import type { Kernels } from '../kernels/types.js';
import { zeros } from '../tensor/create.js';
import { transcendentals } from '../tensor/math.js';
import { addSumRows } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { columns, dtypeOf } from '../tensor/view.js';
import type { Cache, Cell, CellParams, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';

/** Parameters: `Wx [D, 3H]`, `Wh [H, 3H]`, `b [3H]`, `bn [H]`, and, where it is learned, the initial state `h0 [H]`. */
export interface GruParams extends CellParams {
  /** `[H]` bias inside the reset product, equation (3). */
  readonly bn: Tensor;
}

/** Kept per row: `a [3H]`, the gates r z n; `u [3H]`, its last third q. Left by the backward step: `da`, `du` `[3H]`. */
export interface GruCache extends Cache {
  readonly a: Tensor;
  readonly u: Tensor;
  readonly da: Tensor;
  readonly du: Tensor;
}

/** One step forward: equations (1) to (4). Shapes as in the header; `next` and the cache are overwritten. */
export function gruStepForward(
  kernels: Kernels,
  params: GruParams,
  prev: State,
  { a, u }: GruCache,
  next: State,
): void {
  const { h } = next;
  const { bn } = params;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(dtypeOf(h.data));

  kernels.addMatmul(u, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const uRow = u.offset + b * u.stride[0];
    const hRow = h.offset + b * h.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    for (let j = 0; j < H; j++) {
      // Sums go through the arrays, so that they are rounded to the element type before a function is taken of them.
      a.data[row + j] += u.data[uRow + j]; //                                            (2)
      a.data[row + H + j] += u.data[uRow + H + j];
      const r = sigmoid(a.data[row + j]);
      const z = sigmoid(a.data[row + H + j]);
      u.data[uRow + 2 * H + j] += bn.data[bn.offset + j * bn.stride[0]]; //              (3)
      a.data[row + 2 * H + j] += r * u.data[uRow + 2 * H + j];
      const n = tanh(a.data[row + 2 * H + j]);
      a.data[row + j] = r;
      a.data[row + H + j] = z;
      a.data[row + 2 * H + j] = n;
      h.data[hRow + j] = (1 - z) * n + z * prev.h.data[hPrevRow + j]; //                 (4)
    }
  }
}

/** The step in reverse: undoes (4) to (1). Leaves `da` and `du`, adds to `dPrev`. */
export function gruStepBackward(
  kernels: Kernels,
  params: GruParams,
  prev: State,
  { a, u, da, du }: GruCache,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const uRow = u.offset + b * u.stride[0];
    const daRow = da.offset + b * da.stride[0];
    const duRow = du.offset + b * du.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    const dhRow = dNext.h.offset + b * dNext.h.stride[0];
    const dhPrevRow = dPrev.h.offset + b * dPrev.h.stride[0];
    for (let j = 0; j < H; j++) {
      const r = a.data[row + j];
      const z = a.data[row + H + j];
      const n = a.data[row + 2 * H + j];
      const q = u.data[uRow + 2 * H + j];
      const dh = dNext.h.data[dhRow + j];
      dPrev.h.data[dhPrevRow + j] += dh * z; //                                          (4)
      const dz = dh * (prev.h.data[hPrevRow + j] - n); //                                (4)
      const dan = dh * (1 - z) * (1 - n * n); //                                         (4) dn, (3)
      const dar = dan * q * r * (1 - r); //                                              (3) dr, (2)
      const daz = dz * z * (1 - z); //                                                   (2)
      da.data[daRow + j] = dar;
      da.data[daRow + H + j] = daz;
      da.data[daRow + 2 * H + j] = dan;
      du.data[duRow + j] = dar;
      du.data[duRow + H + j] = daz;
      du.data[duRow + 2 * H + j] = dan * r; //                                           (3) dq
    }
  }
  kernels.addMatmulTB(dPrev.h, du, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·du` (1) and `dbn += Σ dq` (3), dq being the last third of `du`. */
export function gruCollect(kernels: Kernels, hPrev: Tensor, { du }: GruCache, grads: GruParams): void {
  const H = hPrev.shape[1];
  kernels.addMatmulTA(grads.Wh, hPrev, du); //                                           (1)
  addSumRows(grads.bn, columns(du, 2 * H, H)); //                                        (3)
}

/** Equations (1) to (4) over any algebra. */
const gruEquations: CellEquations = (ops, { Wx, Wh, b, bn }, x, { h: hPrev }, H) => {
  const a = ops.add(ops.matmul(x, Wx), b);
  const u = ops.matmul(hPrev, Wh); //                                                    (1)
  const r = ops.sigmoid(ops.add(ops.sliceColumns(a, 0, H), ops.sliceColumns(u, 0, H))); //  (2)
  const z = ops.sigmoid(ops.add(ops.sliceColumns(a, H, H), ops.sliceColumns(u, H, H)));
  const q = ops.add(ops.sliceColumns(u, 2 * H, H), bn); //                               (3)
  const n = ops.tanh(ops.add(ops.sliceColumns(a, 2 * H, H), ops.mul(r, q)));
  return { h: ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev)) }; //              (4)
};

/** The GRU as `autograd/unroll` sees it. */
export const gru: Cell<GruParams> = builtIn({
  name: 'gru',
  gates: 3,
  gateNames: ['r', 'z', 'n'],
  states: ['h'],
  kept: { a: 3, u: 3 },
  left: { da: 3, du: 3 },
  shapes: (D, H) => ({ ...commonShapes(D, H, 3), bn: [H] }),
  initialize: (D, H, rng, options) => ({
    ...initCommon(D, H, 3, rng, options),
    bn: zeros([H], options?.dtype ?? 'float32'),
    ...initStates(['h'], H, options),
  }),
  stepForward: (kernels, params, prev, cache, next) => gruStepForward(kernels, params, prev, cache as GruCache, next),
  stepBackward: (kernels, params, prev, cache, _next, dNext, dPrev) =>
    gruStepBackward(kernels, params, prev, cache as GruCache, dNext, dPrev),
  collect: (kernels, hPrev, cache, grads) => gruCollect(kernels, hPrev, cache as GruCache, grads),
  equations: gruEquations,
});
