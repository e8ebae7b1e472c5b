/**
 * The stepwise twin of rungs 10 and 11: the forward pass of an LSTM layer as a program without a fused scan runs it. Every step is
 * one product, by the rung given, then its gates in JavaScript.
 */
const { fround } = Math;

/**
 * Fills `h` and `c` behind their first B rows, and makes the gates i, f, g, o of `a`.
 *
 * @param {(M: number, N: number, K: number, a: number, b: number, out: number) => void} multiply `out += a·b`, of places in memory
 * @param {{ sigmoid(x: number): number, tanh(x: number): number }} math float32 functions
 * @param {{ T: number, B: number, H: number }} sizes steps, sequences, units
 * @param {Record<'a' | 'wh' | 'h' | 'c', { at: number, data: Float32Array }>} operands places in memory, and views of them: `a`
 *   `[T·B, 4H]` holds x·Wx + b, `wh` is `[H, 4H]`, `h` and `c` `[(T + 1)·B, H]`
 */
export function lstm(multiply, math, { T, B, H }, { a, wh, h, c }) {
  for (let t = 0; t < T; t++) {
    multiply(B, 4 * H, H, h.at + 4 * t * B * H, wh.at, a.at + 16 * t * B * H);
    for (let row = t * B; row < (t + 1) * B; row++) units(math, H, a.data, 4 * H * row, c.data, h.data, H * row, B * H);
  }
}

/** One sequence in one step: its gates at `gate`, its states before at `at`, and those after `next` further. */
function units({ sigmoid, tanh }, H, a, gate, c, h, at, next) {
  for (let u = 0; u < H; u++) {
    const i = sigmoid(a[gate + u]);
    const f = sigmoid(a[gate + H + u]);
    const g = tanh(a[gate + 2 * H + u]);
    const o = sigmoid(a[gate + 3 * H + u]);
    const sum = fround(fround(f * c[at + u]) + fround(i * g));
    a[gate + u] = i;
    a[gate + H + u] = f;
    a[gate + 2 * H + u] = g;
    a[gate + 3 * H + u] = o;
    c[at + next + u] = sum;
    h[at + next + u] = o * tanh(sum);
  }
}
