/**
 * A layer on its device: what a device is asked and given, that it gives the bits of the host, and that the host takes the steps
 * wherever it does not answer. These devices compute on the host, one at once and one later: one text serves both.
 */
import { packingOf, unroll, unrollAsync, unrollBackward, unrollBackwardAsync } from '../../src/autograd/index.js';
import type { BackwardOptions, BackwardPass, Keep, Unrolled, UnrollOptions } from '../../src/autograd/index.js';
import { lstm } from '../../src/cells/index.js';
import type { CellParams, LstmState } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import type { AsyncKernels, Kernels } from '../../src/kernels/index.js';
import type { LayerKernel, LayerSize, LayerTensors } from '../../src/kernels/types.js';
import { createRng } from '../../src/tensor/index.js';
import type { DType, Tensor } from '../../src/tensor/index.js';
import { allocate, flatCopy } from '../../src/tensor/view.js';
import { random } from '../layers/support.js';

const host = createCpuKernels();
const packing = packingOf([3, 1, 5, 2]);
const [N, B, D, H] = [packing.total, packing.batch, 3, 4];

/** What a device answers; left out, that it takes the layer and still has it on the way back. */
interface Answers {
  readonly suits?: boolean;
  readonly forward?: boolean;
  readonly backward?: boolean;
}

/** A device that takes an LSTM layer, and notes what it is asked. */
function createDevice({ suits = true, forward = true, backward = true }: Answers) {
  const sizes: LayerSize[] = [];
  const given: LayerTensors[] = [];
  const done: string[] = [];
  const layer: LayerKernel = {
    suits: (size) => (sizes.push(size), suits),
    forward(tensors) {
      given.push(tensors);
      done.push('forward');
      if (!forward) return undefined;
      const { batchSizes, params, x, initial, y, final } = tensors;
      const lengths = Array.from({ length: batchSizes[0] }, (_, b) => batchSizes.filter((size) => size > b).length);
      const start = initial as unknown as LstmState;
      const pass = unroll(host, lstm, params as never, x, packingOf(lengths), { initial: start });
      const copy = (out: Tensor, from: Tensor): void => void out.data.set(flatCopy(from), out.offset);
      copy(y, pass.y);
      for (const name of lstm.states) copy(final[name], pass.final[name]);
      return {
        backward({ dY, dFinal, grads, dX, dInitial }) {
          done.push('backward');
          if (!backward) return false;
          const back = unrollBackward(host, pass, dY, grads as never, { dX, dFinal: dFinal as never });
          for (const name of lstm.states) copy(dInitial[name], back.dInitial[name]);
          return true;
        },
        release: () => void done.push('released'),
      };
    },
  };
  return { layer, sizes, given, done };
}

/** Both passes of a layer, whoever runs them. */
interface Runner {
  forward(problem: Problem, options: UnrollOptions): Promise<Unrolled>;
  backward(pass: Unrolled, dY: Tensor, grads: CellParams, options: BackwardOptions): Promise<BackwardPass>;
}

const at = (kernels: Kernels): Runner => ({
  forward: async ({ params, x }, options) => unroll(kernels, lstm, params as never, x, packing, options) as never,
  backward: async (pass, dY, grads, options) => unrollBackward(kernels, pass, dY, grads, options),
});

const noProduct = async (): Promise<void> => {
  throw new Error('a product was sent to a device that takes whole layers');
};

/** A runner that has a device, by when the device answers. */
const RUNNERS: Readonly<Record<string, (layer: LayerKernel) => Runner>> = {
  'at once': (layer) => {
    const no = (): boolean => false;
    return at({ ...host, fused: { lstm: { forward: no, backward: no, layer } } });
  },
  later: (layer) => {
    const device: AsyncKernels = {
      ...{ backend: 'device', dtypes: host.dtypes, dispose: async () => undefined },
      ...{ addMatmul: noProduct, addMatmulTA: noProduct, addMatmulTB: noProduct },
      layers: {
        lstm: {
          suits: layer.suits,
          async forward(tensors) {
            const waiting = layer.forward(tensors);
            return waiting && { ...waiting, backward: async (gradients) => waiting.backward(gradients) };
          },
        },
      },
    };
    return {
      forward: ({ params, x }, options) =>
        unrollAsync(device, host, lstm, params as never, x, packing, options) as never,
      backward: (pass, dY, grads, options) => unrollBackwardAsync(device, host, pass, dY, grads, options),
    };
  },
};

interface Problem {
  readonly params: CellParams;
  readonly x: Tensor;
  readonly dY: Tensor;
  readonly states: LstmState;
}

function problemIn(dtype: DType, learnedInitialState = true): Problem {
  const rng = createRng(11);
  const params = lstm.initialize(D, H, rng, { dtype, learnedInitialState }) as unknown as CellParams;
  for (const p of Object.values(params)) p.data.forEach((v, i) => (p.data[i] = v + 0.3 * rng.normal()));
  const make = (...shape: number[]): Tensor => random(shape, rng, dtype);
  return { params, x: make(N, D), dY: make(N, H), states: { h: make(B, H), c: make(B, H) } };
}

interface Choice extends Answers {
  readonly learned?: boolean;
  readonly dtype?: DType;
  readonly forwardOptions?: UnrollOptions;
  readonly backwardOptions?: Omit<BackwardOptions, 'dX'>;
  readonly withoutDX?: boolean;
}

/** Everything that both passes give, in plain numbers. */
async function results(runner: Runner, choice: Choice) {
  const problem = problemIn(choice.dtype ?? 'float32', choice.learned);
  const like = (x: Tensor): Tensor => allocate(x.shape, choice.dtype ?? 'float32');
  const grads = Object.fromEntries(Object.entries(problem.params).map(([name, p]) => [name, like(p)]));
  if (choice.forwardOptions?.initial) for (const name of lstm.states) delete grads[`${name}0`];
  const dX = choice.withoutDX ? undefined : like(problem.x);
  const pass = await runner.forward(problem, { keep: 'gradients', ...choice.forwardOptions });
  const back = await runner.backward(pass, problem.dY, grads as unknown as CellParams, {
    ...choice.backwardOptions,
    dX,
  });
  const plain = (record: object) =>
    Object.fromEntries(Object.entries(record).map(([name, x]) => [name, [...flatCopy(x as Tensor)]]));
  const { y, final, states, saved, learnedInitial } = pass;
  const { dInitial, dStates, stepGrads } = back;
  return {
    ...{ learnedInitial, y: [...flatCopy(y)], dX: dX && [...dX.data] },
    ...{ final: plain(final), states: plain(states), saved: plain(saved), grads: plain(grads) },
    ...{ dInitial: plain(dInitial), dStates: plain(dStates), stepGrads: plain(stepGrads) },
  };
}

const { states } = problemIn('float32');

describe.each(Object.keys(RUNNERS))('a device that answers %s', (when) => {
  /** The results with a device, what the device did, and what the host says. */
  async function both(choice: Choice) {
    const device = createDevice(choice);
    const got = await results(RUNNERS[when](device.layer), choice);
    return { got, want: await results(at(host), choice), ...device };
  }

  const choices: [string, Choice][] = [
    ['a learned initial state', {}],
    ['an initial state of zero', { learned: false }],
    ['a given initial state', { forwardOptions: { initial: states } }],
    ['a loss of both final states', { backwardOptions: { dFinal: states } }],
    ['a loss of one final state', { backwardOptions: { dFinal: { c: states.c } } }],
    ['no gradient of the input', { withoutDX: true }],
    ['windows that cut nothing', { backwardOptions: { truncate: { every: 2, back: 5 } } }],
  ];
  const ways = choices.flatMap(([name, choice]) =>
    (['forward', 'reverse'] as const).map((direction) => [name, direction, choice] as const),
  );

  test.each(ways)('gives everything that the host gives, to the bit: %s, %s', async (_, direction, choice) => {
    const forwardOptions = { ...choice.forwardOptions, direction };
    const { got, want, done } = await both({ ...choice, forwardOptions });
    expect(got).toEqual(want);
    expect(done).toEqual(['forward', 'backward']);
  });

  test('is asked once, by the sizes of the layer, before anything is prepared', async () => {
    const { sizes, given } = await both({});
    expect(sizes).toEqual([{ steps: 5, B, N, D, H }]);
    expect([...given[0].batchSizes]).toEqual([4, 3, 2, 1, 1]);
    const declined = await both({ suits: false });
    expect(declined.sizes).toEqual(sizes);
    expect(declined.given).toEqual([]);
    expect(declined.got).toEqual(declined.want);
  });

  test.each<[Keep, boolean]>([
    ['gradients', true],
    ['nothing', false],
  ])('is told whether a backward pass may follow: keep %s, %s', async (keep, told) => {
    const { layer, given } = createDevice({});
    await RUNNERS[when](layer).forward(problemIn('float32'), { keep });
    expect(given.map((tensors) => tensors.keep)).toEqual([told]);
  });

  test.each<[string, Choice]>([
    ['every step is to be at hand', { forwardOptions: { keep: 'steps' } }],
    ['nothing is said of what to keep', { forwardOptions: { keep: undefined } }],
    ['the numbers are float64', { dtype: 'float64' }],
    [
      'the numbers are float64, and every step is to be at hand',
      { dtype: 'float64', forwardOptions: { keep: 'steps' } },
    ],
  ])('is not asked where %s', async (_, choice) => {
    const { got, want, sizes, given } = await both(choice);
    expect([sizes, given]).toEqual([[], []]);
    expect(got).toEqual(want);
  });

  test('that is gone by the forward pass leaves both passes to the host', async () => {
    const { got, want, done } = await both({ forward: false });
    expect(got).toEqual(want);
    expect(done).toEqual(['forward']);
  });

  test.each(['forward', 'reverse'] as const)(
    'that is gone by the backward pass leaves it to the host, %s',
    async (way) => {
      const { got, want, done } = await both({ backward: false, forwardOptions: { direction: way } });
      expect(got).toEqual(want);
      expect(done).toEqual(['forward', 'backward']);
    },
  );

  const seen: number[] = [];
  test.each<[string, Choice]>([
    ['truncation goes by windows', { backwardOptions: { truncate: { every: 2, back: 3 } } }],
    ['somebody looks at the steps', { backwardOptions: { onStep: ({ t }) => void seen.push(t) } }],
  ])('is released where %s', async (_, choice) => {
    const { got, want, done } = await both(choice);
    expect(got).toEqual(want);
    expect(done).toEqual(['forward', 'released']);
  });
});

test('what is not a device, or no kernels, is refused by the asynchronous entries in their own names', async () => {
  const { params, x, dY } = problemIn('float32');
  const pass = unroll(host, lstm, params as never, x, packing);
  const forward = (device: unknown, kernels: unknown) =>
    unrollAsync(device as never, kernels as never, lstm, params as never, x, packing);
  const backward = (device: unknown, kernels: unknown) =>
    unrollBackwardAsync(device as never, kernels as never, pass, dY, params as never);
  await expect(forward(7, host)).rejects.toThrow(/^unrollAsync: device must be kernels; got the number 7: /);
  await expect(forward(host, 7)).rejects.toThrow(/^unrollAsync: expected kernels; got the number 7: /);
  await expect(backward(7, host)).rejects.toThrow(/^unrollBackwardAsync: device must be kernels; got the number 7: /);
  await expect(backward(host, 7)).rejects.toThrow(/^unrollBackwardAsync: expected kernels; got the number 7: /);
});
