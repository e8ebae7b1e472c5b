/**
 * The fused scans: the whole time loop of a cell in one call of the module. States and caches are copied into its memory and
 * back, unless they lie there; Wh is packed once per call. The arithmetic is float32 throughout, where the TypeScript scan
 * rounds a product or a gradient once from float64: both stay within the rounding error of float32.
 *
 * Declined, so that the TypeScript scan runs: float64, and tensors with gaps between their elements.
 */
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { FusedScan, ScanTensors } from '../types.js';
import type { Arena } from './arena.js';
import { NoRoom } from './arena.js';
import type { ForwardCall } from './forward.js';
import { FORWARD } from './forward.js';
import { inferenceLayer } from './inference.js';
import type { Exports } from './module.js';
import { inside, placeInput } from './operand.js';
import { SCRATCH, panelBytes } from './product.js';

/** One scan on its way through the module: where its tensors are, and which of them go back. */
interface Call extends ForwardCall {
  readonly N: number;
  /** Address of a tensor of which all is read; its rows from `writtenFrom` on go back, none by default. */
  enter(x: Tensor, options?: { readonly end?: number; readonly writtenFrom?: number }): number;
  /** Address of a tensor that is overwritten. */
  leave(x: Tensor): number;
  /** Columns of Wh, transposed, in panels. */
  panelsT(from: number, count: number): number;
}

type Run<C> = (wasm: Exports, call: C, scan: ScanTensors) => void;

const BACKWARD: Readonly<Record<string, Run<Call>>> = {
  rnn: (wasm, call, scan) => rnnBackward(0, wasm, call, scan),
  'rnn-relu': (wasm, call, scan) => rnnBackward(1, wasm, call, scan),
  lstm(wasm, call, { states, cache, dStates = {} }) {
    const [c, a, tanhC] = [call.enter(states.c), call.enter(cache.a), call.enter(cache.tanhC)];
    const [dh, dc] = [call.enter(dStates.h, { writtenFrom: 0 }), call.enter(dStates.c, { writtenFrom: 0 })];
    const { T, N, H, sizes, batch, edge } = call;
    wasm.lstmBackward(T, sizes, batch, N, H, c, a, tanhC, dh, dc, call.leave(cache.da), call.panelsT(0, 4 * H), edge);
  },
  gru(wasm, call, { states, cache, dStates = {} }) {
    const [h, a, u] = [call.enter(states.h), call.enter(cache.a), call.enter(cache.u)];
    const dh = call.enter(dStates.h, { writtenFrom: 0 });
    const [da, du] = [call.leave(cache.da), call.leave(cache.du)];
    const { T, N, H, sizes, batch, edge } = call;
    wasm.gruBackward(T, sizes, batch, N, H, h, a, u, dh, da, du, call.panelsT(0, 3 * H), edge);
  },
  'gru-reset-before'(wasm, call, { states, cache, dStates = {} }) {
    const [h, a] = [call.enter(states.h), call.enter(cache.a)];
    const dh = call.enter(dStates.h, { writtenFrom: 0 });
    const [da, ds] = [call.leave(cache.da), call.leave(cache.ds)];
    const { T, N, H, sizes, batch, edge } = call;
    const [rz, n] = [call.panelsT(0, 2 * H), call.panelsT(2 * H, H)];
    wasm.gruResetBeforeBackward(T, sizes, batch, N, H, h, a, dh, da, ds, rz, n, edge);
  },
};

function rnnBackward(relu: number, wasm: Exports, call: Call, { states, cache, dStates = {} }: ScanTensors): void {
  const [h, dh] = [call.enter(states.h), call.enter(dStates.h, { writtenFrom: 0 })];
  const { T, N, H, sizes, batch, edge } = call;
  wasm.rnnBackward(relu, T, sizes, batch, N, H, h, dh, call.leave(cache.da), call.panelsT(0, H), edge);
}

/** The fused scans by cell name; `arena` throws once the backend is disposed of. */
export function fusedScans(wasm: Exports, arena: () => Arena): Readonly<Record<string, FusedScan>> {
  const entries = Object.keys(FORWARD).map((name): [string, FusedScan] => [
    name,
    {
      forward: (scan) => run(wasm, arena(), FORWARD[name], scan),
      backward: (scan) => run(wasm, arena(), BACKWARD[name], scan),
      infer: (params, table) => inferenceLayer(wasm, arena, name, params, table),
    },
  ]);
  return Object.fromEntries(entries);
}

function run(wasm: Exports, arena: Arena, scanOf: Run<Call>, scan: ScanTensors): boolean {
  const tensors = [scan.states, scan.cache, scan.dStates ?? {}].flatMap((each) => Object.values(each));
  const { bn } = scan.params;
  if (scan.batchSizes.length === 0 || !tensors.every(acceptable)) return false;
  if (bn !== undefined && bn.stride[0] !== 1) return false;
  arena.begin([...tensors, ...Object.values(scan.params)].some((x) => inside(arena, x)));
  const returns: (() => void)[] = [];
  try {
    scanOf(wasm, openCall(wasm, arena, scan, returns), scan);
  } catch (error) {
    if (error instanceof NoRoom) return false; // operands come before the time loop: nothing is written yet
    throw error;
  }
  for (const back of returns) back();
  return true;
}

/** Float32 rows one behind the other. */
function acceptable(x: Tensor): boolean {
  return dtypeOf(x.data) === 'float32' && x.stride[1] === 1 && x.stride[0] === x.shape[1] && x.shape[1] > 0;
}

function openCall(wasm: Exports, arena: Arena, scan: ScanTensors, returns: (() => void)[]): Call {
  const { batchSizes } = scan;
  const { Wh } = scan.params;
  const H = Wh.shape[0];
  const edge = arena.take(SCRATCH);
  const sizes = arena.take(batchSizes.length * 4);
  arena.i32().set(batchSizes, sizes / 4);
  const placed = placeInput(arena, Wh);

  const enter: Call['enter'] = (x, { end = x.shape[0], writtenFrom = x.shape[0] } = {}) => {
    if (inside(arena, x)) return x.data.byteOffset + 4 * x.offset;
    const at = arena.take(x.shape[0] * x.shape[1] * 4);
    copy(arena.f32(), at / 4, x.data, x.offset, end * x.shape[1]);
    if (writtenFrom < x.shape[0]) returns.push(() => goBack(arena, x, at, writtenFrom));
    return at;
  };
  const leave: Call['leave'] = (x) => enter(x, { end: 0, writtenFrom: 0 });
  const pack = (from: number, count: number, transposed: boolean): number => {
    const [K, N] = transposed ? [count, H] : [H, count];
    const at = arena.take(panelBytes(K, N, true));
    const start = placed.at + from * (placed.transposed ? placed.ld : 4);
    const along = placed.transposed === transposed ? wasm.packRows32 : wasm.packColumns32;
    along(K, N, start, placed.ld, at);
    return at;
  };
  const N = scan.cache.a.shape[0];
  const batch = scan.states.h.shape[0] - N;
  return {
    T: batchSizes.length,
    N,
    H,
    batch,
    sizes,
    edge,
    enter,
    leave,
    state: (name) => enter(scan.states[name], { end: batch, writtenFrom: batch }),
    updated: (name) => enter(scan.cache[name], { writtenFrom: 0 }),
    filled: (name) => leave(scan.cache[name]),
    vector: (name) => enter({ ...scan.params[name], shape: [1, H] }),
    panels: (from, count) => pack(from, count, false),
    panelsT: (from, count) => pack(from, count, true),
  };
}

/** Copies the rows from `first` on back to where they belong. */
function goBack(arena: Arena, x: Tensor, at: number, first: number): void {
  const width = x.shape[1];
  copy(x.data, x.offset + first * width, arena.f32(), at / 4 + first * width, (x.shape[0] - first) * width);
}

function copy(to: Tensor['data'], start: number, from: Tensor['data'], offset: number, count: number): void {
  to.set(offset === 0 && from.length === count ? from : from.subarray(offset, offset + count), start);
}
