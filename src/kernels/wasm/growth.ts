/** Growth of the module's memory: between frames, never under an operand, and every resident tensor is rebound. */
import { MemoryError } from '../../tensor/errors.js';
import type { DType, Real, Tensor } from '../../tensor/types.js';
import { dtypeOf, sizeOf } from '../../tensor/view.js';
import type { Memory } from './module.js';
import { PAGE } from './module.js';

/** Start of every block: a cache line. */
export const LINE = 64;

/** Bytes at the end of memory that are never allocated: kernels may read that far past the end of a matrix. */
export const SLACK = 64;

/** Scratch that a frame leaves free: this multiple of its largest tensor, plus a fixed number of bytes for small ones. */
const SCRATCH_SHARE = 2;
const SCRATCH_BYTES = 1 << 20;

/** Thrown inside a frame if memory would have to grow; never leaves the backend. */
export class NoRoom extends Error {}

/** A resident tensor and the address of its elements. */
export interface Resident {
  readonly tensor: Tensor;
  readonly at: number;
  readonly bytes: number;
  /** Whether its elements are copied out when it is released. */
  readonly kept: boolean;
  released: boolean;
}

/** The whole memory, with a view per element type. */
export interface Heap {
  readonly buffer: ArrayBufferLike;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
}

/** The state of an arena. */
export interface ArenaState {
  readonly memory: Memory;
  readonly maximumBytes: number;
  /** The resident tensors, in the order of their addresses. */
  readonly residents: Resident[];
  heap: Heap;
  /** The end of the resident tensors, then of those of the frame, then of the scratch of the call. */
  bottom: number;
  frame: number;
  top: number;
  /** Nesting depth of open frames. */
  depth: number;
  /** Whether an operand of the running call is in this memory. */
  pinned: boolean;
  /** Bytes that the frame lacked, and those of its largest tensor. */
  lacking: number;
  largest: number;
  misses: number;
}

/** Room for the scratch of calls on tensors of this many bytes. */
export const scratchOf = (bytes: number): number => SCRATCH_SHARE * bytes + SCRATCH_BYTES;

/** A number of bytes rounded up to whole cache lines. */
export const aligned = (bytes: number): number => Math.ceil(bytes / LINE) * LINE;

/** Bytes of a tensor without gaps. */
export const bytesOf = (shape: readonly number[], dtype: DType): number =>
  sizeOf(shape) * (dtype === 'float32' ? 4 : 8);

/** Views of the memory, valid until it grows. */
export const heapOf = ({ buffer }: Memory): Heap => ({
  buffer,
  f32: new Float32Array(buffer),
  f64: new Float64Array(buffer),
  i32: new Int32Array(buffer),
});

/** Bytes missing up to `end`; none if it is not above 0. */
export const lacks = ({ heap }: ArenaState, end: number): number => end + SLACK - heap.f32.byteLength;

/** A view of `bytes` at an address, valid until the memory grows. */
export function viewAt({ heap: { buffer } }: ArenaState, at: number, bytes: number, dtype: DType): Real {
  return dtype === 'float32' ? new Float32Array(buffer, at, bytes / 4) : new Float64Array(buffer, at, bytes / 8);
}

/** Grows memory up to `end`; false if that is impossible. Every resident tensor gets a view of the grown memory. */
export function grow(state: ArenaState, end: number): boolean {
  const missing = lacks(state, end);
  if (missing <= 0) return true;
  // At least by half, so that growth and new views are rare.
  const pages = Math.ceil(missing / PAGE);
  const generous = Math.max(pages, Math.ceil(state.heap.f32.byteLength / PAGE / 2));
  if (!grown(state.memory, generous) && !grown(state.memory, pages)) return false;
  state.heap = heapOf(state.memory);
  // Not released ones: they have separate arrays, and their space is freed once it is at the top.
  for (const { tensor, at, bytes, released } of state.residents) {
    if (!released) rebind(tensor, viewAt(state, at, bytes, dtypeOf(tensor.data)));
  }
  return true;
}

/** Makes sure that memory reaches to `end`. Throws NoRoom in a frame, MemoryError elsewhere. */
export function fit(state: ArenaState, end: number): void {
  const missing = lacks(state, end);
  if (missing <= 0) return;
  if (state.depth > 0) {
    state.lacking = Math.max(state.lacking, missing);
    state.misses++;
    throw new NoRoom();
  }
  if (state.pinned) {
    throw new MemoryError(
      `the call needs ${missing} more bytes of WebAssembly memory, but growing it would detach its operands, ` +
        'which lie in that memory: reserve() enough before allocating them',
    );
  }
  if (grow(state, end)) return;
  throw new MemoryError(
    `cannot grow WebAssembly memory from ${state.heap.f32.byteLength} to ${end + SLACK} bytes: use smaller batches or ` +
      'sequences, or the cpu backend',
  );
}

/** Replaces the array of a tensor. Only the arena and its adopter do this, and no other code may keep a reference to the array. */
export function rebind(tensor: Tensor, data: Real): void {
  (tensor as { data: Real }).data = data;
}

/** Grows the memory by `pages`, if that is possible. */
function grown(memory: Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch (error) {
    if (error instanceof RangeError || (error as Error)?.name === 'RangeError') return false;
    throw error;
  }
}
