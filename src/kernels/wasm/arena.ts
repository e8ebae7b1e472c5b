/**
 * The one memory of a backend. From the bottom up: tensors that stay (allocated or adopted), the tensors of the frame that is
 * open, the scratch of the call that runs. It grows between frames, and never under an operand: growing detaches every
 * view, and only of the tensors that stay does the arena know who holds one.
 */
import { ArgumentError, MemoryError } from '../../tensor/errors.js';
import type { DType, Real, Tensor } from '../../tensor/types.js';
import { dtypeOf, isContiguous, sizeOf, viewOf } from '../../tensor/view.js';
import type { Memory } from './module.js';
import { PAGE } from './module.js';

/** Start of every block: a cache line. */
const LINE = 64;

/** Bytes at the end of memory that are never given out: kernels may read that far past the end of a matrix. */
const SLACK = 64;

/** Scratch that a frame leaves free: so many times its largest tensor, and for small ones so many bytes. */
const SCRATCH_SHARE = 2;
const SCRATCH_BYTES = 1 << 20;

/** What is held for speed alone takes at most this part of the memory that is left. */
const HOLD_SHARE = 1 / 8;

/** Thrown inside of a frame where memory would have to grow; never leaves the backend. */
export class NoRoom extends Error {}

export interface Arena {
  readonly memory: Memory;
  /** The whole memory as float32; valid until it grows. */
  f32(): Float32Array;
  /** The whole memory as float64; valid until it grows. */
  f64(): Float64Array;
  /** The whole memory as 32-bit integers; valid until it grows. */
  i32(): Int32Array;
  /** Starts a call: the scratch of the call before is free again. `pinned`: an operand lies in this memory. */
  begin(pinned: boolean): void;
  /** Address of `bytes` of scratch, aligned to 64; their content is arbitrary. Throws MemoryError, or NoRoom in a frame. */
  take(bytes: number): number;
  /** Grows the memory so that `bytes` more fit. Throws ArgumentError, MemoryError. */
  reserve(bytes: number): void;
  /** A tensor of zeros that stays. Throws MemoryError. */
  allocate(shape: readonly number[], dtype: DType): Tensor;
  /**
   * A float32 vector that stays until it is given back, its elements arbitrary: memory that nobody touches before they do. Nothing
   * where it would take more than its share of the memory that is left to be had, which frames need too.
   *
   * @param frameBytes as for `adopt`
   */
  hold(count: number, frameBytes: number): { readonly tensor: Tensor; release(): void } | undefined;
  /** See `Workspace.adopt`. */
  adopt(tensors: readonly Tensor[], frameBytes: number): () => void;
  /** Opens a frame, after growing by what the frames before it lacked. */
  openFrame(): void;
  /** Whether a frame is open. */
  readonly framed: boolean;
  /** Closes it; its tensors keep their elements until the next one opens, or memory is short. */
  closeFrame(): void;
  /** A tensor of the open frame, of zeros if so wanted; nothing where there is no frame, or no room. */
  inFrame(shape: readonly number[], dtype: DType, zeroed: boolean): Tensor | undefined;
  readonly misses: number;
}

/** A tensor that stays: where its elements lie. */
interface Resident {
  readonly tensor: Tensor;
  readonly at: number;
  readonly bytes: number;
  /** Whether its elements go with it when it is released. */
  readonly kept: boolean;
  released: boolean;
}

/** Room for the scratch of calls on tensors of so many bytes. */
const scratchOf = (bytes: number): number => SCRATCH_SHARE * bytes + SCRATCH_BYTES;

const aligned = (bytes: number): number => Math.ceil(bytes / LINE) * LINE;

const bytesOf = (shape: readonly number[], dtype: DType): number => sizeOf(shape) * (dtype === 'float32' ? 4 : 8);

/** An arena over a memory nobody else uses, which grows to `maximumBytes` at most. */
export function createArena(memory: Memory, maximumBytes: number): Arena {
  const residents: Resident[] = [];
  let bottom = LINE;
  let frame = LINE;
  let top = LINE;
  let depth = 0;
  let pinned = false;
  let lacking = 0;
  let largest = 0;
  let misses = 0;
  let f32 = new Float32Array(memory.buffer);
  let i32 = new Int32Array(memory.buffer);
  let f64 = new Float64Array(memory.buffer);

  const lacks = (end: number): number => end + SLACK - f32.byteLength;
  const view = (at: number, bytes: number, dtype: DType): Real =>
    dtype === 'float32' ? new Float32Array(f32.buffer, at, bytes / 4) : new Float64Array(f32.buffer, at, bytes / 8);

  /** Whether memory up to `end` could be had. Every tensor that stays gets a view of the grown memory. */
  const grow = (end: number): boolean => {
    if (lacks(end) <= 0) return true;
    // At least by half: growth is rare then, and so are new views.
    const pages = Math.ceil(lacks(end) / PAGE);
    const generous = Math.max(pages, Math.ceil(f32.byteLength / PAGE / 2));
    if (!grown(memory, generous) && !grown(memory, pages)) return false;
    f32 = new Float32Array(memory.buffer);
    i32 = new Int32Array(memory.buffer);
    f64 = new Float64Array(memory.buffer);
    // Not those that were released: they have arrays of their own, and their place is freed once it is at the top.
    for (const { tensor, at, bytes, released } of residents) {
      if (!released) rebind(tensor, view(at, bytes, dtypeOf(tensor.data)));
    }
    return true;
  };
  const fit = (end: number): void => {
    if (lacks(end) <= 0) return;
    if (depth > 0) {
      lacking = Math.max(lacking, lacks(end));
      misses++;
      throw new NoRoom();
    }
    if (pinned) {
      throw new MemoryError(
        `the call needs ${lacks(end)} more bytes of WebAssembly memory, but growing it would detach its operands, ` +
          'which lie in that memory: reserve() enough before allocating them',
      );
    }
    if (grow(end)) return;
    throw new MemoryError(
      `WebAssembly memory of ${end + SLACK} bytes cannot be had, ${f32.byteLength} are there: use smaller batches or ` +
        'sequences, or the cpu backend',
    );
  };
  const settle = (tensor: Tensor, bytes: number, kept = true): Resident => {
    const resident = { tensor, at: bottom, bytes, kept, released: false };
    residents.push(resident);
    bottom += aligned(bytes);
    frame = bottom;
    top = bottom;
    return resident;
  };
  const betweenFrames = (act: string): void => {
    if (depth > 0) throw new ArgumentError(`${act}: not inside a frame, whose tensors it would move`);
    pinned = false;
  };
  const release = (mine: readonly Resident[]): void => {
    betweenFrames('release');
    for (const resident of mine) {
      if (resident.released) continue;
      const elements = resident.kept ? copyOf(resident.tensor.data) : new Float32Array(0);
      if (elements === undefined) continue;
      resident.released = true;
      rebind(resident.tensor, elements);
    }
    while (residents.length > 0 && residents[residents.length - 1].released) bottom = residents.pop()!.at;
    frame = bottom;
    top = bottom;
  };
  return {
    memory,
    f32: () => f32,
    f64: () => f64,
    i32: () => i32,
    begin(operandsInside) {
      // Behind the tensors of the last frame, so that they keep their elements, if that leaves room enough.
      if (depth === 0 && lacks(frame + scratchOf(largest)) > 0) frame = bottom;
      top = frame;
      pinned = operandsInside;
    },
    take(bytes) {
      const start = top;
      fit(start + aligned(bytes));
      top = start + aligned(bytes);
      return start;
    },
    reserve(bytes) {
      if (!Number.isInteger(bytes) || bytes < 0) {
        throw new ArgumentError(`reserve: bytes must be an integer of at least 0; got ${bytes}`);
      }
      betweenFrames('reserve');
      fit(bottom + bytes);
    },
    allocate(shape, dtype) {
      betweenFrames('allocate');
      const bytes = bytesOf(shape, dtype);
      fit(bottom + aligned(bytes));
      const tensor = viewOf(view(bottom, bytes, dtype).fill(0), shape);
      settle(tensor, bytes);
      return tensor;
    },
    hold(count, frameBytes) {
      betweenFrames('hold');
      const end = bottom + aligned(4 * count);
      if (end - bottom > HOLD_SHARE * (maximumBytes - bottom) || !grow(end + scratchOf(frameBytes))) return undefined;
      const tensor = viewOf(view(bottom, 4 * count, 'float32'), [count]);
      const mine = [settle(tensor, 4 * count, false)];
      return { tensor, release: () => release(mine) };
    },
    adopt(tensors, frameBytes) {
      betweenFrames('adopt');
      const outside = tensors.filter((x) => x.data.buffer !== f32.buffer);
      for (const x of outside) expectOwner(x);
      const sizes = outside.map((x) => x.data.byteLength);
      fit(bottom + sizes.reduce((sum, bytes) => sum + aligned(bytes), 0));
      const mine = outside.map((tensor, i) => {
        const data = view(bottom, sizes[i], dtypeOf(tensor.data));
        data.set(tensor.data);
        rebind(tensor, data);
        return settle(tensor, sizes[i]);
      });
      // The scratch with them; where that much cannot be had, frames make do with less.
      if (frameBytes > 0) grow(bottom + scratchOf(frameBytes));
      return () => release(mine);
    },
    openFrame() {
      if (depth++ > 0) return;
      if (lacking > 0) grow(f32.byteLength - SLACK + lacking);
      lacking = 0;
      largest = 0;
      pinned = false;
      frame = bottom;
      top = bottom;
    },
    closeFrame() {
      depth--;
    },
    inFrame(shape, dtype, zeroed) {
      if (depth === 0) return undefined;
      const bytes = bytesOf(shape, dtype);
      largest = Math.max(largest, bytes);
      const end = frame + aligned(bytes);
      const missing = lacks(end + scratchOf(largest));
      if (missing > 0) {
        // What is put elsewhere now needs its place next time, on top of everything that found none before it.
        lacking += lacking === 0 ? missing : aligned(bytes);
        misses++;
        return undefined;
      }
      const data = view(frame, bytes, dtype);
      const tensor = viewOf(zeroed ? data.fill(0) : data, shape);
      frame = end;
      top = end;
      return tensor;
    },
    get framed() {
      return depth > 0;
    },
    get misses() {
      return misses;
    },
  };
}

/**
 * An array of its own with the same elements; nothing where there is no memory for one: the tensor then stays where it is, and
 * right, and a training that comes to its end keeps its model, or the error it ended with.
 */
function copyOf(data: Real): Real | undefined {
  try {
    return data.slice();
  } catch (error) {
    if (error instanceof RangeError || (error as Error)?.name === 'RangeError') return undefined;
    throw error;
  }
}

/** The arena and its adopter are the only ones to replace the array of a tensor, and nobody else may hold it. */
function rebind(tensor: Tensor, data: Real): void {
  (tensor as { data: Real }).data = data;
}

function expectOwner(x: Tensor): void {
  if (!isContiguous(x) || x.offset !== 0 || x.data.length !== sizeOf(x.shape)) {
    throw new ArgumentError(
      `adopt: a tensor must be row-major and fill its array; got [${x.shape.join(', ')}] at offset ${x.offset} of ${x.data.length} elements`,
    );
  }
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
