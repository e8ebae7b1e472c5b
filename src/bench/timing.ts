/**
 * Timing in turns. Contestants alternate, so that another load on the machine hits all of them alike; tinybench runs each
 * turn and keeps its samples.
 */
import { Bench } from 'tinybench';
import { messageOf } from '../tensor/errors.js';
import type { Race } from './statistics.js';
import { rowOf } from './statistics.js';
import { thrownBy } from './trial.js';
import type { Contestant, Context, Row, Sample } from './types.js';

/** A call this short is repeated until a clock can see it. */
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

/** Times a race. Who fails on the way is named and left out. */
export async function run(context: Context, race: Race): Promise<Row[]> {
  const { turns, turnMs, warmupMs } = context.budget;
  const samples = new Map<Contestant, number[]>();
  const slow = new Set<Contestant>();
  for (let turn = -1; turn < turns; turn++) {
    for (const each of race.contestants) {
      const known = samples.get(each) ?? [];
      if (slow.has(each) || (turn >= 0 && !samples.has(each))) continue;
      context.progress(`${race.suite} ${race.case} ${each.system}`, turn + 1, turns + 1);
      try {
        const taken = await takeTurn(each, turn < 0 ? warmupMs : turnMs);
        // The warm-up counts for somebody whose one call outlasts all turns together: there will be no other.
        if (turn < 0 && taken[0] > turns * turnMs + warmupMs) slow.add(each);
        samples.set(each, turn < 0 && !slow.has(each) ? [] : [...known, ...taken]);
      } catch (error) {
        samples.delete(each);
        giveUp(context, race, each, error);
      }
    }
  }
  for (const each of samples.keys()) if (isWrongNow(context, race, each)) samples.delete(each);
  for (const each of race.contestants) await each.close?.();
  return [...samples].filter(([, ms]) => ms.length > 0).map(([each, ms]) => rowOf(race, each, ms));
}

/** Says that somebody failed while it was timed: our own and other systems by the way, a kernel on trial as a fault. */
function giveUp(
  context: Context,
  { suite, case: name }: Race,
  { system, faultAtLast }: Contestant,
  error: unknown,
): void {
  if (faultAtLast === undefined) context.note(`${suite} ${name}: ${system} gave up: ${messageOf(error)}`);
  else context.wrong(`${suite} ${name}: ${system} is wrong: it threw ${thrownBy(error)} while it was timed`);
}

/** Whether a kernel on trial, right before it was timed, is wrong after it. */
function isWrongNow(context: Context, { suite, case: name }: Race, { system, faultAtLast }: Contestant): boolean {
  const fault = faultAtLast?.();
  if (fault !== undefined) context.wrong(`${suite} ${name}: ${system} is wrong after it was timed: ${fault}`);
  return fault !== undefined;
}

/** Milliseconds per call of every sample in one turn. */
async function takeTurn(contestant: Contestant, time: number): Promise<readonly number[]> {
  const bench = new Bench({ time, iterations: 1, warmup: false, retainSamples: true, throws: true });
  const act = async () => {
    const { ms, cost } = await contestant.sample();
    return { overriddenDuration: ms, overriddenIterationCost: cost };
  };
  bench.add(contestant.system, act, { async: true });
  const [result] = (await bench.run()).map((task) => task.result);
  return result.state === 'completed' ? (result.latency.samples ?? []) : [];
}
