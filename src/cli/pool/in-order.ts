/** Results of jobs in the order of the jobs, several at work at once. */

/**
 * Runs jobs, `most` at a time, and gives each result as soon as it and all before it are there: also while the next job is on its way.
 * Not more than `most` jobs are taken before their results are.
 *
 * @throws what `jobs` or `run` throw, after the results of all jobs before
 */
export async function* inOrder<Job, Result>(
  jobs: AsyncIterable<Job>,
  run: (job: Job) => Promise<Result>,
  most: number,
): AsyncGenerator<Result> {
  const iterator = jobs[Symbol.asyncIterator]();
  const running: Promise<Result>[] = [];
  let coming: Promise<IteratorResult<Job>> | undefined;
  let ended = false;
  const take = (): Promise<IteratorResult<Job>> => {
    const next = iterator.next();
    next.catch(() => undefined); // thrown below, after the results before
    return next;
  };
  try {
    while (!ended || running.length > 0) {
      if (!ended && running.length < most) coming ??= take();
      const results = running.length > 0 ? [running[0].then(() => 'result' as const)] : [];
      // A failed input is told after what came before it.
      const inputs = coming === undefined ? [] : [coming.then(() => 'job' as const, (error: unknown) => (running.length > 0 ? new Promise<never>(() => undefined) : Promise.reject(error as Error)))]; // prettier-ignore
      if ((await Promise.race([...results, ...inputs])) === 'result') {
        yield await running.shift()!;
        continue;
      }
      const next = await coming!;
      coming = undefined;
      if (next.done) ended = true;
      else {
        const result = run(next.value);
        result.catch(() => undefined);
        running.push(result);
      }
    }
  } finally {
    // Not awaited: a job that is still on its way would have to arrive first.
    iterator.return?.()?.catch(() => undefined);
  }
}
