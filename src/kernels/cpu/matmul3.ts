/**
 * Rung 3 of the ladder: packing, blocking and a register tile (Goto and van de Geijn, Anatomy of High-Performance Matrix
 * Multiplication, 2008, in one thread of scalar JavaScript).
 *
 *   pack     Blocks of `a` and `b` are copied into scratch in the order the inner loop reads them, widened to double. This
 *            takes strides, offsets and the conversion from float32 out of the inner loop, and makes it one piece of code
 *            for both element types and all three products.
 *   block    A block of `a` (64 × 256), of `b` (256 × 128) and of the sums (64 × 128) stay in the second-level cache.
 *   tile     4 × 2 sums live in registers over a block of k, two steps of k per turn: 16 multiplications and additions for
 *            12 loads. A 4 × 4 tile needs more than the 16 registers there are.
 *
 * The scratch arrays are module constants: the compiler then embeds their address and length in the code, which is worth a third
 * of the speed. Every sum runs over k in order, in double, from 0, whatever tile it falls into, and is added to `out` in one
 * rounding. So the bits are those of rung 1, independent of M, N and the strides. Rounding every step to float32 instead
 * (`Math.fround`) was measured at half the speed and loses 29 bits.
 *
 * Gain over rung 1 (`bptt bench --suite gemm --backend reference,cpu --sizes 700x100x400,1x100x400`, float32, an AMD EPYC core, Node
 * 20): 0.50 → 5.1 GFLOP/s for 700 × 100 · 100 × 400, all three products; with one row 0.50 → 2.6.
 */
import type { Real, Tensor } from '../../tensor/types.js';
import { transposed } from './transposed.js';

/** Rows, inner terms and columns of a block. Rows divide by 4, columns by 2. */
const MC = 64;
const KC = 256;
const NC = 128;

/** Blocks of `a` in strips of 4 rows, of `b` in strips of 2 columns, and of the sums in tiles of 4 × 2. */
const blockA = new Float64Array(MC * KC);
const blockB = new Float64Array(KC * NC);
const blockC = new Float64Array(MC * NC);

/** Below this many rows packing costs more than it saves: 2.2 GFLOP/s without it for 3 rows, 2.6 with it for 4. */
const FEW_ROWS = 4;

/** `out[m,n] += Σ_k a[m,k] · b[k,n]`. */
export function addMatmul3(out: Tensor, a: Tensor, b: Tensor): void {
  const [M, N] = out.shape;
  const K = a.shape[1];
  if (K === 0) return;
  if (M < FEW_ROWS) {
    for (let m = 0; m < M; m++) addRow(out, a, b, m);
    return;
  }
  for (let m = 0; m < M; m += MC) {
    const rows = Math.min(MC, M - m);
    for (let n = 0; n < N; n += NC) {
      const columns = Math.min(NC, N - n);
      for (let k = 0; k < K; k += KC) {
        const terms = Math.min(KC, K - k);
        packA(a, m, k, rows, terms);
        packB(b, k, n, terms, columns);
        for (let i = 0; i < rows; i += 4) multiplyStrip(i, columns, terms + (terms % 2), k === 0);
      }
      addBlock(out, m, n, rows, columns);
    }
  }
}

/** `out[m,n] += Σ_k a[k,m] · b[k,n]`. */
export function addMatmulTA3(out: Tensor, a: Tensor, b: Tensor): void {
  addMatmul3(out, transposed(a), b);
}

/** `out[m,n] += Σ_k a[m,k] · b[n,k]`. */
export function addMatmulTB3(out: Tensor, a: Tensor, b: Tensor): void {
  addMatmul3(out, a, transposed(b));
}

/**
 * Copies `a[m.., k..]` into strips of 4 rows, k by k. Rows past the edge are zeros whose sums are never read; an odd number
 * of terms gets one more of 0 · 0, which changes no bit: a sum that starts at +0 is never −0.
 */
function packA(a: Tensor, m: number, k: number, rows: number, terms: number): void {
  const data: Real = a.data;
  const [row, step] = a.stride;
  const strip = 4 * (terms + (terms % 2));
  let start = a.offset + m * row + k * step;
  for (let i = 0, to = 0; i < rows; i += 4, to += strip, start += 4 * row) {
    const left = rows - i;
    if (left < 4 || terms % 2 === 1) blockA.fill(0, to, to + strip);
    const end = to + 4 * terms;
    for (let p = to, q = start; p < end; p += 4, q += step) {
      blockA[p] = data[q];
      if (left > 1) blockA[p + 1] = data[q + row];
      if (left > 2) blockA[p + 2] = data[q + 2 * row];
      if (left > 3) blockA[p + 3] = data[q + 3 * row];
    }
  }
}

/** Copies `b[k.., n..]` into strips of 2 columns, k by k, with zeros past the edges as in `packA`. */
function packB(b: Tensor, k: number, n: number, terms: number, columns: number): void {
  const data: Real = b.data;
  const [step, column] = b.stride;
  const strip = 2 * (terms + (terms % 2));
  let start = b.offset + k * step + n * column;
  for (let j = 0, to = 0; j < columns; j += 2, to += strip, start += 2 * column) {
    const paired = columns - j > 1;
    if (!paired || terms % 2 === 1) blockB.fill(0, to, to + strip);
    const end = to + 2 * terms;
    for (let p = to, q = start; p < end; p += 2, q += step) {
      blockB[p] = data[q];
      if (paired) blockB[p + 1] = data[q + column];
    }
  }
}

/**
 * One strip of 4 rows, from row `i` of the block, times every strip of 2 columns. `terms` is even; a later block of k continues
 * from the sums so far.
 */
function multiplyStrip(i: number, columns: number, terms: number, first: boolean): void {
  const start = i * terms;
  const end = start + 4 * terms;
  for (let j = 0, q = 0, c = i * NC; j < columns; j += 2, c += 8) {
    let c00 = first ? 0 : blockC[c];
    let c01 = first ? 0 : blockC[c + 1];
    let c10 = first ? 0 : blockC[c + 2];
    let c11 = first ? 0 : blockC[c + 3];
    let c20 = first ? 0 : blockC[c + 4];
    let c21 = first ? 0 : blockC[c + 5];
    let c30 = first ? 0 : blockC[c + 6];
    let c31 = first ? 0 : blockC[c + 7];
    // prettier-ignore
    for (let p = start; p < end; p += 8, q += 4) {
      const b0 = blockB[q], b1 = blockB[q + 1];
      const a0 = blockA[p];     c00 += a0 * b0; c01 += a0 * b1;
      const a1 = blockA[p + 1]; c10 += a1 * b0; c11 += a1 * b1;
      const a2 = blockA[p + 2]; c20 += a2 * b0; c21 += a2 * b1;
      const a3 = blockA[p + 3]; c30 += a3 * b0; c31 += a3 * b1;
      const d0 = blockB[q + 2], d1 = blockB[q + 3];
      const a4 = blockA[p + 4]; c00 += a4 * d0; c01 += a4 * d1;
      const a5 = blockA[p + 5]; c10 += a5 * d0; c11 += a5 * d1;
      const a6 = blockA[p + 6]; c20 += a6 * d0; c21 += a6 * d1;
      const a7 = blockA[p + 7]; c30 += a7 * d0; c31 += a7 * d1;
    }
    blockC[c] = c00;
    blockC[c + 1] = c01;
    blockC[c + 2] = c10;
    blockC[c + 3] = c11;
    blockC[c + 4] = c20;
    blockC[c + 5] = c21;
    blockC[c + 6] = c30;
    blockC[c + 7] = c31;
  }
}

/** Adds the finished sums of a block to `out[m.., n..]`: the one rounding. */
function addBlock(out: Tensor, m: number, n: number, rows: number, columns: number): void {
  const data: Real = out.data;
  const [row, step] = out.stride;
  for (let i = 0; i < rows; i++) {
    let c = (i >> 2) * 4 * NC + (i & 3) * 2;
    let o = out.offset + (m + i) * row + n * step;
    for (let j = 0; j < columns; j++, o += step) {
      data[o] += blockC[c];
      c += (j & 1) === 0 ? 1 : 7;
    }
  }
}

/** Row `m` of `out` straight from `a` and `b`, four columns at a time. */
function addRow(out: Tensor, a: Tensor, b: Tensor, m: number): void {
  const x: Real = a.data;
  const y: Real = b.data;
  const target: Real = out.data;
  const N = out.shape[1];
  const K = a.shape[1];
  const stepA = a.stride[1];
  const [row, column] = b.stride;
  const start = a.offset + m * a.stride[0];
  const stepOut = out.stride[1];
  let o = out.offset + m * out.stride[0];
  for (let n = 0; n < N; n += 4) {
    const left = N - n;
    // Columns past the edge read the last one again; their sums are discarded.
    const to1 = left > 1 ? column : 0;
    const to2 = left > 2 ? 2 * column : 0;
    const to3 = left > 3 ? 3 * column : 0;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0; // prettier-ignore
    for (let k = 0, p = start, q = b.offset + n * column; k < K; k++, p += stepA, q += row) {
      const w = x[p];
      s0 += w * y[q];
      s1 += w * y[q + to1];
      s2 += w * y[q + to2];
      s3 += w * y[q + to3];
    }
    target[o] += s0;
    if (left > 1) target[o + stepOut] += s1;
    if (left > 2) target[o + 2 * stepOut] += s2;
    if (left > 3) target[o + 3 * stepOut] += s3;
    o += 4 * stepOut;
  }
}
