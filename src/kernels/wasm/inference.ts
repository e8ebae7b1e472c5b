/**
 * A layer that is forward-only. Its weights stay in panels, so that no call packs them. Projection and scan alternate over a few
 * steps at a time: about as many rows as one block of the products. Their shared data is then still in the second-level cache,
 * which could not hold all rows of a large batch. Every element is the same sum in the same order as with one projection for all
 * steps, so the bits are those of `unroll` on this backend.
 *
 * If the inputs are rows of a table, projections of rows that occurred are cached (projections.ts).
 */
import type { Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf } from '../../tensor/view.js';
import { MemoryError } from '../../tensor/errors.js';
import type { InferenceLayer, InferenceTensors, TakenStates } from '../types.js';
import type { Arena } from './arena.js';
import { NoRoom } from './growth.js';
import type { WasmCell } from './cells/cell.js';
import type { Exports } from './module.js';
import { inside, placeInput } from './operand.js';
import { SCRATCH, panelBytes } from './product.js';
import type { Affine, Projections, Room } from './projections.js';
import { project, projectionsOf } from './projections.js';

/** Rows of a turn: those of a block of the products. */
const ROWS = 64;

/** The weights of a layer, each in the memory of the backend until they are released. */
interface Weights {
  readonly D: number;
  readonly H: number;
  /** G·H */
  readonly width: number;
  /** Wx in panels. */
  readonly input: Tensor;
  /** The parts of Wh in panels, `count` columns each. */
  readonly recurrent: readonly { readonly from: number; readonly count: number; readonly panels: Tensor }[];
  /** `b`, and what else the cell has: `bn`, `h0`, … */
  readonly vectors: Readonly<Record<string, Tensor>>;
}

/** The table of input rows, and its projections so far. */
interface Source {
  readonly table: Tensor;
  readonly projections: Projections;
}

/** Steps `from … end` and their rows, `first … first + rows`. */
interface Turn {
  readonly from: number;
  readonly end: number;
  readonly first: number;
  readonly rows: number;
}

/** See `FusedScan.infer`. Not inside a frame, and not for float64. */
export function inferenceLayer(
  wasm: Exports,
  openArena: () => Arena,
  cell: WasmCell,
  params: Readonly<Record<string, Tensor>>,
  table?: Tensor,
): InferenceLayer | undefined {
  const arena = openArena();
  if (arena.framed || !Object.values(params).every((x) => dtypeOf(x.data) === 'float32')) return undefined;
  const { Wx, Wh } = params;
  const weights = roomFor(cell, params);
  const own = [weights.input, ...weights.recurrent.map((part) => part.panels), ...Object.values(weights.vectors)];
  const frameBytes = Math.max(Wx.data.byteLength, Wh.data.byteLength);
  let release = (): void => {};
  try {
    release = arena.adopt(own, frameBytes);
    arena.begin(true);
    pack(wasm, arena, Wx, 0, weights.width, weights.input);
    for (const { from, count, panels } of weights.recurrent) pack(wasm, arena, Wh, from, count, panels);
  } catch (error) {
    release();
    if (error instanceof MemoryError) return undefined;
    throw error;
  }
  const source = table && sourceOf(arena, table, weights, frameBytes);
  let taken = true;
  return {
    run: (tensors) => taken && run(wasm, openArena(), cell, weights, tensors, source),
    forget: (from) => source?.projections.forget(from),
    release() {
      source?.projections.release();
      release();
      taken = false;
    },
  };
}

function sourceOf(arena: Arena, table: Tensor, { D, width }: Weights, frameBytes: number): Source | undefined {
  const fits = table.shape[1] === D && dtypeOf(table.data) === 'float32' && table.stride[1] === 1;
  const projections = fits ? projectionsOf(arena, table, width, frameBytes) : undefined;
  return projections && { table, projections };
}

/** The vectors of a layer, copied, and panels for its matrices. */
function roomFor({ parts }: WasmCell, { Wx, Wh, ...rest }: Readonly<Record<string, Tensor>>): Weights {
  const [D, width] = Wx.shape;
  const H = Wh.shape[0];
  const panels = (K: number, N: number): Tensor => allocate([panelBytes(K, N, true) / 4], 'float32');
  let from = 0;
  const recurrent = parts.map((gates) => {
    const part = { from, count: gates * H, panels: panels(H, gates * H) };
    from += gates * H;
    return part;
  });
  const vectors = Object.fromEntries(Object.entries(rest).map(([key, x]) => [key, copyOf(x)]));
  return { D, H, width, input: panels(D, width), recurrent, vectors };
}

/** A copy in a separate array, without gaps. */
function copyOf(x: Tensor): Tensor {
  const copy = allocate(x.shape, 'float32');
  copy.data.forEach((_, i) => (copy.data[i] = x.data[x.offset + i * x.stride[0]]));
  return copy;
}

/** Packs columns `from … from + count` of a matrix into panels. */
function pack(wasm: Exports, arena: Arena, W: Tensor, from: number, count: number, panels: Tensor): void {
  const placed = placeInput(arena, W);
  const start = placed.at + from * (placed.transposed ? placed.ld : 4);
  const along = placed.transposed ? wasm.packColumns32 : wasm.packRows32;
  along(W.shape[0], count, start, placed.ld, panels.data.byteOffset);
}

function run(
  wasm: Exports,
  arena: Arena,
  cell: WasmCell,
  weights: Weights,
  layer: InferenceTensors,
  source?: Source,
): boolean {
  const { x, y, ids, batchSizes } = layer;
  const rows = dtypeOf(x.data) === 'float32' && x.stride[1] === 1 && y.stride[1] === 1;
  if (!rows || !inside(arena, y) || batchSizes.length === 0) return false;
  if (x.shape[1] !== weights.D || y.shape[1] !== weights.H) return false;
  if (ids !== undefined && source?.table !== x) return false;
  arena.begin(true);
  try {
    const turns = turnsOf(batchSizes);
    const places = placesOf(arena, cell, weights, layer, turns, ids && source?.projections);
    if (layer.taken) takeFirst(weights, layer, layer.taken);
    turns.forEach((turn, i) => takeTurn(wasm, cell, weights, layer, places, turn, turns[i - 1]));
  } catch (error) {
    if (error instanceof NoRoom) return false; // room is allocated first, so nothing is written yet
    throw error;
  }
  return true;
}

/** Turns of whole steps with about `ROWS` rows, at least one step each. */
function turnsOf(batchSizes: Int32Array): Turn[] {
  const turns: Turn[] = [];
  for (let from = 0, end = 0, first = 0, rows = 0; from < batchSizes.length; from = end, first += rows) {
    for (rows = 0; end < batchSizes.length && (end === from || rows + batchSizes[end] <= ROWS); end++)
      rows += batchSizes[end];
    turns.push({ from, end, first, rows });
  }
  return turns;
}

/** The source of the projections of a turn: the rows of x, or the table. */
type Inputs =
  | {
      readonly x: number;
      readonly ldx: number;
      /** For the rows of x of one turn; 0 if rows are in order. */
      readonly gathered: number;
    }
  | { readonly ids: Int32Array; readonly projections: Projections; readonly room: Room };

/** Data shared by all turns; numbers are addresses. */
interface Places {
  readonly arena: Arena;
  readonly heap: Float32Array;
  readonly inputs: Inputs;
  readonly affine: Affine;
  /** Of the row indices; 0 if rows are in order. */
  readonly map: number;
  readonly sizes: number;
  readonly edge: number;
  readonly states: Readonly<Record<string, number>>;
  readonly caches: Readonly<Record<string, number>>;
}

function placesOf(
  arena: Arena,
  cell: WasmCell,
  { D, H, width, input, vectors }: Weights,
  layer: InferenceTensors,
  turns: readonly Turn[],
  projections?: Projections,
): Places {
  const { batchSizes, map } = layer;
  const { states, filled, summed } = cell;
  const rows = Math.max(...turns.map((turn) => turn.rows));
  const rooms = (bytes: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(bytes).map(([key, count]) => [key, arena.take(count)]));
  const widths = Object.entries({ ...filled, ...summed }).map(([key, count]) => [key, 4 * rows * count * H]);
  return {
    arena,
    heap: arena.f32(),
    inputs: projections
      ? { ids: idsOf(layer), projections, room: projections.room(arena, rows) }
      : inputsOf(arena, layer, rows),
    affine: { D, width, panels: at(input), bias: at(vectors.b) },
    map: map ? entered(arena, map) : 0,
    sizes: entered(arena, batchSizes),
    edge: arena.take(SCRATCH),
    states: rooms(Object.fromEntries(states.map((key) => [key, 4 * (batchSizes[0] + rows) * H]))),
    caches: rooms({ a: 4 * rows * width, ...(Object.fromEntries(widths) as Record<string, number>) }),
  };
}

function inputsOf(arena: Arena, { x, map }: InferenceTensors, rows: number): Inputs {
  const placed = placeInput(arena, x);
  return { x: placed.at, ldx: placed.ld, gathered: map ? arena.take(4 * rows * x.shape[1]) : 0 };
}

/** The rows of the table in the order of the scan. */
function idsOf({ ids = new Int32Array(0), map }: InferenceTensors): Int32Array {
  if (map === undefined) return ids;
  const own = new Int32Array(map.length);
  for (let i = 0; i < own.length; i++) own[i] = ids[map[i]];
  return own;
}

function entered(arena: Arena, numbers: Int32Array): number {
  const at = arena.take(numbers.byteLength);
  arena.i32().set(numbers, at / 4);
  return at;
}

/** Projects the rows of some steps, runs the steps, and writes the rows of h to the output. */
function takeTurn(
  wasm: Exports,
  cell: WasmCell,
  weights: Weights,
  { batchSizes, map, y, initial, taken }: InferenceTensors,
  places: Places,
  turn: Turn,
  before: Turn | undefined,
): void {
  const { from, end, first, rows } = turn;
  const { H } = weights;
  const { states, caches, edge } = places;
  const batch = batchSizes[from];
  if (before || !initial) enterStates(wasm, weights, places, batchSizes, batch, before);
  else enterInitial(weights, places, initial, batch);
  fillProjection(wasm, places, turn);
  for (const [key, count] of Object.entries(cell.summed ?? {}))
    places.heap.fill(0, caches[key] / 4, caches[key] / 4 + rows * count * H);
  cell.forward(wasm, {
    T: end - from,
    H,
    batch,
    sizes: places.sizes + 4 * from,
    edge,
    state: (key) => states[key],
    updated: (key) => caches[key],
    filled: (key) => caches[key],
    vector: (key) => at(weights.vectors[key]),
    panels: (column) => at(weights.recurrent.find((part) => part.from === column)!.panels),
  });
  if (taken) takeStates(weights, places, batchSizes, turn, taken);
  const h = states.h + 4 * batch * H;
  const [to, ldy] = [at(y), 4 * y.stride[0]];
  if (map) wasm.scatter(rows, H, to, ldy, h, 4 * H, places.map + 4 * first);
  else wasm.copyRows(rows, H, to + first * ldy, ldy, h, 4 * H);
}

/** Fills `a` with x·Wx + b for the rows of a turn. */
function fillProjection(wasm: Exports, places: Places, { first, rows }: Turn): void {
  const { arena, inputs, affine, map, edge } = places;
  const { a } = places.caches;
  if ('ids' in inputs) {
    const ids = inputs.ids.subarray(first, first + rows);
    inputs.projections.fill(wasm, arena, affine, inputs.room, ids, a, edge);
    return;
  }
  const { D } = affine;
  const [x, ldx] = map ? [inputs.gathered, 4 * D] : [inputs.x + first * inputs.ldx, inputs.ldx];
  if (map) wasm.gather(rows, D, x, ldx, inputs.x, inputs.ldx, map + 4 * first);
  project(wasm, affine, rows, x, ldx, a, edge);
}

/** Sets the states before a turn: the final ones of the previous turn, or the initial ones. */
function enterStates(
  wasm: Exports,
  { H, vectors }: Weights,
  { heap, states }: Places,
  batchSizes: Int32Array,
  batch: number,
  before: Turn | undefined,
): void {
  const row = 4 * H;
  for (const [key, state] of Object.entries(states)) {
    const initial = vectors[`${key}0`];
    if (before) {
      const last = batchSizes[before.from] + before.rows - batchSizes[before.end - 1];
      wasm.copyRows(batch, H, state, row, state + last * row, row);
    } else if (initial) wasm.copyRows(batch, H, state, row, at(initial), 0);
    else heap.fill(0, state / 4, state / 4 + batch * H);
  }
}

/** Sets the states before the first turn, if given, for the sequences that have a first step. */
function enterInitial(
  { H }: Weights,
  { heap, states }: Places,
  initial: Readonly<Record<string, Tensor>>,
  batch: number,
): void {
  for (const [key, state] of Object.entries(states)) {
    for (let b = 0; b < batch; b++) copyRow(initial[key], b, heap, state / 4 + b * H);
  }
}

/** Fills the states taken before a first step. */
function takeFirst({ H, vectors }: Weights, { initial }: InferenceTensors, { steps, states }: TakenStates): void {
  for (const [key, { data, offset }] of Object.entries(states)) {
    steps.forEach((step, b) => {
      const to = offset + b * H;
      const learned = vectors[`${key}0`] as Tensor | undefined;
      if (step >= 0) return;
      if (initial) copyRow(initial[key], b, data, to);
      else if (learned) data.set(learned.data.subarray(learned.offset, learned.offset + H), to);
      else data.fill(0, to, to + H);
    });
  }
}

/** Fills the states taken after a step of this turn. */
function takeStates(
  { H }: Weights,
  { heap, states }: Places,
  batchSizes: Int32Array,
  { from, end }: Turn,
  taken: TakenStates,
): void {
  for (let t = from, row = batchSizes[from]; t < end; row += batchSizes[t++]) {
    for (let b = 0; b < batchSizes[t]; b++) {
      if (taken.steps[b] !== t) continue;
      for (const [key, { data, offset }] of Object.entries(taken.states)) {
        const first = states[key] / 4 + (row + b) * H;
        data.set(heap.subarray(first, first + H), offset + b * H);
      }
    }
  }
}

/** Copies row b of a matrix to an offset of an array. */
function copyRow({ data, shape, stride, offset }: Tensor, b: number, out: Tensor['data'], to: number): void {
  for (let j = 0; j < shape[1]; j++) out[to + j] = data[offset + b * stride[0] + j * stride[1]];
}

function at(x: Tensor): number {
  return x.data.byteOffset + 4 * x.offset;
}
