/** Graphs as other programs write them, made node by node: a tagger, and what can be changed of it. */
import type { Attribute, OnnxGraph, OnnxNode, OnnxTensor } from '../../src/interchange/onnx/proto';
import { encodeOnnx, FLOAT, INT64 } from '../../src/interchange/onnx/proto';
import { bytesField, fieldsOf, integerField, joined, textField } from '../../src/interchange/onnx/wire';

/** A node of one output. */
export const node = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): OnnxNode => ({ name: `n_${output}`, operator, domain: '', inputs, outputs: [output], attributes });

/** A float32 constant of numbers that differ. */
export function weight(name: string, ...shape: number[]): OnnxTensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const data = Float32Array.from({ length: size }, (_, i) => (((i + name.length) * 7919) % 101) / 101 - 0.5);
  return { name, type: FLOAT, shape, data };
}

/** An int64 constant. */
export const integers = (name: string, ...values: number[]): OnnxTensor => ({
  ...{ name, type: INT64, shape: [values.length], data: Float64Array.from(values) },
});

/** V 5, E 3, H 2, K 4: a bidirectional LSTM, batch first, as PyTorch writes one. */
export const GRAPH: OnnxGraph = {
  name: 'tagger',
  nodes: [
    node('Gather', ['table', 'ids'], 'x'),
    node('Transpose', ['x'], 'steps', { perm: [1, 0, 2] }),
    node('LSTM', ['steps', 'W', 'R', 'B', '', 'zero', 'zero'], 'y', { direction: 'bidirectional', hidden_size: 2 }),
    node('Transpose', ['y'], 'beside', { perm: [0, 2, 1, 3] }),
    node('Reshape', ['beside', 'shape'], 'both'),
    node('Transpose', ['both'], 'rows', { perm: [1, 0, 2] }),
    node('MatMul', ['rows', 'W_out'], 'product'),
    node('Add', ['b_out', 'product'], 'logits'),
  ],
  initializers: [
    ...[weight('table', 5, 3), weight('W', 2, 8, 3), weight('R', 2, 8, 2), weight('B', 2, 16)],
    ...[weight('W_out', 4, 4), weight('b_out', 4), integers('shape', 0, 0, -1)],
    { name: 'zero', type: FLOAT, shape: [2, 1, 2], data: new Float32Array(4) },
  ],
  inputs: [{ name: 'ids', type: INT64, shape: ['batch', 'time'] }],
  outputs: [{ name: 'logits', type: FLOAT, shape: ['batch', 'time', 4] }],
};

/** The words and labels of the table and the scores. */
export const NAMES = {
  words: ['<pad>', 'the', '<unk>', 'dog', 'runs'],
  labels: ['D', 'N', 'V', 'X'],
  unknown: '<unk>',
};

/** The bytes of a graph. */
export const bytesOf = (graph: OnnxGraph): Uint8Array =>
  encodeOnnx({ irVersion: 7, opset: 13, producer: 'another', graph, metadata: {} });

/** The tagger in a file. */
export const foreignTagger = () => ({ bytes: bytesOf(GRAPH), names: NAMES });

/**
 * The tagger with two of its tensors in a file beside it, as programs write large models: external_data of entries of key and value.
 *
 * @param location the name that the model gives the file
 * @param said entries in place of the right ones, `offset` and `length`
 */
export function externalTagger(location: string, said: Readonly<Record<string, string>> = {}) {
  const outside = ['table', 'W'].map((name) => GRAPH.initializers.find((each) => each.name === name)!);
  const files = outside.map(({ data }) => new Uint8Array(data!.slice().buffer));
  const tensors = outside.flatMap(({ name, type, shape }, i) => {
    const offset = files.slice(0, i).reduce((sum, file) => sum + file.length, 0);
    const entries = { location, offset: `${offset}`, length: `${files[i].length}`, ...said };
    const pieces = Object.entries(entries).flatMap(([key, value]) => bytesField(13, [...textField(1, key), ...textField(2, value)])); // prettier-ignore
    const sizes = shape.flatMap((n) => integerField(1, n));
    return bytesField(5, [...sizes, ...integerField(2, type), ...textField(8, name), ...pieces, ...integerField(14, 1)]); // prettier-ignore
  });
  const inside = { ...GRAPH, initializers: GRAPH.initializers.filter((each) => !outside.includes(each)) };
  const fields = fieldsOf(bytesOf(inside), 'model').map(({ number, wire, value, bytes }) => {
    if (wire === 0) return integerField(number, value);
    return bytesField(number, number === 7 ? [bytes, ...tensors] : [bytes]);
  });
  return { bytes: joined(fields.flat()), data: new Uint8Array(Buffer.concat(files)) };
}
