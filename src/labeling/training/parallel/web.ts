/** Web workers for training. */
import { expectFunction } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { newLifeline, watchLifeline } from './lifeline.js';
import type { WorkerMessage } from './messages.js';
import type { Threads, WorkerHandle } from './threads.js';

/** The part of a browser's `Worker` that is used. */
export interface WebWorker {
  /** Sends a message to the worker. */
  postMessage(message: unknown): void;
  /** Adds a listener for messages from the worker, or for its errors. */
  addEventListener(
    kind: 'message' | 'messageerror' | 'error',
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  /** Ends the worker immediately. */
  terminate(): void;
}

/**
 * Threads of a page: web workers in addition to the thread that trains.
 *
 *     const open = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
 *     await train(kernels, corpora, { threads: webThreads(2, open) });
 *
 * where `worker.js` consists of `import { serveTraining } from 'bptt/labeling'; serveTraining();`.
 *
 * A worker that ends during training, even without an error, ends training with a `WorkerError`. Silent ends, by `self.close()` or by the
 * page's own `terminate()`, are noticed through a Web Lock that the worker holds. All browsers that share memory have these locks. If
 * `navigator.locks` is missing, or a worker is of another origin, such an end is not noticed, nor is one before the worker has its lock:
 * training then waits.
 *
 * @param count number of threads, including the calling one
 * @param open starts a worker. It must be written in the page's own code, because bundlers look for it there
 * @throws ArgumentError unless `count` is a positive integer
 */
export function webThreads(count: number, open: () => WebWorker): Threads {
  expectPositiveInteger('webThreads', 'count', count);
  expectFunction('webThreads', 'open', open);
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  return { count, cores: navigator?.hardwareConcurrency, start: () => handleOf(open()) };
}

function handleOf(worker: WebWorker): WorkerHandle {
  let terminated = false;
  return {
    lifeline: newLifeline(),
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.addEventListener('message', ({ data }) => {
        const told = data as WorkerMessage;
        if (told.kind === 'held') {
          watchLifeline(told.lifeline, () => {
            if (!terminated) onEnd('it ended without a message');
          });
        }
        onMessage(data);
      });
      worker.addEventListener('messageerror', () => onEnd('one of its messages could not be read'));
      worker.addEventListener('error', ({ message }) => onEnd(message || 'its module could not be loaded'));
    },
    terminate: async () => {
      terminated = true;
      worker.terminate();
    },
  };
}
