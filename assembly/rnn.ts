/** The time loops of the simple recurrent network; equations as numbered in src/cells/rnn.ts, layouts as in lstm.ts. */
import { read, write } from './lanes';
import { tanh4 } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/** Forward, with tanh or, where `relu` is not 0, max(a, 0). `panels` holds Wh; fills h behind its first B rows. */
export function rnnForward(
  relu: i32,
  T: i32,
  sizes: usize,
  batch: i32,
  H: i32,
  h: usize,
  a: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  let block = <usize>batch * row;
  for (let t = 0; t < T; t++) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const next = h + block;
    multiply<f32>(B, H, H, a, row, h, row, panels, PANEL, <usize>H * PANEL, edge); // (1)
    block = <usize>B * row;
    for (let i: usize = 0; i < block; i += 16) {
      const left = <i32>((block - i) >> 2);
      const x = read(a + i, left);
      // max as the cell writes it, x < 0 ? 0 : x, lets NaN through.
      write(next + i, relu ? f32x4.pmax(x, f32x4.splat(0)) : tanh4(x), left); // (2)
    }
    a += block;
    h = next;
  }
}

/** Backward. `panels` holds Whᵀ; adds to dh, fills `da`. */
export function rnnBackward(
  relu: i32,
  T: i32,
  sizes: usize,
  batch: i32,
  N: i32,
  H: i32,
  h: usize,
  dh: usize,
  da: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  let rows = <usize>N * row;
  let states = <usize>batch * row + rows;
  for (let t = T - 1; t >= 0; t--) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const before = t > 0 ? load<i32>(sizes + (<usize>(t - 1) << 2)) : batch;
    const block = <usize>B * row;
    rows -= block;
    states -= block;
    const prev = states - <usize>before * row;
    for (let i: usize = 0; i < block; i += 16) {
      const left = <i32>((block - i) >> 2);
      const y = read(h + states + i, left);
      const slope = relu ? v128.and(f32x4.gt(y, zero), one) : f32x4.sub(one, f32x4.mul(y, y));
      write(da + rows + i, f32x4.mul(read(dh + states + i, left), slope), left); // (2)
    }
    multiply<f32>(B, H, H, dh + prev, row, da + rows, row, panels, PANEL, <usize>H * PANEL, edge); // (1)
  }
}
