/**
 * Builds a model around the recurrent layers of a PyTorch state dict, with the file's embedding and output layer or with randomly
 * drawn ones.
 */
import { expectWords } from '../labeling/checks.js';
import { labelsFromJson } from '../labeling/data/labels.js';
import type { Vocabulary } from '../labeling/data/vocabulary.js';
import { buildVocabulary, vocabularyFromJson } from '../labeling/data/vocabulary.js';
import { wordConfig, wordReader } from '../labeling/model/encoders/words.js';
import { softmaxConfig } from '../labeling/model/heads/softmax.js';
import { createModel } from '../labeling/model/model.js';
import { initNetwork, networkOf } from '../labeling/model/network.js';
import { expectBytes } from '../serialize/bytes.js';
import { decodeSafetensors } from '../serialize/safetensors.js';
import { expectList, expectRecord } from '../tensor/arguments.js';
import { expectKnownKeys, expectNonNegativeInteger, expectOneOf, keysOf } from '../tensor/checks.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import { createRng } from '../tensor/random.js';
import type { Tensor } from '../tensor/types.js';
import { copied, mapParams, transposed } from './numbers.js';
import type { PyTorchCell, PyTorchLayers } from './pytorch.js';
import { broken, GATES, layersFromPyTorch } from './pytorch.js';
import type { ReadableModel } from './untrained.js';

/** Information that a state dict does not contain. */
export interface PyTorchOptions extends PyTorchCell {
  /** Name of the embedding matrix `[V, D]`; default: the matrix of D columns with `emb` in its name. */
  readonly embedding?: string;
  /** Name of the output layer's matrix `[K, H]`, or `[K, 2H]`; default: the other matrix with that many columns. */
  readonly output?: string;
  /** The words of the embedding's rows, in order; row 0 is used for unknown words. Required if the file has an embedding. */
  readonly words?: readonly string[];
  /** The labels of the output layer, in order; default `0`, `1`, …. */
  readonly labels?: readonly string[];
  /** Random seed for an embedding and an output layer that the file lacks. Default 1. */
  readonly seed?: number;
}

const KEYS = keysOf<PyTorchOptions>({
  cell: true,
  prefix: true,
  embedding: true,
  output: true,
  words: true,
  labels: true,
  seed: true,
});

/** A model to inspect, and which of its parts do not come from the state dict. */
export type PyTorchModel = ReadableModel & {
  readonly drawn: readonly ('embedding' | 'output layer')[];
  /** Names of the tensors that were used. */
  readonly used: readonly string[];
};

type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Returns a model built from a state dict. An embedding or output layer that is missing is drawn at random from the seed. The
 * numbers then still describe the layers, but on word vectors that the layers were not trained on.
 *
 * @param source the bytes of a safetensors file, or its tensors by name
 * @param sentences supply the vocabulary if `words` does not list it
 * @throws DataError if the source is not a safetensors file, its weights do not form such a network, or it is ambiguous which
 *   matrix is which
 */
export function fromPyTorch(
  source: Uint8Array | Tensors,
  sentences: readonly { readonly tokens: readonly string[] }[],
  options: PyTorchOptions = {},
): PyTorchModel {
  expectOptions(sentences, options);
  const tensors = tensorsOf(source);
  const read = layersFromPyTorch(tensors, options);
  const { cell, layers } = read;
  const D = layers[0].forward.Wx.shape[0];
  const hidden = layers.map(({ forward }) => forward.Wh.shape[0]);
  const bidirectional = 'reverse' in layers[0];
  const width = hidden[hidden.length - 1] * (bidirectional ? 2 : 1);
  const embedding = matrixIn(tensors, read, options.embedding, (name, columns) => columns === D && /emb/i.test(name));
  const output = matrixIn(tensors, read, options.output, (name, columns) => columns === width && name !== embedding);
  const vocabulary = vocabularyOf(sentences, options.words, embedding === undefined ? undefined : tensors[embedding]);
  const K = output ? tensors[output].shape[0] : (options.labels?.length ?? 2);
  const labels = labelsFromJson(options.labels ?? Array.from({ length: K }, (_, k) => String(k)));
  if (labels.size !== K) throw broken(`its output layer has ${K} labels; got ${labels.size} in labels`);
  const body = { cell, hidden, bidirectional, dropout: 0 };
  const config = { encoders: [wordConfig(vocabulary.size, D)], body, heads: [softmaxConfig(K)] };
  const fresh = initNetwork(networkOf(config), createRng(options.seed ?? 1).split('init'));
  const params = {
    encoders: embedding ? { words: { weight: tensors[embedding] } } : fresh.encoders,
    layers,
    heads: output ? { labels: { W: transposed(tensors[output]), b: biasOf(tensors, output, K) } } : fresh.heads,
  };
  const pieces = { config, params: mapParams(params, copied), readers: [wordReader(vocabulary)], labels: [labels] };
  const drawn = [...(embedding ? [] : ['embedding' as const]), ...(output ? [] : ['output layer' as const])];
  const used = [...read.used, ...[embedding, output, output && biasNameOf(tensors, output)].filter((name) => name !== undefined)]; // prettier-ignore
  return { ...createModel(pieces), origin: { source: 'pytorch', initialization: null }, drawn, used };
}

function expectOptions(sentences: unknown, options: PyTorchOptions): void {
  expectKnownKeys('fromPyTorch', 'options', options, KEYS);
  if (options.cell !== undefined) expectOneOf('fromPyTorch', 'cell', options.cell, Object.keys(GATES));
  for (const name of ['prefix', 'embedding', 'output'] as const) {
    if (options[name] === undefined || typeof options[name] === 'string') continue;
    throw new ArgumentError(`fromPyTorch: ${name} must be a string; got ${describe(options[name])}`);
  }
  for (const name of ['words', 'labels'] as const) {
    if (options[name] !== undefined) expectWords('fromPyTorch', name, options[name]);
  }
  if (options.seed !== undefined) expectNonNegativeInteger('fromPyTorch', 'seed', options.seed);
  expectList('fromPyTorch', 'sentences', sentences, 'sentences, each { tokens }');
  (sentences as readonly unknown[]).forEach((each, i) => {
    expectRecord('fromPyTorch', `sentences[${i}]`, each, 'a sentence, { tokens }');
    expectWords('fromPyTorch', `sentences[${i}].tokens`, (each as { tokens?: unknown }).tokens);
  });
}

function tensorsOf(source: Uint8Array | Tensors): Tensors {
  if (ArrayBuffer.isView(source)) {
    const { tensors, raw = {} } = decodeSafetensors(expectBytes('fromPyTorch', source));
    const [other] = Object.entries(raw);
    if (other === undefined) return tensors;
    throw broken(
      `'${other[0]}' has the type ${other[1].dtype}; expected floating-point numbers: leave it out of the file`,
    );
  }
  expectRecord('fromPyTorch', 'source', source, 'the bytes of a safetensors file, or its tensors by name');
  return source;
}

/** Weights of any recurrent part, including parts that were not chosen. */
const RECURRENT = /(^|\.)weight_(ih|hh|hr)_l\d+(_reverse)?$/;

/** Name of the one matrix that fits, recurrent weights excluded; undefined if there is none. */
function matrixIn(
  tensors: Tensors,
  { used }: PyTorchLayers,
  named: string | undefined,
  fits: (name: string, columns: number) => boolean,
): string | undefined {
  if (named !== undefined) {
    if (tensors[named]?.shape.length === 2) return named;
    throw broken(`it has no matrix '${named}'; its tensors are ${Object.keys(tensors).join(', ')}`);
  }
  const found = Object.keys(tensors).filter((name) => {
    const { shape } = tensors[name];
    return shape.length === 2 && !used.includes(name) && !RECURRENT.test(name) && fits(name, shape[1]);
  });
  if (found.length < 2) return found[0];
  throw broken(`it is not clear which of ${found.join(', ')} is meant: choose with embedding or output`);
}

function vocabularyOf(
  sentences: readonly { readonly tokens: readonly string[] }[],
  words: readonly string[] | undefined,
  embedding: Tensor | undefined,
): Vocabulary {
  if (words === undefined && embedding === undefined) return buildVocabulary(sentences);
  const V = embedding?.shape[0] ?? words!.length;
  if (words?.length !== V) {
    throw broken(`its embedding has ${V} rows; expected as many words, in their order; got ${words?.length ?? 'none'}`);
  }
  const known = words.slice(1);
  return vocabularyFromJson({ lowerCase: false, minCount: 1, words: known, rare: [], signatures: null });
}

/** `fc.weight` goes with `fc.bias`. */
function biasNameOf(tensors: Tensors, matrix: string): string | undefined {
  const name = matrix.replace(/weight$/, 'bias');
  return matrix.endsWith('bias') || tensors[name] === undefined ? undefined : name;
}

/** The bias that belongs to a matrix; zeros if it has none. */
function biasOf(tensors: Tensors, matrix: string, K: number): Tensor {
  const name = biasNameOf(tensors, matrix);
  if (name === undefined) return { data: new Float64Array(K), shape: [K], stride: [1], offset: 0 };
  const bias = tensors[name];
  if (bias.shape.join() === String(K)) return bias;
  throw broken(`the bias of ${matrix} is [${bias.shape.join(', ')}]; expected [${K}]`);
}
