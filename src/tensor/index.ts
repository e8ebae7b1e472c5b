/** Tensors: ndarrays and plain views over typed arrays, seeded randomness, deterministic transcendentals. */
export type { DType, Real, Tensor } from './types.js';
export { ArgumentError, BpttError, DataError, NonFiniteError, ShapeError, UnsupportedError } from './errors.js';
export { asNdarray, copy, fromArray, normal, uniform, zeros, zerosLike } from './create.js';
export type { Nested } from './create.js';
export { allocate, columns, dtypeOf, flat, flatten, rows, sizeOf, stridesOf, viewOf } from './view.js';
export { createRng, restoreRng } from './random.js';
export type { Rng, RngState, Shuffleable } from './random.js';
export { exp, expf, log, logf, sigmoid, sigmoidf, tanh, tanhf, transcendentals } from './math.js';
export type { Transcendentals } from './math.js';
