/**
 * The time loops of the GRU with the reset gate before the product; equations as numbered in src/cells/gru-reset-before.ts,
 * layouts as in lstm.ts.
 */
import { blendRow } from './gru';
import { pair, read, write } from './lanes';
import { sigmoidRow, tanhRow } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/**
 * Forward. `panelsRz` and `panelsN` hold the columns of Wh; overwrites `a` with the gates, fills `s`, and h after its first B
 * rows.
 */
export function gruResetBeforeForward(
  T: i32,
  sizes: usize,
  batch: i32,
  H: i32,
  h: usize,
  a: usize,
  s: usize,
  panelsRz: usize,
  panelsN: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const step = <usize>H * PANEL;
  let block = <usize>batch * row;
  for (let t = 0; t < T; t++) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const next = h + block;
    multiply<f32>(B, 2 * H, H, a, 3 * row, h, row, panelsRz, PANEL, step, edge); // (1)
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      sigmoidRow(2 * H, a + 3 * at, a + 3 * at); // (2)
      resetRow(row, a + 3 * at, h + at, s + at);
    }
    multiply<f32>(B, H, H, a + 2 * row, 3 * row, s, row, panelsN, PANEL, step, edge); // (4)
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      const n = a + 3 * at + 2 * row;
      tanhRow(H, n, n); // (4)
      blendRow(row, n - row, h + at, next + at); // (5)
    }
    block = <usize>B * row;
    a += 3 * block;
    s += block;
    h = next;
  }
}

function resetRow(bytes: usize, r: usize, hPrev: usize, s: usize): void {
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    const first = f32x4.mul(v128.load(r + at), v128.load(hPrev + at)); // (3)
    pair(s + at, first, f32x4.mul(v128.load(r + at, 16), v128.load(hPrev + at, 16)));
  }
  for (; at < bytes; at += 16) {
    const left = <i32>((bytes - at) >> 2);
    write(s + at, f32x4.mul(read(r + at, left), read(hPrev + at, left)), left);
  }
}

/** Backward. The panels hold the transposes of the columns of Wh; adds to dh, fills `da` and `ds`. */
export function gruResetBeforeBackward(
  T: i32,
  sizes: usize,
  batch: i32,
  N: i32,
  H: i32,
  h: usize,
  a: usize,
  dh: usize,
  da: usize,
  ds: usize,
  panelsRz: usize,
  panelsN: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const stepRz = <usize>(2 * H) * PANEL;
  const stepN = <usize>H * PANEL;
  let rows = <usize>N * row;
  let states = <usize>batch * row + rows;
  for (let t = T - 1; t >= 0; t--) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const before = t > 0 ? load<i32>(sizes + (<usize>(t - 1) << 2)) : batch;
    const block = <usize>B * row;
    rows -= block;
    states -= block;
    const prev = states - <usize>before * row;
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      const r = (rows + at) * 3;
      outputBackwardRow(H, a + r, h + prev + at, dh + states + at, dh + prev + at, da + r);
    }
    memory.fill(ds + rows, 0, block);
    multiply<f32>(B, H, H, ds + rows, row, da + 3 * rows + 2 * row, 3 * row, panelsN, PANEL, stepN, edge); // (4)
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      const r = (rows + at) * 3;
      resetBackwardRow(H, a + r, h + prev + at, ds + rows + at, dh + prev + at, da + r);
    }
    multiply<f32>(B, H, 2 * H, dh + prev, row, da + 3 * rows, 3 * row, panelsRz, PANEL, stepRz, edge); // (1)
  }
}

function outputBackwardRow(H: i32, a: usize, hPrev: usize, dh: usize, dhPrev: usize, da: usize): void {
  const gate = <usize>H * 4;
  const one = f32x4.splat(1);
  for (let left = H; left > 0; left -= 4) {
    const z = read(a + gate, left);
    const n = read(a + 2 * gate, left);
    const dhNext = read(dh, left);
    write(dhPrev, f32x4.add(read(dhPrev, left), f32x4.mul(dhNext, z)), left); // (5)
    const dz = f32x4.mul(dhNext, f32x4.sub(read(hPrev, left), n));
    const dn = f32x4.mul(dhNext, f32x4.sub(one, z));
    write(da + 2 * gate, f32x4.mul(dn, f32x4.sub(one, f32x4.mul(n, n))), left); // (4)
    write(da + gate, f32x4.mul(f32x4.mul(dz, z), f32x4.sub(one, z)), left); // (2)
    a += 16;
    hPrev += 16;
    dh += 16;
    dhPrev += 16;
    da += 16;
  }
}

function resetBackwardRow(H: i32, a: usize, hPrev: usize, ds: usize, dhPrev: usize, da: usize): void {
  const one = f32x4.splat(1);
  for (let left = H; left > 0; left -= 4) {
    const r = read(a, left);
    const dsHere = read(ds, left);
    write(dhPrev, f32x4.add(read(dhPrev, left), f32x4.mul(dsHere, r)), left); // (3)
    const dr = f32x4.mul(dsHere, read(hPrev, left));
    write(da, f32x4.mul(f32x4.mul(dr, r), f32x4.sub(one, r)), left); // (2)
    a += 16;
    hPrev += 16;
    ds += 16;
    dhPrev += 16;
    da += 16;
  }
}
