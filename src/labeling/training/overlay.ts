/** Copies the parameters of a smaller model into those of a larger one. */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Tensor } from '../../tensor/types.js';

/**
 * Copies tensors into those of the same names, bit for bit. A larger tensor keeps its other rows and columns, because additions to a model
 * come after what it had.
 *
 * @param params tensors of the same ranks as those of `start`, with no axis shorter
 */
export function overlay(params: TensorRecord, start: TensorRecord): void {
  for (const [name, source] of Object.entries(start)) if (params[name] !== source) copyInto(params[name], source);
}

function copyInto(target: Tensor, source: Tensor): void {
  const { shape } = source;
  const last = shape.length - 1;
  const walk = (axis: number, to: number, from: number): void => {
    const [toStep, fromStep] = [target.stride[axis], source.stride[axis]];
    for (let i = 0; i < shape[axis]; i++) {
      if (axis === last) target.data[to + i * toStep] = source.data[from + i * fromStep];
      else walk(axis + 1, to + i * toStep, from + i * fromStep);
    }
  };
  walk(0, target.offset, source.offset);
}
