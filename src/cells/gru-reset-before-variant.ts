/**
 * The GRU with the reset gate before the recurrent product, with any activations and a clip, as is ONNX's default
 * (https://onnx.ai/onnx/operators/onnx__GRU.html, `linear_before_reset = 0`), one step. Gate order r z n.
 *
 * Forward, κ(v) = v, or v within ±clip; σ and γ are the activations of gates and candidate
 *   (1)  a_rz += h'·Wh_rz                              [B_t, 2H]    x·Wx + b is already in `a`
 *   (2)  r = σ(κ(a_r))   z = σ(κ(a_z))                 2 × [B_t, H]
 *   (3)  s = r ∘ h'                                    [B_t, H]
 *   (4)  a_n += s·Wh_n   n = γ(κ(a_n))                 2 × [B_t, H]
 *   (5)  h = (1 − z) ∘ n + z ∘ h'                      [B_t, H]
 *
 * Backward, the same numbers in reverse; κ' is 1 inside of the clip, 0 outside
 *   (5)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *   (4)  da_n = dn ∘ γ'(κ(a_n)) ∘ κ'(a_n)   ds = da_n·Wh_nᵀ     and, over all steps at once,  dWh_n += sᵀ·da_n
 *   (3)  dr = ds ∘ h'   dh' += ds ∘ r
 *   (2)  da_r = dr ∘ σ'(κ(a_r)) ∘ κ'(a_r)   da_z, alike
 *   (1)  dh' += da_rz·Wh_rzᵀ                           and, over all steps at once,  dWh_rz += h'ᵀ·da_rz
 *
 * Kept for backward: a, on which the derivatives of some activations depend; the gates; s, the left factor of dWh_n.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { columns, rowStart } from '../tensor/view.js';
import type { State } from './cell.js';
import { cut, cutOver, slopeBehind } from './clip.js';
import type { CellEquations } from './equations.js';
import type { GruPlan } from './gru-plan.js';
import type { GruResetBeforeParams, GruResetBeforeSaved } from './gru-reset-before.js';
import type { Quantity } from './quantities.js';
import { gateQuantity, savedQuantity, stateQuantity, UNBOUNDED } from './quantities.js';

/** Saved per row: `a`, `gates` `[3H]`; `s [H]`. Left by the backward step: `da [3H]`, `ds [H]`. */
export interface GruResetBeforeVariantSaved extends GruResetBeforeSaved {
  readonly gates: Tensor;
}

/** One step forward: equations (1) to (5). */
export function gruResetBeforeVariantStepForward(
  { gate, candidate, clip }: GruPlan,
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, s, gates }: GruResetBeforeVariantSaved,
  { h }: State,
): void {
  const [B, H] = h.shape;
  const math = transcendentals(h);
  kernels.addMatmul(columns(a, 0, 2 * H), prev.h, columns(Wh, 0, 2 * H)); //             (1)
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, sNow, hPrev] = [a, gates, s, prev.h].map((x) => rowStart(x, b));
    for (let j = 0; j < 2 * H; j++) gates.data[gNow + j] = gate.value(math, cut(a.data[aNow + j], clip)); // (2)
    for (let j = 0; j < H; j++) s.data[sNow + j] = gates.data[gNow + j] * prev.h.data[hPrev + j]; // (3)
  }
  kernels.addMatmul(columns(a, 2 * H, H), s, columns(Wh, 2 * H, H)); //                  (4)
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, hNow, hPrev] = [a, gates, h, prev.h].map((x) => rowStart(x, b));
    for (let j = 0; j < H; j++) {
      const z = gates.data[gNow + H + j];
      const n = candidate.value(math, cut(a.data[aNow + 2 * H + j], clip)); //           (4)
      gates.data[gNow + 2 * H + j] = n;
      h.data[hNow + j] = (1 - z) * n + z * prev.h.data[hPrev + j]; //                    (5)
    }
  }
}

/** The step in reverse: undoes (5) to (1). Leaves `da` and `ds`, adds to `dPrev`. */
export function gruResetBeforeVariantStepBackward(
  { gate, candidate, clip }: GruPlan,
  kernels: Kernels,
  { Wh }: GruResetBeforeParams,
  prev: State,
  { a, gates, da, ds }: GruResetBeforeVariantSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  const math = transcendentals(a);
  const slope = (by: GruPlan['gate'], v: number, y: number): number => slopeBehind(by, math, v, y, clip);
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, daNow] = [a, gates, da].map((x) => rowStart(x, b));
    const [hPrev, dhNow, dhPrev] = [prev.h, dNext.h, dPrev.h].map((x) => rowStart(x, b));
    for (let j = 0; j < H; j++) {
      const [kz, kn] = [H + j, 2 * H + j];
      const [z, n, dh] = [gates.data[gNow + kz], gates.data[gNow + kn], dNext.h.data[dhNow + j]];
      dPrev.h.data[dhPrev + j] += dh * z; //                                             (5)
      const dz = dh * (prev.h.data[hPrev + j] - n); //                                   (5)
      da.data[daNow + kn] = dh * (1 - z) * slope(candidate, a.data[aNow + kn], n); //    (5) dn, (4)
      da.data[daNow + kz] = dz * slope(gate, a.data[aNow + kz], z); //                   (2)
    }
  }
  fill(ds, 0);
  kernels.addMatmulTB(ds, columns(da, 2 * H, H), columns(Wh, 2 * H, H)); //              (4)
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, daNow, dsNow] = [a, gates, da, ds].map((x) => rowStart(x, b));
    const [hPrev, dhPrev] = [rowStart(prev.h, b), rowStart(dPrev.h, b)];
    for (let j = 0; j < H; j++) {
      const r = gates.data[gNow + j];
      dPrev.h.data[dhPrev + j] += ds.data[dsNow + j] * r; //                             (3)
      const dr = ds.data[dsNow + j] * prev.h.data[hPrev + j]; //                         (3)
      da.data[daNow + j] = dr * slope(gate, a.data[aNow + j], r); //                     (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, columns(da, 0, 2 * H), columns(Wh, 0, 2 * H)); //         (1)
}

/** Equations (1) to (5) over any algebra. */
export const gruResetBeforeVariantEquations = ({ gate, candidate, clip }: GruPlan): CellEquations => {
  return (ops, { Wx, Wh, b }, x, { h: hPrev }, H) => {
    const a = ops.add(ops.matmul(x, Wx), b);
    const recurrent = (of: typeof x, k: number) => ops.matmul(of, ops.sliceColumns(Wh, k * H, H));
    const act = (by: GruPlan['gate'], symbol: string, k: number, of: typeof x) => {
      const v = ops.name(`a_${symbol}`, ops.add(ops.sliceColumns(a, k * H, H), recurrent(of, k))); //  (1), (4)
      return ops.name(symbol, by.over(ops, cutOver(ops, v, clip)));
    };
    const [r, z] = [act(gate, 'r', 0, hPrev), act(gate, 'z', 1, hPrev)]; //              (2)
    const s = ops.name('s', ops.mul(r, hPrev)); //                                       (3)
    const n = act(candidate, 'n', 2, s); //                                              (4)
    return { h: ops.name('h', ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev))) }; //  (5)
  };
};

/** What the step computes, in the order of its equations. */
export const gruResetBeforeVariantQuantities = ({ gate, candidate }: GruPlan): Quantity[] => [
  gateQuantity(2, 'r', 'reset gate', 0, gate.range, 'gates'),
  gateQuantity(2, 'z', 'update gate', 1, gate.range, 'gates'),
  savedQuantity(3, 's', 'reset hidden state', 's', 0, UNBOUNDED),
  gateQuantity(4, 'n', 'candidate', 2, candidate.range, 'gates'),
  stateQuantity(5, 'h', 'hidden state', UNBOUNDED),
];
