/**
 * Whole layers of the backend on a device, here without one: every cell in its ball, what is drawn and read, what lives, what a
 * device that fails leaves behind. `test/gpu` runs them on real contexts.
 */
import { createCpuKernels, createGpuAsyncKernels, createGpuKernels } from '../../src/kernels/index';
import { fakeGpu } from '../support/fake-gpu';
import { LAYER_CASES, layerName, outsideOf, outsideOfAsync, watchedLayers } from './layers';

const open = (device: ReturnType<typeof fakeGpu>) => createGpuKernels({ library: device.library, mode: 'webgl2' });

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
    expect(await outsideOfAsync(later, createCpuKernels(), c)).toEqual([]);
    expect(device.calls).toBeGreaterThan(10);
    expect(device.textures.size).toBe(0);
  });
});
