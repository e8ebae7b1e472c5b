/** Runs several jobs at once and returns results in job order. */

/**
 * Runs jobs, `most` at a time, and yields each result as soon as it and all previous ones are available, even while waiting for
 * the next job. At most `most` jobs are taken before their results are consumed.
 *
 * @throws whatever `jobs` or `run` throw, after the results of all previous jobs
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
    next.catch(() => undefined); // thrown below, after the previous results
    return next;
  };
  try {
    while (!ended || running.length > 0) {
      if (!ended && running.length < most) coming ??= take();
      const results = running.length > 0 ? [running[0].then(() => 'result' as const)] : [];
      // An input failure is reported after the preceding results.
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
    // Not awaited: it would wait for a job that has not arrived yet.
    iterator.return?.()?.catch(() => undefined);
  }
}
