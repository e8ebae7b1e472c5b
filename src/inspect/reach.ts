/**
 * Which loss reaches how far: R[m,k], the gradient of one seed m at a variable of word k. One backward pass per seed.
 *
 *   Σ_m R[m,k] = δ_k, the gradient of all seeds together, because a backward pass is linear in its seed
 */
import type { BackwardPass } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { norm, rowOf } from './numbers.js';
import type { Reading } from './reading.js';
import { connectedIn } from './reading.js';
import { cutsOf } from './recurrence.js';
import type { Returned } from './study.js';
import type { ReachTrace, Vector } from './trace.js';

/** A variable of every word. */
export interface Variable {
  /** Where a backward pass leaves its gradient. */
  at(returned: Returned, k: number): Vector;
  /** Whether loss m can depend on it at word k. */
  readonly connected: (m: number, k: number) => boolean;
  /** The word whose value counts as 1 for loss m. */
  readonly reference: (m: number) => number;
}

/** The words' vectors. */
export function inputsOf(reading: Reading): Variable {
  const last = reading.study.tokens.length - 1;
  return {
    at: ({ dX }, k) => rowOf(dX, k),
    connected: connectedIn(reading),
    reference: (m) => reading.losses[m].word ?? last,
  };
}

/** The states of a direction by name, all of them together as `state`, and its pre-activations as `a`. */
export function variablesOf(reading: Reading, direction: Direction): Record<string, Variable> {
  const { cell, packing } = direction.unrolled;
  const { states } = cell;
  const { kernels } = reading.study;
  const place = {
    connected: connectedIn(reading, direction),
    reference: (m: number) => reading.losses[m].word ?? stepOf(direction, direction.words - 1),
  };
  const state = (name: string) => (returned: Returned, k: number) => {
    const dStates = unwoundOf(direction, returned).dStates as Readonly<Record<string, Tensor>>;
    return rowOf(dStates[name], packing.batch + stepOf(direction, k));
  };
  return {
    ...Object.fromEntries(states.map((name) => [name, { ...place, at: state(name) }])),
    state: { ...place, at: (returned, k) => cutAt(kernels, direction, returned, k) },
    a: { ...place, at: (returned, k) => rowOf(unwoundOf(direction, returned).stepGrads.da, stepOf(direction, k)) },
  };
}

/** The cuts of a pass are asked for word by word, and made once. */
const cuts = new WeakMap<BackwardPass, number[][]>();

/** ∂/∂(all states side by side) after word k. */
export function cutAt(kernels: Kernels, direction: Direction, returned: Returned, k: number): number[] {
  const left = unwoundOf(direction, returned);
  const found = cuts.get(left) ?? cutsOf(kernels, direction, returned);
  cuts.set(left, found);
  return found[stepOf(direction, k)];
}

/** The reach of every loss into a variable. */
export function reachOf({ study, passes, full, options }: Reading, variable: Variable): ReachTrace {
  const words = study.tokens.map((_, k) => k);
  const vectors = passes.map((returned, m) =>
    words.map((k) => (variable.connected(m, k) ? variable.at(returned, k) : null)),
  );
  const norms = vectors.map((row) => row.map((each) => each && norm(each)));
  const reference = passes.map((_, m) => variable.reference(m));
  const retention = norms.map((row, m) => row.map((each) => (each === null ? null : each / row[reference[m]]!)));
  return {
    size: variable.at(full, 0).length,
    norms,
    retention,
    reference,
    total: words.map((k) => norm(variable.at(full, k))),
    length: retention.map((row, m) => reachLength(row, reference[m])),
    ...(options.vectors && { vectors }),
  };
}

/** Words from the reference to the first that keeps less than a hundredth, on whichever side words are connected. */
function reachLength(row: readonly (number | null)[], reference: number): number | null {
  for (let d = 1; d < row.length; d++) {
    const kept = [row[reference - d], row[reference + d]].filter((each) => typeof each === 'number');
    if (kept.length > 0 && kept.every((each) => each < 0.01)) return d;
  }
  return null;
}

/** max over words of |Σ_m R[m,k] − δ_k|, over the largest component of δ. */
export function reachResidual({ study, passes, full }: Reading, variable: Variable): number {
  let [worst, size] = [0, 0];
  study.tokens.forEach((_, k) => {
    const whole = variable.at(full, k);
    const parts = passes.map((returned) => variable.at(returned, k));
    whole.forEach((each, i) => {
      const off = Math.abs(parts.reduce((sum, part) => sum + part[i], 0) - each);
      if (!(off <= worst)) worst = off;
      size = Math.max(size, Math.abs(each));
    });
  });
  return worst === 0 ? 0 : worst / size;
}
