/** What is told of a training: while it runs, after each epoch, and of the whole. */
import { keysOf } from '../../tensor/checks.js';
import type { AsyncKernels } from '../../kernels/types.js';
import type { OnNote } from '../data/notes.js';
import type { Model } from '../model/model.js';
import type { OutsideBias } from './outside-bias.js';
import type { ThreadChoice } from './parallel/threads.js';
import type { Decided } from './presets.js';
import type { SpanPlan } from './spans.js';
import type { EvaluateOptions, ModelScores } from '../scoring/evaluate.js';

/** How far an epoch is; reported after every batch. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Tokens of this epoch done so far, and in all. */
  readonly tokens: number;
  readonly totalTokens: number;
  /** Mean loss per decision (a token, or a sentence) of this epoch so far, in nats. */
  readonly loss: number;
  /** Over this epoch so far. */
  readonly tokensPerSecond: number;
}

/** One line of the training log. */
export interface EpochRecord {
  readonly epoch: number;
  /** Mean training loss per decision (a token, or a sentence), in nats, dropout included; of several heads the weighted sum. */
  readonly loss: number;
  /** That of each head, by name and not weighted, where there are several. */
  readonly losses?: Readonly<Record<string, number>>;
  /** Mean and largest gradient norm before clipping, and the share of updates that were clipped. */
  readonly gradientNorm: number;
  readonly largestGradientNorm: number;
  readonly clipped: number;
  /** Learning rate of the last update. */
  readonly lr: number;
  /** Training only, without the evaluation. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  readonly dev: ModelScores | null;
  /** Whether these weights are the best so far. */
  readonly best: boolean;
}

/** What is told after an epoch: its record, and the model as it stands. */
export interface EpochReport extends EpochRecord {
  /**
   * The model after this epoch, which the training goes on with: read it, label with it, copy what you keep of it, and leave it as it
   * is. `TrainResult.model` has the best weights in the end.
   */
  readonly model: Model;
}

/** Callbacks of a training, and the signal that stops it. */
export interface TrainHooks {
  /** Called after every batch. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called after every epoch, when its evaluation is done. */
  readonly onEpoch?: (report: EpochReport) => void;
  /**
   * Aborting ends the training after the batch in hand. The best weights so far are returned; before the end of the first
   * epoch those are the weights as they stand.
   */
  readonly signal?: AbortSignal;
  /**
   * An asynchronous device, for the products over whole batches of the training; the time loops and the evaluations run
   * on the kernels.
   */
  readonly device?: AsyncKernels;
  /** Hears, before the first batch, how many threads the training uses, and why there are fewer than asked for. */
  readonly onThreads?: (choice: ThreadChoice) => void;
  /** Hears, before the first batch, which options the size of the data, or a preset, has set. */
  readonly onDecided?: (decided: Decided) => void;
  /** Hears, before the first batch, what was decided about labels of spans, where a scheme or a constraint applies. */
  readonly onSpans?: (plan: SpanPlan) => void;
  /** Hears, before the first batch, what a model that `init` gave has grown by. */
  readonly onGrown?: (grown: Grown) => void;
  /** Hears, before the first batch, what is suspicious about the sentences: one label, one word, labels that `train` lacks, …. */
  readonly onNote?: OnNote;
  /**
   * Gets what there is to save, as after an abort, when `train` is about to throw `error`: the best weights of the epochs
   * that were finished. Without a finished epoch the weights as they stand, where a worker thread ended; else it is not
   * called, because a loss that is not a number in the first epoch leaves nothing worth keeping.
   */
  readonly onRescue?: (result: TrainResult, error: unknown) => void;
  /**
   * Gets the bytes of a checkpoint: `train({ …, resume: bytes })` goes on from them, on the same number of threads to the bits of a training
   * that was never interrupted. Called after an update whenever one is due, and once at the end, of an aborted training too; the training
   * waits for it, and ends with what it throws.
   */
  readonly onCheckpoint?: (bytes: Uint8Array, place: TrainPlace) => void | Promise<void>;
  /** When a checkpoint is due: so many updates, or so many seconds, after the one before. Default 300 seconds. */
  readonly checkpointEvery?: CheckpointInterval;
  /** Hears, before the first batch, from where a training goes on that was resumed. */
  readonly onResume?: (place: ResumePlace) => void;
}

/** How far a training is. */
export interface TrainPlace {
  /** The epoch in hand, from 1; between epochs the last one. 0 before the first. */
  readonly epoch: number;
  /** Batches of it that are done, and all of an epoch. */
  readonly batch: number;
  readonly batches: number;
  /** Updates since the beginning. */
  readonly updates: number;
  /** Whether the epoch is finished, its evaluation included. */
  readonly between: boolean;
  /** Whether nothing is left to train. */
  readonly finished: boolean;
}

/** Where a resumed training goes on, and the epochs that were finished before. */
export interface ResumePlace extends TrainPlace {
  readonly history: readonly EpochRecord[];
}

/** So many updates, or so many seconds; above 0. */
export type CheckpointInterval = { readonly updates: number } | { readonly seconds: number };

/** What a model has grown by that goes on from another one. */
export interface Grown {
  /** By encoder, the new words, characters, or words with pretrained vectors, in the order of their rows. */
  readonly encoders: Readonly<Record<string, readonly string[]>>;
  /** By head, its new labels, in the order of their ids. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** The names of all hooks. */
export const HOOK_KEYS = keysOf<TrainHooks>({
  onProgress: true,
  onEpoch: true,
  signal: true,
  device: true,
  onThreads: true,
  onDecided: true,
  onSpans: true,
  onGrown: true,
  onNote: true,
  onRescue: true,
  onCheckpoint: true,
  checkpointEvery: true,
  onResume: true,
});

/** A trained model and how it came about. */
export interface TrainResult {
  readonly model: Model;
  /** Scores of the returned weights; null without such a corpus, and after an abort in the first epoch. */
  readonly dev: ModelScores | null;
  /** Likewise; null after any abort, when the model should be saved at once. */
  readonly test: ModelScores | null;
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
  /** Threads that computed the gradients. */
  readonly threads: number;
  readonly history: readonly EpochRecord[];
  /** Which options the size of the data, or a preset, has set; null where every one of them was given. */
  readonly decided: Decided | null;
  /** How far the logits of the label O were moved, one of each head with spans; null where that was not asked for. */
  readonly outsideBias: readonly OutsideBias[] | null;
  /** How dev and test were scored: what `evaluate` is to be told for the same. */
  readonly scoring: Pick<EvaluateOptions, 'spanMode' | 'scheme'>;
}

/** Tokens per second, finite also where the clock did not move. */
export function rateOf(tokens: number, milliseconds: number): number {
  return (1000 * tokens) / Math.max(milliseconds, 1e-3);
}
