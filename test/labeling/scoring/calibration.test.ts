/** Calibration against numbers worked out by hand, and against fractions that share no code and no rounding with the source. */
import fc from 'fast-check';
import { calibrationOf, CALIBRATION_BINS } from '../../../src/labeling/index.js';
import { ArgumentError } from '../../../src/tensor/index.js';

/** A confidence of k/1024, exactly, and whether the decision was right. */
type Decision = readonly [k: number, right: boolean];

const measured = (decisions: readonly Decision[], bins?: number) =>
  calibrationOf(
    decisions.map(([k]) => k / 1024),
    decisions.map(([, right]) => right),
    bins,
  );

interface Sums {
  readonly members: readonly Decision[];
  /** 1024·|correct − Σ p|, an integer. */
  readonly gap: number;
}

/** Members of each bin by integers alone: bin m of M holds k where 1024·(m − 1) < k·M ≤ 1024·m. */
function oracle(decisions: readonly Decision[], M: number): Sums[] {
  return Array.from({ length: M }, (_, m) => {
    const members = decisions.filter(([k]) => (k * M > 1024 * m || (m === 0 && k === 0)) && k * M <= 1024 * (m + 1));
    const gap = Math.abs(members.reduce((sum, [k, right]) => sum + (right ? 1024 : 0) - k, 0));
    return { members, gap };
  });
}

const decision = fc.tuple(fc.integer({ min: 0, max: 1024 }), fc.boolean());

test('an example by hand: four decisions in two of five bins', () => {
  const found = calibrationOf([0.9, 0.85, 0.95, 0.5], [true, true, false, false], 5);
  // (0.8, 1]: accuracy 2/3, confidence 0.9; (0.4, 0.6]: accuracy 0, confidence 0.5.
  expect(found.ece).toBeCloseTo((3 / 4) * (0.9 - 2 / 3) + (1 / 4) * 0.5, 12);
  expect(found.mce).toBeCloseTo(0.5, 12);
  expect(found.accuracy).toBe(0.5);
  expect(found.confidence).toBeCloseTo(0.8, 12);
  expect(found.bins.map(({ count, correct }) => [count, correct])).toEqual([[0, 0], [0, 0], [1, 0], [0, 0], [3, 2]]); // prettier-ignore
  expect(found.bins[0]).toEqual({ from: 0, to: 0.2, count: 0, correct: 0, accuracy: null, confidence: null });
  expect(found.bins[4].accuracy).toBe(2 / 3);
  expect(found.bins[4].confidence).toBeCloseTo(0.9, 12);
});

test('bins, ECE and MCE are those of integers', () => {
  fc.assert(
    fc.property(fc.array(decision, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (decisions, M) => {
      const found = measured(decisions, M);
      const bins = oracle(decisions, M);
      expect(found.bins.map(({ count, correct }) => [count, correct])).toEqual(
        bins.map(({ members }) => [members.length, members.filter(([, right]) => right).length]),
      );
      const n = decisions.length;
      // Sums of multiples of 1/1024 are exact; quotients and the last sum round, each by at most 2⁻⁵³ of at most 1.
      expect(Math.abs(found.ece! - bins.reduce((sum, { gap }) => sum + gap, 0) / (1024 * n))).toBeLessThan(4 * M * 2 ** -52);
      const worst = Math.max(...bins.map(({ gap, members }) => (members.length === 0 ? 0 : gap / (1024 * members.length))));
      expect(Math.abs(found.mce! - worst)).toBeLessThan(2 ** -50);
      expect(found.count).toBe(n);
    }),
    { seed: 55, numRuns: 300 },
  ); // prettier-ignore
});

test('confidences on the bounds of bins lie in the lower bin, whatever M', () => {
  for (let M = 1; M <= 200; M++) {
    const bounds = Array.from({ length: M }, (_, m) => (m + 1) / M);
    const { bins } = calibrationOf(bounds, bounds.map(() => true), M); // prettier-ignore
    expect(bins.map(({ count }) => count)).toEqual(bounds.map(() => 1));
    expect(bins.map(({ to }) => to)).toEqual(bounds);
    expect(bins.map(({ from }) => from)).toEqual([0, ...bounds.slice(0, -1)]);
  }
  expect(calibrationOf([0], [false], 3).bins.map(({ count }) => count)).toEqual([1, 0, 0]);
});

test('a model that is right as often as it is sure has an error of 0; one that is sure and wrong has 1', () => {
  const sure = [0.25, 0.25, 0.25, 0.25, 1];
  expect(calibrationOf(sure, [true, false, false, false, true]).ece).toBe(0);
  expect(calibrationOf([1, 1], [false, false])).toMatchObject({ ece: 1, mce: 1, accuracy: 0, confidence: 1 });
  expect(calibrationOf([0, 0], [true, true])).toMatchObject({ ece: 1, mce: 1 });
});

test('no decisions: nothing is measured, and bins are empty', () => {
  const { bins, ...rest } = calibrationOf([], []);
  expect(rest).toEqual({ count: 0, accuracy: null, confidence: null, ece: null, mce: null });
  expect(bins).toHaveLength(CALIBRATION_BINS);
  expect(CALIBRATION_BINS).toBe(15);
});

test('typed arrays serve, and what rounding adds to 1 is taken off', () => {
  expect(calibrationOf(Float64Array.of(1 + 2 ** -40), [true])).toMatchObject({ ece: 0, confidence: 1 });
});

test.each([
  [[0.5], [true, false], 10, 'confidences and right must have the same length; got 1 and 2'],
  [[0.5, 1.1], [true, false], 10, 'confidences[1] must be a probability in [0, 1]; got 1.1'],
  [[-0.1], [true], 10, 'confidences[0] must be a probability in [0, 1]; got -0.1'],
  [[NaN], [true], 10, 'confidences[0] must be a probability in [0, 1]; got NaN'],
  [[0.5], [1], 10, 'right must be a list of true and false'],
  [[0.5], [true], 0, 'bins must be an integer of at least 1; got 0'],
])('refuses %j, %j, %j', (confidences, right, bins, message) => {
  const call = () => calibrationOf(confidences, right as boolean[], bins);
  expect(call).toThrow(ArgumentError);
  expect(call).toThrow(message);
});
