/** Runs the jobs of `bptt tag`: in the command itself, or in worker threads. */
import { availableParallelism } from 'node:os';
import { repeatable } from '../../labeling/training/parallel/threads.js';
import type { Model } from '../../labeling/model/model.js';
import { createTagger } from '../../labeling/model/tagger.js';
import { ArgumentError } from '../../tensor/index.js';
import { openBackend } from '../backend.js';
import { inOrder } from '../pool/in-order.js';
import type { Pool } from '../pool/pool.js';
import { openPool } from '../pool/pool.js';
import { answerChunk } from './chunk-jobs.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import { answer } from './jobs.js';
import type { SentJob, TagWorkerData } from './worker.js';
import type { Terminal } from '../terminal.js';

/** Runs labeling jobs. */
export interface TagWorkers {
  /** Returns the results of jobs, in order. */
  answers(jobs: AsyncIterable<TagJob>): AsyncIterable<TagResult>;
  close(): Promise<void>;
}

/** Jobs assigned to a worker: the current one and the next. */
const AT_ONCE = 2;

/** The pool of additional labeling threads. */
export type TagPool = Pool<SentJob, TagResult>;

/**
 * Opens the pool of additional labeling threads: one fewer than `threads`, because the thread that reads and writes also labels.
 *
 * @param early whether to start them at once, because the input is known to be large
 */
export function openTagPool(
  { bytes, path, cell, backend, threads }: TagWorkerData & { readonly threads: number | 'auto' },
  early: boolean,
): TagPool {
  const size = (threads === 'auto' ? availableParallelism() : threads) - 1;
  const program = new URL('./worker.js', import.meta.url);
  const pool: TagPool = openPool(program, {
    size,
    data: { bytes, path, cell, backend },
    ahead: AT_ONCE - 1,
    beside: 1,
  });
  if (early) pool.start().catch(() => undefined); // the first job throws this error
  return pool;
}

/** A model, other threads with the same model, and how answers are written. */
interface Labeling {
  readonly model: Model;
  readonly pool: TagPool;
  readonly settings: TagSettings;
  readonly backend: string;
}

/**
 * Opens the backend for this thread; each worker opens its own.
 *
 * @throws whatever opening the backend throws, at once; ArgumentError if it supports only one thread and more are requested
 */
export async function openTagWorkers(
  { model, pool, settings, backend }: Labeling,
  terminal: Terminal,
): Promise<TagWorkers> {
  const threads = pool.size + 1;
  const { kernels } = await openBackend(backend, terminal, threads);
  if (threads > 1 && repeatable(kernels.backend) === undefined) {
    kernels.dispose();
    throw new ArgumentError(
      `--threads ${threads}: the backend ${kernels.backend} runs on one thread only; leave --threads out, or choose cpu or wasm-simd`,
    );
  }
  const tagger = createTagger(model, kernels);
  const own = async ({ job }: SentJob): Promise<TagResult> =>
    job.kind === 'chunk' ? answerChunk(tagger, settings, job) : answer(tagger, settings, job);
  const crew = createCrew(pool, own);
  const run = (job: TagJob): Promise<TagResult> => (threads === 1 ? own : crew)({ settings, job });
  return {
    // Twice what the workers hold: meanwhile this thread completes as many jobs as they do.
    answers: (jobs) => (threads === 1 ? oneByOne(jobs, run) : inOrder(jobs, run, 2 * AT_ONCE * threads)),
    async close() {
      await pool.close();
      tagger.dispose();
      kernels.dispose();
    },
  };
}

async function* oneByOne<Job, Result>(
  jobs: AsyncIterable<Job>,
  run: (job: Job) => Promise<Result>,
): AsyncGenerator<Result> {
  for await (const job of jobs) yield await run(job);
}

/**
 * Distributes jobs between the workers and this thread: a job goes to a worker with capacity, else to this thread if it is idle.
 * Until the workers have started, this thread works alone; they start with the second job, so that a small input does not pay for
 * threads.
 *
 * @param own does a job on this thread
 * @returns a function that runs a job; it throws whatever the job or the start of a worker threw
 */
export function createCrew<Job, Result>(
  pool: Pick<Pool<Job, Result>, 'size' | 'load' | 'run' | 'start'>,
  own: (job: Job) => Promise<Result>,
): (job: Job) => Promise<Result> {
  const waiting: Waiting<Job, Result>[] = [];
  const turns = createTurns(waiting, own, deal);
  let [jobs, ready] = [0, false];
  let failed: Promise<never> | undefined;

  function start(): void {
    pool.start().then(
      () => {
        ready = true;
        deal();
      },
      (error: unknown) => {
        failed = Promise.reject(error as Error);
        failed.catch(() => undefined); // for waiting and future jobs
        for (const { resolve } of waiting.splice(0)) resolve(failed);
      },
    );
  }

  function deal(): void {
    while (ready && waiting.length > 0 && pool.load < AT_ONCE * pool.size) {
      const { job, resolve } = waiting.shift()!;
      const result = pool.run(job);
      resolve(result);
      result.then(deal, () => undefined);
    }
    turns.take();
  }

  return (job) => {
    if (failed) return failed;
    if (++jobs === 2) start();
    return new Promise((resolve) => {
      waiting.push({ job, resolve });
      deal();
    });
  };
}

interface Waiting<Job, Result> {
  readonly job: Job;
  resolve(result: Result | Promise<Result>): void;
}

/** This thread runs one job after another; in between, it reads, writes, and handles messages from the workers. */
function createTurns<Job, Result>(
  waiting: Waiting<Job, Result>[],
  own: (job: Job) => Promise<Result>,
  next: () => void,
) {
  let busy = false;
  const end = (): void => {
    busy = false;
    next();
  };
  function turn(): void {
    const first = waiting.shift();
    if (first === undefined) return end();
    const result = own(first.job);
    first.resolve(result);
    result.then(end, end);
  }
  return {
    /** Takes a waiting job if the thread has none. */
    take(): void {
      if (busy || waiting.length === 0) return;
      busy = true;
      setImmediate(turn);
    },
  };
}
