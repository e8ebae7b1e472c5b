/** The time loops of the simple recurrent network; equations as numbered in src/cells/rnn.ts, layouts as in lstm.ts. */
import { read, write } from './lanes';
import { tanhRow } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/** Forward, with tanh or, if `relu` is not 0, max(a, 0). `panels` holds Wh; fills h after its first B rows. */
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
    if (relu) reluRow(B * H, a, next);
    else tanhRow(B * H, a, next); // (2), all rows as one
    a += block;
    h = next;
  }
}

function reluRow(count: i32, x: usize, y: usize): void {
  // max as in the cell, x < 0 ? 0 : x, which propagates NaN.
  for (; count > 0; count -= 4, x += 16, y += 16) write(y, f32x4.pmax(read(x, count), f32x4.splat(0)), count); // (2)
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
  let rows = <usize>N * row;
  let states = <usize>batch * row + rows;
  for (let t = T - 1; t >= 0; t--) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const before = t > 0 ? load<i32>(sizes + (<usize>(t - 1) << 2)) : batch;
    const block = <usize>B * row;
    rows -= block;
    states -= block;
    const prev = states - <usize>before * row;
    slopeRow(relu, B * H, h + states, dh + states, da + rows);
    multiply<f32>(B, H, H, dh + prev, row, da + rows, row, panels, PANEL, <usize>H * PANEL, edge); // (1)
  }
}

function slopeRow(relu: i32, count: i32, h: usize, dh: usize, da: usize): void {
  for (; count >= 4; count -= 4, h += 16, dh += 16, da += 16) v128.store(da, slopeUnits(relu, h, dh, 4));
  if (count > 0) write(da, slopeUnits(relu, h, dh, count), count);
}

// @ts-ignore: decorator
@inline
function slopeUnits(relu: i32, h: usize, dh: usize, count: i32): v128 {
  const one = f32x4.splat(1);
  const y = read(h, count);
  const slope = relu ? v128.and(f32x4.gt(y, f32x4.splat(0)), one) : f32x4.sub(one, f32x4.mul(y, y));
  return f32x4.mul(read(dh, count), slope); // (2)
}
