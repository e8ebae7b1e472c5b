/**
 * Products as wrong as the contract allows: every element off by the whole of γ_{K+1}·(|out| + Σ|a||b|), up or down at
 * random. A training on them shows how far results may differ between backends that all keep to the bound.
 */
import { completeKernels } from '../../src/kernels/complete.js';
import type { Product } from '../../src/kernels/check';
import type { Kernels } from '../../src/kernels/types';
import type { Tensor } from '../../src/tensor/types';
import { gamma, numbers } from '../kernels/oracle';

// Taken once: a property of a global object is slow to look up in a test's realm.
const { abs } = Math;

/** Kernels in float32 that use the bound up. */
export function noisyKernels(seed: number): Kernels {
  const draw = numbers(seed);
  const run = (product: Product) => (out: Tensor, a: Tensor, b: Tensor) => {
    const K = a.shape[product === 'addMatmulTA' ? 0 : 1];
    const [aRow, aTerm] = product === 'addMatmulTA' ? [a.stride[1], a.stride[0]] : a.stride;
    const [bTerm, bColumn] = product === 'addMatmulTB' ? [b.stride[1], b.stride[0]] : b.stride;
    const relative = gamma(K + 1, 'float32');
    for (let i = 0; i < out.shape[0]; i++) {
      for (let j = 0; j < out.shape[1]; j++) {
        const place = out.offset + i * out.stride[0] + j * out.stride[1];
        let [sum, magnitude] = [out.data[place], abs(out.data[place])];
        for (let k = 0; k < K; k++) {
          const term = a.data[a.offset + i * aRow + k * aTerm] * b.data[b.offset + k * bTerm + j * bColumn];
          sum += term;
          magnitude += abs(term);
        }
        out.data[place] = sum + relative * magnitude * (draw() < 0 ? -1 : 1);
      }
    }
  };
  return completeKernels({
    backend: 'noisy',
    dtypes: ['float32'],
    addMatmul: run('addMatmul'),
    addMatmulTA: run('addMatmulTA'),
    addMatmulTB: run('addMatmulTB'),
    dispose: () => undefined,
  });
}
