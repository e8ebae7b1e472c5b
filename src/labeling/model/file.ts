/**
 * Stores a model as one `.safetensors` file: the parameters under their dotted names, everything else as JSON in the metadata. Any reader
 * of the format can read it; `docs/model-file.md` lists the fields.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { flatten } from '../../autograd/grads.js';
import type { Cell, ForwardCell } from '../../cells/cell.js';
import { isBuiltIn } from '../../cells/cell.js';
import { hasVariants } from '../../cells/forward.js';
import { expectForwardCell } from '../../cells/check.js';
import { isRecord } from '../../tensor/arguments.js';
import { describe } from '../../tensor/describe.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../tensor/checks.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { flatCopy, viewOf } from '../../tensor/view.js';
import type { LayerParams, LayerSpec } from '../../layers/stack.js';
import type { LinearParams } from '../../layers/linear.js';
import { outputSize } from '../../layers/stack.js';
import { expectBytes, isBuffer } from '../../serialize/bytes.js';
import type { RawTensor } from '../../serialize/safetensors.js';
import { encodeSafetensors, floatsOf, openSafetensors } from '../../serialize/safetensors.js';
import { quantizeRows, scaleRows } from '../../serialize/int8.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import type { LabelVocabulary } from '../data/labels.js';
import { labelsFromJson } from '../data/labels.js';
import { inputSpecFromJson } from '../data/formats/reading.js';
import { damaged, expectSize, malformed } from '../data/read-back.js';
import { vocabularyFromJson } from '../data/vocabulary.js';
import { expectModel, expectOwnParts } from './checks.js';
import type { Foreign } from './foreign.js';
import { expectForeign, FIELDS, isOurs } from './foreign.js';
import type { TokenReader } from './encoders/encoder.js';
import { inferenceEncoderKinds } from './encoders/inference.js';
import { wordConfig, wordReader } from './encoders/words.js';
import type { HeadConfig } from './heads/head.js';
import { MOST_MEMBERS } from './heads/head.js';
import { inferenceHeadKinds } from './heads/inference.js';
import { softmaxConfig } from './heads/softmax.js';
import type { Model } from './model.js';
import { createModel } from './model.js';
import type { BodyConfig, BodyExtras, InferenceNetwork, ModelConfig, ModelParams, OwnParts } from './network.js';
import { inferenceNetworkOf, kindOf } from './network.js';

/** Version of the fields below. A reader rejects a higher version, because it cannot know what it would miss. */
const VERSION = 2;

/** The version of an ensemble, which has `members`. Readers without support for ensembles reject it. */
const VERSION_OF_ENSEMBLES = 3;

/** The version of a model with int8 weights. Readers without support for them reject it. */
const VERSION_OF_INT8 = 4;

/** The names that version 1 used for tensors that have since been renamed. */
const NAMES_OF_VERSION_1: Readonly<Record<string, string>> = {
  'encoders.words.weight': 'embedding.weight',
  'heads.labels.W': 'output.W',
  'heads.labels.b': 'output.b',
};

/** What a model file cannot hold: custom parts. */
export interface LoadOptions extends OwnParts {
  /** The cell that the model was trained with, if it is a custom one. */
  readonly cell?: Cell;
}

/** Options for writing a model. */
export interface SaveOptions {
  /**
   * `float32` (default) keeps the weights as they are. `int8` stores matrices as 8-bit integers with one scale per row
   * (`serialize/int8.ts`), in a quarter of the size; the weights that are read back are off by at most half a quantization step of their
   * row. Such a model labels like any other, but training cannot resume from it.
   */
  readonly weights?: 'float32' | 'int8';
}

const SAVE_KEYS = keysOf<SaveOptions>({ weights: true });

/**
 * Returns the bytes of a model file. The same model gives the same bytes.
 *
 * @throws ArgumentError if `model.foreign` uses a name that belongs to the model, or an option is unknown
 */
export function saveModel(model: Model, options: SaveOptions = {}): Uint8Array {
  expectModel('saveModel', model);
  expectKnownKeys('saveModel', 'options', options, SAVE_KEYS);
  const { weights = 'float32' } = options;
  expectOneOf('saveModel', 'weights', weights, ['float32', 'int8']);
  const isInt8 = weights === 'int8';
  const { config, readers, heads, params, members, input, foreign } = model;
  if (foreign) expectForeign(foreign);
  const read = config.encoders.map(({ kind }, i) => [kind, readers[i].toJSON()]);
  const labels = config.heads.map(({ name }, i) => [name, heads[i].labels.toJSON()]);
  const metadata = {
    ...foreign?.metadata,
    format: 'bptt',
    version: String(isInt8 ? VERSION_OF_INT8 : members ? VERSION_OF_ENSEMBLES : VERSION),
    ...(members && { members: String(members.length) }),
    config: JSON.stringify(config),
    readers: JSON.stringify(Object.fromEntries(read)),
    labels: JSON.stringify(Object.fromEntries(labels)),
    ...(input && { input: JSON.stringify(input) }),
    ...((isInt8 || model.quantized) && { quantized: 'int8' }),
  };
  const all = members ? memberTensors(members) : flatten(params);
  if (!isInt8) return encodeSafetensors(all, metadata, foreign?.tensors);
  const { tensors, raw } = inInt8(all);
  return encodeSafetensors(tensors, metadata, { ...raw, ...foreign?.tensors });
}

/** Whether a tensor is written in int8. For a matrix with one column, the scales would take up what the integers save. */
export const isForInt8 = ({ shape }: Tensor): boolean => shape.length === 2 && shape[1] > 1;

/** Quantizes matrices, each stored next to its scales; other tensors stay as they are. */
function inInt8(all: TensorRecord): { readonly tensors: TensorRecord; readonly raw: Record<string, RawTensor> } {
  const tensors: Record<string, Tensor> = {};
  const raw: Record<string, RawTensor> = {};
  for (const [name, tensor] of Object.entries(all)) {
    if (!isForInt8(tensor)) {
      tensors[name] = tensor;
      continue;
    }
    const { shape, q, scales } = quantizeRows(tensor);
    raw[name] = { dtype: 'I8', shape, bytes: new Uint8Array(q.buffer) };
    tensors[name + SCALES] = viewOf(scales, [shape[0]]);
  }
  return { tensors, raw };
}

/** Suffix that turns the name of an int8 matrix into the name of its scales. */
const SCALES = '.scales';

/**
 * Names the members' tensors `members.<k>.…`; a tensor that all members share, such as frozen vectors, is stored once, without the prefix.
 */
function memberTensors(members: readonly ModelParams[]): TensorRecord {
  const all = members.map(flatten);
  const named = (name: string): [string, Tensor][] => {
    const [first, ...others] = all.map((each) => each[name]);
    if (others.every((other) => first === other || sameNumbers(first, other))) return [[name, first]];
    return all.map((each, k) => [prefixOf(k) + name, each[name]]);
  };
  return Object.fromEntries(Object.keys(all[0]).flatMap(named));
}

const prefixOf = (k: number): string => `members.${k}.`;

function sameNumbers(x: Tensor, y: Tensor): boolean {
  const [p, q] = [flatCopy(x), flatCopy(y)];
  return p.every((value, i) => Object.is(value, q[i]));
}

/** Returns the model itself, or the one read from its bytes. @throws ArgumentError if `source` is neither */
export function modelOf(where: string, source: Model | Uint8Array | ArrayBuffer, options?: LoadOptions): Model {
  if (ArrayBuffer.isView(source) || isBuffer(source)) return loadModel(source, options);
  if (typeof source !== 'object' || source === null || !('params' in source)) {
    throw new ArgumentError(
      `${where}: expected a model, or the bytes of a model file, as source; got ${describe(source)}`,
    );
  }
  expectModel(where, source, 'source');
  return source;
}

/**
 * Reads a model file. The tensors are plain views of one copy of the data; no ndarray is constructed. F16 and BF16 are converted to
 * float32, which represents each of their values exactly. Tensors and fields that do not belong to the model are kept in `model.foreign`.
 *
 * @param own the custom parts: a file holds no functions
 * @throws DataError if the bytes are not a safetensors file, not a model of this package, of a newer version, or damaged; or if the model
 *   needs a custom part that is missing or does not match
 */
export function loadModel(bytes: Uint8Array | ArrayBuffer, own: LoadOptions = {}): Model {
  expectOwnParts('loadModel', 'options', own);
  const { raw, metadata } = openSafetensors(expectBytes('loadModel', bytes));
  if (metadata.format !== 'bptt') {
    throw new DataError(
      'expected a model made by bptt; got a safetensors file without metadata of bptt: train a model first',
    );
  }
  const version = Number(metadata.version);
  if (!Number.isInteger(version) || version < 1) {
    throw wrong('version', 'an integer of at least 1', metadata.version);
  }
  if (version > VERSION_OF_INT8) {
    throw new DataError(
      `model: expected a model file of version ${VERSION_OF_INT8} or older; got version ${version}, made by a newer bptt: update bptt`,
    );
  }
  return version === 1 ? readVersion1(raw, metadata, own) : readVersion2(raw, metadata, own);
}

type Metadata = Readonly<Record<string, string>>;
type Tensors = Readonly<Record<string, RawTensor>>;

function readVersion2(tensors: Tensors, metadata: Metadata, own: LoadOptions): Model {
  const config = readConfig(metadata.config);
  expectOwnCell(config.body, own.cell);
  expectPartsGiven(config, own);
  const network = asData(() => inferenceNetworkOf(config, own));
  const saved = record(parse(metadata.readers, 'readers'), 'readers');
  const readers = config.encoders.map((each): TokenReader => {
    const kind = asData(() => kindOf('encoder', each.kind, inferenceEncoderKinds, own.encoders));
    return kind.restore(saved[each.kind], each);
  });
  const lists = record(parse(metadata.labels, 'labels'), 'labels');
  const labels = config.heads.map((head): LabelVocabulary => readLabels(head, lists, own));
  const input = metadata.input === undefined ? undefined : inputSpecFromJson(parse(metadata.input, 'input'));
  const { members, left } = readParams(tensors, network, prefixesOf(metadata));
  const ensemble = members[1] && { members };
  const foreign = foreignOf(tensors, left, metadata);
  const { quantized } = metadata;
  const rest = { ...ensemble, input, ...foreign, ...(quantized && { quantized: 'int8' as const }) };
  return createModel({ config, readers, labels, params: members[0], ...rest }, own);
}

/** The name prefix of each member's tensors. @throws DataError if an ensemble has an impossible number of members */
function prefixesOf({ version, members }: Metadata): string[] {
  const mayBeOne = Number(version) === VERSION_OF_INT8 && members === undefined;
  if (Number(version) < VERSION_OF_ENSEMBLES || mayBeOne) return [''];
  const count = parse(members, 'members') as number;
  if (!Number.isInteger(count) || count < 2 || count > MOST_MEMBERS)
    throw wrong('members', `an integer from 2 to ${MOST_MEMBERS}`, count);
  return Array.from({ length: count }, (_, k) => prefixOf(k));
}

/** Reads the labels of a head, and checks their number and the labels that its configuration refers to. */
function readLabels(head: HeadConfig, lists: Readonly<Record<string, unknown>>, own: LoadOptions): LabelVocabulary {
  const { kind, name, size } = head;
  const list = labelsFromJson(lists[name]);
  expectSize(size, list.size, `labels of the head ${name}`);
  asData(() => kindOf('head', kind, inferenceHeadKinds, own.heads).expectLabels?.(head, list.labels));
  return list;
}

/** Version 1 had one word encoder and one label head. */
function readVersion1(tensors: Tensors, metadata: Metadata, own: LoadOptions): Model {
  const json = record(parse(metadata.config, 'config'), 'config');
  if (typeof json.embedding !== 'number') throw wrong('config.embedding', 'a number', json.embedding);
  const vocabulary = vocabularyFromJson(parse(metadata.words, 'words'));
  const labels = labelsFromJson(parse(metadata.labels, 'labels'));
  const config: ModelConfig = {
    encoders: [wordConfig(vocabulary.size, json.embedding)],
    body: readBody(json, 'config'),
    heads: [softmaxConfig(labels.size)],
  };
  expectOwnCell(config.body, own.cell);
  const network = asData(() => inferenceNetworkOf(config, own));
  const { members, left } = readParams(tensors, network, [''], NAMES_OF_VERSION_1);
  const foreign = foreignOf(tensors, left, metadata);
  const pieces = { config, readers: [wordReader(vocabulary)], labels: [labels], params: members[0], ...foreign };
  return createModel(pieces, own);
}

function parse(text: string | undefined, field: string): unknown {
  if (text !== undefined) return parseUniqueJson(text, `model: the metadata field ${field}`);
  throw damaged(`model: expected the metadata field ${field}; it is missing`);
}

function record(json: unknown, field: string): Readonly<Record<string, unknown>> {
  if (isRecord(json)) return json;
  throw unlike(field, 'an object');
}

function wrong(field: string, expected: string, got: unknown): DataError {
  return malformed('model', field, expected, got);
}

/** The same error for a field whose value is not worth printing. */
function unlike(field: string, expected: string): DataError {
  return damaged(`model: expected ${field} to be ${expected}`);
}

/** Turns errors about an invalid configuration into errors about the file, unless `why` says otherwise. */
function asData<T>(make: () => T, why = ': the model file is damaged'): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    throw new DataError(`${error.message}${why}`, { cause: error });
  }
}

/** A file holds no functions: custom parts are passed with the call. @throws DataError that names the missing part */
function expectPartsGiven({ encoders, heads }: ModelConfig, own: LoadOptions): void {
  for (const { kind } of encoders) asData(() => kindOf('encoder', kind, inferenceEncoderKinds, own.encoders), '');
  for (const { kind } of heads) asData(() => kindOf('head', kind, inferenceHeadKinds, own.heads), '');
}

function readConfig(text: string | undefined): ModelConfig {
  const json = record(parse(text, 'config'), 'config');
  const list = (field: 'encoders' | 'heads'): Readonly<Record<string, unknown>>[] => {
    const parts = json[field];
    if (!Array.isArray(parts) || parts.length === 0) throw wrong(`config.${field}`, 'a list of parts', parts);
    return parts.map((part, i) => plainPart(part, `config.${field}[${i}]`));
  };
  const encoders = list('encoders');
  encoders.forEach((each, i) => expectFields(each, `config.encoders[${i}]`, { kind: 'string', width: 'number' }));
  const heads = list('heads');
  heads.forEach((each, i) =>
    expectFields(each, `config.heads[${i}]`, { kind: 'string', name: 'string', size: 'number' }),
  );
  return {
    encoders: encoders as unknown as ModelConfig['encoders'],
    body: readBody(record(json.body, 'config.body'), 'config.body'),
    heads: heads as unknown as ModelConfig['heads'],
  };
}

/** Reads a part whose fields are numbers, strings and booleans. */
function plainPart(part: unknown, field: string): Readonly<Record<string, unknown>> {
  const fields = record(part, field);
  for (const [name, value] of Object.entries(fields)) {
    if (!['number', 'string', 'boolean'].includes(typeof value)) {
      throw unlike(`${field}.${name}`, 'a number, a string or a switch');
    }
  }
  return fields;
}

function expectFields(part: Readonly<Record<string, unknown>>, field: string, types: Record<string, string>): void {
  for (const [name, type] of Object.entries(types)) {
    if (typeof part[name] !== type) throw wrong(`${field}.${name}`, `a ${type}`, part[name]);
  }
}

function readBody(json: Readonly<Record<string, unknown>>, field: string): BodyConfig {
  if (typeof json.bidirectional !== 'boolean') throw wrong(`${field}.bidirectional`, 'a boolean', json.bidirectional);
  if (!Array.isArray(json.hidden) || json.hidden.some((size) => typeof size !== 'number'))
    throw unlike(`${field}.hidden`, 'a list of sizes');
  if (typeof json.dropout !== 'number') throw wrong(`${field}.dropout`, 'a number', json.dropout);
  if (typeof json.cell !== 'string') throw unlike(`${field}.cell`, 'a name');
  if (json.ownCell !== undefined && json.ownCell !== true) throw unlike(`${field}.ownCell`, 'true, or absent');
  const { cell, ownCell, hidden, bidirectional, dropout } = json as unknown as BodyConfig;
  return { cell, ...(ownCell && { ownCell }), hidden, bidirectional, dropout, ...readExtras(json, field) };
}

/** Reads the fields that most models omit. */
function readExtras(json: Readonly<Record<string, unknown>>, field: string): BodyExtras {
  const { variational, recurrentDropout, zoneout, residual, dense } = json;
  for (const [name, value] of Object.entries({ variational, residual })) {
    if (value !== undefined && value !== true) throw wrong(`${field}.${name}`, 'true, or absent', value);
  }
  for (const [name, value] of Object.entries({ recurrentDropout, dense })) {
    if (value !== undefined && typeof value !== 'number') throw wrong(`${field}.${name}`, 'a number, or absent', value);
  }
  if (zoneout !== undefined) expectRates(zoneout, `${field}.zoneout`);
  const extras = { variational, recurrentDropout, zoneout, residual, dense };
  return Object.fromEntries(Object.entries(extras).filter(([, value]) => value !== undefined)) as BodyExtras;
}

function expectRates(rates: unknown, field: string): void {
  for (const [state, p] of Object.entries(record(rates, field))) {
    if (typeof p !== 'number') throw wrong(`${field}.${state}`, 'a number', p);
  }
}

/** @throws DataError if the model needs a custom cell that is missing or does not match, or if a cell is given and none is needed */
function expectOwnCell({ cell, ownCell }: BodyConfig, own?: Cell): void {
  if (own !== undefined) expectForwardCell('loadModel', own);
  const isVariant = cell.includes(':') && !ownCell;
  if (isVariant && own?.name !== cell && !hasVariants()) {
    throw new DataError(
      `model: its cell '${cell}' is a variant, which this bundle leaves out to be small: pass { cell: cellNamed('${cell}') }, from bptt/cells`,
    );
  }
  const fits = isVariant || ownCell ? own?.name === cell : own !== undefined && isBuiltIn(own);
  if (own === undefined ? !ownCell : fits) return;
  const got = own === undefined ? 'none was given' : `got '${own.name}'`;
  throw new DataError(
    ownCell
      ? `model: it was trained with a custom cell '${cell}'; ${got}: pass that cell, because a model file stores no functions (loadModel(bytes, { cell }); --cell FILE)`
      : `model: it was trained with the built-in cell '${cell}'; ${got}, a custom cell: leave it out`,
  );
}

/** Reads the parameters that a network needs, for every member, and checks their shapes. @returns the names of the remaining tensors */
function readParams(
  tensors: Tensors,
  network: InferenceNetwork,
  prefixes: readonly string[],
  formerNames: Readonly<Record<string, string>> = {},
): { readonly members: ModelParams[]; readonly left: ReadonlySet<string> } {
  const left = new Set(Object.keys(tensors));
  const read = new Map<string, Tensor>(); // shared by members: one tensor
  const members = prefixes.map((prefix) =>
    takeParams(network, (current, shape) => {
      const name = formerNames[current] ?? (current in tensors ? current : prefix + current); // names contain dots, so they never collide with Object.prototype
      const tensor = read.get(name) ?? readParameter(name, tensors, shape);
      read.set(name, tensor);
      left.delete(name);
      if (tensors[name].dtype === 'I8') left.delete(name + SCALES);
      return tensor;
    }),
  );
  return { members, left };
}

/**
 * Returns what the file holds besides the model, if anything. A name that begins like one of the model's parts is never foreign: an extra
 * layer or a misspelled name is a fault in the file.
 *
 * @throws DataError on such a name
 */
function foreignOf(tensors: Tensors, left: ReadonlySet<string>, metadata: Metadata): { readonly foreign?: Foreign } {
  const odd = [...left].find(isOurs);
  if (odd !== undefined) throw damaged(`model: the tensor ${odd} belongs to no part of this model`);
  const kept = [...left].map((name) => [name, { ...tensors[name], bytes: tensors[name].bytes.slice() }] as const);
  const rest = Object.entries(metadata).filter(([field]) => !FIELDS.includes(field));
  if (kept.length + rest.length === 0) return {};
  return { foreign: { tensors: Object.fromEntries(kept), metadata: Object.fromEntries(rest) } };
}

function takeParams(network: InferenceNetwork, take: Take): ModelParams {
  const part = (path: string, shapes: Shapes): TensorRecord =>
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, take(`${path}.${name}`, shape)]));
  const width = (l: number) => (l === 0 ? network.width : outputSize(network.layers[l - 1]));
  return {
    encoders: Object.fromEntries(
      network.encoders.map(({ config: { kind }, shapes }) => [kind, part(`encoders.${kind}`, shapes)]),
    ),
    layers: network.layers.map((spec, l) => readLayer(spec, width(l), `layers.${l}`, part)),
    ...(network.dense && { dense: part('dense', network.dense.shapes) as LinearParams }),
    heads: Object.fromEntries(
      network.heads.map(({ config: { name }, shapes }) => [name, part(`heads.${name}`, shapes)]),
    ),
  };
}

type Shapes = Readonly<Record<string, readonly number[]>>;
type Take = (name: string, shape: readonly number[]) => Tensor;

/** Index of the first number that is not finite; −1 if all are finite. */
function firstOddOf(data: Tensor['data']): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

/** Reads a parameter as float32. @throws DataError if it is missing, has another shape, does not fit in float32, or is not finite */
function readParameter(name: string, tensors: Tensors, shape: readonly number[]): Tensor {
  const raw = tensors[name] as RawTensor | undefined;
  if (raw?.shape.join() !== shape.join()) {
    const got = raw ? `[${raw.shape.join(', ')}]` : 'nothing';
    throw damaged(`model: expected the tensor ${name} of shape [${shape.join(', ')}]; got ${got}`);
  }
  const { dtype } = raw;
  const scales = dtype === 'I8' && name + SCALES in tensors ? name + SCALES : undefined;
  if (scales === undefined && !['F32', 'F16', 'BF16'].includes(dtype)) {
    throw new DataError(`model: expected the tensor ${name} in F32, F16 or BF16; got ${dtype}: convert it`);
  }
  const tensor = floatsOf(raw);
  if (scales !== undefined) scaleRows(tensor, readParameter(scales, tensors, [shape[0]]).data);
  const odd = firstOddOf(tensor.data);
  if (odd >= 0) {
    throw new DataError(
      `model: expected finite numbers; got ${tensor.data[odd]} at element ${odd} of ${name}: the file is damaged, or training diverged`,
    );
  }
  return tensor;
}

function readLayer(
  { cell, hidden: H, bidirectional }: LayerSpec<ForwardCell>,
  D: number,
  path: string,
  part: (path: string, shapes: Shapes) => TensorRecord,
): LayerParams {
  const direction = (name: string) => part(`${path}.${name}`, cell.shapes(D, H)) as LayerParams['forward'];
  return bidirectional
    ? { forward: direction('forward'), reverse: direction('reverse') }
    : { forward: direction('forward') };
}
