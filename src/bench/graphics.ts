/** Opens the GPU backend for timing: a failure is an error, without fallback to the CPU. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { GpuLibrary } from '../kernels/index.js';
import { createGpuKernels, selectBackend } from '../kernels/index.js';
import { nodeOptions } from '../kernels/select.node.js';
import { folderOfPackage } from './package-info.js';
import { rateOf } from './timeouts.js';
import { withoutFallback } from './no-fallback.js';
import type { Backend } from './types.js';

/**
 * Opens the device of this machine, with the best CPU backend for everything except products.
 *
 * @throws UnsupportedError without gpu.js, or if the device is unavailable; the message states what is missing
 */
export async function openGraphics(): Promise<Omit<Backend, 'system'>> {
  const device = await createGpuKernels({ ...nodeOptions.gpu, library: libraryOfCheckout() });
  const { renderer, software } = device.device;
  const rate = await rateOf(device);
  const { kernels: host } = await selectBackend({ dtype: 'float32' });
  return {
    backend: device.backend,
    kernels: withoutFallback(device, host),
    graphics: { place: { device: renderer, software }, rate },
  };
}

/** gpu.js from the tests of a checkout, with its native module; undefined if the package's own is to be used. */
export function libraryOfCheckout(folder = folderOfPackage()): GpuLibrary | undefined {
  try {
    return createRequire(join(folder, 'test/gpu/package.json'))('gpu.js') as GpuLibrary;
  } catch {
    return undefined; // no checkout, or nothing installed there: use the package's own, or report why there is none
  }
}
