/** Whole layers on headless-gl: the balls of float32, memory, and a context that is destroyed between the passes. */
import { packingOf, unroll, unrollBackward } from '../../src/autograd/index';
import { cells } from '../../src/cells/index';
import type { CellParams } from '../../src/cells/index';
import { createCpuKernels, createGpuKernels, withFallback } from '../../src/kernels/index';
import type { GpuKernels, GpuLibrary, Kernels } from '../../src/kernels/index';
import { createRng } from '../../src/tensor/index';
import { allocate } from '../../src/tensor/view';
import { gateErrors } from '../kernels/gate-errors';
import { BROKEN, DEVICE_CASES, breaking, layerName, outsideOf, watchedLayers } from '../kernels/layers';
import type { Context } from './contexts';
import { contextsOf, texturesOf } from './contexts';

/** Behind a fallback, as in use; the host may not do what the device should. */
const behind = (device: Kernels): Kernels => {
  const fail = (error: Error) => {
    throw error;
  };
  return withFallback({ ...device, dispose: () => undefined }, createCpuKernels(), fail);
};

const lstmCase = DEVICE_CASES.find(({ cell, initial }) => cell === 'lstm' && initial === 'learned')!;

describe('a layer on gpu.js:headlessgl', () => {
  let device: GpuKernels;
  let context: Context;
  beforeAll(async () => {
    const opened = await contextsOf(() => createGpuKernels());
    device = opened.result;
    [context] = opened.contexts;
  });
  afterAll(() => device.dispose());

  it.each(DEVICE_CASES.map((c) => [layerName(c), c] as const))('keeps every result in its ball: %s', (_, c) => {
    const { kernels, answers } = watchedLayers(behind(device));
    expect(outsideOf(kernels, c)).toEqual([]);
    expect(new Set(answers)).toEqual(new Set(['forward true', 'backward true']));
    expect(device.pending).toBe(0);
  });

  it('has gates as exact as the balls take them to be', async () => {
    const { worst, allowed } = await gateErrors(jest.requireActual<GpuLibrary>('gpu.js'), 'headlessgl');
    expect(worst.logistic).toBeLessThanOrEqual(allowed.logistic);
    expect(worst.hyperbolic).toBeLessThanOrEqual(allowed.hyperbolic);
  });

  it('leaves its ball where an equation is wrong', async () => {
    const [, from, to] = BROKEN.find(([cell]) => cell === 'lstm')!;
    const { library, found } = breaking(jest.requireActual<GpuLibrary>('gpu.js'), from, to);
    const broken = await createGpuKernels({ library });
    expect(outsideOf(broken, lstmCase)).not.toEqual([]);
    expect(found()).toBe(true);
    broken.dispose();
  });

  it('keeps memory and the number of textures flat over 1,000 passes', () => {
    const textures = texturesOf(context);
    const cell = cells.lstm;
    const params = cell.initialize(3, 4, createRng(5));
    const grads = Object.fromEntries(Object.entries(params).map(([name, x]) => [name, allocate(x.shape, 'float32')]));
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const packing = packingOf([3, 1 + (i % 3), 2]);
        const x = allocate([packing.total, 3], 'float32');
        const training = i % 4 > 0; // every fourth is an evaluation
        const keep = training ? 'gradients' : 'nothing';
        const unrolled = unroll(device, cell, params, x, packing, { keep });
        // Every fifth training pass never sees its backward, as after a loss that is not a number.
        if (training && i % 5 > 0) unrollBackward(device, unrolled, unrolled.y, grads as unknown as CellParams);
        else unrolled.onDevice?.release();
      }
    };
    run(60);
    const [before, resident] = [textures.size, process.memoryUsage().rss];
    run(1000);
    expect(textures.size).toBe(before);
    expect(device.pending).toBe(0);
    expect(process.memoryUsage().rss - resident).toBeLessThan(48 * 2 ** 20);
  });

  it('frees what waits with everything else', async () => {
    const opened = await contextsOf(() => createGpuKernels());
    const textures = texturesOf(opened.contexts[0]);
    const cell = cells.gru;
    const packing = packingOf([4, 2]);
    const x = allocate([packing.total, 3], 'float32');
    for (let i = 0; i < 3; i++) {
      unroll(opened.result, cell, cell.initialize(3, 4, createRng(5)), x, packing, { keep: 'gradients' });
    }
    expect(opened.result.pending).toBe(3);
    expect(textures.size).toBeGreaterThan(20);
    opened.result.dispose();
    expect(textures.size).toBe(0);
  });

  it('is computed again on the host where the context is destroyed between its passes', async () => {
    const opened = await contextsOf(() => createGpuKernels());
    const warnings: string[] = [];
    const lossy = withFallback(opened.result, createCpuKernels(), ({ message }) => warnings.push(message));
    const { kernels, answers } = watchedLayers(lossy, (n) => {
      if (n === 1) opened.contexts[0].getExtension('STACKGL_destroy_context').destroy();
    });
    expect(outsideOf(kernels, lstmCase)).toEqual([]);
    expect(answers).toEqual(['forward true', 'backward false']);
    expect(warnings).toEqual([expect.stringMatching(/^gpu\.js:headlessgl.*(Invalid GL context|lost)/)]);
  });
});
