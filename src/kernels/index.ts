/**
 * Matmul backends: the interface, the backends in plain JavaScript, in WebAssembly and on a GPU, and helpers for custom backends.
 *
 * @module bptt/kernels
 */
export type {
  AdamFactors,
  AsyncKernels,
  AsyncLayerKernel,
  AsyncResidentLayer,
  CrfChainArrays,
  CrfKernel,
  CrfLatticeArrays,
  CrfMarginalArrays,
  FusedScan,
  InferenceLayer,
  InferenceTensors,
  TakenStates,
  Kernels,
  LayerGradients,
  LayerKernel,
  LayerSize,
  LayerTensors,
  OwnRows,
  SoftmaxKernel,
  Products,
  ResidentLayer,
  RowKernels,
  ScanTensors,
} from './types.js';
export type { Phase, Profile } from './profile.js';
export { profile } from './profile.js';
export type { Product } from './check.js';
export { checkProduct } from './check.js';
export type { OwnAsyncKernels, OwnKernels } from './complete.js';
export { completeAsyncKernels, completeKernels } from './complete.js';
export { createCpuKernels } from './cpu/index.js';
export { createReferenceKernels } from './cpu/reference.js';
export type { Candidate, Opened, Rejection, SelectOptions, Selection } from './select.js';
export { candidates, selectBackend } from './select.js';
export type { WasmKernels, WasmOptions } from './wasm/index.js';
export { createWasmKernels } from './wasm/index.js';
export type { Workspace } from './wasm/memory.js';
export type { LossListener, Routing } from './fallback.js';
export { lossMessage, withAsyncFallback, withFallback } from './fallback.js';
export type { Calibration, CalibrateOptions, CalibrationSample, LayerCrossover, LayerSample } from './gpu/calibrate.js';
export { calibrate, describeCalibration } from './gpu/calibrate.js';
export type { DeviceInfo } from './gpu/device/device.js';
export type { CacheOptions, GpuAsyncKernels, GpuKernels, GpuOptions } from './gpu/index.js';
export { createGpuAsyncKernels, createGpuKernels } from './gpu/index.js';
export type { GpuLibrary, GpuMode } from './gpu/device/library.js';
