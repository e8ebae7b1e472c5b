/** A matrix seen with its axes swapped. */
import type { Tensor } from '../../tensor/types.js';

/** The transpose of a matrix as a plain view; nothing is copied. All loops follow strides, so `TA` and `TB` need nothing else. */
export function transposed(x: Tensor): Tensor {
  return { data: x.data, shape: [x.shape[1], x.shape[0]], stride: [x.stride[1], x.stride[0]], offset: x.offset };
}
