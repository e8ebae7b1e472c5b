/**
 * Whole layers of the backend on a device, here without one: every cell in its ball, what is drawn and read, what lives, what a
 * device that fails leaves behind. `test/gpu` runs them on real contexts.
 */
import { packingOf, unroll, unrollBackward } from '../../src/autograd/index';
import { cells } from '../../src/cells/index';
import type { CellParams } from '../../src/cells/index';
import { createCpuKernels, createGpuAsyncKernels, createGpuKernels } from '../../src/kernels/index';
import { withAsyncFallback, withFallback } from '../../src/kernels/fallback';
import type { GpuOptions, Kernels } from '../../src/kernels/index';
import { modelForward } from '../../src/labeling/model/model';
import { initNetwork, networkOf } from '../../src/labeling/model/network';
import { featuresOf, taggerConfig } from '../support/models';
import { createKey, createRng } from '../../src/tensor/index';
import { placesOf } from '../../src/layers/index';
import { allocate } from '../../src/tensor/view';
import { fakeGpu } from '../support/fake-gpu';
import { gateErrors } from './gate-errors';
import {
  BROKEN,
  LAYER_CASES,
  breaking,
  layerName,
  outsideOf,
  outsideOfAsync,
  watchedAsyncLayers,
  watchedLayers,
} from './layers';

type Fake = ReturnType<typeof fakeGpu>;
const open = (device: Fake, options: GpuOptions = {}) =>
  createGpuKernels({ library: device.library, mode: 'webgl2', ...options });

const cpu = createCpuKernels();

describe.each(LAYER_CASES.map((c) => [layerName(c), c] as const))('%s', (_, c) => {
  it('keeps every result in its ball, and leaves nothing on the device', async () => {
    const device = fakeGpu();
    const { kernels, answers } = watchedLayers(await open(device));
    expect(outsideOf(kernels, c)).toEqual([]);
    expect(new Set(answers)).toEqual(new Set(['forward true', 'backward true']));
    expect(device.textures.size).toBe(0);
  });

  it('does so where answers come later', async () => {
    const device = fakeGpu();
    const later = await createGpuAsyncKernels({ library: device.library });
    const watched = watchedAsyncLayers(later);
    expect(await outsideOfAsync(watched.device, cpu, c)).toEqual([]);
    expect(new Set(watched.answers)).toEqual(new Set(['forward true', 'backward true']));
    expect(device.textures.size).toBe(0);
  });
});

it.each(BROKEN)('%s leaves its ball where "%s" is "%s"', async (cell, from, to) => {
  const { library, found } = breaking(fakeGpu().library, from, to);
  const kernels = await createGpuKernels({ library, mode: 'webgl2' });
  const ragged = LAYER_CASES.filter((c) => c.cell === cell && c.lengths.length > 2 && c.hidden[0] < 9);
  expect(ragged.flatMap((c) => outsideOf(kernels, c))).not.toEqual([]);
  expect(found()).toBe(true);
});

it('has gates within the errors the balls take them to have', async () => {
  const { worst, allowed } = await gateErrors(fakeGpu().library, 'webgl2');
  expect(worst.logistic).toBeLessThanOrEqual(allowed.logistic);
  expect(worst.hyperbolic).toBeLessThanOrEqual(allowed.hyperbolic);
});

/** A layer of 3 inputs and 4 units, and the gradients it adds to. */
function problem(name: string, lengths: readonly number[]) {
  const rng = createRng(9);
  const cell = cells[name];
  const packing = packingOf(lengths);
  const params = cell.initialize(3, 4, rng, { learnedInitialState: true });
  const random = (...shape: number[]) => {
    const x = allocate(shape, 'float32');
    x.data.forEach((_, i) => (x.data[i] = rng.normal()));
    return x;
  };
  const [x, dY] = [random(packing.total, 3), random(packing.total, 4)];
  const grads = Object.fromEntries(Object.entries(params).map(([n, p]) => [n, allocate(p.shape, 'float32')]));
  return { cell, params, packing, x, dY, grads: grads as unknown as CellParams };
}

describe('a layer', () => {
  it('draws two kernels a step each way, a quarter for putting steps together, and reads once and twice', async () => {
    const device = fakeGpu();
    const kernels = await open(device);
    const { cell, params, packing, x, dY, grads } = problem('lstm', [50, 3]);
    const counted = (act: () => void) => {
      const [calls, reads] = [device.calls, device.reads];
      act();
      return { draws: device.calls - calls, reads: device.reads - reads };
    };
    let unrolled = unroll(kernels, cell, params, x, packing);
    // W, x, the initial state; x·Wx; 50 steps; 51 states by fives, 11 and 3; the rows.
    const forward = counted(() => (unrolled = unroll(kernels, cell, params, x, packing, { keep: 'gradients' })));
    expect(forward).toEqual({ draws: 3 + 1 + 2 * 50 + 11 + 3 + 1, reads: 1 });
    // dY, dFinal; 50 steps; 10 and 2; da and h of the rows; the gradients; dX.
    const dX = allocate(x.shape, 'float32');
    const backward = counted(() => unrollBackward(kernels, unrolled, dY, grads, { dX }));
    expect(backward).toEqual({ draws: 2 + 2 * 50 + 10 + 2 + 2 + 1 + 1, reads: 2 });
  });

  it('keeps nothing on the device where no backward pass follows, and refuses one', async () => {
    const device = fakeGpu();
    const kernels = await open(device);
    const { cell, params, packing, x, dY, grads } = problem('gru', [5, 3, 1]);
    const unrolled = unroll(kernels, cell, params, x, packing, { keep: 'nothing' });
    expect(device.textures.size).toBe(0);
    expect(() => unrollBackward(kernels, unrolled, dY, grads)).toThrow(/gru: unrollBackward: .*kept nothing;/);
  });

  it('shows its steps to who asks after all: those of the host', async () => {
    const kernels = withFallback(await open(fakeGpu()), cpu);
    const { cell, params, packing, x, dY, grads } = problem('lstm', [4, 2, 2]);
    const want = unroll(cpu, cell, params, x, packing);
    const other = problem('lstm', [4, 2, 2]);
    const wantUnwound = unrollBackward(cpu, want, dY, other.grads);
    const got = unroll(kernels, cell, params, x, packing, { keep: 'gradients' });
    expect(got.onDevice).toBeDefined();
    const unwound = unrollBackward(kernels, got, dY, grads);
    const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a, (value, i) => expect(value).toBeCloseTo(b[i], 5));
    close(got.states.c.data, want.states.c.data);
    close(got.saved.a.data, want.saved.a.data);
    close(unwound.dStates.h.data, wantUnwound.dStates.h.data);
    close(unwound.stepGrads.da.data, wantUnwound.stepGrads.da.data);
    close(grads.Wh.data, other.grads.Wh.data); // looking has added nothing
  });

  it('goes the ordinary way in float64, where nobody allows it, and truncated', async () => {
    const device = fakeGpu();
    const { kernels, answers } = watchedLayers(await open(device));
    const { cell, params, packing, x, dY, grads } = problem('rnn', [6, 5]);
    expect(unroll(kernels, cell, params, x, packing).onDevice).toBeUndefined();
    const unrolled = unroll(kernels, cell, params, x, packing, { keep: 'gradients' });
    unrollBackward(kernels, unrolled, dY, grads, { truncate: { every: 2, back: 3 } });
    expect(answers).toEqual(['forward true']);
    expect(device.textures.size).toBe(0);
    const want = problem('rnn', [6, 5]);
    unrollBackward(cpu, unroll(cpu, cell, params, x, packing), dY, want.grads, { truncate: { every: 2, back: 3 } });
    grads.Wh.data.forEach((value, i) => expect(value).toBeCloseTo(want.grads.Wh.data[i], 5));
  });

  it('declines what does not fit a texture, and no steps at all', async () => {
    const device = fakeGpu({ maxTextureSize: 64 });
    const { suits } = (await open(device)).fused!.lstm.layer!;
    const size = { steps: 4, B: 3, N: 12, D: 5, H: 4 };
    expect(suits(size)).toBe(true);
    for (const change of [{ steps: 0 }, { N: 0 }, { B: 0 }, { H: 17 }, { D: 65 }, { N: 65 }, { steps: 40, B: 13 }]) {
      expect(suits({ ...size, ...change })).toBe(false);
    }
  });

  it('gives way to later ones, and is computed again on the host', async () => {
    const device = fakeGpu();
    const kernels = await open(device);
    const { cell, params, packing, x, dY, grads } = problem('rnn', [3, 2]);
    const forward = () => unroll(kernels, cell, params, x, packing, { keep: 'gradients' });
    const first = forward();
    const perLayer = device.textures.size;
    for (let i = 0; i < 80; i++) forward();
    expect(kernels.pending).toBe(64);
    expect(device.textures.size).toBe(64 * perLayer);
    const { kernels: watching, answers } = watchedLayers(kernels);
    expect(first.onDevice?.backward({ dY, dFinal: {}, grads, dInitial: {} })).toBe(false);
    unrollBackward(watching, first, dY, grads);
    expect(answers).toEqual([]);
    expect(grads.Wh.data.some((value) => value !== 0)).toBe(true);
    const last = forward();
    last.onDevice?.release();
    last.onDevice?.release();
    expect(kernels.pending).toBe(63);
    kernels.dispose();
    expect([kernels.pending, device.textures.size, device.destroyed]).toEqual([0, 0, device.created]);
  });

  it('holds few bytes where few are allowed', async () => {
    const kernels = await open(fakeGpu(), { maximumBytes: 1 });
    const { cell, params, packing, x } = problem('rnn', [3, 2]);
    for (let i = 0; i < 3; i++) unroll(kernels, cell, params, x, packing, { keep: 'gradients' });
    expect(kernels.pending).toBe(1);
  });

  it('keeps its kernels while it waits, however few may be kept', async () => {
    const kernels = await open(fakeGpu(), { maximumKernels: 3 });
    const { cell, params, packing, x, dY, grads } = problem('lstm', [3, 2]);
    const unrolled = unroll(kernels, cell, params, x, packing, { keep: 'gradients' });
    expect(kernels.compiled).toBeGreaterThan(3);
    unrollBackward(kernels, unrolled, dY, grads);
    expect(kernels.compiled).toBe(3);
  });
});

/** All calls and reads fail but the next n calls; says whether one has. */
const failFrom = (device: Fake, n: number): (() => boolean) => {
  const last = device.calls + n;
  const fails = (): boolean => device.calls > last;
  Object.defineProperty(device, 'fault', { get: () => (fails() ? new Error('context lost') : null) });
  return fails;
};

describe('a device that fails in a layer', () => {
  const lossy = LAYER_CASES.find(({ cell, initial }) => cell === 'lstm' && initial === 'learned')!;

  it('is given up with one warning, wherever that is, and the results are those of the host', async () => {
    const whole = fakeGpu();
    outsideOf(await open(whole), lossy);
    for (let n = 0; n <= whole.calls; n += 3) {
      const device = fakeGpu();
      const warnings: string[] = [];
      const kernels: Kernels = withFallback(await open(device), cpu, ({ message }) => warnings.push(message));
      const fails = failFrom(device, n);
      expect(outsideOf(kernels, lossy)).toEqual([]);
      expect(warnings.length).toBe(fails() ? 1 : 0);
      expect(device.textures.size).toBe(0);
    }
  });

  it('is given up where answers come later too', async () => {
    for (const n of [1, 12, 30]) {
      const device = fakeGpu();
      const warnings: string[] = [];
      const later = await createGpuAsyncKernels({ library: device.library });
      const kernels = withAsyncFallback(later, cpu, ({ message }) => warnings.push(message));
      failFrom(device, n);
      expect(await outsideOfAsync(kernels, cpu, lossy)).toEqual([]);
      expect(warnings).toEqual([expect.stringMatching(/context lost/)]);
      expect(device.textures.size).toBe(0);
    }
  });
});

describe('the layers of a tagger', () => {
  const sizes = { cell: 'lstm', embedding: 3, hidden: [4, 2], bidirectional: true, dropout: 0.1 };
  const network = networkOf(taggerConfig(sizes, 7, 3));
  const params = initNetwork(network, createRng(2));
  const packing = packingOf([3, 2]);
  const ids = Int32Array.of(1, 2, 3, 4, 5);

  it.each([
    ['wait for a backward pass in training', 0, 'gradients', 4, 4],
    ['keep nothing in an evaluation', undefined, 'nothing', 4, 0],
    ['run on the host where every step is to be at hand', 0, 'steps', 0, 0],
  ] as const)('%s', async (_, wordDropout, keep, ran, wait) => {
    const kernels = await open(fakeGpu());
    const { kernels: watching, answers } = watchedLayers(kernels);
    const noise = wordDropout === undefined ? undefined : { key: createKey(3), places: placesOf(packing), wordDropout };
    modelForward(watching, network, params, featuresOf(ids), packing, { noise, keep });
    expect(answers).toEqual(new Array(ran).fill('forward true'));
    expect(kernels.pending).toBe(wait);
  });
});
