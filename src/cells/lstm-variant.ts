/**
 * The LSTM with every option that ONNX defines for it (https://onnx.ai/onnx/operators/onnx__LSTM.html), one step: peepholes (Gers
 * & Schmidhuber 2000), coupled input and forget gates (Greff et al. 2017), a clip before every activation, other activations.
 * Gate order i f g o; with coupled gates, i g o.
 *
 * Forward, κ(v) = v, or v within ±clip; σ, γ and φ are the activations of gates, candidate and output
 *   (1)  a = x·Wx + b + h'·Wh                               [B_t, G·H]   x·Wx + b is already in `a`
 *   (2)  a_i += p_i ∘ c'   a_f += p_f ∘ c'                  with peepholes
 *   (3)  i = σ(κ(a_i))   f = σ(κ(a_f)) or 1 − i   g = γ(κ(a_g))
 *   (4)  c = f ∘ c' + i ∘ g                                 [B_t, H]
 *   (5)  a_o += p_o ∘ c (with peepholes)   o = σ(κ(a_o))
 *   (6)  q = φ(κ(c))   h = o ∘ q                            [B_t, H]
 *
 * Backward, the same numbers in reverse; κ' is 1 inside of the clip, 0 outside
 *   (6)  do = dh ∘ q     dc += dh ∘ o ∘ φ'(κ(c)) ∘ κ'(c)
 *   (5)  da_o = do ∘ σ'(κ(a_o)) ∘ κ'(a_o)   dc += da_o ∘ p_o   and, over all steps at once,  dp_o += Σ da_o ∘ c
 *   (4)  di = dc ∘ g   df = dc ∘ c'   dg = dc ∘ i   dc' += dc ∘ f
 *   (3)  di −= df where gates are coupled   da_i = di ∘ σ'(κ(a_i)) ∘ κ'(a_i), da_f and da_g alike
 *   (2)  dc' += da_i ∘ p_i + da_f ∘ p_f     and, over all steps at once,  dp_i += Σ da_i ∘ c', dp_f alike
 *   (1)  dh' += da·Whᵀ                      and, over all steps at once,  dWh += h'ᵀ·da
 *
 * Kept for backward: a, on which the derivatives of some activations depend; the gates; q; and c' and c for the peepholes.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { ActivationOf } from './activations.js';
import type { CellParams, Saved } from './cell.js';
import { cut, slopeBehind } from './clip.js';
import type { LstmPlan } from './lstm-plan.js';
import type { LstmState } from './lstm.js';

/** Parameters: those of the LSTM, and with peepholes `p [3H]`, i f o (coupled `[2H]`, i o). */
export interface LstmVariantParams extends CellParams {
  readonly p: Tensor;
}

/** Saved per row: `a [G·H]`, `gates [G·H]`, `q [H]`; with peepholes `cells [2H]`, c' and c. */
export interface LstmVariantSaved extends Saved {
  readonly a: Tensor;
  readonly gates: Tensor;
  readonly q: Tensor;
  readonly cells: Tensor;
  readonly da: Tensor;
}

/** One step forward: equations (1) to (6). */
export function lstmVariantStepForward(
  plan: LstmPlan,
  kernels: Kernels,
  params: LstmVariantParams,
  prev: LstmState,
  saved: LstmVariantSaved,
  next: LstmState,
): void {
  const { peepholes, coupled, clip, gate, candidate, output, at } = plan;
  const { a, gates, q, cells } = saved;
  const { h, c } = next;
  const [B, H] = h.shape;
  const math = transcendentals(h);
  const p = peepholes ? peepholesOf(params.p, H, coupled) : undefined;

  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, qNow] = [rowStart(a, b), rowStart(gates, b), rowStart(q, b)];
    const [hNow, cNow, cPrev] = [rowStart(h, b), rowStart(c, b), rowStart(prev.c, b)];
    for (let j = 0; j < H; j++) {
      const [ai, af, ag, ao] = [aNow + at.i * H + j, aNow + at.f * H + j, aNow + at.g * H + j, aNow + at.o * H + j];
      const before = prev.c.data[cPrev + j];
      if (p) a.data[ai] += p.i(j) * before; //                                           (2)
      if (p && !coupled) a.data[af] += p.f(j) * before;
      const i = gate.value(math, cut(a.data[ai], clip)); //                              (3)
      const f = coupled ? 1 - i : gate.value(math, cut(a.data[af], clip));
      const g = candidate.value(math, cut(a.data[ag], clip));
      c.data[cNow + j] = f * before + i * g; //                                          (4)
      if (p) a.data[ao] += p.o(j) * c.data[cNow + j]; //                                 (5)
      const o = gate.value(math, cut(a.data[ao], clip));
      q.data[qNow + j] = output.value(math, cut(c.data[cNow + j], clip)); //             (6)
      h.data[hNow + j] = o * q.data[qNow + j];
      gates.data[gNow + at.f * H + j] = f;
      gates.data[gNow + at.i * H + j] = i;
      gates.data[gNow + at.g * H + j] = g;
      gates.data[gNow + at.o * H + j] = o;
      if (!p) continue;
      cells.data[rowStart(cells, b) + j] = before;
      cells.data[rowStart(cells, b) + H + j] = c.data[cNow + j];
    }
  }
}

/** The step in reverse: undoes (6) to (1). Leaves `da`, completes `dNext.c`, adds to `dPrev`. */
export function lstmVariantStepBackward(
  plan: LstmPlan,
  kernels: Kernels,
  params: LstmVariantParams,
  prev: LstmState,
  saved: LstmVariantSaved,
  next: LstmState,
  dNext: LstmState,
  dPrev: LstmState,
): void {
  const { peepholes, coupled, clip, gate, candidate, output, at } = plan;
  const { a, gates, q, da } = saved;
  const [B, H] = dNext.h.shape;
  const math = transcendentals(a);
  const p = peepholes ? peepholesOf(params.p, H, coupled) : undefined;
  const slope = (by: ActivationOf, v: number, y: number): number => slopeBehind(by, math, v, y, clip);
  for (let b = 0; b < B; b++) {
    const [aNow, gNow, qNow, daNow] = [rowStart(a, b), rowStart(gates, b), rowStart(q, b), rowStart(da, b)];
    const [cNow, cPrev, dhNow] = [rowStart(next.c, b), rowStart(prev.c, b), rowStart(dNext.h, b)];
    const [dcNow, dcPrev] = [rowStart(dNext.c, b), rowStart(dPrev.c, b)];
    for (let j = 0; j < H; j++) {
      const [ki, kf, kg, ko] = [at.i * H + j, at.f * H + j, at.g * H + j, at.o * H + j];
      const [i, g, o] = [gates.data[gNow + ki], gates.data[gNow + kg], gates.data[gNow + ko]];
      const f = coupled ? 1 - i : gates.data[gNow + kf];
      const [dh, c] = [dNext.h.data[dhNow + j], next.c.data[cNow + j]];
      const dO = dh * q.data[qNow + j]; //                                               (6)
      let dc = dNext.c.data[dcNow + j];
      dc += dh * o * slope(output, c, q.data[qNow + j]); //                              (6)
      da.data[daNow + ko] = dO * slope(gate, a.data[aNow + ko], o); //                   (5)
      if (p) dc += da.data[daNow + ko] * p.o(j); //                                      (5)
      dNext.c.data[dcNow + j] = dc;
      const df = dc * prev.c.data[cPrev + j]; //                                         (4)
      const di = dc * g - (coupled ? df : 0); //                                         (4), (3)
      dPrev.c.data[dcPrev + j] += dc * f; //                                             (4)
      da.data[daNow + kg] = dc * i * slope(candidate, a.data[aNow + kg], g); //          (4) dg, (3)
      if (!coupled) da.data[daNow + kf] = df * slope(gate, a.data[aNow + kf], f); //     (3)
      da.data[daNow + ki] = di * slope(gate, a.data[aNow + ki], i); //                   (3)
      if (p) dPrev.c.data[dcPrev + j] += da.data[daNow + ki] * p.i(j); //                (2)
      if (p && !coupled) dPrev.c.data[dcPrev + j] += da.data[daNow + kf] * p.f(j); //    (2)
    }
  }
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·da` (1), and the sums of the peepholes, (2) and (5). */
export function lstmVariantWeightGradients(
  { peepholes, coupled, at }: LstmPlan,
  kernels: Kernels,
  hPrev: Tensor,
  { da, cells }: LstmVariantSaved,
  grads: LstmVariantParams,
): void {
  kernels.addMatmulTA(grads.Wh, hPrev, da); //                                           (1)
  if (!peepholes) return;
  const { p } = grads;
  const [N, H] = hPrev.shape;
  const last = coupled ? 1 : 2;
  const add = (block: number, j: number, value: number): void => {
    p.data[p.offset + (block * H + j) * p.stride[0]] += value;
  };
  for (let n = 0; n < N; n++) {
    const [daNow, now] = [rowStart(da, n), rowStart(cells, n)];
    for (let j = 0; j < H; j++) {
      add(0, j, da.data[daNow + at.i * H + j] * cells.data[now + j]); //                 (2)
      if (!coupled) add(1, j, da.data[daNow + at.f * H + j] * cells.data[now + j]); //   (2)
      add(last, j, da.data[daNow + at.o * H + j] * cells.data[now + H + j]); //          (5)
    }
  }
}

/** The peepholes by gate, for any stride. */
function peepholesOf({ data, offset, stride }: Tensor, H: number, coupled: boolean) {
  const of = (block: number) => (j: number) => data[offset + (block * H + j) * stride[0]];
  return { i: of(0), f: of(1), o: of(coupled ? 1 : 2) };
}
