/**
 * The fused scans: the whole time loop of a cell in one call of the module. States and caches are copied into its memory and
 * back, unless they are already there; Wh is packed once per call. The arithmetic is float32 throughout, whereas the TypeScript
 * scan rounds a product or a gradient once from float64; both stay within the rounding error of float32.
 *
 * It declines float64, and tensors with gaps between their elements; the TypeScript scan runs then.
 */
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { FusedScan, ScanTensors } from '../types.js';
import type { Arena } from './arena.js';
import { NoRoom } from './growth.js';
import type { BackwardCall, Call, ForwardCall, WasmCell } from './cells/cell.js';
import { WASM_CELLS } from './cells/index.js';
import { inferenceLayer } from './inference.js';
import type { Exports } from './module.js';
import { inside, placeInput } from './operand.js';
import { SCRATCH, panelBytes } from './product.js';

/**
 * How a tensor enters the memory: how many of its rows are read, and from which one on rows are copied back. By default all are
 * read and none are copied back.
 */
interface Passage {
  readonly end?: number;
  readonly writtenFrom?: number;
}

/** The operands of one scan. */
interface Entry {
  readonly common: Call & Pick<BackwardCall, 'N'>;
  /** Address of a tensor. */
  enter(x: Tensor, how?: Passage): number;
  /** Columns `from … from + count` of Wh in panels. */
  pack(from: number, count: number, transposed: boolean): number;
}

/** The fused scans by cell name; `arena` throws once the backend is disposed of. */
export function fusedScans(wasm: Exports, arena: () => Arena): Readonly<Record<string, FusedScan>> {
  const entries = Object.entries(WASM_CELLS).map(([name, cell]): [string, FusedScan] => [
    name,
    {
      forward: (scan) => run(wasm, arena(), cell, scan, (entry) => cell.forward(wasm, forwardCall(entry, scan))),
      backward: (scan) => run(wasm, arena(), cell, scan, (entry) => cell.backward(wasm, backwardCall(entry, scan))),
      overwrites: { forward: Object.keys(cell.filled ?? {}), backward: cell.left },
      infer: (params, table) => inferenceLayer(wasm, arena, cell, params, table),
    },
  ]);
  return Object.fromEntries(entries);
}

/** Runs one direction of a scan; false, with nothing written, if this backend does not support it. */
function run(wasm: Exports, arena: Arena, cell: WasmCell, scan: ScanTensors, act: (entry: Entry) => void): boolean {
  const { batchSizes, states, cache, dStates = {}, params } = scan;
  if (batchSizes.length === 0 || ![states, cache, dStates].every(allAcceptable)) return false;
  if (cell.vectors?.some((name) => params[name].stride[0] !== 1)) return false;
  arena.begin([states, cache, dStates, params].some((tensors) => anyInside(arena, tensors)));
  const returns: (() => void)[] = [];
  try {
    act(entryOf(wasm, arena, scan, returns));
  } catch (error) {
    if (error instanceof NoRoom) return false; // operands are placed before the time loop, so nothing is written yet
    throw error;
  }
  for (const back of returns) back();
  return true;
}

type Tensors = Readonly<Record<string, Tensor>>;

function allAcceptable(tensors: Tensors): boolean {
  for (const name of Object.keys(tensors)) if (!acceptable(tensors[name])) return false;
  return true;
}

function anyInside(arena: Arena, tensors: Tensors): boolean {
  for (const name of Object.keys(tensors)) if (inside(arena, tensors[name])) return true;
  return false;
}

/** Whether a tensor consists of consecutive float32 rows. */
function acceptable(x: Tensor): boolean {
  return dtypeOf(x.data) === 'float32' && x.stride[1] === 1 && x.stride[0] === x.shape[1] && x.shape[1] > 0;
}

/** Moves the tensors of a scan into the memory; those to copy back are recorded in `returns`. */
function entryOf(
  wasm: Exports,
  arena: Arena,
  { batchSizes, params, states, cache }: ScanTensors,
  returns: (() => void)[],
): Entry {
  const { Wh } = params;
  const H = Wh.shape[0];
  const edge = arena.take(SCRATCH);
  const sizes = arena.take(batchSizes.length * 4);
  arena.i32().set(batchSizes, sizes / 4);
  const placed = placeInput(arena, Wh);
  const N = cache.a.shape[0];
  return {
    common: { T: batchSizes.length, N, H, batch: states.h.shape[0] - N, sizes, edge },
    enter(x, { end = x.shape[0], writtenFrom = x.shape[0] } = {}) {
      if (inside(arena, x)) return x.data.byteOffset + 4 * x.offset;
      const at = arena.take(x.shape[0] * x.shape[1] * 4);
      copy(arena.f32(), at / 4, x.data, x.offset, end * x.shape[1]);
      if (writtenFrom < x.shape[0]) returns.push(() => goBack(arena, x, at, writtenFrom));
      return at;
    },
    pack(from, count, transposed) {
      const [K, columns] = transposed ? [count, H] : [H, count];
      const at = arena.take(panelBytes(K, columns, true));
      const start = placed.at + from * (placed.transposed ? placed.ld : 4);
      const along = placed.transposed === transposed ? wasm.packRows32 : wasm.packColumns32;
      along(K, columns, start, placed.ld, at);
      return at;
    },
  };
}

/** A tensor of which nothing is read and everything is written. */
const WRITTEN: Passage = { end: 0, writtenFrom: 0 };

function forwardCall({ common, enter, pack }: Entry, { states, cache, params }: ScanTensors): ForwardCall {
  const { T, H, batch, sizes, edge } = common;
  return {
    T,
    H,
    batch,
    sizes,
    edge,
    state: (name) => enter(states[name], { end: batch, writtenFrom: batch }),
    updated: (name) => enter(cache[name], { writtenFrom: 0 }),
    filled: (name) => enter(cache[name], WRITTEN),
    vector: (name) => enter({ ...params[name], shape: [1, H] }),
    panels: (from, count) => pack(from, count, false),
  };
}

function backwardCall({ common, enter, pack }: Entry, { states, cache, dStates = {} }: ScanTensors): BackwardCall {
  const { T, N, H, batch, sizes, edge } = common;
  return {
    T,
    N,
    H,
    batch,
    sizes,
    edge,
    state: (name) => enter(states[name]),
    saved: (name) => enter(cache[name]),
    gradient: (name) => enter(dStates[name], { writtenFrom: 0 }),
    filled: (name) => enter(cache[name], WRITTEN),
    panelsT: (from, count) => pack(from, count, true),
  };
}

/** Copies the rows from `first` on back to the tensor. */
function goBack(arena: Arena, x: Tensor, at: number, first: number): void {
  const width = x.shape[1];
  copy(x.data, x.offset + first * width, arena.f32(), at / 4 + first * width, (x.shape[0] - first) * width);
}

function copy(to: Tensor['data'], start: number, from: Tensor['data'], offset: number, count: number): void {
  to.set(offset === 0 && from.length === count ? from : from.subarray(offset, offset + count), start);
}
