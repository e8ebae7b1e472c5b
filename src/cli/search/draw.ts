/** The trials of a search, all sampled before the first one runs. */
import { exp, log } from '../../tensor/math.js';
import type { Rng } from '../../tensor/random.js';
import { createRng } from '../../tensor/random.js';
import type { Dimension, ListDimension, Space } from './space.js';
import { isList } from './space.js';

/** The values that a trial sets, by setting, as in JSON. */
export type Drawn = Readonly<Record<string, unknown>>;

/** Maximum number of attempts to replace a duplicate trial. */
const ATTEMPTS = 100;

/** Samples a value of one dimension. */
export function drawValue(dimension: Dimension, rng: Rng): unknown {
  if (isList(dimension)) return dimension.values[rng.integer(dimension.values.length)];
  const { min, max, integer, log: byFactor } = dimension;
  const within = (x: number): number => Math.min(max, Math.max(min, x));
  if (byFactor) {
    const x = exp(log(min) + rng.next() * (log(max) - log(min)));
    return within(integer ? Math.round(x) : short(x));
  }
  return within(integer ? min + Math.floor(rng.next() * (max - min + 1)) : short(min + rng.next() * (max - min)));
}

/** A number with three digits, in plain notation. */
const short = (x: number): number => Number(x.toPrecision(3));

/** Samples a value of every dimension. Each has a separate random stream, so that adding a dimension does not change the others. */
export function drawOne(space: Space, rng: Rng): Drawn {
  return Object.fromEntries(
    space.map((dimension) => [dimension.name, drawValue(dimension, rng.split(dimension.name))]),
  );
}

/**
 * Samples trials at random, each by seed and number, so that a longer search starts with the trials of a shorter one. The first
 * trial samples nothing: it has the settings of training without a search, so that the best trial is never worse than that.
 *
 * @param identity a key that is equal for trials with identical training: the second one is resampled
 * @returns `count` trials, or fewer if the space does not contain enough distinct ones
 */
export function drawTrials(space: Space, count: number, seed: number, identity: (drawn: Drawn) => string): Drawn[] {
  const rng = createRng(seed).split('search');
  const trials: Drawn[] = [{}];
  const seen = new Set([identity({})]);
  for (let place = 1; place < count; place++) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const drawn = drawOne(space, rng.split(`${place}.${attempt}`));
      const own = identity(drawn);
      if (seen.has(own)) continue;
      seen.add(own);
      trials.push(drawn);
      break;
    }
  }
  return trials;
}

/** Number of trials in a grid. */
export const gridSize = (lists: readonly ListDimension[]): number =>
  lists.reduce((size, { values }) => size * values.length, 1);

/** Every combination of the values, the last list varying fastest; identical training runs only once. */
export function gridTrials(lists: readonly ListDimension[], identity: (drawn: Drawn) => string): Drawn[] {
  const all = lists.reduce<Drawn[]>(
    (trials, { name, values }) => trials.flatMap((trial) => values.map((value) => ({ ...trial, [name]: value }))),
    [{}],
  );
  const seen = new Set<string>();
  return all.filter((drawn) => {
    const own = identity(drawn);
    if (seen.has(own)) return false;
    seen.add(own);
    return true;
  });
}
