/** A head and an encoder of one's own, one object each: trained, saved, loaded and run without a change to the sources. */
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { EncoderKind } from '../../../src/labeling/model/encoders/encoder.js';
import { loadModel, saveModel } from '../../../src/labeling/model/file.js';
import type { HeadKind } from '../../../src/labeling/model/heads/head.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { evaluate } from '../../../src/labeling/scoring/evaluate.js';
import { train } from '../../../src/labeling/training/train.js';
import { packBatch, packRows } from '../../../src/labeling/data/batches.js';
import type { ModelGrads, ModelParams } from '../../../src/labeling/model/network.js';
import { initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import { sentenceConfig } from '../../../src/labeling/model/heads/sentence.js';
import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import {
  embeddingBackward,
  embeddingForward,
  initEmbedding,
  initLinear,
  linearBackward,
  linearForward,
  softmaxLossBackward,
  softmaxLossForward,
} from '../../../src/layers/index.js';
import type { EmbeddingParams, LinearParams } from '../../../src/layers/index.js';
import { placesOf } from '../../../src/layers/index.js';
import { allocate, BpttError, copy, createKey, createRng } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { featuresOf, taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();

/** A vector for each length of a word. */
const lengths: EncoderKind = {
  kind: 'word-length',
  layer: (config) => ({
    config,
    shapes: { table: [8, config.width] },
    sparse: [],
    floatsPerToken: config.width,
    initialize: (rng) => ({ table: initEmbedding(8, config.width, rng.split('lengths')).weight }),
    forward: (k, { table }, { length }: { length: Int32Array }) => ({
      y: embeddingForward(k, { weight: table } as EmbeddingParams, length),
      length,
    }),
    backward: (k, _params, pass, dY, { table }) =>
      embeddingBackward(k, (pass as unknown as { length: Int32Array }).length, dY, {
        weight: table,
      } as EmbeddingParams),
  }),
  build: (_sentences, { embedding }) => ({ reader: lengthReader, config: { kind: 'word-length', width: embedding } }),
  restore: () => lengthReader,
};
const lengthReader = {
  read: (tokens: readonly string[]) => ({ length: Int32Array.from(tokens, (token) => Math.min(token.length, 7)) }),
  toJSON: () => ({}),
};

/** The first rows of a packed batch: step 0 of every sentence. */
const firstRows = (y: Tensor, batch: number): Tensor => ({ ...y, shape: [batch, y.shape[1]] });

/** A label for the sentence out of its first row. */
const first: HeadKind = {
  kind: 'first-row',
  unit: 'sentence',
  configure: (K) => ({ kind: 'first-row', name: 'mood', size: K }),
  layer: (config, { width: H }) => ({
    config,
    unit: 'sentence',
    shapes: { W: [H, config.size], b: [config.size] },
    floatsPerToken: 0,
    initialize: (rng) => ({ ...initLinear(H, config.size, rng.split('mood')) }),
    forward: (k, params, y, { batch }) => ({
      logits: linearForward(k, params as LinearParams, firstRows(y, batch)),
      y,
      batch,
    }),
    loss: (k, _params, { logits }, targets) => softmaxLossForward(k, logits, targets),
    lossBackward: (k, _params, loss, dLogits, _grads, scale) => softmaxLossBackward(k, loss as never, dLogits, scale),
    backward(k, params, pass, dLogits, grads, dY) {
      const { y, batch } = pass as unknown as { y: Tensor; batch: number };
      const [x, dX] = [firstRows(y, batch), firstRows(dY, batch)];
      linearBackward(k, params as LinearParams, x, dLogits, grads as LinearParams, dX);
    },
  }),
  goldOf: ({ category }) => [category ?? ''],
  chosenOf: ({ category }) => (category === undefined ? [] : [category]),
  predict: (_kernels, labels, { logits }, { batch }) =>
    Array.from({ length: batch }, (_, b) => {
      const row = labels.labels.map(
        (_label, k) => logits.data[logits.offset + b * logits.stride[0] + k * logits.stride[1]],
      );
      return { category: labels.labels[row.indexOf(Math.max(...row))] };
    }),
};

/** Long words make long sentences: only an encoder of lengths sees it in words it has never met. */
const corpus = Array.from({ length: 60 }, (_, i) => ({
  tokens: Array.from(
    { length: 2 + (i % 3) },
    (_word, w) => (i % 2 ? 'abcdef' : 'ab') + String.fromCharCode(97 + ((i + w) % 26)),
  ),
  category: i % 2 ? 'long' : 'short',
}));

describe('parts of your own', () => {
  const options = { embedding: 4, hidden: 5, epochs: 10, batch: 8, lr: 0.03, dropout: 0, wordDropout: 0 };

  test('a head of the task beside them is refused', async () => {
    const both = train(kernels, { train: corpus }, { ...options, heads: [first], head: 'softmax' });
    await expect(both).rejects.toThrow('train: head cannot be combined with custom heads: leave one of the two out');
  });

  test.each([
    ['a head', { heads: [first] }],
    ['an encoder', { encoders: [lengths], task: 'classify' as const }],
    ['both', { heads: [first], encoders: [lengths] }],
  ])('%s: train, save, load, tag', async (_name, own) => {
    const { model, threads } = await train(kernels, { train: corpus }, { ...options, ...own });
    expect(threads).toBe(1);
    expect(evaluate(kernels, model, corpus)).toMatchObject({ unit: 'sentence', accuracy: 1, macroF1: 1 });
    const bytes = saveModel(model);
    const parts = Object.fromEntries(Object.entries(own).filter(([name]) => name !== 'task'));
    const loaded = loadModel(bytes, parts);
    expect(saveModel(loaded)).toEqual(bytes);
    const sentences = [['uvwxyzu', 'uvwxyzv'], ['xyz', 'xyw']]; // prettier-ignore
    const tagged = (tagger: ReturnType<typeof createTagger>) => tagger.tag(sentences).map(({ category }) => category);
    expect(tagged(createTagger(loaded))).toEqual(tagged(createTagger(model)));
    if ('encoders' in own) expect(tagged(createTagger(bytes, kernels, parts))).toEqual(['long', 'short']);
    expect(() => loadModel(bytes)).toThrow(BpttError);
    expect(() => loadModel(bytes)).toThrow(/it is not built in .* pass the one/);
  });
});

describe.each(['last', 'mean', 'max', 'attention'] as const)('the sentence head over %s', (pooling) => {
  test('has the gradient of its loss through a whole model, dropout masks included', () => {
    const body = { cell: 'gru', hidden: [3, 4], bidirectional: true, dropout: 0.3 };
    const config = { ...taggerConfig({ ...body, embedding: 3 }, 7, 4), heads: [sentenceConfig(4, pooling)] };
    const network = networkOf(config);
    const params = double(initNetwork(network, createRng(3)));
    const sentences = [Int32Array.of(1, 6, 2, 2), Int32Array.of(3), Int32Array.of(5, 0)];
    const batch = packBatch([4, 1, 2], [0, 1, 2]);
    const features = featuresOf(packRows(sentences, [0, 1, 2], batch.packing));
    const targets = Int32Array.of(2, 0, 3);
    const [head] = network.heads;
    const own = params.heads.category;
    const run = () => {
      const noise = { key: createKey(8), places: placesOf(batch.packing), wordDropout: 0 };
      const pass = modelForward(kernels, network, params, features, batch.packing, { noise });
      return { pass, loss: head.loss(kernels, own, pass.heads[0], targets) };
    };
    const flat = flatten(params);
    const record = zeroGrads(flat, { rowGradients: ['encoders.words.weight'] });
    const grads = nestLike(params, record) as ModelGrads;
    const { pass, loss } = run();
    const dLogits = allocate(pass.heads[0].logits.shape, 'float64');
    expect(dLogits.shape).toEqual([3, 4]);
    head.lossBackward(kernels, own, loss, dLogits, grads.heads.category, 1);
    modelBackward(kernels, network, params, pass, [dLogits], grads);
    const report = gradcheck({ tensors: flat, grads: record, loss: () => run().loss.loss });
    expect(report.worst.relativeError).toBeLessThanOrEqual(1e-6);
    expect(report.passed).toBe(true);
  });
});

/** The same model in float64, so that finite differences can judge it. */
function double(params: ModelParams): ModelParams {
  const nested = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(nested);
    if ('data' in (node as object)) return copy(node as Tensor, 'float64');
    return Object.fromEntries(Object.entries(node as object).map(([name, child]) => [name, nested(child)]));
  };
  return nested(params) as ModelParams;
}
