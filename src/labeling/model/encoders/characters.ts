/**
 * The character encoder: the vector of a token is computed from its characters, so words that are absent from the training data have one
 * too. Every distinct word of a batch is read once.
 *
 *   Forward    (1)  u[n] = the place of token n's word among the U distinct ones           u [N]
 *              (2)  x[m] = embedding[c[m]]            c [M]: the characters of all U words, packed   embedding [C,D]   x [M,D]
 *              (3)  v = network(x)                    v [U,E], by `character-lstm.ts` or `character-cnn.ts`
 *              (4)  y[n] = v[u[n]]                    y [N,E]
 *   Backward   (4)  dv[u[n]] += dy[n]
 *              (3)  dx += networkᵀ(dv)
 *              (2)  dembedding[c[m]] += dx[m]
 *              (1)  numbers have no gradient
 */
import type { TensorRecord } from '../../../autograd/grads.js';
import { embeddingBackward, embeddingForward, initEmbedding } from '../../../layers/embedding.js';
import { expectMethod, expectRecord } from '../../../tensor/arguments.js';
import { expectOneOf, expectPositiveInteger } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { expectWords } from '../../checks.js';
import type { CharacterVocabulary } from '../../data/characters.js';
import { buildCharacters, charactersFromJson, growCharacters } from '../../data/characters.js';
import type { IntegerLists } from '../../data/features.js';
import { listsOf } from '../../data/features.js';
import { expectSize } from '../../data/read-back.js';
import { LONGEST_WORD } from '../../data/spelling.js';
import { characterCnn, inferenceCharacterCnn } from './character-cnn.js';
import { characterLstm, inferenceCharacterLstm } from './character-lstm.js';
import type {
  CharacterNetwork,
  CharacterNetworkName,
  CharacterPass,
  InferenceCharacterNetwork,
} from './character-network.js';
import { CHARACTER_NETWORKS } from './character-network.js';
import type { DistinctWords } from './distinct.js';
import { distinctWords } from './distinct.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  TokenReader,
} from './encoder.js';

/** Sizes of the character encoder. */
export interface CharacterConfig extends EncoderConfig {
  readonly kind: 'characters';
  readonly network: CharacterNetworkName;
  /** C, the number of characters, including the unknown character. */
  readonly size: number;
  /** D, the size of a character's vector. */
  readonly embedding: number;
  /** K, the number of characters in the window of the convolution; unused by an LSTM. */
  readonly window: number;
}

/** The widest useful window: it reaches from a word's first character to its last, on either side. */
const WIDEST = 2 * LONGEST_WORD - 1;

/** @inline */
type Sizes = Pick<CharacterConfig, 'network' | 'size' | 'embedding' | 'width' | 'window'>;

/** The ids of a token's characters. */
type CharacterFeatures = Readonly<Record<'characters', IntegerLists>>;

interface SpelledPass extends EncoderPass {
  readonly words: DistinctWords;
  readonly spelled: CharacterPass;
}

const inferenceNetworks: Readonly<Record<CharacterNetworkName, InferenceCharacterNetwork>> = {
  lstm: inferenceCharacterLstm,
  cnn: inferenceCharacterCnn,
};

/**
 * Returns the sizes of a character encoder.
 *
 * @throws ArgumentError naming the invalid size
 */
export function characterConfig(sizes: Sizes): CharacterConfig {
  expectRecord('model', 'characters', sizes, '{ network, size, embedding, width, window }');
  const { network, size, embedding, width, window } = sizes;
  expectOneOf('model', 'characters.network', network, CHARACTER_NETWORKS);
  for (const [name, value] of Object.entries({ size, embedding, width, window })) {
    expectPositiveInteger('model', `characters.${name}`, value);
  }
  if (window > WIDEST) {
    throw new ArgumentError(
      `model: characters.window must be at most ${WIDEST}, because words have at most ${LONGEST_WORD} characters; got ${window}`,
    );
  }
  return { kind: 'characters', width, network, size, embedding, window };
}

/** The network's tensors, taken from the parameters of the encoder. */
function networkParams({ embedding: _embedding, ...own }: TensorRecord): TensorRecord {
  return own;
}

/** The inference half. */
function inferenceLayer(sizes: Sizes): InferenceEncoderLayer {
  const config = characterConfig(sizes);
  const network = inferenceNetworks[config.network];
  return {
    config,
    shapes: { embedding: [config.size, config.embedding], ...network.shapes(config) },
    contextFree: true,
    forward(kernels, params, { characters }: CharacterFeatures) {
      const { packing, characters: ids, wordOf } = distinctWords(characters); //          (1)
      const x = embeddingForward(kernels, { weight: params.embedding }, ids); //          (2)
      const { v } = network.forward(kernels, networkParams(params), x, packing); //       (3)
      return { y: embeddingForward(kernels, { weight: v }, wordOf) }; //                  (4)
    },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(sizes: Sizes): EncoderLayer<SpelledPass> {
  const { config, shapes, contextFree } = inferenceLayer(sizes);
  const own = config as CharacterConfig;
  const network = (own.network === 'cnn' ? characterCnn : characterLstm) as CharacterNetwork;
  const floats = network.floatsPerCharacter(own) + 4 * own.embedding;
  return {
    config,
    shapes,
    contextFree,
    sparse: ['embedding'],
    rowsPerToken: LONGEST_WORD,
    floatsPerToken: 6 * own.width,
    floatsOf: ({ characters }: CharacterFeatures) => distinctWords(characters).packing.total * floats,
    initialize(rng) {
      const stream = rng.split('characters');
      const { weight } = initEmbedding(own.size, own.embedding, stream.split('embedding'));
      return { embedding: weight, ...network.initialize(own, stream) };
    },
    forward(kernels, params, { characters }: CharacterFeatures) {
      const words = distinctWords(characters); //                                         (1)
      const x = embeddingForward(kernels, { weight: params.embedding }, words.characters); // (2)
      const spelled = network.forward(kernels, networkParams(params), x, words.packing); // (3)
      return { y: embeddingForward(kernels, { weight: spelled.v }, words.wordOf), words, spelled }; // (4)
    },
    backward(kernels, params, { words, spelled }, dY, grads) {
      const { v } = spelled;
      const dV = kernels.zeros(v.shape, v);
      embeddingBackward(kernels, words.wordOf, dY, { weight: dV }); //                    (4)
      const dX = kernels.zeros([words.characters.length, own.embedding], v);
      network.backward(kernels, networkParams(params), spelled, dV, networkParams(grads), dX); // (3)
      embeddingBackward(kernels, words.characters, dX, { weight: grads.embedding }); //   (2)
    },
  };
}

/** Returns a reader of characters. */
export function characterReader(vocabulary: CharacterVocabulary): TokenReader {
  expectMethod('characterReader', 'vocabulary', vocabulary, 'encode', 'characters, buildCharacters(sentences)');
  return {
    read(tokens) {
      expectWords('model', 'tokens', tokens);
      return { characters: listsOf(tokens.map(vocabulary.encode)) };
    },
    toJSON: () => vocabulary.toJSON(),
  };
}

/** Restores the reader of a saved model. @throws DataError if the JSON is invalid, or has another number of characters */
function restore(json: unknown, { size }: EncoderConfig): TokenReader {
  const vocabulary = charactersFromJson(json);
  expectSize(size, vocabulary.size, 'characters');
  return characterReader(vocabulary);
}

/** The half that a tagger bundles. */
export const inferenceCharacters: InferenceEncoderKind = {
  kind: 'characters',
  layer: (config) => inferenceLayer(config as CharacterConfig),
  restore,
};

/** The encoder of words by their characters. */
export const characters: EncoderKind = {
  kind: 'characters',
  layer: (config) => trainingLayer(config as CharacterConfig) as EncoderLayer,
  restore,
  build(sentences, settings) {
    const vocabulary = buildCharacters(sentences, settings.characterUnit);
    const config = characterConfig({
      network: settings.characters,
      size: vocabulary.size,
      embedding: settings.characterEmbedding,
      width: settings.characterSize,
      window: settings.characterWindow,
    });
    return { reader: characterReader(vocabulary), config };
  },
  grow({ reader, config }, sentences) {
    const { vocabulary, added } = growCharacters(charactersFromJson(reader.toJSON()), sentences);
    const sizes = { ...(config as CharacterConfig), size: vocabulary.size };
    return { reader: characterReader(vocabulary), config: characterConfig(sizes), added };
  },
};
