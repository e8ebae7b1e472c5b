/**
 * Data-parallel training, seen from thread 0, which is a member of the team like the others: every thread holds a whole
 * replica, computes the gradient of its shard of the batch, meets the others at a barrier, adds up all gradients in the
 * order of the shards, and updates its own replica. The sums and the arithmetic are the same everywhere, so the replicas
 * stay equal bit for bit and no weight is ever sent.
 *
 * Thread 0 never blocks: where it has to wait, its event loop runs. So it works on a page's main thread, and the end of a
 * worker is noticed there.
 */
import { NonFiniteError, WorkerError } from '../../../tensor/errors.js';
import { sparseRows } from '../../model/network.js';
import type { ReplicaState } from '../checkpoint.js';
import type { Replica, Shard } from '../replica.js';
import { addShardGradient, weighted } from '../replica.js';
import { arrive, arrivedAll, beginStep, CONTROL, stop } from './barrier.js';
import type { Exchange, RowLimits } from './exchange.js';
import { createExchange, sumGradients, writeGradients } from './exchange.js';
import type { SharedJob, Job } from './job.js';
import { createSharedJob, meanLosses, strayThread, writeJob, writeLosses, writeNorm } from './job.js';
import type { StartMessage, WorkerMessage } from './messages.js';
import { shareParams, shareSentences } from './messages.js';
import { shardsOf } from './shards.js';
import type { Threads, WorkerHandle } from './threads.js';

/**
 * A thread looks for so long, in milliseconds, whether the others have arrived before it sleeps, or thread 0 lets its event loop
 * run: about as long as one core is held up on a busy machine. Where threads are more than cores, or their number is unknown, hardly at all.
 */
const PATIENCE_MS = 10;
const LITTLE_PATIENCE_MS = 0.1;

/** The threads of a training. */
export interface Team {
  /**
   * Adds the gradient of a whole batch to thread 0's replica. The others do the same to theirs, and update them; thread 0's
   * is updated by the caller, with the same learning rate.
   *
   * @param batch the places of its sentences, its tokens, the learning rate of the update that follows
   * @returns thread 0's own shard, with the decisions and the losses of the whole batch
   * @throws WorkerError when a worker has ended, or its last update was not that of thread 0; NonFiniteError when the loss
   *   of a shard is not finite
   */
  addGradient(batch: Omit<Job, 'shards'> & { readonly members: readonly number[] }): Promise<Shard>;
  /** Says which gradient norm thread 0's update had. Replicas that drifted apart, which must not happen, would differ in it. */
  noteUpdate(norm: number): void;
  /** Ends all workers. */
  close(): Promise<void>;
}

/** What the members of a team share, and how it stands with them. */
interface State {
  readonly replica: Replica;
  readonly threads: number;
  readonly patience: number;
  readonly sharedJob: SharedJob;
  readonly exchange: Exchange;
  readonly workers: WorkerHandle[];
  step: number;
  ready: number;
  closed: boolean;
  failure: Error | null;
  /** Ends thread 0's sleep. */
  wake: () => void;
}

/**
 * Starts the workers, and waits until all are ready.
 *
 * @param threads at least 2, thread 0 included; more than the sentences of a batch would have nothing to do
 * @param resumed what the replica was put into, where that is not its first state; the others are put into it too
 * @throws WorkerError when a worker does not start; MemoryError where the shared memory is unavailable
 */
export async function createTeam(
  replica: Replica,
  threads: number,
  { start, cores = 0 }: Pick<Threads, 'start' | 'cores'>,
  resumed?: ReplicaState,
): Promise<Team> {
  const { settings, sentences } = replica;
  const lengths = Array.from(sentences.lengths);
  const rowLimits = mostRows(lengths, settings.batch, replica);
  const state: State = {
    replica,
    threads,
    patience: threads <= cores ? PATIENCE_MS : LITTLE_PATIENCE_MS,
    sharedJob: createSharedJob(threads, settings.batch, replica.network.heads.length),
    exchange: createExchange(threads, replica.flatGrads, rowLimits),
    workers: [],
    step: 0,
    ready: 1,
    closed: false,
    failure: null,
    wake: () => undefined,
  };
  const close = async (): Promise<void> => {
    state.closed = true;
    stop(state.sharedJob.control);
    await Promise.all(state.workers.map((worker) => worker.terminate()));
  };
  try {
    startWorkers(state, start, rowLimits, resumed);
    await sleepUntil(state, () => state.ready === threads);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addGradient: ({ members, ...job }) => addGradient(state, { ...job, shards: shardsOf(lengths, members, threads) }),
    noteUpdate: (norm) => writeNorm(state.sharedJob, 0, norm),
    close,
  };
}

/** Most rows of every sparse gradient that a shard can touch: a shard is at most a whole batch. */
function mostRows(lengths: readonly number[], batch: number, { network, flatGrads }: Replica): RowLimits {
  const longest = [...lengths].sort((a, b) => b - a).slice(0, batch);
  const tokens = longest.reduce((sum, length) => sum + length, 0);
  const trained = Object.entries(sparseRows(network)).filter(([name]) => name in flatGrads); // the others are frozen
  const limits = trained.map(([name, perToken]) => {
    return [name, Math.min(tokens * perToken, flatGrads[name].shape[0])] as const;
  });
  return Object.fromEntries(limits);
}

/** What workers make their replicas of. */
const planOf = ({ settings, losses, network, initial, start }: Replica): StartMessage['plan'] => ({
  ...{ settings, losses, config: network.config },
  initial: shareParams(initial),
  start: shareParams({ start }).start,
});

function startWorkers(state: State, start: Threads['start'], rowLimits: RowLimits, resumed?: ReplicaState): void {
  const { replica, threads, patience, sharedJob, exchange, workers } = state;
  const sentences = shareSentences(replica.sentences);
  const common = {
    threads,
    rowLimits,
    patience,
    sharedJob: sharedJob.buffer,
    exchange: exchange.buffer,
    sentences,
    plan: planOf(replica),
    resumed,
  };
  for (let index = 1; index < threads; index++) {
    const fail = (error: Error): void => {
      if (!state.closed) state.failure ??= error;
      state.wake();
    };
    const died = (reason: string, advice?: string): void => fail(ended(index, threads, reason, advice));
    let worker: WorkerHandle;
    try {
      worker = start();
    } catch (error) {
      if (error instanceof WorkerError) throw error;
      throw ended(index, threads, `it could not be started: ${String(error)}`);
    }
    workers.push(worker);
    worker.listen((message) => {
      const told = message as WorkerMessage;
      if (told.kind === 'ready') state.ready++;
      if (told.kind === 'failed') {
        if (told.nonFinite) fail(new NonFiniteError(told.message));
        else died(told.message);
      }
      state.wake();
    }, died);
    const message: StartMessage = {
      ...common,
      index,
      backend: replica.kernels.backend,
      lifeline: worker.lifeline,
    };
    worker.post(message);
  }
}

function ended(
  index: number,
  threads: number,
  reason: string,
  advice = 'train again, with fewer threads if memory is short',
): WorkerError {
  return new WorkerError(`thread ${index + 1} of ${threads} ended: ${reason}; ${advice}`);
}

async function addGradient(state: State, job: Job): Promise<Shard> {
  const { replica, threads, sharedJob, exchange } = state;
  if (state.failure) throw state.failure;
  const step = ++state.step;
  const places = exchange.places[step % 2];
  writeJob(sharedJob, job);
  beginStep(sharedJob.control, step);
  const shard = addShardGradient(replica, job.shards[0], job.totals, job.moment);
  writeGradients(replica.kernels, places[0], replica.flatGrads);
  writeLosses(sharedJob, 0, shard.losses, shard.decisions);
  arrive(sharedJob.control, step, threads);
  await allArrived(state, step);
  const stray = strayThread(sharedJob);
  if (stray !== undefined) throw ended(stray, threads, 'its model is no longer that of thread 1');
  sumGradients(replica.kernels, places.slice(0, job.shards.length), replica.flatGrads);
  const losses = meanLosses(sharedJob, job.shards.length);
  const loss = weighted(losses, replica.weights);
  return { ...shard, decisions: job.totals, losses, loss };
}

async function allArrived(state: State, step: number): Promise<void> {
  const { threads, patience, sharedJob } = state;
  const arrived = (): boolean => arrivedAll(sharedJob.control, step, threads);
  const until = performance.now() + patience;
  while (!arrived() && performance.now() < until);
  if (arrived()) return;
  // Lies down first and looks then, as the last to arrive arrives first and looks then: one of the two sees the other.
  Atomics.store(sharedJob.control, CONTROL.asleep, 1);
  await sleepUntil(state, arrived);
  Atomics.store(sharedJob.control, CONTROL.asleep, 0);
}

/** Lets the event loop run until something has come true. The code that makes it true calls `wake`. */
async function sleepUntil(state: State, come: () => boolean): Promise<void> {
  while (!come()) {
    if (state.failure) throw state.failure;
    await new Promise<void>((resolve) => (state.wake = resolve));
  }
}
