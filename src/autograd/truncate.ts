/**
 * Truncated backpropagation through time, with both of its numbers named (Williams & Peng 1990, "BPTT(h; h′)";
 * Sutskever 2013, section 2.8.6, where they are k₁ and k₂).
 *
 *     every = 3, back = 5         steps   0 1 2 3 4 5 6 7
 *     window 1                            L L L              losses of steps 0–2, swept back to step 0
 *     window 2                            ·←← L L L          losses of steps 3–5, swept back to step 1
 *     window 3                                  ·←← ← L L    losses of steps 6–7, swept back to step 3
 *
 * Each loss is injected in exactly one window, so nothing is counted twice. A window reaches back `back` steps from its end, and
 * gradients are cut off beyond that. The forward pass is not truncated: the state is carried through.
 */
import type { CellParams, State } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import { expectIds, expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { show } from '../tensor/describe.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { rows } from '../tensor/view.js';
import type { BackwardOptions, BackwardPass, OnStep, Unrolled } from './layout.js';
import { emptyBackward, finalRow } from './layout.js';
import type { Packing } from './packing.js';

/** The two windows of truncated BPTT, in time steps. */
export interface Truncation {
  /** k₁ ≥ 1: a backward sweep starts every `every` steps. */
  readonly every: number;
  /** k₂ ≥ k₁: how many steps a sweep goes back from its end. */
  readonly back: number;
}

/** One backward sweep: from step `end − 1` down to step `from`, with the losses of steps `seedFrom … end − 1`. */
export interface Window {
  readonly from: number;
  readonly seedFrom: number;
  readonly end: number;
}

/**
 * The sweeps of a sequence of T steps, earliest first. Without truncation, or if `back` ≥ T, there is one sweep over everything:
 * nothing would be cut, so this is bit for bit full BPTT. Fewer steps than `every` also make one window.
 *
 * @throws ArgumentError if `every` is not a positive integer, or `back < every`: the losses in between would be lost
 */
export function windowsOf(T: number, truncation?: Truncation): Window[] {
  expectNonNegativeInteger('windowsOf', 'T', T);
  if (truncation !== undefined) checkTruncation(truncation);
  if (T === 0) return [];
  if (!truncation || truncation.back >= T) return [{ from: 0, seedFrom: 0, end: T }];
  const { every, back } = truncation;
  const windows: Window[] = [];
  for (let seedFrom = 0; seedFrom < T; seedFrom += every) {
    const end = Math.min(seedFrom + every, T);
    windows.push({ from: Math.max(0, end - back), seedFrom, end });
  }
  return windows;
}

/**
 * The step to which the sweep of one window goes back in each sequence of a batch, `[B]`: `back` steps from the end of the window
 * or of the sequence, whichever comes first. So a sequence in a batch is truncated as it would be on its own.
 *
 * @param lengths `[B]` lengths of the sequences
 */
export function reachOf(lengths: Int32Array, window: Window, truncation: Truncation): Int32Array {
  expectIds('reachOf', 'lengths', lengths);
  expectRecord('reachOf', 'window', window, 'a window of windowsOf');
  expectRecord('reachOf', 'truncate', truncation, '{ every, back }');
  const { back } = truncation;
  return lengths.map((length) => Math.max(0, Math.min(window.end, length) - back));
}

/** @throws ArgumentError unless 1 ≤ every ≤ back, both integers */
export function checkTruncation(truncate: Truncation): void {
  expectRecord('truncate', 'truncate', truncate, '{ every, back }');
  expectKnownKeys('truncate', 'the window', truncate, keysOf<Truncation>({ every: true, back: true }));
  const { every, back } = truncate;
  if (!Number.isInteger(every) || every < 1) {
    throw new ArgumentError(`truncate: every must be an integer of at least 1; got ${show(every)}`);
  }
  if (!Number.isInteger(back) || back < every) {
    throw new ArgumentError(
      `truncate: back must be an integer of at least every = ${every}, or some losses would never be propagated; got ${show(back)}`,
    );
  }
}

/** Adds the losses of a window's own steps: ∂L/∂y of these rows, and ∂L/∂final where their sequences end. */
function injectLosses(
  kernels: Kernels,
  dStates: State,
  dY: Tensor,
  dFinal: Partial<State> | undefined,
  { batch, offsets, lengths, steps }: Packing,
  { seedFrom, end }: Window,
): void {
  const [first, count] = [offsets[seedFrom], offsets[end] - offsets[seedFrom]];
  kernels.rows.addMatrix(rows(dStates.h, batch + first, count), rows(dY, first, count));
  for (const [name, gradient] of Object.entries(dFinal ?? {})) {
    if (gradient && seedFrom === 0 && end === steps) {
      const last = Int32Array.from({ length: batch }, (_, b) => finalRow({ batch, offsets, lengths }, b));
      kernels.rows.scatterAdd(dStates[name], gradient, last);
      continue;
    }
    for (let b = 0; b < batch; b++) {
      const last = Math.max(lengths[b] - 1, 0);
      const mine = last >= seedFrom && (last < end || end === steps);
      const at = finalRow({ batch, offsets, lengths }, b);
      if (gradient && mine) kernels.rows.addMatrix(rows(dStates[name], at, 1), rows(gradient, b, 1));
    }
  }
}

/** One backward sweep: from the last step of a window to its first; the losses of the window are in `into` already. */
export type Sweep = (window: Window, into: BackwardPass, onStep: OnStep | undefined) => void;

/**
 * Injects the losses and sweeps, once over all steps, or once per window of truncated BPTT. The hook of a sweep cuts gradients
 * that would flow back beyond the window, and the results of the windows are summed.
 */
export function eachWindow<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  { dFinal, truncate, onStep }: BackwardOptions,
  sweep: Sweep,
): BackwardPass {
  const { packing } = unrolled;
  const windows = windowsOf(packing.steps, truncate);
  const atOnce = truncate === undefined || windows.length <= 1;
  const total = emptyBackward(kernels, unrolled, atOnce && onStep === undefined);
  if (atOnce) {
    const all = { from: 0, seedFrom: 0, end: packing.steps };
    injectLosses(kernels, total.dStates, dY, dFinal, packing, all);
    sweep(all, total, onStep);
    return total;
  }
  const part = emptyBackward(kernels, unrolled, false);
  for (const each of windows) {
    const reach = reachOf(packing.lengths, each, truncate);
    const window = { ...each, from: lowestOf(reach, packing, each) };
    injectLosses(kernels, part.dStates, dY, dFinal, packing, window);
    sweep(window, part, (step) => {
      cut(step.dPrev, reach, step.t);
      onStep?.(step);
    });
    moveWindow(kernels, total, part, packing, window);
  }
  return total;
}

/** The lowest step that the sweep of a window goes through, in any sequence that has a loss in it. */
function lowestOf(reach: Int32Array, { lengths }: Packing, { from, seedFrom }: Window): number {
  return reach.reduce((least, own, b) => (lengths[b] > seedFrom ? Math.min(least, own) : least), from);
}

/** Truncation: nothing flows from step t to step t − 1 in sequences whose sweep ends at step t. */
function cut(dPrev: State, reach: Int32Array, t: number): void {
  if (t === 0) return;
  const running = dPrev.h.shape[0];
  for (let b = 0; b < running; b++) {
    if (reach[b] === t) for (const gradient of Object.values(dPrev)) fill(rows(gradient, b, 1), 0);
  }
}

/**
 * Adds what one window left to the total and clears it for the next one. It moves only the rows of the window's own steps, so
 * that the windows of a sequence together cost T·back/every steps instead of T²/every.
 */
function moveWindow(
  kernels: Kernels,
  total: BackwardPass,
  part: BackwardPass,
  { batch, offsets }: Packing,
  { from, end }: Window,
): void {
  const first = from === 0 ? 0 : batch + offsets[from - 1];
  const [top, bottom] = [offsets[from], offsets[end]];
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
