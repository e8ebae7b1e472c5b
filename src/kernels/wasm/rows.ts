/** Row operations and updates on tensors in the memory of the module: without a copy, or not at all. */
import { limitOf } from '../../tensor/threefry.js';
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf, isContiguous, sizeOf } from '../../tensor/view.js';
import type { OwnRows } from '../types.js';
import type { Arena } from './arena.js';
import { NoRoom } from './growth.js';
import type { Exports } from './module.js';
import { inside } from './operand.js';

/**
 * Runs `act` if all tensors are rows of float32 in memory; otherwise returns false, with nothing written. `act` may allocate
 * scratch, and decline by returning false.
 */
export type Within = (tensors: readonly Tensor[], act: (arena: Arena) => boolean | void) => boolean;

/** Scratch bytes of assembly/draw.ts. */
const DRAW_SCRATCH = 272;

/** Scratch bytes of the updates of assembly/optim.ts. */
const ADAM_SCRATCH = 768;

/** The row operations. */
export function rowKernels(wasm: Exports, within: Within): OwnRows {
  return {
    ...wholeRows(wasm, within),
    ...mappedRows(wasm, within),
    ...dropout(wasm, within),
    ...updates(wasm, within),
  };
}

/** Wraps calls of row operations; `openArena` throws once the backend is disposed of. */
export function withinMemory(openArena: () => Arena): Within {
  return (tensors, act) => {
    const arena = openArena();
    if (!tensors.every((x) => lines(arena, x))) return false;
    arena.begin(true);
    try {
      return act(arena) !== false;
    } catch (error) {
      if (error instanceof NoRoom) return false; // thrown before anything is written, because scratch is allocated first
      throw error;
    }
  };
}

type WholeRows = 'setEveryRow' | 'copyMatrix' | 'addToEveryRow' | 'addSumRows' | 'addMatrix';

function wholeRows(wasm: Exports, within: Within): Pick<OwnRows, WholeRows> {
  return {
    setEveryRow: (out, row) =>
      within([out], (arena) => wasm.copyRows(...size(out), address(out), step(out), vector(arena, row), 0)),
    copyMatrix: (out, x) =>
      within([out, x], () => wasm.copyRows(...size(x), address(out), step(out), address(x), step(x))),
    addToEveryRow: (out, row) =>
      within([out], (arena) => wasm.addToEveryRow(...size(out), address(out), step(out), vector(arena, row))),
    addSumRows: (out, x) => within([out, x], () => wasm.addSumRows(...size(x), address(out), address(x), step(x))),
    addMatrix: (out, x) =>
      within([out], (arena) => {
        const from = entering(arena, x);
        if (!from) return false;
        wasm.addMatrix(...size(x), address(out), step(out), from.at, from.step);
        return true;
      }),
  };
}

function mappedRows(wasm: Exports, within: Within): Pick<OwnRows, 'gather' | 'scatterAdd'> {
  return {
    gather: (out, x, map) =>
      within([x], (arena) => {
        const to = lines(arena, out) ? { at: address(out), step: step(out) } : roomFor(arena, out);
        if (!to) return false;
        wasm.gather(map.length, x.shape[1], to.at, to.step, address(x), step(x), entered(arena, map));
        if (!lines(arena, out))
          out.data.set(arena.f32().subarray(to.at / 4, to.at / 4 + sizeOf(out.shape)), out.offset);
        return true;
      }),
    scatterAdd: (out, x, map) =>
      within([out], (arena) => {
        const from = entering(arena, x);
        if (!from) return false;
        wasm.scatterAdd(map.length, x.shape[1], address(out), step(out), from.at, from.step, entered(arena, map));
        return true;
      }),
  };
}

function dropout(wasm: Exports, within: Within): Pick<OwnRows, 'addMasked' | 'drawFactors'> {
  return {
    addMasked: (out, x, factors, map) =>
      map === undefined &&
      within([out, x, factors].map(flatten), () =>
        wasm.addMasked(...size(out), address(out), step(out), address(x), step(x), address(factors)),
      ),
    drawFactors: (factors, key, places, p) =>
      within([factors], (arena) => {
        const own = [entered(arena, key), entered(arena, places), arena.take(DRAW_SCRATCH)];
        wasm.drawFactors(...size(factors), address(factors), step(factors), ...own, limitOf(p), 1 / (1 - p));
      }),
  };
}

function updates(wasm: Exports, within: Within): Pick<OwnRows, 'scale' | 'addSquares' | 'adam'> {
  return {
    scale: (x, factor, rows) =>
      within([flatten(x)], () => {
        if (rows === undefined) wasm.scale(sizeOf(x.shape), address(x), factor);
        else for (const row of rows) wasm.scale(x.shape[1], address(x) + row * step(x), factor);
      }),
    addSquares(sum, x, rows) {
      let own = 0;
      const done = within([flatten(x)], () => {
        if (rows === undefined) own = wasm.sumOfSquares(sizeOf(x.shape), address(x));
        else for (const row of rows) own += wasm.sumOfSquares(x.shape[1], address(x) + row * step(x));
      });
      return done ? sum + own : undefined;
    },
    adam: (param, grad, m, v, f, rows) =>
      within([param, grad, m, v].map(flatten), (arena) => {
        const map = rows && entered(arena, rows);
        wasm.adamFactors(f.beta1, f.beta2, f.epsilon, f.l2, f.keep, f.rate, f.rootCorrection);
        const [p, g, first, second] = [param, grad, m, v].map(address);
        const room = arena.take(ADAM_SCRATCH);
        if (map === undefined) wasm.adam(sizeOf(param.shape), p, g, first, second, room);
        else wasm.adamRows(rows!.length, param.shape[1], p, g, first, second, map, room);
      }),
  };
}

/** Whether a vector, or every row of a matrix, is a run of float32 in memory. */
export function lines(arena: Arena, x: Tensor): boolean {
  const last = x.shape.length - 1;
  return (
    dtypeOf(x.data) === 'float32' &&
    (last === 0 || last === 1) &&
    (x.stride[last] === 1 || x.shape[last] === 1) &&
    inside(arena, x)
  );
}

/** The tensor itself if it has no gaps; otherwise one that is in no memory. */
function flatten(x: Tensor): Tensor {
  return x.shape.length === 2 && x.stride[0] !== x.shape[1] ? { ...x, shape: [0, 0, 0] } : x;
}

export function address(x: Tensor): number {
  return x.data.byteOffset + 4 * x.offset;
}

/** Bytes between two rows. */
export function step(x: Tensor): number {
  return 4 * x.stride[0];
}

export function size(x: Tensor): [number, number] {
  return [x.shape[0], x.shape[1]];
}

/** Scratch for a float32 matrix without gaps outside the memory; undefined for any other. */
function roomFor(arena: Arena, x: Tensor): { at: number; step: number } | undefined {
  if (dtypeOf(x.data) !== 'float32' || x.shape.length !== 2 || !isContiguous(x)) return undefined;
  return { at: arena.take(4 * sizeOf(x.shape)), step: 4 * x.shape[1] };
}

/** The address of a matrix, or of a copy of it. */
function entering(arena: Arena, x: Tensor): { at: number; step: number } | undefined {
  if (lines(arena, x)) return { at: address(x), step: step(x) };
  const room = roomFor(arena, x);
  if (room) arena.f32().set(x.data.subarray(x.offset, x.offset + sizeOf(x.shape)), room.at / 4);
  return room;
}

/** The address of a vector, or of a copy of it. */
function vector(arena: Arena, x: Tensor): number {
  if (inside(arena, x) && x.stride[0] === 1) return address(x);
  const [W] = x.shape;
  const at = arena.take(4 * W);
  const heap = arena.f32();
  for (let j = 0; j < W; j++) heap[at / 4 + j] = x.data[x.offset + j * x.stride[0]];
  return at;
}

/** Address of a copy of row indices. */
export function entered(arena: Arena, rows: Int32Array): number {
  const at = arena.take(rows.byteLength);
  arena.i32().set(rows, at / 4);
  return at;
}
