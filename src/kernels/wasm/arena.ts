/**
 * The single memory of a backend. From the bottom up: resident tensors (allocated or adopted), the tensors of the open frame, the
 * scratch of the running call. It grows between frames, and never under an operand: growing detaches every view, and only
 * resident tensors get a new one.
 */
import type { DType, Tensor } from '../../tensor/types.js';
import { viewOf } from '../../tensor/view.js';
import type { ArenaState } from './growth.js';
import { aligned, bytesOf, fit, grow, heapOf, lacks, LINE, scratchOf, SLACK, viewAt } from './growth.js';
import type { Memory } from './module.js';
import { adopt, allocate, hold, reserve } from './residents.js';

/** The memory and its layout. */
export interface Arena {
  readonly memory: Memory;
  /** The whole memory; valid until it grows. */
  buffer(): ArrayBufferLike;
  /** The whole memory as float32; valid until it grows. */
  f32(): Float32Array;
  /** The whole memory as float64; valid until it grows. */
  f64(): Float64Array;
  /** The whole memory as 32-bit integers; valid until it grows. */
  i32(): Int32Array;
  /** Starts a call and frees the scratch of the previous one. `pinned`: an operand is in this memory. */
  begin(pinned: boolean): void;
  /** Address of `bytes` of uninitialized scratch, aligned to 64. Throws MemoryError, or NoRoom in a frame. */
  take(bytes: number): number;
  /** Grows the memory so that `bytes` more fit. Throws ArgumentError, MemoryError. */
  reserve(bytes: number): void;
  /** A resident tensor of zeros. Throws MemoryError. */
  allocate(shape: readonly number[], dtype: DType): Tensor;
  /**
   * An uninitialized float32 vector that stays until it is released, in memory that has not been touched before. Undefined if it
   * would take more than its share of the remaining memory, which frames need too.
   *
   * @param frameBytes as for `adopt`
   */
  hold(count: number, frameBytes: number): { readonly tensor: Tensor; release(): void } | undefined;
  /** See `Workspace.adopt`. */
  adopt(tensors: readonly Tensor[], frameBytes: number): () => void;
  /** Opens a frame, after growing by what earlier frames lacked. */
  openFrame(): void;
  /** Whether a frame is open. */
  readonly framed: boolean;
  /** Closes the frame; its tensors keep their elements until the next one opens, or memory is short. */
  closeFrame(): void;
  /** A tensor of the open frame, of zeros if `zeroed`; undefined if there is no frame, or no room. */
  inFrame(shape: readonly number[], dtype: DType, zeroed: boolean): Tensor | undefined;
  readonly misses: number;
}

/** An arena over its own memory, which grows to `maximumBytes` at most. */
export function createArena(memory: Memory, maximumBytes: number): Arena {
  const empty = { bottom: LINE, frame: LINE, top: LINE, depth: 0, pinned: false, lacking: 0, largest: 0, misses: 0 };
  const state: ArenaState = { memory, maximumBytes, residents: [], heap: heapOf(memory), ...empty };
  return {
    memory,
    buffer: () => state.heap.buffer,
    f32: () => state.heap.f32,
    f64: () => state.heap.f64,
    i32: () => state.heap.i32,
    begin: (operandsInside) => begin(state, operandsInside),
    take: (bytes) => take(state, bytes),
    reserve: (bytes) => reserve(state, bytes),
    allocate: (shape, dtype) => allocate(state, shape, dtype),
    hold: (count, frameBytes) => hold(state, count, frameBytes),
    adopt: (tensors, frameBytes) => adopt(state, tensors, frameBytes),
    openFrame: () => openFrame(state),
    closeFrame: () => void state.depth--,
    inFrame: (shape, dtype, zeroed) => inFrame(state, shape, dtype, zeroed),
    get framed() {
      return state.depth > 0;
    },
    get misses() {
      return state.misses;
    },
  };
}

function begin(state: ArenaState, operandsInside: boolean): void {
  // After the tensors of the last frame, so that they keep their elements, if that leaves enough room.
  if (state.depth === 0 && lacks(state, state.frame + scratchOf(state.largest)) > 0) state.frame = state.bottom;
  state.top = state.frame;
  state.pinned = operandsInside;
}

function take(state: ArenaState, bytes: number): number {
  const start = state.top;
  const end = start + aligned(bytes);
  fit(state, end);
  state.top = end;
  return start;
}

function openFrame(state: ArenaState): void {
  if (state.depth++ > 0) return;
  if (state.lacking > 0) grow(state, state.heap.f32.byteLength - SLACK + state.lacking);
  state.lacking = 0;
  state.largest = 0;
  state.pinned = false;
  state.frame = state.bottom;
  state.top = state.bottom;
}

function inFrame(state: ArenaState, shape: readonly number[], dtype: DType, zeroed: boolean): Tensor | undefined {
  if (state.depth === 0) return undefined;
  const bytes = bytesOf(shape, dtype);
  state.largest = Math.max(state.largest, bytes);
  const end = state.frame + aligned(bytes);
  const missing = lacks(state, end + scratchOf(state.largest));
  if (missing > 0) {
    // A tensor placed elsewhere now needs room next time, on top of all earlier ones that found none.
    state.lacking += state.lacking === 0 ? missing : aligned(bytes);
    state.misses++;
    return undefined;
  }
  const data = viewAt(state, state.frame, bytes, dtype);
  const tensor = viewOf(zeroed ? data.fill(0) : data, shape);
  state.frame = end;
  state.top = end;
  return tensor;
}
