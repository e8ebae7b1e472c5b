/** The backend in plain JavaScript: always there, both element types, and the reference for every other backend. */
import type { Tensor } from '../../tensor/types.js';
import { checkProduct } from '../check.js';
import type { Kernels } from '../types.js';
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from './matmul1.js';

const dtypes = ['float32', 'float64'] as const;
const backend = 'cpu';

/** New kernels in plain JavaScript. They hold nothing, so `dispose` does nothing and one object can serve a whole program. */
export function createCpuKernels(): Kernels {
  return {
    backend,
    dtypes,
    addMatmul(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmul', out, a, b, backend, dtypes);
      addMatmul1(out, a, b);
    },
    addMatmulTA(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmulTA', out, a, b, backend, dtypes);
      addMatmulTA1(out, a, b);
    },
    addMatmulTB(out: Tensor, a: Tensor, b: Tensor): void {
      checkProduct('addMatmulTB', out, a, b, backend, dtypes);
      addMatmulTB1(out, a, b);
    },
    dispose(): void {},
  };
}
