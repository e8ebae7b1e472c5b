/** Weights that are updated between a forward pass and its backward: refused where it can be told. */
import { zeroGrads } from '../../src/autograd/grads.js';
import { packingOf } from '../../src/autograd/packing.js';
import { unrollAsync, unrollBackwardAsync } from '../../src/autograd/devices.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { cells, lstm } from '../../src/cells/index.js';
import type { CellParams } from '../../src/cells/index.js';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index.js';
import type { AsyncKernels, Kernels } from '../../src/kernels/index.js';
import { networkOf, train } from '../../src/labeling/index.js';
import { modelBackward, modelForward } from '../../src/labeling/model/model.js';
import { attentionPoolBackward, attentionPoolForward, initAttentionPool } from '../../src/layers/pool-attention.js';
import { initStack, stackBackward, stackForward } from '../../src/layers/stack.js';
import { createAdam, createAdamW, createSgd } from '../../src/optim/index.js';
import type { Optimizer } from '../../src/optim/index.js';
import { normal, zeros } from '../../src/tensor/create.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../src/tensor/view.js';
import { featuresOf } from '../support/models';

const kernels = createCpuKernels();

type Named = Readonly<Record<string, Tensor>>;
const OPTIMIZERS: [string, (params: Named) => Optimizer][] = [
  ['sgd', (params) => createSgd(kernels, params)],
  ['sgd with momentum', (params) => createSgd(kernels, params, { momentum: 0.9 })],
  ['adam', (params) => createAdam(kernels, params)],
  ['adamw', (params) => createAdamW(kernels, params)],
];

const [D, H] = [3, 4];
const packing = packingOf([3, 1]);
const onesLike = (params: Named): Named =>
  Object.fromEntries(
    Object.entries(params).map(([name, { shape, data }]) => {
      const g = allocate(shape, dtypeOf(data));
      g.data.fill(1);
      return [name, g];
    }),
  );

/** A forward pass, and the backward pass to it. */
function pass(kernels: Kernels, params = lstm.initialize(D, H, createRng(1))) {
  const grads = zeroGrads(params);
  const unrolled = unroll(kernels, lstm, params, normal([4, D], 1, createRng(2)), packing);
  return { params, grads, back: () => unrollBackward(kernels, unrolled, normal([4, H], 1, createRng(3)), grads) };
}

describe.each(OPTIMIZERS)('an update by %s', (_, optimizerOf) => {
  it('between the passes is refused, and the weight is named', () => {
    const { params, back } = pass(createCpuKernels());
    const optimizer = optimizerOf(params);
    back();
    optimizer.step(onesLike(params));
    expect(back).toThrow(ArgumentError);
    expect(back).toThrow('lstm: unrollBackward: Wx was updated after the forward pass');
  });

  it('before the forward pass, or of other weights, is none of its business', () => {
    const { params, back } = pass(createCpuKernels());
    optimizerOf(params).step(onesLike(params));
    const again = pass(createCpuKernels(), params);
    const others = lstm.initialize(D, H, createRng(1));
    optimizerOf(others).step(onesLike(others));
    again.back();
    expect(again.grads.b.data.some((g) => g !== 0)).toBe(true);
    expect(back).toThrow(ArgumentError);
  });

  it('of one weight alone is found, too', () => {
    const { params, back } = pass(createCpuKernels());
    optimizerOf({ b: params.b }).step(onesLike({ b: params.b }));
    expect(back).toThrow('unrollBackward: b was updated');
  });
});

it('is refused on WebAssembly and on asynchronous devices', async () => {
  const wasm = await createWasmKernels();
  const { params, back } = pass(wasm);
  createSgd(kernels, params).step(onesLike(params));
  expect(back).toThrow('Wx was updated');
  wasm.dispose();

  const host = createCpuKernels();
  const device: AsyncKernels = {
    ...host,
    dispose: async () => Promise.resolve(),
    addMatmul: async (...args) => Promise.resolve(host.addMatmul(...args)),
    addMatmulTA: async (...args) => Promise.resolve(host.addMatmulTA(...args)),
    addMatmulTB: async (...args) => Promise.resolve(host.addMatmulTB(...args)),
  };
  const weights = lstm.initialize(D, H, createRng(1));
  const unrolled = await unrollAsync(device, host, lstm, weights, zeros([4, D]), packing);
  createSgd(kernels, weights).step(onesLike(weights));
  const grads = zeroGrads(weights) as unknown as CellParams;
  await expect(unrollBackwardAsync(device, host, unrolled, zeros([4, H]), grads)).rejects.toThrow('Wx was updated');
});

it('is refused by stacks and by attention', () => {
  const layers = [
    { cell: cells.gru, hidden: H, bidirectional: true },
    { cell: cells.rnn, hidden: 2 },
  ];
  const params = initStack(D, layers, createRng(1));
  const stack = stackForward(kernels, layers, params, zeros([4, D]), packing);
  const grads = params.map((layer) =>
    Object.fromEntries(Object.entries(layer).map(([name, own]) => [name, zeroGrads(own as Named)])),
  ) as never;
  const lower = params[0].forward as Named;
  createSgd(kernels, lower).step(onesLike(lower));
  expect(() => stackBackward(kernels, stack, zeros([4, 2]), grads)).toThrow('gru: unrollBackward: Wx was updated');

  const attention = initAttentionPool(D, 2, createRng(1));
  const pooled = attentionPoolForward(kernels, attention, zeros([4, D]), packing);
  createSgd(kernels, { v: attention.v }).step(onesLike({ v: attention.v }));
  const own = zeroGrads({ ...attention }) as never;
  expect(() => attentionPoolBackward(kernels, attention, pooled, zeros([2, D]), own)).toThrow('v was updated');
});

it('is refused by models, of which a training goes on and off without a word', async () => {
  const sentences = [
    { tokens: ['a', 'b'], labels: ['X', 'Y'] },
    { tokens: ['b'], labels: ['Y'] },
  ];
  // With a development set, the training goes back to its best weights at the end: a change of weights like any other.
  const options = { epochs: 3, hidden: 2, embedding: 2, minCount: 1, lr: 0.5 };
  const { model } = await train(kernels, { train: sentences, dev: sentences }, options);
  const network = networkOf(model.config, model.own);
  const forward = modelForward(kernels, network, model.params, featuresOf(Int32Array.of(1, 1)), packingOf([2]));
  const { labels } = model.params.heads;
  createSgd(kernels, { W: labels.W }).step(onesLike({ W: labels.W }));
  const back = () => modelBackward(kernels, network, model.params, forward, [zeros([2, 2])], model.params);
  expect(back).toThrow('modelBackward: heads.labels.W was updated');
});

it('what writes to the numbers by hand is not noticed: the documents say so', () => {
  const { params, back } = pass(createCpuKernels());
  params.Wh.data[0] += 1;
  expect(back).not.toThrow();
});
