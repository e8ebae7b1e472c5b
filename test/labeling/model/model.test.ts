import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { placesOf, softmaxLossBackward, softmaxLossForward } from '../../../src/layers/index.js';
import { packBatch, packRows } from '../../../src/labeling/data/batches.js';
import { modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import type { ModelGrads, ModelParams } from '../../../src/labeling/model/network.js';
import { initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { allocate, ArgumentError, copy, createKey, createRng } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import type { TaggerSizes } from '../../support/models.js';
import { featuresOf, taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();
const config: TaggerSizes = { cell: 'lstm', embedding: 3, hidden: [4, 2], bidirectional: true, dropout: 0.3 };
const V = 7;
const K = 5;
const network = networkOf(taggerConfig(config, V, K));

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
const lengths = sentences.map((ids) => ids.length);
const labels = [Int32Array.of(0, 4, 1, 2), Int32Array.of(3), Int32Array.of(2, 2)];

describe.each([
  { ...config, dropout: 0 },
  config,
  { ...config, cell: 'gru', hidden: [3], bidirectional: false },
  { ...config, cell: 'rnn', hidden: [2, 3, 2] },
])('a model %j', (config) => {
  test('has the gradient of its loss, dropout masks included', () => {
    const network = networkOf(taggerConfig(config, V, K));
    const params = double(initNetwork(network, createRng(3)));
    const batch = packBatch(lengths, [0, 1, 2]);
    const features = featuresOf(packRows(sentences, [0, 1, 2], batch.packing));
    const targets = packRows(labels, [0, 1, 2], batch.packing);
    const run = () => {
      const noise = { key: createKey(8), places: placesOf(batch.packing), wordDropout: 0 };
      const pass = modelForward(kernels, network, params, features, batch.packing, { noise });
      return { pass, loss: softmaxLossForward(kernels, pass.heads[0].logits, targets) };
    };
    const flat = flatten(params);
    const record = zeroGrads(flat, { rowGradients: ['encoders.words.weight'] });
    const grads = nestLike(params, record) as ModelGrads;
    const { pass, loss } = run();
    const dLogits = allocate(pass.heads[0].logits.shape, 'float64');
    softmaxLossBackward(kernels, loss, dLogits);
    modelBackward(kernels, network, params, pass, [dLogits], grads);
    const report = gradcheck({ tensors: flat, grads: record, loss: () => run().loss.loss });
    expect(report.worst.relativeError).toBeLessThanOrEqual(1e-7);
    expect(report.passed).toBe(true);
  });
});

test('a sentence has the same logits, to the bit, whatever batch it is in', () => {
  const params = initNetwork(network, createRng(3));
  const logitsOf = (members: number[], sentence: number) => {
    const batch = packBatch(lengths, members);
    const features = featuresOf(packRows(sentences, members, batch.packing));
    const { logits } = modelForward(kernels, network, params, features, batch.packing).heads[0];
    const b = [...batch.packing.order].findIndex((place) => members[place] === sentence);
    return Array.from({ length: sentences[sentence].length }, (_, t) => {
      const row = (batch.packing.offsets[t] + b) * K;
      return [...logits.data.subarray(row, row + K)];
    });
  };
  for (const s of [0, 1, 2]) expect(logitsOf([2, 0, 1], s)).toEqual(logitsOf([s], s));
});

test('a deeper model starts with the lower layers of a shallower one', () => {
  const one = initNetwork(networkOf(taggerConfig({ ...config, hidden: [4] }, V, K)), createRng(3));
  const two = initNetwork(networkOf(taggerConfig({ ...config, hidden: [4, 4] }, V, K)), createRng(3));
  expect(two.layers[0].forward.Wx.data).toEqual(one.layers[0].forward.Wx.data);
  expect(two.encoders.words.weight.data).toEqual(one.encoders.words.weight.data);
});

test.each([
  [{ cell: 'lstmm' }, /cell must be one of 'rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'; got 'lstmm'/],
  [{ embedding: 0 }, /embedding/],
  [{ hidden: [] }, /at least one layer/],
  [{ hidden: [4, 0] }, /hidden/],
  [{ dropout: 1 }, /dropout/],
])('refuses %j', (change, message) => {
  expect(() => networkOf(taggerConfig({ ...config, ...change }, V, K))).toThrow(ArgumentError);
  expect(() => networkOf(taggerConfig({ ...config, ...change }, V, K))).toThrow(message);
});
