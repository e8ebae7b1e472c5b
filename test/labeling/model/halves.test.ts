/** The half of every part that labeling takes along is the forward half of the whole part, and holds nothing else. */
import { cells, fusedName } from '../../../src/cells/index.js';
import { forwardCells } from '../../../src/cells/forward.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { packBatch } from '../../../src/labeling/data/batches.js';
import { encoderKinds } from '../../../src/labeling/model/encoders/index.js';
import { inferenceEncoderKinds } from '../../../src/labeling/model/encoders/inference.js';
import { headKinds } from '../../../src/labeling/model/heads/index.js';
import { inferenceHeadKinds } from '../../../src/labeling/model/heads/inference.js';
import { crfConfig } from '../../../src/labeling/model/heads/crf.js';
import { sentenceConfig } from '../../../src/labeling/model/heads/sentence.js';
import { softmaxConfig } from '../../../src/labeling/model/heads/softmax.js';
import { inferenceOf } from '../../../src/labeling/model/inference.js';
import { modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import type { Network } from '../../../src/labeling/model/network.js';
import { inferenceNetworkOf, initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { poolingForwards, poolings } from '../../../src/layers/pooling.js';
import { createRng, flatCopy } from '../../../src/tensor/index.js';
import { featuresOf, taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();

test.each([
  ['cells', cells, forwardCells],
  ['encoders', encoderKinds, inferenceEncoderKinds],
  ['heads', headKinds, inferenceHeadKinds],
  ['poolings', poolings, poolingForwards],
])('every one of the %s has its half, under its name', (_name, wholes: object, halves: object) => {
  expect(Object.keys(halves)).toEqual(Object.keys(wholes));
  for (const [name, half] of Object.entries(halves) as [string, object][]) {
    const whole = (wholes as Record<string, object>)[name];
    const members = Object.keys(half).filter((member) => member !== 'original');
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(members));
    expect(members.length).toBeLessThan(Object.keys(whole).length);
    for (const member of members) {
      const [own, other] = [half, whole].map((each) => (each as Record<string, unknown>)[member]);
      if (typeof own !== 'function') expect(own).toEqual(other);
    }
  }
});

it('a backend takes the half of a cell for the cell', () => {
  for (const [name, cell] of Object.entries(forwardCells)) expect(fusedName(cell)).toBe(name);
});

const BACKWARD = /^(backward|stepBackward|weightGradients|loss|lossBackward|initialize|goldOf|floatsPerToken|build)$/;

it('half a network has no member that only a training needs; the whole has', () => {
  const config = { ...taggerConfig({ cell: 'gru', hidden: [3], bidirectional: true, dropout: 0, embedding: 4 }, 7, 3) };
  const membersOf = ({ encoders, layers, heads }: Pick<Network, 'encoders' | 'layers' | 'heads'>): string[] =>
    [...encoders, ...heads, ...layers.map(({ cell }) => cell)].flatMap((part) => Object.keys(part));
  expect(membersOf(inferenceNetworkOf(config) as Network).filter((name) => BACKWARD.test(name))).toEqual([]);
  expect(membersOf(networkOf(config)).filter((name) => BACKWARD.test(name)).length).toBeGreaterThan(6);
});

test.each(Object.keys(cells))('%s: both halves run forward to the same bits', (cell) => {
  const sizes = { cell, hidden: [3, 4], bidirectional: true, dropout: 0.3, embedding: 4 };
  for (const head of [
    softmaxConfig(3),
    crfConfig(3),
    ...Object.keys(poolings).map((name) => sentenceConfig(3, name as 'last')),
  ]) {
    const config = { ...taggerConfig(sizes, 7, 3), heads: [head] };
    const [whole, half] = [networkOf(config), inferenceNetworkOf(config)];
    const params = initNetwork(whole, createRng(4));
    const { packing } = packBatch([2, 3], [0, 1]);
    const features = featuresOf(Int32Array.of(1, 6, 2, 0, 5));
    const logitsOf = (network: typeof half): unknown => {
      const inference = inferenceOf(kernels, network, params);
      const [{ logits }] = inference.run(features, packing);
      return flatCopy(logits);
    };
    expect(logitsOf(half)).toEqual(logitsOf(whole));
    const forward = modelForward(kernels, whole, params, features, packing).heads[0].logits;
    expect(logitsOf(half)).toEqual(flatCopy(forward));
  }
});

it('passes of a training say what to pass where they get the half', () => {
  const config = taggerConfig({ cell: 'rnn', hidden: [3], bidirectional: false, dropout: 0, embedding: 4 }, 7, 3);
  const whole = networkOf(config);
  const params = initNetwork(whole, createRng(4));
  const { packing } = packBatch([2], [0]);
  const features = featuresOf(Int32Array.of(1, 6));
  const half = inferenceNetworkOf(config) as Network;
  const advice = /network must be a full network; got a forward-only one: pass networkOf\(model\.config, model\.own\)/;
  expect(() => modelForward(kernels, half, params, features, packing)).toThrow(advice);
  const pass = modelForward(kernels, whole, params, features, packing);
  expect(() => modelBackward(kernels, half, params, pass, [pass.heads[0].logits], params)).toThrow(advice);
  expect(() => initNetwork(half, createRng(4))).toThrow(advice);
});
