/**
 * GRU with the reset gate *before* the recurrent product (Cho et al. 2014, equations 5–8; Chung et al. 2014), one step.
 * Gate order r z n. The usual form today is `gru.ts`; this one needs a second product inside the step.
 *
 * Forward
 *   (1)  a_rz += h'·Wh_rz                              [B_t, 2H]    x·Wx + b is already in `a`
 *   (2)  r = σ(a_r)   z = σ(a_z)                       2 × [B_t, H], written over `a`
 *   (3)  s = r ∘ h'                                    [B_t, H]
 *   (4)  n = tanh(a_n + s·Wh_n)                        [B_t, H]
 *   (5)  h = (1 − z) ∘ n + z ∘ h'                      [B_t, H]
 *
 * Backward, the same numbers in reverse
 *   (5)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *   (4)  da_n = dn ∘ (1 − n²)   ds = da_n·Wh_nᵀ   and, over all steps at once,  dWh_n += sᵀ·da_n
 *   (3)  dr = ds ∘ h'   dh' += ds ∘ r
 *   (2)  da_r = dr ∘ r(1 − r)   da_z = dz ∘ z(1 − z)
 *   (1)  dh' += da_rz·Wh_rzᵀ                      and, over all steps at once,  dWh_rz += h'ᵀ·da_rz
 *
 * Kept for backward: the gates r z n, and s, the left factor of dWh_n.
 *
 * Reading order: from autograd/unroll.ts, which calls these steps; next stop kernels/cpu/matmul1.ts, the product in them.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { columns, dtypeOf } from '../tensor/view.js';
import type { Cache, Cell, CellParams, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';

/** Parameters: `Wx [D, 3H]`, `Wh [H, 3H]`, `b [3H]`, and, where it is learned, the initial state `h0 [H]`. */
export type GruResetBeforeParams = CellParams;

/** Kept per row: `a [3H]`, the gates r z n; `s [H]`. Left by the backward step: `da [3H]`, `ds [H]`. */
export interface GruResetBeforeCache extends Cache {
  readonly a: Tensor;
  readonly s: Tensor;
  readonly da: Tensor;
  readonly ds: Tensor;
}

/** One step forward: equations (1) to (5). Shapes as in the header; `next` and the cache are overwritten. */
export function gruResetBeforeStepForward(
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, s }: GruResetBeforeCache,
  next: State,
): void {
  const { h } = next;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(dtypeOf(h.data));

  kernels.addMatmul(columns(a, 0, 2 * H), prev.h, columns(Wh, 0, 2 * H)); //             (1)
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const sRow = s.offset + b * s.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    for (let j = 0; j < H; j++) {
      a.data[row + j] = sigmoid(a.data[row + j]); //                                     (2)
      a.data[row + H + j] = sigmoid(a.data[row + H + j]);
      s.data[sRow + j] = a.data[row + j] * prev.h.data[hPrevRow + j]; //                 (3)
    }
  }
  kernels.addMatmul(columns(a, 2 * H, H), s, columns(Wh, 2 * H, H)); //                  (4)
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const hRow = h.offset + b * h.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    for (let j = 0; j < H; j++) {
      const z = a.data[row + H + j];
      const n = tanh(a.data[row + 2 * H + j]); //                                        (4)
      a.data[row + 2 * H + j] = n;
      h.data[hRow + j] = (1 - z) * n + z * prev.h.data[hPrevRow + j]; //                 (5)
    }
  }
}

/** The step in reverse: undoes (5) to (1). Leaves `da` and `ds`, adds to `dPrev`. */
export function gruResetBeforeStepBackward(
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, da, ds }: GruResetBeforeCache,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const daRow = da.offset + b * da.stride[0];
    const dsRow = ds.offset + b * ds.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    const dhRow = dNext.h.offset + b * dNext.h.stride[0];
    const dhPrevRow = dPrev.h.offset + b * dPrev.h.stride[0];
    for (let j = 0; j < H; j++) {
      const z = a.data[row + H + j];
      const n = a.data[row + 2 * H + j];
      const dh = dNext.h.data[dhRow + j];
      dPrev.h.data[dhPrevRow + j] += dh * z; //                                          (5)
      const dz = dh * (prev.h.data[hPrevRow + j] - n); //                                (5)
      da.data[daRow + 2 * H + j] = dh * (1 - z) * (1 - n * n); //                        (5) dn, (4)
      da.data[daRow + H + j] = dz * z * (1 - z); //                                      (2)
      ds.data[dsRow + j] = 0;
    }
  }
  kernels.addMatmulTB(ds, columns(da, 2 * H, H), columns(Wh, 2 * H, H)); //              (4)
  for (let b = 0; b < B; b++) {
    const row = a.offset + b * a.stride[0];
    const daRow = da.offset + b * da.stride[0];
    const dsRow = ds.offset + b * ds.stride[0];
    const hPrevRow = prev.h.offset + b * prev.h.stride[0];
    const dhPrevRow = dPrev.h.offset + b * dPrev.h.stride[0];
    for (let j = 0; j < H; j++) {
      const r = a.data[row + j];
      dPrev.h.data[dhPrevRow + j] += ds.data[dsRow + j] * r; //                          (3)
      const dr = ds.data[dsRow + j] * prev.h.data[hPrevRow + j]; //                      (3)
      da.data[daRow + j] = dr * r * (1 - r); //                                          (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, columns(da, 0, 2 * H), columns(Wh, 0, 2 * H)); //         (1)
}

/** Over all steps at once: `dWh_n += sᵀ·da_n` (4) and `dWh_rz += h'ᵀ·da_rz` (1). */
export function gruResetBeforeCollect(
  kernels: Kernels,
  hPrev: Tensor,
  { s, da }: GruResetBeforeCache,
  grads: GruResetBeforeParams,
): void {
  const H = hPrev.shape[1];
  kernels.addMatmulTA(columns(grads.Wh, 2 * H, H), s, columns(da, 2 * H, H)); //         (4)
  kernels.addMatmulTA(columns(grads.Wh, 0, 2 * H), hPrev, columns(da, 0, 2 * H)); //     (1)
}

/** Equations (1) to (5) over any algebra. */
const gruResetBeforeEquations: CellEquations = (ops, { Wx, Wh, b }, x, { h: hPrev }, H) => {
  const a = ops.add(ops.matmul(x, Wx), b);
  const rz = ops.matmul(hPrev, ops.sliceColumns(Wh, 0, 2 * H)); //                       (1)
  const r = ops.sigmoid(ops.add(ops.sliceColumns(a, 0, H), ops.sliceColumns(rz, 0, H))); //  (2)
  const z = ops.sigmoid(ops.add(ops.sliceColumns(a, H, H), ops.sliceColumns(rz, H, H)));
  const s = ops.mul(r, hPrev); //                                                        (3)
  const n = ops.tanh(ops.add(ops.sliceColumns(a, 2 * H, H), ops.matmul(s, ops.sliceColumns(Wh, 2 * H, H)))); //  (4)
  return { h: ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev)) }; //              (5)
};

/** The reset-before GRU as `autograd/unroll` sees it. */
export const gruResetBefore: Cell<GruResetBeforeParams> = builtIn({
  name: 'gru-reset-before',
  gates: 3,
  gateNames: ['r', 'z', 'n'],
  states: ['h'],
  kept: { a: 3, s: 1 },
  left: { da: 3, ds: 1 },
  shapes: (D, H) => commonShapes(D, H, 3),
  initialize: (D, H, rng, options) => ({ ...initCommon(D, H, 3, rng, options), ...initStates(['h'], H, options) }),
  stepForward: (kernels, params, prev, cache, next) =>
    gruResetBeforeStepForward(kernels, params, prev, cache as GruResetBeforeCache, next),
  stepBackward: (kernels, params, prev, cache, _next, dNext, dPrev) =>
    gruResetBeforeStepBackward(kernels, params, prev, cache as GruResetBeforeCache, dNext, dPrev),
  collect: (kernels, hPrev, cache, grads) => gruResetBeforeCollect(kernels, hPrev, cache as GruResetBeforeCache, grads),
  equations: gruResetBeforeEquations,
});
