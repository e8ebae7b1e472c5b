/**
 * Builds the parts of a model from its configuration: encoders · body · heads. The input is plain data, the output is code, so a worker
 * thread can build its own from the same data.
 *
 * There are two builders. `networkOf` builds the whole network. `inferenceNetworkOf` builds the forward half and imports nothing else of
 * any part, so a page that labels text bundles no loss, no backward pass and no initializer.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Cell } from '../../cells/index.js';
import type { ForwardCell } from '../../cells/cell.js';
import { expectForwardCell } from '../../cells/check.js';
import { forwardCellNamed, forwardCells, hasVariants } from '../../cells/forward.js';
import { cellNamed, expectCell } from '../../cells/index.js';
import { recurrentDropout } from '../../cells/recurrent-dropout.js';
import type { ZoneoutRates } from '../../cells/zoneout.js';
import { zoneout, zoneoutForward } from '../../cells/zoneout.js';
import type { LinearParams } from '../../layers/linear.js';
import { initLinear } from '../../layers/linear.js';
import type { LayerParams, LayerSpec } from '../../layers/stack.js';
import { initStack, outputSize } from '../../layers/stack.js';
import { expectList, expectRecord, expectRng } from '../../tensor/arguments.js';
import { expectOneOf, expectPositiveInteger, expectProbability } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { Rng } from '../../tensor/random.js';
import { expectSwitches } from '../checks.js';
import { expectInitial, expectNetwork, expectOwnParts } from './checks.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  Features,
  InferenceEncoderKind,
  InferenceEncoderLayer,
} from './encoders/encoder.js';
import { encoderKinds } from './encoders/index.js';
import { inferenceEncoderKinds } from './encoders/inference.js';
import type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  InferenceHeadKind,
  InferenceHeadLayer,
} from './heads/head.js';
import { headKinds } from './heads/index.js';
import { inferenceHeadKinds } from './heads/inference.js';

/** The recurrent layers in the middle of a model. */
export interface BodyConfig {
  /** Name of the cell: `lstm`, `gru`, `rnn`, …, a key of `cells`, unless `ownCell` is set. */
  readonly cell: string;
  /** Set if the cell is a custom one, whatever its name: the model then needs the cell itself, in `Model.own`. */
  readonly ownCell?: true;
  /** H of each recurrent layer, per direction, first layer first. */
  readonly hidden: readonly number[];
  /** Whether every layer reads the sentence in both directions. */
  readonly bidirectional: boolean;
  /** Dropout probability of a component of the encoders' vectors, between layers, and before the heads. */
  readonly dropout: number;
  /** Set if these three masks are drawn once per sentence instead of once per word. */
  readonly variational?: true;
  /** Dropout probability of a component of the state that the recurrence reads, in training; absent for 0. */
  readonly recurrentDropout?: number;
  /** Probability that a component keeps its value, per state; absent for none. */
  readonly zoneout?: ZoneoutRates;
  /** Set if every layer but the first adds its input to its output. */
  readonly residual?: true;
  /** Size of a tanh layer between the recurrent layers and the heads; absent for none. */
  readonly dense?: number;
}

/** The fields of a body that most models omit. */
export type BodyExtras = Pick<BodyConfig, 'variational' | 'recurrentDropout' | 'zoneout' | 'residual' | 'dense'>;

/** The configuration of a model, saved with it. */
export interface ModelConfig {
  /** Their vectors are concatenated in this order. */
  readonly encoders: readonly EncoderConfig[];
  readonly body: BodyConfig;
  readonly heads: readonly HeadConfig[];
}

/** Custom parts, which are not saved in the file. */
export interface OwnParts {
  readonly cell?: Cell;
  /** Kinds in addition to the built-in ones. */
  readonly encoders?: readonly EncoderKind[];
  readonly heads?: readonly HeadKind[];
}

/** All trainable parameters. Gradients have the same structure; `flatten` names the tensors `encoders.words.weight` and so on. */
export type ModelParams = {
  readonly encoders: Readonly<Record<string, TensorRecord>>;
  readonly layers: readonly LayerParams[];
  /** Parameters of the dense layer after them, if the body has one. */
  readonly dense?: LinearParams;
  readonly heads: Readonly<Record<string, TensorRecord>>;
};

/** Gradients of a model have the structure of its parameters. */
export type ModelGrads = ModelParams;

/** Shapes of the parameters of a dense layer. */
export type DenseShapes = { readonly W: readonly [number, number]; readonly b: readonly [number] };

/** The functions and sizes of a model for inference. Every `Network` is one. */
export interface InferenceNetwork {
  readonly config: ModelConfig;
  readonly encoders: readonly InferenceEncoderLayer[];
  /** E, the total number of columns of all encoders. */
  readonly width: number;
  readonly layers: readonly LayerSpec<ForwardCell>[];
  /** The dense layer after them, if the body has one: its size and the shapes of its parameters. */
  readonly dense?: { readonly size: number; readonly shapes: DenseShapes };
  readonly heads: readonly InferenceHeadLayer[];
}

/** The functions and sizes of a model. */
export interface Network extends InferenceNetwork {
  readonly encoders: readonly EncoderLayer[];
  readonly layers: readonly LayerSpec[];
  /** `layers` as a training step runs them, with recurrent dropout. */
  readonly trainedLayers: readonly LayerSpec[];
  readonly dropout: number;
  /** Whether dropout draws one mask per sentence. */
  readonly variational: boolean;
  readonly heads: readonly HeadLayer[];
}

/** The part of a configuration that names a cell. */
export function cellConfig(cell: string | Cell): Pick<BodyConfig, 'cell' | 'ownCell'> {
  if (typeof cell === 'string') return { cell: cellNamed(cell)?.name ?? cell }; // with its options in a fixed order
  expectCell('model', cell);
  return isOfName(cell) ? { cell: cell.name } : { cell: cell.name, ownCell: true };
}

/** Whether a cell is the built-in one of its name. */
export function isOfName(cell: Cell): boolean {
  try {
    return cellNamed(cell.name) === cell;
  } catch (error) {
    if (error instanceof ArgumentError) return false; // a custom cell may have any name, even `lstm:`
    throw error;
  }
}

/** Returns the cell that a configuration names. @throws ArgumentError on an unknown cell, or a custom cell that is missing */
function cellOf<C extends ForwardCell>(config: BodyConfig, builtIn: (name: string) => C | undefined, own?: C): C {
  if (!config.ownCell) {
    // A bundle may leave out cell variants; one that the caller passes takes their place.
    const found = builtIn(config.cell) ?? (!hasVariants() && own?.name === config.cell ? own : undefined);
    if (found === undefined) expectOneOf('model', 'cell', config.cell, Object.keys(forwardCells));
    return found!;
  }
  if (own === undefined) {
    throw new ArgumentError(
      `model: its cell '${config.cell}' is not built in, and a model file stores no functions: pass the cell that it was trained with`,
    );
  }
  if (own.name === config.cell) return own;
  throw new ArgumentError(
    `model: expected the cell '${config.cell}', which it was trained with; got '${own.name}': pass that cell`,
  );
}

/**
 * Builds the recurrent layers of a configuration.
 *
 * @param own the cell, if it is a custom one
 * @throws ArgumentError on an unknown cell, a custom cell that is missing, or an impossible size
 */
export function layersOf(body: BodyConfig, own?: Cell): LayerSpec[] {
  return layersWith(body, { cells: cellNamed, zoneout }, own);
}

function layersWith<C extends ForwardCell>(body: BodyConfig, builtIn: BuiltInCells<C>, own?: C): LayerSpec<C>[] {
  expectRecord('model', 'body', body, '{ cell, hidden, bidirectional, dropout }');
  const plain = cellOf(body, builtIn.cells, own);
  const cell = body.zoneout === undefined ? plain : builtIn.zoneout(plain, body.zoneout);
  expectProbability('model', 'dropout', body.dropout);
  if (body.recurrentDropout !== undefined) expectProbability('model', 'recurrentDropout', body.recurrentDropout);
  expectSwitches('model', body, 'bidirectional');
  expectList('model', 'hidden', body.hidden, 'sizes, one per layer');
  if (body.hidden.length === 0) throw new ArgumentError('model: hidden must list at least one layer size; got none');
  return body.hidden.map((hidden, l) => {
    expectPositiveInteger('model', 'hidden', hidden);
    expectResidual(body, l);
    return { cell, hidden, bidirectional: body.bidirectional, ...(body.residual && l > 0 && { residual: true }) };
  });
}

/** @throws ArgumentError if a residual layer's input and output differ in width */
function expectResidual({ residual, hidden }: BodyConfig, l: number): void {
  if (!residual || l === 0 || hidden[l] === hidden[l - 1]) return;
  throw new ArgumentError(
    `model: residual layers must have the same size; got ${hidden.join(', ')}: give them one size, or leave residual out`,
  );
}

/** Returns the kind of that name, custom or built-in. @throws ArgumentError on an unknown name */
export function kindOf<K extends { readonly kind: string }>(
  what: 'encoder' | 'head',
  kind: string,
  builtIn: Readonly<Record<string, K>>,
  own: readonly K[] = [],
): K {
  const found = own.find((each) => each.kind === kind) ?? (Object.hasOwn(builtIn, kind) ? builtIn[kind] : undefined);
  if (found !== undefined) return found;
  const known = [...Object.keys(builtIn), ...own.map((each) => each.kind)].join(', ');
  throw new ArgumentError(
    `model: unknown ${what} ${JSON.stringify(kind)}: it is not built in (${known}); pass the one that the model was trained with`,
  );
}

/**
 * Builds the whole network of a configuration. For an existing model, call `networkOf(model.config, model.own)`.
 *
 * @param own the custom parts
 * @throws ArgumentError on an unknown part, a custom part that is missing, or an impossible size
 */
export function networkOf(config: ModelConfig, own: OwnParts = {}): Network {
  expectOwnParts('model', 'own', own);
  if (own.cell !== undefined) expectCell('model', own.cell);
  const kinds = { cells: cellNamed, zoneout, encoders: encoderKinds, heads: headKinds };
  const network = assembled(config, own, kinds as unknown as BuiltIn) as Pick<Network, keyof InferenceNetwork>;
  const { dropout, recurrentDropout: p = 0, variational = false } = config.body;
  const trainedLayers = network.layers.map((layer) => ({ ...layer, cell: recurrentDropout(layer.cell, p) }));
  return { ...network, trainedLayers, dropout, variational } as Network;
}

/** The forward half of `networkOf`. @throws ArgumentError as `networkOf` does */
export function inferenceNetworkOf(config: ModelConfig, own: OwnParts = {}): InferenceNetwork {
  expectOwnParts('model', 'own', own);
  if (own.cell !== undefined) expectForwardCell('model', own.cell);
  return assembled(config, own, {
    ...{ cells: forwardCellNamed, zoneout: zoneoutForward },
    ...{ encoders: inferenceEncoderKinds, heads: inferenceHeadKinds },
  });
}

/** Requires that the last steps of the two directions can be told apart if a head needs them. @throws ArgumentError */
function expectHalves({ body, heads }: ModelConfig): void {
  if (!body.dense || !body.bidirectional || !heads.some(({ pooling }) => pooling === 'last')) return;
  throw new ArgumentError(
    'model: pooling last needs the outputs of both directions, which a dense layer mixes: choose another pooling, or one direction',
  );
}

/** The built-in cells and their zoneout, either whole or as the forward half. */
interface BuiltInCells<C extends ForwardCell> {
  readonly cells: (name: string) => C | undefined;
  readonly zoneout: (cell: C, rates: ZoneoutRates) => C;
}

/** The built-in parts, by name. */
interface BuiltIn extends BuiltInCells<ForwardCell> {
  readonly encoders: Readonly<Record<string, InferenceEncoderKind>>;
  readonly heads: Readonly<Record<string, InferenceHeadKind>>;
}

function assembled(config: ModelConfig, own: OwnParts, builtIn: BuiltIn): InferenceNetwork {
  expectConfig(config);
  expectDistinct('encoders', config.encoders.map(({ kind }) => kind)); // prettier-ignore
  expectDistinct('heads', config.heads.map(({ name }) => name)); // prettier-ignore
  const layers = layersWith(config.body, builtIn, own.cell);
  const { dense } = config.body;
  if (dense !== undefined) expectPositiveInteger('model', 'dense', dense);
  const above = outputSize(layers[layers.length - 1]);
  const body: BodyShape = {
    width: dense ?? above,
    bidirectional: config.body.bidirectional,
  };
  expectHalves(config);
  const encoders = config.encoders.map((each) =>
    kindOf('encoder', each.kind, builtIn.encoders, own.encoders).layer(each),
  );
  return {
    config,
    encoders,
    width: encoders.reduce((sum, each) => sum + each.config.width, 0),
    layers,
    ...(dense && { dense: { size: dense, shapes: { W: [above, dense], b: [dense] } } }),
    heads: config.heads.map((each) => kindOf('head', each.kind, builtIn.heads, own.heads).layer(each, body)),
  };
}

/** The kinds of a model's heads, with what training needs, such as gold labels. */
export function headKindsOf({ config, own }: { readonly config: ModelConfig; readonly own?: OwnParts }): HeadKind[] {
  return config.heads.map(({ kind }) => kindOf('head', kind, headKinds, own?.heads));
}

function expectConfig(config: unknown): void {
  expectRecord('model', 'config', config, 'a configuration, { encoders, body, heads }');
  for (const part of ['encoders', 'heads'] as const) {
    const list = (config as Record<string, unknown>)[part];
    expectList('model', `config.${part}`, list, 'configurations, each { kind, … }');
    const parts = list as readonly unknown[];
    if (parts.length === 0) throw new ArgumentError(`model: config.${part} must have at least one element; got none`);
    parts.forEach((each, i) => expectRecord('model', `config.${part}[${i}]`, each, 'a configuration, { kind, … }'));
  }
}

function expectDistinct(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ArgumentError(`model: ${what} must differ; got '${twice}' twice`);
}

/** Initial parameters that are given instead of drawn, by the kind of their encoder. */
export type InitialParams = Readonly<Record<string, TensorRecord>>;

/**
 * Initializes parameters. Each part has its own random stream; the first head has the stream of an only head.
 *
 * @param initial parameters that are given instead of drawn
 * @throws ArgumentError if `initial` names an encoder that does not exist; ShapeError if one of its tensors has the wrong shape
 */
export function initNetwork(network: Network, rng: Rng, initial: InitialParams = {}): ModelParams {
  expectNetwork('initNetwork', network);
  expectRng('initNetwork', 'rng', rng);
  expectInitial('initNetwork', initial, network);
  return {
    encoders: Object.fromEntries(
      network.encoders.map((each) => [each.config.kind, each.initialize(rng, initial[each.config.kind])]),
    ),
    layers: initStack(network.width, network.layers, rng.split('layers')),
    ...(network.dense && { dense: initLinear(...network.dense.shapes.W, rng.split('dense')) }),
    heads: Object.fromEntries(
      network.heads.map((each, h) => [
        each.config.name,
        each.initialize(h === 0 ? rng : rng.split(`head ${each.config.name}`)),
      ]),
    ),
  };
}

/** The parameters that training updates: all but the frozen ones. */
export function trainedParams({ encoders }: Network, params: ModelParams): ModelParams {
  const parts = encoders.map(({ config: { kind }, frozen = [] }) => {
    const own = Object.entries(params.encoders[kind]).filter(([name]) => !frozen.includes(name));
    return [kind, Object.fromEntries(own)] as const;
  });
  return { ...params, encoders: Object.fromEntries(parts) };
}

/** Dotted names of the parameters of which a batch touches few rows, with the most rows that one token can touch. */
export function sparseRows({ encoders }: Network): Record<string, number> {
  const names = encoders.flatMap(({ config, sparse, rowsPerToken = 1 }) =>
    sparse.map((name) => [`encoders.${config.kind}.${name}`, rowsPerToken] as const),
  );
  return Object.fromEntries(names);
}

/**
 * Estimates the most bytes that the tensors of one training step take.
 *
 * @param lengths of the sentences; a step takes `batch` of them
 * @param features `features[e][s]`: sentence s as encoder e reads it
 */
export function stepBytes(
  network: Network,
  lengths: readonly number[],
  features: readonly (readonly Features[])[],
  batch: number,
): number {
  const { perToken, perSentence } = stepFloats(network);
  const floats = lengths.map((length, s) => {
    const own = network.encoders.reduce((sum, each, e) => sum + (each.floatsOf?.(features[e][s]) ?? 0), 0);
    return length * perToken + own;
  });
  const largest = floats.sort((p, q) => q - p).slice(0, batch);
  return 4 * (largest.reduce((sum, each) => sum + each, 0) + largest.length * perSentence);
}

/** Estimates the floats that a step takes per token and per sentence. */
function stepFloats(network: Network): { readonly perToken: number; readonly perSentence: number } {
  const parts = [...network.encoders, ...network.heads];
  let perToken = 4 * network.width + parts.reduce((sum, each) => sum + each.floatsPerToken, 0);
  perToken += 6 * (network.dense?.size ?? 0);
  let perSentence = 0;
  let D = network.width;
  for (const layer of network.trainedLayers) {
    const { states, saved, stepGrads } = layer.cell;
    const widths = [...Object.values(saved), ...Object.values(stepGrads)].reduce((sum, width) => sum + width, 0);
    const directions = layer.bidirectional ? 2 : 1;
    perToken += directions * (3 * D + (2 * states.length + widths + 8) * layer.hidden);
    perSentence += directions * 4 * states.length * layer.hidden;
    D = outputSize(layer);
  }
  return { perToken, perSentence };
}
