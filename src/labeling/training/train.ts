/**
 * The training loop: batches → forward → loss → backward → clip → update; after each epoch the development set decides
 * which weights are kept.
 *
 * Everything random comes from one seed: initial weights from named streams, the order of an epoch from a stream of that epoch,
 * the noise of a token from its place (seed, epoch, sentence, token). So the same seed on the same machine and backend gives the
 * same model, bit for bit, and an epoch needs nothing of what was drawn in those before it.
 *
 * Reading order: from cli/train.ts; next stop labeling/model/model.ts.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { expectKernels as expectProducts } from '../../autograd/entry-checks.js';
import { expectMethod, expectNumber, expectRecord } from '../../tensor/arguments.js';
import { expectKernels, expectTypes } from '../checks.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import { expectKnownKeys } from '../../tensor/checks.js';
import { copy } from '../../tensor/create.js';
import { addTo, fill } from '../../tensor/rows.js';
import { WorkerError } from '../../tensor/errors.js';
import { stampChanged } from '../../tensor/versions.js';
import { sizeOf } from '../../tensor/view.js';
import { badGradient, badParameters } from './diagnose.js';
import { evaluate } from '../scoring/evaluate.js';
import type { TrainOptions } from './options.js';
import type { Team } from './parallel/team.js';
import { createTeam } from './parallel/team.js';
import { chooseThreads } from './parallel/threads.js';
import type { EpochRecord, TrainHooks, TrainResult } from './record.js';
import type { HeadSums } from './record.js';
import { HOOK_KEYS, rateOf, recordOf } from './record.js';
import type { Model } from '../model/model.js';
import type { Moment, Replica } from './replica.js';
import { addShardGradient, addShardGradientAsync, applyGradient, totalsOf, weighted } from './replica.js';
import type { Corpora, Run } from './run.js';
import { batchesOfEpoch, prepareRun } from './run.js';
import type { ModelScores } from '../scoring/evaluate.js';
import type { Scores } from '../scoring/scorer.js';

/** How far a training has come. */
interface TrainState {
  /** Epochs begun. */
  begun: number;
  best: { readonly record: EpochRecord; readonly score: number; readonly weights: TensorRecord } | null;
  readonly history: EpochRecord[];
}

/**
 * Trains a sequence labeler.
 *
 * @param kernels where products run; every thread of `options.threads` opens the same backend for itself
 * @throws ArgumentError on an option outside its domain, or `plateau` without `dev`
 * @throws DataError on sentences without labels, or, with `strictLabels`, labels of `dev` or `test` that never occur in `train`
 * @throws NonFiniteError when the loss or a gradient is no longer finite
 * @throws WorkerError when a worker thread ends, or does not start
 * @throws MemoryError where the memory that threads share is unavailable
 *
 * What was learned before an error goes to `hooks.onRescue`.
 */
export async function train(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> {
  expectKernels('train', kernels);
  expectHooks(hooks);
  const run = prepareRun(kernels, corpora, options, hooks);
  const choice = chooseThreads(options.threads, hooks.device ?? kernels, run.settings.batch, ownPartOf(run.model));
  const state: TrainState = { begun: 0, best: null, history: [] };
  const result = (interrupted: boolean) => resultOf(run, state, corpora, choice.threads, interrupted);
  let team: Team | null = null;
  try {
    hooks.onThreads?.(choice);
    team =
      options.threads && choice.threads > 1 ? await createTeam(run.replica, choice.threads, options.threads) : null;
    await trainEpochs(run, team ?? sourceOf(run.replica, hooks.device), state, corpora, hooks);
    return result(hooks.signal?.aborted ?? false);
  } catch (error) {
    if (state.best || (team && error instanceof WorkerError)) hooks.onRescue?.(result(true), error);
    throw error;
  } finally {
    await team?.close();
    run.replica.release();
  }
}

/** What {@link TrainHooks} that are functions are. */
const LISTENERS = {
  onProgress: 'function',
  onEpoch: 'function',
  onThreads: 'function',
  onDecided: 'function',
  onSpans: 'function',
  onNote: 'function',
  onRescue: 'function',
} as const;

function expectHooks(hooks: TrainHooks): void {
  expectKnownKeys('train', 'hooks', hooks, HOOK_KEYS);
  expectTypes('train', hooks, LISTENERS);
  if (hooks.device !== undefined) expectProducts('train', hooks.device, 'hooks.device');
  if (hooks.signal === undefined) return;
  expectMethod('train', 'hooks.signal', hooks.signal, 'addEventListener', 'the signal of an AbortController');
}

async function trainEpochs(
  run: Run,
  source: GradientSource,
  state: TrainState,
  corpora: Corpora,
  hooks: TrainHooks,
): Promise<void> {
  const { kernels, model, settings, replica } = run;
  while (state.begun < settings.epochs && !hooks.signal?.aborted) {
    const epoch = await trainEpoch(run, source, ++state.begun, hooks);
    if (epoch.interrupted) return;
    const bad = badParameters(state.begun, replica.params); // no batch follows that would show it
    if (bad) throw bad;
    replica.average?.swap(); // what is judged, kept and shown is the average
    const dev = corpora.dev ? evaluate(kernels, model, corpora.dev, run.scoring) : null;
    const score = dev ? metricOf(judgedBy(dev, settings.bestBy)) : state.begun; // without a development set the last epoch is the best
    // A score of 0, as span F1 often is at first, is worth nothing: patience begins with the first that is above it.
    const better = state.best === null || state.best.score === 0 || score > state.best.score;
    if (dev) run.schedule.observe(score);
    const record: EpochRecord = { ...epoch.record, dev, best: better };
    state.history.push(record);
    if (better) state.best = { record, score, weights: snapshotOf(replica.params) };
    hooks.onEpoch?.({ ...record, model });
    replica.average?.swap();
    if (state.best && state.begun - state.best.record.epoch >= settings.patience) return;
  }
}

/** The best weights, put back into the model, and what is to be said of them. */
function resultOf(run: Run, state: TrainState, corpora: Corpora, threads: number, interrupted: boolean): TrainResult {
  const { kernels, model, clock, replica } = run;
  const { best, begun, history } = state;
  if (best) restore(replica.params, best.weights);
  else replica.average?.swap();
  return {
    model,
    dev: best?.record.dev ?? null,
    test: corpora.test && !interrupted ? evaluate(kernels, model, corpora.test, run.scoring) : null,
    epochs: begun,
    bestEpoch: best?.record.epoch ?? 0,
    seconds: clock.seconds,
    tokensPerSecond: clock.seconds > 0 ? clock.tokens / clock.seconds : 0,
    parameters: Object.values(replica.params).reduce((sum, p) => sum + sizeOf(p.shape), 0),
    interrupted,
    threads,
    history,
    decided: run.decided,
    scoring: run.scoring,
  };
}

/** What of a model is your own, and so reaches no worker; nothing where all is built in. */
export function ownPartOf({ own }: Model): string | undefined {
  if (own.cell) return 'a cell';
  if (own.encoders) return 'an encoder';
  return own.heads && 'a head';
}

/** What early stopping watches: span F1 where the labels are spans, accuracy elsewhere. */
export function metricOf(scores: Scores): number {
  expectRecord('metricOf', 'scores', scores, 'scores, as evaluate returns');
  if (scores.spanF1 === undefined || scores.spanF1 === null)
    expectNumber('metricOf', 'scores.accuracy', scores.accuracy);
  else expectNumber('metricOf', 'scores.spanF1', scores.spanF1);
  return scores.spanF1 ?? scores.accuracy;
}

/** The scores that decide which epoch is best. */
function judgedBy(dev: ModelScores, head: string | undefined): Scores {
  return (head === undefined ? undefined : dev.heads?.[head]) ?? dev;
}

/** Adds up the losses of the heads over an epoch. */
function createHeadSums({ replica: { weights }, model: { config } }: Run): HeadSums {
  const sums = config.heads.map(() => ({ loss: 0, decisions: 0 }));
  const means = (): number[] => sums.map(({ loss, decisions }) => (decisions > 0 ? loss / decisions : 0));
  return {
    add({ losses, decisions }) {
      sums.forEach((sum, h) => {
        sum.loss += losses[h] * decisions[h];
        sum.decisions += decisions[h];
      });
    },
    loss: () => weighted(means(), weights),
    byName() {
      const all = means();
      return Object.fromEntries(config.heads.map(({ name }, h) => [name, all[h]]));
    },
  };
}

async function trainEpoch(run: Run, source: GradientSource, epoch: number, { signal, onProgress }: TrainHooks) {
  const { settings, clock } = run;
  const batches = batchesOfEpoch(run, epoch);
  const started = performance.now();
  const sums = { heads: createHeadSums(run), tokens: 0, norm: 0, largest: 0, clipped: 0, lr: 0 };
  let done = 0;
  for (const members of batches) {
    if (signal?.aborted) break;
    const step = await trainBatch(run, source, members, { epoch, batch: ++done });
    sums.heads.add(step);
    sums.tokens += step.tokens;
    sums.norm += step.norm;
    sums.largest = Math.max(sums.largest, step.norm);
    sums.clipped += step.norm > settings.clip ? 1 : 0;
    sums.lr = step.lr;
    const now = performance.now();
    onProgress?.({
      epoch,
      epochs: settings.epochs,
      tokens: sums.tokens,
      totalTokens: run.tokens,
      loss: sums.heads.loss(),
      tokensPerSecond: rateOf(sums.tokens, now - started),
    });
    if (now - clock.paused > 50) {
      await new Promise((resolve) => setTimeout(resolve, 0)); // lets signals and timers of the host in
      clock.paused = performance.now();
    }
  }
  const elapsed = performance.now() - started;
  clock.seconds += elapsed / 1000;
  clock.tokens += sums.tokens;
  return { record: recordOf(epoch, sums, done, elapsed), interrupted: done < batches.length };
}

/** What computes the gradient of a batch: a team of threads, an asynchronous device, or the kernels. */
export type GradientSource = Pick<Team, 'addGradient'> & Partial<Pick<Team, 'noteUpdate'>>;

export function sourceOf(replica: Replica, device: AsyncKernels | undefined): GradientSource {
  return {
    addGradient: async ({ members, totals, moment }) =>
      device === undefined
        ? addShardGradient(replica, members, totals, moment)
        : addShardGradientAsync(replica, device, members, totals, moment),
  };
}

/** One update. */
export async function trainBatch(run: Run, source: GradientSource, members: readonly number[], moment: Moment) {
  const { replica, clock, lengths } = run;
  const tokens = members.reduce((sum, m) => sum + lengths[m], 0);
  const lr = run.settings.lr * run.schedule.factor(clock.updates++);
  const totals = totalsOf(replica.sentences, members, replica.losses);
  const shard = await source.addGradient({ members, totals, lr, moment });
  const norm = applyGradient(replica, lr);
  if (!Number.isFinite(norm)) {
    const occasion = { ...moment, what: 'the gradient norm', value: norm };
    throw badGradient(occasion, replica.network, replica.params, shard.pass, shard.batch, replica.flatGrads);
  }
  source.noteUpdate?.(norm);
  return { losses: shard.losses, decisions: shard.decisions, tokens, norm, lr };
}

function snapshotOf(params: TensorRecord): TensorRecord {
  return Object.fromEntries(Object.entries(params).map(([name, p]) => [name, copy(p)]));
}

function restore(params: TensorRecord, weights: TensorRecord): void {
  for (const [name, p] of Object.entries(params)) {
    fill(p, 0);
    addTo(p, weights[name]);
    stampChanged(p);
  }
}
