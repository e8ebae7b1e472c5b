/** The stack and the linear map on a device that answers later: the bits of the synchronous layers, for every option of theirs. */
import { packingOf } from '../../src/autograd/packing.js';
import { flatten } from '../../src/autograd/grads.js';
import { cells, type State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import type { AsyncKernels } from '../../src/kernels/types.js';
import {
  initLinear,
  initStack,
  linearBackward,
  linearBackwardAsync,
  linearForward,
  linearForwardAsync,
  stackBackward,
  stackBackwardAsync,
  stackForward,
  stackForwardAsync,
  type LayerParams,
  type LayerSpec,
  type LayerBackwardPass,
  type Devices,
  type StackBackwardOptions,
  type StackOptions,
  type StackPass,
} from '../../src/layers/index.js';
import { createRng } from '../../src/tensor/random.js';
import { createKey } from '../../src/tensor/random-key.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate } from '../../src/tensor/view.js';
import { numbers, random } from './support.js';

const host = createCpuKernels();
const packing = packingOf([3, 1, 5, 2]);
const [N, B, D] = [packing.total, packing.batch, 3];
const float64 = { dtype: 'float64' } as const;

/** A device that does every product after everybody else had a turn, and keeps a list of what it did. */
function slowDevice(): Devices & { readonly done: string[] } {
  const done: string[] = [];
  const product = (name: 'addMatmul' | 'addMatmulTA' | 'addMatmulTB') => async (out: Tensor, a: Tensor, b: Tensor) => {
    await new Promise(setImmediate);
    host[name](out, a, b);
    done.push(name);
  };
  const device: AsyncKernels = {
    backend: 'slow',
    dtypes: ['float64'],
    addMatmul: product('addMatmul'),
    addMatmulTA: product('addMatmulTA'),
    addMatmulTB: product('addMatmulTB'),
    dispose: async () => {},
  };
  return { device, host, done };
}

const lone: LayerSpec[] = [{ cell: cells.gru, hidden: 4 }];
const mixed: LayerSpec[] = [
  { cell: cells.lstm, hidden: 4, bidirectional: true },
  { cell: cells['gru-reset-before'], hidden: 3 },
  { cell: cells.rnn, hidden: 2, bidirectional: true },
];

/** Random weights, with learned initial states, and zeros of the same structure for the gradients. */
function weights(specs: readonly LayerSpec[]): { params: LayerParams[]; grads: () => LayerParams[] } {
  const make = () => initStack(D, specs, createRng(1), { ...float64, learnedInitialState: true });
  const [params, rng] = [make(), createRng(2)];
  for (const x of Object.values(flatten(params as never)))
    x.data.forEach((v, i) => (x.data[i] = v + 0.3 * rng.normal()));
  const grads = () => {
    const zero = make();
    for (const x of Object.values(flatten(zero as never))) x.data.fill(0);
    return zero;
  };
  return { params, grads };
}

/** A state for every direction of every layer. */
function states(specs: readonly LayerSpec[], seed: number) {
  const rng = createRng(seed);
  return specs.map(({ cell, hidden, bidirectional }) => {
    const state = () =>
      Object.fromEntries(cell.states.map((name) => [name, random([B, hidden], rng)])) as never as State;
    return { forward: state(), ...(bidirectional ? { reverse: state() } : {}) };
  });
}

/** Everything a forward and a backward pass give to their caller. */
function results(pass: StackPass, unwound: readonly LayerBackwardPass[], dX: Tensor | undefined, grads: LayerParams[]) {
  const directions = [...pass.layers.entries()].flatMap(([l, { forward, reverse }]) => [
    { pass: forward, back: unwound[l]?.forward },
    ...(reverse ? [{ pass: reverse, back: unwound[l]?.reverse }] : []),
  ]);
  const all = (record: object | undefined) => Object.values(record ?? {}).map(numbers);
  return {
    y: numbers(pass.y),
    layers: pass.layers.map(({ y, mask }) => [numbers(y), mask && numbers(mask.factors)]),
    final: directions.map((d) => all(d.pass.final)),
    dInitial: directions.map((d) => all(d.back?.dInitial)),
    stepGrads: directions.map((d) => all(d.back?.stepGrads)),
    dX: dX && numbers(dX),
    grads: all(flatten(grads as never)),
  };
}

type Choice = { forward?: Omit<StackOptions, 'dropout'>; dropout?: boolean; backward?: StackBackwardOptions };
const choices: [string, LayerSpec[], Choice][] = [
  ['one layer', lone, {}],
  ['three layers, both directions', mixed, {}],
  ['given initial states', mixed, { forward: { initial: states(mixed, 3) } }],
  ['a loss of the final states', mixed, { backward: { dFinal: states(mixed, 4) } }],
  ['truncation', mixed, { backward: { truncate: { every: 1, back: 2 } } }],
  ['truncation in one direction', lone, { backward: { truncate: { every: 2, back: 2 } } }],
  ['element-wise dropout', mixed, { forward: {}, dropout: false }],
  ['one mask per sequence', mixed, { forward: {}, dropout: true }],
];

test.each(choices)('a stack forward and backward: %s', async (_, specs, { forward, dropout, backward }) => {
  const { params, grads } = weights(specs);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const options = (): StackOptions => ({
    ...forward,
    ...(dropout === undefined ? {} : { dropout: { p: 0.4, key: createKey(7), perSequence: dropout } }),
  });
  const [here, there] = [grads(), grads()];
  const [dXHere, dXThere] = [allocate([N, D], 'float64'), allocate([N, D], 'float64')];
  const pass = stackForward(host, specs, params, x, packing, options());
  const back = stackBackward(host, pass, dY, here, { ...backward, dX: dXHere });
  const devices = slowDevice();
  const later = await stackForwardAsync(devices, specs, params, x, packing, options());
  const laterBack = await stackBackwardAsync(devices, later, dY, there, { ...backward, dX: dXThere });
  expect(results(later, laterBack, dXThere, there)).toEqual(results(pass, back, dXHere, here));
  expect(
    here.flatMap((layer) => Object.values(flatten(layer as never))).some((g) => numbers(g).some((v) => v !== 0)),
  ).toBe(true);
  const directions = specs.reduce((sum, { bidirectional }) => sum + (bidirectional ? 2 : 1), 0);
  const backwards = new Array(directions).fill(['addMatmulTB', 'addMatmulTA']).flat();
  expect(devices.done).toEqual([...new Array(directions).fill('addMatmul'), ...backwards]);
});

test('without dX the first layer does no product for it, and every weight still gets its gradient', async () => {
  const { params, grads } = weights(mixed);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const [here, there] = [grads(), grads()];
  const pass = stackForward(host, mixed, params, x, packing);
  stackBackward(host, pass, dY, here);
  const devices = slowDevice();
  const later = await stackForwardAsync(devices, mixed, params, x, packing);
  expect(await stackBackwardAsync(devices, later, dY, there)).toHaveLength(3);
  const all = (record: LayerParams[]) => Object.values(flatten(record as never)).map(numbers);
  expect(all(there)).toEqual(all(here));
  expect(devices.done.filter((product) => product === 'addMatmulTB')).toHaveLength(3); // those of layers 1 and 2
});

test('what the synchronous stack refuses, the asynchronous one refuses in the same words, before any product', async () => {
  const { params, grads } = weights(mixed);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const devices = slowDevice();
  const refuse = async (
    specs: LayerSpec[],
    given: LayerParams[],
    input: Tensor,
    options: StackOptions,
    words: RegExp,
  ) => {
    expect(() => stackForward(host, specs, given, input, packing, options)).toThrow(words);
    await expect(stackForwardAsync(devices, specs, given, input, packing, options)).rejects.toThrow(words);
  };
  await refuse([], [], x, {}, /at least one layer/);
  await refuse(mixed, params.slice(1), x, {}, /one entry per layer, 3; got 2/);
  await refuse(mixed, [params[0], params[2], params[1]], x, {}, /layer 1 is unidirectional/);
  await refuse([{ ...mixed[0], hidden: 6 }, ...mixed.slice(1)], params, x, {}, /Wh of layer 0 .*H = 6/);
  await refuse(mixed, params, random([N, D + 1], createRng(5)), {}, /x must be/);
  expect(devices.done).toEqual([]);
  const pass = stackForward(host, mixed, params, x, packing);
  for (const [given, cotangent, words] of [
    [grads().slice(1), dY, /gradients must have one entry per layer, 3; got 2/],
    [grads(), random([N, 5], createRng(6)), /dY must be/],
  ] as const) {
    expect(() => stackBackward(host, pass, cotangent, given)).toThrow(words);
    await expect(stackBackwardAsync(devices, pass, cotangent, given)).rejects.toThrow(words);
  }
  expect(devices.done).toEqual([]);
});

test('the linear map, with and without dX', async () => {
  const rng = createRng(8);
  const params = initLinear(D, 4, rng, float64);
  params.b.data.forEach((_, k) => (params.b.data[k] = rng.normal()));
  const [x, dY] = [random([N, D], rng), random([N, 4], rng)];
  const zeros = () => ({ W: allocate([D, 4], 'float64'), b: allocate([4], 'float64') });
  const devices = slowDevice();
  expect(numbers(await linearForwardAsync(devices, params, x))).toEqual(numbers(linearForward(host, params, x)));
  for (const wanted of [true, false]) {
    const dX = () => (wanted ? random([N, D], createRng(9)) : undefined); // gradients are added to
    const [here, there, dXHere, dXThere] = [zeros(), zeros(), dX(), dX()];
    linearBackward(host, params, x, dY, here, dXHere);
    await linearBackwardAsync(devices, params, x, dY, there, dXThere);
    expect([there.W, there.b, dXThere].map((t) => t && numbers(t))).toEqual(
      [here.W, here.b, dXHere].map((t) => t && numbers(t)),
    );
  }
  expect(devices.done).toEqual(['addMatmul', 'addMatmulTB', 'addMatmulTA', 'addMatmulTA']);
  await expect(linearForwardAsync(devices, params, dY)).rejects.toThrow(/x must be/);
  await expect(linearBackwardAsync(devices, params, x, x, zeros())).rejects.toThrow(/dY/);
});
