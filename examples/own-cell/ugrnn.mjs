/**
 * A cell in one file: the update-gate RNN (Collins, Sohl-Dickstein, Sussillo, Capacity and Trainability in Recurrent Neural
 * Networks, ICLR 2017). One gate says how much of the state stays.
 *
 * Forward    (1)  a = x·Wx + b + h'·Wh             [B, 2H]  blocks z, n; x·Wx + b is already in `a`
 *            (2)  z = σ(a_z)   n = tanh(a_n)       written over `a`
 *            (3)  h = z ∘ h' + (1 − z) ∘ n
 * Backward   (3)  dz = dh ∘ (h' − n)   dn = dh ∘ (1 − z)   dh' += dh ∘ z
 *            (2)  da_z = dz ∘ z ∘ (1 − z)   da_n = dn ∘ (1 − n²)
 *            (1)  dh' += da·Whᵀ   and, over all steps at once,  dWh += h'ᵀ·da
 */
import { fillWeights, gateQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE } from 'bptt/cells';
import { columns, sigmoid, tanh, zeros } from 'bptt/tensor';

const row = (x, b) => x.offset + b * x.stride[0];

export default {
  name: 'ugrnn',
  gates: 2,
  gateNames: ['z', 'n'],
  states: ['h'],
  saved: { a: 2 }, // widths, in units of H
  stepGrads: { da: 2 },
  quantities: [
    gateQuantity(2, 'z', 'update gate', 0, SIGMOID_RANGE),
    gateQuantity(2, 'n', 'new part', 1, TANH_RANGE),
    stateQuantity(3, 'h', 'hidden state', TANH_RANGE),
  ],

  shapes: (D, H) => ({ Wx: [D, 2 * H], Wh: [H, 2 * H], b: [2 * H] }),
  initialize(D, H, rng, { dtype = 'float32', learnedInitialState = false } = {}) {
    const [Wx, Wh, b] = [zeros([D, 2 * H], dtype), zeros([H, 2 * H], dtype), zeros([2 * H], dtype)];
    for (const gate of [0, H]) {
      fillWeights(columns(Wx, gate, H), 'glorot', rng, H);
      fillWeights(columns(Wh, gate, H), 'orthogonal', rng, H);
    }
    b.data.fill(1, 0, H); // z starts open: the state stays
    return { Wx, Wh, b, ...(learnedInitialState && { h0: zeros([H], dtype) }) };
  },

  stepForward(kernels, { Wh }, prev, { a }, { h }) {
    const [B, H] = h.shape;
    kernels.addMatmul(a, prev.h, Wh); //                                                   (1)
    for (let i = 0; i < B; i++) {
      const [z, n, now, before] = [row(a, i), row(a, i) + H, row(h, i), row(prev.h, i)];
      for (let j = 0; j < H; j++) {
        a.data[z + j] = sigmoid(a.data[z + j]); //                                         (2)
        a.data[n + j] = tanh(a.data[n + j]); //                                            (2)
        const keep = a.data[z + j];
        h.data[now + j] = keep * prev.h.data[before + j] + (1 - keep) * a.data[n + j]; //  (3)
      }
    }
  },
  stepBackward(kernels, { Wh }, prev, { a, da }, _next, { h: dh }, dPrev) {
    const [B, H] = dh.shape;
    for (let i = 0; i < B; i++) {
      const [z, n, now] = [row(a, i), row(a, i) + H, row(dh, i)];
      const [dz, dn, before, dBefore] = [row(da, i), row(da, i) + H, row(prev.h, i), row(dPrev.h, i)];
      for (let j = 0; j < H; j++) {
        const [Z, N, d] = [a.data[z + j], a.data[n + j], dh.data[now + j]];
        dPrev.h.data[dBefore + j] += d * Z; //                                             (3)
        da.data[dz + j] = d * (prev.h.data[before + j] - N) * Z * (1 - Z); //              (3), (2)
        da.data[dn + j] = d * (1 - Z) * (1 - N * N); //                                    (3), (2)
      }
    }
    kernels.addMatmulTB(dPrev.h, da, Wh); //                                               (1)
  },
  weightGradients: (kernels, hPrev, { da }, grads) => kernels.addMatmulTA(grads.Wh, hPrev, da), // (1)

  /** The equations once more, over any algebra: forward mode differentiates them as a second opinion. */
  equations(ops, { Wx, Wh, b }, x, prev, H) {
    const a = ops.add(ops.add(ops.matmul(x, Wx), b), ops.matmul(prev.h, Wh)); //           (1)
    const z = ops.name('z', ops.sigmoid(ops.sliceColumns(a, 0, H))); //                    (2)
    const n = ops.name('n', ops.tanh(ops.sliceColumns(a, H, H))); //                       (2)
    return { h: ops.name('h', ops.add(ops.mul(z, prev.h), ops.mul(ops.oneMinus(z), n))) }; // (3)
  },
};
