/** A training as an iterator: the caller sees every update, decides what follows it, and may leave at any time. */
import type { Kernels } from '../../kernels/types.js';
import type { TrainOptions } from './options.js';
import type { EpochReport, TrainHooks, TrainResult } from './record.js';
import type { Corpora } from './run.js';
import { runTraining } from './train.js';

/** After an update. */
export interface UpdateStep {
  readonly kind: 'update';
  /** The epoch, from 1, and the batch in it, from 1 to `batches`. */
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  /** Updates so far, those before a resumed training included. */
  readonly update: number;
  /** Mean loss per decision (a token, or a sentence) of the batch, in nats, dropout included; of several heads the weighted sum. */
  readonly loss: number;
  /** That of each head, by name and not weighted, where there are several. */
  readonly losses?: Readonly<Record<string, number>>;
  /** How many the batch had. */
  readonly sentences: number;
  readonly tokens: number;
  /** Gradient norm before clipping, and whether it was clipped. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
  readonly lr: number;
  /** The bytes of a checkpoint of this moment, for `resume`; until the next step is asked for. */
  checkpoint(): Uint8Array;
}

/** After an epoch and its evaluation. */
export interface EpochStep extends EpochReport {
  readonly kind: 'epoch';
  /** As after an update. */
  checkpoint(): Uint8Array;
}

/** The end: what `train` returns. The threads are closed. */
export interface EndStep {
  readonly kind: 'end';
  readonly result: TrainResult;
}

/** What `trainSteps` yields. */
export type TrainStep = UpdateStep | EpochStep | EndStep;

/**
 * Trains a sequence labeler as `train` does, to the same bits, step by step.
 *
 *     for await (const step of trainSteps(kernels, corpora, options)) {
 *       if (step.kind === 'update' && step.gradientNorm > 100) break;
 *       if (step.kind === 'end') save(step.result.model);
 *     }
 *
 * The training stands still while the caller is at work on a step. `break`, `return` and an error in the loop end it: its threads are closed
 * before the statement behind the loop runs. After `hooks.signal` is aborted the last step is the end, with the best weights so far.
 *
 * @throws as `train` does, when the first step is asked for or later
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
