/** The same training with several seeds, one after the other: how much of a score is chance. */
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

/** What one seed came to. */
export interface SeedRun {
  readonly seed: number;
  /** Scores of its best epoch; null without such a corpus. */
  readonly dev: ModelScores | null;
  readonly test: ModelScores | null;
  readonly epochs: number;
  readonly bestEpoch: number;
  /** As in the result of `train`. */
  readonly outsideBias: TrainResult['outsideBias'];
  readonly seconds: number;
}

/** What several seeds came to. */
export interface SeedsResult {
  /** In the order of the seeds; fewer than asked for after an abort, the unfinished one left out. */
  readonly runs: readonly SeedRun[];
  /** Over these runs; null without such a corpus, or without a run. */
  readonly dev: ScoreSpread | null;
  readonly test: ScoreSpread | null;
  /** The training with the best dev score, the first of equals; without dev the first. After an abort without a finished one: as it stood. */
  readonly best: TrainResult;
  readonly bestSeed: number;
  readonly interrupted: boolean;
}

/** {@link TrainHooks}, and what is told between the trainings. What is noted, decided and planned is told of the first alone. */
export interface SeedHooks extends TrainHooks {
  /** Hears before each training which seed it has, and its place, counted from 0. */
  readonly onSeed?: (seed: number, place: number) => void;
  /** Hears after each training what it came to, and whether it is the best so far; the next one waits for it. */
  readonly onRun?: (run: SeedRun, result: TrainResult, best: boolean) => void | Promise<void>;
}

/** The names of all hooks. */
const SEED_HOOK_KEYS: readonly string[] = [
  ...HOOK_KEYS,
  ...keysOf<Omit<SeedHooks, keyof TrainHooks>>({ onSeed: true, onRun: true }),
];

/** Requires the options and hooks of several trainings. @throws ArgumentError */
export function expectSeveral(where: string, options: TrainOptions, hooks: SeedHooks): void {
  expectRecord(where, 'options', options, 'options of a training');
  expectKnownKeys(where, 'hooks', hooks, SEED_HOOK_KEYS);
  expectTypes(where, hooks, { onSeed: 'function', onRun: 'function' });
  expectOneRun(where, options, hooks);
}

/**
 * Trains `count` times, with the seeds `options.seed`, `options.seed` + 1, …. Run k is to the bit the training with that seed alone.
 *
 * @param count at least 2
 * @throws as `train` does; ArgumentError if `count` is none
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
  const own = without(hooks, ['onSeed', 'onRun']);
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
  if (best === undefined) throw new ArgumentError('trainSeeds: hooks.signal was aborted before the first training');
  return {
    runs,
    dev: spreadOfAll(runs.map(({ dev }) => dev)),
    test: spreadOfAll(runs.map(({ test }) => test)),
    best: best.result,
    bestSeed: best.seed,
    interrupted: hooks.signal?.aborted ?? false,
  };
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

/** A checkpoint is one of one training. @throws ArgumentError if one is asked for, or given */
function expectOneRun(where: string, { resume }: TrainOptions, hooks: SeedHooks): void {
  const name = resume !== undefined ? 'options.resume' : hooks.onCheckpoint && 'hooks.onCheckpoint';
  if (name === undefined) return;
  throw new ArgumentError(
    `${where}: ${name} belongs to a single training, and this trains several: leave it out, or call train with each seed`,
  );
}

/** What decides which training is best: what decides which epoch is. Without dev all are alike. */
function scoreOf(dev: ModelScores | null, bestBy: string | undefined): number {
  if (dev === null) return 0;
  return metricOf((bestBy === undefined ? undefined : dev.heads?.[bestBy]) ?? dev);
}

function spreadOfAll(scores: readonly (ModelScores | null)[]): ScoreSpread | null {
  const all = scores.filter((each) => each !== null);
  return all.length === 0 || all.length < scores.length ? null : scoreSpread(all);
}
