/**
 * A stack of recurrent layers that is run forward only. Where the backend takes a layer over, its weights are copied
 * into the order the backend reads them once, and nothing is kept for a backward pass; elsewhere `runForward` does. The outputs are those
 * of `stackForward` without dropout, to the bit.
 */
import type { Packing } from '../autograd/packing.js';
import { reversal } from '../autograd/packing.js';
import type { Direction } from '../autograd/layout.js';
import { fusedScan } from '../autograd/layout.js';
import { checkForwardOnly } from '../autograd/unroll-checks.js';
import { runForward } from '../autograd/unroll.js';
import type { CellParams, ForwardCell } from '../cells/cell.js';
import { expectForwardCell } from '../cells/check.js';
import type { InferenceLayer, Kernels } from '../kernels/types.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { columns } from '../tensor/view.js';
import { embeddingForward, expectIds } from './embedding.js';
import type { LayerParams, LayerSpec } from './stack.js';
import { checkLayers, outputSize } from './stack.js';
import { expectEntry } from '../autograd/entry-checks.js';

/** A stack for inference. Parameters that change later may or may not show: make a new one then. */
export interface StackInference {
  /**
   * `[N, H]` or `[N, 2H]`, the output of the last layer.
   *
   * @param x `[N, D]`, or `[N]` ids: rows of the table the stack was prepared with
   * @throws ShapeError when `x` does not fit; ArgumentError when an id is not a row of the table, or there is none;
   * UnsupportedError where the backend lacks its element type
   */
  run(x: Tensor | Int32Array, packing: Packing): Tensor;
  /** Forgets what is kept of the rows of the table from one on: they are about to change. Others must not change. */
  forget(from: number): void;
  /** Frees what the backend holds for it; not inside a frame. */
  release(): void;
}

/** One direction of a layer. */
interface Way {
  readonly cell: ForwardCell;
  readonly params: CellParams;
  readonly direction: Direction;
  readonly taken?: InferenceLayer;
}

/** What goes into a layer: rows, or a table and which rows of it. */
interface Input {
  readonly x: Tensor;
  readonly ids?: Int32Array;
  /** The rows themselves, looked up once where that is needed. */
  rows(): Tensor;
}

/**
 * Prepares a stack, outside of any frame.
 *
 * @param params one entry per layer
 * @param table `[V, D]` of which inputs are rows, such as word embeddings; the projections of rows that occurred may then be kept
 * @throws ArgumentError when layers and parameters do not pair up; ShapeError when a tensor does not fit its layer
 */
export function stackInference(
  kernels: Kernels,
  layers: readonly LayerSpec<ForwardCell>[],
  params: readonly LayerParams[],
  table?: Tensor,
): StackInference {
  expectEntry('stackInference', { kernels });
  if (table !== undefined) expectEntry('stackInference', { table });
  checkLayers('stackInference', layers, params, expectForwardCell);
  const stack = layers.map((layer, l) => ({
    width: outputSize(layer),
    residual: layer.residual === true,
    ways: waysOf(kernels, layer, params[l], l === 0 ? table : undefined),
  }));
  return {
    run(x, packing) {
      let input = inputOf(kernels, x, table);
      for (const { width, residual, ways } of stack) {
        const y = kernels.empty([packing.total, width], input.x);
        ways.forEach((way, d) =>
          runWay(kernels, way, input, packing, columns(y, d * (width / ways.length), width / ways.length)),
        );
        if (residual) kernels.rows.addMatrix(y, input.rows());
        input = { x: y, rows: () => y };
      }
      return input.x;
    },
    forget(from) {
      for (const { taken } of stack[0].ways) taken?.forget?.(from);
    },
    release() {
      // Last in, first out, as the backend's memory wants it.
      for (const { taken } of stack.flatMap(({ ways }) => ways).reverse()) taken?.release();
    },
  };
}

/** @throws ArgumentError where ids are not rows of a table */
function inputOf(kernels: Kernels, x: Tensor | Int32Array, table?: Tensor): Input {
  if (!ArrayBuffer.isView(x)) return { x, rows: () => x };
  if (table === undefined) {
    throw new ArgumentError('stackInference: ids were given, but no table of which they are rows: prepare it with one');
  }
  expectIds('stackInference', x, table.shape[0]);
  let rows: Tensor | undefined;
  return { x: table, ids: x, rows: () => (rows ??= embeddingForward(kernels, { weight: table }, x)) };
}

function waysOf(kernels: Kernels, { cell }: LayerSpec<ForwardCell>, params: LayerParams, table?: Tensor): Way[] {
  const way = (direction: Direction, own: CellParams): Way => {
    return { cell, params: own, direction, taken: fusedScan(kernels, cell)?.infer?.(own, table) };
  };
  return 'reverse' in params
    ? [way('forward', params.forward), way('reverse', params.reverse)]
    : [way('forward', params.forward)];
}

/** Fills `y`, the columns of this direction. */
function runWay(
  kernels: Kernels,
  { cell, params, direction, taken }: Way,
  { x, ids, rows }: Input,
  packing: Packing,
  y: Tensor,
): void {
  const shaped = ids ? { ...x, shape: [ids.length, x.shape[1]] } : x;
  checkForwardOnly(kernels, cell, params, shaped, packing, {});
  const map = direction === 'reverse' ? reversal(packing) : undefined;
  const { batchSizes } = packing;
  if (ids && taken?.run({ batchSizes, map, x, ids, y })) return;
  if (taken?.run({ batchSizes, map, x: rows(), y })) return;
  kernels.rows.copyMatrix(y, runForward(kernels, cell, params, rows(), packing, { direction, keep: 'nothing' }).y);
}
