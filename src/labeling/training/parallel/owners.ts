/**
 * Divides the update of the parameters among threads. Of a matrix, every thread owns a run of rows. If its gradient lists touched rows (an
 * embedding), row r belongs to thread r mod n, because words are sorted by frequency and the first rows are touched most. A tensor that
 * cannot be split goes to the thread that owns the fewest elements so far.
 */
import type { RowSparseGradient, TensorRecord } from '../../../autograd/grads.js';
import { isRowSparseGradient } from '../../../autograd/grads.js';
import type { Tensor } from '../../../tensor/types.js';
import { sizeOf, viewOf } from '../../../tensor/view.js';

/** The elements `[start, end)` of a tensor that one thread owns; for a matrix also as rows. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** Absent if the whole tensor is owned. */
  readonly rows?: Int32Array;
}

/** The parts of a model's parameters. */
export interface Owners {
  readonly threads: number;
  /** `spans[i][name]`: the part of a tensor, whose gradient lists no rows, that thread i owns. */
  readonly spans: readonly Readonly<Record<string, Span>>[];
}

const NO_ROWS = new Int32Array(0);

/** Divides the parts by the gradients' names and shapes, in the same way on every thread. */
export function ownersOf(grads: TensorRecord, threads: number): Owners {
  const owned = new Array<number>(threads).fill(0);
  const spans = owned.map((): Record<string, Span> => ({}));
  for (const [name, g] of Object.entries(grads)) {
    if (isRowSparseGradient(g)) continue;
    const parts = isSplit(g, threads) ? splitOf(g, threads) : wholeOf(g, threads, owned.indexOf(Math.min(...owned)));
    parts.forEach((part, i) => {
      spans[i][name] = part;
      owned[i] += part.end - part.start;
    });
  }
  return { threads, spans };
}

const isSplit = ({ shape }: Tensor, threads: number): boolean => shape.length === 2 && shape[0] >= threads;

function splitOf({ shape: [R, width] }: Tensor, threads: number): Span[] {
  return Array.from({ length: threads }, (_, i) => {
    const [first, last] = [i, i + 1].map((k) => Math.floor((R * k) / threads));
    const rows = Int32Array.from({ length: last - first }, (_, r) => first + r);
    return { start: first * width, end: last * width, rows };
  });
}

function wholeOf(g: Tensor, threads: number, owner: number): Span[] {
  const nothing: Span = { start: 0, end: 0, rows: NO_ROWS };
  return Array.from({ length: threads }, (_, i) => (i === owner ? { start: 0, end: sizeOf(g.shape) } : nothing));
}

/** The part of the current gradients that a thread owns. */
export interface OwnPart {
  /** Views of its part, for norms and scaling. */
  readonly grads: TensorRecord;
  /** Its rows by name, in the form that an optimizer takes; a tensor that it owns as a whole is absent. */
  readonly rows: Readonly<Record<string, Int32Array>>;
}

/** Returns the part of thread `index`. Gradients are row-major, as `zeroGrads` makes them. */
export function ownPartOf({ threads, spans }: Owners, index: number, all: TensorRecord): OwnPart {
  const grads: Record<string, Tensor> = {};
  const rows: Record<string, Int32Array> = {};
  for (const [name, g] of Object.entries(all)) {
    if (isRowSparseGradient(g)) {
      rows[name] = ownRows(g, threads, index);
      const part: RowSparseGradient = { ...g, touched: rows[name], count: rows[name].length };
      grads[name] = part;
      continue;
    }
    const span = spans[index][name];
    if (span.end > span.start) grads[name] = viewOf(g.data, [span.end - span.start], g.offset + span.start);
    if (span.rows) rows[name] = span.rows;
  }
  return { grads, rows };
}

function ownRows({ touched, count }: RowSparseGradient, threads: number, index: number): Int32Array {
  const own = new Int32Array(count);
  let length = 0;
  for (let k = 0; k < count; k++) if (touched[k] % threads === index) own[length++] = touched[k];
  return own.subarray(0, length);
}
