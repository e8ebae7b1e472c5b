/** Matmul backends: the interface, those in plain JavaScript and in WebAssembly, and what a backend of your own needs. */
export type { AsyncKernels, FusedScan, Kernels, ScanTensors } from './types.js';
export type { Product } from './check.js';
export { checkProduct } from './check.js';
export { createCpuKernels } from './cpu/index.js';
export type { Candidate, Rejection, SelectOptions, Selection } from './select.js';
export { candidates, select } from './select.js';
export type { WasmKernels, WasmOptions } from './wasm/index.js';
export { createWasmKernels } from './wasm/index.js';
