/** `inferenceOf` names the argument that is not what it takes, before it looks inside. */
import { createCpuKernels } from '../../../src/kernels/index';
import { inferenceOf } from '../../../src/labeling/index';
import { ArgumentError } from '../../../src/tensor/index';

const call = inferenceOf as unknown as (...args: unknown[]) => unknown;

test.each([
  [[], 'inferenceOf: network must be'],
  [[{ network: {} }], 'inferenceOf: network.encoders must be a list'],
  [[{ encoders: [] }], 'inferenceOf: params must be'],
])('of %j', (args, message) => {
  const wrong = () => call(createCpuKernels(), ...args);
  expect(wrong).toThrow(ArgumentError);
  expect(wrong).toThrow(message);
});
