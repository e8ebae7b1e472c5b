/**
 * Node worker threads for training.
 *
 * @module bptt/threads
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expectKnownKeys, expectPositiveInteger, keysOf } from '../../../tensor/checks.js';
import { WorkerError } from '../../../tensor/errors.js';
import type { Threads, WorkerHandle } from './threads.js';

// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- an error in CommonJS only, where scripts/build.js replaces it
// @ts-ignore
const here: string | undefined = import.meta.url; // a bundle in CommonJS has none

/** Options for starting workers. */
export interface NodeThreadsOptions {
  /**
   * The module that workers run: `bptt/threads/worker`, which is next to this code. Next.js builds it along with a server. Other bundlers
   * move this code away from it: build that module as a separate file and pass its URL.
   */
  readonly module?: string | URL;
  /** Memory limits of one worker, as for the constructor in `worker_threads`. */
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb?: number; readonly maxYoungGenerationSizeMb?: number };
}

const KEYS = keysOf<NodeThreadsOptions>({ module: true, resourceLimits: true });

/**
 * Threads of a Node process: workers in addition to the thread that trains.
 *
 *     await train(kernels, corpora, { threads: nodeThreads(2) });
 *
 * @param count number of threads, including the calling one. If there are more threads than cores, they take turns. `auto` chooses between
 *   one per core, half as many and so on, down to one, by timing a few updates on a copy of the model
 * @throws ArgumentError unless `count` is a positive integer or `auto`
 */
export function nodeThreads(count: number | 'auto', options: NodeThreadsOptions = {}): Threads {
  if (count === 'auto') {
    return { ...nodeThreads(availableParallelism(), options), measure: { now: () => performance.now() } };
  }
  expectPositiveInteger('nodeThreads', 'count', count);
  expectKnownKeys('nodeThreads', 'options', options, KEYS);
  const start = () => handleOf(workerOf(options), options.module !== undefined);
  return { count, cores: availableParallelism(), start };
}

const PASS_IT = "nodeThreads(n, { module: new URL('./worker.js', import.meta.url) })";
const LEFT_BEHIND =
  'this code was bundled without it. Build bptt/threads/worker as a separate file and pass its URL, ' +
  `${PASS_IT}; or leave bptt out of the bundle`;

/**
 * Starts a worker on the module that was passed, or on the one next to this file. Turbopack bundles any worker written as `new Worker(new
 * URL(…, import.meta.url))`, unless a comment tells it not to.
 *
 * @throws WorkerError if the URL of this code is unknown
 */
function workerOf(options: NodeThreadsOptions): Worker {
  const { resourceLimits } = options;
  if (options.module !== undefined) {
    return new Worker(/* turbopackIgnore: true */ options.module, { resourceLimits });
  }
  if (here !== undefined) return new Worker(new URL('./worker.node.js', here), { resourceLimits });
  throw new WorkerError(`worker threads cannot start: the URL of their module is unknown, because ${LEFT_BEHIND}`);
}

/**
 * The error that ended a worker, which may be any value. Only its first line, because Node appends the modules that imported a missing one.
 */
function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return (typeof message === 'string' ? message : String(error)).split('\n')[0];
}

/** Advice on the error, if its code is known. */
function adviceOf(error: unknown, passed: boolean): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'train with fewer threads, or raise their resourceLimits';
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  return passed ? `pass the URL of bptt/threads/worker, built as a separate file: ${PASS_IT}` : LEFT_BEHIND;
}

function handleOf(worker: Worker, passed: boolean): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('messageerror', (error) => onEnd(`one of its messages could not be read: ${error.message}`));
      worker.on('error', (error: unknown) => onEnd(reasonOf(error), adviceOf(error, passed)));
      worker.on('exit', (code) => onEnd(`it exited with code ${code}`));
    },
    terminate: async () => void (await worker.terminate()),
  };
}
