/**
 * Successive halving: many trials are trained briefly, the best of them longer, and few in full.
 *
 * With η = 3, 12 trials and 54 epochs: 12 trials of 6 epochs, the 4 best of 18, the best of 54. A promoted trial is trained from
 * scratch, so that every run is a complete training run that `bptt train` can repeat.
 *
 * **Independent of timing.** Trials are promoted only when their rung is complete, and ties are ordered by trial number. The
 * result is therefore the same with one process and with eight. The asynchronous variant, which never waits, depends on which
 * trial happens to finish first.
 *
 * K. Jamieson, A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
 */

/** One rung of the search. */
export interface Rung {
  /** Maximum number of epochs. */
  readonly epochs: number;
  /** Number of trials. */
  readonly trials: number;
}

/** The result of a trial. */
export interface Standing {
  /** Its number, from 1. */
  readonly trial: number;
  /** Its score on the development set; null if it failed. */
  readonly score: number | null;
}

/**
 * Returns the rungs of a search: as many as possible with at least one trial and one epoch each.
 *
 * @param trials number of trials, at least 1
 * @param epochs of the last rung, at least 1
 * @param eta number of trials per promoted trial, an integer of at least 2; null for a single rung
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

/** Orders the trials of one rung: by score, failed ones last, ties by number. */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.score !== null && b.score !== null && a.score !== b.score) return b.score - a.score;
  if ((a.score === null) !== (b.score === null)) return a.score === null ? 1 : -1;
  return a.trial - b.trial;
}

/**
 * The trials of the next rung, by number. A failed trial is never promoted.
 *
 * @param standings results of a complete rung
 * @param count number of trials to promote
 * @param kept a trial that is always promoted in addition: the baseline for the others
 */
export function promoted(standings: readonly Standing[], count: number, kept?: number): number[] {
  const able = standings.filter(({ score }) => score !== null).sort(compareStandings);
  return able
    .filter(({ trial }, place) => place < count || trial === kept)
    .map(({ trial }) => trial)
    .sort((a, b) => a - b);
}
