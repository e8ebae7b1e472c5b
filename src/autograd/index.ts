/**
 * Backpropagation through time: a cell over packed sequences and back, truncation, records of gradients, and the independent
 * oracles: gradient check, forward mode and a tape.
 *
 * @module bptt/autograd
 */
export type { Devices } from './devices.js';
export { unrollAsync, unrollBackwardAsync } from './devices.js';
export type { Dual, DualOps } from './check/dual.js';
export { dual, dualOps } from './check/dual.js';
export type {
  DualLayer,
  DualLoss,
  DualRecord,
  DualStack,
  DualUnrolled,
  UnrollDualOptions,
} from './check/forward-mode.js';
export { directionalDerivative, forwardGradient, stackDual, unrollDual } from './check/forward-mode.js';
export type { GradcheckOptions, CheckedElement, GradcheckReport, Kink } from './check/gradcheck.js';
export { describeElement, gradcheck } from './check/gradcheck.js';
export type { NestedTensors, RowSparseGradient, TensorRecord } from './grads.js';
export {
  addGrads,
  createRowSparseGradient,
  flatten,
  isRowSparseGradient,
  nestLike,
  scaleGrads,
  touch,
  zeroGrads,
  zeroInPlace,
} from './grads.js';
export { clipByGlobalNorm, clipByValue, globalNorm } from './norms.js';
export { finalOf, initialFor, packFloats, toCallerOrder, unpackFloats } from './order.js';
export type { Packing } from './packing.js';
export { packingOf, reversal, rowOf } from './packing.js';
export type {
  BackwardOptions,
  BackwardPass,
  BackwardStep,
  Direction,
  Keep,
  OnStep,
  Unrolled,
  UnrollOptions,
} from './layout.js';
export { quantityGradient, quantityValue } from './quantities.js';
export type { Tape, TapeCore, TapeNode, TapeOptions } from './tape/tape.js';
export type { TapeOps } from './tape/tape-ops.js';
export { createTape } from './tape/tape.js';
export type { Truncation, Window } from './truncate.js';
export { checkTruncation, reachOf, windowsOf } from './truncate.js';
export { unroll, unrollBackward } from './unroll.js';
