/** Gradients of a single encoder in which an assignment is told from an addition. */
import type { EncoderLayer, Features } from '../../../src/labeling/model/encoders/encoder.js';
import type { Kernels } from '../../../src/kernels/types.js';
import type { Tensor } from '../../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../../src/tensor/view.js';

/** An encoder with numbers, and ∂L/∂y of a loss. */
export interface EncoderProblem {
  readonly layer: EncoderLayer;
  readonly params: Readonly<Record<string, Tensor>>;
  readonly features: Features;
  readonly cotangent: Tensor;
}

/** What gradients start from, before a pass adds to them. */
const START = 0.375;

/** Gradients from `START`, subtracted again: an assignment in place of an addition is found out. */
export function gradientsFrom(
  kernels: Kernels,
  { layer, params, features, cotangent }: EncoderProblem,
  own: EncoderLayer = layer,
) {
  const grads = Object.fromEntries(
    Object.entries(params).map(([name, x]) => {
      const g = allocate(x.shape, dtypeOf(x.data));
      g.data.fill(START);
      return [name, g];
    }),
  );
  own.backward(kernels, params, own.forward(kernels, params, features), cotangent, grads);
  for (const g of Object.values(grads)) g.data.forEach((value, i) => (g.data[i] = value - START));
  return grads;
}
