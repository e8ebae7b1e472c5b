/**
 * The suite `threads`: updates of the tagger at B = 64 on one thread, two, four and so on, and on all cores. Before a thread team
 * is timed, its losses are checked like those of a single thread.
 */
import { availableParallelism } from 'node:os';
import type { Kernels } from '../kernels/index.js';
import { nodeThreads } from '../labeling/training/parallel/threads.node.js';
import { createTeam } from '../labeling/training/parallel/team.js';
import { repeatable, sharingObstacle } from '../labeling/training/parallel/threads.js';
import { createReplica } from '../labeling/training/replica.js';
import { messageOf } from '../tensor/errors.js';
import type { Problem } from './problem.js';
import { CHECKED_STEPS, createProblem, createTrainer, LEARNING_RATE, planOf } from './problem.js';
import type { Reference } from './reference.js';
import { faultIn, referenceOf, trainingFault } from './reference.js';
import { sampling, samplingAsync } from './timing.js';
import type { Contestant, Context, SuiteParts } from './types.js';

const CASE = 'train-b64-lstm';
const BATCH = 64;

/** The race of the suite. */
export async function* threads(context: Context): SuiteParts {
  const backend = context.backends.find(({ system }) => system === 'bptt');
  if (backend === undefined || !context.wants(CASE)) return;
  const { system, kernels } = backend;
  context.progress(`threads ${CASE}: checking`, 0, 1);
  const problem = createProblem('lstm', BATCH);
  const reference = referenceOf(problem);
  const fault = trainingFault(kernels, problem, reference);
  if (fault !== undefined) {
    context.wrong(`threads ${CASE}: ${system} is wrong and was not timed: ${fault}`);
    return;
  }
  const { step, close } = createTrainer(kernels, problem);
  const sample = sampling(over(problem, step));
  const contestants: Contestant[] = [
    { system, version: context.version, backend: kernels.backend, threads: 1, sample, close },
  ];
  for (const count of countsOf(availableParallelism())) {
    contestants.push(...(await teamContestants(context, `threads ${CASE}`, kernels, problem, reference, count)));
  }
  const work = BATCH * problem.sizes.T;
  yield { suite: 'threads', case: CASE, metric: 'tokens/s', work, contestants };
}

/** 2, 4, 8, … below the number of cores, and the number of cores itself. */
function countsOf(cores: number): number[] {
  const counts: number[] = [];
  for (let n = 2; n < cores; n *= 2) counts.push(n);
  return cores > 1 ? [...counts, cores] : counts;
}

/** A team of `count` threads with correct losses; undefined, with a note of the reason, if it is unavailable or wrong. */
export async function teamContestants(
  context: Context,
  label: string,
  kernels: Kernels,
  problem: Problem,
  reference: Reference,
  count: number,
): Promise<Contestant[]> {
  const obstacle =
    sharingObstacle() ??
    (repeatable(kernels.backend) === undefined ? `${kernels.backend} runs on one thread` : undefined);
  if (obstacle !== undefined) {
    context.note(`skipped bptt on ${count} threads in ${label}: ${obstacle}`);
    return [];
  }
  try {
    const trainer = await createTeamTrainer(kernels, problem, count);
    const losses: number[] = [];
    for (let i = 0; i < CHECKED_STEPS; i++) losses.push(await trainer.step(0));
    const fault = faultIn('losses', losses, reference.training().losses);
    if (fault === undefined) {
      const sample = samplingAsync(over(problem, trainer.step));
      const { version } = context;
      const close = trainer.close;
      return [{ system: 'bptt', version, backend: kernels.backend, threads: count, sample, close }];
    }
    await trainer.close();
    context.wrong(`${label}: bptt on ${count} threads is wrong and was not timed: ${fault}`);
  } catch (error) {
    context.note(`skipped bptt on ${count} threads in ${label}: ${messageOf(error)}`);
  }
  return [];
}

/** Calls a function with one batch after another. */
function over<A>(problem: Problem, act: (batch: number) => A): () => A {
  let next = 0;
  return () => act(next++ % problem.batches.length);
}

/** Training on several threads: the operations that make up an update of `bptt train --threads`. */
async function createTeamTrainer(kernels: Kernels, problem: Problem, count: number) {
  const replica = createReplica(kernels, planOf(problem));
  const team = await createTeam(replica, count, nodeThreads(count));
  const { B, sizes } = problem;
  return {
    /** Runs one update on the batch with this index; returns the loss before it. */
    async step(batch: number): Promise<number> {
      const members = Array.from({ length: B }, (_, b) => batch * B + b);
      const moment = { epoch: 1, batch };
      const shard = await team.addGradient({
        members,
        totals: [B * sizes.T],
        lr: LEARNING_RATE,
        moment,
      });
      await team.applyGradient(LEARNING_RATE);
      return shard.loss;
    },
    /** Ends the threads and frees the backend memory held by the training. */
    async close(): Promise<void> {
      await team.close();
      replica.release();
    },
  };
}
