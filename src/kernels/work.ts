/**
 * One implementation for synchronous and asynchronous backends: work is a generator that yields the results it waits for, and two
 * drivers run it.
 */

/** Yields results or promises of results, and returns `T`. */
export type Work<T> = Generator<unknown, T, unknown>;

/** Runs work whose yielded results are available immediately. */
export function now<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) step = work.next(step.value);
  return step.value;
}

/** Runs work whose yielded results may be promises; a rejection is thrown at the `yield`. */
export async function later<T>(work: Work<T>): Promise<T> {
  let step = work.next();
  while (!step.done) {
    let answer: unknown;
    try {
      answer = await step.value;
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(answer);
  }
  return step.value;
}
