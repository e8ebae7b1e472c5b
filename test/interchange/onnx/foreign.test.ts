/** Graphs of other programs: what they compute is what the model computes, by a second text of the equations; what has no counterpart is refused by name. */
import { importOnnx } from '../../../src/interchange/onnx/index';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../../src/interchange/onnx/proto';
import { FLOAT, INT32, INT64 } from '../../../src/interchange/onnx/proto';
import { createCpuKernels } from '../../../src/kernels/index';
import { loadModel, modelForward, networkOf, packBatch, packFeatures, saveModel } from '../../../src/labeling/index';
import type { Model } from '../../../src/labeling/index';
import { ArgumentError, DataError, UnsupportedError } from '../../../src/tensor/index';
import {
  bytesOf,
  externalTagger,
  foreignTagger,
  GRAPH,
  integers,
  NAMES,
  node,
  weight,
} from '../../support/onnx-foreign';

const read = (graph: OnnxGraph, names = {}): Model => importOnnx(bytesOf(graph), { ...NAMES, ...names });

/** Logits of one sentence, token by token. */
function logitsOf(model: Model, tokens: readonly string[]): number[][] {
  const batch = packBatch([tokens.length], [0]);
  const features = [packFeatures([model.readers[0].read(tokens)], batch)];
  const { heads } = modelForward(createCpuKernels(), networkOf(model.config), model.params, features, batch.packing);
  const K = heads[0].logits.shape[1];
  return tokens.map((_, t) => [...heads[0].logits.data.subarray(t * K, (t + 1) * K)]);
}

const at = ({ data, shape }: OnnxTensor, ...place: number[]): number =>
  data![place.reduce((sum, i, axis) => sum * shape[axis] + i, 0)];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The tagger of `GRAPH` by ONNX's own equations: gates i o f c, both biases. */
function expectedLogits(ids: readonly number[]): number[][] {
  const byName = Object.fromEntries(GRAPH.initializers.map((each) => [each.name, each]));
  const { table, W, R, B, W_out, b_out } = byName;
  const x = ids.map((id) => [0, 1, 2].map((e) => at(table, id, e)));
  const run = (d: number, order: number[]): number[][] => {
    let [h, c] = [
      [0, 0],
      [0, 0],
    ];
    const out: number[][] = [];
    for (const t of order) {
      const a = Array.from({ length: 8 }, (_, k) => at(B, d, k) + at(B, d, 8 + k) + x[t].reduce((s, v, e) => s + v * at(W, d, k, e), 0) + h.reduce((s, v, j) => s + v * at(R, d, k, j), 0)); // prettier-ignore
      c = c.map((before, j) => sigmoid(a[4 + j]) * before + sigmoid(a[j]) * Math.tanh(a[6 + j]));
      h = c.map((now, j) => sigmoid(a[2 + j]) * Math.tanh(now));
      out[t] = h;
    }
    return out;
  };
  const places = ids.map((_, t) => t);
  const [forward, reverse] = [run(0, places), run(1, [...places].reverse())];
  return places.map((t) => [0, 1, 2, 3].map((k) => at(b_out, k) + [...forward[t], ...reverse[t]].reduce((s, v, j) => s + v * at(W_out, j, k), 0))); // prettier-ignore
}

test('a tagger computes what its graph says, the unknown word moved to the front', () => {
  const model = importOnnx(foreignTagger().bytes, NAMES);
  expect(model.config).toEqual({
    encoders: [{ kind: 'words', width: 3, size: 5 }],
    body: { cell: 'lstm', hidden: [2], bidirectional: true, dropout: 0 },
    heads: [{ kind: 'softmax', name: 'labels', size: 4 }],
  });
  expect(model.words.words).toEqual(['<unk>', '<pad>', 'the', 'dog', 'runs']);
  const tokens = ['the', 'dog', 'flies', 'the'];
  const expected = expectedLogits([1, 3, 2, 1]);
  logitsOf(model, tokens).forEach((row, t) => row.forEach((x, k) => expect(x).toBeCloseTo(expected[t][k], 6)));
  expect(saveModel(loadModel(saveModel(model)))).toEqual(saveModel(model));
});

/** The graph with nodes and constants replaced by name, or added. */
function graphWith(
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[] = [],
  more: Partial<OnnxGraph> = {},
) {
  const put = <T extends { readonly name: string }>(all: readonly T[], own: readonly T[]): T[] => [
    ...all.map((each) => own.find(({ name }) => name === each.name) ?? each),
    ...own.filter(({ name }) => !all.some((each) => each.name === name)),
  ];
  return { ...GRAPH, nodes: put(GRAPH.nodes, nodes), initializers: put(GRAPH.initializers, initializers), ...more };
}

const instead = (operator: string, inputs: string[], output: string, attributes = {}): OnnxNode =>
  node(operator, inputs, output, attributes);
const LSTM = ['steps', 'W', 'R', 'B', '', 'zero', 'zero'];
const same = (graph: OnnxGraph): void => expect(saveModel(read(graph))).toEqual(saveModel(read(GRAPH)));

test.each<[string, OnnxGraph]>([
  ['softmax behind the scores', graphWith([instead('Softmax', ['logits'], 'p', { axis: -1 })], [], { outputs: [{ ...GRAPH.outputs[0], name: 'p' }] })], // prettier-ignore
  ['a choice of the label', graphWith([instead('ArgMax', ['logits'], 'best', { axis: 2, keepdims: 0 })], [], { outputs: [{ name: 'best', type: INT64 }] })], // prettier-ignore
  ['no initial states', graphWith([instead('LSTM', LSTM.slice(0, 4), 'y', { direction: 'bidirectional', hidden_size: 2 })])], // prettier-ignore
  ['initial states by Shape, Gather, Unsqueeze, Concat and Expand', { ...GRAPH, nodes: [
    node('Shape', ['ids'], 's'), node('Constant', [], 'first', { value: { tensor: { name: '', type: INT64, shape: [], data: Float64Array.of(0) } } }),
    node('Gather', ['s', 'first'], 'n', { axis: 0 }), node('Unsqueeze', ['n', 'axes'], 'n1'), node('Concat', ['two', 'n1', 'two'], 'size', { axis: 0 }),
    node('ConstantOfShape', ['size'], 'zeros'), node('Expand', ['zeros', 'size'], 'spread'), node('Cast', ['spread'], 'initial', { to: FLOAT }),
    ...GRAPH.nodes.map((each) => (each.operator === 'LSTM' ? { ...each, inputs: [...LSTM.slice(0, 5), 'initial', 'initial'] } : each)),
  ], initializers: [...GRAPH.initializers, integers('axes', 0), integers('two', 2)] }], // prettier-ignore
  ['lengths as an input', graphWith([instead('LSTM', [...LSTM.slice(0, 4), 'lengths', 'zero', 'zero'], 'y', { direction: 'bidirectional', hidden_size: 2 })], [], { inputs: [...GRAPH.inputs, { name: 'lengths', type: INT32, shape: ['batch'] }] })], // prettier-ignore
  ['Gemm over all words', graphWith([instead('Reshape', ['both', 'flat'], 'rows'), instead('Gemm', ['rows', 'W_out', 'b_out'], 'logits')].map((each) => each), [integers('flat', -1, 4)], { nodes: [...GRAPH.nodes.slice(0, 5), node('Reshape', ['both', 'flat'], 'rows'), node('Gemm', ['rows', 'W_out', 'b_out'], 'logits')] })], // prettier-ignore
  ['an Identity and a Dropout', graphWith([], [], { nodes: [...GRAPH.nodes.slice(0, 1), node('Identity', ['x'], 'x1'), node('Dropout', ['x1'], 'x2'), ...GRAPH.nodes.slice(1).map((each) => ({ ...each, inputs: each.inputs.map((name) => (name === 'x' ? 'x2' : name)) }))] })], // prettier-ignore
  // torch.onnx.export with dynamo, which is what PyTorch 2.9 and later do where nothing else is asked for
  ['shapes counted by Shape, Slice and Mul', graphWith([instead('Reshape', ['beside', 'counted'], 'both')], [integers('n0', 0), integers('n1', 1), integers('n2', 2), integers('n3', 3), integers('n4', 4), integers('any', -1)], { nodes: [
    ...GRAPH.nodes.slice(0, 4),
    node('Shape', ['ids'], 'first', { start: 0, end: 1 }), node('Shape', ['beside'], 'all', { start: 0 }),
    node('Slice', ['all', 'n0', 'n1'], 's0'), node('Slice', ['all', 'n1', 'n2'], 's1'), node('Slice', ['all', 'n2', 'n3'], 's2'), node('Slice', ['all', 'n3', 'n4'], 's3'),
    node('Mul', ['s2', 's3'], 'columns'), node('Reshape', ['columns', 'any'], 'one'), node('Concat', ['s0', 's1', 'one'], 'counted', { axis: 0 }),
    node('Reshape', ['beside', 'counted'], 'both'), ...GRAPH.nodes.slice(5),
  ] })], // prettier-ignore
  ['a second output', { ...GRAPH, outputs: [...GRAPH.outputs, { name: 'beside', type: FLOAT }] }],
])('%s: the same model', (_, graph) => same(graph));

test('layers of other sizes, one direction, a dense layer, and no biases', () => {
  const model = read({
    ...GRAPH,
    nodes: [
      node('Gather', ['table', 'ids'], 'x'),
      node('GRU', ['x', 'W1', 'R1'], 'y1', { hidden_size: 4, linear_before_reset: 1 }),
      node('Squeeze', ['y1', 'one'], 'x1'),
      node('GRU', ['x1', 'W2', 'R2'], 'y2', { hidden_size: 2, linear_before_reset: 1 }),
      node('Squeeze', ['y2', 'one'], 'x2'),
      node('MatMul', ['x2', 'dense'], 'a'),
      node('Tanh', ['a'], 'top'),
      node('MatMul', ['top', 'out'], 'logits'),
    ],
    initializers: [
      ...[weight('table', 5, 3), weight('W1', 1, 12, 3), weight('R1', 1, 12, 4), weight('W2', 1, 6, 4)],
      ...[weight('R2', 1, 6, 2), weight('dense', 2, 6), weight('out', 6, 4), integers('one', 1)],
    ],
  });
  expect(model.config.body).toEqual({ cell: 'gru', hidden: [4, 2], bidirectional: false, dropout: 0, dense: 6 });
  expect([...model.params.heads.labels.b.data]).toEqual([0, 0, 0, 0]);
  expect(logitsOf(model, ['the']).flat().every(Number.isFinite)).toBe(true);
});

test.each([
  ['LSTM', { input_forget: 1 }, 4, 'lstm:coupled'],
  ['LSTM', { clip: { float: 2 } }, 4, 'lstm:clip=2'],
  ['GRU', {}, 3, 'gru-reset-before'],
  ['GRU', { linear_before_reset: 1, activations: ['Sigmoid', 'Elu', 'Sigmoid', 'Elu'], activation_alpha: { floats: [0.5, 0.5] } }, 3, 'gru:activations=Sigmoid/Elu(0.5)'], // prettier-ignore
  ['RNN', { activations: ['Relu', 'Relu'] }, 1, 'rnn:activation=Relu'],
  ['RNN', {}, 1, 'rnn'],
])('%s with %j is %s', (operator, attributes, G, name) => {
  const sizes = [weight('W', 2, G * 2, 3), weight('R', 2, G * 2, 2), weight('B', 2, G * 4)];
  const own = instead(operator, LSTM.slice(0, 4), 'y', { direction: 'bidirectional', hidden_size: 2, ...attributes });
  expect(read(graphWith([own], sizes)).config.body.cell).toBe(name);
});

describe('what has no counterpart is refused, by node and operator', () => {
  const both = { direction: 'bidirectional', hidden_size: 2 };
  test.each<[string, OnnxGraph, string]>([
    ['an operator', graphWith([instead('Relu', ['product'], 'product2'), instead('Add', ['product2', 'b_out'], 'logits')]), 'node n_logits, operator Add: the input "product2", which no earlier node produces,'], // prettier-ignore
    ['an unknown operator', graphWith([instead('Attention', ['rows', 'W_out'], 'product')]), 'node n_product, operator Attention: this operator has no counterpart'], // prettier-ignore
    ['another domain', graphWith([{ ...instead('MatMul', ['rows', 'W_out'], 'product'), domain: 'com.microsoft' }]), 'node n_product, operator MatMul: the domain "com.microsoft"'], // prettier-ignore
    ['rows that are cut', graphWith([instead('Slice', ['both', 'shape', 'shape'], 'rows')]), 'node n_rows, operator Slice: a part of rows'], // prettier-ignore
    ['initial states that are not zero', graphWith([], [{ ...GRAPH.initializers[7], data: Float32Array.of(0, 0, 1, 0) }]), 'operator LSTM: an initial state other than zeros'], // prettier-ignore
    ['layout 1', graphWith([instead('LSTM', LSTM, 'y', { ...both, layout: 1 })]), 'operator LSTM: layout 1'],
    ['an unknown attribute', graphWith([instead('LSTM', LSTM, 'y', { ...both, output_sequence: 1 })]), 'operator LSTM: the attribute output_sequence'], // prettier-ignore
    ['an unknown activation', graphWith([instead('LSTM', LSTM, 'y', { ...both, activations: ['Sigmoid', 'Gelu', 'Tanh', 'Sigmoid', 'Gelu', 'Tanh'] })]), 'operator LSTM: the activation Gelu'], // prettier-ignore
    ['activations that differ', graphWith([instead('LSTM', LSTM, 'y', { ...both, activations: ['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Relu', 'Tanh'] })]), 'other activations for the other direction'], // prettier-ignore
    ['a reverse layer alone', graphWith([instead('LSTM', LSTM, 'y', { direction: 'reverse', hidden_size: 2 })]), 'the direction "reverse"'], // prettier-ignore
    ['weights that do not fit', graphWith([], [weight('R', 2, 8, 3)]), 'operator LSTM: weights whose shapes do not go together'], // prettier-ignore
    ['a bias of another size', graphWith([], [weight('b_out', 3)]), 'operator Add: this sum'],
    ['directions that are not joined', graphWith([instead('Reshape', ['beside', 'odd'], 'both')], [integers('odd', 0, 4, -1)]), 'operator Reshape: the shape 0, 4, -1'], // prettier-ignore
    ['axes that are turned', graphWith([instead('Transpose', ['y'], 'beside', { perm: [0, 1, 2, 3] })]), 'operator Reshape: the shape 0, 0, -1 of rows with the axes b, d, a, f'], // prettier-ignore
    ['two linear maps', graphWith([], [weight('more', 4, 4)], { nodes: [...GRAPH.nodes, node('MatMul', ['logits', 'more'], 'again')], outputs: [{ name: 'again', type: FLOAT }] }), 'operator MatMul: a second linear map'], // prettier-ignore
    ['weights that are integers', graphWith([], [{ name: 'W_out', type: INT64, shape: [4, 4], data: new Float64Array(16) }]), 'operator MatMul: input 1 as something other than a float32 constant of 2 axes'], // prettier-ignore
    ['weights that are not finite', graphWith([], [{ ...weight('W_out', 4, 4), data: new Float32Array(16).fill(NaN) }]), 'tensor W_out: expected finite numbers; got NaN at element 0'], // prettier-ignore
    ['two inputs of ids', { ...GRAPH, inputs: [GRAPH.inputs[0], { ...GRAPH.inputs[0], name: 'more' }] }, 'expected one input of ids of words, integers of 2 axes; got 2'], // prettier-ignore
    ['no scores', { ...GRAPH, outputs: [{ name: 'both', type: FLOAT }] }, 'expected the output "both" to be scores of labels'], // prettier-ignore
    ['an output that is not there', { ...GRAPH, outputs: [] }, 'expected an output ""; the graph has none'],
  ])('%s', (_, graph, message) => {
    expect(() => read(graph)).toThrow(DataError);
    expect(() => read(graph)).toThrow(message);
  });
});

describe('tensors in another file', () => {
  test('are read where a function returns the file', () => {
    const { bytes, data } = externalTagger('tagger.onnx.data');
    const external = jest.fn((name: string) => (name === 'tagger.onnx.data' ? data : new Uint8Array()));
    expect(saveModel(importOnnx(bytes, { ...NAMES, external }))).toEqual(saveModel(read(GRAPH)));
    expect(external.mock.calls).toEqual([['tagger.onnx.data'], ['tagger.onnx.data']]);
  });

  test.each<[string, Record<string, string>]>([
    ['too long', { offset: '100', length: '999999' }],
    ['negative', { offset: '-4', length: '60' }],
    ['not a number', { offset: 'x', length: '60' }],
  ])('are refused where their place is %s', (_, said) => {
    const { bytes, data } = externalTagger('a', said);
    expect(() => importOnnx(bytes, { ...NAMES, external: () => data })).toThrow(DataError);
    expect(() => importOnnx(bytes, { ...NAMES, external: () => data })).toThrow(
      /onnx: tensor "table": expected .* "a"/,
    );
  });

  test('need that function', () => {
    const { bytes } = externalTagger('tagger.onnx.data');
    expect(() => importOnnx(bytes, NAMES)).toThrow(UnsupportedError);
    expect(() => importOnnx(bytes, NAMES)).toThrow(
      'tensor "table" lies in another file, "tagger.onnx.data": pass external',
    );
    expect(() => importOnnx(bytes, { ...NAMES, external: 'x' as never })).toThrow('external must be a function');
  });
});

describe('words and labels', () => {
  test.each<[string, object, string]>([
    ['too few words', { words: ['<unk>'] }, 'expected 5 words, one for each row of the table; got 1'],
    ['too few labels', { labels: ['A'] }, 'expected 4 labels, one for each score; got 1'],
    ['an unknown word that is none of them', { unknown: 'UNK' }, 'expected unknown to be one of the words; got "UNK"'],
    ['no unknown word', { words: ['a', 'b', 'c', 'd', 'e'], unknown: undefined }, 'pass unknown'],
    ['a word twice', { words: ['<unk>', 'é', 'e\u0301', 'd', 'f'] }, 'words must differ; got "é" twice'],
    [
      'capitals and lowerCase',
      { words: ['<unk>', 'The', 'b', 'c', 'd'], lowerCase: true },
      '"The" is not in lower case',
    ],
    ['no labels', { labels: undefined }, 'holds no labels: pass labels'],
  ])('%s', (_, names, message) => {
    expect(() => read(GRAPH, names)).toThrow(ArgumentError);
    expect(() => read(GRAPH, names)).toThrow(message);
  });

  test('without an unknown word there is a row of zeros for it', () => {
    const model = read(GRAPH, { unknown: null, words: ['a', 'b', 'c', 'd', 'e'] });
    expect(model.words.words).toEqual(['<unk>', 'a', 'b', 'c', 'd', 'e']);
    expect([...model.params.encoders.words.weight.data.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(() => read(GRAPH, { output: 'other' })).toThrow('expected an output "other"; the graph has logits');
  });
});
