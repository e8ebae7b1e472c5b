/**
 * Which loss reaches how far: R[m,k], the gradient of one seed m at a variable of word k. One backward pass per seed.
 *
 *   Σ_m R[m,k] = δ_k, the gradient of all seeds together, because a backward pass is linear in its seed
 */
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { norm, rowOf } from './numbers.js';
import type { Returned, Study } from './study.js';
import { backward } from './study.js';
import { seedOf } from './losses.js';
import type { LossTrace, ReachTrace, Vector } from './trace.js';

/** One backward pass per seed. */
export function passesOf(study: Study, losses: readonly LossTrace[]): Returned[] {
  return losses.map((_, m) => backward(study, seedOf(losses, m)));
}

/** A variable of every word: where a backward pass leaves its gradient. */
export interface Variable {
  /** Its gradient at word k. */
  at(returned: Returned, k: number): Vector;
  /** Whether loss m can depend on it at word k. */
  connected(m: number, k: number): boolean;
  /** The word whose value counts as 1. */
  reference(m: number): number;
}

/** The words' vectors. */
export function inputsOf(study: Study, losses: readonly LossTrace[]): Variable {
  const T = study.tokens.length;
  const { bidirectional } = study.model.config.body;
  return {
    at: ({ dX }, k) => rowOf(dX, k),
    connected: (m, k) => bidirectional || losses[m].word === null || k <= losses[m].word,
    reference: (m) => losses[m].word ?? T - 1,
  };
}

/** The states of a direction by name, all of them together as `state`, and its pre-activations as `a`. */
export function variablesOf(
  study: Study,
  losses: readonly LossTrace[],
  direction: Direction,
): Record<string, Variable> {
  const { cell, packing } = direction.unrolled;
  const { states } = cell;
  const state = (returned: Returned, name: string, k: number): number[] => {
    const dStates = unwoundOf(direction, returned).dStates as Readonly<Record<string, Tensor>>;
    return rowOf(dStates[name], packing.batch + stepOf(direction, k));
  };
  const place = placeOf(study, losses, direction);
  const variable = (at: Variable['at']): Variable => ({ at, ...place });
  return {
    ...Object.fromEntries(states.map((name) => [name, variable((returned, k) => state(returned, name, k))])),
    state: variable((returned, k) => states.flatMap((name) => state(returned, name, k))),
    a: variable((returned, k) => rowOf(unwoundOf(direction, returned).stepGrads.da, stepOf(direction, k))),
  };
}

/** Above another bidirectional layer everything is connected; on top a direction knows what it has read. */
function placeOf(study: Study, losses: readonly LossTrace[], { layer, name, words }: Direction): Omit<Variable, 'at'> {
  const spread = study.model.config.body.bidirectional && layer < study.pass.stack.layers.length - 1;
  const forward = name === 'forward';
  return {
    connected(m, k) {
      const { word } = losses[m];
      return spread || word === null || (forward ? k <= word : k >= word);
    },
    reference: (m) => losses[m].word ?? (forward ? words - 1 : 0),
  };
}

/** The reach of every loss into a variable. */
export function reachOf(
  study: Study,
  variable: Variable,
  passes: readonly Returned[],
  full: Returned,
  withVectors: boolean,
): ReachTrace {
  const T = study.tokens.length;
  const words = Array.from({ length: T }, (_, k) => k);
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
    ...(withVectors && { vectors }),
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

/** The reach into states and pre-activations of one direction. */
export function reachOfDirection(
  study: Study,
  losses: readonly LossTrace[],
  direction: Direction,
  passes: readonly Returned[],
  full: Returned,
  withVectors: boolean,
): Record<string, ReachTrace> {
  const variables = Object.entries(variablesOf(study, losses, direction));
  return Object.fromEntries(
    variables.map(([name, variable]) => [name, reachOf(study, variable, passes, full, withVectors)]),
  );
}
