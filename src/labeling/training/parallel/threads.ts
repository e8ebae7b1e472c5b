/** Which threads a training gets, and why it may get fewer than it asked for. */
import type { Kernels } from '../../../kernels/types.js';
import { expectMethod } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';

/** A started worker, as thread 0 sees it, whatever the environment calls it. */
export interface WorkerHandle {
  /** Name of a lock that the worker is to hold while it lives, where nothing else would tell of its end. */
  readonly lifeline?: string;
  /** Sends a message to the worker. */
  post(message: unknown): void;
  /**
   * Sets the listeners of the worker; called once, before the first `post`.
   *
   * @param onMessage gets everything the worker posts
   * @param onEnd gets the reason when the worker ends by itself or is ended by others, and what to do where that is known; after
   *   `terminate` it may stay silent
   */
  listen(onMessage: (message: unknown) => void, onEnd: (reason: string, advice?: string) => void): void;
  /** Ends the worker at once. */
  terminate(): Promise<void>;
}

/** Threads to train with: `nodeThreads` makes them in Node, `webThreads` in a browser. */
export interface Threads {
  /** The calling thread included. */
  readonly count: number;
  /** Cores of the machine, where that is known. With more threads than these, a waiting thread leaves its core to the others at once. */
  readonly cores?: number;
  /** Where a few updates, timed by this clock in milliseconds, decide between so many threads, half of them and so on, and one. */
  readonly measure?: {
    /** The time in milliseconds. */
    now(): number;
  };
  /** Starts a worker that runs `serveTraining`. */
  start(): WorkerHandle;
}

/** How many threads a training uses. */
export interface ThreadChoice {
  readonly threads: number;
  /** Why there are fewer than asked for, or what decided. */
  readonly reason?: string;
}

/** Backends that every thread can open for itself, and their names in `selectBackend`. */
const REPEATABLE: Readonly<Record<string, string>> = {
  reference: 'reference',
  cpu: 'cpu',
  'wasm-simd': 'wasm',
  'wasm-relaxed-simd': 'wasm-relaxed',
};

/** The name by which `selectBackend` opens the backend that is running, or nothing where a second one is unavailable. */
export function repeatable(backend: string): string | undefined {
  return Object.hasOwn(REPEATABLE, backend) ? REPEATABLE[backend] : undefined;
}

/**
 * How many threads to use.
 *
 * @param kernels what computes the gradients
 * @param batch sentences per update: no more threads have anything to do
 * @param own the part of the model that is your own, in a word: `a cell`
 * @throws ArgumentError unless the count is a positive integer
 */
export function chooseThreads(
  threads: Threads | undefined,
  kernels: Pick<Kernels, 'backend'>,
  batch: number,
  own?: string,
): ThreadChoice {
  if (threads === undefined) return { threads: 1 };
  expectMethod('train', 'threads', threads, 'start', 'nodeThreads(n) or webThreads(n, …)');
  expectPositiveInteger('train', 'threads', threads.count);
  if (threads.count === 1) return { threads: 1 };
  const alone = (reason: string): ThreadChoice => ({ threads: 1, reason });
  const obstacle = sharingObstacle();
  if (obstacle !== undefined) return alone(obstacle);
  if (own !== undefined) return alone(`${own} of your own runs on one thread only: workers get no functions`);
  if (repeatable(kernels.backend) === undefined) {
    return alone(`the backend ${kernels.backend} runs on one thread only; cpu and wasm run on several`);
  }
  if (threads.count > batch) {
    const some = batch === 1 ? '1 sentence' : `${batch} sentences`;
    return { threads: batch, reason: `a batch of ${some} occupies no more threads` };
  }
  return { threads: threads.count };
}

/** Why threads cannot share memory here, or nothing where they can. */
export function sharingObstacle(): string | undefined {
  const scope = globalThis as { SharedArrayBuffer?: unknown; Atomics?: unknown; crossOriginIsolated?: boolean };
  if (scope.crossOriginIsolated === false || scope.SharedArrayBuffer === undefined || scope.Atomics === undefined) {
    return (
      'shared memory (SharedArrayBuffer) is not available here: a page must be served with the headers ' +
      'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  return undefined;
}
