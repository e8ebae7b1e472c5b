export type { Packing } from './packing.js';
export { packingOf, reversal, rowOf } from './packing.js';
export type { BackwardOptions, Direction, Unrolled, UnrollOptions, Unwound } from './storage.js';
export type { Truncation, Window } from './truncate.js';
export { checkTruncation, windowsOf } from './truncate.js';
export { unroll, unrollAsync, unrollBackward, unrollBackwardAsync } from './unroll.js';
