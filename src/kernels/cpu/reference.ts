/**
 * The backend for reading: rung 1 of the ladder and rows in plain loops, without its own time loops or memory. Only the code of
 * `cells`, `autograd` and `layers` runs, so a debugger steps through the algorithm. It gives the bits of `cpu`.
 */
import { checkProduct } from '../check.js';
import { completeProducts } from '../complete.js';
import type { Kernels } from '../types.js';
import { addMatmul1, addMatmulTA1, addMatmulTB1 } from './matmul1.js';

const dtypes = ['float32', 'float64'] as const;
const backend = 'reference';

/** New kernels of rung 1. They hold nothing, so `dispose` does nothing. */
export function createReferenceKernels(): Kernels {
  return completeProducts({
    backend,
    dtypes,
    addMatmul(out, a, b) {
      checkProduct('addMatmul', out, a, b, backend, dtypes);
      addMatmul1(out, a, b);
    },
    addMatmulTA(out, a, b) {
      checkProduct('addMatmulTA', out, a, b, backend, dtypes);
      addMatmulTA1(out, a, b);
    },
    addMatmulTB(out, a, b) {
      checkProduct('addMatmulTB', out, a, b, backend, dtypes);
      addMatmulTB1(out, a, b);
    },
  });
}
