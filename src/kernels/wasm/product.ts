/** The three products: copies operands into memory, packs `b` into panels, runs the tiles, and copies `out` back. */
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf, transpose } from '../../tensor/view.js';
import { checkProduct } from '../check.js';
import type { Product } from '../check.js';
import { createCpuKernels } from '../cpu/index.js';
import type { Arena } from './arena.js';
import { NoRoom } from './growth.js';
import type { Exports } from './module.js';
import { inside, placeInput, placeOutput, writeBack } from './operand.js';

/** Bytes of one row of a panel: two vectors. */
export const PANEL = 32;

/** Scratch of a product: 64 rows of a panel for the right edge, and a packed block of the left factor, 64 rows of 2 KiB. */
export const SCRATCH = 64 * PANEL + 64 * 2048;

/** Up to this many rows, packing `b` costs more than it saves. */
const FEW_ROWS = 4;

/** Bytes of a row of the left factor in one block of k, as in assembly/multiply.ts. */
const BLOCK_BYTES = 2048;

export const dtypes = ['float32', 'float64'] as const;

/** Computes products that find no room in a frame: in place, in whichever memory the operands are. */
const spare = createCpuKernels();

/** Checks and runs one product; `backend` names the backend in error messages. */
export function multiply(
  backend: string,
  wasm: Exports,
  arena: Arena,
  product: Product,
  out: Tensor,
  a: Tensor,
  b: Tensor,
): void {
  checkProduct(product, out, a, b, backend, dtypes);
  try {
    runProduct(wasm, arena, product, out, a, b);
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    spare[product](out, a, b);
  }
}

function runProduct(wasm: Exports, arena: Arena, product: Product, out: Tensor, a: Tensor, b: Tensor): void {
  const left = product === 'addMatmulTA' ? transpose(a) : a;
  const right = product === 'addMatmulTB' ? transpose(b) : b;
  const [M, K] = left.shape;
  const N = right.shape[1];
  if (M === 0 || N === 0 || K === 0) return;
  arena.begin(inside(arena, out) || inside(arena, a) || inside(arena, b));
  const single = dtypeOf(out.data) === 'float32';
  const [run, packRows, packColumns] = single
    ? [wasm.multiply32, wasm.packRows32, wasm.packColumns32]
    : [wasm.multiply64, wasm.packRows64, wasm.packColumns64];
  const scratch = arena.take(SCRATCH);
  const c = placeOutput(arena, out);
  const x = placeInput(arena, left);
  const w = placeInput(arena, right);
  const size = single ? 4 : 8;
  const [lda, ka] = x.transposed ? [size, x.ld] : [x.ld, size];
  if (!w.transposed && M <= FEW_ROWS) {
    run(M, N, K, c.at, c.ld, x.at, lda, ka, w.at, w.ld, PANEL, scratch);
  } else if (M === 1 && single && !x.transposed) {
    wasm.dot32(N, K, c.at, x.at, w.at, w.ld);
  } else {
    // The right factor is packed into panels one block of k at a time, so that they are still in the cache when the tiles read
    // them.
    const depth = Math.min(K, BLOCK_BYTES / size);
    const panels = arena.take(panelBytes(depth, N, single));
    const [pack, kw] = w.transposed ? [packColumns, size] : [packRows, w.ld];
    for (let k = 0; k < K; k += depth) {
      const count = Math.min(depth, K - k);
      pack(count, N, w.at + k * kw, w.ld, panels);
      run(M, N, count, c.at, c.ld, x.at + k * ka, lda, ka, panels, PANEL, count * PANEL, scratch);
    }
  }
  writeBack(arena, out, c);
}

/** Bytes of a `[K, N]` matrix in panels. */
export function panelBytes(K: number, N: number, single: boolean): number {
  return Math.ceil(N / (single ? 8 : 4)) * K * PANEL;
}
