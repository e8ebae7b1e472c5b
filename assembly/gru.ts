/**
 * The time loops of the GRU with the reset gate after the product; equations as numbered in src/cells/gru.ts, layouts as in
 * lstm.ts.
 */
import { pair, read, write } from './lanes';
import { sigmoidRow, tanhRow } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/** Forward. `panels` holds Wh; overwrites `a` with the gates and `u` as the cell does, fills h after its first B rows. */
export function gruForward(
  T: i32,
  sizes: usize,
  batch: i32,
  H: i32,
  h: usize,
  a: usize,
  u: usize,
  bn: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  let block = <usize>batch * row;
  for (let t = 0; t < T; t++) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const next = h + block;
    multiply<f32>(B, 3 * H, H, u, 3 * row, h, row, panels, PANEL, <usize>H * PANEL, edge); // (1)
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      forwardRow(H, a + 3 * at, u + 3 * at, bn, h + at, next + at);
    }
    block = <usize>B * row;
    a += 3 * block;
    u += 3 * block;
    h = next;
  }
}

function forwardRow(H: i32, a: usize, u: usize, bn: usize, hPrev: usize, h: usize): void {
  const gate = <usize>H * 4;
  addRow(2 * gate, a, u);
  sigmoidRow(2 * H, a, a); // (2)
  candidateRow(gate, a, u + 2 * gate, bn);
  tanhRow(H, a + 2 * gate, a + 2 * gate); // (3)
  blendRow(gate, a + gate, hPrev, h); // (4)
}

/** `a += u` over this many bytes, the sum of (2). */
function addRow(bytes: usize, a: usize, u: usize): void {
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    const first = f32x4.add(v128.load(a + at), v128.load(u + at));
    pair(a + at, first, f32x4.add(v128.load(a + at, 16), v128.load(u + at, 16)));
  }
  for (; at < bytes; at += 16) {
    const left = <i32>((bytes - at) >> 2);
    write(a + at, f32x4.add(read(a + at, left), read(u + at, left)), left);
  }
}

/** q of a row, and the argument of tanh in (3). */
function candidateRow(gate: usize, r: usize, q: usize, bn: usize): void {
  let left = <i32>(gate >> 2);
  for (; left >= 4; left -= 4, r += 16, q += 16, bn += 16) candidateUnits(gate, r, q, bn, 4);
  if (left > 0) candidateUnits(gate, r, q, bn, left);
}

// @ts-ignore: decorator
@inline
function candidateUnits(gate: usize, r: usize, un: usize, bn: usize, count: i32): void {
  const q = f32x4.add(read(un, count), read(bn, count)); // (3)
  write(un, q, count);
  const an = r + 2 * gate;
  write(an, f32x4.add(read(an, count), f32x4.mul(read(r, count), q)), count); // (3)
}

/** `(1 − z)·n + z·h'` of a row; n comes after z. */
export function blendRow(gate: usize, z: usize, hPrev: usize, h: usize): void {
  let at: usize = 0;
  for (; at + 32 <= gate; at += 32) {
    pair(h + at, blend(gate, z + at, hPrev + at, 4), blend(gate, z + at + 16, hPrev + at + 16, 4));
  }
  for (; at < gate; at += 16) {
    const left = <i32>((gate - at) >> 2);
    write(h + at, blend(gate, z + at, hPrev + at, left), left);
  }
}

// @ts-ignore: decorator
@inline
function blend(gate: usize, at: usize, hPrev: usize, count: i32): v128 {
  const z = read(at, count);
  const n = read(at + gate, count);
  const kept = f32x4.mul(z, read(hPrev, count));
  return f32x4.add(f32x4.mul(f32x4.sub(f32x4.splat(1), z), n), kept);
}

/** Backward. `panels` holds Whᵀ; adds to dh, fills `da` and `du`. */
export function gruBackward(
  T: i32,
  sizes: usize,
  batch: i32,
  N: i32,
  H: i32,
  h: usize,
  a: usize,
  u: usize,
  dh: usize,
  da: usize,
  du: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const step = <usize>(3 * H) * PANEL;
  let rows = <usize>N * row;
  let states = <usize>batch * row + rows;
  for (let t = T - 1; t >= 0; t--) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const before = t > 0 ? load<i32>(sizes + (<usize>(t - 1) << 2)) : batch;
    rows -= <usize>B * row;
    states -= <usize>B * row;
    const prev = states - <usize>before * row;
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      const r = (rows + at) * 3;
      backwardRow(H, a + r, u + r, h + prev + at, dh + states + at, dh + prev + at, da + r, du + r);
    }
    multiply<f32>(B, H, 3 * H, dh + prev, row, du + 3 * rows, 3 * row, panels, PANEL, step, edge); // (1)
  }
}

function backwardRow(
  H: i32,
  a: usize,
  u: usize,
  hPrev: usize,
  dh: usize,
  dhPrev: usize,
  da: usize,
  du: usize,
): void {
  const gate = <usize>H * 4;
  let left = H;
  for (; left >= 4; left -= 4) {
    backwardUnits(gate, a, u, hPrev, dh, dhPrev, da, du, 4);
    a += 16;
    u += 16;
    hPrev += 16;
    dh += 16;
    dhPrev += 16;
    da += 16;
    du += 16;
  }
  if (left > 0) backwardUnits(gate, a, u, hPrev, dh, dhPrev, da, du, left);
}

// @ts-ignore: decorator
@inline
function backwardUnits(
  gate: usize,
  a: usize,
  u: usize,
  hPrev: usize,
  dh: usize,
  dhPrev: usize,
  da: usize,
  du: usize,
  count: i32,
): void {
  const one = f32x4.splat(1);
  const r = read(a, count);
  const z = read(a + gate, count);
  const n = read(a + 2 * gate, count);
  const q = read(u + 2 * gate, count);
  const dhNext = read(dh, count);
  write(dhPrev, f32x4.add(read(dhPrev, count), f32x4.mul(dhNext, z)), count); // (4)
  const dz = f32x4.mul(dhNext, f32x4.sub(read(hPrev, count), n));
  const dn = f32x4.mul(dhNext, f32x4.sub(one, z));
  const dan = f32x4.mul(dn, f32x4.sub(one, f32x4.mul(n, n))); // (3)
  const dar = f32x4.mul(f32x4.mul(f32x4.mul(dan, q), r), f32x4.sub(one, r)); // (3), (2)
  const daz = f32x4.mul(f32x4.mul(dz, z), f32x4.sub(one, z)); // (2)
  write(da, dar, count);
  write(da + gate, daz, count);
  write(da + 2 * gate, dan, count);
  write(du, dar, count);
  write(du + gate, daz, count);
  write(du + 2 * gate, f32x4.mul(dan, r), count); // (3)
}
