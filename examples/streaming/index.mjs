import { packingOf, unroll } from 'bptt/autograd';
import { lstm } from 'bptt/cells';
import { createCpuKernels } from 'bptt/kernels';
import { createRng, flatCopy, normal, rows } from 'bptt/tensor';

const kernels = createCpuKernels();
const rng = createRng(1);
const params = lstm.initialize(3, 4, rng, { dtype: 'float64' }); // D = 3 inputs, H = 4 units
const x = normal([20, 3], 1, rng, 'float64'); // 20 measurements, [T, D]

const whole = flatCopy(unroll(kernels, lstm, params, x, packingOf([20])).y); // all at once

let state; // undefined: zeros
let largest = 0;
for (let t = 0; t < 20; t++) {
  const pass = unroll(kernels, lstm, params, rows(x, t, 1), packingOf([1]), { initial: state, keep: 'nothing' });
  state = pass.final; // { h, c }, each [1, H]: all that the next step needs
  flatCopy(state.h).forEach((value, k) => (largest = Math.max(largest, Math.abs(value - whole[t * 4 + k]))));
}
console.log(`20 steps, one by one; largest difference from the whole sequence: ${largest}`);
