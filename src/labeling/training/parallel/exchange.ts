/**
 * Gradients of all threads in one shared memory, and their sum in a fixed order.
 *
 * Every thread writes its own gradient, meets the others, and adds up all of them itself, shard by shard: the same additions
 * in the same order everywhere, so that all replicas get the same bits. Of an embedding only the touched rows travel.
 *
 * There are two sets of places, for odd and for even steps. A thread may write for step s + 1 while another still reads what
 * was written for step s; no thread can be at step s + 2 before all have read, because all must arrive at the barrier of s + 1.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import { isRowSparseGradient, touch, zeroInPlace } from '../../../autograd/grads.js';
import type { Kernels } from '../../../kernels/types.js';
import { MemoryError } from '../../../tensor/errors.js';
import type { Real, Tensor } from '../../../tensor/types.js';
import { dtypeOf, sizeOf, viewOf } from '../../../tensor/view.js';

/** The shared gradients. */
export interface Exchange {
  readonly buffer: SharedArrayBuffer;
  /** `places[step % 2][thread]`. */
  readonly places: readonly (readonly Place[])[];
}

/** Where one thread writes: values by name of the gradient, and the touched rows of those that list them. */
type Place = Readonly<
  Record<string, { readonly values: Real; readonly rows?: Int32Array; readonly count?: Int32Array }>
>;

/** Most rows that a row gradient can list after one shard, by name of the gradient. */
export type RowLimits = Readonly<Record<string, number>>;

/**
 * @param grads gradients as `zeroGrads` makes them; only their names, shapes and types are read. Every thread gives its own
 * @param shared the memory, where another thread has made it
 * @throws MemoryError where the memory is unavailable
 */
export function createExchange(
  threads: number,
  grads: TensorRecord,
  rowLimits: RowLimits,
  shared?: SharedArrayBuffer,
): Exchange {
  const bytes = bytesPerPlace(grads, rowLimits);
  const buffer = shared ?? memoryOf(2 * threads * bytes, threads);
  const set = (half: number): Place[] =>
    Array.from({ length: threads }, (_, i) => placeAt(buffer, (half * threads + i) * bytes, grads, rowLimits));
  return { buffer, places: [set(0), set(1)] };
}

function memoryOf(bytes: number, threads: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    throw new MemoryError(
      `train: the gradients of ${threads} threads need ${bytes} bytes of shared memory, which is unavailable: use fewer ` +
        'threads, smaller batches or a smaller model',
      { cause: error },
    );
  }
}

/** Writes the gradients of a shard. */
export function writeGradients(kernels: Kernels, place: Place, grads: TensorRecord): void {
  for (const [name, g] of Object.entries(grads)) {
    const { values, rows, count } = place[name];
    if (!isRowSparseGradient(g)) {
      values.set(g.data.subarray(g.offset, g.offset + sizeOf(g.shape)));
      continue;
    }
    rows!.set(g.touched.subarray(0, g.count));
    count![0] = g.count;
    kernels.rows.gather(viewOf(values, [g.count, g.shape[1]]), g, g.touched.subarray(0, g.count));
  }
}

/** `grads` = the sum of what was written to `places`, added in their order. */
export function sumGradients(kernels: Kernels, places: readonly Place[], grads: TensorRecord): void {
  zeroInPlace(grads);
  for (const [name, g] of Object.entries(grads)) {
    for (const place of places) {
      const { values, rows, count } = place[name];
      if (isRowSparseGradient(g)) {
        const touched = rows!.subarray(0, count![0]);
        for (const row of touched) touch(g, row);
        kernels.rows.scatterAdd(g, viewOf(values, [touched.length, g.shape[1]]), touched);
      } else {
        kernels.rows.addMatrix(oneRow(g), viewOf(values, [1, values.length]));
      }
    }
  }
}

/** All elements of a gradient as one row. They are row-major, as `zeroGrads` makes them. */
const oneRow = (g: Tensor): Tensor => viewOf(g.data, [1, sizeOf(g.shape)], g.offset);

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const widthOf = (g: Tensor): number => (dtypeOf(g.data) === 'float32' ? 4 : 8);
/** Number of values of a gradient that travel at most. */
const valuesOf = (g: Tensor, limit: number): number => (isRowSparseGradient(g) ? limit * g.shape[1] : sizeOf(g.shape));

function bytesPerPlace(grads: TensorRecord, rowLimits: RowLimits): number {
  return Object.entries(grads).reduce((sum, [name, g]) => {
    const list = isRowSparseGradient(g) ? 4 * (rowLimits[name] + 1) : 0;
    return sum + aligned(valuesOf(g, rowLimits[name]) * widthOf(g)) + aligned(list);
  }, 0);
}

function placeAt(buffer: SharedArrayBuffer, start: number, grads: TensorRecord, rowLimits: RowLimits): Place {
  let at = start;
  const entries = Object.entries(grads).map(([name, g]) => {
    const length = valuesOf(g, rowLimits[name]);
    const values =
      dtypeOf(g.data) === 'float32' ? new Float32Array(buffer, at, length) : new Float64Array(buffer, at, length);
    at += aligned(values.byteLength);
    if (!isRowSparseGradient(g)) return [name, { values }] as const;
    const list = new Int32Array(buffer, at, rowLimits[name] + 1);
    at += aligned(list.byteLength);
    return [name, { values, count: list.subarray(0, 1), rows: list.subarray(1) }] as const;
  });
  return Object.fromEntries(entries);
}
