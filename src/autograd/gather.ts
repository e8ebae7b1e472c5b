/** Moving whole rows about: the permutation that reverses time, the left factor of the recurrent weight gradient. */
import type { Kernels } from '../kernels/types.js';
import { allocateRawOn } from '../kernels/workspace.js';
import { addSumRows, fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf, rows } from '../tensor/view.js';

/** `out += Σ_r x[r]`: the gradient of a bias. `out [W]`, `x [R, W]`. */
export function addRowSum(kernels: Kernels, out: Tensor, x: Tensor): void {
  if (!kernels.rows?.addSumRows(out, x)) addSumRows(out, x);
}

/** New matrix `[map.length, W]` whose row r is row `map[r]` of `x`. */
export function gatherRows(kernels: Kernels, x: Tensor, map: Int32Array): Tensor {
  const out = allocateRawOn(kernels, [map.length, x.shape[1]], dtypeOf(x.data));
  gatherInto(kernels, out, x, map);
  return out;
}

/** `out[r] = x[map[r]]`. `out [map.length, W]`, row-major. */
export function gatherInto(kernels: Kernels, out: Tensor, x: Tensor, map: Int32Array): void {
  if (kernels.rows?.gather(out, x, map)) return;
  const W = x.shape[1];
  for (let r = 0; r < map.length; r++) {
    const from = x.offset + map[r] * x.stride[0];
    const to = out.offset + r * W;
    for (let j = 0; j < W; j++) out.data[to + j] = x.data[from + j * x.stride[1]];
  }
}

/** `out[map[r]] += x[r]` for every row r of `x`: the transpose of `gatherRows`. */
export function scatterAddRows(kernels: Kernels, out: Tensor, x: Tensor, map: Int32Array): void {
  if (kernels.rows?.scatterAdd(out, x, map)) return;
  const W = x.shape[1];
  for (let r = 0; r < map.length; r++) {
    const to = out.offset + map[r] * out.stride[0];
    const from = x.offset + r * x.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += x.data[from + j * x.stride[1]];
  }
}

/** `out[r] = row` for every row r: where an accumulation starts from a bias. `out [R, W]`, `row [W]`. */
export function setEveryRow(kernels: Kernels, out: Tensor, row: Tensor): void {
  if (kernels.rows?.setEveryRow(out, row)) return;
  fill(out, 0);
  addToEveryRow(kernels, out, row);
}

/** `out = x`, matrices of one shape. */
export function copyMatrix(kernels: Kernels, out: Tensor, x: Tensor): void {
  if (kernels.rows?.copyMatrix(out, x)) return;
  fill(out, 0);
  addMatrix(kernels, out, x);
}

/** `out[r] += row` for every row r: a bias, or one initial state for the whole batch. `out [R, W]`, `row [W]`. */
export function addToEveryRow(kernels: Kernels, out: Tensor, row: Tensor): void {
  if (kernels.rows?.addToEveryRow(out, row)) return;
  const [R, W] = out.shape;
  for (let r = 0; r < R; r++) {
    const to = out.offset + r * out.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += row.data[row.offset + j * row.stride[0]];
  }
}

/** `out += x`, matrices of one shape. */
export function addMatrix(kernels: Kernels, out: Tensor, x: Tensor): void {
  if (kernels.rows?.addMatrix(out, x)) return;
  const [R, W] = x.shape;
  for (let r = 0; r < R; r++) {
    const to = out.offset + r * out.stride[0];
    const from = x.offset + r * x.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += x.data[from + j * x.stride[1]];
  }
}

/** Rows `start … start + count − 1` of `from` are added to those of `to`, a matrix of the same shape, and set to zero. */
export function moveRows(kernels: Kernels, to: Tensor, from: Tensor, start: number, count: number): void {
  const moved = rows(from, start, count);
  addMatrix(kernels, rows(to, start, count), moved);
  fill(moved, 0);
}
