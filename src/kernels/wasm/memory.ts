/** The memory of the module as a step of training sees it: tensors of frames, and parameters that move in and out. */
import { MemoryError } from '../../tensor/errors.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf } from '../../tensor/view.js';
import type { Kernels } from '../types.js';
import type { Arena } from './arena.js';

/** The memory of the module, as `Kernels` describes it; here what does not fit is an error. */
export interface Workspace {
  /**
   * Row-major zeros: in this memory inside a frame that has room for them, an array of their own otherwise.
   *
   * @param zeroed `false` where every element is written before any is read: they may be anything then
   */
  allocate(shape: readonly number[], dtype: DType, zeroed?: boolean): Tensor;
  /**
   * Runs one step. What it allocates keeps its elements until the next frame, unless room is short. A frame inside a frame is part of it. Where a step found too little room, the next one gets more.
   */
  frame<R>(step: () => R): R;
  /**
   * Moves tensors in, each with the elements it has.
   *
   * @param tensors row-major tensors, each the only one that holds its array; those that are in already stay as they are
   * @param frameBytes makes room for frames of so many bytes at once
   * @returns moves those it moved in out again, into arrays of their own; one for which there is no memory stays, as it is
   * @throws MemoryError where there is no room for them; nothing has moved then. ArgumentError where a tensor is a view
   */
  adopt(tensors: readonly Tensor[], frameBytes?: number): () => void;
  /** How often a frame had no room, for a tensor or for the scratch of a call, and went the slow way round. */
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

/** Frames may find too little room so often before a repeatable step is left as it is. */
const ATTEMPTS = 3;

/** The workspace as the contract of all backends has it: what does not fit goes the slower way. */
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
