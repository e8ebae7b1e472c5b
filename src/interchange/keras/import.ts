/** Imports a model from a Keras file: `.keras` from Keras 3, or an `.h5` that holds a whole model. */
import { expectBytes } from '../../serialize/bytes.js';
import { encodeSafetensors } from '../../serialize/safetensors.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { decodeUtf8 } from '../../serialize/utf8.js';
import { loadModel } from '../../labeling/model/file.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError, DataError, UnsupportedError } from '../../tensor/errors.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import type { Tensor } from '../../tensor/types.js';
import { quoted } from '../../tensor/visible.js';
import { viewOf } from '../../tensor/view.js';
import type { StateDictNames } from '../pytorch/plain.js';
import { isZip } from '../pytorch/read.js';
import { readZip } from '../zip.js';
import { chainOf, objectIn } from './architecture.js';
import type { KerasLayer } from './architecture.js';
import { KERAS_FILES } from './export.js';
import type { Hdf5Library } from './hdf5-read.js';
import { loadHdf5Library, openHdf5 } from './hdf5-read.js';
import type { Hdf5Dataset } from './hdf5-write.js';
import type { KerasWeights } from './layers.js';
import { layersOf } from './layers.js';
import { plainModel } from './plain.js';

/** Options for importing a Keras file. */
export interface KerasImportOptions {
  /** Words of the embedding's rows, and labels of the output; required if the file was not exported by this package. */
  readonly names?: Pick<StateDictNames, 'words' | 'labels' | 'unknown' | 'lowerCase'>;
  /** The module jsfive, for use in bundles; by default it is loaded dynamically. */
  readonly library?: Hdf5Library;
}

const KEYS = keysOf<KerasImportOptions>({ names: true, library: true });

/** A model, and the layers of the file that were left out because they act only in training. */
export interface KerasImport {
  readonly model: Model;
  readonly leftOut: readonly string[];
}

/** Error for names passed with a file that needs none. */
export const OWN_NAMES = 'the file has its words and labels: leave names out';

/** Signature of an HDF5 file. */
const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes start with the HDF5 signature. */
export const isHdf5 = (bytes: Uint8Array): boolean => HDF5.every((byte, i) => bytes[i] === byte);

/**
 * Returns the model in a file: an embedding, then LSTM, GRU or SimpleRNN layers in one or both directions, then a dense layer
 * with softmax, in sequence.
 *
 * @param source bytes of a `.keras` file, or of an `.h5` with architecture and weights
 * @throws DataError if the file is damaged, or its weights do not form such a model; UnsupportedError naming an unsupported layer
 *   or option; ArgumentError if `names` are required but missing, or given but not needed
 */
export async function importKeras(
  source: Uint8Array | ArrayBuffer,
  options: KerasImportOptions = {},
): Promise<KerasImport> {
  expectKnownKeys('importKeras', 'options', options, KEYS);
  const bytes = expectBytes('importKeras', source);
  const { names, library = await loadHdf5Library() } = options;
  const { architecture, weights, facts } = isZip(bytes) ? fromArchive(bytes, library) : fromHdf5(bytes, library);
  const { layers, passing } = chainOf(architecture);
  const read = layersOf(layers, weights);
  if (facts !== undefined && names !== undefined) throw new ArgumentError(OWN_NAMES); // prettier-ignore
  if (facts === undefined && names === undefined) {
    throw new ArgumentError('a Keras file does not hold words and labels: pass names, { "words": ["<pad>", "<unk>", …], "labels": ["O", …] }'); // prettier-ignore
  }
  const model = facts === undefined ? plainModel(read, names!) : ownModel(read, facts);
  return { model, leftOut: passing };
}

interface Opened {
  readonly architecture: string;
  readonly weights: KerasWeights;
  /** The companion data that `bptt export` wrote. */
  readonly facts?: Readonly<Record<string, string>>;
}

function fromArchive(bytes: Uint8Array, library: Hdf5Library): Opened {
  const files = readZip(bytes);
  const text = (name: string): string => {
    const found = files.get(name);
    const decoded = found && decodeUtf8(found);
    if (decoded !== undefined) return decoded;
    throw new DataError(`Keras model: the archive has no ${name}${found ? ' in UTF-8' : ''}: it is not a .keras file, or damaged`); // prettier-ignore
  };
  const own = files.get(KERAS_FILES.weights);
  if (own === undefined) throw new DataError(`Keras model: the archive has no ${KERAS_FILES.weights}`);
  const file = openHdf5(library, own);
  const root = file.members('').includes('_layer_checkpoint_dependencies')
    ? '_layer_checkpoint_dependencies'
    : 'layers'; // Keras 2.12
  const list = (path: string): Hdf5Dataset[] => {
    const names = file.members(`${path}/vars`);
    return names.map((_, i) => file.dataset(`${path}/vars/${i}`));
  };
  const at = ({ group }: KerasLayer, ...inner: readonly string[]) => [root, group, ...inner].join('/');
  const weights: KerasWeights = {
    plain: (layer, wrapped) => list(at(layer, ...(wrapped ? ['layer'] : []))),
    directions: (layer, names) => names.map((name) => list(at(layer, ...(name === '' ? [] : [name]), 'cell'))),
  };
  const architecture = text(KERAS_FILES.config);
  return files.has(KERAS_FILES.facts)
    ? { architecture, weights, facts: factsIn(text(KERAS_FILES.facts)) }
    : { architecture, weights };
}

function factsIn(text: string): Readonly<Record<string, string>> {
  const { format, version, facts } = objectIn(parseUniqueJson(text, KERAS_FILES.facts), KERAS_FILES.facts);
  if (format !== 'bptt-keras' || typeof version !== 'number') throw new DataError(`${KERAS_FILES.facts}: expected the format bptt-keras: export the model again`); // prettier-ignore
  if (version > 1) throw new DataError(`${KERAS_FILES.facts}: version ${version} was written by a newer bptt: update bptt`); // prettier-ignore
  const own = objectIn(facts, `${KERAS_FILES.facts}: facts`);
  if (!Object.values(own).every((each) => typeof each === 'string')) throw new DataError(`${KERAS_FILES.facts}: facts must be strings`); // prettier-ignore
  return own as Readonly<Record<string, string>>;
}

/** An `.h5` from before Keras 3, or in its legacy format: everything is in one HDF5 file. */
function fromHdf5(bytes: Uint8Array, library: Hdf5Library): Opened {
  if (!isHdf5(bytes)) throw new DataError('Keras model: expected a .keras archive or an HDF5 file: the file is neither'); // prettier-ignore
  const file = openHdf5(library, bytes);
  const architecture = file.attribute('', 'model_config');
  if (typeof architecture !== 'string') {
    throw new DataError('Keras model: the HDF5 file has no model_config: save the whole model, not only its weights');
  }
  const list = ({ name }: KerasLayer): Hdf5Dataset[] => {
    const group = `model_weights/${name}`;
    const names = file.attribute(group, 'weight_names');
    if (!Array.isArray(names)) throw new DataError(`Keras model: ${quoted(group)} does not list its weights`);
    return names.map((each) => file.dataset(`${group}/${String(each)}`));
  };
  const weights: KerasWeights = {
    plain: list,
    directions(layer, names) {
      const all = list(layer);
      const each = all.length / names.length;
      return names.map((_, i) => all.slice(i * each, (i + 1) * each));
    },
  };
  return { architecture, weights };
}

/** The exported model, possibly trained since. */
function ownModel(read: ReturnType<typeof layersOf>, facts: Readonly<Record<string, string>>): Model {
  const config = parseUniqueJson(facts.config ?? '', `${KERAS_FILES.facts}: config`) as { heads?: { name?: string }[] };
  const tensors: Record<string, Tensor> = { 'encoders.words.weight': tensorOf(read.embedding) };
  read.recurrent.forEach((directions, l) =>
    directions.forEach((direction, d) => {
      for (const [name, each] of Object.entries(direction)) {
        tensors[`layers.${l}.${d === 0 ? 'forward' : 'reverse'}.${name}`] = tensorOf(each as Hdf5Dataset);
      }
    }),
  );
  const head = String(config.heads?.[0]?.name);
  const prefixes = read.dense.length === 2 ? ['dense', `heads.${head}`] : [`heads.${head}`];
  if (read.dense.length > 2) throw new UnsupportedError(`Keras model: ${read.dense.length} dense layers; at most 2 can be imported`); // prettier-ignore
  read.dense.forEach(({ W, b }, i) => {
    tensors[`${prefixes[i]}.W`] = tensorOf(W);
    tensors[`${prefixes[i]}.b`] = tensorOf(b);
  });
  return loadModel(encodeSafetensors(tensors, facts));
}

const tensorOf = ({ shape, values }: Hdf5Dataset): Tensor => viewOf(values, shape);
