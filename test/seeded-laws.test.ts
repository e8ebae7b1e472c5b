/** Laws have seeds: `test/support/seeded-laws.cjs` stands before fast-check. */
import fc, { check } from 'fast-check';

/** Runs of a law that holds, and its seed, by `fc.check` with `parameters`. */
const runs = (parameters?: fc.Parameters<[number]>) => {
  const { numRuns, seed, failed } = fc.check(fc.property(fc.nat(), (n) => n >= 0), parameters); // prettier-ignore
  expect(failed).toBe(false);
  return { numRuns, seed };
};

afterEach(() => {
  fc.resetConfigureGlobal();
  delete process.env.BPTT_LAWS;
});

test('a law without a seed is refused, wherever it is written', () => {
  const law = fc.property(fc.nat(), () => true);
  expect(() => fc.assert(law)).toThrow('a law needs a seed');
  expect(() => fc.assert(law, { numRuns: 3 })).toThrow('a law needs a seed');
  expect(() => check(law)).toThrow('a law needs a seed');
  expect(runs({ seed: 4 })).toEqual({ seed: 4, numRuns: 100 });
  fc.configureGlobal({ seed: 5, numRuns: 7 });
  expect(runs()).toEqual({ seed: 5, numRuns: 7 });
});

test('BPTT_LAWS runs laws more often, with other seeds; a path is replayed as it is', () => {
  process.env.BPTT_LAWS = '3';
  const first = runs({ seed: 4, numRuns: 20 });
  expect(first.numRuns).toBe(60);
  expect(runs({ seed: 4, numRuns: 20 }).seed).not.toBe(first.seed);
  const wrong = fc.property(fc.nat(), (n) => n < 5);
  expect(() => fc.assert(wrong, { seed: 4 })).toThrow('Property failed');
  const { counterexample, counterexamplePath, seed } = fc.check(wrong, { seed: 4 });
  expect(counterexample).toEqual([5]);
  expect(fc.check(wrong, { seed, path: counterexamplePath! }).counterexample).toEqual([5]);
});
