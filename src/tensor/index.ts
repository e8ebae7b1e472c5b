/**
 * Tensors: ndarrays and plain views over typed arrays, seeded randomness, deterministic transcendentals.
 *
 * @module bptt/tensor
 */
export type { DType, Real, Tensor } from './types.js';
export {
  ArgumentError,
  BpttError,
  DataError,
  DeviceError,
  MemoryError,
  NonFiniteError,
  ShapeError,
  UnsupportedError,
  WorkerError,
} from './errors.js';
export { asNdarray, copy, fromArray, normal, uniform, zeros, zerosLike } from './create.js';
export type { Nested } from './create.js';
export { allocate, dtypeOf, flat, flatCopy, isContiguous, sizeOf, stridesOf, viewOf } from './view.js';
export { columns, flattenTime, gate, rows, step, transpose } from './view.js';
export { expectNonNegative, expectNonNegativeInteger, expectOneOf, expectPositive } from './checks.js';
export { expectPositiveInteger, expectProbability, expectSameDType, expectSameShape, expectShape } from './checks.js';
export { expectKnownKeys, keysOf } from './checks.js';
export type { Axis } from './checks.js';
export { addScaled, addSumRows, addTo, allFinite, argmaxRows, dot, fill, findNonFinite, maxAbs } from './rows.js';
export { addeq, adds, assign, inf, muleq, mulseq, norm2, sub, subeq, sum, sup } from './ops.js';
export { format } from './print.js';
export type { FormatOptions } from './print.js';
export { createRng, restoreRng } from './random.js';
export type { Rng, RngState, Shuffleable } from './random.js';
export { createKey } from './random-key.js';
export type { RandomKey } from './random-key.js';
export { exp, expf, log, logf, sigmoid, sigmoidf, tanh, tanhf, transcendentals } from './math.js';
export type { Transcendentals } from './math.js';
