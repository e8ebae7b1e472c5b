/**
 * Timing in turns. Contestants alternate, so that other load on the machine affects all of them equally; tinybench runs each turn
 * and collects its samples.
 */
import { Bench } from 'tinybench';
import { messageOf } from '../tensor/errors.js';
import type { Turn } from './statistics.js';
import { rowOf } from './statistics.js';
import { thrownBy } from './user-kernel-check.js';
import type { Contestant, Context, Race, Row, Sample } from './types.js';

/** Calls shorter than this are repeated until the clock can resolve them. */
const BATCH_MS = 1;

/** A sample of a synchronous function: its mean over at least a millisecond. */
export function sampling(act: () => void): () => Sample {
  return () => {
    const start = performance.now();
    let calls = 0;
    let cost = 0;
    do {
      act();
      calls++;
      cost = performance.now() - start;
    } while (cost < BATCH_MS);
    return { ms: cost / calls, cost };
  };
}

/** A sample of an asynchronous function, like `sampling`. */
export function samplingAsync(act: () => Promise<unknown>): () => Promise<Sample> {
  return async () => {
    const start = performance.now();
    let calls = 0;
    let cost = 0;
    do {
      await act();
      calls++;
      cost = performance.now() - start;
    } while (cost < BATCH_MS);
    return { ms: cost / calls, cost };
  };
}

/** State of a contestant in a race. */
interface Progress {
  readonly taken: Turn[];
  /** Its total number of turns; known after the warm-up. */
  turns: number;
}

/**
 * Times a race. A system that fails during the race is reported by name and left out. The turns of a system that has fewer are
 * spread over all turns of the others, and the order rotates from turn to turn.
 *
 * @returns no rows if `context.signal` stopped it
 */
export async function run(context: Context, race: Race): Promise<Row[]> {
  const { turns } = context.budget;
  const racing = new Map<Contestant, Progress>(race.contestants.map((each) => [each, { taken: [], turns }]));
  const stopped = (): boolean => context.signal?.aborted ?? false;
  for (let turn = -1; turn < turns && !stopped(); turn++) {
    for (const each of turn % 2 === 0 ? race.contestants : [...race.contestants].reverse()) {
      const progress = racing.get(each);
      if (progress === undefined || stopped() || !isTurn(turn, progress.turns, turns)) continue;
      context.progress(`${race.suite} ${race.case} ${each.system}`, turn + 1, turns + 1);
      try {
        if (turn < 0) await warmUp(context, each, progress);
        else progress.taken.push(await takeTurn(context, each, lengthOf(context, progress.turns)));
      } catch (error) {
        racing.delete(each);
        if (!stopped()) giveUp(context, race, each, error);
      }
    }
  }
  if (!stopped()) for (const each of racing.keys()) if (isWrongNow(context, race, each)) racing.delete(each);
  for (const each of race.contestants) await each.close?.();
  if (stopped()) return [];
  return [...racing].filter(([, { taken }]) => taken.length > 0).map(([each, { taken }]) => rowOf(race, each, taken));
}

/** Whether a system with `own` turns takes part in this turn of `all`; every system warms up in turn −1. */
function isTurn(turn: number, own: number, all: number): boolean {
  return turn < 0 || Math.floor(((turn + 1) * own) / all) > Math.floor((turn * own) / all);
}

/** Milliseconds of a turn such that all `turns` together use the time of the budget. */
function lengthOf({ budget }: Pick<Context, 'budget'>, turns: number): number {
  return (budget.turns * budget.turnMs) / Math.max(turns, 1);
}

/** The warm-up turn. It determines the number of turns, such that a call fits into each. */
async function warmUp(context: Context, contestant: Contestant, progress: Progress): Promise<void> {
  const { turns, leastTurns, turnMs, warmupMs } = context.budget;
  const taken = await takeTurn(context, contestant, warmupMs);
  const call = Math.min(...taken.ms);
  progress.turns = Math.min(turns, Math.max(leastTurns, Math.floor((turns * turnMs) / call)));
  // The warm-up counts for a system whose single call takes longer than all turns together: it gets no other turn.
  if (taken.ms[0] > turns * turnMs + warmupMs) Object.assign(progress, { taken: [taken], turns: 0 });
}

/** Reports that a system failed while it was timed: as a note for our own and other systems, as a fault for a user's kernel. */
function giveUp(
  context: Context,
  { suite, case: name }: Race,
  { system, faultAtLast }: Contestant,
  error: unknown,
): void {
  if (faultAtLast === undefined) context.note(`${suite} ${name}: ${system} failed: ${messageOf(error)}`);
  else context.wrong(`${suite} ${name}: ${system} is wrong: it threw ${thrownBy(error)} while it was timed`);
}

/** Whether a user's kernel that was right before timing is wrong afterwards. */
function isWrongNow(context: Context, { suite, case: name }: Race, { system, faultAtLast }: Contestant): boolean {
  const fault = faultAtLast?.();
  if (fault !== undefined) context.wrong(`${suite} ${name}: ${system} is wrong after it was timed: ${fault}`);
  return fault !== undefined;
}

/** Runs one turn: milliseconds per call of every sample, and the pace of the machine after them. */
async function takeTurn(context: Context, contestant: Contestant, time: number): Promise<Turn> {
  const bench = new Bench({ time, iterations: 1, warmup: false, retainSamples: true, throws: true });
  const act = async () => {
    const { ms, cost } = await contestant.sample();
    return { overriddenDuration: ms, overriddenIterationCost: cost };
  };
  bench.add(contestant.system, act, { async: true });
  const [result] = (await bench.run()).map((task) => task.result);
  const ms = result.state === 'completed' ? (result.latency.samples ?? []) : [];
  return { ms, pace: context.pace?.() };
}
