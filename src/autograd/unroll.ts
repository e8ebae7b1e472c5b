/**
 * Backpropagation through time. A recurrent layer is cut at two matmul seams; only the scan between them is sequential:
 *
 *     project    a = x·Wx + b                          one product over all N rows
 *     scan       for t = 0 … T−1:  stepForward         h'·Wh inside
 *     (loss)     dY = ∂L/∂y comes back
 *     scan       for t = T−1 … 0:  stepBackward        leaves da for every row
 *     collect    dX += da·Wxᵀ   dWx += Xᵀ·da   db += Σ da   dWh, … by the cell
 *
 * Rows are packed (`packing.ts`): step t works on the first B_t sequences of the batch, as a view. The states of all steps are in
 * one matrix `[B + N, H]`: first the initial state as block −1, then one block of B_t rows per step. The state before step t is
 * the first B_t rows of block t − 1, again a view. Their gradients are in a matrix of the same form. The whole of BPTT is that
 * step t *adds* to block t − 1 of it before step t − 1 reads it.
 *
 * The reverse direction is the same loop over reversed sequences: a permutation of rows on the way in and out.
 *
 * Reading order: from layers/softmax-loss.ts; next stop cells/lstm.ts.
 */
import type { Cell, CellParams, ForwardCell } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import { remember } from '../tensor/versions.js';
import { backwardAtOnce, forwardAtOnce } from './device-layer.js';
import type { BackwardOptions, BackwardPass, OnStep, Unrolled, UnrollOptions } from './layout.js';
import {
  after,
  at,
  before,
  deliver,
  finish,
  fusedScan,
  inScanOrder,
  prepare,
  previousStates,
  runFused,
  withoutSteps,
} from './layout.js';
import type { Packing } from './packing.js';
import type { Window } from './truncate.js';
import { eachWindow } from './truncate.js';
import { checkBackward, checkForward } from './unroll-checks.js';

/**
 * Runs a cell over a packed batch.
 *
 * @param kernels the backend that runs the products
 * @param params parameters of the cell, float32 or float64 like `x`
 * @param x `[N, D]` inputs, one row per token (see `Packing`)
 * @throws ShapeError if shapes or element types do not fit; UnsupportedError if the backend lacks the element type
 */
export function unroll<P extends CellParams>(
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions = {},
): Unrolled<P> {
  checkForward(kernels, cell, params, x, packing, options);
  return remember(runForward(kernels, cell, params, x, packing, options), params);
}

/** `unroll` after its checks, with as much of a cell as a forward pass needs. */
export function runForward<P extends CellParams, C extends ForwardCell<P>>(
  kernels: Kernels,
  cell: C,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): Unrolled<P, C> {
  const steps = () => {
    const unrolled = prepare(kernels, cell, params, x, packing, options);
    kernels.addMatmul(unrolled.saved.a, unrolled.x, params.Wx); // project
    scanForward(kernels, unrolled);
    return finish(kernels, unrolled);
  };
  const layer = fusedScan(kernels, cell)?.layer;
  const onDevice = layer && forwardAtOnce(layer, kernels, { cell, params, x, packing, options, steps });
  return onDevice ?? (options.keep === 'nothing' ? withoutSteps(steps(), steps) : steps());
}

/**
 * The backward pass of `unroll`: accumulates into `grads` and `options.dX`.
 *
 * The weights must be those of the forward pass. An optimizer update in between is rejected; a direct write to their `data` goes
 * unnoticed.
 * @param dY `[N, H]` ∂L/∂y, in the row order of the input
 * @param grads mirrors the parameters; every field accumulates
 * @throws ShapeError if shapes do not fit; ArgumentError on impossible truncation windows, after a forward pass that kept
 * nothing, or if an optimizer has updated the weights since the forward pass
 */
export function unrollBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions = {},
): BackwardPass {
  checkBackward(kernels, unrolled, dY, grads, options);
  return runBackward(kernels, unrolled, dY, grads, options);
}

/** `unrollBackward` after its checks. */
export function runBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
): BackwardPass {
  const { onDevice } = unrolled;
  const steps = () => scanBackward(kernels, unrolled, dY, options);
  const there = onDevice && backwardAtOnce(onDevice, kernels, { unrolled, dY, grads, options, steps });
  const back = there ?? collect(kernels, unrolled, steps(), grads, options.dX);
  collectInitial(kernels, unrolled, back, grads);
  return back;
}

/** The time loop forward: the specification of every fused scan. */
function scanForward<P extends CellParams>(kernels: Kernels, unrolled: Unrolled<P, ForwardCell<P>>): void {
  const { cell, params, packing, states, saved } = unrolled;
  if (runFused(kernels, 'forward', unrolled)) return;
  for (let t = 0; t < packing.steps; t++) {
    cell.stepForward(kernels, params, before(states, packing, t), at(saved, packing, t), after(states, packing, t));
  }
}

/** The time loop backward, one sweep per truncation window; without truncation there is one. Touches no `grads`. */
export function scanBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  options: BackwardOptions,
): BackwardPass {
  const seed = inScanOrder(kernels, dY, unrolled);
  return eachWindow(kernels, unrolled, seed, options, (window, into, onStep) =>
    sweep(kernels, unrolled, window, into, onStep),
  );
}

/** One backward sweep: every step adds to the one before it. */
function sweep<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  window: Window,
  { dStates, stepGrads }: BackwardPass,
  onStep: OnStep | undefined,
): void {
  const { cell, params, packing, states } = unrolled;
  const cache = { ...unrolled.saved, ...stepGrads };
  if (!onStep && runFused(kernels, 'backward', { cell, packing, params, states, saved: cache }, dStates)) return;
  for (let t = window.end - 1; t >= window.from; t--) {
    const [prev, next, saved] = [before(states, packing, t), after(states, packing, t), at(cache, packing, t)];
    const [dPrev, dNext] = [before(dStates, packing, t), after(dStates, packing, t)];
    cell.stepBackward(kernels, params, prev, saved, next, dNext, dPrev);
    onStep?.({ t, window, dNext, dPrev, saved });
  }
}

/** Collect: the gradients that need no loop. */
function collect<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  back: BackwardPass,
  grads: P,
  dX: Tensor | undefined,
): BackwardPass {
  const { cell, params, x, saved } = unrolled;
  const { da } = back.stepGrads;
  if (dX) {
    const dx = kernels.zeros(x.shape, x);
    kernels.addMatmulTB(dx, da, params.Wx);
    deliver(kernels, dX, dx, unrolled);
  }
  kernels.addMatmulTA(grads.Wx, x, da);
  kernels.rows.addSumRows(grads.b, da);
  cell.weightGradients(kernels, previousStates(kernels, unrolled), { ...saved, ...back.stepGrads }, grads);
  return back;
}

/** Gradient of a learned initial state: the sum over the batch, because every sequence started from it. */
export function collectInitial<P extends CellParams>(
  kernels: Kernels,
  { cell, learnedInitial }: Unrolled<P>,
  back: BackwardPass,
  grads: P,
): void {
  if (!learnedInitial) return;
  for (const name of cell.states) kernels.rows.addSumRows(grads[`${name}0`], back.dInitial[name]);
}
