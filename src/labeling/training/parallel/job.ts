/** What thread 0 tells the others of a step, and what they tell of their losses and norms, in shared memory. */
import type { Moment, Totals } from '../replica.js';
import { CONTROL_WORDS } from './barrier.js';

/** One step: which sentences go to which thread, and the update that follows. */
export interface Job {
  /** Sentences per shard; thread i computes shard i, threads beyond the last shard none. */
  readonly shards: readonly (readonly number[])[];
  /** What the mean of each loss is taken over, of the whole batch, one number per head. */
  readonly totals: Totals;
  readonly lr: number;
  readonly moment: Moment;
}

/** The control memory: words to wait on, then the job, then one loss per thread. Totals are numbers, since class weights are. */
export interface SharedJob {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  /** lr, per head the totals of the batch, then per thread: norm of its part of the gradient, and per head mean loss and decisions of its shard. */
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

/** What a step is for: an update, or the moments of all optimizers for thread 0. */
export type Act = (typeof ACTS)[number];

/** Thread 0, before `beginStep`. */
export function writeAct({ control }: SharedJob, act: Act): void {
  control[HEAD.act] = ACTS.indexOf(act);
}

/** What the step that has begun is for. */
export const readAct = ({ control }: SharedJob): Act => ACTS[control[HEAD.act]];

/** Numbers before those of the threads. */
const firstOf = (heads: number): number => 1 + heads;
/** Numbers of a thread. */
const widthOf = (heads: number): number => 1 + 2 * heads;

/**
 * @param batch largest number of sentences of a batch
 * @param heads of the model
 * @param shared the memory, where another thread has made it
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

/** Thread 0, before `beginStep`; all others are past the step before then, or need nothing more of its job. */
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

/** A copy of the job, which holds when thread 0 writes the next one. */
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

/** Thread `index` reports the mean losses of its shard, and over how many decisions, one of each per head. */
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

/** Mean loss per decision over all shards, one per head, summed in their order; 0 without any. After the barrier. */
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

/** Thread `index` reports the norm of its part of the gradient, between the first and the second barrier of an update. */
export function writeNorm({ numbers, heads }: SharedJob, index: number, norm: number): void {
  numbers[firstOf(heads) + widthOf(heads) * index] = norm;
}

/** √(Σ nᵢ²) over the norms nᵢ of all parts, in their order: the norm of the whole, after the second barrier. NaN if one is NaN. */
export function normOfParts({ numbers, threads, heads }: SharedJob): number {
  const norms = Array.from({ length: threads }, (_, i) => numbers[firstOf(heads) + widthOf(heads) * i]);
  const largest = Math.max(...norms);
  if (!(largest > 0 && largest < Infinity)) return largest;
  return largest * Math.sqrt(norms.reduce((sum, norm) => sum + (norm / largest) ** 2, 0)); // no square overflows or vanishes
}
