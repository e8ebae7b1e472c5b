/** Successive halving: laws of its rungs, and a search whose result depends on no timing. */
import * as fc from 'fast-check';
import type { TrialOutcome } from '../../../src/cli/search/child';
import { ranking, runSearch } from '../../../src/cli/search/run';
import type { SearchPlan } from '../../../src/cli/search/run';
import { compareStandings, promoted, rungsOf } from '../../../src/cli/search/schedule';
import type { SearchState, TrialRun } from '../../../src/cli/search/state';

describe('rungs', () => {
  it('are these', () => {
    expect(rungsOf(12, 54, 3)).toEqual([{ epochs: 6, trials: 12 }, { epochs: 18, trials: 4 }, { epochs: 54, trials: 1 }]); // prettier-ignore
    expect(rungsOf(12, 5, 3)).toEqual([{ epochs: 2, trials: 12 }, { epochs: 5, trials: 4 }]); // prettier-ignore
    expect(rungsOf(8, 20, 2).map(({ trials }) => trials)).toEqual([8, 4, 2, 1]);
    expect(rungsOf(2, 54, 3)).toEqual([{ epochs: 54, trials: 2 }]);
    expect(rungsOf(12, 54, null)).toEqual([{ epochs: 54, trials: 12 }]);
  });

  it('begin with all trials, end with all epochs, and divide by eta', () => {
    const size = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 2, max: 7 }), (trials, epochs, eta) => {
        const rungs = rungsOf(trials, epochs, eta);
        expect(rungs[0].trials).toBe(trials);
        expect(rungs.at(-1)!.epochs).toBe(epochs);
        rungs.slice(1).forEach((rung, place) => {
          const before = rungs[place];
          expect(rung.epochs).toBeGreaterThan(before.epochs);
          expect(rung.trials).toBe(Math.floor(before.trials / eta));
          expect(rung.trials).toBeGreaterThanOrEqual(1);
        });
        expect(rungs[0].epochs).toBeGreaterThanOrEqual(1);
        const [first, last] = [rungs[0], rungs.at(-1)!];
        expect(last.trials < eta || first.epochs < 1.5 * eta).toBe(true); // no rung more would fit
      }),
      { seed: 13 },
    );
  });
});

const scores = fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { minLength: 1, maxLength: 12 });
const standings = (list: readonly (number | null)[]) => list.map((score, place) => ({ trial: place + 1, score }));

describe('what is promoted', () => {
  it('are the best, the earlier of equals, and the one that is kept', () => {
    expect(promoted(standings([1, 5, null, 5, 3]), 2)).toEqual([2, 4]);
    expect(promoted(standings([1, 5, null, 5, 3]), 1)).toEqual([2]);
    expect(promoted(standings([1, 5, null, 5, 3]), 2, 1)).toEqual([1, 2, 4]);
    expect(promoted(standings([null, 5, 4]), 1, 1)).toEqual([2]);
  });

  it('depends on no order, leaves no better one behind, and takes none that failed', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 12 }), fc.infiniteStream(fc.nat()), (list, count, kept, keys) => {
        const all = standings(list);
        const order = new Map(all.map((each) => [each, keys.next().value as number]));
        const shuffled = [...all].sort((a, b) => order.get(a)! - order.get(b)!);
        const taken = promoted(shuffled, count, kept);
        expect(taken).toEqual(promoted(all, count, kept));
        const scoreOf = (trial: number) => list[trial - 1];
        expect(taken.every((trial) => scoreOf(trial) !== null)).toBe(true);
        const able = list.filter((score) => score !== null).length;
        const own = taken.filter((trial) => trial !== kept);
        const isKept = list[kept - 1] !== undefined && list[kept - 1] !== null;
        expect([Math.min(count, able), Math.min(count, able) + 1]).toContain(taken.length);
        if (isKept) expect(taken).toContain(kept);
        const left = all.filter(({ trial, score }) => score !== null && !taken.includes(trial)).map(({ score }) => score!);
        for (const trial of own) expect(left.every((score) => score <= scoreOf(trial)!)).toBe(true);
      }),
      { seed: 13 },
    ); // prettier-ignore
  });

  it('orders failures last', () => {
    const order = [...standings([1, null, 5, 5, null])].sort(compareStandings).map(({ trial }) => trial);
    expect(order).toEqual([3, 4, 1, 2, 5]);
  });
});

/** A state in memory. */
function memory(before: readonly TrialRun[] = []): SearchState {
  const runs = [...before];
  return {
    runs,
    find: (trial, rung) => runs.find((run) => run.trial === trial && run.rung === rung),
    add: async (run) => void runs.push(run),
  };
}

/** A training whose score follows from trial and epochs alone. */
const outcomeOf = (trial: number, epochs: number): TrialOutcome =>
  (trial * 7 + epochs) % 5 === 0
    ? { kind: 'failed', reason: 'the loss is not finite' }
    : { kind: 'done', score: ((trial * 37 + epochs * 11) % 17) / 17, result: { measure: 'accuracy', bestEpoch: 1, trained: epochs, backend: 'cpu', threads: 1 } }; // prettier-ignore

const quiet = { onRun: () => undefined, signal: new AbortController().signal, now: () => 0 };
const alone = async (plan: SearchPlan): Promise<TrialRun[]> => {
  const state = memory();
  await runSearch(plan, state, { ...quiet, train: async (trial, { epochs }) => outcomeOf(trial, epochs) });
  return [...state.runs];
};
const table = (runs: readonly TrialRun[]) => ranking(runs);

const plans = fc.record({
  trials: fc.integer({ min: 1, max: 14 }),
  epochs: fc.integer({ min: 1, max: 20 }),
  eta: fc.integer({ min: 2, max: 4 }),
  kept: fc.constantFrom(undefined, 1),
});
const planOf = ({ trials, epochs, eta, kept }: { trials: number; epochs: number; eta: number; kept?: number }) => ({
  trials,
  rungs: rungsOf(trials, epochs, eta),
  ...(kept && { kept }),
  parallel: 1,
});

describe('a search', () => {
  it('finds the same with any number of processes, whichever ends first', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.integer({ min: 2, max: 6 }), fc.scheduler(), async (shape, parallel, scheduler) => {
        const plan = planOf(shape);
        const state = memory();
        const train = scheduler.scheduleFunction(async (trial: number, { epochs }: { epochs: number }) =>
          outcomeOf(trial, epochs),
        );
        await scheduler.waitFor(runSearch({ ...plan, parallel }, state, { ...quiet, train }));
        expect(table(state.runs)).toEqual(table(await alone(plan)));
      }),
      { seed: 13 },
    );
  });

  it('goes on from whatever was finished, and runs nothing twice', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(), async (shape, at) => {
        const plan = planOf(shape);
        const whole = await alone(plan);
        const state = memory(whole.slice(0, at % (whole.length + 1)));
        let trained = 0;
        await runSearch(plan, state, {
          ...quiet,
          train: async (trial, { epochs }) => (trained++, outcomeOf(trial, epochs)),
        });
        expect([trained, state.runs]).toEqual([whole.length - (at % (whole.length + 1)), whole]);
      }),
      { seed: 13 },
    );
  });

  it('starts no trial after a signal, and keeps nothing of those that it ended', async () => {
    const controller = new AbortController();
    const state = memory();
    const plan = { ...planOf({ trials: 6, epochs: 9, eta: 3 }), parallel: 2 };
    const train = async (trial: number, { epochs }: { epochs: number }): Promise<TrialOutcome> => {
      if (trial === 3) controller.abort();
      return outcomeOf(trial, epochs);
    };
    expect(await runSearch(plan, state, { ...quiet, signal: controller.signal, train })).toBeNull();
    expect(state.runs.map(({ trial }) => trial).filter((trial) => trial > 2)).toEqual([]);
  });

  it('stops where a signal stopped a trial, which is not the fault of the trial', async () => {
    const state = memory();
    const train = async (trial: number, { epochs }: { epochs: number }): Promise<TrialOutcome> =>
      trial === 3 ? { kind: 'interrupted', exitCode: 143 } : outcomeOf(trial, epochs);
    const plan = planOf({ trials: 6, epochs: 9, eta: 3 });
    expect(await runSearch(plan, state, { ...quiet, train })).toEqual({ exitCode: 143 });
    expect(state.runs.map(({ trial }) => trial)).toEqual([1, 2]);
  });

  it('ends where its state cannot be written', async () => {
    const state = { ...memory(), add: () => Promise.reject(new Error('disk full')) };
    let trained = 0;
    const train = async (): Promise<TrialOutcome> => (trained++, outcomeOf(2, 2));
    await expect(runSearch({ ...planOf({ trials: 6, epochs: 9, eta: 3 }), parallel: 2 }, state, { ...quiet, train })).rejects.toThrow('disk full'); // prettier-ignore
    expect(trained).toBe(2);
  });
});
