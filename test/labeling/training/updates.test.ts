/** Options of the updates and of the loss: what each does to the weights, and what each does not go with. */
import { flatten } from '../../../src/autograd/grads.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { evaluate } from '../../../src/labeling/scoring/evaluate.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError } from '../../../src/tensor/errors.js';
import { distance, numbers } from '../../layers/support.js';
import { threads } from '../../support/threads.js';

const kernels = createCpuKernels();
const corpus = generateCorpus({ sentences: 130, seed: 11, maxPhrases: 1 });
const corpora = { train: corpus.slice(0, 100), dev: corpus.slice(100) };
const small: TrainOptions = { embedding: 6, hidden: 5, epochs: 6, lr: 0.02, dropout: 0.1, batch: 100 };

const weightsOf = (model: Model) =>
  Object.fromEntries(Object.entries(flatten(model.params)).map(([n, x]) => [n, numbers(x)]));

/** Weights after every epoch; with batches of 100 that is after every update. */
async function path(options: TrainOptions) {
  const weights: Record<string, number[]>[] = [];
  const result = await train(
    kernels,
    { train: corpora.train },
    { ...small, ...options },
    {
      onEpoch: ({ model }) => void weights.push(weightsOf(model)),
    },
  );
  return { weights, losses: result.history.map(({ loss }) => loss), model: result.model };
}

describe('ema', () => {
  test.each([1, 2])(
    'on %i threads: the returned weights are the average by hand; the training is as without',
    async (count) => {
      const own = { threads: threads(count) };
      const [start] = (await path({ ...own, lr: 0, epochs: 1 })).weights;
      const plain = await path(own);
      const averaged = await path({ ...own, ema: 0.4 });
      expect(averaged.losses).toEqual(plain.losses);
      const expected = { ...start };
      plain.weights.forEach((weights, i) => {
        const d = Math.min(0.4, (2 + i) / (11 + i));
        for (const [name, values] of Object.entries(weights)) {
          expected[name] = values.map((theta, at) => d * expected[name][at] + (1 - d) * theta);
          expect(distance(averaged.weights[i][name], expected[name])).toBeLessThan(1e-6);
        }
      });
      for (const [name, values] of Object.entries(weightsOf(averaged.model))) {
        expect(values).toEqual(averaged.weights.at(-1)![name]);
        expect(distance(values, plain.weights.at(-1)![name])).toBeGreaterThan(1e-5);
      }
    },
  );

  test('the development set judges the average, and the best average is returned', async () => {
    const scores: number[] = [];
    const options = { ...small, batch: 16, lr: 0.3, ema: 0.5, epochs: 12, patience: 12 };
    const { model, dev, bestEpoch, history } = await train(kernels, corpora, options, {
      onEpoch: (report) => void scores.push(evaluate(kernels, report.model, corpora.dev).accuracy),
    });
    expect(history.map((record) => record.dev!.accuracy)).toEqual(scores);
    expect(bestEpoch).toBeLessThan(12); // else this test would not see a restored average
    expect(evaluate(kernels, model, corpora.dev).accuracy).toBe(dev!.accuracy);
    expect(dev!.accuracy).toBe(Math.max(...scores));
  });

  test('same seed, same bytes', async () => {
    const bytes = async () => saveModel((await train(kernels, corpora, { ...small, ema: 0.99 })).model);
    expect(await bytes()).toEqual(await bytes());
  });

  test('ended in its first epoch, a training returns the average as it stands', async () => {
    const stopped = async (ema?: number) => {
      const stop = new AbortController();
      const hooks = { signal: stop.signal, onProgress: () => stop.abort() };
      return train(kernels, corpora, { ...small, batch: 10, ema }, hooks);
    };
    const [[start], plain, averaged] = [
      (await path({ lr: 0, epochs: 1 })).weights,
      await stopped(),
      await stopped(0.9),
    ];
    expect([averaged.interrupted, averaged.bestEpoch]).toEqual([true, 0]);
    const [w, last] = [weightsOf(averaged.model), weightsOf(plain.model)];
    for (const name of Object.keys(w)) {
      const expected = last[name].map((theta, i) => (2 / 11) * start[name][i] + (9 / 11) * theta);
      expect(distance(w[name], expected)).toBeLessThan(1e-6);
    }
  });
});

describe('label smoothing', () => {
  const first = async (labelSmoothing: number, more: TrainOptions = {}, data = corpora.train) =>
    (await train(kernels, { train: data }, { ...small, epochs: 1, dropout: 0, labelSmoothing, ...more })).history[0]
      .loss;

  test('the loss is (1 − ε) of the cross-entropy and ε of the mean over all labels', async () => {
    const [none, some, more] = [await first(0), await first(0.2), await first(0.4)];
    const uniform = none + (some - none) / 0.2; // Σ_k −log p_k / K, at least log K = log 9
    expect(uniform).toBeGreaterThan(Math.log(9));
    expect(uniform).toBeLessThan(Math.log(9) + 0.1); // the weights are small at first
    expect(more).toBeCloseTo(0.6 * none + 0.4 * uniform, 10);
  });

  test('on two threads as on one, and for sentences', async () => {
    expect(await first(0.3, { threads: threads(2) })).toBeCloseTo(await first(0.3), 5);
    const labeled = corpora.train.map((s) => ({ ...s, category: s.labels!.includes('PRON') ? 'action' : 'clause' }));
    const classify = (epsilon: number) => first(epsilon, { task: 'classify' }, labeled);
    const [none, some] = [await classify(0), await classify(0.5)];
    expect(none + (some - none) / 0.5).toBeGreaterThan(Math.log(2));
  });

  test('a model that is smoothed is less sure', async () => {
    const surest = async (labelSmoothing: number) => {
      const { history } = await train(kernels, corpora, {
        ...small,
        batch: 10,
        epochs: 20,
        dropout: 0,
        labelSmoothing,
      });
      return history.at(-1)!.loss;
    };
    expect(await surest(0.3)).toBeGreaterThan(0.3 * Math.log(9)); // the entropy of the targets keeps it up
    expect(await surest(0)).toBeLessThan(0.3);
  });
});

describe('class weights', () => {
  const categories = corpora.train.map((s) => ({ ...s, category: s.labels!.includes('PRON') ? 'action' : 'clause' }));
  const first = async (more: TrainOptions, data = corpora.train) =>
    (await train(kernels, { train: data }, { ...small, epochs: 1, dropout: 0, wordDropout: 0, ...more })).history[0];
  const labels = [...new Set(corpora.train.flatMap((s) => s.labels!))];
  const countOf = (label: string) => corpora.train.flatMap((s) => s.labels!).filter((each) => each === label).length;
  const only = (label: string, all: readonly string[]) =>
    Object.fromEntries(all.map((each) => [each, each === label ? 1 : 0]));

  test('the loss is Σ w·ℓ / Σ w over the tokens, made of the mean losses of each label alone', async () => {
    const weights: Record<string, number> = { DET: 0.5, NOUN: 3, ADV: 0 };
    let [sum, all] = [0, 0];
    for (const label of labels) {
      const { loss } = await first({ classWeights: only(label, labels) });
      sum += countOf(label) * (weights[label] ?? 1) * loss;
      all += countOf(label) * (weights[label] ?? 1);
    }
    expect((await first({ classWeights: weights })).loss).toBeCloseTo(sum / all, 6);
    expect((await first({})).loss).not.toBeCloseTo(sum / all, 2);
  });

  test('balanced is N / (K·n)', async () => {
    const N = corpora.train.reduce((tokens, s) => tokens + s.tokens.length, 0);
    const byHand = Object.fromEntries(labels.map((label) => [label, N / (labels.length * countOf(label))]));
    const [balanced, weighted] = [await first({ classWeights: 'balanced' }), await first({ classWeights: byHand })];
    expect([balanced.loss, balanced.gradientNorm]).toEqual([weighted.loss, weighted.gradientNorm]);
  });

  test('of sentences', async () => {
    const own = (classWeights: TrainOptions['classWeights']) => first({ task: 'classify', classWeights }, categories);
    const n = categories.filter(({ category }) => category === 'action').length;
    const [action, clause] = [await own({ action: 1, clause: 0 }), await own({ action: 0, clause: 1 })];
    const expected = (4 * n * action.loss + (100 - n) * clause.loss) / (4 * n + 100 - n);
    expect((await own({ action: 4 })).loss).toBeCloseTo(expected, 6);
  });

  test('of several heads: by head, or balanced for each; the others stay as they are', async () => {
    const data = corpora.train.map((s) => ({ ...s, columns: { tag: s.labels!, first: s.tokens.map((w) => w[0]) } }));
    const own = (classWeights?: TrainOptions['classWeights']) =>
      first({ columns: ['tag', 'first'], classWeights }, data);
    const [none, tag, both] = [await own(), await own({ tag: 'balanced' }), await own('balanced')];
    const byHand = await own({ tag: { NOUN: 1 }, first: 'balanced' });
    expect([tag.losses!.first, tag.losses!.tag]).not.toEqual([none.losses!.first, none.losses!.tag]);
    expect(tag.losses!.tag).toBeCloseTo(both.losses!.tag, 1);
    expect(byHand.losses!.first).toBeCloseTo(both.losses!.first, 1);
    await expect(own({ NOUN: 2 })).rejects.toThrow(
      /classWeights of several heads are by head, such as { tag: { "NOUN": 2 } }/,
    );
    await expect(own({ pos: 'balanced' })).rejects.toThrow(/a name in classWeights .* must be one of 'tag', 'first'/);
    const mixed = train(kernels, { train: data }, { ...small, columns: ['tag', 'first'], head: { tag: 'crf' }, classWeights: 'balanced' }); // prettier-ignore
    await expect(mixed).rejects.toThrow(/classWeights does not apply to the head tag, which is crf/);
    const softmaxAlone = {
      head: { tag: 'crf' },
      columns: ['tag', 'first'],
      classWeights: { first: 'balanced' },
    } as const;
    await expect(first(softmaxAlone, data)).resolves.toBeDefined();
  });

  test('tokens without label weigh nothing', async () => {
    const gaps = corpora.train.map((s) => ({ ...s, labels: s.labels!.map((label) => (label === 'ADV' ? '' : label)) }));
    const zero = await first({ classWeights: { ADV: 0 } });
    expect((await first({}, gaps)).loss).not.toBeCloseTo(zero.loss, 8); // ADV is among the labels of one of the two alone
    const none = await first({ classWeights: { NOUN: 1 } }, gaps);
    expect(none.loss).toBe((await first({}, gaps)).loss);
  });

  test.each<[string, TrainOptions]>([
    ['tokens', { classWeights: 'balanced' }],
    ['tokens, smoothed', { classWeights: { NOUN: 0.1, ADV: 20 }, labelSmoothing: 0.1 }],
    ['sentences', { classWeights: { action: 9 }, task: 'classify' }],
  ])('threads share by weight, not by number: %s', async (_, options) => {
    const runs = [1, 2, 3].map((n) =>
      train(kernels, { train: categories }, { ...small, batch: 9, epochs: 2, ...options, threads: threads(n) }),
    );
    const [one, ...more] = await Promise.all(runs);
    for (const { history } of more) {
      history.forEach(({ loss, gradientNorm, largestGradientNorm }, i) => {
        expect(loss).toBeCloseTo(one.history[i].loss, 5);
        expect(gradientNorm).toBeCloseTo(one.history[i].gradientNorm, 5);
        expect(largestGradientNorm).toBeCloseTo(one.history[i].largestGradientNorm, 5);
      });
    }
  });
});

describe('Adam, AdamW and SGD', () => {
  test.each<[TrainOptions, TrainOptions, boolean]>([
    [{}, { beta2: 0.999, epsilon: 1e-8, weightDecay: 0 }, true],
    [{}, { beta2: 0.99 }, false],
    [{}, { epsilon: 1e-3 }, false],
    [{}, { weightDecay: 0.1 }, false],
    [{ optimizer: 'adamw' }, { optimizer: 'adamw', weightDecay: 0.01 }, true],
    [{ optimizer: 'adamw' }, { optimizer: 'adamw', weightDecay: 0.1 }, false],
    [{ optimizer: 'adamw', weightDecay: 0 }, {}, true],
    [{ optimizer: 'sgd' }, { optimizer: 'sgd', weightDecay: 0 }, true],
    [{ optimizer: 'sgd' }, { optimizer: 'sgd', weightDecay: 0.01 }, false],
  ])('%j and %j: the same model %p', async (one, other, same) => {
    const [a, b] = [await path({ epochs: 2, ...one }), await path({ epochs: 2, ...other })];
    expect(JSON.stringify(a.weights) === JSON.stringify(b.weights)).toBe(same);
  });

  test('decay makes weights smaller', async () => {
    const size = async (weightDecay: number) => {
      const { weights } = await path({ optimizer: 'adamw', weightDecay });
      return Math.hypot(...weights.at(-1)!['layers.0.forward.Wx']);
    };
    expect(await size(2)).toBeLessThan(0.9 * (await size(0)));
  });
});

test('a schedule that holds the rate: 0.6 of the updates, then down to its floor', async () => {
  const { history } = await train(
    kernels,
    { train: corpora.train },
    { ...small, epochs: 10, schedule: 'hold:0.6,0.01' },
  );
  const rates = history.map(({ lr }) => lr / 0.02);
  expect(rates.slice(0, 7)).toEqual(new Array(7).fill(1));
  rates.slice(7).forEach((rate, i) => {
    expect(rate).toBeCloseTo(0.01 + 0.99 * (0.5 + 0.5 * Math.cos((Math.PI * (i + 1)) / 4)), 12);
  });
});

test.each<[TrainOptions, RegExp]>([
  [{ ema: 1 }, /train: ema must be greater than 0 and less than 1; got 1: try 0.999/],
  [{ ema: 0 }, /got 0/],
  [{ ema: '0.9' as never }, /got the string "0.9"/],
  [{ labelSmoothing: 1 }, /train: labelSmoothing must be .*got 1/],
  [{ labelSmoothing: -0.1 }, /labelSmoothing/],
  [{ labelSmoothing: 0.1, head: 'crf' }, /labelSmoothing does not apply to the head crf: leave it out/],
  [{ classWeights: { NUN: 2 } }, /names the label "NUN", which training lacks; its labels are DET/],
  [{ classWeights: { NOUN: -1 } }, /classWeights\["NOUN"\] must be a finite number of at least 0; got -1/],
  [{ classWeights: { NOUN: Infinity } }, /at least 0; got Infinity/],
  [
    { classWeights: 'equal' as never },
    /must be 'balanced' or weights by label, such as { B: 2 }; got the string "equal"/,
  ],
  [{ classWeights: 'balanced', head: 'crf' }, /classWeights does not apply to the head crf/],
  [{ beta2: 1 }, /beta2/],
  [{ epsilon: 0 }, /epsilon/],
  [{ weightDecay: -1 }, /weightDecay/],
  [{ optimizer: 'sgd', beta2: 0.9 }, /beta2 does not apply to the optimizer sgd: leave it out, or choose adam/],
  [{ optimizer: 'sgd', epsilon: 1e-6 }, /epsilon does not apply to the optimizer sgd/],
  [{ schedule: 'hold:1' }, /SHARE must be at least 0 and below 1; got 1/],
])('%j is refused', async (options, message) => {
  const outcome = train(kernels, corpora, { ...small, ...options });
  await expect(outcome).rejects.toThrow(ArgumentError);
  await expect(outcome).rejects.toThrow(message);
});
