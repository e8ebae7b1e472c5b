/** The trials of a search, all drawn before the first one runs. */
import { exp, log } from '../../tensor/math.js';
import type { Rng } from '../../tensor/random.js';
import { createRng } from '../../tensor/random.js';
import type { Dimension, ListDimension, Space } from './space.js';
import { isList } from './space.js';

/** The values that a trial sets, by setting, as JSON has them. */
export type Drawn = Readonly<Record<string, unknown>>;

/** How often another trial is drawn in the place of one that is there already. */
const ATTEMPTS = 100;

/** A value of one dimension. */
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

/** A number in three digits, as a person would write it. */
const short = (x: number): number => Number(x.toPrecision(3));

/** A value of every dimension. Each has a stream of its own: another dimension in the space changes none of the others. */
export function drawOne(space: Space, rng: Rng): Drawn {
  return Object.fromEntries(
    space.map((dimension) => [dimension.name, drawValue(dimension, rng.split(dimension.name))]),
  );
}

/**
 * Trials drawn at random, each by its seed and number, so that a longer search begins with the trials of a shorter one. The first
 * draws nothing: its settings are those of a training without a search, and the best trial is never worse than it.
 *
 * @param identity what two trials have in common that are the same training: the second is drawn anew
 * @returns `count` trials, or fewer where the space has no more that differ
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

/** How many trials a grid has. */
export const gridSize = (lists: readonly ListDimension[]): number =>
  lists.reduce((size, { values }) => size * values.length, 1);

/** Every combination of the values, the last list running fastest; trials that are the same training only once. */
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
