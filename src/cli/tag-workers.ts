/** What does the jobs of `bptt tag`: the command itself, or worker threads. */
import { availableParallelism } from 'node:os';
import { repeatable } from '../labeling/training/parallel/threads.js';
import type { Model } from '../labeling/model/model.js';
import { createTagger } from '../labeling/model/tagger.js';
import { ArgumentError } from '../tensor/index.js';
import { openBackend } from './backend.js';
import { inOrder } from './pool/in-order.js';
import { openPool } from './pool/pool.js';
import type { TagJob, TagResult } from './tag-jobs.js';
import { answer } from './tag-jobs.js';
import type { TagWorkerData } from './tag-worker.js';
import type { Terminal } from './terminal.js';

/** What labels sentences. */
export interface TagWorkers {
  /** Results of jobs, in their order. */
  answers(jobs: AsyncIterable<TagJob>): AsyncIterable<TagResult>;
  close(): Promise<void>;
}

/** Jobs at a worker: the one it works at, and the next. */
const AT_ONCE = 2;

/**
 * Opens the backend, once for each thread that labels.
 *
 * @param data `threads`: how many label; the thread that reads and writes is not among them, where there are two or more
 * @throws what opening the backend throws, at once; ArgumentError where it serves one thread and more are asked for
 */
export async function openTagWorkers(
  model: Model,
  data: TagWorkerData & { readonly threads: number | 'auto' },
  terminal: Terminal,
): Promise<TagWorkers> {
  const { bytes, path, cell, backend, settings, threads } = data;
  const size = threads === 'auto' ? availableParallelism() : threads;
  const { kernels } = await openBackend(backend, terminal, size);
  if (size === 1) {
    const tagger = createTagger(model, kernels);
    return {
      async *answers(jobs) {
        for await (const job of jobs) yield answer(tagger, settings, job);
      },
      async close() {
        tagger.dispose();
        kernels.dispose();
      },
    };
  }
  kernels.dispose(); // it was opened to be refused here, and not in a worker
  if (repeatable(kernels.backend) === undefined) {
    throw new ArgumentError(
      `--threads ${threads}: the backend ${kernels.backend} serves one thread; leave --threads out, or choose cpu or wasm-simd`,
    );
  }
  const program = new URL('./tag-worker.js', import.meta.url);
  const pool = openPool<TagWorkerData, TagJob, TagResult>(program, { size, data: { bytes, path, cell, backend, settings }, ahead: AT_ONCE - 1 }); // prettier-ignore
  return {
    // One more than the workers hold: it is read while they work.
    answers: (jobs) => inOrder(jobs, pool.run, AT_ONCE * size + 1),
    close: pool.close,
  };
}
