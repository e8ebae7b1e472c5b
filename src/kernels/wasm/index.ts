/**
 * The backend in WebAssembly with 128-bit SIMD: multiplication and addition only, never fused, so results have the same bits on
 * every machine. Sums run over k in order in the element type, starting from the element of `out`: a row of a product has the
 * same bits in any batch. Operands outside its memory are copied in, and `out` back; those inside are used in place.
 *
 * With relaxed SIMD, if requested, each term of a product is added in one instruction that a machine may round once or twice:
 * this is faster, but the last bits may differ between machines.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError, UnsupportedError } from '../../tensor/errors.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { completeRows } from '../complete.js';
import type { Kernels, OwnRows } from '../types.js';
import type { Arena } from './arena.js';
import { createArena } from './arena.js';
import { crfKernel } from './crf.js';
import type { Workspace } from './memory.js';
import { memoryOf, workspaceOf } from './memory.js';
import type { Exports, Memory } from './module.js';
import { obstacle, PAGE, relaxedObstacle, start } from './module.js';
import { dtypes, multiply } from './product.js';
import { rowKernels, withinMemory } from './rows.js';
import { fusedScans } from './scan.js';
import { softmaxKernel } from './softmax.js';

/** The memory that the backend may use, and the instructions. */
export interface WasmOptions {
  /** Bytes, rounded up to pages of 64 KiB; by default 4 GiB, the limit of 32-bit addresses. It starts with one page. */
  readonly maximumBytes?: number;
  /**
   * Uses the fused multiply-add of relaxed SIMD in products; false by default. Results may then differ between machines in their
   * last bits; on one machine they are the same every time. The backend calls itself `wasm-relaxed-simd`.
   */
  readonly relaxedSimd?: boolean;
}

const KEYS = keysOf<WasmOptions>({ maximumBytes: true, relaxedSimd: true });

/** The kernels, and their memory. */
export interface WasmKernels extends Kernels {
  /** The memory itself, on which `zeros`, `frame` and `adopt` are built. */
  readonly workspace: Workspace;
  /** The row operations of the module only, which decline tensors outside its memory; `rows` completes them. */
  readonly ownRows: OwnRows;
  /** The `WebAssembly.Memory` in which the backend computes. */
  readonly memory: Memory;
  /**
   * Makes room for `bytes` more, for tensors and for the scratch of calls. A call never grows the memory that holds its operands:
   * reserve first.
   * @throws ArgumentError unless `bytes` is an integer of at least 0; MemoryError if they are unavailable
   */
  reserve(bytes: number): void;
  /**
   * A row-major tensor of zeros in the memory, which products use without a copy. It stays until the backend is disposed of; when
   * the memory grows, its `data` is replaced.
   * @throws MemoryError if the memory is unavailable
   */
  allocate(shape: readonly number[], dtype: DType): Tensor;
}

const PAGES = 65536;

/** Why the backend cannot run here, or undefined if it can. */
export const wasmObstacle = obstacle;

/** The same for the backend with `relaxedSimd`. */
export const wasmRelaxedObstacle = relaxedObstacle;

/**
 * Starts the backend.
 *
 * @throws ArgumentError when `maximumBytes` is out of range
 * @throws UnsupportedError if the engine lacks WebAssembly SIMD, or relaxed SIMD if it is requested, or the page forbids
 * compiling WebAssembly (a Content-Security-Policy without `wasm-unsafe-eval`)
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
  const within = withinMemory(openArena);
  const ownRows = rowKernels(wasm, within);
  return {
    backend,
    dtypes,
    memory: arena.memory,
    fused: fusedScans(wasm, openArena),
    crf: crfKernel(wasm, openArena),
    softmax: softmaxKernel(wasm, within),
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
