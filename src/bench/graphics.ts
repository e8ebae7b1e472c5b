/** The backend on a GPU, opened to be timed: what it can no longer do is an error, not a product on the CPU. */
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
 * Opens the device of this machine, with the best backend of the CPU behind it for what is not a product.
 *
 * @throws UnsupportedError without gpu.js, or where the device is unavailable: what is missing, in a sentence
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

/** gpu.js as the tests of a checkout have it, with its native module; nothing where the package's own is to be used. */
export function libraryOfCheckout(folder = folderOfPackage()): GpuLibrary | undefined {
  try {
    return createRequire(join(folder, 'test/gpu/package.json'))('gpu.js') as GpuLibrary;
  } catch {
    return undefined; // no checkout, or nothing installed there: the package's own, or the reason why there is none
  }
}
