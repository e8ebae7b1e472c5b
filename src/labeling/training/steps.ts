/** Training as an iterator: the caller sees every update, decides what happens next, and may stop at any time. */
import type { Kernels } from '../../kernels/types.js';
import type { TrainOptions } from './options.js';
import type { EpochReport, TrainHooks, TrainResult } from './record.js';
import type { Corpora } from './run.js';
import { runTraining } from './train.js';

/** Yielded after an update. */
export interface UpdateStep {
  readonly kind: 'update';
  /** The epoch, from 1, and the batch within it, from 1 to `batches`. */
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  /** Updates so far, including those before a resumed run. */
  readonly update: number;
  /** Mean loss per decision (a token, or a sentence) of the batch, in nats, dropout included; for several heads the weighted sum. */
  readonly loss: number;
  /** The loss of each head, by name and unweighted, if there are several. */
  readonly losses?: Readonly<Record<string, number>>;
  /** Sizes of the batch. */
  readonly sentences: number;
  readonly tokens: number;
  /** Gradient norm before clipping, and whether it was clipped. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
  readonly lr: number;
  /** Returns the bytes of a checkpoint of this moment, for `resume`; available until the next step is requested. */
  checkpoint(): Uint8Array;
}

/** Yielded after an epoch and its evaluation. */
export interface EpochStep extends EpochReport {
  readonly kind: 'epoch';
  /** As after an update. */
  checkpoint(): Uint8Array;
}

/** The last step: what `train` returns. The threads are closed. */
export interface EndStep {
  readonly kind: 'end';
  readonly result: TrainResult;
}

/** The steps that `trainSteps` yields. */
export type TrainStep = UpdateStep | EpochStep | EndStep;

/**
 * Trains a sequence labeler step by step, with the same bits as `train`.
 *
 *     for await (const step of trainSteps(kernels, corpora, options)) {
 *       if (step.kind === 'update' && step.gradientNorm > 100) break;
 *       if (step.kind === 'end') save(step.result.model);
 *     }
 *
 * Training pauses while the caller handles a step. `break`, `return` and an error in the loop end it: its threads are closed before the
 * statement after the loop runs. After `hooks.signal` is aborted, the last step is the end, with the best weights so far.
 *
 * @throws as `train` does, when the first or a later step is requested
 */
export async function* trainSteps(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions = {},
  hooks: TrainHooks = {},
): AsyncGenerator<TrainStep, void, void> {
  const result = yield* runTraining(kernels, corpora, options, hooks);
  yield { kind: 'end', result };
}
