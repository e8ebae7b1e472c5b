/**
 * Rung 10: fused scan. The whole time loop of an LSTM layer is one call: recurrent product, gates and states of every step.
 *
 * Work       The forward pass of an LSTM layer over T steps, its input projected before. The rung before is its stepwise twin,
 *            stepwise.js: one call of rung 9 a step, then the gates in JavaScript.
 * Changes    Wh is packed once for all steps. Four units of a gate are computed at once, in the order of src/tensor/math.ts and to
 *            its bits. Between two steps nothing leaves WebAssembly.
 * Predicted  3×. A unit costs 2·4·H operations in its product, 128 cycles for H = 128, and five transcendental functions. These take
 *            some 250 cycles in JavaScript, and 15 in four lanes.
 * Measured   4.4×: 24.1 GFLOP/s, 49 % of the roof (`bptt bench --ladder`, AMD EPYC, Node 20.20.2, 2026-11-29, load 17).
 */
import { read, write } from '../../assembly/lanes';
import { sigmoid4, tanh4 } from '../../assembly/math';
import { part } from './05-wasm-scalar';
import { COLUMNS, ROWS } from './07-outer-product-tile';
import { packGroups, packPanels, tiles } from './08-packing';

/** Panels of Wh, and behind them groups of the states of one step. */
export function scratchBytes(B: i32, H: i32): i32 {
  return 4 * H * (4 * H + B);
}

/**
 * h_t, c_t of all steps from h_0, c_0.
 *
 * @param a `[T·B, 4H]`: x·Wx + b, becomes the gates i, f, g, o
 * @param wh `[H, 4H]`
 * @param h `[(T + 1)·B, H]`, the first B rows given; `c` likewise
 */
export function lstm(T: i32, B: i32, H: i32, a: usize, wh: usize, h: usize, c: usize, scratch: usize): void {
  const N = 4 * H;
  const n = N - (N % COLUMNS);
  const m = B - (B % ROWS);
  const row = (<usize>H) << 2;
  const gates = 4 * row;
  const groups = scratch + ((<usize>H * <usize>n) << 2);
  packPanels(n, H, wh, gates, scratch);
  for (let t = 0; t < T; t++) {
    packGroups(m, H, h, row, groups);
    tiles(m, n, H, groups, scratch, a, gates);
    part(0, m, n, N, H, N, h, wh, a);
    part(m, B, 0, N, H, N, h, wh, a);
    for (let b = 0; b < B; b++, a += gates, h += row, c += row) {
      units(H, a, c, c + <usize>B * row, h + <usize>B * row);
    }
  }
}

/** One sequence in one step: its gates, then its next states. */
function units(H: i32, a: usize, before: usize, c: usize, h: usize): void {
  const gate = (<usize>H) << 2;
  for (let left = H; left > 0; left -= 4) {
    const i = sigmoid4(read(a, left));
    const f = sigmoid4(read(a + gate, left));
    const g = tanh4(read(a + 2 * gate, left));
    const o = sigmoid4(read(a + 3 * gate, left));
    const next = f32x4.add(f32x4.mul(f, read(before, left)), f32x4.mul(i, g));
    write(a, i, left);
    write(a + gate, f, left);
    write(a + 2 * gate, g, left);
    write(a + 3 * gate, o, left);
    write(c, next, left);
    write(h, f32x4.mul(o, tanh4(next)), left);
    a += 16;
    before += 16;
    c += 16;
    h += 16;
  }
}
