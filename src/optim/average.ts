/**
 * The exponential moving average of weights: a second set of weights that follows the trained ones and smooths the last updates.
 * It is evaluated and saved instead of them; training itself never reads it.
 *
 *   (1)  d_n = min(d, (1 + n) / (10 + n))             n counts updates from 1: the average warms up, or it would hold on to θ_0
 *   (2)  ā ← d_n·ā + (1 − d_n)·θ                      ā begins as θ_0
 *
 * Lazy: if the gradient lists its touched rows (an embedding) and the optimizer moves only those, (2) runs on those rows. A row r
 * whose weights have not changed since update l is brought up to date, when it is touched or read, by
 *
 *   (3)  ā_r ← P·ā_r + (1 − P)·θ_r,    P = d_{l+1} · … · d_n = exp(Σ log d_i)
 *
 * which is (2) applied n − l times: in exact arithmetic lazy and dense are the same. The cost of an update grows with the words
 * of the batch.
 *
 * Source: Polyak & Juditsky, Acceleration of Stochastic Approximation by Averaging (SIAM J. Control Optim. 30(4), 1992); decaying, with
 * the warm-up (1), TensorFlow's ExponentialMovingAverage(num_updates).
 */
import { rowsInUse, type TensorRecord } from '../autograd/grads.js';
import { expectFunction, expectRecord, expectTensors } from '../tensor/arguments.js';
import { expectKnownKeys, expectNonNegativeInteger, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { show } from '../tensor/describe.js';
import { transcendentals } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { stampChanged } from '../tensor/versions.js';
import { allocate, dtypeOf, viewOf } from '../tensor/view.js';
import { copyRun, expectSameTensors, slice, updateRuns } from './optimizer.js';

/** How weights are averaged. */
export interface AverageOptions {
  /** d, greater than 0 and less than 1: the share of the average that an update retains. */
  readonly decay: number;
  /** Whether the optimizer is lazy too: only the touched rows of embedding gradients move. Default false. */
  readonly lazy?: boolean;
}

const KEYS = keysOf<AverageOptions>({ decay: true, lazy: true });

/** The state of an average, as plain data for a checkpoint. */
export interface AverageState {
  /** n. */
  readonly updates: number;
  /** Σ log d_i over them. */
  readonly logs: number;
  /**
   * `mean.<parameter>`, in shape and element type of its parameter: ā as of its last update. `settled.<parameter>`, float64, one
   * number per row (a single one for a one-dimensional parameter): Σ log d_i up to the update to which the row was brought.
   */
  readonly tensors: TensorRecord;
}

/** Averaged weights next to trained ones. */
export interface WeightAverage {
  /** n, the updates averaged so far. */
  readonly updates: number;
  /**
   * Makes one update, then the step of the average.
   *
   * @param grads the gradients that the optimizer is about to read
   * @param step makes the update: `() => optimizer.step(grads, lr)`
   * @throws ArgumentError while the average is swapped in
   */
  update(grads: TensorRecord, step: () => void): void;
  /** Swaps the weights with their average; a second call swaps them back, bit for bit. */
  swap(): void;
  /** A copy of the state. @throws ArgumentError while the average is swapped in */
  state(): AverageState;
  /**
   * Continues from a saved state, bit for bit. The state is copied; restoring the weights is up to the caller.
   *
   * @throws ArgumentError when a tensor is missing or unknown, a number is outside its domain, or the average is swapped in
   * @throws ShapeError when a tensor has another shape or element type
   */
  restore(state: AverageState): void;
}

/** A parameter and its average, and Σ log d_i up to the update to which each row was last brought. */
interface Entry {
  readonly param: Tensor;
  readonly mean: Tensor;
  readonly settled: Float64Array;
}

/**
 * The average of a flat record of parameters; it starts with their current values.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createAverage(params: TensorRecord, options: AverageOptions): WeightAverage {
  expectTensors('average', 'params', params);
  expectRecord('average', 'options', options, '{ decay }');
  expectKnownKeys('average', 'options', options, KEYS);
  const { decay, lazy = false } = options;
  expectDecay(decay);
  const { log } = transcendentals('float64');
  const entries = Object.entries(params).map(([name, param]) => [name, entryOf(param)] as const);
  let updates = 0;
  let sum = 0; // Σ log d_i
  let swapped = false;
  return {
    get updates() {
      return updates;
    },
    update(grads, step) {
      expectUpdate(grads, step);
      expectWeights('update', swapped);
      const moved = entries.map(([name, entry]) => [entry, lazy ? rowsInUse(grads[name]) : undefined] as const);
      const settleMoved = (): void => moved.forEach(([entry, rows]) => settle(entry, sum, rows));
      settleMoved(); // (3), before the weights move
      return after(step(), () => {
        updates++;
        sum += log(Math.min(decay, (1 + updates) / (10 + updates))); // (1)
        settleMoved(); // (2)
      });
    },
    swap() {
      for (const [, entry] of entries) {
        if (!swapped) settle(entry, sum); // (3)
        exchange(entry);
      }
      swapped = !swapped;
    },
    state() {
      expectWeights('state', swapped);
      return { updates, logs: sum, tensors: copyOf(entries) };
    },
    restore(state) {
      expectWeights('restore', swapped);
      restoreEntries(state, entries);
      ({ updates, logs: sum } = state);
    },
  };
}

function expectUpdate(grads: TensorRecord, step: () => unknown): void {
  expectRecord('average update', 'grads', grads, 'a record of gradients by name');
  expectFunction('average update', 'step', step);
}

/** Calls `act` after a step, or once the promise that the step returned is fulfilled. */
function after<R>(result: R, act: () => void): R {
  if (result instanceof Promise) return result.then((value: unknown) => (act(), value)) as R;
  act();
  return result;
}

function expectDecay(decay: unknown): void {
  if (typeof decay === 'number' && decay > 0 && decay < 1) return;
  throw new ArgumentError(`average: decay must be greater than 0 and less than 1; got ${show(decay)}`);
}

/** @throws ArgumentError while the average is swapped in */
function expectWeights(what: string, swapped: boolean): void {
  if (!swapped) return;
  throw new ArgumentError(`average ${what}: the average is swapped in: call swap first`);
}

type Entries = readonly (readonly [name: string, entry: Entry])[];

function copyOf(entries: Entries): TensorRecord {
  const copies = entries.flatMap(([name, { mean, settled }]): [string, Tensor][] => [
    [`mean.${name}`, { ...mean, data: mean.data.slice() }], // made by `allocate`, so a copy of the data is a copy of the tensor
    [`settled.${name}`, viewOf(settled.slice(), [settled.length])],
  ]);
  return Object.fromEntries(copies);
}

/** Copies a saved state into the entries; nothing changes if it does not fit. */
function restoreEntries(state: AverageState, entries: Entries): void {
  expectRecord('average restore', 'state', state, 'what state() returned');
  const { updates, logs, tensors } = state;
  expectNonNegativeInteger('average restore', 'state.updates', updates);
  if (typeof logs !== 'number' || !(logs <= 0 && logs > -Infinity))
    throw new ArgumentError(`average restore: logs must be finite and at most 0; got ${show(logs)}`);
  expectTensors('average restore', 'state.tensors', tensors);
  const places = entries.flatMap(([name, { mean, settled }]): [string, Tensor][] => [
    [`mean.${name}`, mean],
    [`settled.${name}`, viewOf(settled, [settled.length])],
  ]);
  expectSameTensors('average restore', tensors, new Map(places));
  for (const [name, place] of places) updateRuns(place, tensors[name], [], copyRun);
}

function entryOf(param: Tensor): Entry {
  const mean = allocate(param.shape, dtypeOf(param.data));
  updateRuns(mean, param, [], copyRun);
  return { param, mean, settled: new Float64Array(param.shape.length > 1 ? param.shape[0] : 1) };
}

/** Brings rows, all by default, to the update whose Σ log d_i is `sum`; (2), or (3) if there were several updates since. */
function settle({ param, mean, settled }: Entry, sum: number, rows?: Int32Array): void {
  const last = settled[0];
  if (rows === undefined && settled.every((each) => each === last)) {
    blend(mean, param, last, sum);
    settled.fill(sum);
    return;
  }
  const visit = (row: number): void => {
    blend(slice(mean, row), slice(param, row), settled[row], sum);
    settled[row] = sum;
  };
  if (rows !== undefined) rows.forEach(visit);
  else for (let row = 0; row < settled.length; row++) visit(row);
}

function blend(mean: Tensor, param: Tensor, from: number, to: number): void {
  if (from === to) return;
  const keep = transcendentals('float64').exp(to - from); // P
  updateRuns(mean, param, [], (count, a, theta) => {
    for (let i = 0; i < count; i++) {
      const at = a.start + i * a.step;
      a.data[at] = keep * a.data[at] + (1 - keep) * theta.data[theta.start + i * theta.step]; // (2, 3)
    }
  });
}

function exchange({ param, mean }: Entry): void {
  updateRuns(mean, param, [], (count, a, theta) => {
    for (let i = 0; i < count; i++) {
      const at = a.start + i * a.step;
      const there = theta.start + i * theta.step;
      [a.data[at], theta.data[there]] = [theta.data[there], a.data[at]];
    }
  });
  stampChanged(param);
}
