/** Tensors that people hold: ndarrays over a new or given typed array. */
import ndarray from 'ndarray';
import type { NdArray } from 'ndarray';
import type { DType, Real } from './types.js';
import { flat, sizeOf } from './view.js';

/** A new row-major ndarray of zeros. */
export function zeros(shape: readonly number[], dtype: DType = 'float32'): NdArray<Real> {
  return ndarray(flat(sizeOf(shape), dtype), [...shape]) as NdArray<Real>;
}
