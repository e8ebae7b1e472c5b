/**
 * The interface of a head: the part of a model that makes decisions, defines their loss, and is scored on them.
 *
 *     y [N, H]  →  logits, one row per decision (forward)  →  loss, gradient (loss, lossBackward, backward)
 *                                                          →  labels (predict)
 *
 * A new head is one file with a `HeadKind`. All code that lists its parameters gets them from the layer that the kind makes.
 *
 * A head has two halves. `InferenceHeadKind` runs forward and predicts, and is all that a tagger bundles; training adds the rest. One
 * custom head object may be both, and is used as either.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { Packing } from '../../../autograd/packing.js';
import type { Kernels } from '../../../kernels/types.js';
import type { PoolingName } from '../../../layers/pooling.js';
import type { Rng } from '../../../tensor/random.js';
import type { Tensor } from '../../../tensor/types.js';
import { show } from '../../../tensor/describe.js';
import { ArgumentError } from '../../../tensor/errors.js';
import type { LabelVocabulary } from '../../data/labels.js';
import type { Sentence } from '../../data/sentence.js';
import type { Span } from '../../scoring/spans.js';
import type { DecodingConfig } from './decoding.js';

/** The unit of a decision: a token or a sentence. */
export type Unit = 'token' | 'sentence';

/** A head's entry in a model's configuration: plain data. `kind` names the head. */
export interface HeadConfig {
  readonly kind: string;
  /** The name of its parameters and labels in a model: `labels`, `category`, or, for one of several, the column it was trained on. */
  readonly name: string;
  /** K, the number of labels. */
  readonly size: number;
  readonly [option: string]: number | string | boolean;
}

/** What distinguishes a head from the other heads of a model. */
export interface HeadPlace {
  /** Its name in the model. */
  readonly name?: string;
  /** The column of labels that it learns, if there are several: `sentence.columns[column]`. Default: `sentence.labels`. */
  readonly column?: string;
}

/** Picks the fields of `HeadPlace` from a configuration. @throws ArgumentError if they are not strings */
export function placeFields(
  { name, column }: { readonly name?: unknown; readonly column?: unknown },
  usual: string,
): { readonly name: string; readonly column?: string } {
  for (const [field, value] of Object.entries({ name, column })) {
    if (value === undefined || (typeof value === 'string' && value !== '')) continue;
    throw new ArgumentError(`model: the ${field} of a head must be a string that is not empty; got ${show(value)}`);
  }
  return { name: (name as string | undefined) ?? usual, ...(column !== undefined && { column: column as string }) };
}

/** What a head needs to know about the stack before it. */
export interface BodyShape {
  /** Columns of y. */
  readonly width: number;
  /** Whether the right half of a row is the reverse direction. */
  readonly bidirectional: boolean;
}

/** What the forward pass of a head returns; a head adds what its backward pass needs. */
export interface HeadPass {
  /** `[N, K]`, or `[B, K]` in packed order if a decision is about a sentence. */
  readonly logits: Tensor;
  /** For an ensemble, the pass of each member; this pass is then that of the first. */
  readonly members?: readonly HeadPass[];
}

/** The most members of an ensemble: a model file is untrusted input, and larger ensembles would only be slower. */
export const MOST_MEMBERS = 100;

/** The passes to average: those of an ensemble's members, or the single pass. */
export function membersOf<Pass extends HeadPass>(pass: Pass): readonly Pass[] {
  return (pass.members as readonly Pass[] | undefined) ?? [pass];
}

/**
 * Returns the arithmetic mean of tensors of equal shape, element by element.
 *
 * @param all contiguous tensors
 * @param of a function applied to each mean; by default the identity
 */
export function meanOf(kernels: Kernels, all: readonly Tensor[], of = (mean: number): number => mean): Tensor {
  const [{ shape }] = all;
  const mean = kernels.empty([...shape], all[0]);
  const size = shape[0] * shape[1];
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (const { data, offset } of all) sum += data[offset + i];
    mean.data[mean.offset + i] = of(sum / all.length);
  }
  return mean;
}

/** What the loss of a head returns; a head adds what its backward pass needs. */
export interface HeadLoss {
  /** Mean over the decisions, in nats. */
  readonly loss: number;
}

/** Training options for the loss of a head. Plain data. */
export interface LossSettings {
  /** The share of the target, in [0, 1), that is spread evenly over all labels. */
  readonly labelSmoothing?: number;
  /**
   * `[K]`, the weight of each target label's loss, at least 0; the mean divides by the weights of the targets that count. Default: 1 each.
   */
  readonly classWeights?: readonly number[];
}

/** The functions and sizes of a head for inference. */
export interface InferenceHeadLayer<Pass extends HeadPass = HeadPass> {
  readonly config: HeadConfig;
  readonly unit: Unit;
  /** Shape of every parameter, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Computes the logits of all decisions. @param y `[N, H]` */
  forward(kernels: Kernels, params: TensorRecord, y: Tensor, packing: Packing): Pass;
}

/** The functions and sizes of a head. */
export interface HeadLayer<
  Pass extends HeadPass = HeadPass,
  Loss extends HeadLoss = HeadLoss,
> extends InferenceHeadLayer<Pass> {
  /** Approximate number of floats per token in a training step. */
  readonly floatsPerToken: number;
  /** Initializes parameters. The head splits its own stream off `rng`. */
  initialize(rng: Rng): TensorRecord;
  /**
   * Computes the mean loss of the decisions.
   *
   * @param targets ids of the gold labels, one per decision, in the order of the logits; −1 is ignored
   * @param settings the options that the kind lists in `lossSettings`
   */
  loss(kernels: Kernels, params: TensorRecord, pass: Pass, targets: Int32Array, settings?: LossSettings): Loss;
  /**
   * Computes the gradient of `scale` times the loss: fills `dLogits`, which is zero, and accumulates into `grads` the gradients of
   * parameters of the loss itself, such as transitions.
   */
  lossBackward(
    kernels: Kernels,
    params: TensorRecord,
    loss: Loss,
    dLogits: Tensor,
    grads: TensorRecord,
    scale: number,
  ): void;
  /** Propagates from the logits to `dY` `[N, H]` and `grads`, accumulating into both. */
  backward(kernels: Kernels, params: TensorRecord, pass: Pass, dLogits: Tensor, grads: TensorRecord, dY: Tensor): void;
}

/** What to return in addition to the labels. */
export interface Wanted {
  readonly probabilities: boolean;
  readonly spans: boolean;
}

/** A span of one type over the tokens `start` to `end − 1`. */
export interface PredictedSpan extends Span {
  /**
   * Probability, in [0, 1], of a span of exactly these tokens, of this type, written in these labels: over all paths for a CRF or
   * constrained decoding, the product over its tokens for a plain softmax.
   */
  readonly probability: number;
}

/** A prediction for one sentence. A token head fills `labels`, a sentence head `category`. */
export interface Prediction {
  /** One label per token; empty if the model does not label tokens. */
  readonly labels: readonly string[];
  /** Probability of each of these labels, in [0, 1]; present if requested. */
  readonly probabilities?: Float64Array;
  /** The spans of the labels, each with its probability; present if requested, for token labels. */
  readonly spans?: readonly PredictedSpan[];
  /** Label of the whole sentence, if the model has a sentence head. */
  readonly category?: string;
  /** Probability of that label, in [0, 1]; present if probabilities were requested. */
  readonly categoryProbability?: number;
  /**
   * The prediction of each head by name, if the model has several. The fields above are then those of the first token head and of the first
   * sentence head.
   */
  readonly heads?: Readonly<Record<string, Prediction>>;
}

/** Labels of the tokens of a sentence that arrives in stretches. Those before `from` were final already, and do not change. */
export interface StreamedLabels {
  /** Index of the token of the first of these labels, from 0. */
  readonly from: number;
  /** From that token on. */
  readonly labels: readonly string[];
  /** How many tokens of the sentence have a final label; the labels after them may still change. */
  readonly settled: number;
  /** Probability of each of these labels, in [0, 1]; present if requested. */
  readonly probabilities?: Float64Array;
}

/** Training options for a head, and its place if it is one of several. */
export interface HeadSettings extends HeadPlace {
  readonly pooling: PoolingName;
  /** For span labels: the permitted transitions and the schemes; see decoding.ts. */
  readonly decoding?: DecodingConfig;
}

/** One kind of head, as far as labeling needs it. */
export interface InferenceHeadKind {
  readonly kind: string;
  readonly unit: Unit;
  /** Builds the layer for the given sizes. @throws ArgumentError on an impossible size or option */
  layer(config: HeadConfig, body: BodyShape): InferenceHeadLayer;
  /** Requires that a configuration and labels from a file match. Optional. @throws ArgumentError */
  expectLabels?(config: HeadConfig, labels: readonly string[]): void;
  /** For a custom kind: set if `predict` averages over `pass.members`. The built-in kinds do. */
  readonly ensembles?: true;
  /** Predicts the sentences of a batch, in packed order. @param pass the result of its layer's `forward` */
  predict(
    kernels: Kernels,
    labels: LabelVocabulary,
    pass: HeadPass,
    packing: Packing,
    wanted: Wanted,
  ): Partial<Prediction>[];
  /**
   * Labels one sentence that arrives in stretches. Optional; `Tagger.open` rejects a token head without it. It has no side effects.
   *
   * @param pass the result of `forward` for the tokens of this stretch, of which there may be none
   * @param ended whether the sentence ends with it
   * @param before the `state` returned for the previous stretch; undefined for the first
   */
  stretch?(
    kernels: Kernels,
    labels: LabelVocabulary,
    pass: HeadPass,
    ended: boolean,
    before: unknown,
    wanted: Pick<Wanted, 'probabilities'>,
  ): { readonly said: StreamedLabels; readonly state: unknown };
}

/** One kind of head with all that training needs. */
export interface HeadKind extends InferenceHeadKind {
  /** The training options that its loss uses; others are rejected. Default: none. */
  readonly lossSettings?: readonly (keyof LossSettings)[];
  /** Returns the sizes and options of a head with K labels. */
  configure(K: number, settings: HeadSettings): HeadConfig;
  layer(config: HeadConfig, body: BodyShape): HeadLayer;
  /** The gold labels of a sentence for this head: one per token, or one. @throws DataError if it has none */
  goldOf(sentence: Sentence, source?: string): readonly string[];
  /** The predicted labels, in the form that `goldOf` returns. */
  chosenOf(prediction: Prediction): readonly string[];
}

/** The sentence as a head sees it: its `labels` are those of the head's column, and are absent if the sentence lacks that column. */
export function inColumn(column: unknown, sentence: Sentence): Sentence {
  if (column === undefined) return sentence;
  const { columns = {} } = sentence;
  const labels = Object.hasOwn(columns, String(column)) ? columns[String(column)] : undefined;
  return { ...sentence, labels };
}

/**
 * Returns a sentence as a list of decisions, each with its gold label: its tokens, or the whole sentence as one.
 *
 * @throws DataError if gold labels are missing
 */
export function decisionsOf(kind: HeadKind, sentence: Sentence, source?: string): Sentence {
  const labels = kind.goldOf(sentence, source);
  if (kind.unit === 'token') return sentence;
  const { tokens, line } = sentence;
  return { tokens: [tokens.join(' ')], labels, ...(line !== undefined && { line }) };
}
