/**
 * What an encoder is: the part of a model that makes one vector of every token.
 *
 *     tokens  →  features, integers per token (read)  →  y [N, E] (forward)         one row per token (autograd/packing)
 *
 * A new encoder is one file: an `EncoderKind`. Everything that names its parameters (initial values, sparse gradients, the
 * memory of a step, the model file, threads, diagnosis) asks the layer it makes.
 *
 * An encoder has two halves. `InferenceEncoderKind` reads tokens and runs forward, and is all that a tagger takes along; training
 * adds the rest. One object of an encoder of your own may be both: it is used as either.
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

/** Where the randomness of a training step is drawn. Evaluation has none. */
export interface Noise {
  /** Of one epoch. The model folds in a name for every part; an encoder gets a key of its own. */
  readonly key: RandomKey;
  /** `[N, 2]` of every packed row its sentence and its token, row-major: `placesOf` of the layers. */
  readonly places: Int32Array;
  /** Probability of hiding a word, in [0, 1). */
  readonly wordDropout: number;
  /** Probability of hiding the affixes that tell a word, in [0, 1). Default 0. */
  readonly affixDropout?: number;
}

/** The numbers of an encoder in a model's configuration: plain data. `kind` names the encoder. */
export interface EncoderConfig {
  readonly kind: string;
  /** E, the columns of its vectors. */
  readonly width: number;
  readonly [size: string]: number | string | boolean;
}

/** What the forward pass of an encoder returns; an encoder adds what its backward pass needs. */
export interface EncoderPass {
  /** `[N, E]` */
  readonly y: Tensor;
}

/** The arithmetic of an encoder that is only run. */
export interface InferenceEncoderLayer<Pass extends EncoderPass = EncoderPass> {
  readonly config: EncoderConfig;
  /** Shape of every parameter, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The vectors of all rows. */
  forward(kernels: Kernels, params: TensorRecord, features: Features): Pass;
  /**
   * Where every vector is a row of one table: the table, and which rows a batch takes. A backend may then keep what the first
   * layer makes of a row.
   */
  readonly table?: {
    /** The table `[V, E]`. */
    of(params: TensorRecord): Tensor;
    /** `[N]` its rows, one per packed row. */
    rows(features: Features): Int32Array;
  };
  /** Whether the vector of a token depends on its own features alone. A tagger may then keep it for the next time. Default false. */
  readonly contextFree?: boolean;
}

/** The arithmetic of an encoder. */
export interface EncoderLayer<Pass extends EncoderPass = EncoderPass> extends InferenceEncoderLayer<Pass> {
  /** Parameters of which a batch touches few rows: their gradients list the touched ones. */
  readonly sparse: readonly string[];
  /** Parameters that training leaves as they are. They have no gradient there: `backward` skips those that `grads` lacks. */
  readonly frozen?: readonly string[];
  /** Rows of such a parameter that a token touches at most; default 1. */
  readonly rowsPerToken?: number;
  /** About as many floats as a token takes in a training step. */
  readonly floatsPerToken: number;
  /** About as many more floats as a sentence takes, where that depends on more than the number of its tokens. */
  floatsOf?(features: Features): number;
  /** New parameters. The encoder splits its own stream off `rng`. @param given those that `build` brought */
  initialize(rng: Rng, given?: TensorRecord): TensorRecord;
  /** Without noise what the inference half does, to the bit. */
  forward(kernels: Kernels, params: TensorRecord, features: Features, noise?: Noise): Pass;
  /** Accumulates into `grads`, which mirrors the parameters; those that are frozen may be missing. `dY` is `[N, E]`. */
  backward(kernels: Kernels, params: TensorRecord, pass: Pass, dY: Tensor, grads: TensorRecord): void;
}

/** How an encoder reads tokens. */
export interface TokenReader {
  /** Features of one sentence. @throws ArgumentError where `tokens` is not a list of strings */
  read(tokens: readonly string[]): Features;
  /** The features of one sentence that inference needs, where training needs more; `read` otherwise. @throws ArgumentError as `read` does */
  readForInference?(tokens: readonly string[]): Features;
  /** The words it knows, where it has a vocabulary. */
  readonly vocabulary?: Vocabulary;
  /** Whether a token has a vector of its own, where without a vocabulary it may have none. */
  knows?(token: string): boolean;
  /** What its `EncoderKind` makes an equal reader of: plain JSON. */
  toJSON(): unknown;
}

/** What the options of a training say to the encoder of words. */
export interface WordSettings {
  readonly embedding: number;
  readonly minCount: number;
  readonly lowerCase: boolean;
  readonly signatures: boolean;
}

/** What they say to the encoder of affixes. */
export interface AffixSettings {
  readonly affixSize: number;
  readonly affixRows: number;
  readonly prefixes: number;
  readonly suffixes: number;
  /** Values rarer than this are rare; default 1, none. */
  readonly affixMinCount?: number;
}

/** What they say to the encoder of characters. */
export interface CharacterSettings {
  readonly characters: CharacterNetworkName;
  readonly characterUnit: CharacterUnit;
  readonly characterEmbedding: number;
  readonly characterSize: number;
  readonly characterWindow: number;
}

/** What they say to the encoder of pretrained vectors. */
export interface VectorSettings {
  readonly vectors?: WordVectors;
  readonly vectorsSize: number;
  readonly vectorsMode: VectorMode;
  readonly vectorsDigits: VectorDigits;
}

/** What the options of a training say to an encoder. */
export type EncoderSettings = WordSettings & AffixSettings & CharacterSettings & VectorSettings;

/** What an encoder of a model grows by. */
export interface GrowSettings {
  /** Words that are rarer than this in the new sentences stay unknown. Default: as the model was trained. */
  readonly minCount?: number;
  /** Pretrained vectors: those of words that the table lacks are added to it. */
  readonly vectors?: WordVectors;
}

/** An encoder that has grown: rows behind those that it had, which keep their places. */
export interface GrownEncoder {
  readonly reader: TokenReader;
  readonly config: EncoderConfig;
  /** What the new rows are of, in their order. */
  readonly added: readonly string[];
  /** Parameters that are neither kept as they are nor drawn. */
  readonly initial?: TensorRecord;
}

/** What labeling needs of one kind of encoder. */
export interface InferenceEncoderKind {
  readonly kind: string;
  /** The arithmetic for given sizes. @throws ArgumentError on an impossible size */
  layer(config: EncoderConfig): InferenceEncoderLayer;
  /**
   * A reader from what another one's `toJSON` gave.
   *
   * @throws DataError where the value is not such JSON, or does not go with the sizes
   */
  restore(json: unknown, config: EncoderConfig): TokenReader;
}

/** One kind of encoder, whole. */
export interface EncoderKind extends InferenceEncoderKind {
  layer(config: EncoderConfig): EncoderLayer;
  /** A reader made from training sentences, the sizes that go with it, and parameters that training begins with and does not draw. */
  build(
    sentences: readonly Sentence[],
    settings: EncoderSettings,
  ): { readonly reader: TokenReader; readonly config: EncoderConfig; readonly initial?: TensorRecord };
  /** The encoder of a model with what further sentences bring. Absent: it stays as it is. */
  grow?(
    model: { readonly reader: TokenReader; readonly config: EncoderConfig; readonly params: TensorRecord },
    sentences: readonly Sentence[],
    settings: GrowSettings,
  ): GrownEncoder;
}
