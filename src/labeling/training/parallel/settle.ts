/**
 * The threads of a training run: their number, and the team. The imports are static: with a dynamic one, a bundler that makes one file wraps
 * every module which it reaches, and a tagger that trains nothing is 4.7 kB larger.
 */
import type { TrainHooks } from '../record.js';
import type { Replica } from '../replica.js';
import type { ReplicaState } from '../checkpoint.js';
import type { Run } from '../run.js';
import type { Team } from './team.js';
import type { ThreadChoice, Threads } from './threads.js';
import { createTeam } from './team.js';
import { chooseThreads } from './threads.js';
import { measureThreads } from './trial.js';

/**
 * Decides how many threads a run gets: the number from `chooseThreads`, or, with measurement, fewer if those are faster.
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
  return measureThreads(run, choice, threads, threads.measure.now, resume);
}

/** Returns the team of this many threads; null for a single thread. */
export async function teamOf(
  replica: Replica,
  { threads: count }: ThreadChoice,
  threads: Threads | undefined,
  state?: ReplicaState,
): Promise<Team | null> {
  if (threads === undefined || count === 1) return null;
  return createTeam(replica, count, threads, state);
}
