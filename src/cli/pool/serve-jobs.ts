/** The worker side of a pool: initializes once, then runs one job after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { ArgumentError } from '../../tensor/errors.js';
import { sentError } from './errors.js';
import type { Answer } from './pool.js';

/**
 * Serves the jobs of a pool, in order, until the pool ends the worker.
 *
 * @param open receives the pool's data for every worker, and returns the function that runs a job. If it throws, the pool
 *   receives the error and ends the worker
 * @param given returns the parts of a result to transfer instead of copying
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
