/** Every cell that PyTorch has, against PyTorch in float64: outputs, final states, and the gradient of everything. */
import { caseName, worstDifference } from '../support/cases.js';
import { engine } from '../support/engine.js';
import { goldenCases } from '../support/golden.js';
import { tapeSolution } from '../support/tape-cells.js';

const golden = goldenCases().map(({ problem, solution }) => ({ name: caseName(problem.case), problem, solution }));

it('covers the cells, both depths, one direction and two', () => {
  expect(golden).toHaveLength(4 * 2 * 2);
  expect(golden.every(({ problem }) => problem.case.lengths.includes(1))).toBe(true);
});

it.each(golden)('$name: the engine equals PyTorch to 1e-12', ({ problem, solution }) => {
  expect(Object.keys(solution.grads)).toEqual(Object.keys(problem.tensors));
  expect(worstDifference(engine(problem), solution).error).toBeLessThan(1e-12);
});

it.each(golden)('$name: the tape equals PyTorch to 1e-12', ({ problem, solution }) => {
  expect(worstDifference(tapeSolution(problem), solution).error).toBeLessThan(1e-12);
});

it('a golden number off by one part in a billion is found, and its tensor named', () => {
  const { problem, solution } = goldenCases()[9]; // its own copy, which it changes
  const gradient = solution.grads['layers.0.forward.Wh'];
  const magnitudes = Array.from(gradient.data, Math.abs);
  const largest = magnitudes.indexOf(Math.max(...magnitudes));
  gradient.data[largest] *= 1 + 1e-9;
  const { name, error } = worstDifference(engine(problem), solution);
  expect(name).toBe('gradient of layers.0.forward.Wh');
  expect(error).toBeGreaterThan(1e-10);
});

it('a NaN is found, wherever it stands', () => {
  const { problem, solution } = golden[3];
  for (const tensors of [solution.outputs, solution.grads]) {
    for (const [name, x] of Object.entries(tensors)) {
      const value = x.data[1];
      x.data[1] = NaN;
      const worst = worstDifference(engine(problem), solution);
      expect([worst.error, worst.name.endsWith(name)]).toEqual([Infinity, true]);
      x.data[1] = value;
    }
  }
});
