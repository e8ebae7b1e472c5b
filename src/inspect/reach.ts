/**
 * How far each loss reaches: R[m,k], the gradient of one seed m at a variable of word k.
 *
 *   Σ_m R[m,k] = δ_k, the gradient of all seeds together, because a backward pass is linear in its seed
 */
import type { BackwardPass } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import type { Direction } from './directions.js';
import { stepOf, unwoundOf } from './directions.js';
import { norm, rowOf } from './numbers.js';
import type { Reading } from './reading.js';
import { connectedIn } from './reading.js';
import { cutsOf } from './recurrence.js';
import type { SeedBatch } from './seeds.js';
import { readRow, seedsIn } from './seeds.js';
import type { Returned } from './study.js';
import type { ReachTrace, Vector } from './trace.js';

/** A variable of every word. */
export interface Variable {
  /** Number of components. */
  readonly size: number;
  /** Its gradient from the backward pass of all seeds together. */
  at(returned: Returned, k: number): Vector;
  /** Its gradient from the backward pass of seed `batch.from + b` only. */
  read(batch: SeedBatch, b: number, k: number, into: Float64Array): void;
  /** Whether loss m can depend on it at word k. */
  readonly connected: (m: number, k: number) => boolean;
  /** The word whose value counts as 1 for loss m. */
  readonly reference: (m: number) => number;
}

/** The word vectors. */
export function inputsOf(reading: Reading): Variable {
  const last = reading.study.tokens.length - 1;
  return {
    size: reading.study.pass.x.shape[1],
    at: ({ dX }, k) => rowOf(dX, k),
    read: ({ dX, count }, b, k, into) => readRow(dX, k * count + b, into),
    connected: connectedIn(reading),
    reference: (m) => reading.losses[m].word ?? last,
  };
}

/** The states of a direction by name, all of them together as `state`, and its pre-activations as `a`. */
export function variablesOf(reading: Reading, direction: Direction): Record<string, Variable> {
  const { cell, packing, saved } = direction.unrolled;
  const { states } = cell;
  const { kernels } = reading.study;
  const { hidden: H } = direction;
  const place = {
    connected: connectedIn(reading, direction),
    reference: (m: number) => reading.losses[m].word ?? stepOf(direction, direction.words - 1),
  };
  const after = (batch: SeedBatch, b: number, k: number): number => (stepOf(direction, k) + 1) * batch.count + b;
  const state = (name: string): Variable => ({
    ...place,
    size: H,
    at(returned, k) {
      const dStates = unwoundOf(direction, returned).dStates as Readonly<Record<string, Tensor>>;
      return rowOf(dStates[name], packing.batch + stepOf(direction, k));
    },
    read(batch, b, k, into) {
      const dStates = seedsIn(batch, direction).dStates as Readonly<Record<string, Tensor>>;
      readRow(dStates[name], after(batch, b, k), into);
    },
  });
  return {
    ...Object.fromEntries(states.map((name) => [name, state(name)])),
    state: {
      ...place,
      size: states.length * H,
      at: (returned, k) => cutAt(kernels, direction, returned, k),
      read(batch, b, k, into) {
        const { dStates, handed } = seedsIn(batch, direction);
        states.forEach((name, i) => readRow(name === 'h' ? dStates.h : handed[name], after(batch, b, k), into, i * H));
      },
    },
    a: {
      ...place,
      size: saved.a.shape[1],
      at: (returned, k) => rowOf(unwoundOf(direction, returned).stepGrads.da, stepOf(direction, k)),
      read: (batch, b, k, into) =>
        readRow(seedsIn(batch, direction).stepGrads.da, stepOf(direction, k) * batch.count + b, into),
    },
  };
}

/** A cache: the cuts of a pass are requested word by word but computed once. */
const cuts = new WeakMap<BackwardPass, number[][]>();

/** ∂/∂(all states, concatenated) after word k. */
export function cutAt(kernels: Kernels, direction: Direction, returned: Returned, k: number): number[] {
  const left = unwoundOf(direction, returned);
  const found = cuts.get(left) ?? cutsOf(kernels, direction, returned);
  cuts.set(left, found);
  return found[stepOf(direction, k)];
}

/** The requested variables: those of `options.reach`, by default all. @throws ArgumentError on a variable that does not exist */
export function variablesAsked({ directions, options }: Pick<Reading, 'directions' | 'options'>): readonly string[] {
  const known = ['x', ...new Set(directions.flatMap(({ unrolled }) => unrolled.cell.states)), 'state', 'a'];
  const { reach = true } = options;
  if (typeof reach === 'boolean') return reach ? known : [];
  const unknown = reach.find((name) => !known.includes(name));
  if (unknown === undefined) return reach;
  throw new ArgumentError(`inspect: reach must name some of ${known.join(', ')}; got ${JSON.stringify(unknown)}`);
}

/** A reach that is being measured, batch by batch of losses. */
export interface ReachBook {
  enter(batch: SeedBatch): void;
  close(): ReachTrace;
  /** max over words of |Σ_m R[m,k] − δ_k|, over the largest component of δ. */
  residual(): number;
}

/** Starts measuring the reach of every loss at a variable. */
export function reachOf({ study, losses, full, options }: Reading, variable: Variable): ReachBook {
  const { size } = variable;
  const T = study.tokens.length;
  const table = <V>() => losses.map(() => new Array<V | null>(T).fill(null));
  const [norms, vectors] = [table<number>(), options.vectors ? table<Vector>() : undefined];
  const sums = new Float64Array(T * size);
  const row = new Float64Array(size);
  return {
    enter(batch) {
      for (let b = 0; b < batch.count; b++) {
        const m = batch.from + b;
        for (let k = 0; k < T; k++) {
          variable.read(batch, b, k, row);
          for (let j = 0; j < size; j++) sums[k * size + j] += row[j];
          if (!variable.connected(m, k)) continue;
          norms[m][k] = norm(row);
          if (vectors) vectors[m][k] = Array.from(row);
        }
      }
    },
    close() {
      const reference = losses.map((_, m) => variable.reference(m));
      const retention = norms.map((each, m) => each.map((x) => (x === null ? null : x / each[reference[m]]!)));
      return {
        size,
        norms,
        retention,
        reference,
        total: study.tokens.map((_, k) => norm(variable.at(full, k))),
        length: retention.map((each, m) => reachLength(each, reference[m])),
        ...(vectors && { vectors }),
      };
    },
    residual: () => residualOf(sums, (k) => variable.at(full, k), T),
  };
}

/** Distance in words from the reference to the first word that retains less than a hundredth, on the side whose words are connected. */
function reachLength(row: readonly (number | null)[], reference: number): number | null {
  for (let d = 1; d < row.length; d++) {
    const kept = [row[reference - d], row[reference + d]].filter((each) => typeof each === 'number');
    if (kept.length > 0 && kept.every((each) => each < 0.01)) return d;
  }
  return null;
}

function residualOf(sums: Float64Array, whole: (k: number) => Vector, T: number): number {
  let [worst, size] = [0, 0];
  for (let k = 0; k < T; k++) {
    whole(k).forEach((each, j, row) => {
      const off = Math.abs(sums[k * row.length + j] - each);
      if (!(off <= worst)) worst = off;
      size = Math.max(size, Math.abs(each));
    });
  }
  return worst === 0 ? 0 : worst / size;
}
