/** Decides which threads a training run gets, and gives the reason if there are fewer than requested. */
import type { Kernels } from '../../../kernels/types.js';
import { expectMethod } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';

/** A started worker, as seen by thread 0, in any environment. */
export interface WorkerHandle {
  /** Name of a lock that the worker must hold while it runs, if its end would otherwise go unnoticed. */
  readonly lifeline?: string;
  /** Sends a message to the worker. */
  post(message: unknown): void;
  /**
   * Sets the listeners of the worker; called once, before the first `post`.
   *
   * @param onMessage receives everything that the worker posts
   * @param onEnd receives the reason when the worker ends by itself or is ended by other code, and advice if there is any; it need not be
   *   called after `terminate`
   */
  listen(onMessage: (message: unknown) => void, onEnd: (reason: string, advice?: string) => void): void;
  /** Ends the worker immediately. */
  terminate(): Promise<void>;
}

/** Threads for training: created by `nodeThreads` in Node, by `webThreads` in a browser. */
export interface Threads {
  /** Number of threads, including the calling one. */
  readonly count: number;
  /** Number of cores, if known. With more threads than cores, a waiting thread gives up its core immediately. */
  readonly cores?: number;
  /**
   * Set to choose, by timing a few updates with this clock in milliseconds, between this many threads, half of them and so on, down to one.
   */
  readonly measure?: {
    /** The time in milliseconds. */
    now(): number;
  };
  /** Starts a worker that runs `serveTraining`. */
  start(): WorkerHandle;
}

/** The number of threads that training uses. */
export interface ThreadChoice {
  readonly threads: number;
  /** Why there are fewer than requested, or what decided. */
  readonly reason?: string;
}

/** Backends that every thread can open separately, and their names in `selectBackend`. */
const REPEATABLE: Readonly<Record<string, string>> = {
  reference: 'reference',
  cpu: 'cpu',
  'wasm-simd': 'wasm',
  'wasm-relaxed-simd': 'wasm-relaxed',
};

/** The name by which `selectBackend` opens the running backend; undefined if it cannot be opened twice. */
export function repeatable(backend: string): string | undefined {
  return Object.hasOwn(REPEATABLE, backend) ? REPEATABLE[backend] : undefined;
}

/**
 * Chooses the number of threads.
 *
 * @param kernels the backend that computes the gradients
 * @param batch sentences per update: more threads would have nothing to do
 * @param own the kind of custom part in the model: `a custom cell`
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
  if (own !== undefined) return alone(`${own} runs on one thread only: functions cannot be sent to workers`);
  if (repeatable(kernels.backend) === undefined) {
    return alone(`the backend ${kernels.backend} runs on one thread only; cpu and wasm run on several`);
  }
  if (threads.count > batch) {
    const some = batch === 1 ? '1 sentence' : `${batch} sentences`;
    return { threads: batch, reason: `a batch of ${some} uses no more threads` };
  }
  return { threads: threads.count };
}

/** Why threads cannot share memory here; undefined if they can. */
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
