/**
 * The training loop: batches → forward → loss → backward → clip → update; after each epoch the development set decides
 * which weights are kept.
 *
 * Everything random comes from one seed through named streams (initialization, order, dropout, word dropout), so the same
 * seed on the same machine and backend gives the same model, bit for bit.
 *
 * Reading order: from cli/train.ts; next stop labeling/model.ts.
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { AsyncKernels, Kernels } from '../kernels/types.js';
import { copy } from '../tensor/create.js';
import { addTo, fill } from '../tensor/rows.js';
import { sizeOf } from '../tensor/view.js';
import { batchesOf } from './batches.js';
import { evaluate } from './evaluate.js';
import type { Model } from './model.js';
import type { TrainOptions } from './options.js';
import type { Moment } from './replica.js';
import { addShardGradient, addShardGradientAsync, applyGradient } from './replica.js';
import type { Corpora, Run } from './run.js';
import { prepareRun } from './run.js';
import type { Scores } from './scorer.js';

/** How far an epoch is; reported after every batch. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Tokens of this epoch done so far, and in all. */
  readonly tokens: number;
  readonly totalTokens: number;
  /** Mean loss per token of this epoch so far, in nats. */
  readonly loss: number;
  /** Over this epoch so far. */
  readonly tokensPerSecond: number;
}

/** One line of the training log. */
export interface EpochRecord {
  readonly epoch: number;
  /** Mean training loss per token, in nats, dropout included. */
  readonly loss: number;
  /** Mean and largest gradient norm before clipping, and the share of updates that were clipped. */
  readonly gradientNorm: number;
  readonly largestGradientNorm: number;
  readonly clipped: number;
  /** Learning rate of the last update. */
  readonly lr: number;
  /** Training only, without the evaluation. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  readonly dev: Scores | null;
  /** Whether these weights are the best so far. */
  readonly best: boolean;
}

/** Who listens, and who may stop it. */
export interface TrainHooks {
  readonly onProgress?: (progress: Progress) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /**
   * Aborting ends the training after the batch in hand. The best weights so far are returned; before the end of the first
   * epoch those are the weights as they stand.
   */
  readonly signal?: AbortSignal;
  /**
   * A device that answers later, for the products over whole batches of the training; the time loops and the evaluations run
   * on the kernels.
   */
  readonly device?: AsyncKernels;
}

/** A trained model and how it came about. */
export interface TrainResult {
  readonly model: Model;
  /** Scores of the returned weights; null without such a corpus, and after an abort in the first epoch. */
  readonly dev: Scores | null;
  /** Likewise; null after any abort, when the model should be saved at once. */
  readonly test: Scores | null;
  /** Epochs begun. */
  readonly epochs: number;
  /** Epoch, from 1, whose weights are returned; 0 where none was finished. */
  readonly bestEpoch: number;
  /** Training only, without the evaluations. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Number of learned values. */
  readonly parameters: number;
  readonly interrupted: boolean;
  readonly history: readonly EpochRecord[];
}

/**
 * Trains a sequence labeler.
 *
 * @param kernels where products run
 * @throws ArgumentError on an option outside its domain, or `plateau` without `dev`; DataError on sentences without labels, or labels of `dev` or
 *   `test` that never occur in `train`; NonFiniteError when the loss or a gradient is no finite number any more
 */
export async function train(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions = {},
  hooks: TrainHooks = {},
): Promise<TrainResult> {
  const run = prepareRun(kernels, corpora, options);
  try {
    return await trainEpochs(run, corpora, hooks);
  } finally {
    run.replica.release();
  }
}

async function trainEpochs(run: Run, corpora: Corpora, hooks: TrainHooks): Promise<TrainResult> {
  const { kernels } = run;
  const { params } = run.replica;
  const history: EpochRecord[] = [];
  let best: { record: EpochRecord; score: number; weights: TensorRecord } | null = null;
  let begun = 0;
  while (begun < run.settings.epochs && !hooks.signal?.aborted) {
    begun++;
    const epoch = await trainEpoch(run, begun, hooks);
    if (epoch.interrupted) break;
    const dev = corpora.dev ? evaluate(kernels, run.model, corpora.dev) : null;
    const score = dev ? metricOf(dev) : begun; // without a development set the last epoch is the best
    // A score of 0, as span F1 often is at first, is worth nothing: patience begins with the first that is above it.
    const better = best === null || best.score === 0 || score > best.score;
    if (dev) run.schedule.observe(score);
    const record: EpochRecord = { ...epoch.record, dev, best: better };
    history.push(record);
    if (better) best = { record, score, weights: snapshotOf(params) };
    hooks.onEpoch?.(record);
    if (best && begun - best.record.epoch >= run.settings.patience) break;
  }
  if (best) restore(params, best.weights);
  const seconds = run.clock.seconds;
  const interrupted = hooks.signal?.aborted ?? false;
  return {
    model: run.model,
    dev: best?.record.dev ?? null,
    test: corpora.test && !interrupted ? evaluate(kernels, run.model, corpora.test) : null,
    epochs: begun,
    bestEpoch: best?.record.epoch ?? 0,
    seconds,
    tokensPerSecond: seconds > 0 ? run.clock.tokens / seconds : 0,
    parameters: Object.values(params).reduce((sum, p) => sum + sizeOf(p.shape), 0),
    interrupted,
    history,
  };
}

/** What early stopping watches: span F1 where the labels are spans, token accuracy elsewhere. */
export function metricOf(scores: Scores): number {
  return scores.spanF1 ?? scores.accuracy;
}

async function trainEpoch(run: Run, epoch: number, { signal, onProgress, device }: TrainHooks) {
  const { settings, clock } = run;
  const batches = batchesOf(run.lengths, settings.batch, run.order);
  const started = performance.now();
  const sums = { loss: 0, tokens: 0, norm: 0, largest: 0, clipped: 0, lr: 0 };
  let done = 0;
  for (const members of batches) {
    if (signal?.aborted) break;
    const step = await trainBatch(run, members, { epoch, batch: ++done }, device);
    sums.loss += step.loss * step.tokens;
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
      loss: sums.loss / Math.max(sums.tokens, 1),
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

type Sums = Record<'loss' | 'tokens' | 'norm' | 'largest' | 'clipped' | 'lr', number>;

/** What the sums over `done` batches say of an epoch. */
function recordOf(epoch: number, sums: Sums, done: number, elapsed: number): Omit<EpochRecord, 'dev' | 'best'> {
  return {
    epoch,
    loss: sums.loss / Math.max(sums.tokens, 1),
    gradientNorm: sums.norm / Math.max(done, 1),
    largestGradientNorm: sums.largest,
    clipped: sums.clipped / Math.max(done, 1),
    lr: sums.lr,
    seconds: elapsed / 1000,
    tokensPerSecond: rateOf(sums.tokens, elapsed),
  };
}

/** Tokens per second, finite also where the clock did not move. */
function rateOf(tokens: number, milliseconds: number): number {
  return (1000 * tokens) / Math.max(milliseconds, 1e-3);
}

/** One update. */
async function trainBatch(run: Run, members: readonly number[], moment: Moment, device?: AsyncKernels) {
  const { replica, clock, lengths } = run;
  const tokens = members.reduce((sum, m) => sum + lengths[m], 0);
  const shard =
    device === undefined
      ? addShardGradient(replica, members, tokens, moment)
      : await addShardGradientAsync(replica, device, members, tokens, moment);
  const lr = run.settings.lr * run.schedule.factor(clock.updates++);
  const norm = applyGradient(replica, lr, shard, moment);
  return { loss: shard.loss, tokens, norm, lr };
}

function snapshotOf(params: TensorRecord): TensorRecord {
  return Object.fromEntries(Object.entries(params).map(([name, p]) => [name, copy(p)]));
}

function restore(params: TensorRecord, weights: TensorRecord): void {
  for (const [name, p] of Object.entries(params)) {
    fill(p, 0);
    addTo(p, weights[name]);
  }
}
