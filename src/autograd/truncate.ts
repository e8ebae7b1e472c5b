/**
 * Truncated backpropagation through time, with both of its numbers named (Williams & Peng 1990, "BPTT(h; h′)";
 * Sutskever 2013, section 2.8.6, where they are k₁ and k₂).
 *
 *     every = 3, back = 5         steps   0 1 2 3 4 5 6 7
 *     window 1                            L L L              losses of steps 0–2, swept back to step 0
 *     window 2                            ·←← L L L          losses of steps 3–5, swept back to step 1
 *     window 3                                  ·←← ← L L    losses of steps 6–7, swept back to step 3
 *
 * Each loss is injected in exactly one window, so nothing is counted twice; a window reaches back `back` steps from its
 * end, and what would flow further is dropped. The forward pass is not truncated: the state is carried through.
 */
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { expectIds, expectRecord } from '../tensor/arguments.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { show } from '../tensor/describe.js';

/** The two windows of truncated BPTT, in time steps. */
export interface Truncation {
  /** k₁ ≥ 1: a backward sweep starts every so many steps. */
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
 * The sweeps of a sequence of T steps, earliest first. Without truncation, and where `back` ≥ T, there is one sweep over
 * everything: nothing would be cut, so this is full BPTT to the bit. Fewer steps than `every` make one window, too.
 *
 * @throws ArgumentError where `every` is no positive integer, or `back < every`: the losses in between would be lost
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
 * How far the sweep of one window goes back in each sequence of a batch, `[B]`: `back` steps from the end of the window or
 * of the sequence, whichever comes first, so that a sequence in a batch is truncated as it would be alone.
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
