/**
 * What may stand around the recurrent layers of a model: zoneout, recurrent dropout, variational dropout, residual sums, a dense
 * layer. Gradients of whole models with noise against finite differences, files, inference, threads, and what is refused.
 */
import { flatten } from '../../../src/autograd/grads';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index';
import {
  createTagger,
  generateCorpus,
  loadModel,
  modelBackward,
  modelForward,
  networkOf,
  predict,
  saveModel,
  train,
} from '../../../src/labeling/index';
import type { TrainOptions } from '../../../src/labeling/index';
import { packBatch, packFeatures } from '../../../src/labeling/data/batches';
import { initNetwork } from '../../../src/labeling/model/network';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors';
import { placesOf } from '../../../src/layers/index';
import { ArgumentError, createKey, createRng, DataError } from '../../../src/tensor/index';
import { copied, mapParams, zeros } from '../../../src/inspect/numbers';
import { dot, expectGradients, random } from '../../layers/support';
import { featuresOf, taggerConfig } from '../../support/models';
import { threads } from '../../support/threads';

const kernels = createCpuKernels();
const corpus = generateCorpus({ sentences: 40, seed: 3 });
const dev = generateCorpus({ sentences: 15, seed: 4 });
const sentences = corpus.map((s) => s.tokens);
const SMALL = { embedding: 8, hidden: 6, layers: 2, epochs: 2, batch: 8, lr: 0.02 } as const;

/** Every option around the layers, alone and together. */
const OPTIONS: readonly (readonly [string, TrainOptions, object])[] = [
  ['nothing', {}, {}],
  ['variational dropout', { dropoutKind: 'variational' }, { variational: true }],
  ['recurrent dropout', { recurrentDropout: 0.3 }, { recurrentDropout: 0.3 }],
  ['zoneout of every state', { zoneout: 0.2 }, { zoneout: { h: 0.2, c: 0.2 } }],
  ['zoneout of one state', { zoneout: { c: 0.4 } }, { zoneout: { c: 0.4 } }],
  ['zoneout of a GRU', { cell: 'gru', zoneout: 0.2 }, { zoneout: { h: 0.2 } }],
  ['zoneout of nothing', { zoneout: { h: 0 } }, {}],
  ['residual layers', { residual: true }, { residual: true }],
  ['a dense layer', { dense: 5 }, { dense: 5 }],
  [
    'all of it',
    { dropoutKind: 'variational', recurrentDropout: 0.2, zoneout: 0.1, residual: true, dense: 7 },
    { variational: true, recurrentDropout: 0.2, zoneout: { h: 0.1, c: 0.1 }, residual: true, dense: 7 },
  ],
];

describe.each(OPTIONS)('%s', (_what, options, extras) => {
  const training = async (more: TrainOptions = {}, on = kernels) =>
    train(on, { train: corpus, dev }, { ...SMALL, ...options, ...more });

  test('goes into the file and comes out of it; the tagger gives what the model does', async () => {
    const { model } = await training();
    const { body } = model.config;
    const plain = { cell: body.cell, hidden: [6, 6], bidirectional: true, dropout: 0.5 };
    expect(body).toEqual({ ...plain, ...extras });
    const loaded = loadModel(saveModel(model));
    expect(loaded.config).toEqual(model.config);
    expect(saveModel(loaded)).toEqual(saveModel(model));
    const wasm = await createWasmKernels();
    for (const on of [kernels, wasm]) {
      const tagger = createTagger(saveModel(model), on);
      expect(tagger.tag(sentences)).toEqual(predict(on, loaded, sentences));
      tagger.dispose();
    }
    wasm.dispose();
  });

  test('gives the same bytes twice, and on two threads twice', async () => {
    const bytes = async (more: TrainOptions) => saveModel((await training({ epochs: 1, ...more })).model);
    expect(await bytes({})).toEqual(await bytes({}));
    expect(await bytes({ threads: threads(2) })).toEqual(await bytes({ threads: threads(2) }));
  });
});

test.each([
  ['standard', {}],
  ['variational', { variational: true as const }],
])('a whole model with all of it and %s dropout has the gradients of finite differences', (_, extra) => {
  const body = { recurrentDropout: 0.3, zoneout: { h: 0.2, c: 0.3 }, residual: true as const, dense: 5, ...extra };
  const sizes = { cell: 'lstm', embedding: 4, hidden: [3, 3], bidirectional: true, dropout: 0.3, ...body };
  const network = networkOf(taggerConfig(sizes, 6, 3));
  const params = mapParams(initNetwork(network, createRng(2)), copied);
  const { packing, features } = packed();
  const noise = { key: createKey(3).fold('noise'), places: placesOf(packing, [7, 9, 11]), wordDropout: 0 };
  const forward = () => modelForward(kernels, network, params, features, packing, { noise });
  const pass = forward();
  const cotangent = random(pass.heads[0].logits.shape, createRng(4));
  const grads = mapParams(params, (x) => zeros(x.shape));
  modelBackward(kernels, network, params, pass, [cotangent], grads);
  expectGradients(flatten(params), flatten(grads), () => dot(cotangent, forward().heads[0].logits), 5);
});

/** Three sentences of ids. */
function packed() {
  const ids = [Int32Array.of(1, 5, 2), Int32Array.of(3), Int32Array.of(4, 1)];
  const batch = packBatch(ids.map((each) => each.length), [0, 1, 2]); // prettier-ignore
  return { packing: batch.packing, features: [packFeatures(ids.map((each) => featuresOf(each)[0]), batch)] }; // prettier-ignore
}

describe('what is refused, by name', () => {
  test.each<readonly [TrainOptions, RegExp]>([
    [{ dropoutKind: 'gaussian' as never }, /dropoutKind/],
    [{ dropoutKind: 'variational', dropout: 0 }, /dropoutKind 'variational' has no effect without dropout/],
    [{ recurrentDropout: 1 }, /recurrentDropout/],
    [{ zoneout: -0.1 }, /zoneout/],
    [{ zoneout: { h: 1 } }, /zoneout\.h/],
    [{ cell: 'gru', zoneout: { c: 0.1 } }, /"c" in zoneout \(--zoneout\), whose keys are h/],
    [{ zoneout: 'much' as never }, /zoneout/],
    [{ dense: -1 }, /dense/],
    [{ dense: 2.5 }, /dense/],
    [{ residual: true, layers: 1 }, /residual has no effect with one layer/],
    [{ residual: 'yes' as never }, /residual/],
  ])('%j', async (options, message) => {
    const wrong = train(kernels, { train: corpus }, { ...SMALL, ...options });
    await expect(wrong).rejects.toThrow(ArgumentError);
    await expect(wrong).rejects.toThrow(message);
  });

  test('the last step of either direction, where a dense layer has mixed them', async () => {
    const told = corpus.map(({ tokens }, k) => ({ tokens, category: k % 2 === 0 ? 'even' : 'odd' }));
    const trained = (options: TrainOptions) =>
      train(kernels, { train: told }, { ...SMALL, task: 'classify', pooling: 'last', dense: 4, ...options });
    await expect(trained({})).rejects.toThrow(/pooling last needs the outputs of both directions/);
    const { model } = await trained({ bidirectional: false });
    const body = { ...model.config.body, bidirectional: true };
    expect(() => networkOf({ ...model.config, body })).toThrow(ArgumentError);
  });

  test('layers of several sizes that are residual', () => {
    const sizes = {
      cell: 'gru',
      embedding: 4,
      hidden: [3, 4],
      bidirectional: true,
      dropout: 0,
      residual: true as const,
    };
    expect(() => networkOf(taggerConfig(sizes, 6, 3))).toThrow(/residual layers must have the same size; got 3, 4/);
  });

  test.each([
    ['variational', 'yes'],
    ['recurrentDropout', '0.1'],
    ['zoneout', 0.1],
    ['zoneout', { h: '0.1' }],
    ['zoneout', { q: 0.1 }],
    ['residual', 1],
    ['dense', null],
    ['dense', 1.5],
  ])('a file whose body has %s %j', async (name, value) => {
    const { model } = await train(kernels, { train: corpus }, { ...SMALL, epochs: 1 });
    const { tensors, metadata } = decodeSafetensors(saveModel(model));
    const config = JSON.parse(metadata.config) as { body: Record<string, unknown> };
    config.body[name] = value;
    const bytes = encodeSafetensors(tensors, { ...metadata, config: JSON.stringify(config) });
    expect(() => loadModel(bytes)).toThrow(DataError);
    expect(() => loadModel(bytes)).toThrow(name === 'zoneout' && !(value instanceof Object) ? /zoneout/ : /damaged/);
  });

  test('a file without the tensors of its dense layer', async () => {
    const { model } = await train(kernels, { train: corpus }, { ...SMALL, epochs: 1, dense: 3 });
    const { tensors, metadata } = decodeSafetensors(saveModel(model));
    const rest = Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== 'dense.b'));
    expect(() => loadModel(encodeSafetensors(rest, metadata))).toThrow(/dense\.b/);
  });
});
