/** Worker threads of Node as the threads of a training. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import type { Threads, WorkerHandle } from './threads.js';

// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- an error in CommonJS only, where scripts/build.js replaces it
// @ts-ignore
const here: string = import.meta.url;

/** How workers are started. */
export interface NodeThreadsOptions {
  /** A module that calls `serveTraining`; by default this package's own. */
  readonly module?: string | URL;
  /** Limits of one worker's memory, as the constructor of `worker_threads` takes them. */
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb?: number; readonly maxYoungGenerationSizeMb?: number };
}

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
  const { module = new URL('./worker.node.js', here), resourceLimits } = options;
  return { count, cores: availableParallelism(), start: () => handleOf(new Worker(module, { resourceLimits })) };
}

function handleOf(worker: Worker): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('messageerror', (error) => onEnd(`a message of it could not be read: ${error.message}`));
      worker.on('error', (error) => onEnd(error instanceof Error ? error.message : String(error)));
      worker.on('exit', (code) => onEnd(`it exited with code ${code}`));
    },
    terminate: async () => void (await worker.terminate()),
  };
}
