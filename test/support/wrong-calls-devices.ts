/** Kernels for valid calls: those of the CPU, and the same ones as an asynchronous device. */
import { createCpuKernels } from '../../src/kernels/index.js';
import type { AsyncKernels } from '../../src/kernels/index.js';

export const kernels = () => createCpuKernels();

export const device = (): AsyncKernels => {
  const host = kernels();
  return {
    ...host,
    addMatmul: async (...args) => Promise.resolve(host.addMatmul(...args)),
    addMatmulTA: async (...args) => Promise.resolve(host.addMatmulTA(...args)),
    addMatmulTB: async (...args) => Promise.resolve(host.addMatmulTB(...args)),
    dispose: async () => Promise.resolve(),
  };
};

export const devices = () => ({ device: device(), host: kernels() });
