/**
 * Successive halving: many trials get a short training, the best of them a longer one, and few the whole.
 *
 * With η = 3, 12 trials and 54 epochs: 12 trials of 6 epochs, the 4 best of 18, the best of 54. A trial that goes on is trained
 * anew, so that every run is one whole training that `bptt train` repeats.
 *
 * **Independent of timing.** A trial goes on when its rung is complete, never before, and equal scores are ordered by the number of
 * the trial. So the result is the same on one process and on eight. The asynchronous form, which never waits, depends on which
 * trial happens to end first.
 *
 * K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
 */

/** One step of the ladder. */
export interface Rung {
  /** The most epochs of a training. */
  readonly epochs: number;
  /** How many trials there are. */
  readonly trials: number;
}

/** How a trial did. */
export interface Standing {
  /** Its number, from 1. */
  readonly trial: number;
  /** Its score on the development set; null if it failed. */
  readonly score: number | null;
}

/**
 * The rungs of a search. There are as many as leave at least one trial and one epoch to each.
 *
 * @param trials how many trials there are, at least 1
 * @param epochs of the last rung, at least 1
 * @param eta how many trials there are for each that goes on, an integer of at least 2; null for one rung alone
 */
export function rungsOf(trials: number, epochs: number, eta: number | null): Rung[] {
  const shares = [1];
  if (eta !== null) {
    for (let share = eta; share <= Math.min(trials, epochs); share *= eta) shares.unshift(share);
  }
  const first = shares[0];
  return shares.map((share) => ({
    epochs: Math.max(1, Math.round(epochs / share)),
    trials: Math.floor(trials / (first / share)),
  }));
}

/** Orders trials of one rung: by score, those that failed last, equal ones by number. */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.score !== null && b.score !== null && a.score !== b.score) return b.score - a.score;
  if ((a.score === null) !== (b.score === null)) return a.score === null ? 1 : -1;
  return a.trial - b.trial;
}

/**
 * The trials of the next rung, by number. One that failed never goes on.
 *
 * @param standings of a rung that is complete
 * @param count how many go on
 * @param kept a trial that goes on in any case, beside those: what the others are compared with
 */
export function promoted(standings: readonly Standing[], count: number, kept?: number): number[] {
  const able = standings.filter(({ score }) => score !== null).sort(compareStandings);
  return able
    .filter(({ trial }, place) => place < count || trial === kept)
    .map(({ trial }) => trial)
    .sort((a, b) => a - b);
}
