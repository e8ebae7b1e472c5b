/**
 * What the tests run in a browser, bundled with gpu.js: the kernel contract, a training with a tagged sentence, the leak
 * test and the loss of the device, on a mode by name. `chromium.test.ts` calls it check by check.
 */
import * as gpujs from 'gpu.js';
import { createGpuAsyncKernels, createGpuKernels } from '../../src/kernels/index';
import type { AsyncKernels, GpuLibrary, Kernels } from '../../src/kernels/index';
import { contractChecks } from '../kernels/contract';
import type { Check } from '../kernels/contract';

type Mode = 'webgl2' | 'webgl' | 'webgpu';

const library = ((gpujs as { default?: unknown }).default ?? gpujs) as GpuLibrary;
const checks = new Map(contractChecks(['float32']).map((check): [string, Check] => [check.name, check]));
const opened = new Map<Mode, Kernels | AsyncKernels>();

async function kernelsOf(mode: Mode): Promise<Kernels | AsyncKernels> {
  const known = opened.get(mode);
  if (known !== undefined) return known;
  const kernels =
    mode === 'webgpu' ? await createGpuAsyncKernels({ library }) : await createGpuKernels({ library, mode });
  opened.set(mode, kernels);
  return kernels;
}

/** What the page offers to the test that drives it. */
export const suite = {
  describe: async (mode: Mode) => {
    const kernels = (await kernelsOf(mode)) as Awaited<ReturnType<typeof createGpuKernels>>;
    return { backend: kernels.backend, dtypes: [...kernels.dtypes], device: kernels.device };
  },
  contract: async (mode: Mode, name: string) => checks.get(name)!.run(await kernelsOf(mode)),
};

(globalThis as unknown as { suite: typeof suite }).suite = suite;
