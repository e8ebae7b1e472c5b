/**
 * A model as one `.safetensors` file: the parameters under their dotted names, everything else as JSON in the metadata.
 * Any reader of the format can read it; `docs/model-file.md` lists the fields.
 */
import { flatten } from '../../autograd/grads.js';
import { BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { LayerParams, LayerSpec } from '../../layers/stack.js';
import { outputSize } from '../../layers/stack.js';
import type { Model, ModelConfig, ModelParams } from './model.js';
import { layersOf } from './model.js';
import { decodeSafetensors, encodeSafetensors } from '../../serialize/safetensors.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { labelsFromJson } from '../data/labels.js';
import { vocabularyFromJson } from '../data/vocabulary.js';

/** Version of the fields below. A reader refuses a higher one, because it could not know what it misses. */
const VERSION = 1;

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

/**
 * Reads a model file. The tensors are plain views of one copy of the data; no ndarray is constructed.
 *
 * @throws DataError where the bytes are no safetensors file, no model of this package, one of a newer version, or damaged
 */
export function loadModel(bytes: Uint8Array | ArrayBuffer): Model {
  const { tensors, metadata } = decodeSafetensors(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes));
  if (metadata.format !== 'bptt') {
    throw new DataError(
      'expected a model made by bptt; got a safetensors file without its metadata: train a model first',
    );
  }
  const version = Number(metadata.version);
  if (!Number.isInteger(version) || version < 1) {
    throw new DataError(
      `model: expected version to be an integer of at least 1; got ${metadata.version}: the file is damaged`,
    );
  }
  if (version > VERSION) {
    throw new DataError(
      `model: expected a model file of version ${VERSION} or older; got version ${version}, made by a newer bptt: update bptt`,
    );
  }
  const config = readConfig(metadata.config);
  const words = vocabularyFromJson(parse(metadata.words, 'words'));
  const labels = labelsFromJson(parse(metadata.labels, 'labels'));
  return { config, words, labels, params: readParams(tensors, config, words.size, labels.size) };
}

function parse(text: string | undefined, field: string): unknown {
  if (text !== undefined) return parseUniqueJson(text, `model: the metadata field ${field}`);
  throw new DataError(`model: expected the metadata field ${field}; it is missing: the file is damaged`);
}

function readConfig(text: string | undefined): ModelConfig {
  const json = parse(text, 'config') as Partial<ModelConfig> | null;
  const wrong = (field: string, expected: string) =>
    new DataError(
      `model: expected config.${field} to be ${expected}; got ${JSON.stringify(json?.[field as keyof ModelConfig])}: the file is damaged`,
    );
  if (typeof json !== 'object' || json === null)
    throw new DataError('model: expected config to be an object: the file is damaged');
  if (typeof json.bidirectional !== 'boolean') throw wrong('bidirectional', 'a boolean');
  if (!Array.isArray(json.hidden)) throw wrong('hidden', 'a list of sizes');
  for (const field of ['embedding', 'dropout'] as const)
    if (typeof json[field] !== 'number') throw wrong(field, 'a number');
  const { cell, embedding, hidden, bidirectional, dropout } = json as ModelConfig;
  try {
    layersOf({ cell, embedding, hidden, bidirectional, dropout });
  } catch (error) {
    if (error instanceof BpttError)
      throw new DataError(`${error.message}: the model file is damaged`, { cause: error });
    throw error;
  }
  return { cell, embedding, hidden, bidirectional, dropout };
}

/** The parameters a configuration needs, taken from the file; every one of them, in its shape, and nothing else. */
function readParams(tensors: Readonly<Record<string, Tensor>>, config: ModelConfig, V: number, K: number): ModelParams {
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
  const specs = layersOf(config);
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
