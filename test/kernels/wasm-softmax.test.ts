/** Softmax cross-entropy in WebAssembly: the bits of the loops in TypeScript, which test/layers/softmax-loss.test.ts judges. */
import fc from 'fast-check';
import { createCpuKernels, createWasmKernels, profile, withFallback } from '../../src/kernels';
import type { Kernels, SoftmaxKernel, WasmKernels } from '../../src/kernels';
import { softmaxLossBackward, softmaxLossForward, softmaxRows } from '../../src/layers';
import type { Tensor } from '../../src/tensor';
import { allocate } from '../../src/tensor/view';

const cpu = createCpuKernels();
let wasm: WasmKernels;
beforeAll(async () => {
  wasm = await createWasmKernels();
  wasm.reserve(1 << 20);
});

/** Kernels whose softmax says which calls ran. */
function watched(kernels: Kernels, ran: string[]): Kernels {
  const softmax = Object.fromEntries(
    Object.entries(kernels.softmax!).map(([name, act]: [string, (...args: never[]) => boolean]) => [
      name,
      (...args: never[]) => {
        const done = act(...args);
        if (done) ran.push(name);
        return done;
      },
    ]),
  );
  return { ...kernels, softmax: softmax as unknown as SoftmaxKernel };
}

interface Problem {
  readonly rows: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly labelSmoothing: number;
  readonly classWeights: readonly number[];
}

/** A matrix in a memory, its rows `gap` elements apart from each other. */
function matrix(
  zeros: (shape: readonly number[]) => Tensor,
  rows: readonly (readonly number[])[],
  gap: number,
): Tensor {
  const [N, K] = [rows.length, rows[0].length];
  const all = zeros([N, K + gap]);
  rows.forEach((row, n) => row.forEach((value, k) => (all.data[all.offset + n * (K + gap) + k] = value)));
  return { ...all, shape: [N, K] };
}

/** Everything that is computed of a problem. */
function answers(kernels: Kernels, zeros: (shape: readonly number[]) => Tensor, problem: Problem, gap: number) {
  const { rows, targets, labelSmoothing, classWeights } = problem;
  const x = matrix(zeros, rows, gap);
  const dX = matrix(zeros, rows.map((row) => row.map((value, k) => (value === 0 ? -0.5 : k + 0.25))), gap); // prettier-ignore
  const copies = { ...kernels, empty: (shape: readonly number[]) => zeros(shape) };
  const loss = softmaxLossForward(copies, x, Int32Array.from(targets), { labelSmoothing, classWeights });
  softmaxLossBackward(copies, loss, dX, 0.7);
  softmaxRows(copies, x, x);
  const numbers = ({ data, offset, shape, stride }: Tensor) =>
    Array.from({ length: shape[0] * shape[1] }, (_, i) => data[offset + Math.floor(i / shape[1]) * stride[0] + (i % shape[1])]); // prettier-ignore
  return { loss: loss.loss, p: numbers(loss.probabilities), dX: numbers(dX), inPlace: numbers(x) };
}

const value = fc.oneof(
  { weight: 8, arbitrary: fc.float({ min: -30, max: 30, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e-40, -3e38, 1e4, -1e4) },
);
const problems: fc.Arbitrary<Problem> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 23 }))
  .chain(([N, K]) =>
    fc.record({
      rows: fc.array(fc.array(value, { minLength: K, maxLength: K }), { minLength: N, maxLength: N }),
      targets: fc.array(fc.integer({ min: -1, max: K - 1 }), { minLength: N, maxLength: N }),
      labelSmoothing: fc.constantFrom(0, 0.1, 1),
      classWeights: fc.array(fc.constantFrom(0, 1, 0.3, 2.5), { minLength: K, maxLength: K }),
    }),
  );

const inMemory = (shape: readonly number[]) => wasm.allocate(shape, 'float32');
const outside = (shape: readonly number[]) => allocate(shape, 'float32');

test('is bit-equal to the loops, for rows with and without gaps, and special values', () => {
  const ran: string[] = [];
  const kernels = watched(wasm, ran);
  const law = fc.property(problems, fc.constantFrom(0, 1, 3), (problem, gap) => {
    wasm.reserve(1 << 15); // what is allocated stays
    expect(answers(kernels, inMemory, problem, gap)).toEqual(answers(cpu, outside, problem, gap));
    expect(ran.splice(0)).toEqual(['rows', 'logs', 'backward', 'rows']);
  });
  fc.assert(law, { seed: 15, numRuns: 400 });
});

test.each<[string, (shape: readonly number[]) => Tensor]>([
  ['outside of the memory', outside],
  ['in float64', (shape) => wasm.allocate(shape, 'float64')],
  ['whose columns have gaps', ([N, K]) => ({ ...inMemory([N, 2 * K]), shape: [N, K], stride: [2 * K, 2] })],
])('declines matrices %s, and the loops run', (_, zeros) => {
  const ran: string[] = [];
  const x = zeros([3, 5]);
  for (let n = 0; n < 3; n++) {
    for (let k = 0; k < 5; k++) x.data[x.offset + n * x.stride[0] + k * x.stride[1]] = Math.fround(n - k / 3);
  }
  const kernels = watched(wasm, ran);
  const loss = softmaxLossForward(kernels, x, Int32Array.of(4, -1, 0));
  expect(loss.loss).toBe(softmaxLossForward(cpu, x, Int32Array.of(4, -1, 0)).loss);
  expect(ran).toEqual([]);
});

test('the law notices one wrong bit', () => {
  const spoiled = { ...wasm.softmax!, logs: (out: Float64Array, x: Tensor) => wasm.softmax!.logs(out, x) && ((out[1] += 2 ** -40), true) }; // prettier-ignore
  const problem = { rows: [[0.5, 0.25]], targets: [1], labelSmoothing: 0, classWeights: [1, 1] };
  const right = answers(cpu, outside, problem, 0);
  expect(answers({ ...wasm, softmax: spoiled }, inMemory, problem, 0)).not.toEqual(right);
  expect(answers(wasm, inMemory, problem, 0)).toEqual(right);
});

test('a profile and a fallback keep it', () => {
  const { kernels, phases } = profile(wasm);
  softmaxRows(kernels, inMemory([2, 3]));
  expect(phases().map(({ name, calls }) => [name, calls])).toEqual([['softmax', 1]]);
  expect(withFallback(cpu, wasm).softmax).toBe(wasm.softmax);
  expect(withFallback(cpu, cpu).softmax).toBeUndefined();
});
