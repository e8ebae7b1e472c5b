/**
 * The data that threads exchange in an update, in shared memory.
 *
 * Every parameter has one owner (`owners.ts`). A thread writes its gradients for the owners. Each owner sums what it receives, in the order
 * of the threads, updates its part, and writes it for the others. So every sum and every update is computed once, and its bits do not
 * depend on the timing of threads. Of an embedding, only the touched rows are exchanged.
 *
 * Each location is written between two barriers and read between the next two: gradients before the first barrier of an update, the sum's
 * norm before the second, weights before the third. No thread can be at the first barrier of the next update before all have finished
 * reading.
 */
import type { RowSparseGradient, TensorRecord } from '../../../autograd/grads.js';
import { isRowSparseGradient, touch } from '../../../autograd/grads.js';
import type { Kernels } from '../../../kernels/types.js';
import { MemoryError } from '../../../tensor/errors.js';
import type { Real, Tensor } from '../../../tensor/types.js';
import { dtypeOf, sizeOf, viewOf } from '../../../tensor/view.js';
import type { Owners, OwnPart } from './owners.js';

/** The shared memory, divided by the thread that writes it. */
export interface Exchange {
  readonly buffer: SharedArrayBuffer;
  /** `gradients[i]`: the gradients of thread i for the owners. */
  readonly gradients: readonly Place[];
  /** `updated[i]`: the parameters that thread i has updated. */
  readonly updated: readonly Place[];
  /** The moments of the optimizer, in full. This memory is not touched until a state is requested. */
  readonly moments: readonly Real[];
}

/** Values by name of the tensor. */
export type Place = Readonly<Record<string, Part>>;

interface Part {
  readonly values: Real;
  /** For a gradient that lists rows: these rows, grouped by owner. */
  readonly rows?: Int32Array;
  /** The end of each owner's rows; for an updated part, the end of its rows. */
  readonly ends?: Int32Array;
}

/** The most rows that a sparse gradient can list after one shard, by name of the gradient. */
export type RowLimits = Readonly<Record<string, number>>;

/**
 * @param grads gradients made by `zeroGrads`; only their names, shapes and types are read. Every thread passes its own
 * @param moments the moments of the optimizer, likewise
 * @param shared the memory, if another thread has allocated it
 * @throws MemoryError if the memory is unavailable
 */
export function createExchange(
  owners: Owners,
  grads: TensorRecord,
  moments: readonly Tensor[],
  limits: RowLimits,
  shared?: SharedArrayBuffer,
): Exchange {
  const lay = (carve: Carver): Omit<Exchange, 'buffer'> => ({
    gradients: owners.spans.map(() => gradientPlace(carve, owners, grads, limits)),
    updated: owners.spans.map((_, i) => updatedPlace(carve, owners, i, grads, limits)),
    moments: moments.map((m) => carve.reals(m, sizeOf(m.shape))),
  });
  const measure = carver();
  lay(measure);
  const buffer = shared ?? memoryOf(measure.bytes, owners.threads);
  return { buffer, ...lay(carver(buffer)) };
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

/** Allocates consecutive arrays from the memory. */
interface Carver {
  reals(like: Tensor, length: number): Real;
  integers(length: number): Int32Array;
  /** Number of bytes allocated. */
  readonly bytes: number;
}

/** A cache line: data written by different threads never shares one. */
const LINE = 64;

/** Returns an allocator for a memory; without a memory it only counts. */
function carver(buffer?: SharedArrayBuffer): Carver {
  let bytes = 0;
  const take = (length: number, width: number): [SharedArrayBuffer, number, number] => {
    const start = bytes;
    bytes += Math.ceil((length * width) / LINE) * LINE;
    return buffer ? [buffer, start, length] : [new SharedArrayBuffer(0), 0, 0];
  };
  return {
    reals: (like, length) =>
      dtypeOf(like.data) === 'float32' ? new Float32Array(...take(length, 4)) : new Float64Array(...take(length, 8)),
    integers: (length) => new Int32Array(...take(length, 4)),
    get bytes() {
      return bytes;
    },
  };
}

function gradientPlace(carve: Carver, { threads }: Owners, grads: TensorRecord, limits: RowLimits): Place {
  return placeOf(grads, (name, g) => {
    if (!isRowSparseGradient(g)) return { values: carve.reals(g, sizeOf(g.shape)) };
    return rowPart(carve, g, limits[name], threads);
  });
}

function updatedPlace(
  carve: Carver,
  { threads, spans }: Owners,
  owner: number,
  grads: TensorRecord,
  limits: RowLimits,
): Place {
  return placeOf(grads, (name, g) => {
    const { start, end } = spans[owner][name] ?? { start: 0, end: 0 };
    if (!isRowSparseGradient(g)) return { values: carve.reals(g, end - start) };
    return rowPart(carve, g, Math.min(threads * limits[name], Math.ceil(g.shape[0] / threads)), 1);
  });
}

const placeOf = (grads: TensorRecord, part: (name: string, g: Tensor) => Part): Place =>
  Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, part(name, g)]));

const rowPart = (carve: Carver, g: RowSparseGradient, rows: number, groups: number): Part => ({
  values: carve.reals(g, rows * g.shape[1]),
  rows: carve.integers(rows),
  ends: carve.integers(groups),
});

/** Writes the gradients of thread `index`, except those of its own part, for which it writes only the touched rows. */
export function writeGradients(
  kernels: Kernels,
  { gradients }: Pick<Exchange, 'gradients'>,
  { threads, spans }: Owners,
  index: number,
  grads: TensorRecord,
): void {
  for (const [name, g] of Object.entries(grads)) {
    const { values, rows, ends } = gradients[index][name];
    if (!isRowSparseGradient(g)) {
      const { start, end } = spans[index][name];
      const elements = g.data.subarray(g.offset, g.offset + sizeOf(g.shape));
      values.set(elements.subarray(0, start));
      values.set(elements.subarray(end), end);
      continue;
    }
    byOwner(g.touched.subarray(0, g.count), threads, rows!, ends!);
    ends!.forEach((end, owner) => {
      const start = owner === 0 ? 0 : ends![owner - 1];
      if (owner !== index) gatherRows(kernels, values, start, g, rows!.subarray(start, end));
    });
  }
}

/** Groups rows by owner, otherwise in order, and stores the end of each group. */
function byOwner(touched: Int32Array, threads: number, rows: Int32Array, ends: Int32Array): void {
  let at = 0;
  for (let owner = 0; owner < threads; owner++) {
    for (const row of touched) if (row % threads === owner) rows[at++] = row;
    ends[owner] = at;
  }
}

/** Copies rows of a matrix contiguously, from row `start` of `values` on. */
function gatherRows(kernels: Kernels, values: Real, start: number, x: Tensor, rows: Int32Array): void {
  const [, width] = x.shape;
  if (rows.length > 0) kernels.rows.gather(viewOf(values, [rows.length, width], start * width), x, rows);
}

/** Adds to the part of thread `index` the contributions of the first `shards` threads, in order. */
export function addToOwnPart(
  kernels: Kernels,
  { gradients }: Pick<Exchange, 'gradients'>,
  { spans }: Owners,
  index: number,
  grads: TensorRecord,
  shards: number,
): void {
  for (const [name, g] of Object.entries(grads)) {
    for (let from = 0; from < shards; from++) {
      if (from === index) continue;
      const { values, rows, ends } = gradients[from][name];
      if (isRowSparseGradient(g)) {
        const start = index === 0 ? 0 : ends![index - 1];
        const own = rows!.subarray(start, ends![index]);
        for (const row of own) touch(g, row);
        kernels.rows.scatterAdd(g, viewOf(values, [own.length, g.shape[1]], start * g.shape[1]), own);
      } else {
        const { start, end } = spans[index][name];
        const line = [1, end - start];
        if (end > start) kernels.rows.addMatrix(viewOf(g.data, line, g.offset + start), viewOf(values, line, start));
      }
    }
  }
}

/** Lists in every sparse gradient the rows that any of the first `shards` threads has touched. */
export function touchAll({ gradients }: Pick<Exchange, 'gradients'>, grads: TensorRecord, shards: number): void {
  for (const [name, g] of Object.entries(grads)) {
    if (!isRowSparseGradient(g)) continue;
    for (let from = 0; from < shards; from++) {
      const { rows, ends } = gradients[from][name];
      for (const row of rows!.subarray(0, ends![ends!.length - 1])) touch(g, row);
    }
  }
}

/** Writes the part of thread `index`, of parameters or of gradients. */
export function publishPart(
  kernels: Kernels,
  { updated }: Pick<Exchange, 'updated'>,
  { spans }: Owners,
  index: number,
  part: Pick<OwnPart, 'rows'>,
  tensors: TensorRecord,
): void {
  for (const [name, { values, rows, ends }] of Object.entries(updated[index])) {
    const x = tensors[name];
    if (rows === undefined) {
      const { start, end } = spans[index][name];
      values.set(x.data.subarray(x.offset + start, x.offset + end));
    } else {
      rows.set(part.rows[name]);
      ends![0] = part.rows[name].length;
      gatherRows(kernels, values, 0, x, part.rows[name]);
    }
  }
}

/** Copies the parts of all other threads into the tensors of thread `index`. Rows of a gradient are marked as in use. */
export function takeParts(
  { updated }: Pick<Exchange, 'updated'>,
  { spans }: Owners,
  index: number,
  tensors: TensorRecord,
): void {
  updated.forEach((place, owner) => {
    if (owner === index) return;
    for (const [name, { values, rows, ends }] of Object.entries(place)) {
      const x = tensors[name];
      if (rows === undefined) x.data.set(values, x.offset + spans[owner][name].start);
      else takeRows(x, values, rows.subarray(0, ends![0]));
    }
  });
}

function takeRows(x: Tensor, values: Real, rows: Int32Array): void {
  const { data, offset } = x;
  const [, width] = x.shape;
  if (isRowSparseGradient(x)) for (const row of rows) touch(x, row);
  for (let k = 0, from = 0; k < rows.length; k++) {
    for (let to = offset + rows[k] * width, end = to + width; to < end;) data[to++] = values[from++];
  }
}

/** Writes the moments that thread `index` owns. `moments` are those of the optimizer, as many per parameter, in the order of `grads`. */
export function writeMoments(
  exchange: Pick<Exchange, 'moments'>,
  owners: Owners,
  index: number,
  grads: TensorRecord,
  moments: readonly Tensor[],
): void {
  forEachOwned(owners, [index], grads, moments, (k, start, end) => {
    const { data, offset } = moments[k];
    exchange.moments[k].set(data.subarray(offset + start, offset + end), start);
  });
}

/** Copies the moments of all other threads into those of thread `index`. */
export function takeMoments(
  exchange: Pick<Exchange, 'moments'>,
  owners: Owners,
  index: number,
  grads: TensorRecord,
  moments: readonly Tensor[],
): void {
  const others = owners.spans.map((_, i) => i).filter((i) => i !== index);
  forEachOwned(owners, others, grads, moments, (k, start, end) => {
    moments[k].data.set(exchange.moments[k].subarray(start, end), moments[k].offset + start);
  });
}

/** Visits the elements of every moment that the given threads own, run by run. */
function forEachOwned(
  { threads, spans }: Owners,
  indices: readonly number[],
  grads: TensorRecord,
  moments: readonly Tensor[],
  visit: (moment: number, start: number, end: number) => void,
): void {
  const names = Object.keys(grads);
  const each = moments.length / names.length;
  names.forEach((name, n) => {
    const g = grads[name];
    for (let k = each * n; k < each * (n + 1); k++) {
      for (const index of indices) {
        if (!isRowSparseGradient(g)) {
          visit(k, spans[index][name].start, spans[index][name].end);
          continue;
        }
        const [V, width] = g.shape;
        for (let row = index; row < V; row += threads) visit(k, row * width, (row + 1) * width);
      }
    }
  });
}
