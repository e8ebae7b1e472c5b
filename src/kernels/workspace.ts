/** What a backend may offer, with what happens where it does not. */
import { MemoryError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { allocate } from '../tensor/view.js';
import type { Kernels } from './types.js';

/** Row-major zeros: in the memory of the backend inside a frame, an array of their own elsewhere. */
export function allocateOn(kernels: Kernels, shape: readonly number[], dtype: DType): Tensor {
  return kernels.workspace?.allocate(shape, dtype) ?? allocate(shape, dtype);
}

/** The same for a tensor of which every element is written before any is read. */
export function allocateRawOn(kernels: Kernels, shape: readonly number[], dtype: DType): Tensor {
  return kernels.workspace?.allocate(shape, dtype, false) ?? allocate(shape, dtype);
}

/** Runs one step as a frame of the backend, where it has frames. What the step allocates is gone when it returns. */
export function inFrame<R>(kernels: Kernels, step: () => R): R {
  return kernels.workspace ? kernels.workspace.frame(step) : step();
}

/**
 * Moves tensors into the memory of the backend, where it has one and room for them; elsewhere they stay where they are, and
 * every result is the same, later. See `Workspace.adopt`.
 *
 * @returns moves them out again
 */
export function adopted(kernels: Kernels, tensors: readonly Tensor[], frameBytes?: number): () => void {
  try {
    return kernels.workspace?.adopt(tensors, frameBytes) ?? (() => {});
  } catch (error) {
    if (error instanceof MemoryError) return () => {};
    throw error;
  }
}
