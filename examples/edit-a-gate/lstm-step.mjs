/**
 * One step of an LSTM, forward and backward, to edit. Blocks of the pre-activations a are i, f, g, o, H numbers each.
 *
 * Forward    (1)  i = σ(a_i)   f = σ(a_f)   g = tanh(a_g)   o = σ(a_o)
 *            (2)  c = f ∘ c' + i ∘ g
 *            (3)  h = o ∘ tanh(c)
 */
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** @returns the next states, and what the backward step needs */
export function forward({ a, c: before }, H) {
  const [i, f, g, o, c, h] = Array.from({ length: 6 }, () => new Float64Array(H));
  for (let j = 0; j < H; j++) {
    i[j] = sigmoid(a[j]); //                             (1)
    f[j] = sigmoid(a[H + j]); //                         (1)
    g[j] = Math.tanh(a[2 * H + j]); //                   (1)
    o[j] = sigmoid(a[3 * H + j]); //                     (1)
    c[j] = f[j] * before[j] + i[j] * g[j]; //            (2)
    h[j] = o[j] * Math.tanh(c[j]); //                    (3)
  }
  return { h, c, saved: { i, f, g, o, c, before } };
}

/** From dh and dc, the gradients of h and c, to those of what `forward` was given. */
export function backward({ i, f, g, o, c, before }, dh, dc, H) {
  const [da, dBefore] = [new Float64Array(4 * H), new Float64Array(H)];
  for (let j = 0; j < H; j++) {
    const t = Math.tanh(c[j]);
    const d = dc[j] + dh[j] * o[j] * (1 - t * t); //     (3) dc
    dBefore[j] = d * f[j]; //                            (2) dc'
    da[j] = d * g[j] * i[j] * (1 - i[j]); //             (2), (1) i
    da[H + j] = d * before[j] * f[j] * (1 - f[j]); //    (2), (1) f
    da[2 * H + j] = d * i[j] * (1 - g[j] * g[j]); //     (2), (1) g
    da[3 * H + j] = dh[j] * t * o[j] * (1 - o[j]); //    (3), (1) o
  }
  return { a: da, c: dBefore };
}
