export type { Devices } from './devices.js';
export { unrollAsync, unrollBackwardAsync } from './devices.js';
export type { Dual, DualOps } from './dual.js';
export { dual, dualOps } from './dual.js';
export type { DualLayer, DualLoss, DualRecord, DualStack, DualUnrolled, UnrollDualOptions } from './forward-mode.js';
export { directionalDerivative, forwardGradient, stackDual, unrollDual } from './forward-mode.js';
export type { GradcheckOptions, CheckedElement, GradcheckReport } from './gradcheck.js';
export { describeElement, gradcheck } from './gradcheck.js';
export type { NestedTensors, RowGradient, TensorRecord } from './grads.js';
export {
  addGrads,
  createRowGradient,
  flatten,
  isRowGradient,
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
export type { Tape, TapeNode, TapeOptions } from './tape.js';
export { createTape } from './tape.js';
export type { Truncation, Window } from './truncate.js';
export { checkTruncation, reachOf, windowsOf } from './truncate.js';
export { unroll, unrollBackward } from './unroll.js';
