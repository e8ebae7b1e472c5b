/**
 * The one memory of a backend. From the bottom up: tensors that were allocated in it, then the scratch of the call that
 * runs. It only ever grows, and only between two uses of a view: growing detaches every view of the memory.
 */
import { ArgumentError, MemoryError } from '../../tensor/errors.js';
import type { DType, Real, Tensor } from '../../tensor/types.js';
import { sizeOf, viewOf } from '../../tensor/view.js';
import type { Memory } from './module.js';
import { PAGE } from './module.js';

/** Start of every block: a cache line. */
const LINE = 64;

/** Bytes at the end of memory that are never given out: kernels may read that far past the end of a matrix. */
const SLACK = 64;

export interface Arena {
  readonly memory: Memory;
  /** The whole memory as float32; valid until the next `take`. */
  f32(): Float32Array;
  /** The whole memory as float64; valid until the next `take`. */
  f64(): Float64Array;
  /** The whole memory as 32-bit integers; valid until the next `take`. */
  i32(): Int32Array;
  /** Starts a call: the scratch of the call before is free again. `pinned`: an operand lies in this memory. */
  begin(pinned: boolean): void;
  /** Address of `bytes` of scratch, aligned to 64; their content is arbitrary. Throws MemoryError. */
  take(bytes: number): number;
  /** Grows the memory so that `bytes` more fit. Throws ArgumentError, MemoryError. */
  reserve(bytes: number): void;
  /** A tensor of zeros in the memory. Throws MemoryError. */
  allocate(shape: readonly number[], dtype: DType): Tensor;
}

const aligned = (bytes: number): number => Math.ceil(bytes / LINE) * LINE;

/** An arena over a memory nobody else uses. */
export function createArena(memory: Memory): Arena {
  let bottom = LINE;
  let top = LINE;
  let pinned = false;
  let f32 = new Float32Array(memory.buffer);
  let i32 = new Int32Array(memory.buffer);
  let f64 = new Float64Array(memory.buffer);

  const fit = (end: number): void => {
    const size = memory.buffer.byteLength;
    if (end + SLACK <= size) return;
    if (pinned) {
      throw new MemoryError(
        `the call needs ${end + SLACK - size} more bytes of WebAssembly memory, but growing it would detach its operands, ` +
          'which lie in that memory: reserve() enough before allocating them',
      );
    }
    // At least by half: growth is rare then, and so are new views.
    const pages = Math.ceil((end + SLACK - size) / PAGE);
    const generous = Math.max(pages, Math.ceil(size / PAGE / 2));
    if (!grown(memory, generous) && !grown(memory, pages)) {
      throw new MemoryError(
        `WebAssembly memory of ${end + SLACK} bytes cannot be had, ${size} are there: use smaller batches or sequences, ` +
          'or the cpu backend',
      );
    }
    f32 = new Float32Array(memory.buffer);
    i32 = new Int32Array(memory.buffer);
    f64 = new Float64Array(memory.buffer);
  };
  return {
    memory,
    f32: () => f32,
    f64: () => f64,
    i32: () => i32,
    begin(operandsInside) {
      top = bottom;
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
      pinned = false;
      fit(bottom + bytes);
    },
    allocate(shape, dtype) {
      pinned = false;
      const bytes = sizeOf(shape) * (dtype === 'float32' ? 4 : 8);
      fit(bottom + aligned(bytes));
      const data: Real =
        dtype === 'float32'
          ? new Float32Array(memory.buffer, bottom, bytes / 4)
          : new Float64Array(memory.buffer, bottom, bytes / 8);
      bottom += aligned(bytes);
      top = bottom;
      return viewOf(data.fill(0), shape);
    },
  };
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
