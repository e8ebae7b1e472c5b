/**
 * What layers refuse, by the name of the function that was called: the same value would be refused further in, by a function that
 * the caller has never heard of.
 */
import { packingOf } from '../../src/autograd/index.js';
import { gru } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import {
  bidirectionalBackward,
  bidirectionalForward,
  embeddingForward,
  initBidirectional,
} from '../../src/layers/index.js';
import { allocate, createRng, normal } from '../../src/tensor/index.js';

const kernels = createCpuKernels();
const [D, H] = [2, 3];
const packing = packingOf([2, 1]);
const rng = createRng(1);
const params = initBidirectional(gru, D, H, rng, { dtype: 'float64' });
const x = normal([3, D], 1, rng, 'float64');
const pass = bidirectionalForward(kernels, gru, params, x, packing);
const dY = allocate([3, 2 * H], 'float64');

describe('bidirectionalForward', () => {
  test('takes initial states of either direction, and refuses another name', () => {
    const state = { h: normal([2, H], 1, rng, 'float64') };
    const from = (initial: object) => bidirectionalForward(kernels, gru, params, x, packing, initial);
    expect([...from({ forward: state }).y.data]).not.toEqual([...pass.y.data]);
    expect([...from({ reverse: state }).y.data]).not.toEqual([...pass.y.data]);
    expect(() => from({ forwards: state })).toThrow(/^bidirectionalForward: unknown key "forwards" in initial/);
  });

  test.each<[string, () => unknown]>([
    ['kernels', () => bidirectionalForward({} as never, gru, params, x, packing)],
    ['packing', () => bidirectionalForward(kernels, gru, params, x, [2, 1] as never)],
    ['params', () => bidirectionalForward(kernels, gru, { forward: params.forward } as never, x, packing)],
    ['cell', () => bidirectionalForward(kernels, 'gru' as never, params, x, packing)],
    ['initial', () => bidirectionalForward(kernels, gru, params, x, packing, 5 as never)],
  ])('refuses other %s in its own name', (name, call) => {
    expect(call).toThrow(new RegExp(`^bidirectionalForward: .*${name}`));
  });
});

describe('bidirectionalBackward', () => {
  const grads = initBidirectional(gru, D, H, rng, { dtype: 'float64' });

  test.each<[string, () => unknown]>([
    ['kernels', () => bidirectionalBackward({} as never, pass, dY, grads)],
    ['pass', () => bidirectionalBackward(kernels, 5 as never, dY, grads)],
    ['dY', () => bidirectionalBackward(kernels, pass, 5 as never, grads)],
    ['grads', () => bidirectionalBackward(kernels, pass, dY, { forward: grads.forward } as never)],
    ['options', () => bidirectionalBackward(kernels, pass, dY, grads, 5 as never)],
  ])('refuses other %s in its own name', (name, call) => {
    expect(call).toThrow(new RegExp(`^bidirectionalBackward: .*${name}`));
  });
});

test('embeddingForward refuses an output that is no tensor in its own name', () => {
  const table = { weight: allocate([4, 2], 'float64') };
  expect(() => embeddingForward(kernels, table, Int32Array.of(0, 1), 5 as never)).toThrow(
    /^embeddingForward: out must be a tensor/,
  );
});
