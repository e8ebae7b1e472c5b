/** The backend on headless-gl, in Node under an X display: the contract. */
import { createGpuKernels } from '../../src/kernels/index';
import { kernelContract } from '../kernels/contract';

kernelContract('gpu.js:headlessgl', ['float32'], () => createGpuKernels());
