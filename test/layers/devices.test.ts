/**
 * The stack where an asynchronous device takes whole layers: the bits of the synchronous stack, for every option of its, because
 * both are one text. What a device does not take runs on the host.
 */
import { packingOf } from '../../src/autograd/packing.js';
import { flatten } from '../../src/autograd/grads.js';
import type { Keep } from '../../src/autograd/index.js';
import { cells, type State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import {
  initStack,
  stackBackward,
  stackBackwardAsync,
  stackForward,
  stackForwardAsync,
  type LayerParams,
  type LayerSpec,
  type LayerBackwardPass,
  type StackBackwardOptions,
  type StackOptions,
  type StackPass,
} from '../../src/layers/index.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { createKey } from '../../src/tensor/random-key.js';
import type { Rng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, flatCopy, viewOf } from '../../src/tensor/view.js';
import { slowDevice } from '../support/slow-device.js';
import { numbers, random as random64 } from './support.js';

const host = createCpuKernels();
const packing = packingOf([3, 1, 5, 2]);
const [N, B, D] = [packing.total, packing.batch, 3];
const random = (shape: number[], rng: Rng): Tensor => random64(shape, rng, 'float32');

const lone: LayerSpec[] = [{ cell: cells.gru, hidden: 4 }];
const mixed: LayerSpec[] = [
  { cell: cells.lstm, hidden: 4, bidirectional: true },
  { cell: cells['gru-reset-before'], hidden: 3 },
  { cell: cells.rnn, hidden: 2, bidirectional: true },
];

/** Random weights, with learned initial states, and zeros of the same structure for the gradients. */
function weights(specs: readonly LayerSpec[]): { params: LayerParams[]; grads: () => LayerParams[] } {
  const make = () => initStack(D, specs, createRng(1), { learnedInitialState: true });
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

const namesOf = (specs: readonly LayerSpec[]): string[] =>
  specs.flatMap(({ cell, bidirectional }) => (bidirectional ? [cell.name, cell.name] : [cell.name]));

/** Both passes of a stack, on the host and with a device. */
async function both(specs: LayerSpec[], { forward, dropout, backward }: Choice, names?: string[]) {
  const { params, grads } = weights(specs);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const options = (keep?: Keep): StackOptions => ({
    ...forward,
    ...(keep && { keep }),
    ...(dropout === undefined ? {} : { dropout: { p: 0.4, key: createKey(7), perSequence: dropout } }),
  });
  const [here, there] = [grads(), grads()];
  const [dXHere, dXThere] = [allocate([N, D], 'float32'), allocate([N, D], 'float32')];
  const pass = stackForward(host, specs, params, x, packing, options());
  const back = stackBackward(host, pass, dY, here, { ...backward, dX: dXHere });
  const devices = slowDevice(host, names);
  const later = await stackForwardAsync(devices, specs, params, x, packing, options(forward?.keep ?? 'gradients'));
  const laterBack = await stackBackwardAsync(devices, later, dY, there, { ...backward, dX: dXThere });
  const done = [...devices.done]; // what is read below is computed on the host
  const want = results(pass, back, dXHere, here);
  expect(want.grads.some((g) => g.some((v) => v !== 0))).toBe(true);
  return { got: results(later, laterBack, dXThere, there), want, done };
}

test.each(choices)('a stack forward and backward: %s', async (_, specs, choice) => {
  const { got, want, done } = await both(specs, choice);
  expect(got).toEqual(want);
  const [names, end] = [namesOf(specs), choice.backward?.truncate ? 'released' : 'backward'];
  const backwards = [...names].reverse().map((name) => `${name} ${end}`);
  expect(done).toEqual([...names.map((name) => `${name} forward`), ...backwards]);
});

test('layers that the device does not take run on the host, those it takes run there', async () => {
  const { got, want, done } = await both(mixed, {}, ['gru-reset-before']);
  expect(got).toEqual(want);
  expect(done).toEqual(['gru-reset-before forward', 'gru-reset-before backward']);
  const none = await both(mixed, {}, []);
  expect([none.got, none.done]).toEqual([none.want, []]);
});

test('nothing goes to the device where every step is to be at hand, or in float64', async () => {
  const { got, want, done } = await both(mixed, { forward: { keep: 'steps' } });
  expect([got, done]).toEqual([want, []]);
  const { params } = weights(lone);
  const wide = params.map((layer) => ({
    forward: Object.fromEntries(
      Object.entries(layer.forward).map(([name, p]) => [name, viewOf(flatCopy(p, 'float64'), p.shape)]),
    ) as never,
  }));
  const devices = slowDevice(host);
  await stackForwardAsync(devices, lone, wide, random64([N, D], createRng(5)), packing, { keep: 'gradients' });
  expect(devices.done).toEqual([]);
});

test('an evaluation keeps nothing, and no backward pass follows it', async () => {
  const { params, grads } = weights(mixed);
  const [x, dY] = [random([N, D], createRng(5)), random([N, 4], createRng(6))];
  const devices = slowDevice(host);
  const want = stackForward(host, mixed, params, x, packing);
  const options = { keep: 'nothing' } as const;
  const there = await stackForwardAsync(devices, mixed, params, x, packing, options);
  const here = stackForward(host, mixed, params, x, packing, options);
  for (const pass of [there, here]) {
    expect(numbers(pass.y)).toEqual(numbers(want.y));
    await expect(stackBackwardAsync(devices, pass, dY, grads())).rejects.toThrow(
      /rnn: unrollBackward: .*kept nothing;/,
    );
    expect(() => stackBackward(host, pass, dY, grads())).toThrow(ArgumentError);
    // Steps that are read after all are computed once more.
    const [again, first] = [pass.layers[0].forward, want.layers[0].forward];
    expect([numbers(again.states.h), numbers(again.saved.a)]).toEqual([
      numbers(first.states.h),
      numbers(first.saved.a),
    ]);
  }
});

test('without dX the first layer gets no gradient of its input, and every weight still gets its own', async () => {
  const { params, grads } = weights(mixed);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const [here, there] = [grads(), grads()];
  const pass = stackForward(host, mixed, params, x, packing);
  stackBackward(host, pass, dY, here);
  const devices = slowDevice(host);
  const later = await stackForwardAsync(devices, mixed, params, x, packing, { keep: 'gradients' });
  expect(await stackBackwardAsync(devices, later, dY, there)).toHaveLength(3);
  const all = (record: LayerParams[]) => Object.values(flatten(record as never)).map(numbers);
  expect(all(there)).toEqual(all(here));
});

test('what the synchronous stack refuses, the asynchronous one refuses in the same words, before any product', async () => {
  const { params, grads } = weights(mixed);
  const x = random([N, D], createRng(5));
  const dY = random([N, 4], createRng(6));
  const devices = slowDevice(host);
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
