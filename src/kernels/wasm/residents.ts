/** Tensors that stay in the memory of the module until they are released: allocated there, held for speed, or adopted. */
import { ArgumentError } from '../../tensor/errors.js';
import type { DType, Real, Tensor } from '../../tensor/types.js';
import { dtypeOf, isContiguous, sizeOf, viewOf } from '../../tensor/view.js';
import type { Arena } from './arena.js';
import type { ArenaState, Resident } from './growth.js';
import { aligned, bytesOf, fit, grow, rebind, scratchOf, viewAt } from './growth.js';

/** Tensors held only for speed take at most this part of the remaining memory. */
const HOLD_SHARE = 1 / 8;

/** See `Arena`. */
export function reserve(state: ArenaState, bytes: number): void {
  if (!Number.isInteger(bytes) || bytes < 0) {
    throw new ArgumentError(`reserve: bytes must be an integer of at least 0; got ${bytes}`);
  }
  betweenFrames(state, 'reserve');
  fit(state, state.bottom + bytes);
}

/** Records a resident tensor, at the bottom. */
function settle(state: ArenaState, tensor: Tensor, bytes: number, kept = true): Resident {
  const resident = { tensor, at: state.bottom, bytes, kept, released: false };
  state.residents.push(resident);
  moveBottom(state, state.bottom + aligned(bytes));
  return resident;
}

/** Moves the bottom and discards everything above it. */
function moveBottom(state: ArenaState, to: number): void {
  state.bottom = to;
  state.frame = to;
  state.top = to;
}

function betweenFrames(state: ArenaState, act: string): void {
  if (state.depth > 0)
    throw new ArgumentError(`${act}: cannot run inside a frame, because it would move the frame's tensors`);
  state.pinned = false;
}

function release(state: ArenaState, mine: readonly Resident[]): void {
  betweenFrames(state, 'release');
  for (const resident of mine) {
    if (resident.released) continue;
    const elements = resident.kept ? copyOf(resident.tensor.data) : new Float32Array(0);
    if (elements === undefined) continue;
    resident.released = true;
    rebind(resident.tensor, elements);
  }
  const { residents } = state;
  let bottom = state.bottom;
  while (residents.length > 0 && residents[residents.length - 1].released) bottom = residents.pop()!.at;
  moveBottom(state, bottom);
}

/** See `Arena`. */
export function allocate(state: ArenaState, shape: readonly number[], dtype: DType): Tensor {
  betweenFrames(state, 'allocate');
  const bytes = bytesOf(shape, dtype);
  fit(state, state.bottom + aligned(bytes));
  const tensor = viewOf(viewAt(state, state.bottom, bytes, dtype).fill(0), shape);
  settle(state, tensor, bytes);
  return tensor;
}

/** See `Arena`. */
export function hold(state: ArenaState, count: number, frameBytes: number): ReturnType<Arena['hold']> {
  betweenFrames(state, 'hold');
  const { bottom, maximumBytes } = state;
  const end = bottom + aligned(4 * count);
  if (end - bottom > HOLD_SHARE * (maximumBytes - bottom) || !grow(state, end + scratchOf(frameBytes)))
    return undefined;
  const tensor = viewOf(viewAt(state, bottom, 4 * count, 'float32'), [count]);
  const mine = [settle(state, tensor, 4 * count, false)];
  return { tensor, release: () => release(state, mine) };
}

/** See `Workspace`. */
export function adopt(state: ArenaState, tensors: readonly Tensor[], frameBytes: number): () => void {
  betweenFrames(state, 'adopt');
  const outside = tensors.filter((x) => x.data.buffer !== state.heap.f32.buffer);
  for (const x of outside) expectOwner(x);
  const sizes = outside.map((x) => x.data.byteLength);
  fit(state, state.bottom + sizes.reduce((sum, bytes) => sum + aligned(bytes), 0));
  const mine = outside.map((tensor, i) => {
    const data = viewAt(state, state.bottom, sizes[i], dtypeOf(tensor.data));
    data.set(tensor.data);
    rebind(tensor, data);
    return settle(state, tensor, sizes[i]);
  });
  // Together with their scratch; if that much is unavailable, frames make do with less.
  if (frameBytes > 0) grow(state, state.bottom + scratchOf(frameBytes));
  return () => release(state, mine);
}

/**
 * A separate array with the same elements; undefined if there is no memory for one. The tensor then stays where it is, still
 * valid, so a training run that ends keeps its model, or its error.
 */
function copyOf(data: Real): Real | undefined {
  try {
    return data.slice();
  } catch (error) {
    if (error instanceof RangeError || (error as Error)?.name === 'RangeError') return undefined;
    throw error;
  }
}

function expectOwner(x: Tensor): void {
  if (!isContiguous(x) || x.offset !== 0 || x.data.length !== sizeOf(x.shape)) {
    throw new ArgumentError(
      `adopt: a tensor must be row-major and fill its array; got [${x.shape.join(', ')}] at offset ${x.offset} of ${x.data.length} elements`,
    );
  }
}
