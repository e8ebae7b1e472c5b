/**
 * What a head is: the part of a model that decides, holds the loss of its decisions, and is scored by them.
 *
 *     y [N, H]  →  logits, one row per decision (forward)  →  loss, gradient (loss, lossBackward, backward)
 *                                                          →  labels (predict)
 *
 * A new head is one file: a `HeadKind`. Everything that names its parameters asks the layer it makes.
 *
 * A head has two halves. `InferenceHeadKind` runs forward and predicts, and is all that a tagger takes along; training adds the
 * rest. One object of a head of your own may be both: it is used as either.
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

/** What one decision is about: every token has a label, or the sentence has one. */
export type Unit = 'token' | 'sentence';

/** The numbers of a head in a model's configuration: plain data. `kind` names the head. */
export interface HeadConfig {
  readonly kind: string;
  /** Under which its parameters and labels stand in a model: `labels`, `category`, or the column of several it was trained on. */
  readonly name: string;
  /** K, the labels it chooses among. */
  readonly size: number;
  readonly [option: string]: number | string | boolean;
}

/** What sets a head apart from others of a model. */
export interface HeadPlace {
  /** Its name in the model. */
  readonly name?: string;
  /** Which of several columns of labels it learns: `sentence.columns[column]`. Default: `sentence.labels`. */
  readonly column?: string;
}

/** The fields of a configuration that are about its place. @throws ArgumentError where they are not texts */
export function placeFields(
  { name, column }: { readonly name?: unknown; readonly column?: unknown },
  usual: string,
): { readonly name: string; readonly column?: string } {
  for (const [field, value] of Object.entries({ name, column })) {
    if (value === undefined || (typeof value === 'string' && value !== '')) continue;
    throw new ArgumentError(`model: the ${field} of a head must be a text that is not empty; got ${show(value)}`);
  }
  return { name: (name as string | undefined) ?? usual, ...(column !== undefined && { column: column as string }) };
}

/** What a head is told of the stack in front of it. */
export interface BodyShape {
  /** Columns of y. */
  readonly width: number;
  /** Whether the right half of a row is the reverse direction. */
  readonly bidirectional: boolean;
}

/** What the forward pass of a head returns; a head adds what its backward pass needs. */
export interface HeadPass {
  /** `[N, K]`, or `[B, K]` in packed order where a decision is about a sentence. */
  readonly logits: Tensor;
  /** Of an ensemble, what each member returned; this pass is then the first of them. */
  readonly members?: readonly HeadPass[];
}

/** Members of an ensemble at most: a model file is a stranger's word, and one more would only be slower. */
export const MOST_MEMBERS = 100;

/** The passes to average: those of the members of an ensemble, or the one. */
export function membersOf<Pass extends HeadPass>(pass: Pass): readonly Pass[] {
  return (pass.members as readonly Pass[] | undefined) ?? [pass];
}

/**
 * Arithmetic mean of tensors of equal shape, element by element.
 *
 * @param all contiguous
 * @param of what is taken of each mean; by default the mean itself
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

/** What the options of a training say to the loss of a head. Plain data. */
export interface LossSettings {
  /** The share, in [0, 1), of the target that is spread evenly over all labels. */
  readonly labelSmoothing?: number;
  /** `[K]` weights of the losses of targets, at least 0; the mean divides by those of the targets that count. Default: 1 each. */
  readonly classWeights?: readonly number[];
}

/** The arithmetic of a head that is only run. */
export interface InferenceHeadLayer<Pass extends HeadPass = HeadPass> {
  readonly config: HeadConfig;
  readonly unit: Unit;
  /** Shape of every parameter, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The logits of all decisions. @param y `[N, H]` */
  forward(kernels: Kernels, params: TensorRecord, y: Tensor, packing: Packing): Pass;
}

/** The arithmetic of a head. */
export interface HeadLayer<
  Pass extends HeadPass = HeadPass,
  Loss extends HeadLoss = HeadLoss,
> extends InferenceHeadLayer<Pass> {
  /** About as many floats as a token takes in a training step. */
  readonly floatsPerToken: number;
  /** New parameters. The head splits its own stream off `rng`. */
  initialize(rng: Rng): TensorRecord;
  /**
   * The mean loss of the decisions.
   *
   * @param targets ids of the gold labels, one per decision, in the order of the logits; −1 does not count
   * @param settings those that the kind lists in `lossSettings`
   */
  loss(kernels: Kernels, params: TensorRecord, pass: Pass, targets: Int32Array, settings?: LossSettings): Loss;
  /**
   * The gradient of `scale` times the loss: fills `dLogits`, which is zero, and accumulates into `grads` what the loss itself
   * learns, such as transitions.
   */
  lossBackward(
    kernels: Kernels,
    params: TensorRecord,
    loss: Loss,
    dLogits: Tensor,
    grads: TensorRecord,
    scale: number,
  ): void;
  /** From the logits to `dY` `[N, H]` and `grads`, both accumulated. */
  backward(kernels: Kernels, params: TensorRecord, pass: Pass, dLogits: Tensor, grads: TensorRecord, dY: Tensor): void;
}

/** What to return beside the labels. */
export interface Wanted {
  readonly probabilities: boolean;
  readonly spans: boolean;
}

/** A span of one type over the tokens `start` to `end − 1`. */
export interface PredictedSpan extends Span {
  /**
   * Probability, in [0, 1], that there is a span of this type from this token to that one, written in these labels: over all paths of a
   * CRF, or of constrained decoding; of a softmax by itself the product over its tokens.
   */
  readonly probability: number;
}

/** What a head says of one sentence. A head about tokens fills `labels`, one about sentences `category`. */
export interface Prediction {
  /** One label per token; empty where the model does not label tokens. */
  readonly labels: readonly string[];
  /** Probability of each of these labels, in [0, 1]; present where it was asked for. */
  readonly probabilities?: Float64Array;
  /** The spans of the labels, and how sure each is; present where they were asked for, and of labels of tokens. */
  readonly spans?: readonly PredictedSpan[];
  /** Label of the whole sentence, where the model gives it one. */
  readonly category?: string;
  /** Probability of that label, in [0, 1]; present where probabilities were asked for. */
  readonly categoryProbability?: number;
  /**
   * What each head says, by its name, where the model has several. The fields above are then those of the first head about tokens, and
   * of the first about sentences.
   */
  readonly heads?: Readonly<Record<string, Prediction>>;
}

/** Labels of the tokens of a sentence that arrives in stretches. Those in front of `from` were settled before, and stay. */
export interface StreamedLabels {
  /** Place of the token of the first of these labels, from 0. */
  readonly from: number;
  /** From that token on. */
  readonly labels: readonly string[];
  /** How many tokens of the sentence have their last label: those behind may still get another one. */
  readonly settled: number;
  /** Probability of each of these labels, in [0, 1]; present where it was asked for. */
  readonly probabilities?: Float64Array;
}

/** What the options of a training say to a head; its place, where it is one of several. */
export interface HeadSettings extends HeadPlace {
  readonly pooling: PoolingName;
  /** Of labels of spans: what is permitted, and the schemes; see decoding.ts. */
  readonly decoding?: DecodingConfig;
}

/** What labeling needs of one kind of head. */
export interface InferenceHeadKind {
  readonly kind: string;
  readonly unit: Unit;
  /** The arithmetic for given sizes. @throws ArgumentError on an impossible size or option */
  layer(config: HeadConfig, body: BodyShape): InferenceHeadLayer;
  /** Requires that a configuration and labels read from a file belong together. Optional. @throws ArgumentError */
  expectLabels?(config: HeadConfig, labels: readonly string[]): void;
  /** Of a kind of your own: set where `predict` averages over `pass.members`. Those that are built in do. */
  readonly ensembles?: true;
  /** Predictions of the sentences of a batch, in packed order. @param pass what `forward` of its layer returned */
  predict(
    kernels: Kernels,
    labels: LabelVocabulary,
    pass: HeadPass,
    packing: Packing,
    wanted: Wanted,
  ): Partial<Prediction>[];
  /**
   * Labels of one sentence that arrives in stretches. Optional; `Tagger.open` refuses a head about tokens that lacks it. Writes to nothing
   * but what it returns.
   *
   * @param pass what `forward` returned for the tokens of this stretch; none are fine
   * @param ended whether the sentence ends with it
   * @param before `state` of what the stretch before returned; undefined for the first
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

/** One kind of head, whole. */
export interface HeadKind extends InferenceHeadKind {
  /** The options of a training that its loss reads; others are refused. Default: none. */
  readonly lossSettings?: readonly (keyof LossSettings)[];
  /** The sizes and options of a head over K labels. */
  configure(K: number, settings: HeadSettings): HeadConfig;
  layer(config: HeadConfig, body: BodyShape): HeadLayer;
  /** The gold labels of a sentence as this head counts them: one per token, or one. @throws DataError where it has none */
  goldOf(sentence: Sentence, source?: string): readonly string[];
  /** The labels of a prediction as `goldOf` counts them. */
  chosenOf(prediction: Prediction): readonly string[];
}

/** The sentence as a head sees it: its `labels` are those of the head's column, and absent where the sentence lacks that column. */
export function inColumn(column: unknown, sentence: Sentence): Sentence {
  if (column === undefined) return sentence;
  const { columns = {} } = sentence;
  const labels = Object.hasOwn(columns, String(column)) ? columns[String(column)] : undefined;
  return { ...sentence, labels };
}

/**
 * A sentence as a list of decisions, each with its gold label: its tokens, or the whole sentence as one.
 *
 * @throws DataError where the gold labels are missing
 */
export function decisionsOf(kind: HeadKind, sentence: Sentence, source?: string): Sentence {
  const labels = kind.goldOf(sentence, source);
  if (kind.unit === 'token') return sentence;
  const { tokens, line } = sentence;
  return { tokens: [tokens.join(' ')], labels, ...(line !== undefined && { line }) };
}
