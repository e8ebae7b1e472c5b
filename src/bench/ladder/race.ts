/** Timing in turns: rungs alternate, and the fastest turn counts, because other load on the machine can only lengthen a turn. */

/** A rung that is ready to be called. */
export interface Runner {
  readonly name: string;
  run(): void | Promise<void>;
}

/** How long to measure. */
export interface Timetable {
  /** Maximum and minimum number of turns of a rung. */
  readonly turns: number;
  readonly leastTurns: number;
  /** Milliseconds of a turn; at least one call. */
  readonly turnMs: number;
  /** Milliseconds for all turns of a rung whose call is longer than a turn. */
  readonly mostMs: number;
}

/** The clock and the callbacks of a race. */
export interface Surroundings {
  /** Milliseconds. */
  now(): number;
  progress(label: string, done: number, total: number): void;
  /** Whether to stop early. */
  stopped(): boolean;
}

/**
 * Returns the milliseconds per call in every turn, by name. A slow rung has fewer turns, spread over those of the others. A
 * warm-up turn determines how slow a rung is.
 */
export async function raceRungs(
  runners: readonly Runner[],
  { turns, leastTurns, turnMs, mostMs }: Timetable,
  { now, progress, stopped }: Surroundings,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const taken = new Map(runners.map(({ name }) => [name, [] as number[]]));
  const own = new Map<string, number>();
  for (let turn = -1; turn < turns; turn++) {
    for (const runner of turn % 2 === 0 ? runners : [...runners].reverse()) {
      if (stopped()) return taken;
      const { name } = runner;
      const mine = own.get(name) ?? turns;
      if (turn >= 0 && Math.floor(((turn + 1) * mine) / turns) === Math.floor((turn * mine) / turns)) continue;
      progress(`ladder ${name}`, turn + 1, turns + 1);
      const ms = await takeTurn(runner, turnMs, now);
      if (turn < 0) own.set(name, Math.min(turns, Math.max(leastTurns, Math.floor(mostMs / Math.max(ms, turnMs)))));
      else taken.get(name)?.push(ms);
    }
  }
  return taken;
}

/** The mean of the calls that fit into a turn. */
async function takeTurn(runner: Runner, turnMs: number, now: () => number): Promise<number> {
  const start = now();
  let calls = 0;
  let elapsed = 0;
  do {
    await runner.run();
    calls++;
    elapsed = now() - start;
  } while (elapsed < turnMs);
  return elapsed / calls;
}
