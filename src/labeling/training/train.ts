/**
 * The training loop: batches → forward → loss → backward → clip → update; after each epoch, the development set decides which weights are
 * kept.
 *
 * All randomness comes from one seed: initial weights from named streams, the order of an epoch from a stream of that epoch, the noise of a
 * token from its position (seed, epoch, sentence, token). So the same seed on the same machine and backend gives the same model, bit for
 * bit, and an epoch does not depend on what earlier epochs have drawn.
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
import { sameForAll } from '../scoring/suspect-labels.js';
import type { TrainOptions } from './options.js';
import { moveOutside } from './outside-bias.js';
import type { Team } from './parallel/team.js';
import { settleThreads, teamOf } from './parallel/settle.js';
import type { ReplicaState, TrainState } from './checkpoint.js';
import { createCheckpoints, expectCheckpointHooks, isFinished } from './checkpoints.js';
import type { Checkpoints } from './checkpoints.js';
import type { EpochSums, UpdateNumbers } from './epoch-sums.js';
import { addUpdate, meanLoss, noSums, recordOf } from './epoch-sums.js';
import type { EpochRecord, TrainHooks, TrainResult } from './record.js';
import { HOOK_KEYS, rateOf } from './record.js';
import type { EpochStep, UpdateStep } from './steps.js';
import type { Model } from '../model/model.js';
import type { Moment, Replica } from './replica.js';
import { addShardGradient, addShardGradientAsync, applyGradient, totalsOf, weighted } from './replica.js';
import type { Corpora, Run } from './run.js';
import { batchesOfEpoch, batchesPerEpoch, prepareRun } from './run.js';
import type { ModelScores } from '../scoring/evaluate.js';
import type { Scores } from '../scoring/scorer.js';

/**
 * Trains a sequence labeler.
 *
 * @param kernels where products run; every thread of `options.threads` opens its own instance of the same backend
 * @throws ArgumentError on an option outside its domain, or `plateau` without `dev`
 * @throws DataError on sentences without labels, or, with `strictLabels`, labels of `dev` or `test` that never occur in `train`
 * @throws NonFiniteError when the loss or a gradient is no longer finite
 * @throws WorkerError when a worker thread ends, or does not start
 * @throws MemoryError if the memory that threads share is unavailable
 *
 * What was learned before an error is passed to `hooks.onRescue`.
 */
export async function train(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> {
  const steps = runTraining(kernels, corpora, options, hooks);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
  }
}

/**
 * The code shared by `train` and `trainSteps`: yields a step after every update and every epoch. If it is left early, it ends its threads.
 */
export async function* runTraining(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions,
  hooks: TrainHooks,
): AsyncGenerator<UpdateStep | EpochStep, TrainResult, void> {
  expectKernels('train', kernels);
  expectHooks(hooks);
  const run = prepareRun(kernels, corpora, options, hooks);
  const choice = await settleThreads(run, options.threads, hooks, ownPartOf(run.model), options.resume);
  let team: Team | null = null;
  const checkpoints = createCheckpoints(run, corpora, choice.threads, hooks, () => team?.complete());
  const state = checkpoints.begin(options.resume);
  const result = (interrupted: boolean) => resultOf(run, state, corpora, choice.threads, interrupted);
  try {
    hooks.onThreads?.(choice);
    team = await teamOf(run.replica, choice, options.threads, options.resume && stateOf(run.replica));
    yield* trainEpochs(run, team ?? sourceOf(run.replica, hooks.device), state, corpora, hooks, checkpoints);
    await checkpoints.last();
    const made = result(hooks.signal?.aborted ?? false);
    tellSame(made, corpora, hooks);
    return made;
  } catch (error) {
    if (state.best || (team && error instanceof WorkerError)) hooks.onRescue?.(result(true), error);
    throw error;
  } finally {
    await team?.close();
    run.replica.release();
  }
}

/** Notes that a model labels everything the same, judging by dev, or else by test. */
function tellSame({ dev, test }: TrainResult, { sources }: Corpora, { onNote }: TrainHooks): void {
  const scores = dev ?? test;
  if (onNote && scores) sameForAll(scores, dev ? sources?.dev : sources?.test).forEach(onNote);
}

/** The {@link TrainHooks} that are functions. */
const LISTENERS = {
  onProgress: 'function',
  onEpoch: 'function',
  onThreads: 'function',
  onDecided: 'function',
  onSpans: 'function',
  onGrown: 'function',
  onNote: 'function',
  onRescue: 'function',
  onCheckpoint: 'function',
  onResume: 'function',
} as const;

function expectHooks(hooks: TrainHooks): void {
  expectKnownKeys('train', 'hooks', hooks, HOOK_KEYS);
  expectTypes('train', hooks, LISTENERS);
  expectCheckpointHooks(hooks);
  if (hooks.device !== undefined) expectProducts('train', hooks.device, 'hooks.device');
  if (hooks.signal === undefined) return;
  expectMethod('train', 'hooks.signal', hooks.signal, 'addEventListener', 'the signal of an AbortController');
}

async function* trainEpochs(
  run: Run,
  source: GradientSource,
  state: TrainState,
  corpora: Corpora,
  hooks: TrainHooks,
  checkpoints: Checkpoints,
): AsyncGenerator<UpdateStep | EpochStep, void, void> {
  while (!isFinished(run, state) && !hooks.signal?.aborted) {
    if (state.epoch === null) {
      state.begun++;
      state.epoch = noSums(run.replica.weights.length);
    }
    const whole = yield* trainEpoch(run, source, state.begun, state.epoch, hooks, checkpoints);
    if (!whole) return;
    const bad = badParameters(state.begun, run.replica.params); // no batch follows that would show it
    if (bad) throw bad;
    const record = endEpoch(run, state, state.epoch, corpora, hooks);
    yield { kind: 'epoch', ...record, model: run.model, checkpoint: () => ofWeights(run.replica, checkpoints.take) };
    run.replica.average?.swap();
  }
}

/** Evaluates an epoch, and acts on the result. If there is an average, it takes the place of the weights meanwhile. */
function endEpoch(run: Run, state: TrainState, sums: EpochSums, corpora: Corpora, hooks: TrainHooks): EpochRecord {
  const { kernels, model, settings, replica, clock } = run;
  const { begun, best } = state;
  replica.average?.swap(); // the average is what is evaluated, kept and reported
  const dev = corpora.dev ? evaluate(kernels, model, corpora.dev, run.scoring) : null;
  const score = scoreOf(dev, begun, settings.bestBy);
  // A score of 0, which is common for span F1 at first, counts as no score: patience starts with the first score above 0.
  const before = best && scoreOf(best.record.dev, best.record.epoch, settings.bestBy);
  const better = before === null || before === 0 || score > before;
  if (dev) run.schedule.observe(score);
  const names = model.config.heads.map(({ name }) => name);
  const record: EpochRecord = { ...recordOf(begun, sums, names, replica.weights), dev, best: better };
  state.history.push(record);
  if (better) state.best = { record, weights: snapshotOf(replica.params) };
  clock.seconds += sums.elapsed / 1000;
  clock.tokens += sums.tokens;
  state.epoch = null;
  hooks.onEpoch?.({ ...record, model });
  return record;
}

/** Runs `take` with the weights in the parameters, in place of their average. */
function ofWeights<T>({ average }: Replica, take: () => T): T {
  average?.swap();
  try {
    return take();
  } finally {
    average?.swap();
  }
}

/** The score by which epochs are compared; without a development set the last epoch is the best. */
function scoreOf(dev: ModelScores | null, epoch: number, head: string | undefined): number {
  return dev ? metricOf(judgedBy(dev, head)) : epoch;
}

/** Restores the best weights in the model, and builds the result. */
function resultOf(run: Run, state: TrainState, corpora: Corpora, threads: number, interrupted: boolean): TrainResult {
  const { kernels, model, clock, replica } = run;
  const { best, begun, history, epoch } = state;
  const seconds = clock.seconds + (epoch?.elapsed ?? 0) / 1000;
  const tokens = clock.tokens + (epoch?.tokens ?? 0);
  if (best) restore(replica.params, best.weights);
  else replica.average?.swap();
  const outside = outsideOf(run, best !== null, corpora);
  return {
    model,
    dev: outside?.scores ?? best?.record.dev ?? null,
    test: corpora.test && !interrupted ? evaluate(kernels, model, corpora.test, run.scoring) : null,
    epochs: begun,
    bestEpoch: best?.record.epoch ?? 0,
    seconds,
    tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
    parameters: Object.values(replica.params).reduce((sum, p) => sum + sizeOf(p.shape), 0),
    interrupted,
    threads,
    history,
    decided: run.decided,
    outsideBias: outside?.moved ?? null,
    scoring: run.scoring,
  };
}

/** Moves the logit of O according to the options; if dev is to choose, weights that were never evaluated on dev are left unchanged. */
function outsideOf({ kernels, model, settings, scoring }: Run, judged: boolean, { dev }: Corpora) {
  const { outsideBias, freeze } = settings;
  if (outsideBias === undefined || (outsideBias === 'dev' && !judged)) return null;
  return moveOutside(kernels, model, { outsideBias, freeze }, judged ? dev : undefined, scoring);
}

/** The custom parts of a model, which cannot be sent to workers; undefined if all parts are built in. */
export function ownPartOf({ own }: Model): string | undefined {
  if (own.cell) return 'a custom cell';
  if (own.encoders) return 'a custom encoder';
  return own.heads && 'a custom head';
}

/** The score that early stopping uses: span F1 if the labels are spans, otherwise accuracy. */
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

/** The remaining batches of an epoch. @returns whether the epoch was completed */
async function* trainEpoch(
  run: Run,
  source: GradientSource,
  epoch: number,
  sums: EpochSums,
  { signal, onProgress }: TrainHooks,
  checkpoints: Checkpoints,
): AsyncGenerator<UpdateStep, boolean, void> {
  const { settings, clock, replica } = run;
  const batches = batchesOfEpoch(run, epoch);
  let since = performance.now();
  for (const members of batches.slice(sums.done)) {
    if (signal?.aborted) break;
    const step = await trainBatch(run, source, members, { epoch, batch: sums.done + 1 });
    addUpdate(sums, step, settings.clip);
    sums.elapsed += performance.now() - since;
    onProgress?.({
      epoch,
      epochs: settings.epochs,
      tokens: sums.tokens,
      totalTokens: run.tokens,
      loss: meanLoss(sums, replica.weights),
      tokensPerSecond: rateOf(sums.tokens, sums.elapsed),
    });
    await checkpoints.afterUpdate();
    yield updateStepOf(run, step, { epoch, batch: sums.done }, members.length, checkpoints);
    since = performance.now();
    if (since - clock.paused > 50) {
      await new Promise((resolve) => setTimeout(resolve, 0)); // lets signals and timers of the host be handled
      clock.paused = performance.now();
    }
  }
  return sums.done === batches.length;
}

function updateStepOf(
  { replica, model, settings, clock, lengths }: Run,
  { losses, tokens, norm, lr }: UpdateNumbers,
  { epoch, batch }: Moment,
  sentences: number,
  checkpoints: Checkpoints,
): UpdateStep {
  const { heads } = model.config;
  return {
    kind: 'update',
    ...{ epoch, batch, batches: batchesPerEpoch(lengths.length, settings), update: clock.updates },
    loss: weighted(losses, replica.weights),
    ...(heads.length > 1 && { losses: Object.fromEntries(heads.map(({ name }, h) => [name, losses[h]])) }),
    ...{ sentences, tokens, gradientNorm: norm, clipped: norm > settings.clip, lr },
    checkpoint: checkpoints.take,
  };
}

/** The state of a replica, as sent to a worker. */
const stateOf = ({ params, optimizer }: Replica): ReplicaState => ({
  params: snapshotOf(params),
  optimizer: optimizer.state(),
});

/** Computes the gradient of a batch, and applies it: a team of threads, an asynchronous device, or the kernels. */
export type GradientSource = Pick<Team, 'addGradient' | 'applyGradient'>;

export function sourceOf(replica: Replica, device: AsyncKernels | undefined): GradientSource {
  return {
    addGradient: async ({ members, totals, moment }) =>
      device === undefined
        ? addShardGradient(replica, members, totals, moment)
        : addShardGradientAsync(replica, device, members, totals, moment),
    applyGradient: async (lr) => applyGradient(replica, lr),
  };
}

/** One update. */
export async function trainBatch(run: Run, source: GradientSource, members: readonly number[], moment: Moment) {
  const { replica, clock, lengths } = run;
  const tokens = members.reduce((sum, m) => sum + lengths[m], 0);
  const lr = run.settings.lr * run.schedule.factor(clock.updates++);
  const totals = totalsOf(replica.sentences, members, replica.losses);
  const shard = await source.addGradient({ members, totals, lr, moment });
  const norm = await source.applyGradient(lr);
  if (!Number.isFinite(norm)) {
    const occasion = { ...moment, what: 'the gradient norm', value: norm };
    throw badGradient(occasion, replica.network, replica.params, shard.pass, shard.batch, replica.flatGrads);
  }
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
