/**
 * Measures whether several threads are worthwhile, and how many: times a few updates on one thread and on several, in turns, on a copy of
 * the model that is then discarded. Training itself is not affected, so its model depends on the number of threads that was chosen, not on
 * how it was chosen.
 */
import { NonFiniteError, WorkerError } from '../../../tensor/errors.js';
import type { Replica } from '../replica.js';
import { addShardGradient, applyGradient, createReplica, totalsOf } from '../replica.js';
import type { Run } from '../run.js';
import { batchesOfEpoch, batchesPerEpoch } from '../run.js';
import { readCheckpoint } from '../checkpoint.js';
import { createTeam } from './team.js';
import type { ThreadChoice, Threads } from './threads.js';

/** A training run that would take less time than this on one thread is not worth a trial, or starting workers. */
const SHORT_MS = 5000;
/** A trial ends after this time and a minimum number of rounds. */
const TRIAL_MS = 1000;
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 24;
/** More threads are chosen if their update takes at most this fraction of the time with fewer: two cores cost more than one. */
const WORTHWHILE = 0.95;

/** Earlier choices for these threads: training runs with several seeds share them. */
const chosen = new WeakMap<Threads, ThreadChoice>();

/**
 * Finds the fastest of this many threads, half as many, and so on down to one. A run that resumes from a checkpoint keeps its number of
 * threads.
 *
 * @param choice the available number of threads, more than one
 * @param now the time in milliseconds
 */
export async function measureThreads(
  run: Run,
  choice: ThreadChoice,
  threads: Threads,
  now: () => number,
  resume?: Uint8Array,
): Promise<ThreadChoice> {
  if (resume !== undefined) {
    const before = Number(readCheckpoint(resume).fingerprint.threads);
    return { threads: before >= 1 ? Math.min(before, choice.threads) : choice.threads, reason: 'as in the checkpoint' };
  }
  const known = chosen.get(threads);
  if (known !== undefined) return known;
  const found = await tryThreads(run, choice, threads, now);
  chosen.set(threads, found);
  return found;
}

/** One update of a batch. */
type Update = (members: readonly number[], batch: number) => Promise<unknown>;

async function tryThreads(run: Run, choice: ThreadChoice, threads: Threads, now: () => number): Promise<ThreadChoice> {
  const { settings, sentences, losses, network, initial, start } = run.replica;
  const copy = createReplica(run.kernels, { settings, sentences, losses, config: network.config, initial, start });
  try {
    const one = updateAlone(copy);
    const batches = batchesOfEpoch(run, 1);
    await one(batches[0], 0); // lets the code be compiled
    const began = now();
    await one(batches[1 % batches.length], 1);
    const whole = (now() - began) * batchesPerEpoch(run.lengths.length, settings) * settings.epochs;
    if (whole <= SHORT_MS) return { threads: 1, reason: 'a run this short is faster on one' };
    return await fastest(choice.threads, (count) => beside(one, copy, count, threads, batches, now));
  } catch (error) {
    // The training run itself will meet the non-finite loss and report more about it.
    if (error instanceof NonFiniteError) return choice;
    if (error instanceof WorkerError) return { threads: 1, reason: error.message };
    throw error;
  } finally {
    copy.release();
  }
}

/** Milliseconds of an update on several threads, and on one thread in the same turns. */
interface Timing {
  readonly count: number;
  readonly together: number;
  readonly alone: number;
}

/**
 * Tries a number of threads, then half of it, as long as the larger number is not worthwhile compared with the smaller one. Times are
 * compared as fractions of the time on one thread, because the turns of one trial share the other load on the machine.
 */
async function fastest(most: number, time: (count: number) => Promise<Timing>): Promise<ThreadChoice> {
  let best = await time(most);
  let words = `${best.together.toFixed(1)} ms on ${most} threads`;
  for (let count = most >> 1; count > 1; count >>= 1) {
    const fewer = await time(count);
    words += `, ${fewer.together.toFixed(1)} on ${count}`;
    if (pays(best, fewer)) break;
    best = fewer;
  }
  const reason = `an update takes ${words}, ${best.alone.toFixed(1)} on one`;
  return { threads: pays(best, ONE) ? best.count : 1, reason };
}

/** One thread compared with itself. */
const ONE: Timing = { count: 1, together: 1, alone: 1 };

/** Whether more threads are so much faster than fewer that they are worth their cores. */
function pays(more: Timing, fewer: Timing): boolean {
  return more.together * fewer.alone <= WORTHWHILE * fewer.together * more.alone;
}

/** Times several threads against one. Each side has its own replica, and both make the same updates. */
async function beside(
  one: Update,
  { kernels, ...plan }: Replica,
  count: number,
  threads: Threads,
  batches: readonly (readonly number[])[],
  now: () => number,
): Promise<Timing> {
  const config = plan.network.config;
  const replica = createReplica(kernels, { ...plan, config });
  try {
    const team = await createTeam(replica, count, threads);
    try {
      const several: Update = async (members, batch) => {
        const { lr } = replica.settings;
        const totals = totalsOf(replica.sentences, members, replica.losses);
        await team.addGradient({ members, totals, lr, moment: { epoch: 1, batch } });
        await team.applyGradient(lr);
      };
      const [alone, together] = (await inTurns([one, several], batches, now)).map(typical);
      return { count, together, alone };
    } finally {
      await team.close();
    }
  } finally {
    replica.release();
  }
}

const updateAlone =
  (replica: Replica): Update =>
  async (members, batch) => {
    addShardGradient(replica, members, totalsOf(replica.sentences, members, replica.losses), { epoch: 1, batch });
    return applyGradient(replica, replica.settings.lr);
  };

/** Milliseconds of the updates on each side, batch by batch, in rounds until enough time has passed. */
async function inTurns(
  updates: readonly Update[],
  batches: readonly (readonly number[])[],
  now: () => number,
): Promise<number[][]> {
  const times = updates.map((): number[] => []);
  const start = now();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && now() - start >= TRIAL_MS) break;
    for (const [i, update] of updates.entries()) {
      const began = now();
      await update(batches[round % batches.length], round);
      times[i].push(now() - began);
    }
  }
  return times;
}

/** The median of the later half of some updates, because code that runs for the first time is still being compiled. */
function typical(times: readonly number[]): number {
  return median(times.slice(Math.floor(times.length / 2)));
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
