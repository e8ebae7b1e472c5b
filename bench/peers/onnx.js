/**
 * The tagger as an ONNX model, written without any library: Gather, LSTM or GRU or RNN in both directions, Transpose,
 * Reshape, MatMul, Add. ONNX files are protocol buffers; the few fields used here are named where they are written. Source:
 * onnx.proto (IR version 8) and Operators.md of opset 14 at https://github.com/onnx/onnx.
 */
import { transposed } from './adapter.js';

const FLOAT = 1;
const INT64 = 7;

/** Order of gates in ONNX, as positions in bptt's order: LSTM i,o,f,c of i,f,g,o; GRU z,r,h of r,z,n. */
const GATES = { lstm: [0, 3, 1, 2], gru: [1, 0, 2], rnn: [0] };
const OPERATORS = { lstm: 'LSTM', gru: 'GRU', rnn: 'RNN' };

/** A varint. */
function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
const text = (field, value) => bytes(field, Buffer.from(value));

/** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9. */
function tensor(name, shape, data) {
  const type = data instanceof BigInt64Array ? INT64 : FLOAT;
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([...shape.map((n) => integer(1, n)), integer(2, type), text(8, name), bytes(9, raw)]);
}

/** AttributeProto: name = 1, i = 3, s = 4, ints = 8, strings = 9, type = 20 (INT 2, STRING 3, INTS 7, STRINGS 8). */
function attribute(name, value) {
  const parts = [text(1, name)];
  if (typeof value === 'number') parts.push(integer(3, value), integer(20, 2));
  else if (typeof value === 'string') parts.push(text(4, value), integer(20, 3));
  else parts.push(...value.map((n) => integer(8, n)), integer(20, 7));
  return Buffer.concat(parts);
}

/** NodeProto: input = 1, output = 2, op_type = 4, attribute = 5. */
function node(operator, inputs, outputs, attributes = {}) {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  ]);
}

/** ValueInfoProto: name = 1, type = 2; TypeProto: tensor_type = 1 with elem_type = 1, shape = 2; dim = 1; dim_value = 1. */
function value(name, type, shape) {
  const dims = Buffer.concat(shape.map((n) => bytes(1, integer(1, n))));
  return Buffer.concat([text(1, name), bytes(2, bytes(1, Buffer.concat([integer(1, type), bytes(2, dims)])))]);
}

/** Columns of a `[rows, G·H]` matrix in another order of gates. */
function regated(data, rows, H, order) {
  const G = order.length;
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    order.forEach((from, to) => out.set(data.subarray((i * G + from) * H, (i * G + from + 1) * H), (i * G + to) * H));
  }
  return out;
}

/** W `[2, G·H, E]`, R `[2, G·H, H]`, B `[2, 2·G·H]` of both directions. */
function recurrentWeights(weights, cell, E, H) {
  const order = GATES[cell];
  const G = order.length;
  const both = ['forward', 'reverse'].map((direction) => {
    const get = (name) => weights[`layers.0.${direction}.${name}`].data;
    const second = new Float32Array(G * H);
    if (cell === 'gru') second.set(get('bn'), 2 * H); // of the candidate: inside the reset gate, as linear_before_reset
    const flip = (name, rows) => transposed(regated(get(name), rows, H, order), rows, G * H);
    return {
      W: flip('Wx', E),
      R: flip('Wh', H),
      B: [...regated(get('b'), 1, H, order), ...regated(second, 1, H, order)],
    };
  });
  const join = (name) => Float32Array.from(both.flatMap((each) => [...each[name]]));
  return [
    tensor('W', [2, G * H, E], join('W')),
    tensor('R', [2, G * H, H], join('R')),
    tensor('B', [2, 2 * G * H], join('B')),
  ];
}

/** The bytes of a model with the input `ids` int64 `[T, B]` and the output `logits` float `[T·B, K]`. */
export function taggerModel({ cell, V, E, H, K, T, B }, weights) {
  const attributes = { direction: 'bidirectional', hidden_size: H, ...(cell === 'gru' && { linear_before_reset: 1 }) };
  const nodes = [
    node('Gather', ['embedding', 'ids'], ['x']), // [T, B, E]
    node(OPERATORS[cell], ['x', 'W', 'R', 'B'], ['directions'], attributes), // [T, 2, B, H]
    node('Transpose', ['directions'], ['beside'], { perm: [0, 2, 1, 3] }), // [T, B, 2, H]
    node('Reshape', ['beside', 'rows'], ['y']), // [T·B, 2H]
    node('MatMul', ['y', 'W_out'], ['product']),
    node('Add', ['product', 'b_out'], ['logits']),
  ];
  const initializers = [
    tensor('embedding', [V, E], weights['encoders.words.weight'].data),
    ...recurrentWeights(weights, cell, E, H),
    tensor('rows', [2], BigInt64Array.of(BigInt(T * B), BigInt(2 * H))),
    tensor('W_out', [2 * H, K], weights['heads.labels.W'].data),
    tensor('b_out', [K], weights['heads.labels.b'].data),
  ];
  // GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12.
  const graph = Buffer.concat([
    ...nodes.map((each) => bytes(1, each)),
    text(2, 'tagger'),
    ...initializers.map((each) => bytes(5, each)),
    bytes(11, value('ids', INT64, [T, B])),
    bytes(12, value('logits', FLOAT, [T * B, K])),
  ]);
  // ModelProto: ir_version = 1, graph = 7, opset_import = 8 with version = 2.
  return Buffer.concat([integer(1, 8), bytes(7, graph), bytes(8, integer(2, 14))]);
}
