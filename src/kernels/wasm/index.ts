/**
 * The backend in WebAssembly with 128-bit SIMD: multiplication and addition only, never fused, so the same bits on every
 * machine. Sums run over k in order in the element type, starting from the element of `out`: a row of a product has the same
 * bits in any batch. Operands outside of its memory are copied in, `out` back; those inside are used where they lie.
 *
 * With relaxed SIMD, where it is asked for, each term of a product is added in one instruction that a machine may round
 * once or twice: faster, but the last bits may differ between machines.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError, MemoryError, UnsupportedError } from '../../tensor/errors.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate } from '../../tensor/view.js';
import { completeRows } from '../complete.js';
import type { Kernels, OwnRows } from '../types.js';
import type { Arena } from './arena.js';
import { createArena } from './arena.js';
import type { Exports, Memory } from './module.js';
import { obstacle, PAGE, relaxedObstacle, start } from './module.js';
import { dtypes, multiply } from './product.js';
import { rowKernels } from './rows.js';
import { fusedScans } from './scan.js';

/** How much memory the backend may take, and which instructions. */
export interface WasmOptions {
  /** Bytes, rounded up to pages of 64 KiB; by default all that 32-bit addresses reach, 4 GiB. It starts with one page. */
  readonly maximumBytes?: number;
  /**
   * Products by the fused multiply-add of relaxed SIMD; false by default. Results may then differ between machines in their
   * last bits; on one machine they are the same every time. The backend calls itself `wasm-relaxed-simd`.
   */
  readonly relaxedSimd?: boolean;
}

const KEYS = keysOf<WasmOptions>({ maximumBytes: true, relaxedSimd: true });

/** The kernels, and their memory. */
export interface WasmKernels extends Kernels {
  /** The memory as it is, whatever `zeros`, `frame` and `adopt` make of it. */
  readonly workspace: Workspace;
  /** The row work of the module alone, which declines what does not lie in its memory; `rows` completes it. */
  readonly ownRows: OwnRows;
  /** `WebAssembly.Memory` the backend computes in. */
  readonly memory: Memory;
  /**
   * Makes room for `bytes` more, of tensors and of the scratch of calls. A call never grows the memory its operands lie in:
   * reserve first.
   * @throws ArgumentError unless `bytes` is an integer of at least 0; MemoryError where they cannot be had
   */
  reserve(bytes: number): void;
  /**
   * A row-major tensor of zeros in the memory, which products use without a copy. It stays until the backend is disposed of;
   * when the memory grows its `data` is replaced.
   * @throws MemoryError where the memory cannot be had
   */
  allocate(shape: readonly number[], dtype: DType): Tensor;
}

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

const PAGES = 65536;

/** Why the backend cannot run here, or nothing where it can. */
export const wasmObstacle = obstacle;

/** The same for the backend with `relaxedSimd`. */
export const wasmRelaxedObstacle = relaxedObstacle;

/**
 * Starts the backend.
 *
 * @throws ArgumentError when `maximumBytes` is out of range
 * @throws UnsupportedError where the engine lacks WebAssembly SIMD, or relaxed SIMD where that is asked for, or the page
 * forbids compiling WebAssembly (a Content-Security-Policy without `wasm-unsafe-eval`)
 */
export async function createWasmKernels(options: WasmOptions = {}): Promise<WasmKernels> {
  expectKnownKeys('createWasmKernels', 'options', options, KEYS);
  const { maximumBytes = PAGES * PAGE, relaxedSimd = false } = options;
  if (!(maximumBytes > 0 && maximumBytes <= PAGES * PAGE)) {
    throw new ArgumentError(`maximumBytes must be above 0 and at most ${PAGES * PAGE}; got ${maximumBytes}`);
  }
  const reason = relaxedSimd ? await relaxedObstacle() : obstacle();
  if (reason !== undefined) {
    throw new UnsupportedError(`wasm: ${reason}. Choose the ${relaxedSimd ? 'wasm or the ' : ''}cpu backend.`);
  }
  try {
    const pages = Math.ceil(maximumBytes / PAGE);
    const { wasm, memory } = await start(pages, relaxedSimd);
    return kernelsOf(relaxedSimd ? 'wasm-relaxed-simd' : 'wasm-simd', wasm, createArena(memory, pages * PAGE));
  } catch (error) {
    const message = `wasm: WebAssembly cannot be started here: ${String(error)}. Choose the cpu backend.`;
    throw new UnsupportedError(message, { cause: error });
  }
}

function kernelsOf(backend: string, wasm: Exports, arena: Arena): WasmKernels {
  let open: Arena | undefined = arena;
  const openArena = (): Arena => {
    if (open === undefined) throw new ArgumentError('wasm: these kernels were disposed of; create new ones');
    return open;
  };
  const workspace = workspaceOf(openArena);
  const ownRows = rowKernels(wasm, openArena);
  return {
    backend,
    dtypes,
    memory: arena.memory,
    fused: fusedScans(wasm, openArena),
    addMatmul: (out, a, b) => multiply(backend, wasm, openArena(), 'addMatmul', out, a, b),
    addMatmulTA: (out, a, b) => multiply(backend, wasm, openArena(), 'addMatmulTA', out, a, b),
    addMatmulTB: (out, a, b) => multiply(backend, wasm, openArena(), 'addMatmulTB', out, a, b),
    ...memoryOf(workspace),
    workspace,
    ownRows,
    rows: completeRows(ownRows),
    reserve: (bytes) => openArena().reserve(bytes),
    allocate: (shape, dtype) => openArena().allocate(shape, dtype),
    dispose() {
      open = undefined;
    },
  };
}

function workspaceOf(openArena: () => Arena): Workspace {
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

function memoryOf(workspace: Workspace): Pick<Kernels, 'zeros' | 'empty' | 'frame' | 'adopt'> {
  return {
    zeros: (shape, dtype) => workspace.allocate(shape, dtype),
    empty: (shape, dtype) => workspace.allocate(shape, dtype, false),
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
