/** What a page runs: a training on web workers. `threads.test.ts` calls it. */
import { webThreads } from '../../src/labeling/index';
import type { WebWorker } from '../../src/labeling/index';
import { trainedBytes } from './training';

/** How a training ended. */
export interface Ending {
  /** Threads it had, and why they are fewer than asked for. */
  readonly choice?: unknown;
  /** Batches that were done. */
  readonly batches: number;
  readonly bytes?: readonly number[];
  readonly error?: { readonly name: string; readonly message: string };
}

/**
 * Trains on two threads.
 *
 * @param script what the worker runs
 * @param terminateAfter batches after which the page terminates the worker, behind the back of the training. A browser lets
 *   a busy worker go on for a while then, so the training is one that would not end by itself
 */
export async function trainInPage(script: string, terminateAfter?: number): Promise<Ending> {
  const { Worker } = globalThis as unknown as { Worker: new (url: string) => WebWorker };
  const workers: WebWorker[] = [];
  const open = (): WebWorker => {
    workers.push(new Worker(script));
    return workers[0];
  };
  let choice: unknown;
  let batches = 0;
  const onProgress = (): void => {
    if (++batches === terminateAfter) workers[0].terminate();
  };
  const epochs = terminateAfter === undefined ? 2 : 1_000_000;
  try {
    const bytes = await trainedBytes(webThreads(2, open), { onThreads: (each) => (choice = each), onProgress }, epochs);
    return { choice, batches, bytes: [...bytes] };
  } catch (error) {
    const { name, message } = error as Error;
    return { choice, batches, error: { name, message } };
  }
}

(globalThis as unknown as { trainInPage: typeof trainInPage }).trainInPage = trainInPage;
