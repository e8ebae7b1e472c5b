/**
 * Row operations in plain loops, for tensors of any strides and either element type. They run if a backend has no loop of its own
 * or declines a call. Every faster loop gives the same bits, except for the order of `addSquares`.
 */
import { addSumRows, fill } from '../../tensor/rows.js';
import { limitOf, threefry } from '../../tensor/threefry.js';
import type { Real, Tensor } from '../../tensor/types.js';
import type { RowKernels } from '../types.js';
import { plainAdam } from './adam.js';

function setEveryRow(out: Tensor, row: Tensor): void {
  fill(out, 0);
  addToEveryRow(out, row);
}

function addToEveryRow(out: Tensor, row: Tensor): void {
  const [R, W] = out.shape;
  for (let r = 0; r < R; r++) {
    const to = out.offset + r * out.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += row.data[row.offset + j * row.stride[0]];
  }
}

function copyMatrix(out: Tensor, x: Tensor): void {
  fill(out, 0);
  addMatrix(out, x);
}

function addMatrix(out: Tensor, x: Tensor): void {
  const [R, W] = x.shape;
  for (let r = 0; r < R; r++) {
    const to = out.offset + r * out.stride[0];
    const from = x.offset + r * x.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += x.data[from + j * x.stride[1]];
  }
}

function gather(out: Tensor, x: Tensor, map: Int32Array): void {
  const W = x.shape[1];
  for (let r = 0; r < map.length; r++) {
    const from = x.offset + map[r] * x.stride[0];
    const to = out.offset + r * out.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] = x.data[from + j * x.stride[1]];
  }
}

function scatterAdd(out: Tensor, x: Tensor, map: Int32Array): void {
  const W = x.shape[1];
  for (let r = 0; r < map.length; r++) {
    const to = out.offset + map[r] * out.stride[0];
    const from = x.offset + r * x.stride[0];
    for (let j = 0; j < W; j++) out.data[to + j * out.stride[1]] += x.data[from + j * x.stride[1]];
  }
}

function addMasked(out: Tensor, x: Tensor, factors: Tensor, map?: Int32Array): void {
  const [N, D] = x.shape;
  for (let n = 0; n < N; n++) {
    const from = x.offset + n * x.stride[0];
    const to = out.offset + n * out.stride[0];
    const row = factors.offset + (map === undefined ? n : map[n]) * factors.stride[0];
    for (let d = 0; d < D; d++) {
      out.data[to + d * out.stride[1]] += x.data[from + d * x.stride[1]] * factors.data[row + d * factors.stride[1]];
    }
  }
}

const words = new Uint32Array(4);

function drawFactors({ data, shape, stride, offset }: Tensor, key: Int32Array, places: Int32Array, p: number): void {
  const [R, D] = shape;
  const keep = 1 / (1 - p);
  const limit = limitOf(p);
  for (let r = 0; r < R; r++) {
    let i = offset + r * stride[0];
    for (let block = 0; 4 * block < D; block++) {
      threefry(words, key, block, places[2 * r + 1], places[2 * r], 0);
      for (let w = 0; w < 4 && 4 * block + w < D; w++, i += stride[1]) data[i] = words[w] < limit ? 0 : keep;
    }
  }
}

function scale(x: Tensor, factor: number, rows?: Int32Array): void {
  forEachLine(x, rows, (data, start, count, step) => {
    for (let n = 0, i = start; n < count; n++, i += step) data[i] *= factor;
  });
}

function addSquares(sum: number, x: Tensor, rows?: Int32Array): number {
  forEachLine(x, rows, (data, start, count, step) => {
    let partial = 0;
    for (let n = 0, i = start; n < count; n++, i += step) partial += data[i] * data[i];
    sum += partial;
  });
  return sum;
}

/** Visits `count` elements: `data[start], data[start + step], …`. */
type Line = (data: Real, start: number, count: number, step: number) => void;

/** Every line along the last axis; with `rows`, only those of these elements of the first axis. */
function forEachLine(x: Tensor, rows: Int32Array | undefined, visit: Line): void {
  const { data, shape, stride, offset } = x;
  const last = shape.length - 1;
  const walk = (axis: number, start: number): void => {
    if (last < 0) return visit(data, start, 1, 1);
    if (axis === last) return visit(data, start, shape[last], stride[last]);
    for (let i = 0; i < shape[axis]; i++) walk(axis + 1, start + i * stride[axis]);
  };
  if (rows === undefined) return walk(0, offset);
  for (const row of rows) walk(1, offset + row * stride[0]);
}

/** The row operations of the CPU. */
export const plainRows: RowKernels = {
  setEveryRow,
  copyMatrix,
  addToEveryRow,
  addSumRows,
  addMatrix,
  gather,
  scatterAdd,
  addMasked,
  drawFactors,
  scale,
  addSquares,
  adam: plainAdam,
};
