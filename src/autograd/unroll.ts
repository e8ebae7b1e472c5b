/**
 * Backpropagation through time. A recurrent layer is cut at two matmul seams; only the scan between them is sequential:
 *
 *     project    a = x·Wx + b                          one product over all N rows
 *     scan       for t = 0 … T−1:  stepForward         h'·Wh inside
 *     (loss)     dY = ∂L/∂y comes back
 *     scan       for t = T−1 … 0:  stepBackward        leaves da for every row
 *     collect    dX += da·Wxᵀ   dWx += Xᵀ·da   db += Σ da   dWh, … by the cell
 *
 * Rows are packed (`packing.ts`): step t works on the first B_t sequences of the batch, as a view. The states of all steps
 * lie in one matrix `[B + N, H]`: first the initial state as block −1, then one block of B_t rows per step, so that the
 * state before step t is the first B_t rows of block t − 1, again a view. Their gradients lie in a matrix of the same
 * form, and the whole of BPTT is that step t *adds* to block t − 1 of it before step t − 1 reads it.
 *
 * The reverse direction is the same loop over reversed sequences: a permutation of rows on the way in and out.
 *
 * Reading order: from layers/softmax-loss.ts; next stop cells/lstm.ts.
 */
import type { Cell, CellParams, State } from '../cells/cell.js';
import type { AsyncKernels, Kernels } from '../kernels/types.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { remember } from '../tensor/versions.js';
import { dtypeOf, rows } from '../tensor/view.js';
import type { Packing } from './packing.js';
import { reversal } from './packing.js';
import type { BackwardOptions, Unrolled, UnrollOptions, BackwardPass } from './storage.js';
import {
  after,
  at,
  before,
  deliver,
  emptyBackward,
  finalRow,
  finish,
  fusedScan,
  gatherRows,
  prepare,
  previousStates,
  scanTensors,
} from './storage.js';
import type { Truncation, Window } from './truncate.js';
import { reachOf, windowsOf } from './truncate.js';
import { residentBackward, residentBackwardAsync, residentForward, residentForwardAsync } from './resident.js';
import { checkBackward, checkForward } from './unroll-checks.js';
import { expectEntry } from './entry-checks.js';

/**
 * Runs a cell over a packed batch.
 *
 * @param kernels where products run
 * @param params parameters of the cell, float32 or float64 like `x`
 * @param x `[N, D]` inputs, one row per token (see `Packing`)
 * @throws ShapeError where shapes or element types do not fit; UnsupportedError where the backend lacks the element type
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
  const ordinary = () => run(kernels, cell, params, x, packing, options);
  return remember(residentForward(kernels, { cell, params, x, packing, options, ordinary }) ?? ordinary(), params);
}

/** The ordinary way, every step at hand. */
function run<P extends CellParams>(
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): Unrolled<P> {
  const unrolled = prepare(kernels, cell, params, x, packing, options);
  kernels.addMatmul(unrolled.saved.a, unrolled.x, params.Wx); // project
  scanForward(kernels, unrolled);
  return finish(kernels, unrolled);
}

/** `unroll` for devices that answer asynchronously: `device` does the product at the seam, `kernels` those of the scan; or `device` does all. */
export async function unrollAsync<P extends CellParams>(
  device: AsyncKernels,
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions = {},
): Promise<Unrolled<P>> {
  expectEntry('unrollAsync', { device });
  checkForward(kernels, cell, params, x, packing, options);
  const ordinary = () => run(kernels, cell, params, x, packing, options);
  const resident = await residentForwardAsync(device, kernels, { cell, params, x, packing, options, ordinary });
  if (resident) return remember(resident, params);
  const unrolled = prepare(kernels, cell, params, x, packing, options);
  await device.addMatmul(unrolled.saved.a, unrolled.x, params.Wx); // project
  scanForward(kernels, unrolled);
  return remember(finish(kernels, unrolled), params);
}

/**
 * The backward pass of `unroll`: accumulates into `grads` and `options.dX`.
 *
 * @param dY `[N, H]` ∂L/∂y, in the row order of the input
 * @param grads mirrors the parameters; every field accumulates
 * The weights must be those of the forward pass. An update by an optimizer in between is refused; whoever writes to their
 * `data` by hand is not noticed, and gets a wrong gradient.
 *
 * @throws ShapeError where shapes do not fit; ArgumentError on impossible truncation windows, or where an optimizer has updated
 *   the weights since the forward pass
 */
export function unrollBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions = {},
): BackwardPass {
  checkBackward(kernels, unrolled, dY, grads, options);
  const ordinary = () => scanBackward(kernels, unrolled, dY, options);
  const resident = residentBackward(kernels, unrolled, dY, grads, options, ordinary);
  if (resident) {
    collectInitial(kernels, unrolled, resident, grads);
    return resident;
  }
  const unwound = ordinary();
  const { cell, params, x, saved } = unrolled;
  const { da } = unwound.stepGrads;
  if (options.dX) {
    const dx = kernels.zeros(x.shape, dtypeOf(x.data));
    kernels.addMatmulTB(dx, da, params.Wx);
    deliver(kernels, options.dX, dx, unrolled);
  }
  kernels.addMatmulTA(grads.Wx, x, da);
  kernels.rows.addSumRows(grads.b, da);
  cell.weightGradients(kernels, previousStates(kernels, unrolled), { ...saved, ...unwound.stepGrads }, grads);
  collectInitial(kernels, unrolled, unwound, grads);
  return unwound;
}

/** `unrollBackward` for devices that answer asynchronously: `device` does the two products over x, `kernels` the rest; or `device` does all. */
export async function unrollBackwardAsync<P extends CellParams>(
  device: AsyncKernels,
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions = {},
): Promise<BackwardPass> {
  expectEntry('unrollBackwardAsync', { device });
  checkBackward(kernels, unrolled, dY, grads, options);
  const ordinary = () => scanBackward(kernels, unrolled, dY, options);
  const resident = await residentBackwardAsync(kernels, unrolled, dY, grads, options, ordinary);
  if (resident) {
    collectInitial(kernels, unrolled, resident, grads);
    return resident;
  }
  const unwound = ordinary();
  const { cell, params, x, saved } = unrolled;
  const { da } = unwound.stepGrads;
  if (options.dX) {
    const dx = kernels.zeros(x.shape, dtypeOf(x.data));
    await device.addMatmulTB(dx, da, params.Wx);
    deliver(kernels, options.dX, dx, unrolled);
  }
  await device.addMatmulTA(grads.Wx, x, da);
  kernels.rows.addSumRows(grads.b, da);
  cell.weightGradients(kernels, previousStates(kernels, unrolled), { ...saved, ...unwound.stepGrads }, grads);
  collectInitial(kernels, unrolled, unwound, grads);
  return unwound;
}

/** The time loop forward: the specification of every fused scan. */
function scanForward<P extends CellParams>(kernels: Kernels, unrolled: Unrolled<P>): void {
  const { cell, params, packing, states, saved } = unrolled;
  if (fusedScan(kernels, cell)?.forward(scanTensors(unrolled))) return;
  for (let t = 0; t < packing.steps; t++) {
    cell.stepForward(kernels, params, before(states, packing, t), at(saved, packing, t), after(states, packing, t));
  }
}

/** The time loop backward, one sweep per truncation window; without truncation there is one. */
function scanBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  options: BackwardOptions,
): BackwardPass {
  const { packing } = unrolled;
  const windows = windowsOf(packing.steps, options.truncate);
  const total = emptyBackward(kernels, unrolled);
  const seed = unrolled.direction === 'forward' ? dY : gatherRows(kernels, dY, reversal(packing));
  if (windows.length <= 1) {
    sweep(kernels, unrolled, seed, options.dFinal, { from: 0, seedFrom: 0, end: packing.steps }, total);
    return total;
  }
  const part = emptyBackward(kernels, unrolled);
  for (const window of windows) {
    const lowest = sweep(kernels, unrolled, seed, options.dFinal, window, part, options.truncate);
    moveWindow(kernels, total, part, packing, lowest, window.end);
  }
  return total;
}

/**
 * One backward sweep: losses of the window are injected, then every step adds to the one before it.
 *
 * @returns the lowest step it went through
 */
function sweep<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  dFinal: Partial<State> | undefined,
  window: Window,
  { dStates, stepGrads }: BackwardPass,
  truncation?: Truncation,
): number {
  const { cell, params, packing, states, saved } = unrolled;
  const { offsets, batch } = packing;
  const seeded = offsets[window.end] - offsets[window.seedFrom];
  kernels.rows.addMatrix(
    rows(dStates.h, batch + offsets[window.seedFrom], seeded),
    rows(dY, offsets[window.seedFrom], seeded),
  );
  if (dFinal) injectFinal(kernels, dStates, dFinal, packing, window);

  const cache = { ...saved, ...stepGrads };
  const scan = { ...scanTensors(unrolled), cache, dStates };
  if (!truncation && fusedScan(kernels, cell)?.backward(scan)) return window.from;
  const reach = truncation ? reachOf(packing.lengths, window, truncation) : new Int32Array(batch);
  const lowest = reach.reduce(
    (least, from, b) => (packing.lengths[b] > window.seedFrom ? Math.min(least, from) : least),
    window.from,
  );
  for (let t = window.end - 1; t >= lowest; t--) {
    const dPrev = before(dStates, packing, t);
    cell.stepBackward(
      kernels,
      params,
      before(states, packing, t),
      at(cache, packing, t),
      after(states, packing, t),
      after(dStates, packing, t),
      dPrev,
    );
    if (t > 0) cut(dPrev, reach, t);
  }
  return lowest;
}

/** Truncation: nothing flows from step t to step t − 1 in the sequences whose sweep reaches back to step t and no further. */
function cut(dPrev: State, reach: Int32Array, t: number): void {
  const running = dPrev.h.shape[0];
  for (let b = 0; b < running; b++) {
    if (reach[b] === t) for (const gradient of Object.values(dPrev)) fill(rows(gradient, b, 1), 0);
  }
}

/** Gradient of a learned initial state: the sum over the batch, because every sequence started from it. */
function collectInitial<P extends CellParams>(
  kernels: Kernels,
  { cell, learnedInitial }: Unrolled<P>,
  unwound: BackwardPass,
  grads: P,
): void {
  if (!learnedInitial) return;
  for (const name of cell.states) kernels.rows.addSumRows(grads[`${name}0`], unwound.dInitial[name]);
}

/** Adds ∂L/∂final to the blocks where the sequences of this window end. */
function injectFinal(kernels: Kernels, dStates: State, dFinal: Partial<State>, packing: Packing, window: Window): void {
  for (const [name, gradient] of Object.entries(dFinal)) {
    for (let b = 0; b < packing.batch; b++) {
      const last = Math.max(packing.lengths[b] - 1, 0);
      const mine = last >= window.seedFrom && (last < window.end || window.end === packing.steps);
      if (gradient && mine) kernels.rows.addMatrix(rows(dStates[name], finalRow(packing, b), 1), rows(gradient, b, 1));
    }
  }
}

/**
 * Adds what one window left to the total and clears it for the next one: the rows of the window's own steps and no others,
 * so that the windows of a sequence together cost T·back/every steps and not T²/every.
 */
function moveWindow(
  kernels: Kernels,
  total: BackwardPass,
  part: BackwardPass,
  { batch, offsets }: Packing,
  lowest: number,
  end: number,
): void {
  const first = lowest === 0 ? 0 : batch + offsets[lowest - 1];
  const [top, bottom] = [offsets[lowest], offsets[end]];
  for (const [name, x] of Object.entries(part.dStates))
    moveRows(kernels, total.dStates[name], x, first, batch + bottom - first);
  for (const [name, x] of Object.entries(part.stepGrads))
    moveRows(kernels, total.stepGrads[name], x, top, bottom - top);
}

/** Rows `start … start + count − 1` of `from` are added to those of `to`, a matrix of the same shape, and set to zero. */
function moveRows(kernels: Kernels, to: Tensor, from: Tensor, start: number, count: number): void {
  const moved = rows(from, start, count);
  kernels.rows.addMatrix(rows(to, start, count), moved);
  fill(moved, 0);
}
