/**
 * What layers refuse, by the name of the function that was called: the same value would be refused further in, by a function that
 * the caller has never heard of.
 */
import { packingOf } from '../../src/autograd/index.js';
import { gru } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import {
  attentionPoolBackward,
  attentionPoolForward,
  bidirectionalBackward,
  bidirectionalForward,
  convolutionBackward,
  convolutionForward,
  embeddingForward,
  initAttentionPool,
  initBidirectional,
  initConvolution,
  lastPoolBackward,
  lastPoolForward,
  maxPoolBackward,
  maxPoolForward,
  meanPoolBackward,
  meanPoolForward,
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

test('embeddingForward refuses an output that is not a tensor in its own name', () => {
  const table = { weight: allocate([4, 2], 'float64') };
  for (const out of [5, null, [1, 2]]) {
    expect(() => embeddingForward(kernels, table, Int32Array.of(0, 1), out as never)).toThrow(
      /^embeddingForward: out must be a tensor/,
    );
  }
});

describe('the poolings', () => {
  const pooled = normal([3, D], 1, rng, 'float64');
  const dPooled = normal([2, D], 1, rng, 'float64');
  const none = allocate([3, D], 'float64');
  const attention = initAttentionPool(D, 4, rng, { dtype: 'float64' });
  const wrong = allocate([5, 5], 'float64');
  type Call = (...args: never[]) => unknown;
  const call = (f: Call, args: readonly unknown[], at: number, value: unknown) => () =>
    (f as (...all: unknown[]) => unknown)(...args.map((own, k) => (k === at ? value : own)));

  const forwards: [string, Call][] = [
    ['last', lastPoolForward],
    ['max', maxPoolForward],
    ['mean', meanPoolForward],
  ];

  test.each(forwards)('%sPoolForward refuses other arguments in its own name', (name, f) => {
    const own = (at: number, value: unknown) => call(f, [kernels, pooled, packing], at, value);
    expect(own(0, {})).toThrow(`${name}PoolForward: expected kernels`);
    expect(own(1, null)).toThrow(`${name}PoolForward: x must be a tensor; got null`);
    expect(own(2, [2, 1])).toThrow(`${name}PoolForward: packing must be a packing, packingOf(lengths); got a list`);
    expect(own(1, wrong)).toThrow(`${name}Pool: x must be [N, W] with N = 3; got [5, 5]`);
  });

  const backwards: [string, Call, unknown][] = [
    ['last', lastPoolBackward, lastPoolForward(kernels, pooled, packing)],
    ['max', maxPoolBackward, maxPoolForward(kernels, pooled, packing)],
    ['mean', meanPoolBackward, meanPoolForward(kernels, pooled, packing)],
  ];

  test.each(backwards)('%sPoolBackward refuses other arguments in its own name', (name, f, made) => {
    const own = (at: number, value: unknown) => call(f, [kernels, made, dPooled, none], at, value);
    const where = `${name}PoolBackward: `;
    expect(own(1, null)).toThrow(`${where}pass must be what the forward pass returned; got null`);
    expect(own(1, { ...(made as object), y: 5 })).toThrow(`${where}pass.y must be a tensor; got the number 5`);
    expect(own(1, { ...(made as object), packing: 5 })).toThrow(`${where}pass.packing must be a packing`);
    expect(own(2, null)).toThrow(`${where}dY must be a tensor; got null`);
    expect(own(3, null)).toThrow(`${where}dX must be a tensor; got null`);
    expect(own(2, wrong)).toThrow(`${where}dY must be [B, W] with B = 2, W = 2; got [5, 5]`);
    expect(own(3, wrong)).toThrow(`${where}dX must be [N, W] with N = 3, W = 2; got [5, 5]`);
  });

  test('lastPoolForward takes its option alone', () => {
    const from = (options: unknown) => () => lastPoolForward(kernels, pooled, packing, options as never);
    expect(from({ both: true })).toThrow('lastPool: unknown key "both" in options');
    expect(from({ bidirectional: false })()).toEqual(lastPoolForward(kernels, pooled, packing));
  });

  test('initAttentionPool refuses other arguments by name', () => {
    expect(() => initAttentionPool(2, 2, 5 as never)).toThrow('initAttentionPool: rng must be a generator');
    expect(() => initAttentionPool(2, 2, rng, { type: 'float64' } as never)).toThrow(
      'initAttentionPool: unknown key "type" in options',
    );
    expect(() => initAttentionPool(0, 2, rng)).toThrow('initAttentionPool: D must be an integer of at least 1; got 0');
    expect(() => initAttentionPool(2, 0, rng)).toThrow('initAttentionPool: A must be an integer of at least 1; got 0');
  });

  test('attentionPoolForward refuses other arguments in its own name', () => {
    const own = (at: number, value: unknown) =>
      call(attentionPoolForward, [kernels, attention, pooled, packing], at, value);
    const where = 'attentionPoolForward: ';
    expect(own(0, {})).toThrow(`${where}expected kernels`);
    expect(own(1, null)).toThrow(`${where}params must be a record of tensors by name; got null`);
    for (const name of ['W', 'b', 'v']) {
      const rest = Object.fromEntries(Object.entries(attention).filter(([key]) => key !== name));
      expect(own(1, rest)).toThrow(`${where}params.${name} must be a tensor; got undefined`);
      expect(own(1, { ...attention, [name]: allocate([7], 'float64') })).toThrow(`attentionPool: ${name} must be [`);
    }
    expect(own(2, null)).toThrow(`${where}x must be a tensor; got null`);
    expect(own(3, [2, 1])).toThrow(`${where}packing must be a packing`);
    expect(own(2, wrong)).toThrow('attentionPool: x must be [N, D] with N = 3, D = 2 (W is [2, 4]); got [5, 5]');
  });

  test('attentionPoolBackward refuses other arguments in its own name', () => {
    const made = attentionPoolForward(kernels, attention, pooled, packing);
    const grads = initAttentionPool(D, 4, rng, { dtype: 'float64' });
    const own = (at: number, value: unknown) =>
      call(attentionPoolBackward, [kernels, attention, made, dPooled, grads, none], at, value);
    const where = 'attentionPoolBackward: ';
    expect(own(0, {})).toThrow(`${where}expected kernels`);
    expect(own(1, null)).toThrow(`${where}params must be a record of tensors by name; got null`);
    expect(own(2, null)).toThrow(`${where}pass must be what the forward pass returned; got null`);
    for (const name of ['x', 'u', 'y', 'weights']) {
      expect(own(2, { ...made, [name]: 5 })).toThrow(`${where}pass.${name} must be a tensor; got the number 5`);
    }
    expect(own(2, { ...made, packing: 5 })).toThrow(`${where}pass.packing must be a packing`);
    for (const name of ['W', 'b', 'v']) {
      const rest = (of: object) => Object.fromEntries(Object.entries(of).filter(([key]) => key !== name));
      expect(own(1, rest(attention))).toThrow(`${where}params.${name} must be a tensor; got undefined`);
      expect(own(4, rest(grads))).toThrow(`${where}grads.${name} is missing`);
      expect(own(4, { ...grads, [name]: allocate([7], 'float64') })).toThrow(`${where}grads.${name} must be [`);
    }
    expect(own(3, wrong)).toThrow(`${where}dY must be [B, D] with B = 2, D = 2; got [5, 5]`);
    expect(own(5, wrong)).toThrow(`${where}dX must be [N, D] with N = 3, D = 2; got [5, 5]`);
    expect(own(5, undefined)).not.toThrow();
  });
});

describe('the convolution', () => {
  const [K, F] = [3, 4];
  const input = normal([3, D], 1, rng, 'float64');
  const filters = initConvolution(D, F, K, rng, { dtype: 'float64' });
  const wrong = allocate([5, 5], 'float64');
  const forward = (...changes: [at: number, value: unknown][]) => {
    const args: unknown[] = [kernels, filters, input, packing];
    for (const [at, value] of changes) args[at] = value;
    return () => (convolutionForward as (...all: unknown[]) => unknown)(...args);
  };

  test('convolutionForward refuses other arguments in its own name', () => {
    const where = 'convolutionForward: ';
    expect(forward([0, {}])).toThrow(`${where}expected kernels`);
    expect(forward([1, null])).toThrow(`${where}params must be a record of tensors by name; got null`);
    expect(forward([1, { b: filters.b }])).toThrow(`${where}params.W must be a tensor; got undefined`);
    expect(forward([2, null])).toThrow(`${where}x must be a tensor; got null`);
    expect(forward([3, [2, 1]])).toThrow(`${where}packing must be a packing`);
    expect(forward([2, wrong])).toThrow(`${where}x must be [N, D] with N = 3; got [5, 5]`);
    for (const shape of [[7, F], [6], [6, F, 1], [0, F]]) {
      expect(forward([1, { ...filters, W: allocate(shape, 'float64') }])).toThrow(
        `${where}W must be [K·D, F] with D = 2, the columns of x; got [${shape.join(', ')}]`,
      );
    }
    expect(forward()).not.toThrow();
  });

  test('convolutionBackward refuses other arguments in its own name', () => {
    const made = convolutionForward(kernels, filters, input, packing);
    const [own, into] = [normal([3, F], 1, rng, 'float64'), allocate([3, D], 'float64')];
    const grads = initConvolution(D, F, K, rng, { dtype: 'float64' });
    const backward = (at: number, value: unknown) => () =>
      (convolutionBackward as (...all: unknown[]) => unknown)(
        ...[kernels, filters, made, own, grads, into].map((given, k) => (k === at ? value : given)),
      );
    const where = 'convolutionBackward: ';
    expect(backward(0, {})).toThrow(`${where}expected kernels`);
    expect(backward(1, null)).toThrow(`${where}params must be a record of tensors by name; got null`);
    expect(backward(1, { b: filters.b })).toThrow(`${where}params.W must be a tensor; got undefined`);
    expect(backward(2, null)).toThrow(`${where}pass must be what the forward pass returned; got null`);
    for (const name of ['y', 'u']) {
      expect(backward(2, { ...made, [name]: 5 })).toThrow(`${where}pass.${name} must be a tensor; got the number 5`);
    }
    expect(backward(3, null)).toThrow(`${where}dY must be a tensor; got null`);
    expect(backward(3, wrong)).toThrow(`${where}dY must be [N, F] with N = 3, F = 4; got [5, 5]`);
    expect(backward(4, { W: grads.W })).toThrow(`${where}grads.b is missing`);
    expect(backward(4, { ...grads, b: wrong })).toThrow(`${where}grads.b must be [4] float64, like b; got [5, 5]`);
    expect(backward(5, wrong)).toThrow(`${where}dX must be [N, D] with N = 3; got [5, 5]`);
    expect(backward(5, undefined)).not.toThrow();
  });
});
