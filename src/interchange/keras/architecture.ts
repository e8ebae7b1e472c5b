/** The architecture of a Keras model as a sequence of layers, regardless of the model class. */
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { DataError, UnsupportedError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { groupNames, snakeCase } from './export.js';

type Json = Readonly<Record<string, unknown>>;

/** A layer, and the location of its weights. */
export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Json;
  /** Its group among the layers of `model.weights.h5`. */
  readonly group: string;
}

/** Layers that act only in training. */
const PASSING = new Set([
  ...['Dropout', 'SpatialDropout1D', 'GaussianDropout', 'GaussianNoise', 'AlphaDropout'],
  'ActivityRegularization',
]);

/** @throws DataError if a value is not an object */
export function objectIn(value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new DataError(`Keras model: ${where} must be an object`);
}

/**
 * Returns the layers of a `Sequential`, or of a `Functional` model in which each layer reads the previous one.
 *
 * @param text the configuration, JSON
 * @returns the layers that compute, and the names of those that act only in training
 * @throws DataError if it is not the configuration of a model; UnsupportedError if the layers do not form a sequence
 */
export function chainOf(text: string): { layers: KerasLayer[]; passing: string[] } {
  const { class_name, config } = objectIn(parseUniqueJson(text, 'Keras model: its configuration'), 'its configuration');
  if (!['Sequential', 'Functional', 'Model'].includes(String(class_name))) {
    throw new UnsupportedError(`Keras model: the class ${quoted(String(class_name))} does not list its layers; expected Sequential or Functional`); // prettier-ignore
  }
  const listed = Array.isArray(config) ? config : objectIn(config, 'config').layers; // the oldest files have a bare list
  if (!Array.isArray(listed)) throw new DataError('Keras model: config.layers must be a list');
  const own = class_name === 'Sequential' ? listed : withoutMasks(listed);
  if (class_name !== 'Sequential') expectRow(own);
  const all = own.map((each, i) => layerAt(each, i));
  const stored = all.filter(({ className }) => className !== 'InputLayer' || class_name !== 'Sequential');
  const groups = groupNames(stored.map(({ className }) => snakeCase(className)));
  const named = stored.map((layer, i) => ({ ...layer, group: groups[i] }));
  const passing = named.filter(({ className }) => PASSING.has(className));
  const layers = named.filter((layer) => layer.className !== 'InputLayer' && !passing.includes(layer));
  return { layers, passing: passing.map(({ name }) => name) };
}

function layerAt(value: unknown, i: number): Omit<KerasLayer, 'group'> {
  const { class_name, config } = objectIn(value, `layer ${i}`);
  const own = objectIn(config, `config of layer ${i}`);
  if (typeof class_name !== 'string') throw new DataError(`Keras model: layer ${i} has no class_name`);
  return { className: class_name, name: typeof own.name === 'string' ? own.name : class_name, config: own };
}

/**
 * The layers without the mask of an `Embedding` with `mask_zero`. Keras 3 writes this mask into the graph: as an operation
 * `NotEqual` on the ids and 0, and as an argument `mask` of the layers that follow. Other masks remain and are rejected, because
 * no layer in a sequence reads them.
 */
function withoutMasks(layers: readonly unknown[]): unknown[] {
  const [first] = layers;
  const isMask = (value: unknown): boolean => {
    const { class_name, inbound_nodes } = objectIn(value, 'a layer');
    if (class_name !== 'NotEqual' || !Array.isArray(inbound_nodes) || inbound_nodes.length !== 1) return false;
    const { args } = inbound_nodes[0] as { args?: unknown };
    return Array.isArray(args) && args.length === 2 && args[1] === 0 && String(sourcesIn(args[0])) === nameOf(first);
  };
  const masks = new Set(layers.filter(isMask).map(nameOf));
  if (masks.size === 0) return [...layers];
  const isPassed = (mask: unknown): boolean => {
    const from = sourcesIn(mask);
    return from.length > 0 && from.every((name) => masks.has(name));
  };
  const unmasked = (node: unknown): unknown => {
    const { kwargs } = node as { kwargs?: Json };
    return isPassed(kwargs?.mask) ? { ...(node as Json), kwargs: { ...kwargs, mask: null } } : node;
  };
  return layers
    .filter((value) => !isMask(value))
    .map((value) => {
      const { inbound_nodes } = value as Json;
      return Array.isArray(inbound_nodes) ? { ...(value as Json), inbound_nodes: inbound_nodes.map(unmasked) } : value;
    });
}

/** Requires that each layer reads the previous one and nothing else. */
function expectRow(layers: readonly unknown[]): void {
  layers.forEach((value, i) => {
    const { inbound_nodes = [], name, config } = objectIn(value, `layer ${i}`);
    const from = sourcesIn(inbound_nodes);
    const before = i === 0 ? [] : [nameOf(layers[i - 1])];
    if (String(from) === String(before)) return;
    const own = String(name ?? objectIn(config, `config of layer ${i}`).name);
    const got = from.length === 0 ? 'nothing' : from.map((each) => quoted(each)).join(', ');
    throw new UnsupportedError(`Keras model: layer ${quoted(own)} reads ${got}; expected ${before.map((each) => quoted(each)).join('') || 'nothing'}: only a plain sequence of layers can be imported`); // prettier-ignore
  });
}

function nameOf(value: unknown): string {
  const { name, config } = value as Json;
  return String(name ?? (config as Json | undefined)?.name);
}

/** Names of layers that nodes read: in `keras_history` of Keras 3, or the first of `[name, node, tensor, …]` before. */
function sourcesIn(nodes: unknown): string[] {
  if (Array.isArray(nodes)) {
    const [first, node, tensor] = nodes as unknown[];
    if (typeof first === 'string' && typeof node === 'number' && typeof tensor === 'number') return [first];
    return nodes.flatMap(sourcesIn);
  }
  if (typeof nodes !== 'object' || nodes === null) return [];
  const history = (nodes as { keras_history?: unknown }).keras_history;
  if (Array.isArray(history)) return [String(history[0])];
  return Object.values(nodes).flatMap(sourcesIn);
}
