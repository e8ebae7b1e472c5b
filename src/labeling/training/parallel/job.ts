/** What thread 0 tells the others of a step, and what they tell of their losses, in shared memory. */
import type { Moment, Totals } from '../replica.js';
import { CONTROL_WORDS } from './barrier.js';

/** One step: which sentences go to which thread, and the update that follows. */
export interface Job {
  /** Sentences per shard; thread i computes shard i, threads beyond the last shard none. */
  readonly shards: readonly (readonly number[])[];
  /** Tokens and sentences of the whole batch. */
  readonly totals: Totals;
  readonly lr: number;
  readonly moment: Moment;
}

/** The control memory: words to wait on, then the job, then one loss per thread. */
export interface SharedJob {
  readonly buffer: SharedArrayBuffer;
  readonly control: Int32Array;
  /** lr, then per thread: mean loss of its shard, decisions of its shard, norm of the gradient of its last update. */
  readonly numbers: Float64Array;
  readonly threads: number;
}

const HEAD = {
  epoch: CONTROL_WORDS,
  batch: CONTROL_WORDS + 1,
  tokens: CONTROL_WORDS + 2,
  sentences: CONTROL_WORDS + 3,
  shards: CONTROL_WORDS + 4,
};
const ENDS = CONTROL_WORDS + 5;

/**
 * @param batch largest number of sentences of a batch
 * @param shared the memory, where another thread has made it
 */
export function createSharedJob(threads: number, batch: number, shared?: SharedArrayBuffer): SharedJob {
  const words = ENDS + threads + batch;
  const start = Math.ceil(words / 2) * 8;
  const length = 1 + 3 * threads;
  const buffer = shared ?? new SharedArrayBuffer(start + 8 * length);
  return {
    buffer,
    control: new Int32Array(buffer, 0, words),
    numbers: new Float64Array(buffer, start, length),
    threads,
  };
}

/** Thread 0, before `beginStep`; all others are past the step before then, or need nothing more of its job. */
export function writeJob({ control, numbers, threads }: SharedJob, { shards, totals, lr, moment }: Job): void {
  control[HEAD.epoch] = moment.epoch;
  control[HEAD.batch] = moment.batch;
  control[HEAD.tokens] = totals.token;
  control[HEAD.sentences] = totals.sentence;
  control[HEAD.shards] = shards.length;
  numbers[0] = lr;
  let end = 0;
  shards.forEach((members, i) => {
    control.set(members, ENDS + threads + end);
    control[ENDS + i] = end += members.length;
  });
}

/** A copy of the job, which holds when thread 0 writes the next one. */
export function readJob({ control, numbers, threads }: SharedJob): Job {
  const first = ENDS + threads;
  const shards = Array.from({ length: control[HEAD.shards] }, (_, i) => {
    const start = i === 0 ? 0 : control[ENDS + i - 1];
    return [...control.subarray(first + start, first + control[ENDS + i])];
  });
  const moment = { epoch: control[HEAD.epoch], batch: control[HEAD.batch] };
  const totals = { token: control[HEAD.tokens], sentence: control[HEAD.sentences] };
  return { shards, totals, lr: numbers[0], moment };
}

/** Thread `index` reports the mean loss of its shard. */
export function writeLoss({ numbers }: SharedJob, index: number, loss: number, decisions: number): void {
  numbers[1 + 3 * index] = loss;
  numbers[2 + 3 * index] = decisions;
}

/** Mean loss per decision over all shards, summed in their order; 0 without any. After the barrier. */
export function meanLoss({ numbers }: SharedJob, shards: number): number {
  let sum = 0;
  let decisions = 0;
  for (let i = 0; i < shards; i++) {
    sum += numbers[1 + 3 * i] * numbers[2 + 3 * i];
    decisions += numbers[2 + 3 * i];
  }
  return sum / Math.max(decisions, 1);
}

/** Thread `index` reports the gradient norm of its last update, before the barrier of the next step. */
export function writeNorm({ numbers }: SharedJob, index: number, norm: number): void {
  numbers[3 + 3 * index] = norm;
}

/** The first thread whose last update had another norm than that of thread 0, or nothing. After the barrier. */
export function strayThread({ numbers, threads }: SharedJob): number | undefined {
  for (let i = 1; i < threads; i++) if (numbers[3 + 3 * i] !== numbers[3]) return i;
  return undefined;
}
