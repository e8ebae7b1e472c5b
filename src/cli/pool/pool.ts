/**
 * A pool of worker threads: jobs in, their results out.
 *
 * A worker is started only when a job finds no free worker, so that a small input does not pay for threads. It runs one job after
 * another. Jobs and results are copied by `postMessage`.
 */
import { Worker } from 'node:worker_threads';
import { WorkerError } from '../../tensor/errors.js';
import type { SentError } from './errors.js';
import { receivedError } from './errors.js';

/** Message from a worker: that it is ready, or the result of a job. */
export type Answer<Result> =
  | { readonly ready: true }
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: SentError }
  | { readonly failed: SentError };

/** Options of a pool. */
export interface PoolOptions<Data> {
  /** Maximum number of workers. */
  readonly size: number;
  /** Data that every worker receives at startup; see `serveJobs`. */
  readonly data: Data;
  /**
   * Number of jobs queued at a worker while it runs another one: with 1 it always has the next one ready, with 0 each job goes to
   * the first free worker. Default 0.
   */
  readonly ahead?: number;
  /** Number of threads that run jobs beside the workers, counted before them in messages. Default 0. */
  readonly beside?: number;
  /** Memory limits of one worker, as for the constructor of `worker_threads`. */
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb?: number };
}

/** Workers that run jobs. */
export interface Pool<Job, Result> {
  /** Maximum number of workers. */
  readonly size: number;
  /** Number of waiting and running jobs. */
  readonly load: number;
  /**
   * Runs a job. If all workers are busy, it waits in a first-come, first-served queue.
   *
   * @throws whatever the job threw, with its original class; WorkerError if its worker ended or could not start. The next job
   *   then starts another worker
   */
  run(job: Job): Promise<Result>;
  /** Starts all workers. @throws the error with which one of them failed to start */
  start(): Promise<void>;
  /** Ends all workers immediately. Waiting and running jobs fail with a WorkerError. */
  close(): Promise<void>;
}

interface Pending<Job, Result> {
  readonly id: number;
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

interface Hand<Job, Result> {
  readonly worker: Worker;
  /** From 1, at most the size of the pool: a worker takes the number of one that ended. */
  readonly number: number;
  /** Its jobs, the running one first. */
  readonly jobs: Map<number, Pending<Job, Result>>;
  readonly ready: Promise<void>;
  /** Fails its jobs, and ends it. */
  end(error: WorkerError): Promise<unknown>;
}

/**
 * Creates a pool without starting any worker.
 *
 * @param program module that workers run, which calls `serveJobs`
 */
export function openPool<Data, Job, Result>(program: URL, options: PoolOptions<Data>): Pool<Job, Result> {
  const { size } = options;
  const crew = createCrew<Data, Job, Result>(program, options);
  let [jobs, closed] = [0, false];
  return {
    size,
    get load() {
      return crew.waiting.length + crew.hands.reduce((sum, hand) => sum + hand.jobs.size, 0);
    },
    run: (job) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(isClosed());
        crew.waiting.push({ id: jobs++, job, resolve, reject });
        crew.deal();
      }),
    async start() {
      while (crew.hands.length < size) crew.hire();
      await Promise.all(crew.hands.map((hand) => hand.ready));
    },
    async close() {
      closed = true;
      for (const { reject } of crew.waiting.splice(0)) reject(isClosed());
      await Promise.all(crew.hands.slice().map((hand) => hand.end(isClosed())));
    },
  };
}

/** The existing workers, and the jobs not yet assigned to one. */
function createCrew<Data, Job, Result>(program: URL, options: PoolOptions<Data>) {
  const { size, ahead = 0 } = options;
  const hands: Hand<Job, Result>[] = [];
  const waiting: Pending<Job, Result>[] = [];

  function hire(): Hand<Job, Result> {
    let number = 1;
    while (hands.some((hand) => hand.number === number)) number++;
    const hand = startHand<Data, Job, Result>(program, options, number, {
      freed: deal,
      ended() {
        hands.splice(hands.indexOf(hand), 1);
        deal();
      },
    });
    hands.push(hand);
    return hand;
  }

  /** The worker for the next job, if one has capacity: starting a new worker takes precedence over queueing a second job. */
  function freeHand(): Hand<Job, Result> | undefined {
    const least = hands.toSorted((a, b) => a.jobs.size - b.jobs.size).at(0);
    if (least?.jobs.size === 0) return least;
    if (hands.length < size) return hire();
    return least !== undefined && least.jobs.size <= ahead ? least : undefined;
  }

  function deal(): void {
    while (waiting.length > 0) {
      const hand = freeHand();
      if (hand === undefined) return;
      const pending = waiting.shift()!;
      hand.jobs.set(pending.id, pending);
      try {
        hand.worker.postMessage({ id: pending.id, job: pending.job });
      } catch (error) {
        hand.jobs.delete(pending.id);
        pending.reject(error); // data that cannot be copied
      }
    }
  }

  return { hands, waiting, hire, deal };
}

const isClosed = (): WorkerError => new WorkerError('the pool of worker threads is closed');

interface Listeners {
  readonly freed: () => void;
  readonly ended: () => void;
}

/** Starts a worker, which can receive jobs before it is ready. */
function startHand<Data, Job, Result>(
  program: URL,
  { size, data, beside = 0, resourceLimits }: PoolOptions<Data>,
  number: number,
  { freed, ended }: Listeners,
): Hand<Job, Result> {
  const worker = new Worker(program, { workerData: data, ...(resourceLimits && { resourceLimits }) });
  const jobs = new Map<number, Pending<Job, Result>>();
  let over = false;
  let settle: { resolve(): void; reject(error: unknown): void };
  const ready = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  ready.catch(() => undefined); // `start` and jobs report it
  const end = (error: unknown): Promise<unknown> => {
    const gone = worker.terminate();
    if (over) return gone;
    over = true;
    settle.reject(error);
    const lost = [...jobs.values()];
    jobs.clear();
    for (const { reject } of lost) reject(error);
    ended();
    return gone;
  };
  worker.on('message', (answer: Answer<Result>) => {
    if ('ready' in answer) return settle.resolve();
    if ('failed' in answer) return void end(receivedError(answer.failed));
    const pending = jobs.get(answer.id);
    jobs.delete(answer.id);
    freed();
    if ('error' in answer) pending?.reject(receivedError(answer.error));
    else pending?.resolve(answer.result);
  });
  const name = `thread ${beside + number} of ${beside + size}`;
  const failure = (why: string): WorkerError => new WorkerError(`${name} failed: ${why}`);
  worker.on('messageerror', (error) => void end(failure(`a message of it could not be read: ${error.message}`)));
  worker.on('error', (error: unknown) => void end(failure(reasonOf(error))));
  worker.on('exit', (code) => void end(failure(`it exited with code ${code}`)));
  return { worker, number, jobs, ready, end };
}

/** Why a worker ended, in one line; for lack of memory, with advice. */
function reasonOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  const [line] = (typeof message === 'string' ? message : String(error)).split('\n');
  if (code !== 'ERR_WORKER_OUT_OF_MEMORY') return line;
  return `${line}: use fewer threads, or raise Node's --max-old-space-size`;
}
