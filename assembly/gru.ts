/** The time loops of the GRU, reset after; equations as numbered in src/cells/gru.ts, layouts as in lstm.ts. */
import { read, write } from './lanes';
import { sigmoid4, tanh4 } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/** Forward. `panels` holds Wh; overwrites `a` with the gates and `u` as the cell does, fills h behind its first B rows. */
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
  let left = H;
  for (; left >= 4; left -= 4) {
    forwardUnits(gate, a, u, bn, hPrev, h, 4);
    a += 16;
    u += 16;
    bn += 16;
    hPrev += 16;
    h += 16;
  }
  if (left > 0) forwardUnits(gate, a, u, bn, hPrev, h, left);
}

// @ts-ignore: decorator
@inline
function forwardUnits(gate: usize, a: usize, u: usize, bn: usize, hPrev: usize, h: usize, count: i32): void {
  const r = sigmoid4(f32x4.add(read(a, count), read(u, count))); // (2)
  const z = sigmoid4(f32x4.add(read(a + gate, count), read(u + gate, count)));
  const q = f32x4.add(read(u + 2 * gate, count), read(bn, count)); // (3)
  const n = tanh4(f32x4.add(read(a + 2 * gate, count), f32x4.mul(r, q)));
  write(u + 2 * gate, q, count);
  write(a, r, count);
  write(a + gate, z, count);
  write(a + 2 * gate, n, count);
  const kept = f32x4.mul(z, read(hPrev, count));
  write(h, f32x4.add(f32x4.mul(f32x4.sub(f32x4.splat(1), z), n), kept), count); // (4)
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
  const one = f32x4.splat(1);
  for (let left = H; left > 0; left -= 4) {
    const r = read(a, left);
    const z = read(a + gate, left);
    const n = read(a + 2 * gate, left);
    const q = read(u + 2 * gate, left);
    const dhNext = read(dh, left);
    write(dhPrev, f32x4.add(read(dhPrev, left), f32x4.mul(dhNext, z)), left); // (4)
    const dz = f32x4.mul(dhNext, f32x4.sub(read(hPrev, left), n));
    const dn = f32x4.mul(dhNext, f32x4.sub(one, z));
    const dan = f32x4.mul(dn, f32x4.sub(one, f32x4.mul(n, n))); // (3)
    const dar = f32x4.mul(f32x4.mul(f32x4.mul(dan, q), r), f32x4.sub(one, r)); // (3), (2)
    const daz = f32x4.mul(f32x4.mul(dz, z), f32x4.sub(one, z)); // (2)
    write(da, dar, left);
    write(da + gate, daz, left);
    write(da + 2 * gate, dan, left);
    write(du, dar, left);
    write(du + gate, daz, left);
    write(du + 2 * gate, f32x4.mul(dan, r), left); // (3)
    a += 16;
    u += 16;
    hPrev += 16;
    dh += 16;
    dhPrev += 16;
    da += 16;
    du += 16;
  }
}
