/** The step data that thread 0 sends to the others, and the losses and norms that they report, in shared memory. */
import type { Moment, Totals } from '../replica.js';
import { CONTROL_WORDS } from './barrier.js';

/** One step: the sentences of each thread, and the update that follows. */
export interface Job {
  /** Sentences per shard; thread i computes shard i, and threads beyond the last shard compute none. */
  readonly shards: readonly (readonly number[])[];
  /** The denominators of the mean losses of the whole batch, one number per head. */
  readonly totals: Totals;
  readonly lr: number;
  readonly moment: Moment;
}

/**
 * The control memory: the words that threads wait on, then the job, then the losses of each thread. Totals are floats, because class
 * weights are.
 */
export interface SharedJob {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  /**
   * lr; per head the totals of the batch; then per thread the norm of its part of the gradient, and per head mean loss and decisions of its
   * shard.
   */
  readonly numbers: Float64Array;
  readonly threads: number;
  readonly heads: number;
}

const HEAD = {
  epoch: CONTROL_WORDS,
  batch: CONTROL_WORDS + 1,
  shards: CONTROL_WORDS + 2,
  act: CONTROL_WORDS + 3,
};
/** Words before the ends of the shards. */
const ENDS = CONTROL_WORDS + 4;

const ACTS = ['update', 'state'] as const;

/** The purpose of a step: an update, or collecting the moments of all optimizers for thread 0. */
export type Act = (typeof ACTS)[number];

/** Called by thread 0 before `beginStep`. */
export function writeAct({ control }: SharedJob, act: Act): void {
  control[HEAD.act] = ACTS.indexOf(act);
}

/** The purpose of the step that has begun. */
export const readAct = ({ control }: SharedJob): Act => ACTS[control[HEAD.act]];

/** Number of values before those of the threads. */
const firstOf = (heads: number): number => 1 + heads;
/** Number of values per thread. */
const widthOf = (heads: number): number => 1 + 2 * heads;

/**
 * @param batch largest number of sentences in a batch
 * @param heads number of heads of the model
 * @param shared the memory, if another thread has allocated it
 */
export function createSharedJob(threads: number, batch: number, heads: number, shared?: SharedArrayBuffer): SharedJob {
  const words = ENDS + threads + batch;
  const start = Math.ceil(words / 2) * 8;
  const length = firstOf(heads) + widthOf(heads) * threads;
  const buffer = shared ?? new SharedArrayBuffer(start + 8 * length);
  return {
    buffer,
    control: new Int32Array(buffer, 0, words),
    numbers: new Float64Array(buffer, start, length),
    threads,
    heads,
  };
}

/** Called by thread 0 before `beginStep`; by then, the other threads no longer need the previous job. */
export function writeJob(sharedJob: SharedJob, { shards, totals, lr, moment }: Job): void {
  const { control, numbers, threads } = sharedJob;
  control[HEAD.epoch] = moment.epoch;
  control[HEAD.batch] = moment.batch;
  control[HEAD.shards] = shards.length;
  numbers[0] = lr;
  numbers.set(totals, 1);
  let end = 0;
  shards.forEach((members, i) => {
    control.set(members, ENDS + threads + end);
    control[ENDS + i] = end += members.length;
  });
}

/** Returns a copy of the job, which stays valid when thread 0 writes the next one. */
export function readJob({ control, numbers, threads, heads }: SharedJob): Job {
  const first = ENDS + threads;
  const shards = Array.from({ length: control[HEAD.shards] }, (_, i) => {
    const start = i === 0 ? 0 : control[ENDS + i - 1];
    return [...control.subarray(first + start, first + control[ENDS + i])];
  });
  const moment = { epoch: control[HEAD.epoch], batch: control[HEAD.batch] };
  const totals = [...numbers.subarray(1, 1 + heads)];
  return { shards, totals, lr: numbers[0], moment };
}

/** Reports the mean losses of the shard of thread `index`, and its numbers of decisions, each per head. */
export function writeLosses(
  { numbers, heads }: SharedJob,
  index: number,
  losses: readonly number[],
  decisions: readonly number[],
): void {
  for (let h = 0; h < heads; h++) {
    const at = firstOf(heads) + 1 + widthOf(heads) * index + 2 * h;
    numbers[at] = losses[h];
    numbers[at + 1] = decisions[h];
  }
}

/** Mean loss per decision over all shards, one per head, summed in order; 0 without decisions. Call it after the barrier. */
export function meanLosses({ numbers, heads }: SharedJob, shards: number): number[] {
  return Array.from({ length: heads }, (_, h) => {
    let sum = 0;
    let decisions = 0;
    for (let i = 0; i < shards; i++) {
      const at = firstOf(heads) + 1 + widthOf(heads) * i + 2 * h;
      sum += numbers[at] * numbers[at + 1];
      decisions += numbers[at + 1];
    }
    return decisions > 0 ? sum / decisions : 0;
  });
}

/** Reports the norm of the part of thread `index`, between the first and the second barrier of an update. */
export function writeNorm({ numbers, heads }: SharedJob, index: number, norm: number): void {
  numbers[firstOf(heads) + widthOf(heads) * index] = norm;
}

/** √(Σ nᵢ²) over the norms nᵢ of all parts, in order: the norm of the whole gradient, after the second barrier. NaN if one norm is NaN. */
export function normOfParts({ numbers, threads, heads }: SharedJob): number {
  const norms = Array.from({ length: threads }, (_, i) => numbers[firstOf(heads) + widthOf(heads) * i]);
  const largest = Math.max(...norms);
  if (!(largest > 0 && largest < Infinity)) return largest;
  return largest * Math.sqrt(norms.reduce((sum, norm) => sum + (norm / largest) ** 2, 0)); // no square overflows or underflows
}
