/** The recursions of a CRF in WebAssembly: the bits of TypeScript, and every path written out. */
import fc from 'fast-check';
import { packingOf } from '../../src/autograd/packing';
import { createCpuKernels, createWasmKernels, profile, withFallback } from '../../src/kernels';
import type { CrfKernel, Kernels, WasmKernels } from '../../src/kernels';
import { crfLossBackward, crfLossForward, crfMarginals, crfSpanProbability, crfViterbi } from '../../src/layers';
import type { CrfParams } from '../../src/layers';
import type { Tensor } from '../../src/tensor';
import { allocate, dtypeOf } from '../../src/tensor/view';
import type { CrfProblem } from '../support/crf';
import { crfProblem, enumerate, sequencesOf } from '../support/crf';
import { relaxedMissing } from '../support/relaxed';

const cpu = createCpuKernels();

/** Kernels whose recursions say which of them ran. */
function watched(kernels: Kernels): { kernels: Kernels; ran: string[] } {
  const ran: string[] = [];
  const crf = Object.fromEntries(
    Object.entries(kernels.crf!).map(([name, act]: [string, (...args: never[]) => boolean]) => [
      name,
      (...args: never[]) => {
        const done = act(...args);
        if (done) ran.push(name);
        return done;
      },
    ]),
  );
  return { kernels: { ...kernels, crf: crf as unknown as CrfKernel }, ran };
}

/** Everything that a CRF says of a problem. */
function answers(kernels: Kernels, { K, tensors, lengths, targets, mask }: CrfProblem) {
  const { emissions, transitions, start, end } = tensors;
  const params: CrfParams = { transitions, start, end };
  const packing = packingOf(lengths);
  const loss = crfLossForward(kernels, params, emissions, packing, targets, { mask });
  const zerosLike = (x: Tensor): Tensor => allocate(x.shape, dtypeOf(x.data));
  const grads = { transitions: zerosLike(transitions), start: zerosLike(start), end: zerosLike(end) };
  const dEmissions = zerosLike(emissions);
  crfLossBackward(kernels, params, loss, dEmissions, grads, 0.7);
  const marginals = crfMarginals(kernels, params, emissions, packing, { mask });
  const best = crfViterbi(kernels, params, emissions, packing, { mask });
  const longest = packing.lengths[0] ?? 0;
  const odd = Array.from({ length: K }, (_, k) => k).filter((k) => k % 2 === 1 || k === K - 1);
  return {
    ...{ loss: loss.loss, losses: loss.losses, logZ: marginals.logZ, tokens: marginals.exact },
    span: crfSpanProbability(marginals, { sequence: 0, start: 0, labels: Array.from({ length: Math.min(3, longest) }, () => odd) }), // prettier-ignore
    ...{ alpha: loss.all.alpha, weights: loss.all.weights, sums: loss.all.sums, logSums: loss.all.logSums },
    ...{ dEmissions: dEmissions.data, dA: grads.transitions.data, dStart: grads.start.data, dEnd: grads.end.data },
    ...{ labels: best.labels, scores: best.scores },
  };
}

const ALL = ['forward', 'backward', 'forward', 'backward', 'viterbi'];

/** Every K up to 64 with every length for which Kᵀ ≤ 4096, length 1 included, and an empty sequence. */
const SIZES = Array.from({ length: 63 }, (_, k) => {
  const K = k + 2;
  const longest = Math.floor(Math.log(4096.5) / Math.log(K));
  return { K, lengths: [1, 0, ...Array.from({ length: longest }, (_unused, t) => t + 1)] };
});
const VARIANTS = [{}, { unlabeled: 0.4 }, { masked: true }, { masked: true, unlabeled: 0.6 }];

const missing = relaxedMissing();
describe.each(missing === undefined ? [false, true] : [false])('with relaxed SIMD: %s', (relaxedSimd) => {
  let wasm: WasmKernels;
  beforeAll(async () => {
    wasm = await createWasmKernels({ relaxedSimd });
  });

  test.each(SIZES)('every path, and the bits of TypeScript: K = $K', ({ K, lengths }) => {
    for (const variant of VARIANTS) {
      const problem = crfProblem({ K, lengths, seed: K, ...variant });
      const { kernels, ran } = watched(wasm);
      const found = answers(kernels, problem);
      expect(ran).toEqual(ALL);
      expect(found).toEqual(answers(cpu, problem));
      const rows = sequencesOf(lengths);
      enumerate(problem).forEach(({ logZ, logGold, tokens }, b) => {
        expect(Math.abs(found.logZ[b] - logZ)).toBeLessThan(1e-12);
        expect(Math.abs(found.losses[b] - (logZ - logGold))).toBeLessThan(1e-12);
        rows[b].forEach((n, t) => {
          for (let k = 0; k < K; k++) expect(Math.abs(found.tokens[n * K + k] - tokens[t][k])).toBeLessThan(1e-12);
        });
      });
    }
  });

  test.each([
    { K: 9, lengths: Array.from({ length: 32 }, (_, b) => 20 - (b % 7)) },
    { K: 39, lengths: [20, 20, 7, 1] },
    { K: 64, lengths: [20, 13] },
    { K: 101, lengths: [5, 3] },
  ])('the bits of TypeScript where paths cannot be written out: K = $K', (sizes) => {
    for (const scale of [0.3, 30, 900]) {
      for (const dtype of ['float32', 'float64'] as const) {
        const problem = crfProblem({ ...sizes, scale, dtype, unlabeled: 0.1 });
        expect(answers(wasm, problem)).toEqual(answers(cpu, problem));
      }
    }
  });

  test('the bits of TypeScript for any scores, and probabilities that are some', () => {
    const lengths = fc.array(fc.nat(6), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 7 }), lengths, fc.nat(1e6), fc.constantFrom(0, 1, 1e3, 1e8, 1e17, 1e30, 1e38), fc.boolean(), (K, each, seed, scale, masked) => {
        const problem = crfProblem({ K, lengths: each, seed, masked });
        for (const x of Object.values(problem.tensors)) {
          // Few different values, so that there are ties; at most 3e38.
          for (let i = 0; i < x.data.length; i++) x.data[i] = Math.max(-3, Math.min(3, Math.round(x.data[i] * 2))) * scale;
        }
        const found = answers(wasm, problem);
        expect(found).toEqual(answers(cpu, problem));
        for (let n = 0; n < found.tokens.length; n += K) {
          const row = found.tokens.subarray(n, n + K);
          expect(row.every((p) => p >= 0 && p <= 1 + 1e-12)).toBe(true);
          expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        }
        expect(found.span).toBeGreaterThanOrEqual(0);
        expect(found.span).toBeLessThanOrEqual(1);
      }), // prettier-ignore
      { seed: 7, numRuns: 300 },
    );
  });

  test('what is not finite is not hidden', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const name of ['emissions', 'transitions', 'start', 'end'] as const) {
        const problem = crfProblem({ K: 3, lengths: [3, 2] });
        problem.tensors[name].data[1] = bad;
        expect(answers(wasm, problem)).toEqual(answers(cpu, problem));
      }
    }
  });

  test('a marginal is added to what is there', () => {
    const problem = crfProblem({ K: 3, lengths: [3] });
    const twice = (kernels: Kernels) => {
      const { transitions, start, end, emissions } = problem.tensors;
      const params = { transitions, start, end };
      const loss = crfLossForward(kernels, params, emissions, packingOf([3]), problem.targets);
      const sums = { emissions: new Float64Array(9).fill(1), transitions: new Float64Array(9).fill(2), start: new Float64Array(3).fill(3), end: new Float64Array(3).fill(4) }; // prettier-ignore
      kernels.crf?.backward(loss.all, 1, sums);
      return sums;
    };
    const { emissions, transitions, start, end } = twice(wasm);
    const total = (x: Float64Array) => x.reduce((sum, each) => sum + each, 0);
    expect([emissions, transitions, start, end].map(total).map((sum) => +sum.toFixed(9))).toEqual([12, 20, 10, 13]);
  });

  test('without room in a frame, with one label, or with no row, TypeScript goes on', async () => {
    const small = await createWasmKernels({ relaxedSimd, maximumBytes: 65536 });
    const problem = crfProblem({ K: 64, lengths: [20, 20] });
    const tight = watched(small);
    expect(answers(tight.kernels, problem)).toEqual(answers(cpu, problem));
    expect(tight.ran).toEqual([]);
    const framed = watched(await createWasmKernels({ relaxedSimd }));
    expect(framed.kernels.frame(() => answers(framed.kernels, problem))).toEqual(answers(cpu, problem));
    expect(framed.kernels.frame(() => answers(framed.kernels, problem), true)).toEqual(answers(cpu, problem));
    expect(framed.ran).toEqual(expect.arrayContaining(['forward', 'backward', 'viterbi']));
    for (const sizes of [
      { K: 1, lengths: [3, 1] },
      { K: 3, lengths: [0] },
    ]) {
      const one = watched(wasm);
      expect(answers(one.kernels, crfProblem(sizes))).toEqual(answers(cpu, crfProblem(sizes)));
      expect(one.ran).toEqual([]);
    }
  });

  test('a frame that holds tensors keeps them', () => {
    const problem = crfProblem({ K: 9, lengths: [20, 11] });
    wasm.frame(() => {
      const x = wasm.zeros([100, 100], 'float32');
      x.data.fill(3);
      answers(wasm, problem);
      expect(x.data.every((value) => value === 3)).toBe(true);
    });
  });
});

test('kernels with a clock, and a device with a host, keep the recursions', async () => {
  const wasm = await createWasmKernels();
  const clock = profile(wasm);
  answers(clock.kernels, crfProblem());
  expect(clock.phases().find(({ name }) => name === 'crf')).toMatchObject({ calls: ALL.length });
  expect(withFallback(cpu, wasm).crf).toBe(wasm.crf);
  expect(withFallback(cpu, cpu).crf).toBeUndefined();
});
