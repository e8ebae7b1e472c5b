/**
 * The encoder of pretrained vectors: a word's row in a table that another program learned from much text, followed by a linear map.
 *
 *   Forward    (1)  x[n,d] = table[i[n], d]                table [V,D]   i [N]; row 0 is that of words without a vector
 *              (2)  s[n,d] = c·x[n,d]                      c: such that the rows have a mean squared length of 1
 *              (3)  y = s·W + b                            W [D,E]   b [E]   y [N,E]
 *   Backward   (3)  dW += sᵀ·dy   db += Σ_n dy[n]   ds = dy·Wᵀ
 *              (2)  dx = c·ds
 *              (1)  dtable[i[n], d] += dx[n,d]             where the table is tuned; a frozen one is left as it was read
 *
 * The table holds the numbers of its file. The factor c lets one step size fit all of them: GloVe vectors are six times as long as those of
 * fastText.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { EmbeddingParams } from '../../../layers/embedding.js';
import { embeddingBackward, embeddingForward, initEmbedding } from '../../../layers/embedding.js';
import type { LinearParams } from '../../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../../layers/linear.js';
import { expectRecord, isRecord } from '../../../tensor/arguments.js';
import { expectOneOf, expectPositive, expectPositiveInteger } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import type { Tensor } from '../../../tensor/types.js';
import { quoted } from '../../../tensor/visible.js';
import { flatCopy, viewOf } from '../../../tensor/view.js';
import { expectWords } from '../../checks.js';
import { checkDistinct, expectSize, malformed, stringList } from '../../data/read-back.js';
import { remembering } from '../../data/remembering.js';
import type { VectorDigits } from '../../data/vectors/lookup.js';
import { NO_VECTOR, vectorKey, vectorLookup, VECTOR_DIGITS } from '../../data/vectors/lookup.js';
import type { WordVectors } from '../../data/vectors/word-vectors.js';
import { expectVectors } from '../../data/vectors/word-vectors.js';
import { UNKNOWN } from '../../data/vocabulary.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  TokenReader,
} from './encoder.js';

/** Whether training keeps the table as it was read, or updates it. */
export const VECTOR_MODES = ['frozen', 'tuned'] as const;
/** Whether training keeps the vectors as they were read, or updates them. @useDeclaredType */
export type VectorMode = (typeof VECTOR_MODES)[number];

/** Sizes of the encoder of pretrained vectors. */
export interface VectorConfig extends EncoderConfig {
  readonly kind: 'vectors';
  /** V, the number of rows, including the row of words without a vector. */
  readonly size: number;
  /** D, the number of columns of the table. */
  readonly dimensions: number;
  readonly mode: VectorMode;
  /** c, greater than 0. */
  readonly scale: number;
}

/** @inline */
type Sizes = Pick<VectorConfig, 'width' | 'size' | 'dimensions' | 'mode' | 'scale'>;

/** A sentence as rows of the table. */
type VectorFeatures = Readonly<Record<'rows', Int32Array>>;

interface VectorPass extends EncoderPass {
  readonly rows: Int32Array;
  /** `[N, D]`, the scaled rows. */
  readonly s: Tensor;
}

/**
 * Returns the sizes of an encoder of pretrained vectors.
 *
 * @throws ArgumentError naming the invalid size
 */
export function vectorConfig(sizes: Sizes): VectorConfig {
  expectRecord('model', 'vectors', sizes, '{ width, size, dimensions, mode, scale }');
  const { width, size, dimensions, mode, scale } = sizes;
  for (const [name, value] of Object.entries({ width, size, dimensions })) {
    expectPositiveInteger('model', `vectors.${name}`, value);
  }
  expectOneOf('model', 'vectors.mode', mode, VECTOR_MODES);
  expectPositive('model', 'vectors.scale', scale);
  return { kind: 'vectors', width, size, dimensions, mode, scale };
}

const linearOf = ({ W, b }: TensorRecord): LinearParams => ({ W, b });

/** The inference half. */
function inferenceLayer(sizes: Sizes): InferenceEncoderLayer<VectorPass> {
  const config = vectorConfig(sizes);
  const { size: V, dimensions: D, width: E, scale: c } = config;
  return {
    config,
    shapes: { table: [V, D], W: [D, E], b: [E] },
    contextFree: true,
    forward(kernels, params, { rows }: VectorFeatures) {
      const s = embeddingForward(kernels, { weight: params.table }, rows); // (1)
      kernels.rows.scale(s, c); //                                            (2)
      return { rows, s, y: linearForward(kernels, linearOf(params), s) }; //  (3)
    },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(sizes: Sizes): EncoderLayer<VectorPass> {
  const inference = inferenceLayer(sizes);
  const { size: V, dimensions: D, width: E, mode, scale: c } = inference.config as VectorConfig;
  const tuned = mode === 'tuned';
  return {
    ...inference,
    sparse: tuned ? ['table'] : [],
    frozen: tuned ? [] : ['table'],
    floatsPerToken: 2 * D + 2 * E,
    initialize(rng, { table } = {}) {
      const stream = rng.split('vectors');
      const { W, b } = initLinear(D, E, stream.split('map'));
      // Trained tensors belong to one replica; the others may be shared by all.
      const own = table && (tuned ? viewOf(flatCopy(table), [V, D]) : table);
      return { table: own ?? initEmbedding(V, D, stream.split('table')).weight, W, b };
    },
    backward(kernels, params, { rows, s }, dY, grads) {
      const dS = grads.table && kernels.zeros(s.shape, s);
      linearBackward(kernels, linearOf(params), s, dY, linearOf(grads), dS); //          (3)
      if (!dS) return; // frozen: nothing before the map is trained
      kernels.rows.scale(dS, c); //                                                      (2)
      embeddingBackward(kernels, rows, dS, { weight: grads.table } as EmbeddingParams); // (1)
    },
  };
}

/** What the reader of pretrained vectors needs: the words of the rows, and the lookup rule. */
export interface VectorWords {
  /** Words of the rows from row 1 on; row 0 is for words without a vector. */
  readonly words: readonly string[];
  /** The replacement for digits when a word is not found otherwise. */
  readonly digits: VectorDigits;
}

/** Returns a reader of pretrained vectors. @throws ArgumentError on invalid words or an invalid rule for digits */
export function vectorReader(lookup: VectorWords): TokenReader {
  expectRecord('vectorReader', 'lookup', lookup, '{ words, digits }');
  const { words, digits } = lookup;
  expectWords('vectorReader', 'words', words);
  expectOneOf('vectorReader', 'digits', digits, VECTOR_DIGITS);
  const find = vectorLookup(words, digits);
  const rowOf = remembering((token: string) => find(token).row);
  return {
    read(tokens) {
      expectWords('model', 'tokens', tokens);
      return { rows: Int32Array.from(tokens, rowOf) };
    },
    knows: (token) => find(token).row !== NO_VECTOR,
    toJSON: () => ({ digits, words: [...words] }),
  };
}

/** Restores the reader of a saved model. @throws DataError if the JSON is invalid, or has another number of words */
function restore(json: unknown, { size }: EncoderConfig): TokenReader {
  const { words, digits } = isRecord(json) ? json : {};
  const list = stringList(words, 'vectors', 'words');
  checkDistinct(list, 'vectors');
  const rule = VECTOR_DIGITS.find((each) => each === digits);
  if (rule === undefined) throw malformed('vectors', 'digits', `one of ${VECTOR_DIGITS.join(', ')}`, digits);
  expectSize(size, list.length + 1, 'rows of vectors');
  return vectorReader({ words: list, digits: rule });
}

/** The half that a tagger bundles. */
export const inferenceVectors: InferenceEncoderKind = {
  kind: 'vectors',
  layer: (config) => inferenceLayer(config as VectorConfig),
  restore,
};

/** The encoder of pretrained word vectors. */
export const vectors: EncoderKind = {
  kind: 'vectors',
  layer: (config) => trainingLayer(config as VectorConfig) as EncoderLayer,
  restore,
  build(_sentences, { vectors: given, vectorsSize, vectorsMode, vectorsDigits }) {
    if (given === undefined) {
      throw new ArgumentError(
        'train: the encoder vectors needs vectors: pass what readVectors returned (--vectors FILE)',
      );
    }
    const { words, table, scale } = tableOf(given);
    const { size: dimensions } = given;
    const config = vectorConfig({ width: vectorsSize, size: words.length + 1, dimensions, mode: vectorsMode, scale });
    return { reader: vectorReader({ words, digits: vectorsDigits }), config, initial: { table } };
  },
  grow({ reader, config, params }, _sentences, { vectors: given }) {
    const { words, digits } = reader.toJSON() as VectorWords;
    if (given === undefined) return { reader, config, added: [], initial: { table: params.table } };
    const { dimensions: D } = config as VectorConfig;
    const fresh = tableOf(given);
    if (given.size !== D) {
      throw new ArgumentError(
        `train: vectors must have ${D} components, as those of init do; got ${given.size}: pass the file that init was trained with`,
      );
    }
    const known = new Set(words);
    const rows = fresh.words.flatMap((word, i) => (known.has(word) ? [] : [i + 1]));
    const added = rows.map((row) => fresh.words[row - 1]);
    const table = new Float32Array((words.length + 1 + added.length) * D);
    table.set(flatCopy(params.table));
    rows.forEach((row, i) => table.set(fresh.table.data.subarray(row * D, (row + 1) * D), (words.length + 1 + i) * D));
    const size = words.length + 1 + added.length;
    return {
      reader: vectorReader({ words: [...words, ...added], digits }),
      config: vectorConfig({ ...(config as VectorConfig), size }),
      added,
      initial: { table: viewOf(table, [size, D]) },
    };
  },
};

/** Builds the table of a model: row 0, then the vectors. @throws ArgumentError on invalid vectors, or a word that occurs twice */
function tableOf(given: WordVectors) {
  expectVectors('train', 'vectors', given);
  const { size: D, values } = given;
  const unknown = given.words.indexOf(UNKNOWN);
  const words = given.words.filter((word) => word !== UNKNOWN).map(vectorKey);
  const twice = firstTwice(given.words.map(vectorKey));
  if (twice !== undefined) throw new ArgumentError(`train: vectors.words must differ; got ${quoted(twice)} twice`);
  const table = new Float32Array((words.length + 1) * D);
  let row = 1;
  for (let i = 0; i < given.words.length; i++) {
    table.set(values.subarray(i * D, (i + 1) * D), i === unknown ? 0 : D * row++);
  }
  return { words, table: viewOf(table, [words.length + 1, D]), scale: scaleOf(table, words.length) };
}

/**
 * Computes c, which gives the rows after the first a mean squared length of 1; it is 1 if all are 0.
 *
 * @throws ArgumentError if a number is not finite
 */
function scaleOf(table: Float32Array, words: number): number {
  let sum = 0;
  const D = table.length / (words + 1);
  for (let i = 0; i < table.length; i++) {
    if (!Number.isFinite(table[i])) {
      throw new ArgumentError(`train: vectors.values must be finite; got ${table[i]} in column ${i % D}`);
    }
    if (i >= D) sum += table[i] * table[i];
  }
  return sum > 0 ? Math.sqrt(words / sum) : 1;
}

function firstTwice(words: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return words.find((word) => seen.size === seen.add(word).size);
}
