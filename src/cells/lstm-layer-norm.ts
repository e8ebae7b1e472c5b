/**
 * Layer-normalized LSTM (Ba, Kiros & Hinton 2016, equations 20 to 22 of the supplement), one step. Gate order i f g o. LN is that of
 * `layer-norm.ts`, with a gain γ and a bias β for each vector that it normalizes: all 4H components of the input's part together,
 * all 4H of the state's part, and the H of the cell state on the way to the output.
 *
 * Forward
 *   (1)  v = x·Wx + b      u = h'·Wh                        2 × [B_t, 4H]   v is already in the saved tensor `a`
 *   (2)  a = LN(v; γ_x, β_x) + LN(u; γ_h, β_h)              [B_t, 4H]
 *   (3)  i = σ(a_i)  f = σ(a_f)  g = tanh(a_g)  o = σ(a_o)  4 × [B_t, H]
 *   (4)  c = f ∘ c' + i ∘ g                                 [B_t, H]
 *   (5)  n = LN(c; γ_c, β_c)   q = tanh(n)                  2 × [B_t, H]    the c that goes on is not normalized
 *   (6)  h = o ∘ q                                          [B_t, H]
 *
 * Backward, the same numbers in reverse; LNᵀ is the backward of LN
 *   (6)  do = dh ∘ q   dq = dh ∘ o
 *   (5)  dn = dq ∘ (1 − q²)   dc += LNᵀ(dn)                 and, over all steps at once,  dγ_c, dβ_c
 *   (4)  df = dc ∘ c'   di = dc ∘ g   dg = dc ∘ i   dc' += dc ∘ f
 *   (3)  da_i = di ∘ i(1 − i)   da_f = df ∘ f(1 − f)   da_g = dg ∘ (1 − g²)   da_o = do ∘ o(1 − o)
 *   (2)  dv = LNᵀ(da)   du = LNᵀ(da)                        and, over all steps at once,  dγ_x, dβ_x, dγ_h, dβ_h
 *   (1)  dh' += du·Whᵀ                                      and, over all steps at once,  dWh += h'ᵀ·du
 *
 * The paper's b is added after LN, where it does the same as β_x. Here b is inside, as in every cell of this package: it starts
 * at 0, while β_x starts with the bias of the forget gate.
 *
 * Kept for backward: v and u, the gates, q, and c, which the gradients of γ_c need.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { Cell, CellParams, Saved } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import { addNormalized, normBackward, normWeightGradients, asRows, normalizedOver } from './layer-norm.js';
import { expectTwoUnits, initNorms } from './layer-norm-init.js';
import type { LstmState } from './lstm.js';
import { SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

/** Parameters: those of the LSTM, `gainX`, `biasX`, `gainH`, `biasH` `[4H]`, and `gainC`, `biasC` `[H]`. */
export interface LstmLayerNormParams extends CellParams {
  readonly gainX: Tensor;
  readonly biasX: Tensor;
  readonly gainH: Tensor;
  readonly biasH: Tensor;
  readonly gainC: Tensor;
  readonly biasC: Tensor;
}

/** Saved per row: v in `a`, `u`, `gates` `[4H]`; `q`, `cell` `[H]`. Left by the backward step: `da` (dv), `du`, `dgates` `[4H]`, `dn` `[H]`. */
export interface LstmLayerNormSaved extends Saved {
  readonly a: Tensor;
  readonly u: Tensor;
  readonly gates: Tensor;
  readonly q: Tensor;
  readonly cell: Tensor;
  readonly da: Tensor;
  readonly du: Tensor;
  readonly dgates: Tensor;
  readonly dn: Tensor;
}

/** γ and β of the input's part, the state's part, and the cell state. */
const ofX = ({ gainX, biasX }: LstmLayerNormParams) => ({ gain: gainX, bias: biasX });
const ofH = ({ gainH, biasH }: LstmLayerNormParams) => ({ gain: gainH, bias: biasH });
const ofC = ({ gainC, biasC }: LstmLayerNormParams) => ({ gain: gainC, bias: biasC });

/** One step forward: equations (1) to (6). */
export function lstmLayerNormStepForward(
  kernels: Kernels,
  params: LstmLayerNormParams,
  prev: LstmState,
  { a: v, u, gates, q, cell }: LstmLayerNormSaved,
  next: LstmState,
): void {
  const { h, c } = next;
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(h);

  kernels.addMatmul(u, prev.h, params.Wh); //                                            (1)
  addNormalized(gates, v, ofX(params)); //                                          (2)
  addNormalized(gates, u, ofH(params));
  for (let b = 0; b < B; b++) {
    const [i, cNow, cPrev, kept] = [rowStart(gates, b), rowStart(c, b), rowStart(prev.c, b), rowStart(cell, b)];
    const [f, g, o] = [i + H, i + 2 * H, i + 3 * H];
    for (let j = 0; j < H; j++) {
      gates.data[i + j] = sigmoid(gates.data[i + j]); //                                 (3)
      gates.data[f + j] = sigmoid(gates.data[f + j]);
      gates.data[g + j] = tanh(gates.data[g + j]);
      gates.data[o + j] = sigmoid(gates.data[o + j]);
      c.data[cNow + j] = gates.data[f + j] * prev.c.data[cPrev + j] + gates.data[i + j] * gates.data[g + j]; // (4)
      cell.data[kept + j] = c.data[cNow + j];
    }
  }
  addNormalized(q, c, ofC(params)); //                               (5) n
  for (let b = 0; b < B; b++) {
    const [o, qNow, hNow] = [rowStart(gates, b) + 3 * H, rowStart(q, b), rowStart(h, b)];
    for (let j = 0; j < H; j++) {
      q.data[qNow + j] = tanh(q.data[qNow + j]); //                                      (5)
      h.data[hNow + j] = gates.data[o + j] * q.data[qNow + j]; //                        (6)
    }
  }
}

/** The step in reverse: undoes (6) to (1). Leaves `da` and its companions, completes `dNext.c`, adds to `dPrev`. */
export function lstmLayerNormStepBackward(
  kernels: Kernels,
  params: LstmLayerNormParams,
  prev: LstmState,
  saved: LstmLayerNormSaved,
  dNext: LstmState,
  dPrev: LstmState,
): void {
  const { a: v, u, gates, q, cell, da: dv, du, dgates, dn } = saved;
  const [B, H] = dNext.h.shape;
  for (let b = 0; b < B; b++) {
    const [o, qNow, dh] = [rowStart(gates, b) + 3 * H, rowStart(q, b), rowStart(dNext.h, b)];
    const [dao, dnNow] = [rowStart(dgates, b) + 3 * H, rowStart(dn, b)];
    for (let j = 0; j < H; j++) {
      const [out, squashed] = [gates.data[o + j], q.data[qNow + j]];
      dgates.data[dao + j] = dNext.h.data[dh + j] * squashed * out * (1 - out); //        (6) do, (3)
      dn.data[dnNow + j] = dNext.h.data[dh + j] * out * (1 - squashed * squashed); //     (6) dq, (5)
    }
  }
  normBackward(dNext.c, dn, cell, ofC(params)); //          (5)
  for (let b = 0; b < B; b++) {
    const [ai, dai, dcNow] = [rowStart(gates, b), rowStart(dgates, b), rowStart(dNext.c, b)];
    const [cPrev, dcPrev] = [rowStart(prev.c, b), rowStart(dPrev.c, b)];
    for (let j = 0; j < H; j++) {
      const [i, f, g] = [gates.data[ai + j], gates.data[ai + H + j], gates.data[ai + 2 * H + j]];
      const dc = dNext.c.data[dcNow + j];
      dPrev.c.data[dcPrev + j] += dc * f; //                                             (4)
      dgates.data[dai + j] = dc * g * i * (1 - i); //                                    (4) di, (3)
      dgates.data[dai + H + j] = dc * prev.c.data[cPrev + j] * f * (1 - f); //           (4) df, (3)
      dgates.data[dai + 2 * H + j] = dc * i * (1 - g * g); //                            (4) dg, (3)
    }
  }
  normBackward(dv, dgates, v, ofX(params)); //                             (2)
  normBackward(du, dgates, u, ofH(params)); //                             (2)
  kernels.addMatmulTB(dPrev.h, du, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·du` (1), and the gains and biases, (2) and (5). */
export function lstmLayerNormWeightGradients(
  kernels: Kernels,
  hPrev: Tensor,
  { a: v, u, cell, du, dgates, dn }: LstmLayerNormSaved,
  grads: LstmLayerNormParams,
): void {
  kernels.addMatmulTA(grads.Wh, hPrev, du); //                                           (1)
  normWeightGradients(ofX(grads), dgates, v); //                    (2)
  normWeightGradients(ofH(grads), dgates, u); //                    (2)
  normWeightGradients(ofC(grads), dn, cell); //                         (5)
}

/** Equations (1) to (6) over any algebra. */
const equations: CellEquations = (ops, params, x, { h: hPrev, c: cPrev }, H) => {
  const v = ops.add(ops.matmul(x, params.Wx), params.b);
  const u = ops.matmul(hPrev, params.Wh); //                                             (1)
  const rows = (name: string): typeof v => asRows(ops, v, params[name]);
  const a = ops.add(
    normalizedOver(ops, v, rows('gainX'), rows('biasX')), //                             (2)
    normalizedOver(ops, u, rows('gainH'), rows('biasH')),
  );
  const block = (symbol: string, k: number) => ops.name(`a_${symbol}`, ops.sliceColumns(a, k * H, H));
  const i = ops.name('i', ops.sigmoid(block('i', 0))); //                                (3)
  const f = ops.name('f', ops.sigmoid(block('f', 1)));
  const g = ops.name('g', ops.tanh(block('g', 2)));
  const o = ops.name('o', ops.sigmoid(block('o', 3)));
  const c = ops.name('c', ops.add(ops.mul(f, cPrev), ops.mul(i, g))); //                 (4)
  const ofCell = (name: string): typeof v => asRows(ops, c, params[name]);
  const n = ops.name('n', normalizedOver(ops, c, ofCell('gainC'), ofCell('biasC'))); //  (5)
  return { h: ops.name('h', ops.mul(o, ops.name('q', ops.tanh(n)))), c }; //             (6)
};

/** The layer-normalized LSTM: `lstm:layernorm`. It runs step by step on every backend. */
export const lstmLayerNorm: Cell<LstmLayerNormParams, LstmState, LstmLayerNormSaved> = {
  name: 'lstm:layernorm',
  gates: 4,
  gateNames: ['i', 'f', 'g', 'o'],
  states: ['h', 'c'],
  saved: { a: 4, u: 4, gates: 4, q: 1, cell: 1 },
  stepGrads: { da: 4, du: 4, dgates: 4, dn: 1 },
  shapes: (D, H) => ({
    ...commonShapes(D, H, 4),
    ...{ gainX: [4 * H], biasX: [4 * H], gainH: [4 * H], biasH: [4 * H], gainC: [H], biasC: [H] },
  }),
  quantities: [
    ...(['input gate', 'forget gate', 'candidate', 'output gate'] as const).map((name, k) => ({
      ...{ symbol: 'ifgo'[k], name, equation: 3, range: k === 2 ? TANH_RANGE : SIGMOID_RANGE },
      value: { in: 'saved', tensor: 'gates', block: k } as const,
      gradient: { of: `a_${'ifgo'[k]}`, in: 'stepGrads', tensor: 'dgates', block: k } as const,
    })),
    stateQuantity(4, 'c', 'cell state', UNBOUNDED),
    {
      ...{ symbol: 'q', name: 'squashed cell state, normalized', equation: 5, range: TANH_RANGE },
      value: { in: 'saved', tensor: 'q', block: 0 },
      gradient: { of: 'n', in: 'stepGrads', tensor: 'dn', block: 0 },
    },
    stateQuantity(6, 'h', 'hidden state', TANH_RANGE),
  ],
  initialize(D, H, rng, options = {}) {
    const params = initCommon(D, H, 4, rng, options);
    expectTwoUnits('lstm:layernorm', H);
    const norms = initNorms({ X: 4 * H, H: 4 * H, C: H }, options);
    norms.biasX.data.fill(options.forgetBias ?? 1, H, 2 * H);
    return { ...params, ...norms, ...initStates(['h', 'c'], H, options) } as unknown as LstmLayerNormParams;
  },
  stepForward: lstmLayerNormStepForward,
  stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
    lstmLayerNormStepBackward(kernels, params, prev, saved, dNext, dPrev),
  weightGradients: lstmLayerNormWeightGradients,
  equations,
};
