/** What a backend may offer, with what happens where it does not. */
import type { DType, Tensor } from '../tensor/types.js';
import { allocate } from '../tensor/view.js';
import type { Kernels } from './types.js';

/** Row-major zeros: in the memory of the backend inside a frame, an array of their own elsewhere. */
export function allocateOn(kernels: Kernels, shape: readonly number[], dtype: DType): Tensor {
  return kernels.workspace?.allocate(shape, dtype) ?? allocate(shape, dtype);
}

/** Runs one step as a frame of the backend, where it has frames. What the step allocates is gone when it returns. */
export function inFrame<R>(kernels: Kernels, step: () => R): R {
  return kernels.workspace ? kernels.workspace.frame(step) : step();
}
