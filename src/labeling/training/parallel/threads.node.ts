/**
 * Worker threads of Node as the threads of a training.
 *
 * @module bptt/threads
 */
import { existsSync } from 'node:fs';
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
   * The module that workers run: `bptt/threads/worker`, which lies beside this code. A bundle moves this code away from it: build
   * that module as a file of its own and pass its URL.
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
 * @param count threads, the calling one included. More than the machine has cores take turns
 * @throws ArgumentError unless `count` is a positive integer
 */
export function nodeThreads(count: number, options: NodeThreadsOptions = {}): Threads {
  expectPositiveInteger('nodeThreads', 'count', count);
  expectKnownKeys('nodeThreads', 'options', options, KEYS);
  const start = () => handleOf(new Worker(options.module ?? ownModule(), { resourceLimits: options.resourceLimits }));
  return { count, cores: availableParallelism(), start };
}

const PASS_IT = "nodeThreads(n, { module: new URL('./worker.js', import.meta.url) })";

/** The module beside this one. @throws WorkerError where this code was moved away from it */
function ownModule(): URL {
  const place = here === undefined ? undefined : new URL('./worker.node.js', here);
  if (place !== undefined && existsSync(place)) return place;
  throw new WorkerError(
    `worker threads cannot start: expected their module ${place === undefined ? 'beside this code' : `at ${place.href}`}, ` +
      'where it is not: this code was bundled without it. Build bptt/threads/worker as a file of its own and pass its URL, ' +
      `${PASS_IT}; or leave bptt out of the bundle`,
  );
}

/** What a worker ended with: whatever it threw. The first line alone, because Node adds the modules that asked for a missing one. */
function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return (typeof message === 'string' ? message : String(error)).split('\n')[0];
}

/** What to do about it, where its code tells. */
function adviceOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'train with fewer threads, or raise their resourceLimits';
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  return `pass the URL of bptt/threads/worker, built as a file of its own: ${PASS_IT}`;
}

function handleOf(worker: Worker): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('messageerror', (error) => onEnd(`a message of it could not be read: ${error.message}`));
      worker.on('error', (error: unknown) => onEnd(reasonOf(error), adviceOf(error)));
      worker.on('exit', (code) => onEnd(`it exited with code ${code}`));
    },
    terminate: async () => void (await worker.terminate()),
  };
}
