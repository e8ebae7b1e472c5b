/** `inferenceOf` names the argument that is not what it takes, before it looks inside. */
import { createCpuKernels } from '../../../src/kernels/index';
import { inferenceOf } from '../../../src/labeling/index';
import { ArgumentError } from '../../../src/tensor/index';

const call = inferenceOf as unknown as (...args: unknown[]) => unknown;

test.each([
  [[], 'inferenceOf: network must be'],
  [[{ network: {} }], 'inferenceOf: network must be'],
  [[{ encoders: [] }], 'inferenceOf: network must be'],
  [[{ encoders: [], layers: [], heads: [] }], 'inferenceOf: '],
])('of %j', (args, message) => {
  const wrong = () => call(createCpuKernels(), ...args);
  expect(wrong).toThrow(ArgumentError);
  expect(wrong).toThrow(message);
});
