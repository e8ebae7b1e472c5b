/**
 * One text for synchronous and asynchronous backends: work is a generator that yields the answers it waits
 * for, and two drivers run it.
 */

/** What yields answers that are there or are to come, and ends in `T`. */
export type Work<T> = Generator<unknown, T, unknown>;

/** Runs work whose answers are there. */
export function now<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) step = work.next(step.value);
  return step.value;
}

/** Runs work whose answers may come later; an answer that fails is thrown where it was waited for. */
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
