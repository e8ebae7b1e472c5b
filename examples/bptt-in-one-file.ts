/**
 * A character model in one file: an LSTM, backpropagation through time, a gradient check and a training. No imports.
 *
 *     node --experimental-strip-types examples/bptt-in-one-file.ts        # Node 22.6 or newer
 *
 * Forward, for t = 0 … T−1; x_t is one-hot, so x_t·Wx is a row of Wx          Backward, from T−1 to 0, the same numbers
 *   (1)  a = Wx[x_t] + h'·Wh + b             [4H], blocks i f g o              (1)  dWx[x_t], dWh, db += …   dh' = da·Whᵀ
 *   (2)  i, f, o = σ(a_i), σ(a_f), σ(a_o)    g = tanh(a_g)                     (2)  da = d(gate) ∘ slope of its curve
 *   (3)  c = f∘c' + i∘g                      [H]                               (3)  di df dg = dc∘(g c' i)   dc' = dc∘f
 *   (4)  h = o∘tanh(c)                       [H]                               (4)  do = dh∘tanh(c)   dc += dh∘o∘(1−tanh²c)
 *   (5)  z = h·Wy + by                       [V]                               (5)  dWy, dby += …     dh += dz·Wyᵀ
 *   (6)  L = −Σ_t log softmax(z)[x_{t+1}]                                      (6)  dz = softmax(z) − onehot(x_{t+1})
 *
 * The same computation with batches, views and fast kernels: src/cells/lstm.ts, src/autograd/unroll.ts, src/layers.
 */

/** Matrices by rows: Wx [V, 4H], Wh [H, 4H], b [4H], Wy [H, V], by [V]. */
export type Params = Record<'Wx' | 'Wh' | 'b' | 'Wy' | 'by', Float64Array>;

/** What step t leaves for the backward pass. */
export type Step = Record<'i' | 'f' | 'g' | 'o' | 'c' | 'tanhC' | 'h' | 'p', Float64Array>;

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
const vector = (n: number, value: (k: number) => number = () => 0): Float64Array =>
  Float64Array.from({ length: n }, (_, k) => value(k));

/** Uniform numbers in [0, 1): a linear congruential generator, so that every run is the same. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

export function initialize(V: number, H: number, random: () => number): Params {
  const uniform = (n: number) => vector(n, () => (2 * random() - 1) / Math.sqrt(H));
  const b = vector(4 * H, (k) => (k >= H && k < 2 * H ? 1 : 0)); // remember at first: f near 1
  return { Wx: uniform(V * 4 * H), Wh: uniform(H * 4 * H), b, Wy: uniform(H * V), by: vector(V) };
}

/** One step: equations (1) to (5), and the softmax of (6). */
export function step({ Wx, Wh, b, Wy, by }: Params, x: number, hPrev: Float64Array, cPrev: Float64Array): Step {
  const [H, V] = [hPrev.length, by.length];
  const a = vector(4 * H, (k) => Wx[x * 4 * H + k] + b[k]); //                                  (1)
  for (let j = 0; j < H; j++) for (let k = 0; k < 4 * H; k++) a[k] += hPrev[j] * Wh[j * 4 * H + k];
  const i = vector(H, (k) => sigmoid(a[k])); //                                                 (2)
  const f = vector(H, (k) => sigmoid(a[H + k]));
  const g = vector(H, (k) => Math.tanh(a[2 * H + k]));
  const o = vector(H, (k) => sigmoid(a[3 * H + k]));
  const c = vector(H, (k) => f[k] * cPrev[k] + i[k] * g[k]); //                                 (3)
  const tanhC = c.map(Math.tanh); //                                                            (4)
  const h = vector(H, (k) => o[k] * tanhC[k]);
  const z = by.slice(); //                                                                      (5)
  for (let j = 0; j < H; j++) for (let v = 0; v < V; v++) z[v] += h[j] * Wy[j * V + v];
  const max = z.reduce((most, value) => Math.max(most, value));
  const e = z.map((value) => Math.exp(value - max)); //                                         (6)
  const sum = e.reduce((total, value) => total + value, 0);
  return { i, f, g, o, c, tanhC, h, p: e.map((value) => value / sum) };
}

/** Runs over `ids`; step t reads ids[t] and predicts ids[t + 1]. */
export function forward(params: Params, ids: number[], h0: Float64Array, c0: Float64Array) {
  const steps: Step[] = [];
  let loss = 0;
  for (let t = 0; t + 1 < ids.length; t++) {
    const { h, c } = steps[t - 1] ?? { h: h0, c: c0 };
    steps.push(step(params, ids[t], h, c));
    loss -= Math.log(steps[t].p[ids[t + 1]]); //                                                (6)
  }
  return { steps, loss };
}

/** ∂L/∂ of every parameter: the loop of `forward` from its end to its start, equations (6) to (1). */
export function backward(params: Params, ids: number[], steps: Step[], h0: Float64Array, c0: Float64Array): Params {
  const { Wh, Wy, by } = params;
  const [H, V] = [h0.length, by.length];
  const zeros = ([name, values]: [string, Float64Array]) => [name, vector(values.length)];
  const grads = Object.fromEntries(Object.entries(params).map(zeros)) as Params;
  let [dh, dc] = [vector(H), vector(H)]; // what step t + 1 says about h and c of step t
  for (let t = steps.length - 1; t >= 0; t--) {
    const { i, f, g, o, tanhC, h, p } = steps[t];
    const [hPrev, cPrev] = t > 0 ? [steps[t - 1].h, steps[t - 1].c] : [h0, c0];
    const dz = p.map((value, v) => value - (v === ids[t + 1] ? 1 : 0)); //                      (6)
    for (let j = 0; j < H; j++) {
      for (let v = 0; v < V; v++) {
        grads.Wy[j * V + v] += h[j] * dz[v]; //                                                 (5)
        dh[j] += dz[v] * Wy[j * V + v];
      }
    }
    dz.forEach((value, v) => (grads.by[v] += value));
    const da = vector(4 * H);
    for (let k = 0; k < H; k++) {
      dc[k] += dh[k] * o[k] * (1 - tanhC[k] ** 2); //                                           (4)
      da[3 * H + k] = dh[k] * tanhC[k] * o[k] * (1 - o[k]); //                                  (4, 2)
      da[k] = dc[k] * g[k] * i[k] * (1 - i[k]); //                                              (3, 2)
      da[H + k] = dc[k] * cPrev[k] * f[k] * (1 - f[k]);
      da[2 * H + k] = dc[k] * i[k] * (1 - g[k] ** 2);
    }
    const dhPrev = vector(H);
    for (let k = 0; k < 4 * H; k++) {
      grads.b[k] += da[k]; //                                                                   (1)
      grads.Wx[ids[t] * 4 * H + k] += da[k];
      for (let j = 0; j < H; j++) {
        grads.Wh[j * 4 * H + k] += hPrev[j] * da[k];
        dhPrev[j] += da[k] * Wh[j * 4 * H + k];
      }
    }
    [dh, dc] = [dhPrev, dc.map((value, k) => value * f[k])]; //                                 (1), (3)
  }
  return grads;
}

/** The largest relative error of any derivative against a central difference of the loss. */
export function gradientCheck(params: Params, ids: number[], H: number, grads: Params, delta = 1e-5): number {
  const loss = () => forward(params, ids, vector(H), vector(H)).loss;
  let worst = 0;
  for (const [name, values] of Object.entries(params) as [keyof Params, Float64Array][]) {
    for (let k = 0; k < values.length; k++) {
      const kept = values[k];
      values[k] = kept + delta;
      const above = loss();
      values[k] = kept - delta;
      const numeric = (above - loss()) / (2 * delta);
      values[k] = kept;
      const analytic = grads[name][k];
      worst = Math.max(worst, Math.abs(analytic - numeric) / Math.max(1e-3, Math.abs(analytic), Math.abs(numeric)));
    }
  }
  return worst;
}

/** Adagrad over windows of T characters: states go on from window to window, gradients stop at its start. */
export function train(params: Params, ids: number[], { H = 16, T = 25, epochs = 40, lr = 0.1 } = {}): number[] {
  const squares = Object.fromEntries(Object.entries(params).map(([name, values]) => [name, vector(values.length)]));
  return Array.from({ length: epochs }, () => {
    let [h, c, total] = [vector(H), vector(H), 0];
    for (let from = 0; from + 1 < ids.length; from += T) {
      const window = ids.slice(from, from + T + 1);
      const { steps, loss } = forward(params, window, h, c);
      const grads = backward(params, window, steps, h, c);
      for (const [name, values] of Object.entries(params) as [keyof Params, Float64Array][]) {
        for (let k = 0; k < values.length; k++) {
          squares[name][k] += grads[name][k] ** 2;
          values[k] -= (lr * grads[name][k]) / Math.sqrt(squares[name][k] + 1e-8);
        }
      }
      ({ h, c } = steps[steps.length - 1]);
      total += loss;
    }
    return total / (ids.length - 1); // nats per character
  });
}

const TEXT = 'the cat sat near the dogs. the dogs sat near the trees. they run by the cat. the run was long. '.repeat(
  3,
);

/** Checks the gradients of a short text, trains on a longer one, and writes what the model has learned. */
export function main(print: (line: string) => void, H = 16): void {
  const alphabet = [...new Set(TEXT)].sort();
  const ids = [...TEXT].map((character) => alphabet.indexOf(character));
  const params = initialize(alphabet.length, H, randomFrom(1));
  const few = ids.slice(0, 9);
  const grads = backward(params, few, forward(params, few, vector(H), vector(H)).steps, vector(H), vector(H));
  print(`worst relative error of a derivative: ${gradientCheck(params, few, H, grads).toExponential(0)}`);
  const losses = train(params, ids, { H });
  print(`nats per character: ${losses[0].toFixed(2)}, after 40 epochs ${losses[losses.length - 1].toFixed(2)}`);
  let [text, state] = ['t', { h: vector(H), c: vector(H) }];
  while (text.length < 60) {
    const next = step(params, alphabet.indexOf(text[text.length - 1]), state.h, state.c);
    text += alphabet[next.p.indexOf(Math.max(...next.p))];
    state = next;
  }
  print(text);
}

if (globalThis.process?.argv[1]?.endsWith('bptt-in-one-file.ts')) main(console.log);
