/**
 * Layer-normalized GRU (Ba, Kiros & Hinton 2016, equations of the GRU in the supplement), one step. Gate order r z n. LN is that of
 * `layer-norm.ts`, with a gain γ and a bias β for each vector that it normalizes: the 2H components of r and z together, and the
 * H of n. The input's part and the state's part are normalized separately.
 *
 * Forward
 *   (1)  v = x·Wx + b      u = h'·Wh                        2 × [B_t, 3H]   v is already in the saved tensor `a`
 *   (2)  [a_r a_z] = LN([v_r v_z]; γ_x, β_x) + LN([u_r u_z]; γ_h, β_h)      [B_t, 2H]
 *   (3)  r = σ(a_r)   z = σ(a_z)                            2 × [B_t, H]
 *   (4)  q = LN(u_n; γ_h, β_h)   a_n = LN(v_n; γ_x, β_x) + r ∘ q   n = tanh(a_n)    3 × [B_t, H]
 *   (5)  h = (1 − z) ∘ n + z ∘ h'                           [B_t, H]
 *
 * Backward, the same numbers in reverse; LNᵀ is the backward of LN
 *   (5)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *   (4)  da_n = dn ∘ (1 − n²)   dr = da_n ∘ q   dq = da_n ∘ r   dv_n = LNᵀ(da_n)   du_n = LNᵀ(dq)
 *   (3)  da_r = dr ∘ r(1 − r)   da_z = dz ∘ z(1 − z)
 *   (2)  [dv_r dv_z] = LNᵀ([da_r da_z])   [du_r du_z] = LNᵀ([da_r da_z])    over all steps at once:  γ and β of (2) and (4)
 *   (1)  dh' += du·Whᵀ                                      and, over all steps at once,  dWh += h'ᵀ·du
 *
 * The paper's z is 1 − z here, as everywhere in this package. Its b is added after LN, where it does the same as β_x; here b is
 * inside.
 *
 * Kept for backward: v and u, the gates, and q.
 */
import type { Kernels } from '../kernels/types.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { columns, rows, rowStart } from '../tensor/view.js';
import type { Cell, CellParams, Saved, State } from './cell.js';
import type { CellEquations } from './equations.js';
import { commonShapes, initCommon, initStates } from './init.js';
import type { Norm } from './layer-norm.js';
import { addNormalized, asRows, normalizedOver, normBackward, normWeightGradients } from './layer-norm.js';
import { expectTwoUnits, initNorms } from './layer-norm-init.js';
import type { Quantity } from './quantities.js';
import { savedQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

/** Parameters: those of the GRU except `bn`, which β_h replaces, and `gainX`, `biasX`, `gainH`, `biasH` `[3H]`. */
export interface GruLayerNormParams extends CellParams {
  readonly gainX: Tensor;
  readonly biasX: Tensor;
  readonly gainH: Tensor;
  readonly biasH: Tensor;
}

/** Saved per row: v in `a`, `u`, `gates` `[3H]`; `q [H]`. Left by the backward step: `da` (dv), `du`, `dgates` `[3H]`, `dq [H]`. */
export interface GruLayerNormSaved extends Saved {
  readonly a: Tensor;
  readonly u: Tensor;
  readonly gates: Tensor;
  readonly q: Tensor;
  readonly da: Tensor;
  readonly du: Tensor;
  readonly dgates: Tensor;
  readonly dq: Tensor;
}

/** γ and β of the input's part and of the state's, each split into what is normalized together: r and z, and n. */
function normsOf({ gainX, biasX, gainH, biasH }: GruLayerNormParams, H: number) {
  const cut = (gain: Tensor, bias: Tensor, start: number, n: number): Norm => ({
    gain: rows(gain, start, n),
    bias: rows(bias, start, n),
  });
  return {
    gatesX: cut(gainX, biasX, 0, 2 * H),
    gatesH: cut(gainH, biasH, 0, 2 * H),
    candidateX: cut(gainX, biasX, 2 * H, H),
    candidateH: cut(gainH, biasH, 2 * H, H),
  };
}

/** The columns of r and z, and those of n. */
const gatesOf = (x: Tensor, H: number): Tensor => columns(x, 0, 2 * H);
const candidateOf = (x: Tensor, H: number): Tensor => columns(x, 2 * H, H);

/** One step forward: equations (1) to (5). */
export function gruLayerNormStepForward(
  kernels: Kernels,
  params: GruLayerNormParams,
  prev: State,
  { a: v, u, gates, q }: GruLayerNormSaved,
  { h }: State,
): void {
  const [B, H] = h.shape;
  const { sigmoid, tanh } = transcendentals(h);
  const norms = normsOf(params, H);

  kernels.addMatmul(u, prev.h, params.Wh); //                                            (1)
  addNormalized(gatesOf(gates, H), gatesOf(v, H), norms.gatesX); //                      (2)
  addNormalized(gatesOf(gates, H), gatesOf(u, H), norms.gatesH);
  addNormalized(q, candidateOf(u, H), norms.candidateH); //                              (4)
  addNormalized(candidateOf(gates, H), candidateOf(v, H), norms.candidateX);
  for (let b = 0; b < B; b++) {
    const [r, qNow, hNow, hPrev] = [rowStart(gates, b), rowStart(q, b), rowStart(h, b), rowStart(prev.h, b)];
    const [z, n] = [r + H, r + 2 * H];
    for (let j = 0; j < H; j++) {
      gates.data[r + j] = sigmoid(gates.data[r + j]); //                                 (3)
      gates.data[z + j] = sigmoid(gates.data[z + j]);
      gates.data[n + j] += gates.data[r + j] * q.data[qNow + j]; //                      (4)
      gates.data[n + j] = tanh(gates.data[n + j]);
      const keep = gates.data[z + j];
      h.data[hNow + j] = (1 - keep) * gates.data[n + j] + keep * prev.h.data[hPrev + j]; // (5)
    }
  }
}

/** The step in reverse: undoes (5) to (1). Leaves `da` and its companions, adds to `dPrev`. */
export function gruLayerNormStepBackward(
  kernels: Kernels,
  params: GruLayerNormParams,
  prev: State,
  { a: v, u, gates, q, da: dv, du, dgates, dq }: GruLayerNormSaved,
  dNext: State,
  dPrev: State,
): void {
  const [B, H] = dNext.h.shape;
  const norms = normsOf(params, H);
  for (let b = 0; b < B; b++) {
    const [gNow, dgNow, qNow, dqNow] = [rowStart(gates, b), rowStart(dgates, b), rowStart(q, b), rowStart(dq, b)];
    const [hPrev, dhNow, dhPrev] = [rowStart(prev.h, b), rowStart(dNext.h, b), rowStart(dPrev.h, b)];
    for (let j = 0; j < H; j++) {
      const [r, z, n] = [gates.data[gNow + j], gates.data[gNow + H + j], gates.data[gNow + 2 * H + j]];
      const dh = dNext.h.data[dhNow + j];
      dPrev.h.data[dhPrev + j] += dh * z; //                                             (5)
      const dz = dh * (prev.h.data[hPrev + j] - n); //                                   (5)
      const dn = dh * (1 - z) * (1 - n * n); //                                          (5) dn, (4)
      dgates.data[dgNow + 2 * H + j] = dn;
      dq.data[dqNow + j] = dn * r; //                                                    (4) dq
      dgates.data[dgNow + j] = dn * q.data[qNow + j] * r * (1 - r); //                   (4) dr, (3)
      dgates.data[dgNow + H + j] = dz * z * (1 - z); //                                  (3)
    }
  }
  normBackward(candidateOf(dv, H), candidateOf(dgates, H), candidateOf(v, H), norms.candidateX); // (4)
  normBackward(candidateOf(du, H), dq, candidateOf(u, H), norms.candidateH); //          (4)
  normBackward(gatesOf(dv, H), gatesOf(dgates, H), gatesOf(v, H), norms.gatesX); //      (2)
  normBackward(gatesOf(du, H), gatesOf(dgates, H), gatesOf(u, H), norms.gatesH); //      (2)
  kernels.addMatmulTB(dPrev.h, du, params.Wh); //                                        (1)
}

/** Over all steps at once: `dWh += h'ᵀ·du` (1), and the gains and biases, (2) and (4). */
export function gruLayerNormWeightGradients(
  kernels: Kernels,
  hPrev: Tensor,
  { a: v, u, du, dgates, dq }: GruLayerNormSaved,
  grads: GruLayerNormParams,
): void {
  const H = hPrev.shape[1];
  const norms = normsOf(grads, H);
  kernels.addMatmulTA(grads.Wh, hPrev, du); //                                           (1)
  normWeightGradients(norms.gatesX, gatesOf(dgates, H), gatesOf(v, H)); //               (2)
  normWeightGradients(norms.gatesH, gatesOf(dgates, H), gatesOf(u, H)); //               (2)
  normWeightGradients(norms.candidateX, candidateOf(dgates, H), candidateOf(v, H)); //   (4)
  normWeightGradients(norms.candidateH, dq, candidateOf(u, H)); //                       (4)
}

/** Equations (1) to (5) over any algebra. */
const equations: CellEquations = (ops, params, x, { h: hPrev }, H) => {
  const v = ops.add(ops.matmul(x, params.Wx), params.b);
  const u = ops.matmul(hPrev, params.Wh); //                                             (1)
  const norm = (of: typeof v, part: 'X' | 'H', start: number, n: number) => {
    const cut = (whole: typeof v) => ops.sliceColumns(whole, start, n);
    const rowsOf = (name: string) => cut(asRows(ops, v, params[`${name}${part}`]));
    return normalizedOver(ops, cut(of), rowsOf('gain'), rowsOf('bias'));
  };
  const gates = ops.add(norm(v, 'X', 0, 2 * H), norm(u, 'H', 0, 2 * H)); //              (2)
  const r = ops.name('r', ops.sigmoid(ops.name('a_r', ops.sliceColumns(gates, 0, H)))); //  (3)
  const z = ops.name('z', ops.sigmoid(ops.name('a_z', ops.sliceColumns(gates, H, H))));
  const q = ops.name('q', norm(u, 'H', 2 * H, H)); //                                    (4)
  const n = ops.name('n', ops.tanh(ops.name('a_n', ops.add(norm(v, 'X', 2 * H, H), ops.mul(r, q)))));
  return { h: ops.name('h', ops.add(ops.mul(ops.oneMinus(z), n), ops.mul(z, hPrev))) }; //  (5)
};

const gate = (equation: number, symbol: string, name: string, block: number, range: Quantity['range']): Quantity => ({
  ...{ symbol, name, equation, range, value: { in: 'saved', tensor: 'gates', block } },
  gradient: { of: `a_${symbol}`, in: 'stepGrads', tensor: 'dgates', block },
});

/** The layer-normalized GRU: `gru:layernorm`. It runs step by step on every backend. */
export const gruLayerNorm: Cell<GruLayerNormParams, State, GruLayerNormSaved> = {
  name: 'gru:layernorm',
  gates: 3,
  gateNames: ['r', 'z', 'n'],
  states: ['h'],
  saved: { a: 3, u: 3, gates: 3, q: 1 },
  stepGrads: { da: 3, du: 3, dgates: 3, dq: 1 },
  shapes: (D, H) => ({
    ...commonShapes(D, H, 3),
    ...{ gainX: [3 * H], biasX: [3 * H], gainH: [3 * H], biasH: [3 * H] },
  }),
  quantities: [
    gate(3, 'r', 'reset gate', 0, SIGMOID_RANGE),
    gate(3, 'z', 'update gate', 1, SIGMOID_RANGE),
    savedQuantity(4, 'q', 'recurrent part of the candidate, normalized', 'q', 0, UNBOUNDED),
    gate(4, 'n', 'candidate', 2, TANH_RANGE),
    stateQuantity(5, 'h', 'hidden state', TANH_RANGE),
  ],
  initialize(D, H, rng, options = {}) {
    const params = initCommon(D, H, 3, rng, options);
    expectTwoUnits('gru:layernorm', H);
    const norms = initNorms({ X: 3 * H, H: 3 * H }, options);
    return { ...params, ...norms, ...initStates(['h'], H, options) } as unknown as GruLayerNormParams;
  },
  stepForward: gruLayerNormStepForward,
  stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
    gruLayerNormStepBackward(kernels, params, prev, saved, dNext, dPrev),
  weightGradients: gruLayerNormWeightGradients,
  equations,
};
