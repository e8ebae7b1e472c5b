/**
 * One LSTM over three steps on the backend `reference`, for a debugger: it stops before each step back; step into
 * `lstmStepBackward` from there. Without a debugger it prints the gradient of the bias.
 *
 *     node --import ./scripts/typescript.mjs scripts/debug-lstm.mjs
 */
import { packingOf, unroll, unrollBackward, zeroGrads } from '../src/autograd/index.js';
import { lstm } from '../src/cells/index.js';
import { selectBackend } from '../src/kernels/index.js';
import { createRng, format, normal } from '../src/tensor/index.js';

const stepBackward = (...operands) => {
  debugger; // step into the next line: src/cells/lstm.ts, lstmStepBackward
  return lstm.stepBackward(...operands);
};
const { kernels } = await selectBackend({ backend: 'reference' });
const rng = createRng(1);
const params = lstm.initialize(2, 2, rng, { dtype: 'float64' }); // D = 2 inputs, H = 2 units
const pass = unroll(kernels, { ...lstm, stepBackward }, params, normal([3, 2], 1, rng, 'float64'), packingOf([3]));
const grads = zeroGrads(params);
unrollBackward(kernels, pass, normal([3, 2], 1, rng, 'float64'), grads);
console.log(`db ${format(grads.b)}`);
