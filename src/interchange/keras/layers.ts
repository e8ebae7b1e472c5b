/** Converts the layers of a Keras model with their weights to parts of a tagger; an unsupported layer or option is rejected by name. */
import { DataError, UnsupportedError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { objectIn } from './architecture.js';
import type { KerasLayer } from './architecture.js';
import type { Direction } from './cells.js';
import { fromKeras, KERAS_CELLS } from './cells.js';
import type { Hdf5Dataset } from './hdf5-write.js';

/** Access to the weights of layers. */
export interface KerasWeights {
  /** Weights of an embedding or a dense layer; `wrapped` if it is in a TimeDistributed. */
  plain(layer: KerasLayer, wrapped: boolean): Hdf5Dataset[];
  /** Weights of a recurrent layer: of each direction by its name, or of `''` if there is only one. */
  directions(layer: KerasLayer, names: readonly string[]): Hdf5Dataset[][];
}

/** Weights of a dense layer. */
export interface KerasDense {
  readonly W: Hdf5Dataset;
  readonly b: Hdf5Dataset;
  readonly activation: string;
}

/** The parts of a tagger. */
export interface KerasParts {
  readonly embedding: Hdf5Dataset;
  /** Whether words with id 0 are skipped (`mask_zero`). */
  readonly masked: boolean;
  /** Name of the cell in this package. */
  readonly cell: string;
  /** For each layer, one direction or both, forward first. */
  readonly recurrent: readonly (readonly Direction[])[];
  readonly dense: readonly KerasDense[];
}

type Json = Readonly<Record<string, unknown>>;

const refused = ({ name, className }: KerasLayer, what: string): UnsupportedError =>
  new UnsupportedError(`Keras model: layer ${quoted(name)} (${className}): ${what}`);

/**
 * @throws UnsupportedError naming a layer or one of its options; DataError if weights are missing or have the wrong shape
 */
export function layersOf(layers: readonly KerasLayer[], weights: KerasWeights): KerasParts {
  const [first, ...rest] = layers;
  if (first?.className !== 'Embedding') {
    const got = first === undefined ? 'no layer' : `${first.className} ${quoted(first.name)}`;
    throw new UnsupportedError(`Keras model: expected an Embedding first; got ${got}`);
  }
  const [embedding] = expectCount(first, weights.plain(first, false), [1]);
  const split = rest.findIndex((layer) => !isRecurrent(layer));
  const [recurrent, behind] = split < 0 ? [rest, []] : [rest.slice(0, split), rest.slice(split)];
  if (recurrent.length === 0) {
    const got = behind.length === 0 ? 'none' : `${behind[0].className} ${quoted(behind[0].name)}`;
    throw new UnsupportedError(`Keras model: expected an LSTM, GRU or SimpleRNN after the embedding; got ${got}`);
  }
  const read = recurrent.map((layer) => recurrentOf(layer, weights));
  const other = read.findIndex(({ cell, directions }) => cell !== read[0].cell || directions.length !== read[0].directions.length); // prettier-ignore
  if (other > 0) throw refused(recurrent[other], `it is not the same kind of layer as ${quoted(recurrent[0].name)}; all must be of one kind`); // prettier-ignore
  const dense = denseLayers(behind, weights);
  const masked = first.config.mask_zero === true;
  return { embedding, masked, cell: read[0].cell, recurrent: read.map(({ directions }) => directions), dense };
}

const CLASSES = new Set(Object.values(KERAS_CELLS).map(({ className }) => className));

const isRecurrent = ({ className }: KerasLayer): boolean => className === 'Bidirectional' || CLASSES.has(className);

function recurrentOf(layer: KerasLayer, weights: KerasWeights): { cell: string; directions: Direction[] } {
  const both = layer.className === 'Bidirectional';
  const { className, config } = both ? innerOf(layer) : layer;
  if (both) expectBoth(layer);
  const name = cellOf(layer, className, config);
  const cell = KERAS_CELLS[name];
  const names = both ? ['forward_layer', 'backward_layer'] : [''];
  const expected = config.use_bias === false ? 2 : 3;
  const directions = weights.directions(layer, names).map((list) => {
    expectCount(layer, list, [expected]);
    return fromKeras(cell, list, `layer ${quoted(layer.name)}`);
  });
  return { cell: name, directions };
}

function innerOf(layer: KerasLayer): { className: string; config: Json } {
  const { class_name, config } = objectIn(layer.config.layer, `layer ${quoted(layer.name)}: layer`);
  if (!CLASSES.has(String(class_name))) throw refused(layer, `it holds ${String(class_name)}; expected one of ${[...CLASSES].join(', ')}`); // prettier-ignore
  return { className: String(class_name), config: objectIn(config, `layer ${quoted(layer.name)}: layer.config`) };
}

function expectBoth(layer: KerasLayer): void {
  const { merge_mode = 'concat', layer: forward, backward_layer: backward } = layer.config;
  if (merge_mode !== 'concat') throw refused(layer, `merge_mode must be concat; got ${String(merge_mode)}`);
  if (backward === undefined || backward === null) return;
  const [p, q] = [forward, backward].map((each) => objectIn(objectIn(each, 'a direction').config, 'config of a direction')); // prettier-ignore
  for (const key of ['units', 'activation', 'recurrent_activation', 'use_bias', 'reset_after']) {
    if (p[key] !== q[key]) throw refused(layer, `its directions differ in ${key}`);
  }
}

/** Option values with which a layer computes the same as a cell of this package. */
const EXPECTED: Readonly<Record<string, readonly unknown[]>> = {
  return_sequences: [true],
  return_state: [undefined, false],
  go_backwards: [undefined, false],
  stateful: [undefined, false],
  time_major: [undefined, false],
};

/** Returns the cell that a layer corresponds to. @throws UnsupportedError naming an option that no cell supports */
function cellOf(layer: KerasLayer, className: string, config: Json): string {
  for (const [key, allowed] of Object.entries(EXPECTED)) {
    // the backward direction of a Bidirectional is marked as such; the other one is described here
    if (!allowed.includes(config[key])) throw refused(layer, `${key} must be ${String(allowed[allowed.length - 1])}; got ${JSON.stringify(config[key])}`); // prettier-ignore
  }
  const found = Object.entries(KERAS_CELLS).find(
    ([, cell]) =>
      cell.className === className &&
      Object.entries(cell.config).every(([key, value]) => (config[key] ?? defaultOf(key)) === value),
  );
  if (found !== undefined) return found[0];
  const got = ['activation', 'recurrent_activation', 'reset_after'].filter((key) => key in config);
  throw refused(layer, `no cell of bptt has ${got.map((key) => `${key} ${JSON.stringify(config[key])}`).join(', ')}`);
}

const defaultOf = (key: string): unknown => ({ activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: true })[key]; // prettier-ignore

/** Dense layers, possibly in a TimeDistributed, followed by a separate activation. */
function denseLayers(layers: readonly KerasLayer[], weights: KerasWeights): KerasDense[] {
  const dense: KerasDense[] = [];
  for (const layer of layers) {
    const last = dense.at(-1);
    const activation = activationOf(layer);
    if (activation !== undefined && last?.activation === 'linear') {
      dense[dense.length - 1] = { ...last, activation };
    } else {
      dense.push(denseOf(layer, weights));
    }
  }
  const wrong = dense.findIndex(({ activation }, i) => !(i === dense.length - 1 ? ['softmax', 'linear'] : ['tanh']).includes(activation)); // prettier-ignore
  if (wrong >= 0) throw new UnsupportedError(`Keras model: dense layer ${wrong + 1} of ${dense.length} has the activation ${quoted(dense[wrong].activation)}; expected softmax or linear in the last, tanh in one before`); // prettier-ignore
  if (dense.length > 0) return dense;
  throw new UnsupportedError('Keras model: expected a Dense layer with the scores of labels at the end; got none');
}

/** The function of a pure activation layer: `Activation`, or `Softmax` over the labels. */
function activationOf({ className, config }: KerasLayer): string | undefined {
  if (className === 'Activation') return String(config.activation);
  return className === 'Softmax' && (config.axis ?? -1) === -1 ? 'softmax' : undefined;
}

function denseOf(layer: KerasLayer, weights: KerasWeights): KerasDense {
  const wrapped = layer.className === 'TimeDistributed';
  const inner = wrapped ? objectIn(layer.config.layer, `layer ${quoted(layer.name)}: layer`) : undefined;
  if ((inner ? inner.class_name : layer.className) !== 'Dense') throw refused(layer, 'it has no counterpart here');
  const config = inner ? objectIn(inner.config, `layer ${quoted(layer.name)}: layer.config`) : layer.config;
  const list = expectCount(layer, weights.plain(layer, wrapped), [config.use_bias === false ? 1 : 2]);
  const [W] = list;
  const K = W.shape[1];
  const b = list[1] ?? { shape: [K], values: new Float32Array(K) };
  if (W.shape.length !== 2 || String(b.shape) !== String([K])) throw new DataError(`Keras model: layer ${quoted(layer.name)}: expected weights [inputs, ${K}] and [${K}]; got [${W.shape.join(', ')}] and [${b.shape.join(', ')}]`); // prettier-ignore
  return { W, b, activation: String(config.activation ?? 'linear') };
}

function expectCount(layer: KerasLayer, list: Hdf5Dataset[], counts: readonly number[]): Hdf5Dataset[] {
  if (counts.includes(list.length)) return list;
  throw new DataError(`Keras model: layer ${quoted(layer.name)} has ${list.length} weights; expected ${counts.join(' or ')}: the file is damaged`); // prettier-ignore
}
