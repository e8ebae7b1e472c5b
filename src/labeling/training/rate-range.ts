/**
 * Learning-rate range test: a few training updates with increasing rates, and the loss before each of them.
 *
 *     update k of n, k = 0 … n − 1, has the rate     ηₖ = a · (b / a)^(k / (n − 1))                                            (1)
 *     its batch has, before it, the loss             lₖ
 *     smoothed                                       sₖ = Σ βᵏ⁻ʲ lⱼ / Σ βᵏ⁻ʲ, both over j = 0 … k                             (2)
 *     it ends early at the first k ≥ n / 10 where    sₖ > 2 · min sⱼ, j < k, or where lₖ or a gradient is not finite           (3)
 *     among the m points with j within m / 8 of k    mean m̄ₖ of lⱼ, and slope gₖ of the straight line that fits lⱼ best
 *                                                    against ln ηⱼ                                                            (4)
 *     suggested                                      ηₖ at the least gₖ below 0, among the points up to the least m̄           (5)
 *
 * Batches, dropout and everything else are those of training with the same options; only the rate differs. The trained weights are
 * discarded.
 *
 * Sources: Smith, Cyclical Learning Rates for Training Neural Networks (WACV 2017), section 3.3, for the test. The exponential growth, the
 * smoothing (2) and the rules (3) and (5), called steep, are those of fastai's `lr_find`, https://docs.fast.ai/callback.schedule.html.
 * There β is 0.98, the factor of (3) is 4, and slopes are differences of neighboring s. A mean over the past lags: with rates that grow
 * tenfold in 15 updates, s falls only at several times the rate that made l fall. So (4) fits l itself, on both sides of k.
 */
import { exp, log } from '../../tensor/math.js';
import { NonFiniteError } from '../../tensor/errors.js';
import type { Kernels } from '../../kernels/types.js';
import { settleThreads, teamOf } from './parallel/settle.js';
import type { TrainOptions } from './options.js';
import type { TrainHooks } from './record.js';
import { weighted } from './replica.js';
import type { Corpora, Run } from './run.js';
import { batchesOfEpoch, prepareRun } from './run.js';
import type { GradientSource } from './train.js';
import { ownPartOf, sourceOf, trainBatch } from './train.js';

/** One update of the test. */
export interface RatePoint {
  readonly lr: number;
  /** Mean loss per decision of its batch, in nats, before the update; for several heads the weighted sum. */
  readonly loss: number;
  /** The smoothed loss of (2). */
  readonly smoothed: number;
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number;
}

/** The result of the test. */
export interface RateRange {
  readonly points: readonly RatePoint[];
  /** Number of planned updates. */
  readonly updates: number;
  /** Why it ended: at the last rate, because the loss diverged, because a value was not finite, or by the signal. */
  readonly ended: 'range' | 'diverged' | 'not-finite' | 'interrupted';
  /** The rate of (5); null if the loss never falls. */
  readonly suggested: number | null;
  readonly threads: number;
}

/** The plan of a test: rates from `from` to `to`, over a given number of updates, or over those of an epoch within {@link UPDATES}. */
export interface RatePlan {
  readonly from: number;
  readonly to: number;
  readonly updates?: number;
}

/** The default limits on updates: an epoch has too few of them for a small data set, and needlessly many for a large one. */
export const UPDATES = { least: 50, most: 200 } as const;

/** β of (2), and the factor of (3). */
const BETA = 0.9;
const GROWTH = 2;

/**
 * Runs the test. The model and what it learned are discarded.
 *
 * @param options those of training; rate and schedule are ignored
 * @param hooks `onUpdate` receives every update and its index
 * @throws as `train` does, except that a non-finite loss ends the test
 */
export async function findRateRange(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions,
  { from, to, updates: asked }: RatePlan,
  hooks: Pick<TrainHooks, 'onNote' | 'onSpans' | 'onThreads' | 'signal'> & {
    readonly onUpdate?: (done: number, updates: number, point: RatePoint) => void;
  } = {},
): Promise<RateRange> {
  // With a rate of 1, the factor of the schedule is the rate.
  const prepared = prepareRun(kernels, corpora, { ...options, lr: 1, schedule: 'constant' }, hooks);
  const { settings, model, lengths, replica } = prepared;
  const updates = asked ?? Math.min(UPDATES.most, Math.max(UPDATES.least, Math.ceil(lengths.length / settings.batch)));
  const rate = (k: number): number => (updates === 1 ? from : from * exp((log(to / from) * k) / (updates - 1))); // (1)
  const run: Run = { ...prepared, schedule: { ...prepared.schedule, factor: rate } };
  const choice = await settleThreads(prepared, options.threads, {}, ownPartOf(model));
  hooks.onThreads?.(choice);
  const team = await teamOf(replica, choice, options.threads);
  try {
    const found = await tryRates(run, team ?? sourceOf(replica, undefined), updates, hooks);
    return { ...found, updates, suggested: suggestedRate(found.points), threads: choice.threads };
  } finally {
    await team?.close();
    replica.release();
  }
}

async function tryRates(
  run: Run,
  source: GradientSource,
  updates: number,
  { signal, onUpdate }: NonNullable<Parameters<typeof findRateRange>[4]>,
): Promise<Pick<RateRange, 'points' | 'ended'>> {
  const points: RatePoint[] = [];
  const smooth = smoother();
  let least = Infinity;
  for (const { members, epoch, batch } of batchesFrom(run, updates)) {
    if (signal?.aborted) return { points, ended: 'interrupted' };
    let step: Awaited<ReturnType<typeof trainBatch>>;
    try {
      step = await trainBatch(run, source, members, { epoch, batch });
    } catch (error) {
      if (error instanceof NonFiniteError) return { points, ended: 'not-finite' }; // (3)
      throw error;
    }
    const loss = weighted(step.losses, run.replica.weights);
    const smoothed = smooth(loss);
    points.push({ lr: step.lr, loss, smoothed, gradientNorm: step.norm });
    onUpdate?.(points.length, updates, points[points.length - 1]);
    if (points.length > updates / 10 && smoothed > GROWTH * least) return { points, ended: 'diverged' }; // (3)
    least = Math.min(least, smoothed);
    await new Promise((resolve) => setTimeout(resolve, 0)); // lets signals be handled
  }
  return { points, ended: 'range' };
}

/** The batches of training in order, from the first epoch on. */
function* batchesFrom(run: Run, updates: number) {
  for (let epoch = 1, done = 0; done < updates; epoch++) {
    for (const [b, members] of batchesOfEpoch(run, epoch).entries()) {
      if (done++ >= updates) return;
      yield { members, epoch, batch: b + 1 };
    }
  }
}

/** Returns the smoothing function (2). */
function smoother(): (loss: number) => number {
  let [sum, weight] = [0, 0];
  return (loss) => {
    sum = BETA * sum + loss;
    weight = BETA * weight + 1;
    return sum / weight;
  };
}

/** The rate of (5), given the points of a test. */
export function suggestedRate(points: readonly Pick<RatePoint, 'lr' | 'loss'>[]): number | null {
  const reach = Math.max(1, Math.round(points.length / 8));
  const fits = points.map((_, k) => fitOf(points.slice(Math.max(0, k - reach), k + reach + 1)));
  const lowest = fits.reduce((best, { mean }, k) => (mean < fits[best].mean ? k : best), 0);
  let [steepest, suggested]: [number, number | null] = [0, null];
  for (let k = 0; k <= lowest && k < points.length; k++) {
    if (fits[k].slope < steepest) [steepest, suggested] = [fits[k].slope, points[k].lr];
  }
  return suggested;
}

/** Equation (4): least squares, the slope Σ (x − x̄)(l − l̄) / Σ (x − x̄)² with x = ln η; 0 for a single point. */
function fitOf(points: readonly Pick<RatePoint, 'lr' | 'loss'>[]): { readonly mean: number; readonly slope: number } {
  const xs = points.map(({ lr }) => log(lr));
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, mean] = [meanOf(xs), meanOf(points.map(({ loss }) => loss))];
  const spread = xs.reduce((sum, each) => sum + (each - x) * (each - x), 0);
  const together = points.reduce((sum, { loss }, i) => sum + (xs[i] - x) * (loss - mean), 0);
  return { mean, slope: spread > 0 ? together / spread : 0 };
}
