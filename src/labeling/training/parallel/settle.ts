/** The threads of a training: how many, and the team of them. What several threads need is loaded where there are several. */
import type { TrainHooks } from '../record.js';
import type { Replica } from '../replica.js';
import type { ReplicaState } from '../checkpoint.js';
import type { Run } from '../run.js';
import type { Team } from './team.js';
import type { ThreadChoice, Threads } from './threads.js';
import { chooseThreads } from './threads.js';

/**
 * How many threads a training gets: as many as `chooseThreads` says, or, where they are to be measured, fewer if those are faster.
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
  const { measureThreads } = await import('./trial.js');
  return measureThreads(run, choice, threads, threads.measure.now, resume);
}

/** The team of so many threads, or nothing for one alone. */
export async function teamOf(
  replica: Replica,
  { threads: count }: ThreadChoice,
  threads: Threads | undefined,
  state?: ReplicaState,
): Promise<Team | null> {
  if (threads === undefined || count === 1) return null;
  const { createTeam } = await import('./team.js');
  return createTeam(replica, count, threads, state);
}
