/** Trains with several seeds in turn, to show how much of a score is chance. */
import type { Kernels } from '../../kernels/types.js';
import { expectRecord } from '../../tensor/arguments.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectTypes } from '../checks.js';
import type { ModelScores } from '../scoring/evaluate.js';
import type { ScoreSpread } from '../scoring/spread.js';
import { scoreSpread } from '../scoring/spread.js';
import type { TrainOptions } from './options.js';
import { TRAIN_DEFAULTS } from './options.js';
import type { TrainHooks, TrainResult } from './record.js';
import { HOOK_KEYS } from './record.js';
import type { Corpora } from './run.js';
import { metricOf, train } from './train.js';

/** The result of one seed. */
export interface SeedRun {
  readonly seed: number;
  /** Scores of its best epoch; null without that corpus. */
  readonly dev: ModelScores | null;
  readonly test: ModelScores | null;
  readonly epochs: number;
  readonly bestEpoch: number;
  /** As in the result of `train`. */
  readonly outsideBias: TrainResult['outsideBias'];
  readonly seconds: number;
}

/** The results of several seeds. */
export interface SeedsResult {
  /** In the order of the seeds; after an abort there are fewer than requested, and the unfinished run is left out. */
  readonly runs: readonly SeedRun[];
  /** Over these runs; null without that corpus, or without a run. */
  readonly dev: ScoreSpread | null;
  readonly test: ScoreSpread | null;
  /**
   * The run with the best dev score, ties to the first; without dev the first run. After an abort without a finished run: the unfinished
   * one in its current state.
   */
  readonly best: TrainResult;
  readonly bestSeed: number;
  readonly interrupted: boolean;
}

/** {@link TrainHooks}, plus callbacks between the runs. Notes, decisions and plans are reported only for the first run. */
export interface SeedHooks extends TrainHooks {
  /** Called before each run with its seed and its index, counted from 0. */
  readonly onSeed?: (seed: number, place: number) => void;
  /** Called after each run with its result, and whether it is the best so far; the next run waits for it. */
  readonly onRun?: (run: SeedRun, result: TrainResult, best: boolean) => void | Promise<void>;
}

/** The names of all hooks. */
const SEED_HOOK_KEYS: readonly string[] = [
  ...HOOK_KEYS,
  ...keysOf<Omit<SeedHooks, keyof TrainHooks>>({ onSeed: true, onRun: true }),
];

/** Requires the options and hooks of several runs. @throws ArgumentError */
export function expectSeveral(where: string, options: TrainOptions, hooks: SeedHooks): void {
  expectRecord(where, 'options', options, 'training options');
  expectKnownKeys(where, 'hooks', hooks, SEED_HOOK_KEYS);
  expectTypes(where, hooks, { onSeed: 'function', onRun: 'function' });
  expectOneRun(where, options, hooks);
}

/**
 * Trains `count` times, with the seeds `options.seed`, `options.seed` + 1, …. Run k equals, to the bit, a single run with that seed.
 *
 * @param count at least 2
 * @throws as `train` does; ArgumentError if `count` is invalid
 */
export async function trainSeeds(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions,
  count: number,
  hooks: SeedHooks = {},
): Promise<SeedsResult> {
  expectSeveral('trainSeeds', options, hooks);
  const { seed: first = TRAIN_DEFAULTS.seed } = options;
  expectCount(count, first);
  const { onSeed, onRun } = hooks;
  const own = hooksOfOneRun(hooks);
  const later = without(own, ['onNote', 'onDecided', 'onSpans', 'onGrown', 'onThreads']);
  const runs: SeedRun[] = [];
  let best: { readonly result: TrainResult; readonly seed: number; readonly score: number } | undefined;
  for (let place = 0; place < count && !hooks.signal?.aborted; place++) {
    const seed = first + place;
    onSeed?.(seed, place);
    const result = await train(kernels, corpora, { ...options, seed }, place === 0 ? own : later);
    if (result.interrupted) {
      best ??= { result, seed, score: -Infinity };
      break;
    }
    const score = scoreOf(result.dev, options.bestBy);
    const isBest = best === undefined || score > best.score;
    if (isBest) best = { result, seed, score };
    const { dev, test, epochs, bestEpoch, outsideBias, seconds } = result;
    runs.push({ seed, dev, test, epochs, bestEpoch, outsideBias, seconds });
    await onRun?.(runs[place], result, isBest);
  }
  if (best === undefined) throw new ArgumentError('trainSeeds: hooks.signal was aborted before the first run');
  return {
    runs,
    dev: spreadOfAll(runs.map(({ dev }) => dev)),
    test: spreadOfAll(runs.map(({ test }) => test)),
    best: best.result,
    bestSeed: best.seed,
    interrupted: hooks.signal?.aborted ?? false,
  };
}

/** The hooks that a single run has. */
export function hooksOfOneRun(hooks: SeedHooks): TrainHooks {
  return without(hooks, ['onSeed', 'onRun']);
}

const without = (hooks: SeedHooks, names: readonly (keyof SeedHooks)[]): TrainHooks =>
  Object.fromEntries(Object.entries(hooks).filter(([name]) => !(names as readonly string[]).includes(name)));

function expectCount(count: unknown, first: number): void {
  if (!Number.isInteger(count) || (count as number) < 2) {
    throw new ArgumentError(
      `trainSeeds: count must be an integer of at least 2; got ${show(count)}: for one seed call train`,
    );
  }
  if (!Number.isSafeInteger(first)) {
    throw new ArgumentError(`trainSeeds: options.seed must be a safe integer; got ${show(first)}`);
  }
  if (Number.isSafeInteger(first + ((count as number) - 1))) return;
  throw new ArgumentError(
    `trainSeeds: ${count as number} seeds from ${show(first)} on are not safe integers: choose a smaller seed`,
  );
}

/** A checkpoint belongs to a single run. @throws ArgumentError if one is requested, or given */
function expectOneRun(where: string, { resume }: TrainOptions, hooks: SeedHooks): void {
  const name = resume !== undefined ? 'options.resume' : hooks.onCheckpoint && 'hooks.onCheckpoint';
  if (name === undefined) return;
  throw new ArgumentError(
    `${where}: ${name} applies to a single run, and this is several: leave it out, or call train with each seed`,
  );
}

/** The score that decides which run is best, as for epochs. Without dev all runs are equal. */
function scoreOf(dev: ModelScores | null, bestBy: string | undefined): number {
  if (dev === null) return 0;
  return metricOf((bestBy === undefined ? undefined : dev.heads?.[bestBy]) ?? dev);
}

function spreadOfAll(scores: readonly (ModelScores | null)[]): ScoreSpread | null {
  const all = scores.filter((each) => each !== null);
  return all.length === 0 || all.length < scores.length ? null : scoreSpread(all);
}
