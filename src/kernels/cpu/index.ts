/**
 * The backend in plain JavaScript, rung 3 of the ladder: always available, in both element types, with the same bits everywhere.
 */
import type { Tensor } from '../../tensor/types.js';
import { checkProduct } from '../check.js';
import { completeProducts } from '../complete.js';
import type { Kernels } from '../types.js';
import { addMatmul3, addMatmulTA3, addMatmulTB3 } from './matmul3.js';

const dtypes = ['float32', 'float64'] as const;
const backend = 'cpu';

/** New kernels in plain JavaScript. They hold nothing, so `dispose` does nothing and one object can serve a whole program. */
export function createCpuKernels(): Kernels {
  return completeProducts({
    backend,
    dtypes,
    addMatmul(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmul', out, a, b, backend, dtypes);
      addMatmul3(out, a, b);
    },
    addMatmulTA(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmulTA', out, a, b, backend, dtypes);
      addMatmulTA3(out, a, b);
    },
    addMatmulTB(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmulTB', out, a, b, backend, dtypes);
      addMatmulTB3(out, a, b);
    },
  });
}
