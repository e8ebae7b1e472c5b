/**
 * A pool of worker threads: jobs in, their results out.
 *
 * A worker is started when a job finds no other one free, and never before: a small input pays for no thread. It runs one job after
 * another. What a job and its result hold is copied as `postMessage` copies it.
 */
import { Worker } from 'node:worker_threads';
import { WorkerError } from '../../tensor/errors.js';
import type { SentError } from './errors.js';
import { receivedError } from './errors.js';

/** What a worker answers: that it is ready, or what came of a job. */
export type Answer<Result> =
  | { readonly ready: true }
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: SentError }
  | { readonly failed: SentError };

/** How a pool works. */
export interface PoolOptions<Data> {
  /** Workers at most. */
  readonly size: number;
  /** What every worker gets when it starts; see `serveJobs`. */
  readonly data: Data;
  /**
   * Jobs that may wait at a worker while it runs another one: with 1 it has the next one at hand, with 0 each job goes to whoever is free
   * first. Default 0.
   */
  readonly ahead?: number;
  /** Limits of one worker's memory, as the constructor of `worker_threads` takes them. */
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb?: number };
}

/** Workers that run jobs. */
export interface Pool<Job, Result> {
  /** Workers at most. */
  readonly size: number;
  /** How many jobs wait or run. */
  readonly load: number;
  /**
   * Runs a job. Where all workers are busy it waits for its turn, first come, first served.
   *
   * @throws what the job threw, of its own class; WorkerError if its worker ended, or could not start. The next job then starts another
   *   worker
   */
  run(job: Job): Promise<Result>;
  /** Starts all workers. @throws what one of them could not start with */
  start(): Promise<void>;
  /** Ends all workers, whatever they do. Jobs that wait or run fail with a WorkerError. */
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
  /** Jobs it has, the running one first. */
  readonly jobs: Map<number, Pending<Job, Result>>;
  readonly ready: Promise<void>;
  /** Fails its jobs, and ends it. */
  end(error: WorkerError): Promise<unknown>;
}

/**
 * Makes a pool. No worker starts yet.
 *
 * @param program what workers run: a module that calls `serveJobs`
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

/** The workers there are, and the jobs that no worker has yet. */
function createCrew<Data, Job, Result>(program: URL, options: PoolOptions<Data>) {
  const { size, ahead = 0 } = options;
  const hands: Hand<Job, Result>[] = [];
  const waiting: Pending<Job, Result>[] = [];
  let started = 0;

  function hire(): Hand<Job, Result> {
    const hand = startHand<Data, Job, Result>(program, options, ++started, {
      freed: deal,
      ended() {
        hands.splice(hands.indexOf(hand), 1);
        deal();
      },
    });
    hands.push(hand);
    return hand;
  }

  /** The worker that is to have the next job, where one has room: a new one before a second job for another. */
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
        pending.reject(error); // what cannot be copied
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

/** Starts a worker, which may have jobs before it is ready. */
function startHand<Data, Job, Result>(
  program: URL,
  { size, data, resourceLimits }: PoolOptions<Data>,
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
  const failure = (why: string): WorkerError => new WorkerError(`worker thread ${number} of ${size} failed: ${why}`);
  worker.on('messageerror', (error) => void end(failure(`a message of it could not be read: ${error.message}`)));
  worker.on('error', (error: unknown) => void end(failure(reasonOf(error))));
  worker.on('exit', (code) => void end(failure(`it exited with code ${code}`)));
  return { worker, jobs, ready, end };
}

/** What a worker ended with, in one line; of memory, what to do about it. */
function reasonOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  const [line] = (typeof message === 'string' ? message : String(error)).split('\n');
  if (code !== 'ERR_WORKER_OUT_OF_MEMORY') return line;
  return `${line}: use fewer threads, or raise Node's --max-old-space-size`;
}
