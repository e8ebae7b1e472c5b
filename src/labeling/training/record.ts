/** Reports on training: while it runs, after each epoch, and on the whole. */
import { keysOf } from '../../tensor/checks.js';
import type { AsyncKernels } from '../../kernels/types.js';
import type { OnNote } from '../data/notes.js';
import type { Model } from '../model/model.js';
import type { OutsideBias } from './outside-bias.js';
import type { ThreadChoice } from './parallel/threads.js';
import type { Decided } from './presets.js';
import type { SpanPlan } from './spans.js';
import type { EvaluateOptions, ModelScores } from '../scoring/evaluate.js';

/** Progress of an epoch; reported after every batch. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Tokens of this epoch processed so far, and in total. */
  readonly tokens: number;
  readonly totalTokens: number;
  /** Mean loss per decision (a token, or a sentence) of this epoch so far, in nats. */
  readonly loss: number;
  /** Average over this epoch so far. */
  readonly tokensPerSecond: number;
}

/** One line of the training log. */
export interface EpochRecord {
  readonly epoch: number;
  /** Mean training loss per decision (a token, or a sentence), in nats, dropout included; for several heads the weighted sum. */
  readonly loss: number;
  /** The loss of each head, by name and unweighted, if there are several. */
  readonly losses?: Readonly<Record<string, number>>;
  /** Mean and largest gradient norm before clipping, and the share of updates that were clipped. */
  readonly gradientNorm: number;
  readonly largestGradientNorm: number;
  readonly clipped: number;
  /** Learning rate of the last update. */
  readonly lr: number;
  /** Training time only, without evaluation. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  readonly dev: ModelScores | null;
  /** Whether these weights are the best so far. */
  readonly best: boolean;
}

/** The report after an epoch: its record, and the current model. */
export interface EpochReport extends EpochRecord {
  /**
   * The model after this epoch, with which training continues. Read it, label with it, and copy what you want to keep, but do not modify
   * it. `TrainResult.model` has the best weights in the end.
   */
  readonly model: Model;
}

/** Callbacks of training, and the signal that stops it. */
export interface TrainHooks {
  /** Called after every batch. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called after every epoch, once it has been evaluated. */
  readonly onEpoch?: (report: EpochReport) => void;
  /**
   * Aborting ends training after the current batch. The best weights so far are returned; before the end of the first epoch, these are the
   * current weights.
   */
  readonly signal?: AbortSignal;
  /**
   * An asynchronous device for the products over whole batches in training; time loops and evaluation run on the kernels.
   */
  readonly device?: AsyncKernels;
  /** Called before the first batch with the number of threads that training uses, and the reason if it is smaller than requested. */
  readonly onThreads?: (choice: ThreadChoice) => void;
  /** Called before the first batch with the options that were set from the size of the data, or by a preset. */
  readonly onDecided?: (decided: Decided) => void;
  /** Called before the first batch with the decisions about span labels, if a scheme or a constraint applies. */
  readonly onSpans?: (plan: SpanPlan) => void;
  /** Called before the first batch with the additions to the model given as `init`. */
  readonly onGrown?: (grown: Grown) => void;
  /** Called before the first batch with notes on suspicious data: a single label, a single word, labels that `train` lacks, …. */
  readonly onNote?: OnNote;
  /**
   * Called with the result to save, as after an abort, when `train` is about to throw `error`: the best weights of the finished epochs. If
   * no epoch is finished, it is called with the current weights if a worker thread has died; otherwise it is not called, because a
   * non-finite loss in the first epoch leaves nothing worth keeping.
   */
  readonly onRescue?: (result: TrainResult, error: unknown) => void;
  /**
   * Called with the bytes of a checkpoint: `train({ …, resume: bytes })` resumes from them and, with the same number of threads, gives the
   * same bits as an uninterrupted run. Called after an update whenever a checkpoint is due, and once at the end, even of an aborted run.
   * Training waits for the callback, and ends with any error that it throws.
   */
  readonly onCheckpoint?: (bytes: Uint8Array, place: TrainPlace) => void | Promise<void>;
  /** When a checkpoint is due: this many updates, or seconds, after the previous one. Default 300 seconds. */
  readonly checkpointEvery?: CheckpointInterval;
  /** Called before the first batch with the position at which training resumes. */
  readonly onResume?: (place: ResumePlace) => void;
}

/** Position in a training run. */
export interface TrainPlace {
  /** The current epoch, from 1; between epochs the last one. 0 before the first. */
  readonly epoch: number;
  /** Number of finished batches of the epoch, and its total. */
  readonly batch: number;
  readonly batches: number;
  /** Updates since the beginning of training. */
  readonly updates: number;
  /** Whether the epoch is finished, its evaluation included. */
  readonly between: boolean;
  /** Whether training is complete. */
  readonly finished: boolean;
}

/** The position at which training resumes, and the epochs finished before. */
export interface ResumePlace extends TrainPlace {
  readonly history: readonly EpochRecord[];
}

/** A number of updates or of seconds, above 0. */
export type CheckpointInterval = { readonly updates: number } | { readonly seconds: number };

/** The additions to a model that training continues from. */
export interface Grown {
  /** By encoder: the new words, characters, or words with pretrained vectors, in the order of their rows. */
  readonly encoders: Readonly<Record<string, readonly string[]>>;
  /** By head: its new labels, in the order of their ids. */
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

/** A trained model and the history of its training. */
export interface TrainResult {
  readonly model: Model;
  /** Scores of the returned weights; null without that corpus, and after an abort in the first epoch. */
  readonly dev: ModelScores | null;
  /** Likewise; null after any abort, when the model should be saved immediately. */
  readonly test: ModelScores | null;
  /** Epochs started. */
  readonly epochs: number;
  /** Epoch, from 1, whose weights are returned; 0 if none was finished. */
  readonly bestEpoch: number;
  /** Training time only, without evaluation. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Number of trainable parameters. */
  readonly parameters: number;
  readonly interrupted: boolean;
  /** Number of threads that computed gradients. */
  readonly threads: number;
  readonly history: readonly EpochRecord[];
  /** The options that were set from the size of the data, or by a preset; null if all of them were given. */
  readonly decided: Decided | null;
  /** How far the logits of the label O were moved, for each head with spans; null if not requested. */
  readonly outsideBias: readonly OutsideBias[] | null;
  /** How dev and test were scored: pass these options to `evaluate` for the same scores. */
  readonly scoring: Pick<EvaluateOptions, 'spanMode' | 'scheme'>;
}

/** Tokens per second; finite even if no time has passed. */
export function rateOf(tokens: number, milliseconds: number): number {
  return (1000 * tokens) / Math.max(milliseconds, 1e-3);
}
