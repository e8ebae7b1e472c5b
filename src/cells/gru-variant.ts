/**
 * The GRU with any activations and a clip, as in ONNX with `linear_before_reset = 1`
 * (https://onnx.ai/onnx/operators/onnx__GRU.html): reset gate after the recurrent product, one step. Gate order r z n. Its other
 * form is `gru-reset-before-variant.ts`.
 *
 * Forward, κ(v) = v, or v within ±clip; σ and γ are the activations of gates and candidate
 *   (1)  u = h'·Wh                                          [B_t, 3H]    x·Wx + b is already in `a`
 *   (2)  a_r += u_r   a_z += u_z   r = σ(κ(a_r))   z = σ(κ(a_z))         2 × [B_t, H]
 *   (3)  q = u_n + bn   a_n += r ∘ q   n = γ(κ(a_n))        2 × [B_t, H], q written over `u`
 *   (4)  h = (1 − z) ∘ n + z ∘ h'                           [B_t, H]
 *
 * Backward, the same numbers in reverse; κ' is 1 inside of the clip, 0 outside
 *   (4)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *   (3)  da_n = dn ∘ γ'(κ(a_n)) ∘ κ'(a_n)   dr = da_n ∘ q   du_n = dq = da_n ∘ r     over all steps at once:  dbn += Σ dq
 *   (2)  da_r = du_r = dr ∘ σ'(κ(a_r)) ∘ κ'(a_r)   da_z = du_z, alike
 *   (1)  dh' += du·Whᵀ                                      and, over all steps at once,  dWh += h'ᵀ·du
 *
 * Kept for backward: a, on which the derivatives of some activations depend; the gates; q.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { State } from './cell.js';
import { cut, cutOver, slopeBehind } from './clip.js';
import type { CellEquations } from './equations.js';
import type { GruPlan } from './gru-plan.js';
import type { GruParams, GruSaved } from './gru.js';
import type { Quantity } from './quantities.js';
import { gateQuantity, savedQuantity, stateQuantity, UNBOUNDED } from './quantities.js';

/** Saved per row: `a`, `u`, `gates` `[3H]`. Left by the backward step: `da`, `du` `[3H]`. */
export interface GruVariantSaved extends GruSaved {
  readonly gates: Tensor;
}

/** One step forward: equations (1) to (4). */
export function gruVariantStepForward(
  { gate, candidate, clip }: GruPlan,
  kernels: Kernels,
  { Wh, bn }: GruParams,
  prev: State,
  { a, u, gates }: GruVariantSaved,
  { h }: State,
): void {
  const [B, H] = h.shape;
  const math = transcendentals(h);
  kernels.addMatmul(u, prev.h, Wh); //                                                   (1)
  for (let b = 0; b < B; b++) {
    const [ar, ur, gNow, hNow, hPrev] = [a, u, gates, h, prev.h].map((x) => rowStart(x, b));
    const [az, an, uz, q] = [ar + H, ar + 2 * H, ur + H, ur + 2 * H];
    for (let j = 0; j < H; j++) {
      a.data[ar + j] += u.data[ur + j]; //                                               (2)
      a.data[az + j] += u.data[uz + j];
      const r = gate.value(math, cut(a.data[ar + j], clip));
      const z = gate.value(math, cut(a.data[az + j], clip));
      u.data[q + j] += bn.data[bn.offset + j * bn.stride[0]]; //                         (3)
      a.data[an + j] += r * u.data[q + j];
      const n = candidate.value(math, cut(a.data[an + j], clip));
      h.data[hNow + j] = (1 - z) * n + z * prev.h.data[hPrev + j]; //                    (4)
      gates.data[gNow + j] = r;
      gates.data[gNow + H + j] = z;
      gates.data[gNow + 2 * H + j] = n;
    }
  }
}

/** The step in reverse: undoes (4) to (1). Leaves `da` and `du`, adds to `dPrev`. */
export function gruVariantStepBackward(
  { gate, candidate, clip }: GruPlan,
  kernels: Kernels,
  { Wh }: GruParams,
  prev: State,
  { a, u, gates, da, du }: GruVariantSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  const math = transcendentals(a);
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, daNow, duNow] = [a, gates, da, du].map((x) => rowStart(x, b));
    const [hPrev, dhNow, dhPrev, q] = [...[prev.h, dNext.h, dPrev.h].map((x) => rowStart(x, b)), rowStart(u, b) + 2 * H]; // prettier-ignore
    for (let j = 0; j < H; j++) {
      const [kr, kz, kn] = [j, H + j, 2 * H + j];
      const [r, z, n] = [gates.data[gNow + kr], gates.data[gNow + kz], gates.data[gNow + kn]];
      const dh = dNext.h.data[dhNow + j];
      dPrev.h.data[dhPrev + j] += dh * z; //                                             (4)
      const dz = dh * (prev.h.data[hPrev + j] - n); //                                   (4)
      const da_n = dh * (1 - z) * slopeBehind(candidate, math, a.data[aNow + kn], n, clip); // (4) dn, (3)
      const dr = da_n * u.data[q + j]; //                                                (3)
      const da_r = dr * slopeBehind(gate, math, a.data[aNow + kr], r, clip); //          (2)
      const da_z = dz * slopeBehind(gate, math, a.data[aNow + kz], z, clip); //          (2)
      da.data[daNow + kr] = da_r;
      da.data[daNow + kz] = da_z;
      da.data[daNow + kn] = da_n;
      du.data[duNow + kr] = da_r;
      du.data[duNow + kz] = da_z;
      du.data[duNow + kn] = da_n * r; //                                                 (3) dq
    }
  }
  kernels.addMatmulTB(dPrev.h, du, Wh); //                                               (1)
}

/** Equations (1) to (4) over any algebra. */
export const gruVariantEquations = ({ gate, candidate, clip }: GruPlan): CellEquations => {
  return (ops, { Wx, Wh, b, bn }, x, { h: hPrev }, H) => {
    const a = ops.add(ops.matmul(x, Wx), b);
    const u = ops.matmul(hPrev, Wh); //                                                  (1)
    const u_r = ops.name('u_r', ops.sliceColumns(u, 0, H));
    const u_z = ops.name('u_z', ops.sliceColumns(u, H, H));
    const act = (by: GruPlan['gate'], symbol: string, v: typeof x) =>
      ops.name(symbol, by.over(ops, cutOver(ops, ops.name(`a_${symbol}`, v), clip)));
    const r = act(gate, 'r', ops.add(ops.sliceColumns(a, 0, H), u_r)); //                (2)
    const z = act(gate, 'z', ops.add(ops.sliceColumns(a, H, H), u_z));
    const q = ops.name('q', ops.add(ops.sliceColumns(u, 2 * H, H), bn)); //              (3)
    const n = act(candidate, 'n', ops.add(ops.sliceColumns(a, 2 * H, H), ops.mul(r, q)));
    return { h: ops.name('h', ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev))) }; //  (4)
  };
};

/** What the step computes, in the order of its equations. */
export const gruVariantQuantities = ({ gate, candidate }: GruPlan): Quantity[] => [
  savedQuantity(1, 'u_r', 'recurrent part of the reset gate', 'u', 0, UNBOUNDED),
  savedQuantity(1, 'u_z', 'recurrent part of the update gate', 'u', 1, UNBOUNDED),
  gateQuantity(2, 'r', 'reset gate', 0, gate.range, 'gates'),
  gateQuantity(2, 'z', 'update gate', 1, gate.range, 'gates'),
  savedQuantity(3, 'q', 'recurrent part of the candidate', 'u', 2, UNBOUNDED),
  gateQuantity(3, 'n', 'candidate', 2, candidate.range, 'gates'),
  stateQuantity(4, 'h', 'hidden state', UNBOUNDED),
];
