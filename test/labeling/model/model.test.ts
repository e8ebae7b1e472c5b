import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { softmaxLossBackward, softmaxLossForward } from '../../../src/layers/index.js';
import { packBatch, packRows } from '../../../src/labeling/data/batches.js';
import type { ModelConfig, ModelGrads, ModelParams } from '../../../src/labeling/model/model.js';
import { initModel, layersOf, modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import { allocate, ArgumentError, copy, createRng } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';

const kernels = createCpuKernels();
const config: ModelConfig = { cell: 'lstm', embedding: 3, hidden: [4, 2], bidirectional: true, dropout: 0.3 };
const V = 7;
const K = 5;

/** The same model in float64, so that finite differences can judge it. */
function double(params: ModelParams): ModelParams {
  const nested = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(nested);
    if ('data' in (node as object)) return copy(node as Tensor, 'float64');
    return Object.fromEntries(Object.entries(node as object).map(([name, child]) => [name, nested(child)]));
  };
  return nested(params) as ModelParams;
}

const sentences = [Int32Array.of(1, 6, 2, 2), Int32Array.of(3), Int32Array.of(5, 0)];
const labels = [Int32Array.of(0, 4, 1, 2), Int32Array.of(3), Int32Array.of(2, 2)];

describe.each([
  { ...config, dropout: 0 },
  config,
  { ...config, cell: 'gru', hidden: [3], bidirectional: false },
  { ...config, cell: 'rnn', hidden: [2, 3, 2] },
])('a model %j', (config) => {
  test('has the gradient of its loss, dropout masks included', () => {
    const params = double(initModel(config, V, K, createRng(3)));
    const batch = packBatch(sentences, [0, 1, 2]);
    const targets = packRows(labels, [0, 1, 2], batch.packing);
    const run = () => {
      const pass = modelForward(kernels, { config, params }, batch.ids, batch.packing, createRng(8));
      return { pass, loss: softmaxLossForward(pass.logits, targets) };
    };
    const flat = flatten(params);
    const record = zeroGrads(flat, { rowGradients: ['embedding.weight'] });
    const grads = nestLike(params, record) as ModelGrads;
    const { pass, loss } = run();
    const dLogits = allocate(pass.logits.shape, 'float64');
    softmaxLossBackward(loss, dLogits);
    modelBackward(kernels, params, pass, dLogits, grads);
    const report = gradcheck({ tensors: flat, grads: record, loss: () => run().loss.loss });
    expect(report.worst.relativeError).toBeLessThanOrEqual(1e-7);
    expect(report.passed).toBe(true);
  });
});

test('a sentence has the same logits, to the bit, whatever batch it is in', () => {
  const params = initModel(config, V, K, createRng(3));
  const logitsOf = (members: number[], sentence: number) => {
    const batch = packBatch(sentences, members);
    const { logits } = modelForward(kernels, { config, params }, batch.ids, batch.packing);
    const b = [...batch.packing.order].findIndex((place) => members[place] === sentence);
    return Array.from({ length: sentences[sentence].length }, (_, t) => {
      const row = (batch.packing.offsets[t] + b) * K;
      return [...logits.data.subarray(row, row + K)];
    });
  };
  for (const s of [0, 1, 2]) expect(logitsOf([2, 0, 1], s)).toEqual(logitsOf([s], s));
});

test('a deeper model starts with the lower layers of a shallower one', () => {
  const one = initModel({ ...config, hidden: [4] }, V, K, createRng(3));
  const two = initModel({ ...config, hidden: [4, 4] }, V, K, createRng(3));
  expect(two.layers[0].forward.Wx.data).toEqual(one.layers[0].forward.Wx.data);
  expect(two.embedding.weight.data).toEqual(one.embedding.weight.data);
});

test.each([
  [{ cell: 'lstmm' }, /cell must be one of 'rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'; got 'lstmm'/],
  [{ embedding: 0 }, /embedding/],
  [{ hidden: [] }, /at least one layer/],
  [{ hidden: [4, 0] }, /hidden/],
  [{ dropout: 1 }, /dropout/],
])('refuses %j', (change, message) => {
  expect(() => layersOf({ ...config, ...change })).toThrow(ArgumentError);
  expect(() => layersOf({ ...config, ...change })).toThrow(message);
});
