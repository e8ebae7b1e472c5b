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
import { columns, rowStart } from '../tensor/view.js';
import type { Saved, Cell, CellParams, ForwardCell, State } from './cell.js';
import { builtIn } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import { gateQuantity, savedQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE } from './quantities.js';

/** Parameters: `Wx [D, 3H]`, `Wh [H, 3H]`, `b [3H]`, and, if it is learned, the initial state `h0 [H]`. */
export type GruResetBeforeParams = CellParams;

/** Saved per row: `a [3H]`, the gates r z n; `s [H]`. Left by the backward step: `da [3H]`, `ds [H]`. */
export interface GruResetBeforeSaved extends Saved {
  readonly a: Tensor;
  readonly s: Tensor;
  readonly da: Tensor;
  readonly ds: Tensor;
}

/** One step forward: equations (1) to (5). Shapes as in the header; `next` and the saved tensors are overwritten. */
export function gruResetBeforeStepForward(
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, s }: GruResetBeforeSaved,
  next: State,
): void {
  const { h } = next;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(h);

  kernels.addMatmul(columns(a, 0, 2 * H), prev.h, columns(Wh, 0, 2 * H)); //             (1)
  for (let b = 0; b < B; b++) {
    const ar = rowStart(a, b);
    const az = ar + H;
    const sNow = rowStart(s, b);
    const hPrev = rowStart(prev.h, b);
    for (let j = 0; j < H; j++) {
      a.data[ar + j] = sigmoid(a.data[ar + j]); //                                       (2)
      a.data[az + j] = sigmoid(a.data[az + j]);
      s.data[sNow + j] = a.data[ar + j] * prev.h.data[hPrev + j]; //                     (3)
    }
  }
  kernels.addMatmul(columns(a, 2 * H, H), s, columns(Wh, 2 * H, H)); //                  (4)
  for (let b = 0; b < B; b++) {
    const az = rowStart(a, b) + H;
    const an = az + H;
    const hNow = rowStart(h, b);
    const hPrev = rowStart(prev.h, b);
    for (let j = 0; j < H; j++) {
      const z = a.data[az + j];
      const n = tanh(a.data[an + j]); //                                                 (4)
      a.data[an + j] = n;
      h.data[hNow + j] = (1 - z) * n + z * prev.h.data[hPrev + j]; //                    (5)
    }
  }
}

/** The step in reverse: undoes (5) to (1). Leaves `da` and `ds`, adds to `dPrev`. */
export function gruResetBeforeStepBackward(
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, da, ds }: GruResetBeforeSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const az = rowStart(a, b) + H;
    const an = az + H;
    const daz = rowStart(da, b) + H;
    const dan = daz + H;
    const dsNow = rowStart(ds, b);
    const hPrev = rowStart(prev.h, b);
    const dhNow = rowStart(dNext.h, b);
    const dhPrev = rowStart(dPrev.h, b);
    for (let j = 0; j < H; j++) {
      const z = a.data[az + j];
      const n = a.data[an + j];
      const dh = dNext.h.data[dhNow + j];
      dPrev.h.data[dhPrev + j] += dh * z; //                                             (5)
      const dz = dh * (prev.h.data[hPrev + j] - n); //                                   (5)
      da.data[dan + j] = dh * (1 - z) * (1 - n * n); //                                  (5) dn, (4)
      da.data[daz + j] = dz * z * (1 - z); //                                            (2)
      ds.data[dsNow + j] = 0;
    }
  }
  kernels.addMatmulTB(ds, columns(da, 2 * H, H), columns(Wh, 2 * H, H)); //              (4)
  for (let b = 0; b < B; b++) {
    const ar = rowStart(a, b);
    const dar = rowStart(da, b);
    const dsNow = rowStart(ds, b);
    const hPrev = rowStart(prev.h, b);
    const dhPrev = rowStart(dPrev.h, b);
    for (let j = 0; j < H; j++) {
      const r = a.data[ar + j];
      dPrev.h.data[dhPrev + j] += ds.data[dsNow + j] * r; //                             (3)
      const dr = ds.data[dsNow + j] * prev.h.data[hPrev + j]; //                         (3)
      da.data[dar + j] = dr * r * (1 - r); //                                            (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, columns(da, 0, 2 * H), columns(Wh, 0, 2 * H)); //         (1)
}

/** Over all steps at once: `dWh_n += sᵀ·da_n` (4) and `dWh_rz += h'ᵀ·da_rz` (1). */
export function gruResetBeforeWeightGradients(
  kernels: Kernels,
  hPrev: Tensor,
  { s, da }: GruResetBeforeSaved,
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
  const a_r = ops.name('a_r', ops.add(ops.sliceColumns(a, 0, H), ops.sliceColumns(rz, 0, H)));
  const a_z = ops.name('a_z', ops.add(ops.sliceColumns(a, H, H), ops.sliceColumns(rz, H, H)));
  const r = ops.name('r', ops.sigmoid(a_r)); //                                          (2)
  const z = ops.name('z', ops.sigmoid(a_z));
  const s = ops.name('s', ops.mul(r, hPrev)); //                                         (3)
  const a_n = ops.add(ops.sliceColumns(a, 2 * H, H), ops.matmul(s, ops.sliceColumns(Wh, 2 * H, H)));
  const n = ops.name('n', ops.tanh(ops.name('a_n', a_n))); //                            (4)
  return { h: ops.name('h', ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev))) }; //  (5)
};

/** What a forward pass needs of the reset-before GRU. */
const forward: ForwardCell<GruResetBeforeParams, State, GruResetBeforeSaved> = {
  name: 'gru-reset-before',
  gates: 3,
  states: ['h'],
  saved: { a: 3, s: 1 },
  shapes: (D, H) => commonShapes(D, H, 3),
  stepForward: gruResetBeforeStepForward,
};

/** The forward half of the reset-before GRU, which is all that labeling needs. */
export const gruResetBeforeForward: ForwardCell<GruResetBeforeParams, State, GruResetBeforeSaved> =
  /* @__PURE__ */ builtIn(forward);

/** The reset-before GRU cell, for `unroll` and the layers. */
export const gruResetBefore: Cell<GruResetBeforeParams, State, GruResetBeforeSaved> =
  /* @__PURE__ */ gruResetBeforeCell();

function gruResetBeforeCell(): Cell<GruResetBeforeParams, State, GruResetBeforeSaved> {
  return builtIn({
    ...forward,
    gateNames: ['r', 'z', 'n'],
    stepGrads: { da: 3, ds: 1 },
    quantities: [
      gateQuantity(2, 'r', 'reset gate', 0, SIGMOID_RANGE),
      gateQuantity(2, 'z', 'update gate', 1, SIGMOID_RANGE),
      savedQuantity(3, 's', 'reset hidden state', 's', 0, TANH_RANGE),
      gateQuantity(4, 'n', 'candidate', 2, TANH_RANGE),
      stateQuantity(5, 'h', 'hidden state', TANH_RANGE),
    ],
    initialize: (D, H, rng, options) => ({ ...initCommon(D, H, 3, rng, options), ...initStates(['h'], H, options) }),
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      gruResetBeforeStepBackward(kernels, params, prev, saved, dNext, dPrev),
    weightGradients: gruResetBeforeWeightGradients,
    equations: gruResetBeforeEquations,
  });
}
