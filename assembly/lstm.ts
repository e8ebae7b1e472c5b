/**
 * The time loops of the LSTM over packed rows; equations as numbered in src/cells/lstm.ts. All matrices are row-major without
 * gaps: states `[B + N, H]`, `a` and `da` `[N, 4H]`, `tanhC` `[N, H]`. `sizes` holds T int32, the rows
 * per step; `batch` is B, including sequences of length 0, which take part in no step.
 */
import { pair, read, write } from './lanes';
import { sigmoidRow, tanhRow } from './math';
import { multiply } from './multiply';
import { PANEL } from './tile';

/** Forward. `panels` holds Wh; overwrites `a` with the gates, fills h and c after their first B rows, and `tanhC`. */
export function lstmForward(
  T: i32,
  sizes: usize,
  batch: i32,
  H: i32,
  h: usize,
  c: usize,
  a: usize,
  tanhC: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const step = <usize>H * PANEL;
  let hPrev = h;
  let cPrev = c;
  let block = <usize>batch * row;
  for (let t = 0; t < T; t++) {
    const B = load<i32>(sizes + (<usize>t << 2));
    const hNext = hPrev + block;
    const cNext = cPrev + block;
    multiply<f32>(B, 4 * H, H, a, 4 * row, hPrev, row, panels, PANEL, step, edge); // (1)
    for (let b = 0; b < B; b++) {
      const at = <usize>b * row;
      forwardRow(H, a + 4 * at, cPrev + at, cNext + at, tanhC + at, hNext + at);
    }
    block = <usize>B * row;
    a += 4 * block;
    tanhC += block;
    hPrev = hNext;
    cPrev = cNext;
  }
}

function forwardRow(H: i32, a: usize, cPrev: usize, c: usize, tanhC: usize, h: usize): void {
  const gate = <usize>H * 4;
  sigmoidRow(2 * H, a, a); // (2) i, f
  tanhRow(H, a + 2 * gate, a + 2 * gate); // (2) g
  sigmoidRow(H, a + 3 * gate, a + 3 * gate); // (2) o
  cellRow(gate, a, cPrev, c);
  tanhRow(H, c, tanhC);
  outputRow(gate, a + 3 * gate, tanhC, h);
}

/** c of a row. Offsets are in bytes, as `gate` is, the length of a row. */
function cellRow(gate: usize, a: usize, cPrev: usize, c: usize): void {
  let at: usize = 0;
  for (; at + 32 <= gate; at += 32) {
    pair(c + at, cellUnits(gate, a + at, cPrev + at, 4), cellUnits(gate, a + at + 16, cPrev + at + 16, 4));
  }
  for (; at < gate; at += 16) {
    const left = <i32>((gate - at) >> 2);
    write(c + at, cellUnits(gate, a + at, cPrev + at, left), left);
  }
}

// @ts-ignore: decorator
@inline
function cellUnits(gate: usize, a: usize, cPrev: usize, count: i32): v128 {
  const i = read(a, count);
  const f = read(a + gate, count);
  const g = read(a + 2 * gate, count);
  return f32x4.add(f32x4.mul(f, read(cPrev, count)), f32x4.mul(i, g)); // (3)
}

function outputRow(gate: usize, o: usize, tanhC: usize, h: usize): void {
  let at: usize = 0;
  for (; at + 32 <= gate; at += 32) {
    pair(h + at, outputUnits(o + at, tanhC + at, 4), outputUnits(o + at + 16, tanhC + at + 16, 4));
  }
  for (; at < gate; at += 16) {
    const left = <i32>((gate - at) >> 2);
    write(h + at, outputUnits(o + at, tanhC + at, left), left);
  }
}

// @ts-ignore: decorator
@inline
function outputUnits(o: usize, tanhC: usize, count: i32): v128 {
  return f32x4.mul(read(o, count), read(tanhC, count)); // (4)
}

/** Backward. `panels` holds Whᵀ; completes dc, adds to dh, fills `da`. */
export function lstmBackward(
  T: i32,
  sizes: usize,
  batch: i32,
  N: i32,
  H: i32,
  c: usize,
  a: usize,
  tanhC: usize,
  dh: usize,
  dc: usize,
  da: usize,
  panels: usize,
  edge: usize,
): void {
  const row = <usize>H * 4;
  const step = <usize>(4 * H) * PANEL;
  // After the last rows; every step first moves to its own.
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
      const r = rows + at;
      backwardRow(H, a + 4 * r, tanhC + r, c + prev + at, dh + states + at, dc + states + at, dc + prev + at, da + 4 * r);
    }
    multiply<f32>(B, H, 4 * H, dh + prev, row, da + 4 * rows, 4 * row, panels, PANEL, step, edge); // (1)
  }
}

function backwardRow(
  H: i32,
  a: usize,
  tanhC: usize,
  cPrev: usize,
  dh: usize,
  dc: usize,
  dcPrev: usize,
  da: usize,
): void {
  const gate = <usize>H * 4;
  let left = H;
  // Whole vectors in a branch-free loop, and one iteration for the rest.
  for (; left >= 4; left -= 4) {
    backwardUnits(gate, a, tanhC, cPrev, dh, dc, dcPrev, da, 4);
    a += 16;
    tanhC += 16;
    cPrev += 16;
    dh += 16;
    dc += 16;
    dcPrev += 16;
    da += 16;
  }
  if (left > 0) backwardUnits(gate, a, tanhC, cPrev, dh, dc, dcPrev, da, left);
}

// @ts-ignore: decorator
@inline
function backwardUnits(
  gate: usize,
  a: usize,
  tanhC: usize,
  cPrev: usize,
  dh: usize,
  dc: usize,
  dcPrev: usize,
  da: usize,
  count: i32,
): void {
  const one = f32x4.splat(1);
  const i = read(a, count);
  const f = read(a + gate, count);
  const g = read(a + 2 * gate, count);
  const o = read(a + 3 * gate, count);
  const tc = read(tanhC, count);
  const dhNext = read(dh, count);
  const slope = f32x4.sub(one, f32x4.mul(tc, tc));
  const dcNext = f32x4.add(read(dc, count), f32x4.mul(f32x4.mul(dhNext, o), slope)); // (4)
  write(dc, dcNext, count);
  write(dcPrev, f32x4.add(read(dcPrev, count), f32x4.mul(dcNext, f)), count); // (3)
  const di = f32x4.mul(dcNext, g);
  const df = f32x4.mul(dcNext, read(cPrev, count));
  const dg = f32x4.mul(dcNext, i);
  const dOut = f32x4.mul(dhNext, tc); // (4)
  write(da, f32x4.mul(f32x4.mul(di, i), f32x4.sub(one, i)), count); // (2)
  write(da + gate, f32x4.mul(f32x4.mul(df, f), f32x4.sub(one, f)), count);
  write(da + 2 * gate, f32x4.mul(dg, f32x4.sub(one, f32x4.mul(g, g))), count);
  write(da + 3 * gate, f32x4.mul(f32x4.mul(dOut, o), f32x4.sub(one, o)), count);
}
