/** Adversarial training: the vectors that the adversary makes, and the gradient that a training gets of them. */
import fc from 'fast-check';
import { packingOf } from '../../../src/autograd/packing.js';
import { flatten, zeroInPlace } from '../../../src/autograd/grads.js';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index.js';
import type { Kernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import { adversary } from '../../../src/labeling/training/adversarial.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { addShardGradient, totalsOf } from '../../../src/labeling/training/replica.js';
import { prepareRun } from '../../../src/labeling/training/run.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError, ShapeError } from '../../../src/tensor/errors.js';
import { createRng } from '../../../src/tensor/random.js';
import { distance, matrix, numbers, random, scattered } from '../../layers/support.js';
import { threads } from '../../support/threads.js';

fc.configureGlobal({ seed: 17, numRuns: 40 });

const kernels = createCpuKernels();
const norm = (values: readonly number[]): number => Math.hypot(...values);

describe('the adversary', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 });

  test('moves every sentence along its gradient, by α of its norm', () => {
    fc.assert(
      fc.property(lengths, fc.double({ min: 0, max: 2, noNaN: true }), fc.integer(), (of, alpha, seed) => {
        const packing = packingOf(of);
        const rng = createRng(seed);
        const [x, g] = [random([packing.total, 3], rng), random([packing.total, 3], rng)];
        const before = numbers(x);
        const moved = adversary(kernels, x, g, packing, alpha);
        expect(numbers(x)).toEqual(before);
        const [xs, gs, all] = [x, g, moved].map(matrix);
        packing.lengths.forEach((length, s) => {
          const rows = Array.from({ length }, (_, t) => packing.offsets[t] + s);
          const r = rows.flatMap((n) => all[n].map((value, e) => value - xs[n][e]));
          const along = rows.flatMap((n) => gs[n]);
          const [size, scale] = [alpha * norm(rows.flatMap((n) => xs[n])), norm(along)];
          r.forEach((value, i) => expect(value).toBeCloseTo((size / scale) * along[i], 9));
        });
      }),
    );
  });

  test('leaves a sentence without a gradient as it is; strides and the scale of the gradient do not matter', () => {
    const packing = packingOf([2, 3]);
    const [x, g] = [random([5, 4], createRng(1)), random([5, 4], createRng(2))];
    for (const n of [1, 3]) g.data.fill(0, 4 * n, 4 * n + 4); // rows of the shorter sentence
    const moved = matrix(adversary(kernels, x, g, packing, 0.5));
    const still = matrix(x).map((row, n) => String(row) === String(moved[n]));
    expect(still).toEqual([false, true, false, true, false]);
    const small = { ...g, data: g.data.map((value) => value / 1024) };
    expect(matrix(adversary(kernels, scattered(x), scattered(small), packing, 0.5))).toEqual(moved);
  });

  test('refuses rows of another packing, and another gradient', () => {
    const x = random([5, 4], createRng(1));
    expect(() => adversary(kernels, x, x, packingOf([4]), 1)).toThrow(ShapeError);
    expect(() => adversary(kernels, x, random([5, 3], createRng(1)), packingOf([5]), 1)).toThrow(/'?g'? must/);
  });
});

/** Sentences in which no word stands twice: the gradient of a word's vector is that of its place. */
const sentences: Sentence[] = [4, 6, 1, 3].map((length, s) => {
  const labels = Array.from({ length }, (_, t) => ['N', 'V', 'D'][(s + t * t) % 3]);
  const columns = { first: labels, second: labels.map((label) => (label === 'V' ? 'x' : 'y')) };
  return { tokens: labels.map((_, t) => `word${s}x${t}`), labels, columns, category: s % 2 ? 'odd' : 'even' };
});

const BASE: TrainOptions = { embedding: 7, hidden: 5, layers: 2, dropout: 0, wordDropout: 0, minCount: 1, seed: 3 };
const TABLE = 'encoders.words.weight';

/** The losses and the gradients of all sentences but one, with the vectors moved before. */
function gradientOf(own: Kernels, options: TrainOptions, move?: (table: Float32Array) => void) {
  const { replica } = prepareRun(own, { train: sentences }, { ...BASE, ...options });
  move?.(replica.params[TABLE].data as Float32Array);
  const members = [0, 1, 3];
  zeroInPlace(replica.flatGrads);
  const totals = totalsOf(replica.sentences, members, replica.losses);
  const { losses } = addShardGradient(replica, members, totals, { epoch: 2, batch: 1 });
  const grads = Object.fromEntries(Object.entries(flatten(replica.grads)).map(([name, x]) => [name, numbers(x)]));
  const table = numbers(replica.params[TABLE]);
  const ids = members.map((m) => [...(replica.sentences.features[0][m].ids as Int32Array)]);
  replica.release();
  return { losses, grads, table, ids };
}

describe('the gradient of adversarial training', () => {
  const alpha = 0.3;

  test.each<[string, TrainOptions]>([
    ['softmax', { labelSmoothing: 0.1 }],
    ['crf', { head: 'crf' }],
    ['two columns', { columns: ['first', 'second'], head: { second: 'crf' }, headWeights: { second: 0.4 } }],
    ['sentences', { task: 'classify' }],
    ['masks of the recurrence', { recurrentDropout: 0.4, cell: 'gru' }],
    ['truncated', { truncate: { every: 2, back: 3 }, dense: 6 }],
  ])('is the mean of that of the words and of that of words moved by hand: %s', (_, options) => {
    const plain = gradientOf(kernels, options);
    const moved = gradientOf(kernels, options, (table) => {
      for (const ids of plain.ids) {
        const at = ids.flatMap((id) => Array.from({ length: 7 }, (_, e) => 7 * id + e));
        const g = at.map((i) => plain.grads[TABLE][i]);
        const factor = (alpha * norm(at.map((i) => plain.table[i]))) / norm(g);
        at.forEach((i, k) => (table[i] += factor * g[k]));
      }
    });
    const found = gradientOf(kernels, { ...options, adversarial: alpha });
    for (const [name, values] of Object.entries(found.grads)) {
      const expected = plain.grads[name].map((value, i) => (value + moved.grads[name][i]) / 2);
      expect(distance(values, expected)).toBeLessThan(1e-5);
    }
    expect(distance(found.grads[TABLE], plain.grads[TABLE])).toBeGreaterThan(1e-4); // else this test would see nothing
    found.losses.forEach((loss, h) => expect(loss).toBeCloseTo((plain.losses[h] + moved.losses[h]) / 2, 5));
    expect(moved.losses[0]).toBeGreaterThan(plain.losses[0]); // an adversary hurts
  });

  test('is the same on WebAssembly', async () => {
    const wasm = await createWasmKernels();
    const options = { adversarial: alpha, dropout: 0.4, encoders: ['words', 'affixes', 'characters'] } as const;
    const [own, other] = [gradientOf(kernels, options), gradientOf(wasm, options)];
    for (const name of Object.keys(own.grads)) expect(distance(other.grads[name], own.grads[name])).toBeLessThan(1e-5);
    wasm.dispose();
  });
});

describe('a training', () => {
  const corpus = generateCorpus({ sentences: 60, seed: 11, maxPhrases: 1 });
  const small: TrainOptions = { embedding: 6, hidden: 5, epochs: 2, lr: 0.02, dropout: 0.3, batch: 20 };
  const run = async (more: TrainOptions) => train(kernels, { train: corpus }, { ...small, ...more });

  test('of α 0 has the bytes of one without it; of another α it has others, the same again', async () => {
    const bytes = async (more: TrainOptions) => saveModel((await run(more)).model);
    const [plain, none, some] = [await bytes({}), await bytes({ adversarial: 0 }), await bytes({ adversarial: 0.1 })];
    expect(none).toEqual(plain);
    expect(some).not.toEqual(plain);
    expect(await bytes({ adversarial: 0.1 })).toEqual(some);
  });

  test('on two threads is as on one', async () => {
    const [one, two] = [await run({ adversarial: 0.2 }), await run({ adversarial: 0.2, threads: threads(2) })];
    two.history.forEach(({ loss }, e) => expect(loss).toBeCloseTo(one.history[e].loss, 4));
  });

  test.each([-0.1, NaN, Infinity, '0.1' as never])('refuses α %p', async (adversarial) => {
    await expect(run({ adversarial })).rejects.toThrow(ArgumentError);
    await expect(run({ adversarial })).rejects.toThrow(/train: adversarial must be/);
  });
});
