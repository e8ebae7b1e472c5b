/**
 * Data-parallel training, the side of thread 0, which is a member of the team like the others: every thread holds a whole replica and
 * computes the gradient of its shard of the batch. Every parameter is owned by one thread (`owners.ts`), which sums the gradients of all
 * threads, updates its part, and passes it to the others. So no sum and no update is computed twice, and after three barriers all replicas
 * are equal bit for bit. The moments of the optimizer stay with the owners until a checkpoint requests them.
 *
 * Thread 0 never blocks: when it has to wait, its event loop runs. So it works on a page's main thread, and can notice the end of a worker.
 */
import { NonFiniteError, WorkerError } from '../../../tensor/errors.js';
import { sparseRows } from '../../model/network.js';
import type { ReplicaState } from '../checkpoint.js';
import type { Replica, Shard } from '../replica.js';
import { weighted } from '../replica.js';
import { arrive, arrivedAll, beginStep, CONTROL, stop } from './barrier.js';
import type { RowLimits } from './exchange.js';
import { createExchange, takeMoments } from './exchange.js';
import type { Job } from './job.js';
import { createSharedJob, meanLosses, normOfParts, writeAct, writeJob } from './job.js';
import type { Member } from './member.js';
import { giveGradient, sumOwnPart, takeOtherParts, updateOwnPart } from './member.js';
import type { StartMessage, WorkerMessage } from './messages.js';
import { shareParams, shareSentences } from './messages.js';
import { ownersOf } from './owners.js';
import { shardsOf } from './shards.js';
import type { Threads, WorkerHandle } from './threads.js';

/**
 * How long a thread spins for the others, in milliseconds, before it sleeps or, in thread 0, lets its event loop run: about as long as a
 * core is held up on a busy machine. If there are more threads than cores, or the number of cores is unknown, it hardly spins.
 */
const PATIENCE_MS = 10;
const LITTLE_PATIENCE_MS = 0.1;

/** Milliseconds that thread 0 waits for moments. It polls during this time, so the end of a worker is noticed only afterwards. */
const STATE_MS = 10_000;

/** The threads of a training run. */
export interface Team {
  /**
   * Computes the gradient of a whole batch; `applyGradient` must follow.
   *
   * @param batch the indices of its sentences, its tokens, and the learning rate of the update that follows
   * @returns thread 0's own shard, with the decisions and losses of the whole batch
   * @throws WorkerError when a worker has ended; NonFiniteError when the loss of a shard is not finite
   */
  addGradient(batch: Omit<Job, 'shards'> & { readonly members: readonly number[] }): Promise<Shard>;
  /**
   * Clips the gradient and updates all replicas, at the learning rate of the batch. If the norm is not finite, nothing is updated, and
   * thread 0's gradients are those of the whole batch.
   *
   * @returns the norm before clipping
   * @throws WorkerError when a worker has ended
   */
  applyGradient(lr: number): Promise<number>;
  /**
   * Copies the moments of all threads into thread 0's optimizer, between two updates. Closing the team also does this.
   *
   * @throws WorkerError when a worker has ended, and its moments are lost
   */
  complete(): void;
  /** Ends all workers. */
  close(): Promise<void>;
}

/** The shared data of a team, and its status. */
interface State extends Member {
  readonly threads: number;
  readonly patience: number;
  readonly workers: WorkerHandle[];
  step: number;
  /** The last barrier at which thread 0 arrived. */
  barrier: number;
  /** Whether an update has begun and not ended. */
  updating: boolean;
  /** Whether workers have newer moments than thread 0. */
  behind: boolean;
  shards: number;
  ready: number;
  closed: boolean;
  failure: Error | null;
  /** Ends thread 0's sleep. */
  wake: () => void;
}

/**
 * Starts the workers, and waits until all are ready.
 *
 * @param threads at least 2, including thread 0; threads beyond the number of sentences in a batch would have nothing to do
 * @param resumed the state of the replica, if it is not the initial one; the others are restored to it too
 * @throws WorkerError when a worker does not start; MemoryError if the shared memory is unavailable
 */
export async function createTeam(
  replica: Replica,
  threads: number,
  { start, cores = 0 }: Pick<Threads, 'start' | 'cores'>,
  resumed?: ReplicaState,
): Promise<Team> {
  const { settings, sentences, flatGrads } = replica;
  const lengths = Array.from(sentences.lengths);
  const rowLimits = mostRows(lengths, settings.batch, replica);
  const owners = ownersOf(flatGrads, threads);
  const state: State = {
    replica,
    index: 0,
    owners,
    threads,
    patience: threads <= cores ? PATIENCE_MS : LITTLE_PATIENCE_MS,
    sharedJob: createSharedJob(threads, settings.batch, replica.network.heads.length),
    exchange: createExchange(owners, flatGrads, replica.optimizer.tensors, rowLimits),
    workers: [],
    ...{ step: 0, barrier: 0, updating: false, behind: false, shards: 0 },
    ready: 1,
    closed: false,
    failure: null,
    wake: () => undefined,
  };
  try {
    startWorkers(state, start, rowLimits, resumed);
    await sleepUntil(state, () => state.ready === threads);
  } catch (error) {
    await close(state);
    throw error;
  }
  return {
    addGradient: ({ members, ...job }) => addGradient(state, { ...job, shards: shardsOf(lengths, members, threads) }),
    applyGradient: (lr) => applyGradient(state, lr),
    complete: () => complete(state),
    close: () => close(state),
  };
}

/** The most rows of every sparse gradient that a shard can touch: a shard is at most a whole batch. */
function mostRows(lengths: readonly number[], batch: number, { network, flatGrads }: Replica): RowLimits {
  const longest = [...lengths].sort((a, b) => b - a).slice(0, batch);
  const tokens = longest.reduce((sum, length) => sum + length, 0);
  const trained = Object.entries(sparseRows(network)).filter(([name]) => name in flatGrads); // the others are frozen
  const limits = trained.map(([name, perToken]) => {
    return [name, Math.min(tokens * perToken, flatGrads[name].shape[0])] as const;
  });
  return Object.fromEntries(limits);
}

/** The description from which workers build their replicas. */
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
  const { replica, sharedJob } = state;
  if (state.failure) throw state.failure;
  state.updating = true;
  state.shards = job.shards.length;
  writeJob(sharedJob, job);
  begin(state, 'update');
  const shard = giveGradient(state, job)!; // the first shard is thread 0's
  await meet(state);
  const losses = meanLosses(sharedJob, state.shards);
  const loss = weighted(losses, replica.weights);
  return { ...shard, decisions: job.totals, losses, loss };
}

async function applyGradient(state: State, lr: number): Promise<number> {
  const { replica, shards, sharedJob } = state;
  const part = sumOwnPart(state, shards);
  await meet(state);
  let norm = NaN;
  const step = async (): Promise<void> => {
    updateOwnPart(state, part, lr);
    await meet(state);
    norm = takeOtherParts(state);
  };
  if (replica.average && Number.isFinite(normOfParts(sharedJob))) await replica.average.update(replica.flatGrads, step);
  else await step();
  state.updating = false;
  state.behind = true;
  return norm;
}

function complete(state: State): void {
  const { replica, owners, exchange, sharedJob, threads } = state;
  if (state.failure) throw state.failure;
  if (!state.behind) return;
  if (state.closed) throw lost('the worker threads were stopped during an update');
  begin(state, 'state');
  arrive(sharedJob.control, ++state.barrier, threads);
  const until = performance.now() + STATE_MS;
  while (!arrivedAll(sharedJob.control, state.barrier, threads)) {
    if (performance.now() > until) throw (state.failure = lost(`no answer within ${STATE_MS / 1000} seconds`));
  }
  takeMoments(exchange, owners, 0, replica.flatGrads, replica.optimizer.tensors);
  state.behind = false;
}

const lost = (reason: string): WorkerError =>
  new WorkerError(
    `the state of the optimizer on the other threads is lost: ${reason}; take checkpoints between updates`,
  );

async function close(state: State): Promise<void> {
  try {
    if (!state.closed && !state.updating && !state.failure) complete(state);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error; // it is reported when the state is requested later
  }
  state.closed = true;
  stop(state.sharedJob.control);
  await Promise.all(state.workers.map((worker) => worker.terminate()));
}

/** Lets all threads begin the next step. */
function begin(state: State, act: 'update' | 'state'): void {
  writeAct(state.sharedJob, act);
  beginStep(state.sharedJob.control, ++state.step);
}

/** Arrives at the next barrier, and waits for the others. */
async function meet(state: State): Promise<void> {
  arrive(state.sharedJob.control, ++state.barrier, state.threads);
  await allArrived(state);
}

async function allArrived(state: State): Promise<void> {
  const { threads, patience, sharedJob, barrier } = state;
  const arrived = (): boolean => arrivedAll(sharedJob.control, barrier, threads);
  const until = performance.now() + patience;
  while (!arrived() && performance.now() < until);
  if (arrived()) return;
  // Sets the flag first and then checks, just as the last thread arrives first and then checks: at least one of the two sees the other.
  Atomics.store(sharedJob.control, CONTROL.asleep, 1);
  await sleepUntil(state, arrived);
  Atomics.store(sharedJob.control, CONTROL.asleep, 0);
}

/** Lets the event loop run until a condition holds. The code that makes it hold calls `wake`. */
async function sleepUntil(state: State, come: () => boolean): Promise<void> {
  while (!come()) {
    if (state.failure) throw state.failure;
    await new Promise<void>((resolve) => (state.wake = resolve));
  }
}
