/**
 * Converts between the caller's order of sequences and packed order, longest first. Everything that has one row per sequence or
 * one row per step is in packed order inside the engine: initial and final states, their gradients, and the rows of x and y.
 * Batches of different lengths are sorted differently, so the results of one batch are put back into the caller's order before
 * they enter the next.
 */
import type { State } from '../cells/cell.js';
import { ArgumentError, ShapeError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { allocate, dtypeOf } from '../tensor/view.js';
import type { Packing } from './packing.js';
import { expectRecord, expectTensor } from '../tensor/arguments.js';
import { expectEntry, expectPacking } from './entry-checks.js';

/** The names of the states, each with one row per sequence. */
type States = Partial<State>;

/**
 * The final states of a pass in the caller's order: row b belongs to the sequence whose length was `lengths[b]` of
 * `packingOf(lengths)`. New tensors; the pass is unchanged.
 *
 * @param pass what `unroll` returned, or one direction of a layer's pass
 * @returns each `[B, H]`
 */
export function finalOf<S extends States>(pass: { readonly final: S; readonly packing: Packing }): S {
  expectRecord('finalOf', 'pass', pass, 'what unroll returned');
  expectRecord('finalOf', 'pass.final', pass.final, 'a record of states');
  expectPacking('finalOf', pass.packing);
  return toCallerOrder(pass.packing, pass.final);
}

/**
 * States in the caller's order, put into packed order: what `initial` of a forward pass and `dFinal` of a backward pass take.
 * New tensors.
 *
 * @param states each `[B, H]`, row b for the sequence whose length was `lengths[b]` of `packingOf(lengths)`
 * @throws ShapeError when a state does not have one row per sequence
 */
export function initialFor<S extends States>(packing: Packing, states: S): S {
  expectPacking('initialFor', packing);
  expectRecord('initialFor', 'states', states, 'a record of states');
  return reordered('initialFor', packing, states, (b) => packing.order[b]);
}

/**
 * States in packed order, put into the caller's order: for `dInitial` of a backward pass, or a pooled `y`. New tensors. The
 * inverse of `initialFor`.
 *
 * @param states each `[B, H]`
 * @throws ShapeError when a state does not have one row per sequence
 */
export function toCallerOrder<S extends States>(packing: Packing, states: S): S {
  expectPacking('toCallerOrder', packing);
  expectRecord('toCallerOrder', 'states', states, 'a record of states');
  const place = new Int32Array(packing.batch);
  packing.order.forEach((caller, b) => (place[caller] = b));
  return reordered('toCallerOrder', packing, states, (b) => place[b]);
}

/**
 * Vectors of sequences as the packed rows that a layer reads, `[N, D]`.
 *
 * @param sequences in the caller's order, one matrix `[T_b, D]` each, T_b the length that `packingOf` was given; D and the
 *   element type are the same for all
 * @throws ArgumentError unless there is one matrix per sequence, and for a batch without sequences, whose D is unknown
 * @throws ShapeError naming the sequence whose shape or element type does not fit
 */
export function packFloats(packing: Packing, sequences: readonly Tensor[]): Tensor {
  expectPacking('packFloats', packing);
  expectSequences(packing, sequences);
  expectTensor('packFloats', 'sequences[0]', sequences[0]);
  const D = sequences[0].shape[1];
  const dtype = dtypeOf(sequences[0].data);
  for (let b = 0; b < packing.batch; b++) expectSequence(packing, b, sequences[packing.order[b]], D, dtype);
  const out = allocate([packing.total, D], dtype);
  eachStep(packing, (t, b, row) => copyRow(out, row, sequences[packing.order[b]], t));
  return out;
}

/**
 * Packed rows `[N, D]`, such as the outputs `y`, as one matrix `[T_b, D]` per sequence in the caller's order. New tensors. The
 * inverse of `packFloats`.
 *
 * @throws ShapeError when `x` does not have the rows of the packing
 */
export function unpackFloats(packing: Packing, x: Tensor): Tensor[] {
  expectEntry('unpackFloats', { packing, x });
  if (x.shape.length !== 2 || x.shape[0] !== packing.total) {
    throw new ShapeError(
      `unpackFloats: x must be [N, D] with N = ${packing.total} rows in the batch; got [${x.shape.join(', ')}]`,
    );
  }
  const out = new Array<Tensor>(packing.batch);
  packing.order.forEach((caller, b) => {
    out[caller] = allocate([packing.lengths[b], x.shape[1]], dtypeOf(x.data));
  });
  eachStep(packing, (t, b, row) => copyRow(out[packing.order[b]], t, x, row));
  return out;
}

function expectSequences(packing: Packing, sequences: readonly Tensor[]): void {
  if (!Array.isArray(sequences) || sequences.length !== packing.batch) {
    const got = Array.isArray(sequences) ? `${sequences.length}` : typeof sequences;
    throw new ArgumentError(`packFloats: sequences must list ${packing.batch} matrices, one per sequence; got ${got}`);
  }
  if (packing.batch === 0) {
    throw new ArgumentError('packFloats: sequences must list at least one matrix; got none, so D is unknown');
  }
}

function expectSequence({ lengths, order }: Packing, b: number, x: Tensor, D: number, dtype: DType): void {
  expectTensor('packFloats', `sequences[${order[b]}]`, x);
  const wanted = `[${lengths[b]}, ${D}] ${dtype}`;
  const got = `[${x.shape.join(', ')}] ${dtypeOf(x.data)}`;
  if (got === wanted) return;
  throw new ShapeError(
    `packFloats: sequences[${order[b]}] must be ${wanted} (its length in the packing; D and the element type are those of ` +
      `sequences[0]); got ${got}`,
  );
}

/** New states whose row b is row `from(b)`. */
function reordered<S extends States>(where: string, { batch }: Packing, states: S, from: (b: number) => number): S {
  const out: Record<string, Tensor> = {};
  for (const [name, x] of Object.entries(states)) {
    if (x === undefined) continue;
    expectTensor(where, `states.${name}`, x);
    if (x.shape.length !== 2 || x.shape[0] !== batch) {
      throw new ShapeError(`${where}: ${name} must be [B, H] with B = ${batch}; got [${x.shape.join(', ')}]`);
    }
    out[name] = allocate(x.shape, dtypeOf(x.data));
    for (let b = 0; b < batch; b++) copyRow(out[name], b, x, from(b));
  }
  return out as unknown as S;
}

/** Every step t of every sequence b, with its packed row. */
function eachStep({ steps, batchSizes, offsets }: Packing, visit: (t: number, b: number, row: number) => void): void {
  for (let t = 0; t < steps; t++) for (let b = 0; b < batchSizes[t]; b++) visit(t, b, offsets[t] + b);
}

/** Row `to` of `out`, row-major, becomes row `from` of `x`. */
function copyRow(out: Tensor, to: number, x: Tensor, from: number): void {
  const D = out.shape[1];
  const start = x.offset + from * x.stride[0];
  for (let j = 0; j < D; j++) out.data[to * D + j] = x.data[start + j * x.stride[1]];
}
