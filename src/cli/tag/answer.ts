/** Runs the jobs of a route and writes their answers. */
import type { Counts } from './jobs.js';
import type { Route } from './route.js';
import type { TagTarget } from './target.js';
import type { TagWorkers } from './workers.js';

/**
 * Writes all answers; if the route ends early, also those of the rest.
 *
 * @returns the numbers of labeled sentences and tokens
 */
export async function answerAll(
  first: Route,
  target: Pick<TagTarget, 'write'>,
  workers: Pick<TagWorkers, 'answers'>,
): Promise<Counts> {
  const counts = { sentences: 0, tokens: 0 };
  try {
    let route: Route | undefined = first;
    while (route !== undefined)
      route = (await answerRoute(route, target, workers, counts)) ? undefined : await route.rest!();
  } finally {
    first.close?.();
  }
  return counts;
}

/** @returns whether the route ran to completion */
async function answerRoute(
  route: Route,
  target: Pick<TagTarget, 'write'>,
  workers: Pick<TagWorkers, 'answers'>,
  counts: { -readonly [name in keyof Counts]: number },
): Promise<boolean> {
  for await (const result of workers.answers(route.jobs)) {
    const written = route.written(result);
    if (written === undefined) return false;
    counts.sentences += result.counts.sentences;
    counts.tokens += result.counts.tokens;
    await target.write(written);
  }
  const end = route.end();
  if (end !== undefined) await target.write(end);
  return end !== undefined;
}
