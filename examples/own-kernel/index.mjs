import { completeKernels, createCpuKernels } from 'bptt/kernels';
import { packingOf, unroll, unrollBackward, zeroGrads } from 'bptt/autograd';
import { gru } from 'bptt/cells';
import { createRng, flatCopy, normal } from 'bptt/tensor';

// out += a·b, for any strides and offsets. Everything else is completed.
export function addMatmul(out, a, b) {
  const [M, K] = a.shape;
  const N = b.shape[1];
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        const left = a.data[a.offset + i * a.stride[0] + k * a.stride[1]];
        sum += left * b.data[b.offset + k * b.stride[0] + j * b.stride[1]];
      }
      out.data[out.offset + i * out.stride[0] + j * out.stride[1]] += sum;
    }
  }
}
export const mine = completeKernels({ backend: 'mine', dtypes: ['float32', 'float64'], addMatmul });

function gradientOf(kernels) {
  const rng = createRng(1);
  const params = gru.initialize(3, 5, rng, { dtype: 'float64' });
  const pass = unroll(kernels, gru, params, normal([6, 3], 1, rng, 'float64'), packingOf([4, 2]));
  const grads = zeroGrads(params);
  unrollBackward(kernels, pass, normal([6, 5], 1, rng, 'float64'), grads);
  return flatCopy(grads.Wh);
}
const expected = gradientOf(createCpuKernels());
const errors = gradientOf(mine).map((value, k) => Math.abs(value - expected[k]));
console.log(`${mine.backend}: ${errors.length} derivatives, all within 1e-12: ${Math.max(...errors) < 1e-12}`);
