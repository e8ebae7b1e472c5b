/** Web workers as the threads of a training. */
import { expectPositiveInteger } from '../../tensor/checks.js';
import type { Threads, WorkerHandle } from './threads.js';

/** What this uses of a browser's `Worker`. */
export interface WebWorker {
  postMessage(message: unknown): void;
  addEventListener(
    kind: 'message' | 'messageerror' | 'error',
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  terminate(): void;
}

/**
 * Threads of a page: web workers beside the thread that trains.
 *
 *     const open = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
 *     await train(kernels, corpora, { threads: webThreads(2, open) });
 *
 * where `worker.js` consists of `import { serveTraining } from 'bptt/labeling'; serveTraining();`.
 *
 * @param count threads, the calling one included
 * @param open starts a worker. It is written in the page's own code, because that is where bundlers look for it
 * @throws ArgumentError unless `count` is a positive integer
 */
export function webThreads(count: number, open: () => WebWorker): Threads {
  expectPositiveInteger('webThreads', 'count', count);
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  return { count, cores: navigator?.hardwareConcurrency, start: () => handleOf(open()) };
}

function handleOf(worker: WebWorker): WorkerHandle {
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.addEventListener('message', ({ data }) => onMessage(data));
      worker.addEventListener('messageerror', () => onEnd('a message of it could not be read'));
      worker.addEventListener('error', ({ message }) => onEnd(message || 'its module could not be loaded'));
    },
    terminate: async () => worker.terminate(),
  };
}
