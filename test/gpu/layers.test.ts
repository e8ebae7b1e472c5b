/** Whole layers on headless-gl: the balls of float32, memory, and a context that is destroyed between the passes. */
import { createGpuKernels } from '../../src/kernels/index';
import type { GpuKernels } from '../../src/kernels/index';
import { LAYER_CASES, layerName, outsideOf, watchedLayers } from '../kernels/layers';

describe('a layer on gpu.js:headlessgl', () => {
  let device: GpuKernels;
  beforeAll(async () => {
    device = await createGpuKernels();
  });
  afterAll(() => device.dispose());

  it.each(LAYER_CASES.map((c) => [layerName(c), c] as const))('keeps every result in its ball: %s', (_, c) => {
    const { kernels, answers } = watchedLayers(device);
    expect(outsideOf(kernels, c)).toEqual([]);
    expect(new Set(answers)).toEqual(new Set(['forward true', 'backward true']));
    expect(device.waiting).toBe(0);
  });
});
