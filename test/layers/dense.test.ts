/** The dense layer: its equations number by number, finite differences, the tape, views with gaps, every backward line broken. */
import { gradcheck } from '../../src/autograd/check/gradcheck.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import * as layer from '../../src/layers/dense.js';
import { ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { allocate } from '../../src/tensor/view.js';
import { brokenLines } from '../support/mutate.js';
import { distance, dot, expectGradients, matrix, numbers, random, scattered, zerosFor } from './support.js';

const kernels = createCpuKernels();
const [N, D, K] = [5, 3, 4];
const rng = createRng(1);
const params = { W: random([D, K], rng), b: random([K], rng) };
const x = random([N, D], rng);
const cotangent = random([N, K], rng);

function gradients({ denseForward, denseBackward }: typeof layer = layer) {
  const grads = zerosFor({ ...params, x });
  const y = denseForward(kernels, params, x);
  denseBackward(kernels, params, x, y, cotangent, grads as unknown as typeof params, grads.x);
  return grads;
}

test('is tanh(x·W + b)', () => {
  const [W, b] = [matrix(params.W), numbers(params.b)];
  const y = matrix(layer.denseForward(kernels, params, x));
  matrix(x).forEach((row, n) => {
    b.forEach((bias, k) => {
      const a = row.reduce((sum, value, d) => sum + value * W[d][k], bias);
      expect(Math.abs(y[n][k] - Math.tanh(a))).toBeLessThan(1e-14);
    });
  });
});

test('gradients agree with finite differences and with the tape', () => {
  const grads = gradients();
  expectGradients({ ...params, x }, grads, () => dot(cotangent, layer.denseForward(kernels, params, x)));
  const tape = createTape();
  const nodes = { W: tape.variable(params.W), b: tape.variable(params.b), x: tape.variable(x) };
  tape.backward(tape.tanh(tape.add(tape.matmul(nodes.x, nodes.W), nodes.b)), cotangent);
  for (const [name, node] of Object.entries(nodes)) expect(distance(grads[name], node.grad)).toBeLessThan(1e-13);
});

test('views with gaps give what matrices give, and gradients are added', () => {
  const grads = zerosFor({ ...params, x });
  const y = layer.denseForward(kernels, { ...params, W: scattered(params.W) }, scattered(x));
  for (let k = 0; k < 2; k++) {
    layer.denseBackward(kernels, params, scattered(x), scattered(y), scattered(cotangent), grads as unknown as typeof params, grads.x); // prettier-ignore
  }
  const once = gradients();
  for (const name of Object.keys(once)) {
    expect(distance(numbers(grads[name]), numbers(once[name]).map((v) => 2 * v))).toBeLessThan(1e-13); // prettier-ignore
  }
});

describe('a broken line is rejected', () => {
  const lines = brokenLines<typeof layer>('src/layers/dense.ts', (name) => name === 'denseBackward');

  test('there is one for each equation', () => {
    expect(lines.flatMap(({ equations }) => equations).sort()).toEqual([1, 2]);
  });

  test.each(lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const))('%s', (_, line) => {
    const loss = () => dot(cotangent, layer.denseForward(kernels, params, x));
    const report = gradcheck({ tensors: { ...params, x }, grads: gradients(line.load()), loss, tolerance: 1e-8 });
    expect(report.passed).toBe(false);
  });
});

test('shapes that do not fit are refused', () => {
  const y = layer.denseForward(kernels, params, x);
  const grads = { W: allocate([D, K], 'float64'), b: allocate([K], 'float64') };
  expect(() => layer.denseForward(kernels, params, random([N, D + 1], rng))).toThrow(ShapeError);
  expect(() => layer.denseBackward(kernels, params, x, y, random([N, K + 1], rng), grads)).toThrow(/dY/);
});
