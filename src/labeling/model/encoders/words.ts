/**
 * The word encoder: one trained vector per word of the vocabulary.
 *
 *   Forward    (1)  i[n] = hidden[n] with probability p, else ids[n]        word dropout, in training only
 *              (2)  y[n,e] = weight[i[n], e]                                weight [V,E]
 *   Backward   (2)  dweight[i[n], e] += dy[n,e]
 *
 * `hidden` holds the id that replaces a word's own when it is hidden: that of its signature, or of the unknown word.
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import type { EmbeddingParams } from '../../../layers/embedding.js';
import { embeddingBackward, embeddingForward, initEmbedding } from '../../../layers/embedding.js';
import { wordDropout } from '../../../layers/dropout.js';
import { expectMethod } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { expectSize } from '../../data/read-back.js';
import type { Sentence } from '../../data/sentence.js';
import type { Vocabulary } from '../../data/vocabulary.js';
import { buildVocabulary, growVocabulary, vocabularyFromJson } from '../../data/vocabulary.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  TokenReader,
  WordSettings,
} from './encoder.js';

/** Sizes of the word encoder. */
export interface WordConfig extends EncoderConfig {
  readonly kind: 'words';
  /** V, the number of rows: the unknown word, words and signatures. */
  readonly size: number;
}

/** A sentence as word ids: the words' own ids, and those that replace them when they are hidden. */
type WordFeatures = Readonly<Record<'ids' | 'hidden', Int32Array>>;

interface WordPass extends EncoderPass {
  readonly ids: Int32Array;
}

/** Returns the sizes of V words with vectors of E components. */
export const wordConfig = (V: number, E: number): WordConfig => ({ kind: 'words', width: E, size: V });

/** The inference half. */
function inferenceLayer({ size: V, width: E }: WordConfig): InferenceEncoderLayer<WordPass> {
  expectPositiveInteger('model', 'embedding', E);
  expectPositiveInteger('model', 'words', V);
  return {
    config: wordConfig(V, E),
    shapes: { weight: [V, E] },
    contextFree: true,
    forward: (kernels, params, { ids }: Pick<WordFeatures, 'ids'>) => ({
      ids,
      y: embeddingForward(kernels, params as EmbeddingParams, ids),
    }), // (2)
    table: { of: (params: TensorRecord) => params.weight, rows: ({ ids }: WordFeatures) => ids },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(config: WordConfig): EncoderLayer<WordPass> {
  const { size: V, width: E } = config;
  const inference = inferenceLayer(config);
  return {
    ...inference,
    sparse: ['weight'],
    floatsPerToken: 2 * E,
    initialize: (rng) => initEmbedding(V, E, rng.split('embedding')),
    forward(kernels, params, { ids, hidden }: WordFeatures, noise) {
      const drawn = noise ? wordDropout(kernels, ids, noise.wordDropout, hidden, noise.key, noise.places) : ids; // (1)
      return inference.forward(kernels, params, { ids: drawn }); // (2)
    },
    backward(kernels, _params, pass, dY, grads) {
      embeddingBackward(kernels, pass.ids, dY, grads as EmbeddingParams); // (2)
    },
  };
}

/** Returns the reader of a word vocabulary. */
export function wordReader(vocabulary: Vocabulary): TokenReader {
  expectMethod('wordReader', 'vocabulary', vocabulary, 'encodeUnknown', 'a vocabulary, buildVocabulary(sentences)');
  return {
    vocabulary,
    read: (tokens) => ({ ids: vocabulary.encode(tokens), hidden: vocabulary.encodeUnknown(tokens) }),
    readForInference: (tokens) => ({ ids: vocabulary.encode(tokens) }),
    toJSON: () => vocabulary.toJSON(),
  };
}

/** Restores the reader of a saved model. @throws DataError if the JSON is not a vocabulary, or has another size */
function restore(json: unknown, { size }: EncoderConfig): TokenReader {
  const vocabulary = vocabularyFromJson(json);
  expectSize(size, vocabulary.size, 'words');
  return wordReader(vocabulary);
}

/** The half that a tagger bundles. */
export const inferenceWords: InferenceEncoderKind = {
  kind: 'words',
  layer: (config) => inferenceLayer(config as WordConfig),
  restore,
};

/** The word encoder needs no settings of other encoders. */
interface WordKind extends EncoderKind {
  build(sentences: readonly Sentence[], settings: WordSettings): ReturnType<EncoderKind['build']>;
}

/** The encoder of words by a vocabulary of the training sentences. */
export const words: WordKind = {
  kind: 'words',
  layer: (config) => trainingLayer(config as WordConfig) as EncoderLayer,
  restore,
  build(sentences, { embedding, minCount, lowerCase, signatures }) {
    const vocabulary = buildVocabulary(sentences, { minCount, lowerCase, signatures });
    return { reader: wordReader(vocabulary), config: wordConfig(vocabulary.size, embedding) };
  },
  grow({ reader, config }, sentences, { minCount }) {
    const { vocabulary, added } = growVocabulary(reader.vocabulary!, sentences, minCount);
    return { reader: wordReader(vocabulary), config: wordConfig(vocabulary.size, config.width), added };
  },
};
