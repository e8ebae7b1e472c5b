/** The course of a search: rung after rung, several trials at a time. */
import type { Standing } from './schedule.js';
import { compareStandings, promoted } from './schedule.js';
import type { Rung } from './schedule.js';
import type { TrialOutcome } from './child.js';
import type { SearchState, TrialRun } from './state.js';

/** The plan of a search. */
export interface SearchPlan {
  /** Number of trials, which are numbered from 1. */
  readonly trials: number;
  readonly rungs: readonly Rung[];
  /** A trial that is on every rung, in addition to the promoted ones. */
  readonly kept?: number;
  /** Number of parallel trials. */
  readonly parallel: number;
}

/** Callbacks of a search. */
export interface SearchHooks {
  /** Trains a trial. */
  train(trial: number, rung: Rung): Promise<TrialOutcome>;
  /** Called after each run has been stored in the state. */
  onRun(run: TrialRun): void;
  /** Stops the search: no more trials are started. */
  readonly signal: AbortSignal;
  /** Clock in milliseconds. */
  now(): number;
}

/** How it ended: null, or the exit status of the signal that stopped a trial. */
export type SearchEnd = { readonly exitCode: number } | null;

/**
 * Runs everything that is not in the state yet.
 *
 * @returns what stopped it; null if every rung is complete, or `hooks.signal` stopped it
 * @throws BpttError if the state cannot be written
 */
export async function runSearch(plan: SearchPlan, state: SearchState, hooks: SearchHooks): Promise<SearchEnd> {
  let contenders = Array.from({ length: plan.trials }, (_, place) => place + 1);
  for (const [place, rung] of plan.rungs.entries()) {
    const todo = contenders.filter((trial) => state.find(trial, place) === undefined);
    const end = await runRung(todo, place, rung, plan.parallel, state, hooks);
    if (end !== null || hooks.signal.aborted) return end;
    const standings = contenders.map((trial) => ({ trial, score: state.find(trial, place)!.score }));
    contenders = promoted(standings, plan.rungs[place + 1]?.trials ?? 0, plan.kept);
  }
  return null;
}

/** Runs the trials of one rung in parallel. After the first failure of the search itself, or a signal, no more are started. */
async function runRung(
  trials: readonly number[],
  place: number,
  rung: Rung,
  parallel: number,
  state: SearchState,
  { train, onRun, signal, now }: SearchHooks,
): Promise<SearchEnd> {
  const queue = [...trials];
  let end: SearchEnd = null;
  let stopped = false;
  const work = async (): Promise<void> => {
    for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
      const begun = now();
      const outcome = await train(trial, rung);
      if (signal.aborted || stopped) return; // it was ended together with the search
      if (outcome.kind === 'interrupted') {
        end = { exitCode: outcome.exitCode };
        stopped = true;
        return;
      }
      const run = { trial, rung: place, epochs: rung.epochs, seconds: Math.round(now() - begun) / 1000 };
      const how = outcome.kind === 'done' ? { score: outcome.score, failed: null, result: outcome.result } : { score: null, failed: outcome.reason, result: null }; // prettier-ignore
      await state.add({ ...run, ...how });
      onRun({ ...run, ...how });
    }
  };
  const workers = Array.from({ length: parallel }, () => work().catch((error: unknown) => ((stopped = true), queue.splice(0), Promise.reject(error)))); // prettier-ignore
  await Promise.all(workers);
  return end;
}

/** A trial of the final table: its last run, and its rank. */
export type Ranked = TrialRun & { readonly rank: number };

/** All trials by the rung they reached, then by score; failed ones last. */
export function ranking(runs: readonly TrialRun[]): Ranked[] {
  const last = new Map<number, TrialRun>();
  for (const run of runs) if ((last.get(run.trial)?.rung ?? -1) < run.rung) last.set(run.trial, run);
  const standing = ({ trial, score }: TrialRun): Standing => ({ trial, score });
  const order = (a: TrialRun, b: TrialRun): number => {
    if ((a.score === null) !== (b.score === null) || a.rung === b.rung) return compareStandings(standing(a), standing(b)); // prettier-ignore
    return b.rung - a.rung;
  };
  return [...last.values()].sort(order).map((run, place) => ({ ...run, rank: place + 1 }));
}
