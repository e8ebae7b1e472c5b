/**
 * Whether threads pay: a few updates on one thread and on several, in turns, on a copy of the model that is thrown away. The training
 * itself sees nothing of it, so its model depends on the number of threads that was chosen and not on how.
 */
import { NonFiniteError, WorkerError } from '../../../tensor/errors.js';
import type { TrainHooks } from '../record.js';
import type { Replica } from '../replica.js';
import { addShardGradient, applyGradient, createReplica, totalsOf } from '../replica.js';
import type { Run } from '../run.js';
import { batchesOfEpoch, batchesPerEpoch } from '../run.js';
import { readCheckpoint } from '../checkpoint.js';
import { createTeam } from './team.js';
import type { ThreadChoice, Threads } from './threads.js';
import { chooseThreads } from './threads.js';

/** A training that would take no longer than this on one thread is not worth a trial, nor starting workers. */
const SHORT_MS = 5000;
/** A trial ends once it has taken so long, and had so many rounds. */
const TRIAL_MS = 1000;
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 24;
/** Several threads are chosen if their update takes at most this part of that on one: two cores cost more than one. */
const WORTHWHILE = 0.95;

/** What was chosen for these threads before: several seeds of a training share it. */
const chosen = new WeakMap<Threads, ThreadChoice>();

/**
 * How many threads a training gets: as many as `chooseThreads` says, or, where they are to be measured, one if that is faster. A training
 * that goes on from a checkpoint keeps the number that it has.
 *
 * @throws ArgumentError as `chooseThreads` does
 */
export async function settleThreads(
  run: Run,
  threads: Threads | undefined,
  { device }: Pick<TrainHooks, 'device'>,
  own: string | undefined,
  resume?: Uint8Array,
): Promise<ThreadChoice> {
  const choice = chooseThreads(threads, device ?? run.kernels, run.settings.batch, own);
  if (threads?.measure === undefined || choice.threads === 1) return choice;
  if (resume !== undefined) {
    const before = Number(readCheckpoint(resume).fingerprint.threads);
    return { threads: before >= 1 ? Math.min(before, choice.threads) : choice.threads, reason: 'as in the checkpoint' };
  }
  const known = chosen.get(threads);
  if (known !== undefined) return known;
  const found = await tryThreads(run, choice, threads, threads.measure.now);
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
    await one(batches[0], 0); // compiles
    const began = now();
    await one(batches[1 % batches.length], 1);
    const whole = (now() - began) * batchesPerEpoch(run.lengths.length, settings) * settings.epochs;
    if (whole <= SHORT_MS) return { threads: 1, reason: 'so short a training is faster on one' };
    return await beside(one, copy, choice, threads, batches, now);
  } catch (error) {
    // The training itself will come to a loss that is not finite, and say more of it.
    if (error instanceof NonFiniteError) return choice;
    if (error instanceof WorkerError) return { threads: 1, reason: error.message };
    throw error;
  } finally {
    copy.release();
  }
}

/** One thread beside several. Each has a replica of its own, and both make the same updates. */
async function beside(
  one: Update,
  { kernels, ...plan }: Replica,
  choice: ThreadChoice,
  threads: Threads,
  batches: readonly (readonly number[])[],
  now: () => number,
): Promise<ThreadChoice> {
  const config = plan.network.config;
  const replica = createReplica(kernels, { ...plan, config });
  try {
    const team = await createTeam(replica, choice.threads, threads);
    try {
      const several: Update = async (members, batch) => {
        const { lr } = replica.settings;
        const totals = totalsOf(replica.sentences, members, replica.losses);
        await team.addGradient({ members, totals, lr, moment: { epoch: 1, batch } });
        await team.applyGradient(lr);
      };
      return fasterOf(await inTurns([one, several], batches, now), choice);
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

/** Milliseconds of the updates of each, batch by batch; rounds until there was time enough. */
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

/** The faster by the median of the later half of its updates: what runs for the first time is still being compiled. */
function fasterOf([one, several]: readonly number[][], choice: ThreadChoice): ThreadChoice {
  const [alone, together] = [one, several].map((times) => median(times.slice(Math.floor(times.length / 2))));
  const reason = `an update takes ${together.toFixed(1)} ms on ${choice.threads} threads, ${alone.toFixed(1)} on one`;
  return together <= WORTHWHILE * alone ? { threads: choice.threads, reason } : { threads: 1, reason };
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
