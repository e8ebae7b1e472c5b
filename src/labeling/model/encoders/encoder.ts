/**
 * The interface of an encoder: the part of a model that turns each token into a vector.
 *
 *     tokens  →  features, integers per token (read)  →  y [N, E] (forward)         one row per token (autograd/packing)
 *
 * A new encoder is one file with an `EncoderKind`. All code that lists an encoder's parameters (initial values, sparse gradients, the
 * memory of a step, the model file, threads, diagnosis) gets them from the layer that the kind makes.
 *
 * An encoder has two halves. `InferenceEncoderKind` reads tokens and runs forward, and is all that a tagger bundles; training adds the
 * rest. One custom encoder object may be both, and is used as either.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { Kernels } from '../../../kernels/types.js';
import type { Rng } from '../../../tensor/random.js';
import type { RandomKey } from '../../../tensor/random-key.js';
import type { Tensor } from '../../../tensor/types.js';
import type { Features } from '../../data/features.js';
import type { Sentence } from '../../data/sentence.js';
import type { CharacterUnit } from '../../data/spelling.js';
import type { Vocabulary } from '../../data/vocabulary.js';
import type { VectorDigits } from '../../data/vectors/lookup.js';
import type { WordVectors } from '../../data/vectors/word-vectors.js';
import type { CharacterNetworkName } from './character-network.js';
import type { VectorMode } from './vectors.js';

export type { Feature, Features, IntegerLists, IntegerRows } from '../../data/features.js';

/** The source of randomness in a training step. Evaluation has none. */
export interface Noise {
  /** The key of one epoch. The model folds in a name for each part, so an encoder gets its own key. */
  readonly key: RandomKey;
  /** `[N, 2]`, the sentence and token index of every packed row, row-major: `placesOf` of the layers. */
  readonly places: Int32Array;
  /** Probability of hiding a word, in [0, 1). */
  readonly wordDropout: number;
  /** Probability of hiding the affixes that identify a word, in [0, 1). Default 0. */
  readonly affixDropout?: number;
}

/** An encoder's entry in a model's configuration: plain data. `kind` names the encoder. */
export interface EncoderConfig {
  readonly kind: string;
  /** E, the size of its vectors. */
  readonly width: number;
  readonly [size: string]: number | string | boolean | undefined;
}

/** What the forward pass of an encoder returns; an encoder adds what its backward pass needs. */
export interface EncoderPass {
  /** `[N, E]` */
  readonly y: Tensor;
}

/** The functions and sizes of an encoder for inference. */
export interface InferenceEncoderLayer<Pass extends EncoderPass = EncoderPass> {
  readonly config: EncoderConfig;
  /** Shape of every parameter, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Computes the vectors of all rows. */
  forward(kernels: Kernels, params: TensorRecord, features: Features): Pass;
  /**
   * Set if every vector is a row of one table: gives the table, and the rows that a batch uses. A backend may then cache the first layer's
   * result for a row.
   */
  readonly table?: {
    /** The table, `[V, E]`. */
    of(params: TensorRecord): Tensor;
    /** `[N]`, the row of the table for each packed row. */
    rows(features: Features): Int32Array;
  };
  /** Whether the vector of a token depends only on its own features. A tagger may then cache it. Default false. */
  readonly contextFree?: boolean;
}

/** The functions and sizes of an encoder. */
export interface EncoderLayer<Pass extends EncoderPass = EncoderPass> extends InferenceEncoderLayer<Pass> {
  /** Parameters of which a batch touches few rows: their gradients list the touched rows. */
  readonly sparse: readonly string[];
  /** Parameters that training does not change. They have no gradient: `backward` skips those that are missing from `grads`. */
  readonly frozen?: readonly string[];
  /** The most rows of such a parameter that one token touches; default 1. */
  readonly rowsPerToken?: number;
  /** Approximate number of floats per token in a training step. */
  readonly floatsPerToken: number;
  /** Approximate number of additional floats for a sentence, if that depends on more than its number of tokens. */
  floatsOf?(features: Features): number;
  /** Initializes parameters. The encoder splits its own stream off `rng`. @param given the parameters that `build` supplied */
  initialize(rng: Rng, given?: TensorRecord): TensorRecord;
  /** Runs forward. Without noise the result is that of the inference half, to the bit. */
  forward(kernels: Kernels, params: TensorRecord, features: Features, noise?: Noise): Pass;
  /** Accumulates into `grads`, which has the structure of the parameters; frozen ones may be missing. `dY` is `[N, E]`. */
  backward(kernels: Kernels, params: TensorRecord, pass: Pass, dY: Tensor, grads: TensorRecord): void;
}

/** Turns tokens into features. */
export interface TokenReader {
  /** Returns the features of one sentence. @throws ArgumentError if `tokens` is not a list of strings */
  read(tokens: readonly string[]): Features;
  /** Returns only the features that inference needs, if training needs more; `read` otherwise. @throws ArgumentError as `read` does */
  readForInference?(tokens: readonly string[]): Features;
  /** Its words, if it has a vocabulary. */
  readonly vocabulary?: Vocabulary;
  /** Whether a token has its own vector. For readers without a vocabulary in which a token may have none. */
  knows?(token: string): boolean;
  /** Plain JSON from which its `EncoderKind` can restore an equal reader. */
  toJSON(): unknown;
}

/** Training options for the word encoder. */
export interface WordSettings {
  readonly embedding: number;
  readonly minCount: number;
  readonly lowerCase: boolean;
  readonly signatures: boolean;
}

/** Training options for the affix encoder. */
export interface AffixSettings {
  readonly affixSize: number;
  /** Rows of the table that values are hashed to; `all` for a row of its own for every value of the training data. */
  readonly affixRows: number | 'all';
  readonly prefixes: number;
  readonly suffixes: number;
  /** Values that occur fewer times than this are rare; default 1, none. */
  readonly affixMinCount?: number;
}

/** Training options for the character encoder. */
export interface CharacterSettings {
  readonly characters: CharacterNetworkName;
  readonly characterUnit: CharacterUnit;
  readonly characterEmbedding: number;
  readonly characterSize: number;
  readonly characterWindow: number;
}

/** Training options for the encoder of pretrained vectors. */
export interface VectorSettings {
  readonly vectors?: WordVectors;
  readonly vectorsSize: number;
  readonly vectorsMode: VectorMode;
  readonly vectorsDigits: VectorDigits;
}

/** Training options for an encoder. */
export type EncoderSettings = WordSettings & AffixSettings & CharacterSettings & VectorSettings;

/** Options for growing an encoder of a model. */
export interface GrowSettings {
  /** Words that occur fewer times than this in the new sentences stay unknown. Default: as the model was trained. */
  readonly minCount?: number;
  /** Pretrained vectors: those of words that are missing from the table are added to it. */
  readonly vectors?: WordVectors;
}

/** An encoder that has grown: new rows follow the existing ones, whose positions do not change. */
export interface GrownEncoder {
  readonly reader: TokenReader;
  readonly config: EncoderConfig;
  /** What the new rows stand for, in order. */
  readonly added: readonly string[];
  /** Parameters that are neither kept unchanged nor drawn. */
  readonly initial?: TensorRecord;
}

/** One kind of encoder, as far as labeling needs it. */
export interface InferenceEncoderKind {
  readonly kind: string;
  /** Builds the layer for the given sizes. @throws ArgumentError on an impossible size */
  layer(config: EncoderConfig): InferenceEncoderLayer;
  /**
   * Restores a reader from the result of another reader's `toJSON`.
   *
   * @throws DataError if the value is not such JSON, or does not match the sizes
   */
  restore(json: unknown, config: EncoderConfig): TokenReader;
}

/** One kind of encoder with all that training needs. */
export interface EncoderKind extends InferenceEncoderKind {
  layer(config: EncoderConfig): EncoderLayer;
  /** Builds a reader from training sentences, with matching sizes, and any initial parameters that are not drawn. */
  build(
    sentences: readonly Sentence[],
    settings: EncoderSettings,
  ): { readonly reader: TokenReader; readonly config: EncoderConfig; readonly initial?: TensorRecord };
  /** Grows a model's encoder by what further sentences add. If absent, the encoder stays as it is. */
  grow?(
    model: { readonly reader: TokenReader; readonly config: EncoderConfig; readonly params: TensorRecord },
    sentences: readonly Sentence[],
    settings: GrowSettings,
  ): GrownEncoder;
}
