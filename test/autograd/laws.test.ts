/** The laws of `test/support/laws.ts`: values to the bit; gradients up to the order in which terms are added. */
import type { Solution } from '../support/cases.js';
import { caseName, cases, problemOf, worstDifference } from '../support/cases.js';
import { engine } from '../support/engine.js';
import { aloneSolution, chainedSolution } from '../support/laws.js';

function expectEqual(found: Solution, expected: Solution): void {
  expect(worstDifference({ ...found, grads: {} }, { ...expected, grads: {} }).error).toBe(0);
  expect(worstDifference(found, expected).error).toBeLessThan(1e-13);
}

describe.each(cases.map((c) => [caseName(c), c] as const))('%s', (_, c) => {
  const problem = problemOf(c);
  const solution = engine(problem);

  it('T one-step calls chained by hand equal one T-step call', () => {
    expectEqual(solution, chainedSolution(problem));
  });

  it('a batch of unequal lengths equals each sequence alone', () => {
    expectEqual(solution, aloneSolution(problem));
  });
});
