/** The options of training, their defaults, and the optimizers that they name. */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Truncation } from '../../autograd/truncate.js';
import type { Cell } from '../../cells/index.js';
import { expectCell } from '../../cells/index.js';
import { isOfName } from '../model/network.js';
import type { ZoneoutRates } from '../../cells/zoneout.js';
import type { Kernels } from '../../kernels/types.js';
import { createAdam, createAdamW } from '../../optim/adam.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { createSgd } from '../../optim/sgd.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { PoolingName } from '../../layers/pooling.js';
import type { CharacterUnit } from '../data/spelling.js';
import type { VectorDigits } from '../data/vectors/lookup.js';
import type { WordVectors } from '../data/vectors/word-vectors.js';
import type { CharacterNetworkName } from '../model/encoders/character-network.js';
import type { EncoderKind } from '../model/encoders/encoder.js';
import type { VectorMode } from '../model/encoders/vectors.js';
import type { Scheme } from '../data/schemes.js';
import type { EncoderName } from '../model/encoders/index.js';
import type { HeadKind } from '../model/heads/head.js';
import type { Model } from '../model/model.js';
import type { SpanMode } from '../scoring/scorer.js';
import type { OutsideBiasChoice } from './outside-bias.js';
import type { Threads } from './parallel/threads.js';
import type { PresetName } from './presets.js';

/** Names of the optimizers. */
export type OptimizerName = 'adam' | 'adamw' | 'sgd';

/**
 * Options of `train`; all are optional. The defaults are `TRAIN_DEFAULTS`, except for `epochs`, `batch` and `lr`: if none of these is
 * given, the size of the data decides (presets.ts).
 */
export interface TrainOptions {
  /**
   * `rnn`, `rnn-relu`, `lstm`, `gru` or `gru-reset-before`; a variant of the LSTM, `lstm:peepholes,coupled,clip=3` (see `createLstm`); or
   * a custom cell, which runs on one thread.
   */
  readonly cell?: string | Cell;
  /**
   * `tag`, a label for every token (default); `classify`, one for every sentence: its `category`; `slots-intent`, both, with two heads on
   * one body.
   */
  readonly task?: TaskName;
  /**
   * How `tag` decides: `softmax`, every token independently (default), or `crf`, a whole sentence jointly, by a linear-chain conditional
   * random field. With several columns also by name: `{ ner: 'crf' }`; the others are `softmax`.
   */
  readonly head?: TagHead | Readonly<Record<string, TagHead>>;
  /**
   * Several label columns, learned jointly: one encoder, one body, and one head per column, of the same name. Every sentence has the labels
   * of each in `sentence.columns`. Default: a single head for `sentence.labels`.
   */
  readonly columns?: readonly string[];
  /** The weight of each head's loss in the sum of the losses, by name; at least 0. Default: 1 for each. */
  readonly headWeights?: Readonly<Record<string, number>>;
  /** The head whose score on `dev` decides which epoch is best, by name. Default: the first. */
  readonly bestBy?: string;
  /**
   * The span scheme that is learned: labels of the training data are converted to it, and predictions are converted back. Default: the
   * labels as they are.
   */
  readonly scheme?: Scheme;
  /**
   * Whether predictions exclude label sequences that the span scheme forbids (`constrained`). Default: `constrained` for `crf` if the
   * labels annotate spans; otherwise `free`.
   */
  readonly decode?: DecodeName;
  /** How `classify` pools a sentence into one vector: `last`, `mean`, `max` or `attention`. */
  readonly pooling?: PoolingName;
  /**
   * Encoders, whose vectors are concatenated: `words` (default), `affixes`, `characters`, `vectors`, and custom kinds, which run on one
   * thread.
   */
  readonly encoders?: readonly (EncoderName | EncoderKind)[];
  /** Heads in place of that of the task; custom heads run on one thread. */
  readonly heads?: readonly HeadKind[];
  /** E, the size of a word vector. */
  readonly embedding?: number;
  /** H of every layer, per direction. */
  readonly hidden?: number;
  /** Number of recurrent layers. */
  readonly layers?: number;
  /** Whether to read each sentence in both directions. */
  readonly bidirectional?: boolean;
  /** Probability, in [0, 1), of dropping a component of word vectors and of layer outputs. */
  readonly dropout?: number;
  /**
   * Whether `dropout` draws a mask for every word (`standard`, default) or one mask for all words of a sentence (`variational`: Gal &
   * Ghahramani 2016).
   */
  readonly dropoutKind?: DropoutKind;
  /**
   * Probability, in [0, 1), of dropping a component of the state that the recurrence reads, with one mask per sentence; default 0. See
   * `recurrentDropout` of the cells.
   */
  readonly recurrentDropout?: number;
  /**
   * Probability, in [0, 1), that a component of a state keeps its value: one for all states, or by state, `{ h: 0.05, c: 0.5 }`; default 0.
   */
  readonly zoneout?: number | ZoneoutRates;
  /** Whether to add the input of every layer but the first to its output. */
  readonly residual?: boolean;
  /** Size of a tanh layer between the recurrent layers and the heads; 0 (default) for none. */
  readonly dense?: number;
  /** Probability, in [0, 1), of replacing a word of the training set by the unknown word, or by its signature. */
  readonly wordDropout?: number;
  /** Words that occur fewer times than this in the training set are unknown words. */
  readonly minCount?: number;
  /** Whether to look words up in lower case. */
  readonly lowerCase?: boolean;
  /** Whether words without a vector get that of their signature (shape and ending); see `signature.ts`. */
  readonly signatures?: boolean;
  /** `affixes`: the size of its vectors. */
  readonly affixSize?: number;
  /**
   * `affixes`: rows of the table that affixes are hashed to; `all` for a row of its own for every value that occurs in the training set at
   * least `affixMinCount` times, which is the most accurate, and the largest.
   */
  readonly affixRows?: number | 'all';
  /** `affixes`: prefixes of 1, 2, … up to this many characters; 0 for none. */
  readonly prefixes?: number;
  /** `affixes`: suffixes of 1, 2, … up to this many characters; 0 for none. */
  readonly suffixes?: number;
  /** `affixes`: values that occur fewer times than this in the training set share a row for rare values, as new words do; 1 for none. */
  readonly affixMinCount?: number;
  /**
   * `affixes`: probability, in [0, 1), of reading the lower-case form of a word of the training set, and its affixes of four or more
   * characters, as rare values. Needs `affixMinCount`.
   */
  readonly affixDropout?: number;
  /**
   * Probability, in [0, 1), of reading a training sentence in another case in an epoch: three times out of four in lower case, otherwise
   * with every word capitalized; see augment.ts. Default 0.
   */
  readonly augmentCase?: number;
  /**
   * Probability, in [0, 1), of replacing a span of a training sentence in an epoch by another mention with the same labels; its words are
   * replaced by made-up ones with 0.6 times that probability. See augment.ts and mentions.ts. Default 0.
   */
  readonly augmentMentions?: number;
  /**
   * `characters`: the network that turns the characters of a word into its vector, an LSTM in each direction or a convolution with max
   * pooling.
   */
  readonly characters?: CharacterNetworkName;
  /** `characters`: the unit of a character, a code point or a grapheme. */
  readonly characterUnit?: CharacterUnit;
  /** `characters`: the size of a character's vector. */
  readonly characterEmbedding?: number;
  /** `characters`: the size of a word's vector; even for `lstm`, one half for each direction. */
  readonly characterSize?: number;
  /** `characters`: the number of characters in the window of a `cnn` filter. */
  readonly characterWindow?: number;
  /** `vectors`: pretrained word vectors, as returned by `readVectors`. */
  readonly vectors?: WordVectors;
  /** `vectors`: the output size of the linear map. */
  readonly vectorsSize?: number;
  /** `vectors`: whether they stay as they are (`frozen`) or are trained too (`tuned`). */
  readonly vectorsMode?: VectorMode;
  /** `vectors`: the replacement for digits when a word is not found otherwise: none (`keep`), `0` or `#`. */
  readonly vectorsDigits?: VectorDigits;
  /**
   * A model to continue from. Its parameters, vocabularies, labels and architecture settings are used, and options that contradict them are
   * rejected. Words, characters and labels of the new data that the model lacks are appended to its own. The optimizer starts over. The
   * model itself is not changed.
   */
  readonly init?: Model;
  /**
   * Parts that training does not change, by name: `encoders`, `encoders.words`, `layers.0`, `dense`, `heads.slots`, or single parameters. A
   * frozen encoder of `init` does not grow.
   */
  readonly freeze?: readonly string[];
  /** A recipe for a kind of task: `pos`, `ner`, `slots` or `sentiment`; explicit options take precedence. See presets.ts. */
  readonly preset?: PresetName;
  readonly optimizer?: OptimizerName;
  /** Learning rate; default by data size, else 0.003 for Adam and AdamW, 0.5 for SGD (which gets momentum 0.9). */
  readonly lr?: number;
  /** β₂ of Adam and AdamW, 0 ≤ β₂ < 1. Default 0.999. */
  readonly beta2?: number;
  /** ε of Adam and AdamW, greater than 0. Default 1e-8. */
  readonly epsilon?: number;
  /**
   * λ: AdamW shrinks weights by it (default 0.01); Adam and SGD add λ·θ to the gradient (default 0). In embeddings, only the rows of the
   * batch are affected.
   */
  readonly weightDecay?: number;
  /**
   * The decay of an exponential moving average of the weights, greater than 0 and less than 1, such as 0.999: the average is evaluated on
   * the development set and returned. Default: none.
   */
  readonly ema?: number;
  /**
   * α of adversarial training, at least 0. The loss is the mean of two losses: that of the sentences, and that of their vectors moved in
   * the direction of steepest increase of the loss, by α times their norm; see adversarial.ts. An update takes about one and a half times
   * as long. Default 0: none.
   */
  readonly adversarial?: number;
  /** The share of the target, in [0, 1), that is spread evenly over all labels, for softmax heads. Default 0. */
  readonly labelSmoothing?: number;
  /**
   * Weight of the loss of a token, or sentence, by its label: `balanced` gives every label the same total weight (N / (K·n) for a label
   * with n of N targets); or a weight of at least 0 by label, 1 for labels that are not listed. With several heads, `balanced` applies to
   * each; or give either form by the name of the head. For softmax heads. Default: 1 each.
   */
  readonly classWeights?: ClassWeights | Readonly<Record<string, ClassWeights>>;
  /**
   * The number added to the logit of the span label O after training: a number, below 0 for more spans, or `dev` for the number with the
   * best span F1 on the development set; see outside-bias.ts. Default: nothing.
   */
  readonly outsideBias?: OutsideBiasChoice;
  /**
   * A schedule in the syntax of `parseSchedule`: `constant`, `warmup:500`, `cosine`, `hold:0.6`, …; `plateau:0.5,2` needs a development
   * set.
   */
  readonly schedule?: string;
  /** Passes over the training sentences; default by data size, else 20. */
  readonly epochs?: number;
  /** Sentences per update; default by data size, else 32. */
  readonly batch?: number;
  /** Largest global norm of a gradient; Infinity for no clipping. */
  readonly clip?: number;
  /** Truncated BPTT: a sweep every k₁ steps, k₂ steps back. Default: full BPTT. */
  readonly truncate?: Truncation;
  /** Stop after this many epochs without a better score on the development set; Infinity for never. */
  readonly patience?: number;
  /** Whether to reject labels of `dev` or `test` that `train` lacks; by default each counts as an error. */
  readonly strictLabels?: boolean;
  /** How spans are read from labels for scoring: `conlleval` (default), `strict` or `repair`; see `evaluate`. */
  readonly spanMode?: SpanMode;
  /** Seed of every random choice. */
  readonly seed?: number;
  /**
   * Threads that share the sentences of each batch: `nodeThreads(n)` or `webThreads(n, …)`. The same seed and the same number of threads
   * give the same model, bit for bit; with another number, dropout masks and rounding differ. Default: one.
   */
  readonly threads?: Threads;
  /**
   * The bytes of a checkpoint (`hooks.onCheckpoint`) from a training run with the same data, options, threads and backend, which resumes
   * from there. Any difference is rejected by name, and so are damaged or truncated bytes.
   */
  readonly resume?: Uint8Array;
}

/** The names of all options. */
export const TRAIN_KEYS = keysOf<TrainOptions>({
  cell: true,
  task: true,
  head: true,
  columns: true,
  headWeights: true,
  bestBy: true,
  scheme: true,
  decode: true,
  pooling: true,
  encoders: true,
  heads: true,
  embedding: true,
  hidden: true,
  layers: true,
  bidirectional: true,
  dropout: true,
  dropoutKind: true,
  recurrentDropout: true,
  zoneout: true,
  residual: true,
  dense: true,
  wordDropout: true,
  minCount: true,
  lowerCase: true,
  signatures: true,
  affixSize: true,
  affixRows: true,
  prefixes: true,
  suffixes: true,
  affixMinCount: true,
  affixDropout: true,
  augmentCase: true,
  augmentMentions: true,
  characters: true,
  characterUnit: true,
  characterEmbedding: true,
  characterSize: true,
  characterWindow: true,
  vectors: true,
  vectorsSize: true,
  vectorsMode: true,
  vectorsDigits: true,
  init: true,
  freeze: true,
  preset: true,
  optimizer: true,
  lr: true,
  beta2: true,
  epsilon: true,
  weightDecay: true,
  ema: true,
  adversarial: true,
  labelSmoothing: true,
  classWeights: true,
  outsideBias: true,
  schedule: true,
  epochs: true,
  batch: true,
  clip: true,
  truncate: true,
  patience: true,
  strictLabels: true,
  spanMode: true,
  seed: true,
  threads: true,
  resume: true,
});

/** The unit of a dropout mask: every word, or every sentence. */
export type DropoutKind = 'standard' | 'variational';

/** The weight of a decision's loss by its label. */
export type ClassWeights = 'balanced' | Readonly<Record<string, number>>;

/** The kind of labels that are learned. */
export type TaskName = 'tag' | 'classify' | 'slots-intent';

/** How a label is chosen for every token. */
export type TagHead = 'softmax' | 'crf';

/** Permitted label sequences: all, or those of a span scheme. */
export type DecodeName = 'free' | 'constrained';

/** The default options of training. */
export const TRAIN_DEFAULTS = {
  task: 'tag' as TaskName,
  head: 'softmax' as NonNullable<TrainOptions['head']>,
  pooling: 'max' as PoolingName,
  cell: 'lstm',
  embedding: 100,
  hidden: 100,
  layers: 1,
  bidirectional: true,
  dropout: 0.5,
  dropoutKind: 'standard' as DropoutKind,
  recurrentDropout: 0,
  zoneout: 0 as number | ZoneoutRates,
  residual: false,
  dense: 0,
  wordDropout: 0.05,
  minCount: 2,
  lowerCase: false,
  signatures: true,
  affixSize: 64,
  affixRows: 5000,
  prefixes: 3,
  suffixes: 4,
  affixMinCount: 1,
  affixDropout: 0,
  augmentCase: 0,
  augmentMentions: 0,
  characters: 'lstm' as CharacterNetworkName,
  characterUnit: 'code-point' as CharacterUnit,
  characterEmbedding: 32,
  characterSize: 128,
  characterWindow: 3,
  vectorsSize: 100,
  vectorsMode: 'frozen' as VectorMode,
  vectorsDigits: 'keep' as VectorDigits,
  optimizer: 'adam' as OptimizerName,
  adversarial: 0,
  labelSmoothing: 0,
  schedule: 'constant',
  epochs: 20,
  batch: 32,
  clip: 5,
  patience: 5,
  strictLabels: false,
  spanMode: 'conlleval' as SpanMode,
  seed: 1,
};

const LEARNING_RATES: Record<OptimizerName, number> = { adam: 0.003, adamw: 0.003, sgd: 0.5 };

/** The training options with every default filled in. */
export type Settings = ReturnType<typeof withDefaults>;

/**
 * The options except `threads`, with every default filled in: plain data.
 *
 * @throws ArgumentError on an unknown optimizer, or if both `head` and `heads` are given
 */
export function withDefaults(options: TrainOptions) {
  expectKnownKeys('train', 'options', options, TRAIN_KEYS);
  if (options.heads !== undefined && options.head !== undefined)
    throw new ArgumentError('train: head cannot be combined with custom heads: leave one of the two out');
  const known = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && Object.hasOwn(TRAIN_DEFAULTS, name);
  const given = Object.fromEntries(Object.entries(options).filter(known)) as Omit<TrainOptions, 'threads'>;
  const { truncate, scheme, decode, columns, headWeights, bestBy, beta2, epsilon, weightDecay, ema, classWeights } =
    options;
  const kept = { truncate, scheme, decode, columns, headWeights, bestBy, beta2, epsilon, weightDecay, ema };
  const { freeze, outsideBias } = options;
  const rest = {
    ...(classWeights !== undefined && { classWeights }),
    ...(freeze !== undefined && { freeze }),
    ...(outsideBias !== undefined && { outsideBias }),
  };
  const settings = { ...TRAIN_DEFAULTS, ...given, ...kept, ...rest };
  if (typeof settings.optimizer !== 'string' || !Object.hasOwn(LEARNING_RATES, settings.optimizer)) {
    throw new ArgumentError(
      `train: optimizer must be one of ${Object.keys(LEARNING_RATES).join(', ')}; got ${typeof settings.optimizer === 'string' ? settings.optimizer : describe(settings.optimizer)}`,
    );
  }
  return { ...settings, cell: nameOrOwn(settings.cell), lr: options.lr ?? LEARNING_RATES[settings.optimizer] };
}

/** Returns the name of a built-in cell, which can be sent to workers; a custom cell as it is. */
function nameOrOwn(cell: string | Cell): string | Cell {
  if (typeof cell === 'string') return cell;
  expectCell('train', cell);
  return isOfName(cell) ? cell.name : cell;
}

/** The settings that {@link createOptimizer} uses. */
export type OptimizerSettings = Pick<Settings, 'optimizer' | 'lr' | 'beta2' | 'epsilon' | 'weightDecay'>;

/**
 * Creates the optimizer of a training run: lazy on embedding rows, so that the cost of a step depends on its batch, not on the table.
 *
 * @throws ArgumentError on an option outside its domain, or one that the optimizer does not have
 */
export function createOptimizer(kernels: Kernels, params: TensorRecord, settings: OptimizerSettings): Optimizer {
  const { optimizer: name, lr, beta2, epsilon, weightDecay } = settings;
  if (name === 'adam') return createAdam(kernels, params, { lr, beta2, epsilon, weightDecay, lazy: true });
  if (name === 'adamw') return createAdamW(kernels, params, { lr, beta2, epsilon, weightDecay, lazy: true });
  return createSgd(kernels, params, { lr, momentum: 0.9, weightDecay, lazy: true });
}
