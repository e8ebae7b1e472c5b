/**
 * A forward-only stack of recurrent layers. If the backend takes over a layer, its weights are copied once into the backend's
 * layout, and nothing is kept for a backward pass; otherwise `runForward` runs it. The outputs are bit for bit those of
 * `stackForward` without dropout.
 */
import type { Packing } from '../autograd/packing.js';
import { reversal, rowOf } from '../autograd/packing.js';
import type { Direction } from '../autograd/layout.js';
import { fusedScan, gatherRows, record } from '../autograd/layout.js';
import { checkForwardOnly } from '../autograd/unroll-checks.js';
import { runForward } from '../autograd/unroll.js';
import type { CellParams, ForwardCell, State } from '../cells/cell.js';
import { expectForwardCell } from '../cells/check.js';
import type { InferenceLayer, Kernels, TakenStates } from '../kernels/types.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { expectList } from '../tensor/arguments.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { allocate, columns, dtypeOf, flatCopy } from '../tensor/view.js';
import { embeddingForward, expectIds } from './embedding.js';
import type { LayerParams, LayerSpec } from './stack.js';
import { checkLayers, outputSize } from './stack.js';
import { expectEntry, expectPacking } from '../autograd/entry-checks.js';

/**
 * The states of the forward directions of a stack: per layer, its states by name, each `[B, H]` in packed order, in separate
 * arrays. The reverse direction of a bidirectional layer begins at the end of its input, so none of its state is carried over.
 */
export type StackStates = readonly State[];

/** The output of a stack for a chunk of sequences, and its states afterwards. */
export interface StackStretch {
  /** `[N, H]` or `[N, 2H]`, the output of the last layer. */
  readonly y: Tensor;
  readonly states: StackStates;
}

/** A stack for inference. Later changes of the parameters may or may not take effect: make a new stack then. */
export interface StackInference {
  /**
   * `[N, H]` or `[N, 2H]`, the output of the last layer.
   *
   * @param x `[N, D]`, or `[N]` ids: rows of the table the stack was prepared with
   * @throws ShapeError when `x` does not fit; ArgumentError when an id is not a row of the table, or there is no table;
   * UnsupportedError if the backend lacks its element type
   */
  run(x: Tensor | Int32Array, packing: Packing): Tensor;
  /**
   * `run` for a chunk of every sequence, with the states from which the next chunk continues. If no layer is bidirectional,
   * chunked sequences have bit for bit the outputs of whole ones. The reverse direction of a bidirectional layer sees only the
   * chunk: append the steps that follow it, and pass their number as `ahead`.
   *
   * @param states what the call for the chunk before returned; omit it at the beginning of the sequences
   * @param ahead the states returned are those `ahead` steps before the end of each chunk, where the next one begins; default 0
   * @throws as `run`; ArgumentError if `states` does not have one entry per layer; ShapeError when one does not fit
   */
  advance(x: Tensor | Int32Array, packing: Packing, states?: StackStates, ahead?: number): StackStretch;
  /** Discards what is cached for the rows of the table from `from` on, which are about to change. The others must not change. */
  forget(from: number): void;
  /** Frees the backend's memory for it; must not be called inside a frame. */
  release(): void;
}

/** One direction of a layer. */
interface Way {
  readonly cell: ForwardCell;
  readonly params: CellParams;
  readonly direction: Direction;
  readonly taken?: InferenceLayer;
}

/** The input of a layer: rows, or a table and the indices of rows in it. */
interface Input {
  readonly x: Tensor;
  readonly ids?: Int32Array;
  /** The rows themselves, looked up once if needed. */
  rows(): Tensor;
}

/**
 * Prepares a stack; must not be called inside a frame.
 *
 * @param params one entry per layer
 * @param table `[V, D]` of which inputs are rows, such as word embeddings; the projections of rows that occurred may then be
 * cached
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
  const through = throughOf(kernels, stack, table);
  return {
    run: (x, packing) => through(x, packing),
    advance(x, packing, states, ahead = 0) {
      expectPacking('stackInference', packing);
      expectNonNegativeInteger('stackInference', 'ahead', ahead);
      if (states) expectStates(states, layers.length);
      const steps = packing.lengths.map((length) => Math.max(-1, length - 1 - ahead));
      const left: State[] = [];
      const y = through(x, packing, (l, { cell }, like) => {
        const shape = [packing.batch, layers[l].hidden];
        left[l] = record(cell.states, () => allocate(shape, dtypeOf(like.data))) as State;
        return { initial: states?.[l], taken: { steps, states: left[l] } };
      });
      return { y, states: left };
    },
    forget(from) {
      for (const { taken } of stack[0].ways) taken?.forget?.(from);
    },
    release() {
      // Last in, first out, as the backend's memory requires.
      for (const { taken } of stack.flatMap(({ ways }) => ways).reverse()) taken?.release();
    },
  };
}

/** The initial states of a layer's forward direction, and the states taken from it. */
type Carried = { readonly initial?: State; readonly taken?: TakenStates };
type Carry = (l: number, way: Way, x: Tensor) => Carried;

function expectStates(states: StackStates, count: number): void {
  expectList('stackInference', 'states', states, 'states, one entry per layer');
  if (states.length === count) return;
  throw new ArgumentError(`stackInference: states must have one entry per layer, ${count}; got ${states.length}`);
}

/** A layer that is prepared. */
interface Prepared {
  readonly width: number;
  readonly residual: boolean;
  readonly ways: readonly Way[];
}

/** Runs all layers. */
function throughOf(
  kernels: Kernels,
  stack: readonly Prepared[],
  table?: Tensor,
): (x: Tensor | Int32Array, packing: Packing, carry?: Carry) => Tensor {
  return (x, packing, carry) => {
    let input = inputOf(kernels, x, table);
    stack.forEach(({ width, residual, ways }, l) => {
      const y = kernels.empty([packing.total, width], input.x);
      ways.forEach((way, d) => {
        const own = d === 0 ? carry?.(l, way, input.x) : undefined;
        runWay(kernels, way, input, packing, columns(y, d * (width / ways.length), width / ways.length), own);
      });
      if (residual) kernels.rows.addMatrix(y, input.rows());
      input = { x: y, rows: () => y };
    });
    return input.x;
  };
}

/** @throws ArgumentError if ids are not rows of a table */
function inputOf(kernels: Kernels, x: Tensor | Int32Array, table?: Tensor): Input {
  if (!ArrayBuffer.isView(x)) return { x, rows: () => x };
  if (table === undefined) {
    throw new ArgumentError('stackInference: ids were given without an embedding table: prepare it with one');
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

/** Computes `y`, the columns of this direction. */
function runWay(
  kernels: Kernels,
  { cell, params, direction, taken }: Way,
  { x, ids, rows }: Input,
  packing: Packing,
  y: Tensor,
  { initial, taken: states }: Carried = {},
): void {
  const shaped = ids ? { ...x, shape: [ids.length, x.shape[1]] } : x;
  checkForwardOnly(kernels, cell, params, shaped, packing, { initial });
  const map = direction === 'reverse' ? reversal(packing) : undefined;
  const layer = { batchSizes: packing.batchSizes, map, y, initial, taken: states };
  if (ids && taken?.run({ ...layer, x, ids })) return;
  if (taken?.run({ ...layer, x: rows() })) return;
  const keep = states ? 'steps' : 'nothing';
  const pass = runForward(kernels, cell, params, rows(), packing, { direction, initial, keep });
  kernels.rows.copyMatrix(y, pass.y);
  if (!states) return;
  const last = states.steps.map((step, b) => (step < 0 ? b : packing.batch + rowOf(packing, step, b)));
  for (const [name, { data }] of Object.entries(states.states))
    data.set(flatCopy(gatherRows(kernels, pass.states[name], last)));
}
