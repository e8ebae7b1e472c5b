/** The CRF against every path written out, finite differences and the tape; broken backward passes that they must reject; laws. */
import fc from 'fast-check';
import { describeElement, gradcheck } from '../../src/autograd/check/gradcheck.js';
import { packingOf } from '../../src/autograd/packing.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { crfMarginals, crfNBest, crfSpanProbability, crfViterbi } from '../../src/layers/crf-decode.js';
import type * as lattices from '../../src/layers/crf-lattice.js';
import type { CrfLattice, CrfMarginalSums, CrfParams } from '../../src/layers/crf-lattice.js';
import { crfBackward, zeroMarginals } from '../../src/layers/crf-lattice.js';
import type { CrfLossOptions } from '../../src/layers/crf.js';
import { crfLossBackward, crfLossForward, initCrf } from '../../src/layers/crf.js';
import { softmaxLossBackward, softmaxLossForward } from '../../src/layers/softmax-loss.js';
import { createAdam } from '../../src/optim/index.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, viewOf } from '../../src/tensor/view.js';
import type { CrfProblem } from '../support/crf.js';
import { crfProblem, enumerate, permits, sequencesOf, tapeCrf } from '../support/crf.js';
import { brokenLines, mutated } from '../support/mutate.js';
import { distance, matrix, numbers, scattered, zerosFor } from './support.js';

fc.configureGlobal({ seed: 5, numRuns: 60 });

const kernels = createCpuKernels();
const paramsOf = ({ tensors: { transitions, start, end } }: CrfProblem): CrfParams => ({ transitions, start, end });

function lossOf(problem: CrfProblem, options: CrfLossOptions = { reduction: 'sum' }) {
  const { tensors, lengths, targets, mask } = problem;
  return crfLossForward(kernels, paramsOf(problem), tensors.emissions, packingOf(lengths), targets, {
    mask,
    ...options,
  });
}

function gradsOf(problem: CrfProblem, options?: CrfLossOptions, dLoss?: number): Record<string, Tensor> {
  const grads = zerosFor(problem.tensors);
  const forward = lossOf(problem, options);
  crfLossBackward(kernels, paramsOf(problem), forward, grads.emissions, grads as unknown as CrfParams, dLoss);
  return grads;
}

const decoded = (problem: CrfProblem) =>
  [kernels, paramsOf(problem), problem.tensors.emissions, packingOf(problem.lengths)] as const;
const flat = (rows: readonly (readonly number[])[]): number[] => rows.flat();

/** Every K up to 64 with every length for which Kᵀ ≤ 4096; several sequences of each length 1, and an empty one. */
const SIZES = Array.from({ length: 64 }, (_, k) => {
  const K = k + 1;
  const longest = K === 1 ? 12 : Math.floor(Math.log(4096.5) / Math.log(K));
  return { K, lengths: [1, 0, ...Array.from({ length: longest }, (_unused, t) => t + 1)] };
});

describe.each([
  ['all labels given', {}, SIZES.slice(0, 6)],
  ['some labels missing', { unlabeled: 0.4 }, SIZES],
  ['a mask', { masked: true }, SIZES.slice(0, 6)],
  ['a mask and missing labels', { masked: true, unlabeled: 0.6 }, SIZES],
] as const)('against every path: %s', (_, variant, sizes) => {
  test.each(sizes)('K = $K', ({ K, lengths }) => {
    const problem = crfProblem({ K, lengths, seed: K, ...variant });
    const paths = enumerate(problem);
    const rows = sequencesOf(lengths);
    const forward = lossOf(problem);
    paths.forEach(({ logZ, logGold }, b) => {
      expect(Math.abs(forward.all.logZ[b] - logZ)).toBeLessThan(1e-12);
      expect(Math.abs(forward.losses[b] - (logZ - logGold))).toBeLessThan(1e-12);
    });
    const grads = gradsOf(problem);
    const { mask } = problem;
    const marginals = crfMarginals(...decoded(problem), { mask });
    const best = crfViterbi(...decoded(problem), { mask });
    const many = crfNBest(...decoded(problem), 7, { mask });
    const pairs = new Array<number>(K * K).fill(0);
    paths.forEach((expected, b) => {
      const own = rows[b];
      const tokens = own.map((n) => matrix(marginals.tokens)[n]);
      expect(distance(flat(tokens), flat(expected.tokens))).toBeLessThan(1e-12);
      const difference = expected.tokens.map((row, t) => row.map((p, k) => p - expected.goldTokens[t][k]));
      expect(distance(flat(own.map((n) => matrix(grads.emissions)[n])), flat(difference))).toBeLessThan(1e-12);
      expected.pairs.forEach((p, i) => (pairs[i] += p));
      expect(own.map((n) => best.labels[n])).toEqual(expected.paths[0].labels);
      expect(best.scores[b]).toBe(expected.paths[0].score);
      expect(many[b].map(({ labels, score }) => ({ labels: [...labels], score }))).toEqual(expected.paths.slice(0, 7));
    });
    expect(distance(grads.transitions, pairs)).toBeLessThan(1e-11);
  });
});

const VARIANTS = [
  { unlabeled: 0.3 },
  { unlabeled: 0.3, masked: true },
  { masked: true, seed: 3, K: 5 },
  { K: 1 },
  { K: 2, lengths: [1, 1] },
] as const;

describe.each(VARIANTS)('gradients with %j', (variant) => {
  const problem = crfProblem(variant);

  test.each(['sum', 'mean'] as const)('agree with finite differences: %s', (reduction) => {
    const grads = gradsOf(problem, { reduction }, 1.7);
    const loss = (): number => 1.7 * lossOf(problem, { reduction }).loss;
    const report = gradcheck({ tensors: problem.tensors, grads, loss, tolerance: 1e-8 });
    expect(report.failures.map(describeElement)).toEqual([]);
  });

  test('agree with the tape', () => {
    const { loss, grads } = tapeCrf(problem);
    expect(lossOf(problem).loss).toBeCloseTo(loss, 12);
    for (const [name, g] of Object.entries(gradsOf(problem))) expect(distance(g, grads[name])).toBeLessThan(1e-12);
  });
});

test('of what a mask forbids there is no gradient', () => {
  const problem = crfProblem({ masked: true, seed: 6, K: 5 });
  const grads = gradsOf(problem);
  for (const name of ['transitions', 'start', 'end'] as const) {
    const bits = problem.mask![name];
    expect(bits).toContain(0);
    numbers(grads[name]).forEach((g, i) => expect(bits[i] === 1 || g === 0).toBe(true));
  }
});

describe('a backward pass broken on purpose is rejected', () => {
  const problem = crfProblem({ unlabeled: 0.3, K: 3 });
  const expected = tapeCrf(problem).grads;

  /** The names of the gradients that are wrong with another backward recursion. */
  function wrongWith(backward: typeof crfBackward): string[] {
    const { all, gold } = lossOf(problem);
    const sums: CrfMarginalSums = zeroMarginals(all.packing.total, all.scores.K);
    backward(kernels, all, 1, sums);
    backward(kernels, gold, -1, sums);
    return Object.keys(expected).filter((name) => {
      const found = Array.from(sums[name as keyof CrfMarginalSums]);
      return !(distance(found, expected[name]) < 1e-10);
    });
  }

  const isBackward = (name: string): boolean => /^(crf|step|column)Backward$/.test(name);
  const lines = brokenLines<typeof lattices>('src/layers/crf-lattice.ts', isBackward);

  test('every equation has lines, and they are right as they stand', () => {
    expect([...new Set(lines.flatMap(({ equations }) => equations))].sort()).toEqual([2, 3, 4]);
    expect(lines.length).toBeGreaterThanOrEqual(7);
    expect(wrongWith(crfBackward)).toEqual([]);
  });

  test.each(lines)('with ($equations) $mistake: $text', ({ load }) => {
    expect(wrongWith(load().crfBackward)).not.toEqual([]);
  });

  const mistakes = [
    ['the end score is forgotten (4)', 'sharesOf(lattice, last, end, 0, 1)', 'sharesOf(lattice, last, new Float64Array(K), 0, 1)', ['emissions', 'transitions', 'start', 'end']],
    ['transitions are transposed (3)', 'to.transitions[i * K + j] += pair; //  (3)\n      totals', 'to.transitions[j * K + i] += pair;\n      totals', ['transitions']],
    ['start gets every step (2)', 'const n = rowOf(packing, 0, b);', 'const n = rowOf(packing, T - 1, b);', ['start']],
    ['pairs are not collected (3)', 'to.transitions[i * K + j] += pair; //  (3)\n      totals', 'totals', ['transitions']],
    ['p of the step after is taken whole (3)', 'totals[(j - low) & 1] += pair;', 'totals[0] += p[n * K + j];', ['emissions', 'transitions', 'start']],
  ] as const; // prettier-ignore
  test.each(mistakes)('%s', (_, text, broken, wrong) => {
    const module = mutated<typeof lattices>('src/layers/crf-lattice.ts', text, broken);
    expect(wrongWith(module.crfBackward).sort()).toEqual([...wrong].sort());
  });

  test.each(brokenLines<Record<string, typeof crfLossBackward>>('src/layers/crf.ts', (name) => name === 'crfLossBackward'))(
    'with ($equations) of the loss $mistake: $text',
    ({ load }) => {
      const grads = zerosFor(problem.tensors);
      load().crfLossBackward(kernels, paramsOf(problem), lossOf(problem), grads.emissions, grads as never);
      expect(Object.keys(expected).filter((name) => distance(grads[name], expected[name]) > 1e-3)).not.toEqual([]);
    },
  ); // prettier-ignore
});

describe('extreme scores', () => {
  test('of any finite float32 make probabilities: in [0, 1], with sum 1; and no gradient that is not finite', () => {
    const score = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(3e38, -3e38, 0, 1e20, 3.4e38)); // prettier-ignore
    fc.assert(
      fc.property(fc.array(score, { minLength: 27, maxLength: 27 }), fc.integer({ min: 1, max: 4 }), (values, T) => {
        const problem = crfProblem({ K: 3, lengths: [T], seed: T });
        let i = 0;
        for (const { data } of Object.values(problem.tensors))
          for (let k = 0; k < data.length; k++) data[k] = values[i++];
        const { tokens } = crfMarginals(...decoded(problem));
        for (const row of matrix(tokens)) {
          expect(row.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        }
        for (const g of Object.values(gradsOf(problem))) expect(numbers(g).every((x) => Math.abs(x) <= T)).toBe(true);
      }),
    );
  });

  const signs = [1e4, -1e4, 0];

  test('of ±10⁴ do not overflow: the best path has all the probability', () => {
    const rng = createRng(3);
    for (let round = 0; round < 20; round++) {
      const problem = crfProblem({ K: 3, lengths: [4, 2, 1], seed: round });
      for (const x of Object.values(problem.tensors)) {
        for (let i = 0; i < x.data.length; i++) x.data[i] = signs[rng.integer(3)] + rng.integer(8) * 64;
      }
      const paths = enumerate(problem);
      const forward = lossOf(problem);
      // Sums of at most 9 numbers below 1.1e4 round by 1e5·2⁻⁵³ each; so do log Z and the loss.
      paths.forEach(({ logZ, logGold }, b) => {
        expect(Math.abs(forward.all.logZ[b] - logZ)).toBeLessThan(1e-9);
        expect(Math.abs(forward.losses[b] - (logZ - logGold))).toBeLessThan(1e-9);
      });
      const { tokens } = crfMarginals(...decoded(problem));
      const rows = sequencesOf(problem.lengths);
      const expected = new Array<number[]>(7);
      rows.forEach((own, b) => own.forEach((n, t) => (expected[n] = paths[b].tokens[t])));
      expect(distance(tokens, flat(expected))).toBeLessThan(1e-9);
      Object.values(gradsOf(problem)).forEach((g) => expect(numbers(g).every(Number.isFinite)).toBe(true));
    }
  });

  test('a transition whose factor underflows is summed term by term, exactly', () => {
    // From 0 to 1 costs 2000 more than from 1 to 1, but 1 is 3000 behind: e^−2000 is not a float, and it is the greater part.
    const problem = crfProblem({ K: 2, lengths: [2] });
    problem.tensors.emissions.data.set([0, -3000, -5000, 0]);
    problem.tensors.transitions.data.set([0, -2000, 0, 0]);
    problem.tensors.start.data.fill(0);
    problem.tensors.end.data.fill(0);
    expect(lossOf(problem).all.logZ[0]).toBe(-2000);
    expect(numbers(crfMarginals(...decoded(problem)).tokens)).toEqual([1, 0, 0, 1]);
    problem.targets.set([0, 1]);
    expect(lossOf(problem).loss).toBe(0);
  });

  test('−Infinity makes a label impossible, NaN and +Infinity are not hidden', () => {
    const problem = crfProblem({ K: 3, lengths: [3] });
    problem.tensors.emissions.data[4] = -Infinity;
    problem.targets.set([0, 2, 1]);
    expect(numbers(crfMarginals(...decoded(problem)).tokens)[4]).toBe(0);
    expect(Number.isFinite(lossOf(problem).loss)).toBe(true);
    expect(numbers(gradsOf(problem).emissions)[4]).toBe(0);
    problem.targets.set([0, 1, 1]);
    expect(lossOf(problem).loss).toBe(Infinity);
    for (const bad of [NaN, Infinity]) {
      problem.tensors.emissions.data[4] = bad;
      expect(lossOf(problem).loss).toBeNaN();
    }
  });
});

test('float32 is float64 of the same numbers, rounded once', () => {
  const single = crfProblem({ dtype: 'float32', unlabeled: 0.2, K: 5 });
  const wide = Object.fromEntries(
    Object.entries(single.tensors).map(([name, x]) => [name, viewOf(Float64Array.from(x.data), x.shape)]),
  ) as CrfProblem['tensors'];
  const double = { ...single, tensors: wide };
  expect(lossOf(single).loss).toBe(lossOf(double).loss);
  const expected = gradsOf(double);
  for (const [name, g] of Object.entries(gradsOf(single))) {
    expect(g.data).toBeInstanceOf(Float32Array);
    expect(numbers(g)).toEqual(numbers(expected[name]).map(Math.fround));
  }
  const [p, q] = [single, double].map((each) => numbers(crfMarginals(...decoded(each)).tokens));
  expect(p).toEqual(q.map(Math.fround));
});

test('zeros are a softmax over every token by itself', () => {
  const problem = crfProblem({ unlabeled: 0.3 });
  const { emissions } = problem.tensors;
  const zero = initCrf(4, { dtype: 'float64' });
  const crf = crfLossForward(kernels, zero, emissions, packingOf(problem.lengths), problem.targets);
  const softmax = softmaxLossForward(kernels, emissions, problem.targets);
  expect(crf.loss).toBeCloseTo(softmax.loss, 13);
  expect(crf.count).toBe(softmax.count);
  const [d, e] = [zerosFor({ emissions }), zerosFor({ emissions })];
  crfLossBackward(kernels, zero, crf, d.emissions, zerosFor(zero) as unknown as CrfParams);
  softmaxLossBackward(kernels, softmax, e.emissions);
  expect(distance(d.emissions, e.emissions)).toBeLessThan(1e-15);
});

test('no target, no loss and no gradient; an empty batch has neither', () => {
  const problem = crfProblem({ unlabeled: 1 });
  expect(lossOf(problem, { reduction: 'mean' })).toMatchObject({ loss: 0, count: 0 });
  expect(lossOf(problem).loss).toBe(0);
  Object.values(gradsOf(problem)).forEach((g) => expect(numbers(g).every((value) => value === 0)).toBe(true));
  const none = crfProblem({ lengths: [0, 0] });
  expect(lossOf(none)).toMatchObject({ loss: 0, count: 0 });
  expect(crfNBest(...decoded(none), 3)).toEqual([[{ labels: new Int32Array(0), score: 0 }], [{ labels: new Int32Array(0), score: 0 }]]); // prettier-ignore
});

describe('decoding', () => {
  test('of equal scores the path with the smaller labels comes first, from the last step on', () => {
    const problem = crfProblem({ K: 3, lengths: [3] });
    for (const x of Object.values(problem.tensors)) for (let i = 0; i < x.data.length; i++) x.data[i] = i % 2;
    const [{ paths }] = enumerate(problem);
    expect(new Set(paths.map(({ score }) => score)).size).toBeLessThan(paths.length / 2);
    const [found] = crfNBest(...decoded(problem), 100);
    expect(found.map(({ labels }) => [...labels])).toEqual(paths.map(({ labels }) => labels));
    expect([...crfViterbi(...decoded(problem)).labels]).toEqual(paths[0].labels);
    const equal = crfProblem({ K: 2, lengths: [2], scale: 0 });
    expect(crfNBest(...decoded(equal), 9)[0].map(({ labels }) => [...labels])).toEqual([[0, 0], [1, 0], [0, 1], [1, 1]]); // prettier-ignore
    expect([...crfViterbi(...decoded(equal)).labels]).toEqual([0, 0]);
  });

  test('the probability of a span is that of the paths through its labels', () => {
    const sizes = fc.record({ seed: fc.nat(500), masked: fc.boolean(), start: fc.nat(3), length: fc.nat(4) });
    fc.assert(
      fc.property(sizes, ({ seed, masked, start, length }) => {
        const problem = crfProblem({ K: 3, lengths: [2, 4, 1], seed, masked, scale: 2 });
        const rng = createRng(seed);
        const labels = Array.from({ length: Math.min(length, 4 - start) }, () =>
          [0, 1, 2].filter(() => rng.next() < 0.6),
        );
        const marginals = crfMarginals(...decoded(problem), { mask: problem.mask });
        const [{ paths, logZ }] = enumerate(problem);
        const through = paths.filter((path) => labels.every((own, k) => own.includes(path.labels[start + k])));
        const expected = through.reduce((sum, { score }) => sum + Math.exp(score - logZ), 0);
        expect(crfSpanProbability(marginals, { sequence: 0, start, labels })).toBeCloseTo(expected, 12);
      }),
    );
  });

  test.each([
    [{ sequence: -1 }, 'span.sequence must be a sequence of the batch, 0 … 1; got -1'],
    [{ sequence: 2 }, 'span.sequence'],
    [{ sequence: 0.5 }, 'span.sequence'],
    [{ start: -1 }, 'span.start must leave 2 steps in the sequence of 3; got -1'],
    [{ start: 2 }, 'span.start'],
    [{ start: 0.5 }, 'span.start'],
    [{ labels: [[0], [-1]] }, 'span.labels[1] must list labels, 0 … 1; got -1'],
    [{ labels: [[2], [0]] }, 'span.labels[0]'],
    [{ labels: [[0.5]] }, 'span.labels[0]'],
  ])('a stretch that is none, %j, is refused', (change, message) => {
    const marginals = crfMarginals(...decoded(crfProblem({ K: 2, lengths: [3, 1] })));
    const span = { sequence: 0, start: 1, labels: [[0], [1]], ...change };
    expect(() => crfSpanProbability(marginals, span)).toThrow(message);
  });

  test('a step that leaves no path is refused, and named', () => {
    const problem = crfProblem({ K: 2, lengths: [1, 3] });
    const mask = { start: [1, 1], transitions: [0, 1, 0, 0], end: [1, 1] }; // 0 → 1 and no further
    const expected =
      'crfViterbi: mask must permit a path for every sequence; for sequence 1, no path of 3 labels is permitted';
    expect(() => crfViterbi(...decoded(problem), { mask })).toThrow(expected);
    expect(() => crfMarginals(...decoded(problem), { mask })).toThrow(ArgumentError);
    const short = crfProblem({ K: 2, lengths: [1, 2] });
    expect([...crfViterbi(...decoded(short), { mask }).labels].slice(-1)).toEqual([1]);
  });
});

describe('targets', () => {
  const problem = crfProblem({ K: 2, lengths: [3, 1] });
  const mask = { start: [1, 0], transitions: [1, 1, 1, 0], end: [1, 1] };
  const loss = (targets: number[], own: CrfLossOptions = { mask }) =>
    lossOf({ ...problem, targets: Int32Array.from(targets) }, own);

  test('that break the mask are refused by their place', () => {
    expect(loss([0, 0, 1, 0]).loss).toBeGreaterThan(0); // rows: step 0 of both sequences, then steps 1 and 2 of the first
    const place = (targets: number[]): string => {
      try {
        loss(targets);
      } catch (error) {
        return /for sequence .*(?=: permit)/.exec((error as Error).message)![0];
      }
      return 'none';
    };
    expect(place([0, 1, 0, 0])).toBe('for sequence 1, no permitted path fits targets up to step 0, label 1');
    expect(place([0, 0, 1, 1])).toBe('for sequence 0, no permitted path fits targets up to step 2, label 1');
    expect(place([1, 0, -1, 1])).toBe('for sequence 0, no permitted path fits targets up to step 0, label 1');
    expect(place([-1, 0, 1, -1])).toBe('none');
  });

  test('that are not labels are refused', () => {
    expect(() => loss([0, 0, 2, 0], {})).toThrow('targets[2] must be a label, 0 … 1, or −1');
    expect(() => loss([0, 0, -2, 0], {})).toThrow(ArgumentError);
    expect(() => loss([0, 0, 0], {})).toThrow('targets must have one entry per row of the packing, 4; got 3');
  });
});

test('what does not fit is refused by name', () => {
  const problem = crfProblem();
  const { start, ...rest } = paramsOf(problem);
  const packing = packingOf(problem.lengths);
  const { emissions } = problem.tensors;
  const call = (params: CrfParams, x = emissions) => crfViterbi(kernels, params, x, packing);
  expect(() => call({ ...rest, start: rest.transitions })).toThrow(ShapeError);
  expect(() => call({ ...rest, start, end: viewOf(new Float64Array(3), [3]) })).toThrow(
    'crfViterbi: params.end must be [K]',
  );
  expect(() => call({ ...rest, start }, viewOf(new Float64Array(32), [16, 2]))).toThrow('emissions must be [N, K]');
  const mask = { start: [1], transitions: [1], end: [1] };
  expect(() => crfViterbi(...decoded(problem), { mask })).toThrow('mask.start must have 4 entries for 4 labels; got 1');
  expect(() => crfNBest(...decoded(problem), 0)).toThrow('n must be');
  const marginals = crfMarginals(...decoded(problem));
  const span = (own: object) => crfSpanProbability(marginals, { sequence: 0, start: 0, labels: [[0]], ...own });
  expect(span({ labels: [] })).toBe(1);
  expect(() => span({ sequence: 6 })).toThrow('span.sequence must be a sequence of the batch, 0 … 5; got 6');
  expect(() => span({ start: 5 })).toThrow('span.start must leave 1 steps in the sequence of 5; got 5');
  expect(() => span({ labels: [[4]] })).toThrow('span.labels[0] must list labels, 0 … 3; got 4');
});

test('reads and writes views with any strides', () => {
  const problem = crfProblem({ unlabeled: 0.3 });
  const { emissions, transitions } = problem.tensors;
  const strided = { ...problem, tensors: { ...problem.tensors, emissions: scattered(emissions), transitions: scattered(transitions) } }; // prettier-ignore
  expect(lossOf(strided).loss).toBe(lossOf(problem).loss);
  expect(crfViterbi(...decoded(strided))).toEqual(crfViterbi(...decoded(problem)));
  const dense = gradsOf(problem);
  const grads = { ...zerosFor(problem.tensors), transitions: scattered(allocate([4, 4], 'float64')) };
  const dEmissions = scattered(allocate(emissions.shape, 'float64'));
  crfLossBackward(kernels, paramsOf(strided), lossOf(strided), dEmissions, grads as unknown as CrfParams);
  expect(numbers(dEmissions)).toEqual(numbers(dense.emissions));
  expect(numbers(grads.transitions)).toEqual(numbers(dense.transitions));
});

test('gradients accumulate, and updated scores are refused', () => {
  const problem = crfProblem();
  const once = gradsOf(problem);
  const grads = zerosFor(problem.tensors);
  const params = paramsOf(problem);
  const forward = lossOf(problem);
  for (let i = 0; i < 2; i++) crfLossBackward(kernels, params, forward, grads.emissions, grads as never);
  for (const [name, g] of Object.entries(once)) expect(distance(grads[name], numbers(g).map((v) => 2 * v))).toBeLessThan(1e-14); // prettier-ignore
  createAdam(kernels, { ...params }, { lr: 0.1 }).step(zerosFor(params));
  expect(() => crfLossBackward(kernels, params, forward, grads.emissions, grads as never)).toThrow('was updated after');
});

describe('laws', () => {
  const sizes = fc.record({
    K: fc.integer({ min: 1, max: 6 }),
    lengths: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 }),
    seed: fc.nat(10_000),
    scale: fc.constantFrom(0, 0.1, 1, 10, 1000),
    unlabeled: fc.constantFrom(0, 0.3, 1),
    masked: fc.boolean(),
  });
  /** What a sum over a whole sequence may round by: scores below 1000·5 normal deviates, 13 of them, and as many operations. */
  const tolerance = (scale: number): number => 1e-12 * Math.max(1, scale);

  test('the loss is at least 0', () => {
    fc.assert(
      fc.property(sizes, (each) => {
        const { losses } = lossOf(crfProblem(each));
        losses.forEach((loss) => expect(loss).toBeGreaterThanOrEqual(-tolerance(each.scale)));
      }),
    );
  });

  test('marginals sum to 1', () => {
    fc.assert(
      fc.property(sizes, (each) => {
        const problem = crfProblem(each);
        const { tokens } = crfMarginals(...decoded(problem), { mask: problem.mask });
        for (const row of matrix(tokens)) expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
      }),
    );
  });

  test('no path that is drawn scores higher than that of Viterbi, and the path it gives is permitted', () => {
    fc.assert(
      fc.property(sizes, (each) => {
        const problem = crfProblem(each);
        const { K, mask, lengths } = problem;
        const [a, A, s, e] = (['emissions', 'transitions', 'start', 'end'] as const).map((name) => problem.tensors[name].data); // prettier-ignore
        const { labels, scores } = crfViterbi(...decoded(problem), { mask });
        const rng = createRng(each.seed);
        sequencesOf(lengths).forEach((rows, b) => {
          if (rows.length === 0) return;
          expect(permits(mask, rows.map((n) => labels[n]), K)).toBe(true); // prettier-ignore
          for (let draw = 0; draw < 20; draw++) {
            const path = rows.map(() => rng.integer(K));
            if (!permits(mask, path, K)) continue;
            let score = s[path[0]];
            path.forEach((y, t) => (score = (t > 0 ? score + A[path[t - 1] * K + y] : score) + a[rows[t] * K + y]));
            expect(scores[b]).toBeGreaterThanOrEqual(score + e[path[path.length - 1]]);
          }
        });
      }),
    );
  });

  test('a number added to all emissions of a step changes nothing', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: -1000, max: 1000 }), (each, shift) => {
        const problem = crfProblem(each);
        const shifted = crfProblem(each);
        const { data, shape } = shifted.tensors.emissions;
        if (shape[0] === 0) return;
        const n = each.seed % shape[0];
        for (let k = 0; k < shape[1]; k++) data[n * shape[1] + k] += shift;
        const bound = 1e-9 * Math.max(1, each.scale);
        expect(Math.abs(lossOf(shifted).loss - lossOf(problem).loss)).toBeLessThan(bound);
        const [found, expected] = [gradsOf(shifted), gradsOf(problem)];
        for (const name of Object.keys(expected)) expect(distance(found[name], expected[name])).toBeLessThan(bound);
      }),
    );
  });

  test('a batch equals its sequences alone, whatever their lengths', () => {
    fc.assert(
      fc.property(sizes, (each) => {
        const problem = crfProblem(each);
        const { losses } = lossOf(problem);
        const best = crfViterbi(...decoded(problem), { mask: problem.mask });
        sequencesOf(each.lengths).forEach((rows, b) => {
          const own = new Float64Array(rows.length * each.K);
          rows.forEach((n, t) => own.set(problem.tensors.emissions.data.subarray(n * each.K, (n + 1) * each.K), t * each.K)); // prettier-ignore
          const alone: CrfProblem = {
            ...problem,
            lengths: [rows.length],
            tensors: { ...problem.tensors, emissions: viewOf(own, [rows.length, each.K]) },
            targets: Int32Array.from(rows, (n) => problem.targets[n]),
          };
          expect(lossOf(alone).losses[0]).toBe(losses[b]);
          const { labels, scores } = crfViterbi(...decoded(alone), { mask: problem.mask });
          expect([...labels]).toEqual(rows.map((n) => best.labels[n]));
          expect(scores[0]).toBe(best.scores[b]);
        });
      }),
    );
  });
});

test('a lattice keeps what it was made of', () => {
  const lattice: CrfLattice = lossOf(crfProblem({ K: 2, lengths: [2] })).all;
  expect(lattice.sums.length).toBe(4);
  expect(lattice.alpha.slice(0, 2)).toEqual(lattice.scores.start.map((s, j) => s + lattice.emissions[j]));
});
