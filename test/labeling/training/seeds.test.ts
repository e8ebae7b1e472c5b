/** Several seeds: each is the training with that seed alone, their spread, which one is kept, and what is told of them. */
import fc from 'fast-check';
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Note } from '../../../src/labeling/index.js';
import { generateCorpus, saveModel, scoreSpread, spreadOf, train, trainSeeds } from '../../../src/labeling/index.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { SeedRun } from '../../../src/labeling/training/seeds.js';

const kernels = createCpuKernels();
const data = { train: generateCorpus({ sentences: 24, seed: 1 }), dev: generateCorpus({ sentences: 12, seed: 2 }) };
const corpora = { ...data, test: generateCorpus({ sentences: 12, seed: 3 }) };
const tiny: TrainOptions = { embedding: 4, hidden: 3, epochs: 2, batch: 6, lr: 0.02, seed: 7 };

test('run k is the training with that seed alone, to the byte and to the score; the best by dev is kept', async () => {
  const saved: Uint8Array[] = [];
  const told: unknown[] = [];
  const notes: Note[] = [];
  const result = await trainSeeds(kernels, { ...corpora, train: [...corpora.train, { tokens: ['x'], labels: [''] }] }, tiny, 3, {
    onSeed: (seed, place) => void told.push([seed, place]),
    onRun: (run, { model }, best) => void (saved.push(saveModel(model)), told.push([run.seed, best])),
    onNote: (note) => void notes.push(note),
  }); // prettier-ignore
  const alone = [];
  for (const seed of [7, 8, 9]) alone.push(await train(kernels, corpora, { ...tiny, seed }));
  alone.forEach(({ model, dev, test: scores, bestEpoch }, k) => {
    expect(Buffer.compare(saved[k], saveModel(model))).toBe(0);
    expect(result.runs[k]).toMatchObject({ seed: 7 + k, dev, test: scores, bestEpoch });
  });
  expect(saved.map((bytes) => Buffer.from(bytes).toString('base64')).filter((x, i, all) => all.indexOf(x) === i)).toHaveLength(3); // prettier-ignore
  const accuracies = alone.map(({ dev }) => dev!.accuracy);
  const best = accuracies.indexOf(Math.max(...accuracies));
  expect(result.bestSeed).toBe(7 + best);
  expect(Buffer.compare(saveModel(result.best.model), saved[best])).toBe(0);
  expect(told.slice(0, 2)).toEqual([[7, 0], [7, true]]); // prettier-ignore
  expect(told.filter((each) => (each as unknown[])[1] === true).length).toBeGreaterThan(0);
  expect(notes.filter(({ kind }) => kind === 'unlabeled')).toHaveLength(1); // told once, not three times
  const mean = accuracies.reduce((a, b) => a + b) / 3;
  const sd = Math.sqrt(accuracies.reduce((s, x) => s + (x - mean) ** 2, 0) / 2);
  expect(result.dev!.accuracy.mean).toBeCloseTo(mean, 12);
  expect(result.dev!.accuracy.sd).toBeCloseTo(sd, 12);
});

test('without dev the last epoch counts, and the first seed is kept whatever test says', async () => {
  const rest = { train: corpora.train, test: corpora.test };
  const result = await trainSeeds(kernels, rest, tiny, 2);
  expect(result).toMatchObject({ bestSeed: 7, dev: null, interrupted: false });
  expect(result.runs.map(({ bestEpoch }) => bestEpoch)).toEqual([2, 2]);
  expect(result.test!.accuracy.mean).toBeGreaterThan(0);
});

test('of several heads each has its spread, and the head that decides decides between seeds too', async () => {
  const heads = (sentences: typeof corpora.train) => sentences.map((s) => ({ ...s, columns: { tag: s.labels!, first: s.tokens.map((w) => w[0]) } })); // prettier-ignore
  const both = { train: heads(data.train), dev: heads(data.dev) };
  const runs: SeedRun[] = [];
  const onRun = (run: SeedRun) => void runs.push(run);
  const result = await trainSeeds(kernels, both, { ...tiny, columns: ['tag', 'first'], bestBy: 'first' }, 2, { onRun });
  const first = runs.map(({ dev }) => dev!.heads!.first.accuracy);
  expect(result.bestSeed).toBe(first[1] > first[0] ? 8 : 7);
  expect(result.dev!.heads!.first.accuracy.mean).toBeCloseTo((first[0] + first[1]) / 2, 12);
  expect(result.dev!.together!.mean).toBeCloseTo((runs[0].dev!.together!.accuracy + runs[1].dev!.together!.accuracy) / 2, 12); // prettier-ignore
});

test('an abort ends it: what was finished stands', async () => {
  const controller = new AbortController();
  const onSeed = (_seed: number, place: number) => void (place === 1 && controller.abort());
  const result = await trainSeeds(kernels, data, tiny, 3, { signal: controller.signal, onSeed });
  expect([result.runs.map(({ seed }) => seed), result.bestSeed, result.interrupted]).toEqual([[7], 7, true]);
});

test('mean and standard deviation, against sums written out', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 8 }), (values) => {
      const n = values.length;
      const pairs = values.flatMap((x) => values.map((y) => (x - y) ** 2)); // Σ (x − x̄)² = Σ Σ (x − y)² / 2n
      const variance = n === 1 ? 0 : pairs.reduce((a, b) => a + b, 0) / (2 * n * (n - 1));
      const { mean, sd } = spreadOf(values);
      expect(mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / n, 10);
      expect(sd * sd).toBeCloseTo(variance, 8);
    }),
    { seed: 50 },
  );
  expect(spreadOf([1, 2]).sd).toBeCloseTo(Math.SQRT1_2, 15); // of a population it would be 0.5
  expect(() => spreadOf([])).toThrow('at least one number');
  expect(() => scoreSpread('x' as never)).toThrow('scores');
});

test.each<[unknown, TrainOptions, RegExp]>([
  [1, {}, /count must be an integer of at least 2; got 1: for one seed call train/],
  [[1, 2], {}, /count must be an integer/],
  [2, { seed: Number.MAX_SAFE_INTEGER }, /not safe integers/],
])('%j seeds are refused', async (count, options, message) => {
  await expect(trainSeeds(kernels, data, { ...tiny, ...options }, count as number)).rejects.toThrow(message);
});
