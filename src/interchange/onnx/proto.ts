/**
 * Encodes and decodes the ONNX messages that a recurrent network needs. Field numbers are those of onnx.proto, IR version 8
 * (https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto); each function names those that it writes or reads.
 *
 * The same model gives the same bytes. Files are untrusted input: messages are read to a bounded depth, and the size of a tensor
 * is checked against the bytes that hold it before it is allocated.
 */
import { UnsupportedError } from '../../tensor/errors.js';
import { brief } from '../../serialize/unique-json.js';
import type { Field, Pieces } from './wire.js';
import {
  bytesField,
  damaged,
  fieldsOf,
  float32Of,
  floatField,
  floatsOf,
  integerField,
  integersOf,
  joined,
} from './wire.js';
import { textField, textOf } from './wire.js';

/** Element types, by their numbers in TensorProto.DataType. */
export const FLOAT = 1;
export const INT32 = 6;
export const INT64 = 7;
export const BOOL = 9;

/** The numbers of a tensor. int64 and bool are stored as float64: counts in a network are below 2^53. */
export type Elements = Float32Array | Int32Array | Float64Array;

/** A constant. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  /** Absent unless the element type is float32, int32, int64 or bool. */
  readonly data?: Elements;
}

/** The value of an attribute; `float` distinguishes a floating-point number from an integer. */
export type Attribute =
  | number
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | readonly number[]
  | readonly string[]
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph }
  /** An attribute of an unsupported kind. */
  | { readonly kind: number };

/** One operation. An omitted input is `''`. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** `''` for ONNX's own operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A named axis, an axis of known size, or an unspecified axis (null). */
export type Axis = string | number | null;

/** An input or output of a graph. */
export interface OnnxValue {
  readonly name: string;
  /** 0 if it is not a tensor. */
  readonly type: number;
  /** Absent if it is unspecified. */
  readonly shape?: readonly Axis[];
}

/** Operations in topological order. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** Returns the bytes of an external file that holds tensors of a model, by the name that the model uses for it. */
export type ExternalFiles = (location: string) => Uint8Array;

/** A file. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Version of ONNX's own operators. */
  readonly opset: number;
  readonly producer: string;
  readonly graph: OnnxGraph;
  readonly metadata: Readonly<Record<string, string>>;
}

// ------------------------------------------------------------------------------------------------------------ writing

/** The bytes of a model. ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8 (version 2), metadata_props 14 (key 1, value 2). */
export function encodeOnnx({ irVersion, opset, producer, graph, metadata }: OnnxModel): Uint8Array {
  const entry = ([key, value]: [string, string]): Pieces =>
    bytesField(14, [...textField(1, key), ...textField(2, value)]);
  return joined([
    ...integerField(1, irVersion),
    ...textField(2, producer),
    ...bytesField(7, graphPieces(graph)),
    ...bytesField(8, integerField(2, opset)),
    ...Object.entries(metadata).flatMap(entry),
  ]);
}

/** GraphProto: node 1, name 2, initializer 5, input 11, output 12. */
function graphPieces({ name, nodes, initializers, inputs, outputs }: OnnxGraph): Pieces {
  return [
    ...nodes.flatMap((node) => bytesField(1, nodePieces(node))),
    ...textField(2, name),
    ...initializers.flatMap((tensor) => bytesField(5, tensorPieces(tensor))),
    ...inputs.flatMap((value) => bytesField(11, valuePieces(value))),
    ...outputs.flatMap((value) => bytesField(12, valuePieces(value))),
  ];
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
function nodePieces({ name, operator, domain, inputs, outputs, attributes }: OnnxNode): Pieces {
  return [
    ...inputs.flatMap((input) => textField(1, input)),
    ...outputs.flatMap((output) => textField(2, output)),
    ...textField(3, name),
    ...textField(4, operator),
    ...Object.entries(attributes).flatMap(([key, value]) => bytesField(5, attributePieces(key, value))),
    ...(domain === '' ? [] : textField(7, domain)),
  ];
}

/** AttributeProto: name 1, f 2, i 3, s 4, t 5, g 6, floats 7, ints 8, strings 9, type 20. */
function attributePieces(name: string, value: Attribute): Pieces {
  const as = (type: number, pieces: Pieces): Pieces => [...textField(1, name), ...pieces, ...integerField(20, type)];
  if (typeof value === 'number') return as(2, integerField(3, value));
  if (typeof value === 'string') return as(3, textField(4, value));
  if ('float' in value) return as(1, floatField(2, value.float));
  if ('tensor' in value) return as(4, bytesField(5, tensorPieces(value.tensor)));
  if ('graph' in value) return as(5, bytesField(6, graphPieces(value.graph)));
  if ('floats' in value) return as(6, value.floats.flatMap((x) => floatField(7, x))); // prettier-ignore
  if ('kind' in value) throw new UnsupportedError(`onnx: the attribute ${name} is of a kind that cannot be written`);
  const texts = value.filter((each) => typeof each === 'string');
  if (texts.length > 0) return as(8, texts.flatMap((each) => textField(9, each))); // prettier-ignore
  return as(7, (value as readonly number[]).flatMap((each) => integerField(8, each))); // prettier-ignore
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
function tensorPieces({ name, type, shape, data }: OnnxTensor): Pieces {
  if (data === undefined)
    throw new UnsupportedError(`onnx: the tensor ${name} is of a type that cannot be written, ${type}`);
  return [
    ...shape.flatMap((n) => integerField(1, n)),
    ...integerField(2, type),
    ...textField(8, name),
    ...bytesField(9, [rawOf(type, data)]),
  ];
}

function rawOf(type: number, data: Elements): Uint8Array {
  const width = WIDTHS[type];
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) {
    if (type === FLOAT) view.setFloat32(4 * i, data[i], true);
    else if (type === INT32) view.setInt32(4 * i, data[i], true);
    else if (type === INT64) view.setBigInt64(8 * i, BigInt(data[i]), true);
    else view.setUint8(i, data[i]);
  }
  return bytes;
}

/** ValueInfoProto: name 1, type 2. TypeProto: tensor_type 1 (elem_type 1, shape 2). TensorShapeProto: dim 1 (dim_value 1, dim_param 2). */
function valuePieces({ name, type, shape = [] }: OnnxValue): Pieces {
  const axis = (n: Axis): Pieces => (n === null ? [] : typeof n === 'string' ? textField(2, n) : integerField(1, n));
  const dims = bytesField(2, shape.flatMap((n) => bytesField(1, axis(n)))); // prettier-ignore
  return [...textField(1, name), ...bytesField(2, bytesField(1, [...integerField(1, type), ...dims]))];
}

// ------------------------------------------------------------------------------------------------------------ reading

/** The fields of a message by their numbers. */
type Message = ReadonlyMap<number, readonly Field[]>;

function messageOf(bytes: Uint8Array, what: string): Message {
  const message = new Map<number, Field[]>();
  for (const field of fieldsOf(bytes, what)) {
    const same = message.get(field.number);
    if (same === undefined) message.set(field.number, [field]);
    else same.push(field);
  }
  return message;
}

const all = (message: Message, field: number): readonly Field[] => message.get(field) ?? [];

/** The last occurrence of a field, which protocol buffers use if it occurs more than once. */
const last = (message: Message, field: number): Field | undefined => message.get(field)?.at(-1);

const textAt = (message: Message, field: number, what: string): string => {
  const found = last(message, field);
  return found === undefined ? '' : textOf(found, what);
};

/** An integer, 0 if it is omitted. */
const integerAt = (message: Message, field: number): number => last(message, field)?.value ?? 0;

/** The bytes of a message field. @throws DataError if it is something else */
function innerOf({ wire, bytes }: Field, what: string): Uint8Array {
  if (wire !== 2) throw damaged(what, 'a message', `a field of wire type ${wire}`);
  return bytes;
}

/**
 * Reads a file.
 *
 * @throws DataError if the bytes are not an ONNX model, or are damaged; UnsupportedError if tensors are stored in other files
 */
export function decodeOnnx(bytes: Uint8Array, external?: ExternalFiles): OnnxModel {
  const message = messageOf(bytes, 'model');
  const graph = last(message, 7);
  if (graph === undefined) throw damaged('model', 'a graph', 'none');
  const opsets = all(message, 8).map((field) => messageOf(innerOf(field, 'opset'), 'opset'));
  const own = opsets.find((each) => ['', 'ai.onnx'].includes(textAt(each, 1, 'opset')));
  if (own === undefined) throw damaged('model', 'a version of the operators', 'none');
  const entries = all(message, 14).map((field) => messageOf(innerOf(field, 'metadata'), 'metadata'));
  return {
    irVersion: integerAt(message, 1),
    opset: integerAt(own, 2),
    producer: textAt(message, 2, 'producer'),
    graph: readGraph(innerOf(graph, 'graph'), 0, external),
    metadata: Object.assign(
      Object.create(null) as Record<string, string>,
      Object.fromEntries(entries.map((each) => [textAt(each, 1, 'metadata'), textAt(each, 2, 'metadata')])),
    ),
  };
}

/** Maximum nesting depth of graphs. */
const DEEPEST = 8;

function readGraph(bytes: Uint8Array, depth: number, external?: ExternalFiles): OnnxGraph {
  if (depth > DEEPEST) throw damaged('graph', `at most ${DEEPEST} graphs within each other`, 'more');
  const message = messageOf(bytes, 'graph');
  if (message.has(15))
    throw new UnsupportedError('onnx: sparse tensors are not read: export the model with dense ones');
  const each = <T>(field: number, what: string, read: (bytes: Uint8Array) => T): T[] =>
    all(message, field).map((found) => read(innerOf(found, what)));
  return {
    name: textAt(message, 2, 'graph'),
    nodes: each(1, 'node', (own) => readNode(own, depth)),
    initializers: each(5, 'tensor', (own) => readTensor(own, external)),
    inputs: each(11, 'input', readValue),
    outputs: each(12, 'output', readValue),
  };
}

function readNode(bytes: Uint8Array, depth: number): OnnxNode {
  const message = messageOf(bytes, 'node');
  const texts = (field: number): string[] => all(message, field).map((each) => textOf(each, 'node'));
  const attributes = Object.create(null) as Record<string, Attribute>;
  for (const field of all(message, 5)) {
    const own = messageOf(innerOf(field, 'attribute'), 'attribute');
    attributes[textAt(own, 1, 'attribute')] = readAttribute(own, depth);
  }
  return {
    name: textAt(message, 3, 'node'),
    operator: textAt(message, 4, 'node'),
    domain: textAt(message, 7, 'node').replace(/^ai\.onnx$/, ''),
    ...{ inputs: texts(1), outputs: texts(2), attributes },
  };
}

function readAttribute(message: Message, depth: number): Attribute {
  const what = `attribute ${brief(textAt(message, 1, 'attribute'))}`;
  const inner = (field: number): Uint8Array => {
    const found = last(message, field);
    if (found === undefined) throw damaged(what, 'a value', 'none');
    return innerOf(found, what);
  };
  const type = integerAt(message, 20);
  if (type === 1)
    return {
      float:
        floatsOf(
          [last(message, 2)].filter((each) => each !== undefined),
          what,
        )[0] ?? 0,
    };
  if (type === 2) return integerAt(message, 3);
  if (type === 3) return textAt(message, 4, what);
  if (type === 4) return { tensor: readTensor(inner(5)) };
  if (type === 5) return { graph: readGraph(inner(6), depth + 1) };
  if (type === 6) return { floats: [...floatsOf(all(message, 7), what)] };
  if (type === 7) return integersOf(all(message, 8), what);
  if (type === 8) return all(message, 9).map((each) => textOf(each, what));
  return { kind: type };
}

/** Bytes of an element in raw_data. */
const WIDTHS: Readonly<Record<number, number>> = { [FLOAT]: 4, [INT32]: 4, [INT64]: 8, [BOOL]: 1 };

/** More fields of TensorProto: float_data 4, int32_data 5, int64_data 7, external_data 13, data_location 14. */
function readTensor(bytes: Uint8Array, external?: ExternalFiles): OnnxTensor {
  const message = messageOf(bytes, 'tensor');
  const name = textAt(message, 8, 'tensor');
  const what = `tensor ${brief(name)}`;
  const [type, shape] = [integerAt(message, 2), integersOf(all(message, 1), what)];
  const odd = shape.find((n) => !Number.isSafeInteger(n) || n < 0);
  if (odd !== undefined) throw damaged(what, 'sizes of at least 0', `${odd}`);
  const outside = integerAt(message, 14) === 1 || message.has(13);
  if (WIDTHS[type] === undefined) return { name, type, shape };
  const data = outside ? fromRaw(outsideBytes(message, what, external), type, what) : elementsOf(message, type, what);
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size)
    throw damaged(what, `${size} elements for its shape [${shape.join(', ')}]`, `${data.length}`);
  return { name, type, shape, data };
}

/** The bytes of a tensor in another file. external_data has entries of key 1 and value 2: location, offset, length. */
function outsideBytes(message: Message, what: string, external: ExternalFiles | undefined): Uint8Array {
  const entries = all(message, 13).map((field) => messageOf(innerOf(field, what), what));
  const said = new Map(entries.map((each) => [textAt(each, 1, what), textAt(each, 2, what)]));
  const location = said.get('location') ?? '';
  if (external === undefined) {
    throw new UnsupportedError(`onnx: ${what} lies in another file, ${brief(location)}: pass external, which returns its bytes, or save the model with its tensors inside`); // prettier-ignore
  }
  const file = external(location);
  const start = Number(said.get('offset') ?? 0);
  const length = Number(said.get('length') ?? file.length - start);
  const within = [start, length].every((n) => Number.isSafeInteger(n) && n >= 0) && start + length <= file.length;
  if (!within)
    throw damaged(what, `${length} bytes from byte ${start} of ${brief(location)} on`, `${file.length} bytes`);
  return file.subarray(start, start + length);
}

function elementsOf(message: Message, type: number, what: string): Elements {
  const raw = last(message, 9);
  if (raw !== undefined) return fromRaw(innerOf(raw, what), type, what);
  if (type === FLOAT) return floatsOf(all(message, 4), what);
  if (type === INT64) return Float64Array.from(integersOf(all(message, 7), what));
  const values = integersOf(all(message, 5), what);
  return type === INT32 ? Int32Array.from(values) : Float64Array.from(values);
}

function fromRaw(bytes: Uint8Array, type: number, what: string): Elements {
  const width = WIDTHS[type];
  if (bytes.length % width !== 0) throw damaged(what, `raw data of ${width} bytes an element`, `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length / width;
  if (type === FLOAT) return float32Of(bytes);
  if (type === INT32) return Int32Array.from({ length }, (_, i) => view.getInt32(4 * i, true));
  if (type === INT64) return Float64Array.from({ length }, (_, i) => Number(view.getBigInt64(8 * i, true)));
  return Float64Array.from(bytes);
}

function readValue(bytes: Uint8Array): OnnxValue {
  const message = messageOf(bytes, 'value');
  const inner = (from: Message, field: number): Message | undefined => {
    const found = last(from, field);
    return found && messageOf(innerOf(found, 'type'), 'type');
  };
  const type = inner(message, 2);
  const tensor = type && inner(type, 1);
  const shape = tensor && inner(tensor, 2);
  const axis = (field: Field): Axis => {
    const dim = messageOf(innerOf(field, 'axis'), 'axis');
    return dim.has(2) ? textAt(dim, 2, 'axis') : (last(dim, 1)?.value ?? null);
  };
  return {
    name: textAt(message, 1, 'value'),
    type: tensor ? integerAt(tensor, 1) : 0,
    ...(shape && { shape: all(shape, 1).map(axis) }),
  };
}
