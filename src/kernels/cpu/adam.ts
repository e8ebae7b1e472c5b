/** One Adam update in plain loops; equations are numbered as in `optim/adam`. */
import type { Tensor } from '../../tensor/types.js';
import { isContiguous, sizeOf } from '../../tensor/view.js';
import type { AdamFactors } from '../types.js';

const { sqrt } = Math; // looked up once: see tensor/math.ts

/** See `RowKernels.adam`. */
export function plainAdam(
  param: Tensor,
  grad: Tensor,
  m: Tensor,
  v: Tensor,
  factors: AdamFactors,
  rows?: Int32Array,
): void {
  const tensors = [param, grad, m, v];
  if (rows !== undefined) {
    for (const row of rows)
      updateRuns(
        tensors.map((x) => sliceOf(x, row)),
        factors,
      );
  } else updateRuns(tensors, factors);
}

/** A single run if all four are row-major, else one per line of the last axis. */
function updateRuns(tensors: readonly Tensor[], factors: AdamFactors): void {
  const { shape } = tensors[0];
  if (tensors.every(isContiguous)) return updateRun(sizeOf(shape), tensors, [1, 1, 1, 1], factors);
  if (shape.length === 1)
    return updateRun(
      shape[0],
      tensors,
      tensors.map(({ stride }) => stride[0]),
      factors,
    );
  for (let i = 0; i < shape[0]; i++)
    updateRuns(
      tensors.map((x) => sliceOf(x, i)),
      factors,
    );
}

/** Element i of the first axis. */
function sliceOf({ data, shape, stride, offset }: Tensor, i: number): Tensor {
  return { data, shape: shape.slice(1), stride: stride.slice(1), offset: offset + i * stride[0] };
}

/** `count` elements of each tensor, `steps` apart. */
function updateRun(
  count: number,
  [p, g, first, second]: readonly Tensor[],
  [stepP, stepG, stepM, stepV]: readonly number[],
  { beta1, beta2, epsilon, l2, keep, rate, rootCorrection }: AdamFactors,
): void {
  // Locals, because the JavaScript engine cannot prove that a store into an array leaves the fields of the tensors unchanged.
  const [theta, gradient, m, v] = [p.data, g.data, first.data, second.data];
  let [atP, atG, atM, atV] = [p.offset, g.offset, first.offset, second.offset];
  for (let i = 0; i < count; i++, atP += stepP, atG += stepG, atM += stepM, atV += stepV) {
    const value = theta[atP];
    const slope = gradient[atG] + l2 * value; // (1) Adam
    const mean = beta1 * m[atM] + (1 - beta1) * slope; // (2)
    const square = beta2 * v[atV] + (1 - beta2) * slope * slope; // (3)
    m[atM] = mean;
    v[atV] = square;
    theta[atP] = keep * value - (rate * mean) / (sqrt(square) * rootCorrection + epsilon); // (1) AdamW, (4, 5)
  }
}
