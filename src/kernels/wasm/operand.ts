/** Moves matrices into the memory of the module and back. */
import type { Real, Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { Arena } from './arena.js';

/** A matrix in the memory of the module. */
export interface Placed {
  /** Address of element (0, 0). */
  readonly at: number;
  /** Bytes between two rows; between two columns if `transposed`. */
  readonly ld: number;
  /** Stored column by column. */
  readonly transposed: boolean;
}

/** Rows of a matrix may be this many times their length apart and still be copied in one piece, including the gaps. */
const WORTHWHILE = 2;

/** The whole memory, by the element type of `like`. Valid until the arena grows. */
function heapOf(arena: Arena, like: Real): Real {
  return dtypeOf(like) === 'float32' ? arena.f32() : arena.f64();
}

/** Whether a tensor is in the memory of the arena. */
export function inside(arena: Arena, x: Tensor): boolean {
  return x.data.buffer === arena.buffer();
}

/** An input: used in place if it is in memory and row- or column-major; otherwise copied into memory. */
export function placeInput(arena: Arena, x: Tensor): Placed {
  const [rows, columns] = x.shape;
  const rowMajor = follows(x.stride[0], x.stride[1], rows, columns);
  const columnMajor = !rowMajor && follows(x.stride[1], x.stride[0], columns, rows);
  if (!rowMajor && !columnMajor) return placeDense(arena, x);
  const [lines, length] = rowMajor ? [rows, columns] : [columns, rows];
  const step = lines === 1 ? length : x.stride[rowMajor ? 0 : 1];
  const bytes = x.data.BYTES_PER_ELEMENT;
  if (inside(arena, x)) {
    return { at: x.data.byteOffset + x.offset * bytes, ld: step * bytes, transposed: columnMajor };
  }
  if (step > WORTHWHILE * length) return placeDense(arena, x);
  const span = (lines - 1) * step + length;
  const at = arena.take(span * bytes);
  const from = x.offset === 0 && x.data.length === span ? x.data : x.data.subarray(x.offset, x.offset + span);
  heapOf(arena, x.data).set(from, at / bytes);
  return { at, ld: step * bytes, transposed: columnMajor };
}

/** Whether `lines` of `length` elements are consecutive: steps `step` and 1. */
function follows(step: number, unit: number, lines: number, length: number): boolean {
  return (unit === 1 || length === 1) && (step >= length || lines === 1);
}

/** A copy without gaps, row by row. */
function placeDense(arena: Arena, x: Tensor): Placed {
  const bytes = x.data.BYTES_PER_ELEMENT;
  const at = arena.take(x.shape[0] * x.shape[1] * bytes);
  const heap = heapOf(arena, x.data);
  const [rows, columns] = x.shape;
  let to = at / bytes;
  for (let i = 0; i < rows; i++) {
    let from = x.offset + i * x.stride[0];
    for (let j = 0; j < columns; j++, from += x.stride[1]) heap[to++] = x.data[from];
  }
  return { at, ld: columns * bytes, transposed: false };
}

/** An output that is added to: in place if it is in memory and row-major, otherwise a copy without gaps. */
export function placeOutput(arena: Arena, x: Tensor): Placed {
  const [rows, columns] = x.shape;
  const bytes = x.data.BYTES_PER_ELEMENT;
  if (inside(arena, x) && follows(x.stride[0], x.stride[1], rows, columns)) {
    return { at: x.data.byteOffset + x.offset * bytes, ld: x.stride[0] * bytes, transposed: false };
  }
  return dense(x) ? placeInput(arena, x) : placeDense(arena, x);
}

/** Copies the output of `placeOutput` back to the tensor. */
export function writeBack(arena: Arena, x: Tensor, placed: Placed): void {
  const [rows, columns] = x.shape;
  const bytes = x.data.BYTES_PER_ELEMENT;
  const heap = heapOf(arena, x.data);
  let from = placed.at / bytes;
  if (inside(arena, x) && placed.at === x.data.byteOffset + x.offset * bytes) return;
  if (dense(x)) {
    x.data.set(heap.subarray(from, from + rows * columns), x.offset);
    return;
  }
  for (let i = 0; i < rows; i++) {
    let to = x.offset + i * x.stride[0];
    for (let j = 0; j < columns; j++, to += x.stride[1]) x.data[to] = heap[from++];
  }
}

function dense(x: Tensor): boolean {
  const [rows, columns] = x.shape;
  return (x.stride[1] === 1 || columns === 1) && (x.stride[0] === columns || rows === 1);
}
