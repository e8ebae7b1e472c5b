/** The memory of the module as seen by a training step: tensors of frames, and parameters that move in and out. */
import { MemoryError } from '../../tensor/errors.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf } from '../../tensor/view.js';
import type { Kernels } from '../types.js';
import type { Arena } from './arena.js';

/** The memory of the module, as described in `Kernels`; here, running out of room is an error. */
export interface Workspace {
  /**
   * Row-major zeros: in this memory inside a frame that has room for them, otherwise in a separate array.
   *
   * @param zeroed `false` if every element is written before any is read: the tensor is then uninitialized
   */
  allocate(shape: readonly number[], dtype: DType, zeroed?: boolean): Tensor;
  /**
   * Runs one step. What it allocates keeps its elements until the next frame, unless memory is short. A nested frame is part of
   * the outer one. If a step finds too little room, the next one gets more.
   */
  frame<R>(step: () => R): R;
  /**
   * Moves tensors in, with their elements.
   *
   * @param tensors row-major tensors, each the only one that holds its array; those already in it are unchanged
   * @param frameBytes also reserves room for frames of this many bytes
   * @returns a function that moves the tensors moved in by this call out again, into separate arrays; one for which there is no
   * memory stays
   * @throws MemoryError if there is no room for them; nothing has moved then. ArgumentError if a tensor is a view
   */
  adopt(tensors: readonly Tensor[], frameBytes?: number): () => void;
  /** How often a frame had no room for a tensor or for the scratch of a call, and took the slow path. */
  readonly misses: number;
}

/** The workspace of an arena; `openArena` throws once the backend is disposed of. */
export function workspaceOf(openArena: () => Arena): Workspace {
  return {
    allocate: (shape, dtype, zeroed = true) => openArena().inFrame(shape, dtype, zeroed) ?? allocate(shape, dtype),
    frame(step) {
      const arena = openArena();
      arena.openFrame();
      try {
        return step();
      } finally {
        arena.closeFrame();
      }
    },
    adopt: (tensors, frameBytes = 0) => openArena().adopt(tensors, frameBytes),
    get misses() {
      return openArena().misses;
    },
  };
}

/** Attempts at a repeatable step that lacks room; the result of the last one is accepted. */
const ATTEMPTS = 3;

/** The workspace with the interface of all backends: what does not fit takes the slower path. */
export function memoryOf(workspace: Workspace): Pick<Kernels, 'zeros' | 'empty' | 'frame' | 'adopt'> {
  return {
    zeros: (shape, like) => workspace.allocate(shape, typeof like === 'string' ? like : dtypeOf(like.data)),
    empty: (shape, like) => workspace.allocate(shape, typeof like === 'string' ? like : dtypeOf(like.data), false),
    frame(step, repeatable = false) {
      for (let attempt = 1; ; attempt++) {
        const before = workspace.misses;
        const result = workspace.frame(step);
        if (!repeatable || workspace.misses === before || attempt === ATTEMPTS) return result;
      }
    },
    adopt(tensors, frameBytes) {
      try {
        return workspace.adopt(tensors, frameBytes);
      } catch (error) {
        if (error instanceof MemoryError) return () => undefined;
        throw error;
      }
    },
  };
}
