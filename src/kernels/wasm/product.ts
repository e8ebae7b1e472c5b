/** The three products: operands into memory, `b` into panels, tiles, and `out` back. */
import type { Tensor } from '../../tensor/types.js';
import { transpose } from '../../tensor/view.js';
import { checkProduct } from '../check.js';
import type { Product } from '../check.js';
import { createCpuKernels } from '../cpu/index.js';
import type { Arena } from './arena.js';
import { NoRoom } from './arena.js';
import type { Exports } from './module.js';
import { inside, placeInput, placeOutput, writeBack } from './operand.js';
import type { Placed } from './operand.js';

/** Bytes of one row of a panel: two vectors. */
export const PANEL = 32;

/** Scratch of a product: 64 rows of a panel for the right edge, and a packed block of the left factor, 64 rows of 2 KiB. */
export const SCRATCH = 64 * PANEL + 64 * 2048;

/** Up to this many rows, packing `b` costs more than it saves. */
const FEW_ROWS = 4;

export const dtypes = ['float32', 'float64'] as const;

/** Products of calls that find no room in a frame: in place, whatever memory the operands lie in. */
const spare = createCpuKernels();

/** Runs one product, checked; `backend` names the backend in what the checks say. */
export function multiply(
  backend: string,
  exports: Exports,
  arena: Arena,
  product: Product,
  out: Tensor,
  a: Tensor,
  b: Tensor,
): void {
  checkProduct(product, out, a, b, backend, dtypes);
  try {
    runProduct(exports, arena, product, out, a, b);
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    spare[product](out, a, b);
  }
}

function runProduct(exports: Exports, arena: Arena, product: Product, out: Tensor, a: Tensor, b: Tensor): void {
  const left = product === 'addMatmulTA' ? transpose(a) : a;
  const right = product === 'addMatmulTB' ? transpose(b) : b;
  const [M, K] = left.shape;
  const N = right.shape[1];
  if (M === 0 || N === 0 || K === 0) return;
  arena.begin(inside(arena, out) || inside(arena, a) || inside(arena, b));
  const single = out.data instanceof Float32Array;
  const run = single ? exports.multiply32 : exports.multiply64;
  const scratch = arena.take(SCRATCH);
  const c = placeOutput(arena, out);
  const rows = placeInput(arena, left);
  const panels = toPanels(exports, arena, placeInput(arena, right), M, K, N, single);
  const size = single ? 4 : 8;
  const [lda, ka] = rows.transposed ? [size, rows.ld] : [rows.ld, size];
  run(M, N, K, c.at, c.ld, rows.at, lda, ka, panels.at, panels.ld, panels.step, scratch);
  writeBack(arena, out, c);
}

/** Where the tiles find the right factor: in panels, or as it lies where that is cheaper. */
function toPanels(
  exports: Exports,
  arena: Arena,
  x: Placed,
  M: number,
  K: number,
  N: number,
  single: boolean,
): { at: number; ld: number; step: number } {
  if (!x.transposed && M <= FEW_ROWS) return { at: x.at, ld: x.ld, step: PANEL };
  const at = arena.take(panelBytes(K, N, single));
  const packRows = single ? exports.packRows32 : exports.packRows64;
  const packColumns = single ? exports.packColumns32 : exports.packColumns64;
  (x.transposed ? packColumns : packRows)(K, N, x.at, x.ld, at);
  return { at, ld: PANEL, step: K * PANEL };
}

/** Bytes of a `[K, N]` matrix in panels. */
export function panelBytes(K: number, N: number, single: boolean): number {
  return Math.ceil(N / (single ? 8 : 4)) * K * PANEL;
}
