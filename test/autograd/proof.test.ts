/**
 * Every gradient of every cell against oracles that share no code with it. Finite differences visit a few elements of each
 * tensor here, and all of them in `npm run proof`; the tape always compares every element.
 */
import { describeElement } from '../../src/autograd/check/gradcheck.js';
import { caseName, cases, problemOf, worstDifference } from '../support/cases.js';
import { differences, engine } from '../support/engine.js';
import { tapeSolution } from '../support/tape-cells.js';

describe.each(cases.map((c) => [caseName(c), c] as const))('%s', (_, c) => {
  const problem = problemOf(c);
  const solution = engine(problem);

  it('agrees with finite differences to 1e-9 in three elements of every tensor', () => {
    const report = differences(problem, solution.grads, { tolerance: 1e-9, elements: 3 });
    expect(report.failures.map(describeElement)).toEqual([]);
    expect(Object.keys(report.perTensor)).toEqual(Object.keys(problem.tensors));
  });

  it('agrees with the tape to 1e-10', () => {
    expect(worstDifference(solution, tapeSolution(problem)).error).toBeLessThan(1e-10);
  });
});
