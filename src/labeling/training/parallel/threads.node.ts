/**
 * Worker threads of Node as the threads of a training.
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

/** How workers are started. */
export interface NodeThreadsOptions {
  /**
   * The module that workers run: `bptt/threads/worker`, which lies beside this code. Next.js builds it along with a server. A
   * bundle of others moves this code away from it: build that module as a file of its own and pass its URL.
   */
  readonly module?: string | URL;
  /** Limits of one worker's memory, as the constructor of `worker_threads` takes them. */
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb?: number; readonly maxYoungGenerationSizeMb?: number };
}

const KEYS = keysOf<NodeThreadsOptions>({ module: true, resourceLimits: true });

/**
 * Threads of a Node process: workers beside the thread that trains.
 *
 *     await train(kernels, corpora, { threads: nodeThreads(2) });
 *
 * @param count threads, the calling one included. More than the machine has cores take turns. `auto`: one for each core, half as many and
 *   so on, or one, as a few updates on a copy of the model show what is fastest
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
  'this code was bundled without it. Build bptt/threads/worker as a file of its own and pass its URL, ' +
  `${PASS_IT}; or leave bptt out of the bundle`;

/**
 * Starts a worker on the module that was passed, or on the one beside this file. Turbopack builds a worker that is written as
 * `new Worker(new URL(…, import.meta.url))`, and leaves one alone where a comment asks for it.
 *
 * @throws WorkerError if this code does not know its own URL
 */
function workerOf(options: NodeThreadsOptions): Worker {
  const { resourceLimits } = options;
  if (options.module !== undefined) {
    return new Worker(/* turbopackIgnore: true */ options.module, { resourceLimits });
  }
  if (here !== undefined) return new Worker(new URL('./worker.node.js', here), { resourceLimits });
  throw new WorkerError(`worker threads cannot start: the URL of their module is unknown, because ${LEFT_BEHIND}`);
}

/** What a worker ended with: whatever it threw. The first line alone, because Node adds the modules that asked for a missing one. */
function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return (typeof message === 'string' ? message : String(error)).split('\n')[0];
}

/** What to do about it, where its code tells. */
function adviceOf(error: unknown, passed: boolean): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'train with fewer threads, or raise their resourceLimits';
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  return passed ? `pass the URL of bptt/threads/worker, built as a file of its own: ${PASS_IT}` : LEFT_BEHIND;
}

function handleOf(worker: Worker, passed: boolean): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('messageerror', (error) => onEnd(`a message of it could not be read: ${error.message}`));
      worker.on('error', (error: unknown) => onEnd(reasonOf(error), adviceOf(error, passed)));
      worker.on('exit', (code) => onEnd(`it exited with code ${code}`));
    },
    terminate: async () => void (await worker.terminate()),
  };
}
