/**
 * LSTM with a recurrent projection (Sak, Senior & Beaufays 2014, LSTMP, without peepholes; PyTorch's `proj_size`), one step. The cell
 * state is k times as wide as the hidden state, which is a linear map of what a plain LSTM would output. Gate order i f g o. H is
 * the size of the hidden state, which is both the output and the recurrent input. The cell state is kept as k states of H
 * numbers, c1 … ck.
 *
 * Forward
 *   (1)  a = x·Wx + b + h'·Wh                          [B_t, 4kH]   x·Wx + b is already in `a`
 *   (2)  i = σ(a_i)  f = σ(a_f)  g = tanh(a_g)  o = σ(a_o)     4 × [B_t, kH], written over `a`
 *   (3)  c = f ∘ c' + i ∘ g                            [B_t, kH]
 *   (4)  q = tanh(c)   m = o ∘ q                       2 × [B_t, kH]
 *   (5)  h = m·Wr                                      [B_t, H]
 *
 * Backward, the same numbers in reverse
 *   (5)  dm = dh·Wrᵀ             and, over all steps at once,  dWr += mᵀ·dh
 *   (4)  do = dm ∘ q   dc += dm ∘ o ∘ (1 − q²)
 *   (3)  df = dc ∘ c'   di = dc ∘ g   dg = dc ∘ i   dc' += dc ∘ f
 *   (2)  da_i = di ∘ i(1 − i)   da_f = df ∘ f(1 − f)   da_g = dg ∘ (1 − g²)   da_o = do ∘ o(1 − o)
 *   (1)  dh' += da·Whᵀ           and, over all steps at once,  dWh += h'ᵀ·da
 *
 * Kept for backward: the gates, q and m; and of the backward step dh, for dWr.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { CellParams, Saved, State } from './cell.js';
import type { Algebra, CellEquations } from './equations.js';

/** Parameters: `Wx [D, 4kH]`, `Wh [H, 4kH]`, `b [4kH]`, `Wr [kH, H]`, and, if they are learned, `h0`, `c10`, … `[H]`. */
export interface LstmProjectionParams extends CellParams {
  readonly Wr: Tensor;
}

/** Saved per row: `a [4kH]`, the gates; `q`, `m` `[kH]`. Left by the backward step: `da [4kH]`, `dm [kH]`, `dout [H]`, a copy of dh. */
export interface LstmProjectionSaved extends Saved {
  readonly a: Tensor;
  readonly q: Tensor;
  readonly m: Tensor;
  readonly da: Tensor;
  readonly dm: Tensor;
  readonly dout: Tensor;
}

/** `c1 … ck`. */
export const cellStates = (k: number): string[] => Array.from({ length: k }, (_, s) => `c${s + 1}`);

/** One step forward: equations (1) to (5). */
export function lstmProjectionStepForward(
  k: number,
  kernels: Kernels,
  params: LstmProjectionParams,
  prev: State,
  { a, q, m }: LstmProjectionSaved,
  next: State,
): void {
  const [B, H] = next.h.shape;
  const { sigmoid, tanh } = transcendentals(a);
  const width = k * H;

  kernels.addMatmul(a, prev.h, params.Wh); //                                            (1)
  cellStates(k).forEach((name, s) => {
    const [c, cBefore] = [next[name], prev[name]];
    for (let b = 0; b < B; b++) {
      const [cNow, cPrev, mNow] = [rowStart(c, b), rowStart(cBefore, b), rowStart(m, b) + s * H];
      const [ai, qNow] = [rowStart(a, b) + s * H, rowStart(q, b) + s * H];
      const [af, ag, ao] = [ai + width, ai + 2 * width, ai + 3 * width];
      for (let j = 0; j < H; j++) {
        a.data[ai + j] = sigmoid(a.data[ai + j]); //                                     (2)
        a.data[af + j] = sigmoid(a.data[af + j]);
        a.data[ag + j] = tanh(a.data[ag + j]);
        a.data[ao + j] = sigmoid(a.data[ao + j]);
        c.data[cNow + j] = a.data[af + j] * cBefore.data[cPrev + j] + a.data[ai + j] * a.data[ag + j]; // (3)
        q.data[qNow + j] = tanh(c.data[cNow + j]); //                                    (4)
        m.data[mNow + j] = a.data[ao + j] * q.data[qNow + j];
      }
    }
  });
  fill(next.h, 0);
  kernels.addMatmul(next.h, m, params.Wr); //                                            (5)
}

/** The step in reverse: undoes (5) to (1). Leaves `da` and its companions, completes every `dNext.c…`, adds to `dPrev`. */
export function lstmProjectionStepBackward(
  k: number,
  kernels: Kernels,
  params: LstmProjectionParams,
  prev: State,
  { a, q, da, dm, dout }: LstmProjectionSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  const width = k * H;
  copyRows(dout, dNext.h);
  kernels.addMatmulTB(dm, dNext.h, params.Wr); //                                        (5)
  cellStates(k).forEach((name, s) => {
    const [dcNext, dcBefore, cBefore] = [dNext[name], dPrev[name], prev[name]];
    for (let b = 0; b < B; b++) {
      const [ai, dai, qNow] = [rowStart(a, b) + s * H, rowStart(da, b) + s * H, rowStart(q, b) + s * H];
      const [dcNow, dcPrev, cPrev] = [rowStart(dcNext, b), rowStart(dcBefore, b), rowStart(cBefore, b)];
      const dmNow = rowStart(dm, b) + s * H;
      for (let j = 0; j < H; j++) {
        const [i, f] = [a.data[ai + j], a.data[ai + width + j]];
        const [g, o] = [a.data[ai + 2 * width + j], a.data[ai + 3 * width + j]];
        const [squashed, dOut] = [q.data[qNow + j], dm.data[dmNow + j]];
        const dc = dcNext.data[dcNow + j] + dOut * o * (1 - squashed * squashed); //     (4)
        dcNext.data[dcNow + j] = dc;
        dcBefore.data[dcPrev + j] += dc * f; //                                          (3)
        da.data[dai + j] = dc * g * i * (1 - i); //                                      (3) di, (2)
        da.data[dai + width + j] = dc * cBefore.data[cPrev + j] * f * (1 - f); //        (3) df, (2)
        da.data[dai + 2 * width + j] = dc * i * (1 - g * g); //                          (3) dg, (2)
        da.data[dai + 3 * width + j] = dOut * squashed * o * (1 - o); //                 (4) do, (2)
      }
    }
  });
  kernels.addMatmulTB(dPrev.h, da, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·da` (1) and `dWr += mᵀ·dh` (5). */
export function lstmProjectionWeightGradients(
  kernels: Kernels,
  hPrev: Tensor,
  { m, da, dout }: LstmProjectionSaved,
  grads: LstmProjectionParams,
): void {
  kernels.addMatmulTA(grads.Wh, hPrev, da); //                                           (1)
  kernels.addMatmulTA(grads.Wr, m, dout); //                                             (5)
}

/** Equations (1) to (5) over any algebra. */
export const lstmProjectionEquations = (k: number): CellEquations => {
  return <V>(ops: Algebra<V>, params: Record<string, V>, x: V, prev: Record<string, V>, H: number) => {
    const { Wx, Wh, b, Wr } = params;
    const a = ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(prev.h, Wh)); //         (1)
    const next: Record<string, V> = {};
    let h: V | undefined;
    cellStates(k).forEach((name, s) => {
      const block = (symbol: string, gate: number): V =>
        ops.name(`a_${symbol}${s + 1}`, ops.sliceColumns(a, (gate * k + s) * H, H));
      const i = ops.name(`i${s + 1}`, ops.sigmoid(block('i', 0))); //                    (2)
      const f = ops.name(`f${s + 1}`, ops.sigmoid(block('f', 1)));
      const g = ops.name(`g${s + 1}`, ops.tanh(block('g', 2)));
      const o = ops.name(`o${s + 1}`, ops.sigmoid(block('o', 3)));
      next[name] = ops.name(name, ops.add(ops.mul(f, prev[name]), ops.mul(i, g))); //    (3)
      const q = ops.name(`tanh(${name})`, ops.tanh(next[name])); //                      (4)
      const m = ops.name(`m${s + 1}`, ops.mul(o, q));
      const part = ops.matmul(m, ops.sliceRows(Wr, s * H, H)); //                        (5)
      h = h === undefined ? part : ops.add(h, part);
    });
    return { h: ops.name('h', h!), ...next };
  };
};

function copyRows(to: Tensor, from: Tensor): void {
  for (let b = 0; b < to.shape[0]; b++) {
    const start = rowStart(from, b);
    to.data.set(from.data.subarray(start, start + to.shape[1]), rowStart(to, b));
  }
}
