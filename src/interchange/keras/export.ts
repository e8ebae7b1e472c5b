/** Exports a model as a `.keras` file for Keras 3: a ZIP archive of its architecture and its weights. */
import { flatten } from '../../autograd/grads.js';
import type { Model } from '../../labeling/model/model.js';
import { decodingOf } from '../../labeling/model/heads/decoding.js';
import { encodeUtf8 } from '../../serialize/utf8.js';
import { ArgumentError, UnsupportedError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { flatCopy } from '../../tensor/view.js';
import { factsOf } from '../pytorch/state-dict.js';
import { writeZip } from '../zip.js';
import type { Direction, KerasCell } from './cells.js';
import { kerasCellOf, toKeras } from './cells.js';
import type { Hdf5Dataset, Hdf5Group } from './hdf5-write.js';
import { writeHdf5 } from './hdf5-write.js';

/**
 * The files of a `.keras` archive. The last one is ours, with words, labels, and everything that has no place in Keras; Keras
 * ignores it.
 */
export const KERAS_FILES = {
  metadata: 'metadata.json',
  config: 'config.json',
  weights: 'model.weights.h5',
  facts: 'bptt.json',
} as const;

type Json = Readonly<Record<string, unknown>>;

/**
 * Returns the bytes of a `.keras` file. `keras.models.load_model` turns it into a `Sequential` model from word ids `[batch,
 * time]` to label probabilities `[batch, time, K]`. The same model gives the same bytes.
 *
 * @throws UnsupportedError naming a part that a sequence of Keras layers cannot represent: encoders other than words, a CRF,
 *   sentence labels, several heads, residual sums, cells that Keras lacks, ensembles
 */
export function exportKeras(model: Model): Uint8Array {
  expectRepresentable(model);
  const { config } = model;
  const cell = kerasCellOf(config.body.cell);
  const weights = flatten(model.params);
  const of = (name: string): Hdf5Dataset => datasetOf(weights[name]);
  const layers = config.body.hidden.map((_, l) => recurrentOf(cell, model, l, of));
  const dense = config.body.dense === undefined ? [] : [{ W: of('dense.W'), b: of('dense.b'), activation: 'tanh' }];
  const { name } = config.heads[0];
  const output = { W: of(`heads.${name}.W`), b: of(`heads.${name}.b`), activation: 'softmax' };
  const chain = [
    embeddingOf(of('encoders.words.weight')),
    ...layers,
    ...[...dense, output].map((each, i) => denseOf(each, `dense_${i}`)),
  ];
  return writeZip({
    [KERAS_FILES.metadata]: json({ keras_version: '3.0.0', date_saved: '1980-01-01@00:00:00' }),
    [KERAS_FILES.config]: json(sequential(chain.map((each) => each.layer))),
    [KERAS_FILES.weights]: writeHdf5({ layers: grouped(chain), vars: {} }),
    [KERAS_FILES.facts]: json({ format: 'bptt-keras', version: 1, facts: factsOf(model) }),
  });
}

/** Whether label transitions are restricted: Keras returns only probabilities. */
export function isConstrained({ config }: Model): boolean {
  return decodingOf(config.heads[0]).mask !== undefined;
}

function expectRepresentable({ config, members }: Model): void {
  const refuse = (what: string): never => {
    throw new UnsupportedError(`a Keras Sequential model cannot represent ${what}`);
  };
  if (members) throw new ArgumentError('an ensemble is several models: export one member');
  const encoder = config.encoders.find(({ kind }) => kind !== 'words');
  if (encoder) refuse(`the encoder ${encoder.kind}`);
  if (config.heads.length > 1) refuse('a model with several heads');
  const [{ kind }] = config.heads;
  if (kind !== 'softmax') refuse(kind === 'crf' ? 'a CRF' : 'a sentence head');
  if (config.body.residual) refuse('a sum of layers (--residual)');
  if (config.body.zoneout) refuse('a network with zoneout, whose inference takes the mean of states');
}

function datasetOf(x: Tensor): Hdf5Dataset {
  return { shape: x.shape, values: flatCopy(x, 'float32') as Float32Array };
}

/** A layer of the architecture, and its group of weights. */
interface Part {
  readonly layer: Json;
  /** Its class name as used in the weights file. */
  readonly group: string;
  readonly weights: Hdf5Group;
}

const vars = (list: readonly Hdf5Dataset[]): Hdf5Group => ({
  vars: Object.fromEntries(list.map((each, i) => [String(i), each])),
});

function embeddingOf(weight: Hdf5Dataset): Part {
  const [input_dim, output_dim] = weight.shape;
  const config = { name: 'words', trainable: true, dtype: 'float32', input_dim, output_dim, mask_zero: false };
  return { layer: layerOf('Embedding', config), group: 'embedding', weights: vars([weight]) };
}

function denseOf({ W, b, activation }: { W: Hdf5Dataset; b: Hdf5Dataset; activation: string }, name: string): Part {
  const config = { name, trainable: true, dtype: 'float32', units: W.shape[1], activation, use_bias: true };
  return { layer: layerOf('Dense', config), group: 'dense', weights: vars([W, b]) };
}

function recurrentOf(cell: KerasCell, { config: { body } }: Model, l: number, of: (name: string) => Hdf5Dataset): Part {
  const own = { dtype: 'float32', units: body.hidden[l], return_sequences: true, use_bias: true, ...cell.config };
  const layer = layerOf(cell.className, { name: `layer_${l}`, trainable: true, ...own });
  const direction = (name: string): Hdf5Group => {
    const at = (weight: string) => of(`layers.${l}.${name}.${weight}`);
    const weights: Direction = { Wx: at('Wx'), Wh: at('Wh'), b: at('b'), ...(cell.twoBiases && { bn: at('bn') }) };
    return { cell: vars(toKeras(cell, weights)), vars: {} };
  };
  if (!body.bidirectional) return { layer, group: snakeCase(cell.className), weights: direction('forward') };
  const both = { name: `both_${l}`, trainable: true, dtype: 'float32', merge_mode: 'concat', layer };
  return {
    layer: layerOf('Bidirectional', both),
    group: 'bidirectional',
    weights: { forward_layer: direction('forward'), backward_layer: direction('reverse'), vars: {} },
  };
}

function layerOf(class_name: string, config: Json): Json {
  return { module: 'keras.layers', class_name, config, registered_name: null };
}

function sequential(layers: readonly Json[]): Json {
  const input = layerOf('InputLayer', { batch_shape: [null, null], dtype: 'int32', sparse: false, name: 'ids' });
  const config = { name: 'tagger', trainable: true, dtype: 'float32', layers: [input, ...layers] };
  return { module: 'keras', class_name: 'Sequential', config, registered_name: null };
}

/** Groups are named by class, with a number from the second of a class onward. */
function grouped(parts: readonly Part[]): Hdf5Group {
  const names = groupNames(parts.map(({ group }) => group));
  return Object.fromEntries(parts.map(({ weights }, i) => [names[i], weights]));
}

/** The groups of layers of the given classes, in order. */
export function groupNames(classes: readonly string[]): string[] {
  return classes.map((name, i) => {
    const before = classes.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name}_${before}`;
  });
}

/** `SimpleRNN` becomes `simple_rnn`, as in `to_snake_case` of Keras. */
export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

const json = (value: unknown): Uint8Array => encodeUtf8(JSON.stringify(value));
