/**
 * A model as one `.safetensors` file: the parameters under their dotted names, everything else as JSON in the metadata.
 * Any reader of the format can read it; `docs/model-file.md` lists the fields.
 */
import { flatten } from '../../autograd/grads.js';
import type { Cell } from '../../cells/index.js';
import { expectCell } from '../../cells/index.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { describe } from '../../tensor/describe.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { LayerParams, LayerSpec } from '../../layers/stack.js';
import { outputSize } from '../../layers/stack.js';
import type { Model, ModelConfig, ModelParams } from './model.js';
import { cellConfig, layersOf } from './model.js';
import { decodeSafetensors, encodeSafetensors } from '../../serialize/safetensors.js';
import { brief, parseUniqueJson } from '../../serialize/unique-json.js';
import { labelsFromJson } from '../data/labels.js';
import { vocabularyFromJson } from '../data/vocabulary.js';

/** Version of the fields below. A reader refuses a higher one, because it could not know what it misses. */
const VERSION = 1;

/** What a model file does not hold. */
export interface LoadOptions {
  /** The cell the model was trained with, where it is one of your own. */
  readonly cell?: Cell;
}

const KEYS = keysOf<LoadOptions>({ cell: true });

/** The bytes of a model file. The same model gives the same bytes. */
export function saveModel({ config, words, labels, params }: Model): Uint8Array {
  return encodeSafetensors(flatten(params), {
    format: 'bptt',
    version: String(VERSION),
    config: JSON.stringify(config),
    words: JSON.stringify(words.toJSON()),
    labels: JSON.stringify(labels.toJSON()),
  });
}

/** Bytes are told by what they are, not by whose they are: those of another realm, such as a frame of a page, serve too. */
function bytesOf(source: unknown): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (isBuffer(source)) return new Uint8Array(source);
  throw new ArgumentError(`loadModel: bytes must be a Uint8Array or an ArrayBuffer; got ${describe(source)}`);
}

/** A model, or one read from its bytes. @throws ArgumentError where `source` is neither */
export function modelOf(where: string, source: Model | Uint8Array | ArrayBuffer, options?: LoadOptions): Model {
  if (ArrayBuffer.isView(source) || isBuffer(source)) return loadModel(source, options);
  if (typeof source !== 'object' || source === null || !('params' in source)) {
    throw new ArgumentError(`${where}: expected a model, or the bytes of a model file; got ${describe(source)}`);
  }
  return source;
}

/** Whether a value is an ArrayBuffer, of whatever realm. */
function isBuffer(x: unknown): x is ArrayBuffer {
  return Object.prototype.toString.call(x) === '[object ArrayBuffer]';
}

/**
 * Reads a model file. The tensors are plain views of one copy of the data; no ndarray is constructed.
 *
 * @param options.cell the cell the model was trained with, where it is one of your own: a file holds no functions
 * @throws DataError where the bytes are no safetensors file, no model of this package, one of a newer version, or damaged;
 *   or where the model needs a cell of your own, and that is missing or another one
 */
export function loadModel(bytes: Uint8Array | ArrayBuffer, options: LoadOptions = {}): Model {
  expectKnownKeys('loadModel', 'options', options, KEYS);
  const { cell } = options;
  const { tensors, metadata } = decodeSafetensors(bytesOf(bytes));
  if (metadata.format !== 'bptt') {
    throw new DataError(
      'expected a model made by bptt; got a safetensors file without its metadata: train a model first',
    );
  }
  const version = Number(metadata.version);
  if (!Number.isInteger(version) || version < 1) {
    throw new DataError(
      `model: expected version to be an integer of at least 1; got ${brief(metadata.version)}: the file is damaged`,
    );
  }
  if (version > VERSION) {
    throw new DataError(
      `model: expected a model file of version ${VERSION} or older; got version ${version}, made by a newer bptt: update bptt`,
    );
  }
  const config = readConfig(metadata.config, cell);
  const words = vocabularyFromJson(parse(metadata.words, 'words'));
  const labels = labelsFromJson(parse(metadata.labels, 'labels'));
  const params = readParams(tensors, config, words.size, labels.size, cell);
  return { config, words, labels, params, ...(config.ownCell && { cell }) };
}

function parse(text: string | undefined, field: string): unknown {
  if (text !== undefined) return parseUniqueJson(text, `model: the metadata field ${field}`);
  throw new DataError(`model: expected the metadata field ${field}; it is missing: the file is damaged`);
}

function readConfig(text: string | undefined, own?: Cell): ModelConfig {
  const json = parse(text, 'config') as Partial<ModelConfig> | null;
  const wrong = (field: string, expected: string) =>
    new DataError(
      `model: expected config.${field} to be ${expected}; got ${brief(json?.[field as keyof ModelConfig])}: the file is damaged`,
    );
  if (typeof json !== 'object' || json === null)
    throw new DataError('model: expected config to be an object: the file is damaged');
  if (typeof json.bidirectional !== 'boolean') throw wrong('bidirectional', 'a boolean');
  if (!Array.isArray(json.hidden)) throw wrong('hidden', 'a list of sizes');
  for (const field of ['embedding', 'dropout'] as const)
    if (typeof json[field] !== 'number') throw wrong(field, 'a number');
  if (json.ownCell !== undefined && json.ownCell !== true) throw wrong('ownCell', 'true, or absent');
  const { cell, ownCell, embedding, hidden, bidirectional, dropout } = json as ModelConfig;
  const config = { cell, ...(ownCell && { ownCell }), embedding, hidden, bidirectional, dropout };
  expectOwnCell(config, own);
  try {
    layersOf(config, own);
  } catch (error) {
    if (error instanceof BpttError)
      throw new DataError(`${error.message}: the model file is damaged`, { cause: error });
    throw error;
  }
  return config;
}

/** @throws DataError where the model needs a cell of your own, and it is missing or another one; or needs none */
function expectOwnCell({ cell, ownCell }: ModelConfig, own?: Cell): void {
  if (own !== undefined) expectCell('loadModel', own);
  if (ownCell ? own?.name === cell : own === undefined || cellConfig(own).ownCell === undefined) return;
  const got = own === undefined ? 'none was given' : `got '${own.name}'`;
  throw new DataError(
    ownCell
      ? `model: it was trained with a cell '${cell}' of somebody's own, and ${got}: pass that cell, whose functions no file holds (loadModel(bytes, { cell }); --cell FILE)`
      : `model: it was trained with the built-in cell '${cell}'; ${got}, a cell of your own: leave it out`,
  );
}

/** The parameters a configuration needs, taken from the file; every one of them, in its shape, and nothing else. */
function readParams(
  tensors: Readonly<Record<string, Tensor>>,
  config: ModelConfig,
  V: number,
  K: number,
  own?: Cell,
): ModelParams {
  const left = new Set(Object.keys(tensors));
  const take = (name: string, shape: readonly number[]): Tensor => {
    const tensor = left.delete(name) ? tensors[name] : undefined;
    if (tensor?.shape.join() !== shape.join()) {
      const got = tensor ? `[${tensor.shape.join(', ')}]` : 'nothing';
      throw new DataError(
        `model: expected the tensor ${name} of shape [${shape.join(', ')}]; got ${got}: the file is damaged`,
      );
    }
    if (dtypeOf(tensor.data) !== 'float32') {
      throw new DataError(`model: expected the tensor ${name} in F32; got F64: convert it`);
    }
    const odd = tensor.data.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0) {
      throw new DataError(
        `model: expected finite numbers; got ${tensor.data[odd]} at element ${odd} of ${name}: the file is damaged, or the training went wrong`,
      );
    }
    return tensor;
  };
  const specs = layersOf(config, own);
  const width = (l: number) => (l === 0 ? config.embedding : outputSize(specs[l - 1]));
  const params = {
    embedding: { weight: take('embedding.weight', [V, config.embedding]) },
    layers: specs.map((spec, l) => readLayer(spec, width(l), `layers.${l}`, take)),
    output: { W: take('output.W', [width(specs.length), K]), b: take('output.b', [K]) },
  };
  if (left.size > 0)
    throw new DataError(`model: the tensor ${[...left][0]} belongs to no part of this model: the file is damaged`);
  return params;
}

type Take = (name: string, shape: readonly number[]) => Tensor;

function readLayer({ cell, hidden: H, bidirectional }: LayerSpec, D: number, path: string, take: Take): LayerParams {
  const shapes = cell.shapes(D, H);
  const direction = (name: string) =>
    Object.fromEntries(Object.entries(shapes).map(([p, shape]) => [p, take(`${path}.${name}.${p}`, shape)]));
  const forward = direction('forward') as LayerParams['forward'];
  return bidirectional ? { forward, reverse: direction('reverse') as LayerParams['forward'] } : { forward };
}
