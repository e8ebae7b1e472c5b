/** What the module of a worker calls: it gets ready once, then runs one job after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { ArgumentError } from '../../tensor/errors.js';
import { sentError } from './errors.js';
import type { Answer } from './pool.js';

/**
 * Serves the jobs of a pool, in their order, until the pool ends the worker.
 *
 * @param open gets what the pool has for every worker, and returns the function that runs a job. Where it throws, the pool receives the error,
 *   and the worker is ended
 * @param given what of a result is handed over and not copied
 */
export function serveJobs<Data, Job, Result>(
  open: (data: Data) => Promise<(job: Job) => Result | Promise<Result>>,
  given: (result: Result) => ArrayBuffer[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new ArgumentError('the module of a worker thread: start it as one');
  const post = (answer: Answer<Result>, buffers: ArrayBuffer[] = []): void => port.postMessage(answer, buffers);
  const opened = open(workerData as Data);
  let last: Promise<void> = opened.then(
    () => post({ ready: true }),
    (error: unknown) => post({ failed: sentError(error) }),
  );
  port.on('message', ({ id, job }: { readonly id: number; readonly job: Job }) => {
    last = last.then(async () => {
      try {
        const result = await (await opened)(job);
        post({ id, result }, given(result));
      } catch (error) {
        post({ id, error: sentError(error) });
      }
    });
  });
}
