/** Converts between arbitrary tensors and the dense arrays of a layer on a device. */
import type { Tensor } from '../../../tensor/types.js';
import type { DeviceCell } from './pass.js';
import { stackedRows } from './sources.js';

type Params = Readonly<Record<string, Tensor>>;

/** Rows as gpu.js reads them back. */
export type Rows = readonly Float32Array[];

/** Writes a matrix into a dense one of `width` columns, with its corner at row `top` and column `left`. */
function place(to: Float32Array, width: number, x: Tensor, top: number, left: number): void {
  const [rows, columns] = x.shape;
  for (let r = 0; r < rows; r++) {
    const from = x.offset + r * x.stride[0];
    const at = (top + r) * width + left;
    for (let c = 0; c < columns; c++) to[at + c] = x.data[from + c * x.stride[1]];
  }
}

/** Matrices side by side in a dense one of `height` rows and `width` columns, zeros around them. */
export function sideBySide(matrices: readonly Tensor[], width: number, height: number): Float32Array {
  const to = new Float32Array(width * height);
  let left = 0;
  for (const x of matrices) {
    place(to, width, x, 0, left);
    left += x.shape[1];
  }
  return to;
}

/** The parameters of a cell in one dense matrix of G·H columns. */
export function stackParameters(cell: DeviceCell, params: Params): Float32Array {
  const [D, GH] = params.Wx.shape;
  const to = new Float32Array(GH * stackedRows(cell, D, params.Wh.shape[0]));
  for (const [x, top, left] of placesOf(cell, params)) place(to, GH, x, top, left);
  return to;
}

/** Adds the rows of stacked gradients to those of the parameters. */
export function addStacked(cell: DeviceCell, rows: Rows, grads: Params): void {
  for (const [x, top, left] of placesOf(cell, grads)) addRows(x, rows, top, left);
}

/** The parameters among the stacked ones, each with its first row and column: Wx, b, Wh, and bn in a separate row. */
function placesOf({ resetBias }: DeviceCell, params: Params): (readonly [Tensor, number, number])[] {
  const [D, GH] = params.Wx.shape;
  const H = params.Wh.shape[0];
  const places: (readonly [Tensor, number, number])[] = [
    [params.Wx, 0, 0],
    [asRow(params.b), D, 0],
    [params.Wh, D + 1, 0],
  ];
  return resetBias ? [...places, [asRow(params.bn), D + 1 + H, GH - H]] : places;
}

const asRow = ({ data, shape, stride, offset }: Tensor): Tensor => {
  return { data, shape: [1, shape[0]], stride: [0, stride[0]], offset };
};

/** `out += ` the rows from `top` on, their columns from `left` on. */
export function addRows(out: Tensor, rows: Rows, top = 0, left = 0): void {
  const [height, width] = out.shape;
  for (let r = 0; r < height; r++) {
    const to = out.offset + r * out.stride[0];
    for (let c = 0; c < width; c++) out.data[to + c * out.stride[1]] += rows[top + r][left + c];
  }
}

/** `out = ` the rows from `top` on, their columns from `left` on. */
export function copyRows(out: Tensor, rows: Rows, top = 0, left = 0): void {
  const [height, width] = out.shape;
  for (let r = 0; r < height; r++) {
    const to = out.offset + r * out.stride[0];
    for (let c = 0; c < width; c++) out.data[to + c * out.stride[1]] = rows[top + r][left + c];
  }
}
