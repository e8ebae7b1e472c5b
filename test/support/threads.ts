/** Worker threads for tests: they run the transpiled sources, as `bptt` of `cli.ts` does. */
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Threads, WorkerHandle } from '../../src/labeling/training/parallel/threads.js';
import { nodeThreads } from '../../src/labeling/training/parallel/threads.node.js';
import { mainFile } from './cli.js';

let built: string | undefined; // looked up once per test file: finding it means reading all sources

/** URL of a transpiled module, by its path in src. */
export function moduleUrl(path: string): URL {
  built ??= resolve(dirname(mainFile()), '..');
  return pathToFileURL(resolve(built, path.replace(/\.ts$/, '.js')));
}

/** Threads as a training gets them in Node. */
export function threads(count: number): Threads {
  return nodeThreads(count, { module: moduleUrl('labeling/training/parallel/worker.node.ts') });
}

/** The same, with the handles of the workers that were started. */
export function watchedThreads(count: number): Threads & { readonly workers: readonly WorkerHandle[] } {
  const workers: WorkerHandle[] = [];
  const start = (): WorkerHandle => {
    const worker = threads(count).start();
    workers.push(worker);
    return worker;
  };
  return { count, start, workers };
}
