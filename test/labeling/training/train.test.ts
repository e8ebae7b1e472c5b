import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Kernels } from '../../../src/kernels/index.js';
import { mostFrequentTag } from '../../../src/labeling/scoring/baseline.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { createScorer } from '../../../src/labeling/scoring/scorer.js';
import type { EpochRecord, EpochReport, Progress, TrainResult } from '../../../src/labeling/training/record.js';
import { metricOf, train } from '../../../src/labeling/training/train.js';
import type { Note } from '../../../src/labeling/data/notes.js';
import { ArgumentError, DataError, NonFiniteError } from '../../../src/tensor/errors.js';

const kernels = createCpuKernels();
const corpus = generateCorpus({ sentences: 260, seed: 11, maxPhrases: 1 });
const corpora = { train: corpus.slice(0, 200), dev: corpus.slice(200) };
const small: TrainOptions = { embedding: 8, hidden: 9, epochs: 3, lr: 0.02, dropout: 0.1, batch: 16 };

test('learns what the most frequent tag of each word cannot', async () => {
  const { dev, model } = await train(kernels, corpora, { ...small, epochs: 8 });
  const baseline = mostFrequentTag(corpora.train);
  const scorer = createScorer();
  for (const s of corpora.dev) scorer.add(s.tokens, s.labels!, baseline.predict(s.tokens));
  const floor = scorer.scores().accuracy;
  expect(floor).toBeLessThan(0.93);
  expect(dev!.accuracy).toBeGreaterThan(floor + 0.04);
  expect(model.labels.labels).toEqual(expect.arrayContaining(['V.SG', 'V.PL', 'NOUN', 'VERB']));
});

test('one seed governs initialization, order, dropout and word dropout: same seed, same bytes', async () => {
  const bytes = async (seed: number) => saveModel((await train(kernels, corpora, { ...small, epochs: 2, seed })).model);
  const one = await bytes(5);
  expect(await bytes(5)).toEqual(one);
  expect(await bytes(6)).not.toEqual(one);
});

describe('every option changes the model', () => {
  const base: TrainOptions = { ...small, epochs: 1, layers: 2 };
  let unchanged: Uint8Array;
  beforeAll(async () => {
    unchanged = saveModel((await train(kernels, corpora, base)).model);
  });

  test.each<TrainOptions>([
    { cell: 'rnn' },
    { cell: 'rnn-relu' },
    { cell: 'gru' },
    { cell: 'gru-reset-before' },
    { embedding: 7 },
    { hidden: 5 },
    { layers: 1 },
    { bidirectional: false },
    { dropout: 0 },
    { wordDropout: 0.4 },
    { minCount: 6 },
    { optimizer: 'adamw' },
    { optimizer: 'sgd' },
    { lr: 0.01 },
    { schedule: 'cosine' },
    { schedule: 'warmup:5' },
    { batch: 7 },
    { clip: 0.05 },
    { truncate: { every: 1, back: 2 } },
    { seed: 2 },
  ])('%j', async (change) => {
    const { model, history } = await train(kernels, corpora, { ...base, ...change });
    expect(saveModel(model)).not.toEqual(unchanged);
    expect(history[0].loss).toBeLessThan(2.2); // from log 8 = 2.08 nats at the start: it runs, and it does not blow up
  });

  test('lowerCase folds words', async () => {
    const shouting = corpora.train.map((s, i) => (i % 2 ? s : { ...s, tokens: s.tokens.map((w) => w.toUpperCase()) }));
    const size = async (lowerCase: boolean) =>
      (await train(kernels, { train: shouting }, { ...base, lowerCase })).model.words.size;
    expect(await size(true)).toBeLessThan(await size(false));
  });
});

describe('the development set', () => {
  /** Ends two epochs after its best one, so that what is returned is not what was trained last. */
  const erratic: TrainOptions = { ...small, lr: 0.3, epochs: 60, patience: 2 };

  test('decides which weights are kept: the returned ones have the score of the best epoch', async () => {
    const { dev, bestEpoch, history } = await train(kernels, corpora, erratic);
    const scores = history.map((record) => metricOf(record.dev!));
    expect(scores[bestEpoch - 1]).toBe(Math.max(...scores));
    expect(metricOf(dev!)).toBe(Math.max(...scores));
    expect(history[bestEpoch - 1].best).toBe(true);
    expect(bestEpoch).toBeLessThan(scores.length); // else this test would not see a restored weight
  });

  test('the kept weights are those of the best epoch, not of the last one', async () => {
    const long = await train(kernels, corpora, erratic);
    const short = await train(kernels, corpora, { ...erratic, epochs: long.bestEpoch });
    expect(saveModel(long.model)).toEqual(saveModel(short.model));
  });

  test('ends the training after `patience` epochs without a better score', async () => {
    const { epochs, bestEpoch } = await train(kernels, corpora, erratic);
    expect(epochs).toBe(bestEpoch + 2);
    expect(epochs).toBeLessThan(60);
  });

  test('patience does not begin while the score is 0, as span F1 is at first', async () => {
    // One entity in the whole corpus: nothing but O is learned in four epochs, and F1 stays 0.
    const rare = corpora.train.map((s, n) => ({ ...s, labels: s.tokens.map((_, i) => (n + i === 0 ? 'B-N' : 'O')) }));
    const { history, epochs, bestEpoch } = await train(
      kernels,
      { train: rare, dev: rare.slice(0, 20) },
      { ...small, epochs: 4, patience: 1 },
    );
    expect(history.map((record) => record.dev!.spanF1)).toEqual([0, 0, 0, 0]);
    expect([epochs, bestEpoch]).toEqual([4, 4]);
  });

  test('without one the last epoch is kept, and there is no score', async () => {
    const { dev, bestEpoch, epochs } = await train(kernels, { train: corpora.train }, { ...small, patience: 1 });
    expect([dev, bestEpoch, epochs]).toEqual([null, 3, 3]);
  });

  test('a plateau schedule listens to it', async () => {
    const { history } = await train(kernels, corpora, {
      ...small,
      lr: 0.3,
      epochs: 6,
      patience: 9,
      schedule: 'plateau:0.1,0',
    });
    const accuracies = history.map(({ dev }) => dev!.accuracy);
    let rate = 0.3;
    history.forEach(({ lr }, epoch) => {
      expect(lr).toBeCloseTo(rate, 12);
      if (epoch > 0 && accuracies[epoch] <= Math.max(...accuracies.slice(0, epoch))) rate *= 0.1;
    });
    expect(history.at(-1)!.lr).toBeLessThan(0.05);
  });

  test('spans are judged by F1, everything else by accuracy', async () => {
    const spans = corpora.train.map((s) => ({ ...s, labels: s.labels!.map((l) => (l === 'NOUN' ? 'B-N' : 'O')) }));
    const { dev, test: tested } = await train(
      kernels,
      { train: spans, dev: spans.slice(0, 30), test: spans.slice(30, 50) },
      { ...small, epochs: 2 },
    );
    expect(dev!.spanF1).not.toBeNull();
    expect(metricOf(dev!)).toBe(dev!.spanF1);
    expect(tested!.tokens).toBe(spans.slice(30, 50).reduce((sum, s) => sum + s.tokens.length, 0));
  });
});

test('progress counts tokens up to the epoch; records carry what the log needs', async () => {
  const progress: Progress[] = [];
  const records: EpochRecord[] = [];
  const models: Model[] = [];
  const onEpoch = ({ model, ...record }: EpochReport): void => {
    records.push(record);
    models.push(model);
  };
  const result = await train(
    kernels,
    corpora,
    { ...small, epochs: 2, clip: 0.2 },
    { onProgress: (p) => progress.push(p), onEpoch },
  );
  const total = corpora.train.reduce((sum, s) => sum + s.tokens.length, 0);
  expect(progress.filter((p) => p.epoch === 2).at(-1)).toMatchObject({ epochs: 2, tokens: total, totalTokens: total });
  expect(progress.map((p) => p.tokens).slice(0, 3)).toEqual(
    [...progress.map((p) => p.tokens).slice(0, 3)].sort((p, q) => p - q),
  );
  expect(records).toEqual(result.history);
  expect(models.map(({ config }) => config)).toEqual([result.model.config, result.model.config]);
  expect(records[0].clipped).toBeGreaterThan(0);
  expect(records[0].largestGradientNorm).toBeGreaterThanOrEqual(records[0].gradientNorm);
  const { params } = result.model;
  const count = [
    params.encoders.words.weight,
    params.heads.labels.W,
    params.heads.labels.b,
    ...params.layers.flatMap((l) => Object.values(l).flatMap((d) => Object.values(d))),
  ];
  expect(result.parameters).toBe(count.reduce((sum, p) => sum + p.data.length, 0));
});

test('an abort returns the best weights so far, and says so', async () => {
  const controller = new AbortController();
  const full = await train(kernels, corpora, { ...small, epochs: 1 });
  const stopped = await train(
    kernels,
    corpora,
    { ...small, epochs: 9 },
    {
      signal: controller.signal,
      onProgress: (p) => {
        if (p.epoch === 2) controller.abort();
      },
    },
  );
  expect(stopped).toMatchObject({ interrupted: true, bestEpoch: 1, epochs: 2, test: null });
  expect(saveModel(stopped.model)).toEqual(saveModel(full.model));
});

test('the host gets its turn however short an epoch is', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 0);
  const tiny = { train: corpora.train.slice(0, 2) };
  const { epochs } = await train(
    kernels,
    tiny,
    { ...small, epochs: 1e6, patience: Infinity },
    { signal: controller.signal },
  );
  expect(epochs).toBeLessThan(1e6);
});

test('an abort in the first epoch returns the weights as they stand', async () => {
  const controller = new AbortController();
  const stopped = await train(kernels, corpora, small, {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  expect(stopped).toMatchObject({ interrupted: true, bestEpoch: 0, epochs: 1, dev: null, history: [] });
  expect(stopped.model.params.encoders.words.weight.shape[1]).toBe(small.embedding);
});

describe('bad data and bad options', () => {
  const broken = (labels: string[] | undefined): Sentence => ({ tokens: ['the', 'cat'], labels, line: 17 });

  test('a label of the development set that training never saw is refused where that is asked for', async () => {
    const dev = [broken(['DET', 'X'])];
    const run = train(kernels, { ...corpora, dev, sources: { dev: 'dev.tsv' } }, { ...small, strictLabels: true });
    await expect(run).rejects.toThrow(DataError);
    await expect(run).rejects.toThrow(
      /dev\.tsv: sentence at line 17, token 2, "cat": label "X" was never seen in training; the known labels are .*NOUN/,
    );
  });

  test('else it counts as an error, in every epoch, and is told once', async () => {
    const notes: Note[] = [];
    const dev = [broken(['DET', 'X']), broken(['X', 'Y'])];
    const sources = { dev: 'dev.tsv' };
    const { history } = await train(kernels, { ...corpora, dev, test: dev, sources }, small, {
      onNote: (note) => notes.push(note),
    });
    for (const { dev: scores } of history) {
      expect(scores!.tokens).toBe(4);
      expect(scores!.correct).toBeLessThanOrEqual(1);
      expect(scores!.labels.X).toMatchObject({ gold: 2, predicted: 0, correct: 0 });
    }
    const told = '3 tokens have labels that never occur in training and count as errors: "X" 2, "Y" 1: correct them';
    expect(notes.map(({ kind, message }) => [kind, message.split(', train')[0]])).toEqual([
      ['unknown-labels', `dev.tsv: ${told}`],
      ['unknown-labels', told],
    ]);
    expect(notes[0]).toMatchObject({ source: 'dev.tsv', line: 17, count: 3 });
  });

  test('sentences without labels, and no sentence at all', async () => {
    await expect(train(kernels, { train: [broken(undefined)] }, small)).rejects.toThrow(
      /expected one label per token, 2; got none/,
    );
    await expect(train(kernels, { train: [] }, small)).rejects.toThrow(/at least one sentence/);
  });

  test.each<[TrainOptions, RegExp]>([
    [{ hidden: 0 }, /hidden/],
    [{ layers: 1.5 }, /layers/],
    [{ lr: NaN }, /lr/],
    [{ dropout: 1 }, /dropout/],
    [{ wordDropout: -0.1 }, /wordDropout/],
    [{ minCount: 0 }, /minCount/],
    [{ optimizer: 'rmsprop' as 'sgd' }, /optimizer must be one of adam, adamw, sgd; got rmsprop/],
    [{ optimizer: 'toString' as 'sgd' }, /optimizer must be one of/],
    [{ schedule: 'cosin' }, /schedule/],
    [{ clip: 0 }, /clip/],
    [{ epochs: 0 }, /epochs/],
    [{ patience: 0 }, /patience/],
    [{ seed: 0.5 }, /seed/],
    [{ truncate: { every: 3, back: 1 } }, /back must be/],
  ])('%j', async (change, message) => {
    const run = train(kernels, corpora, { ...small, ...change });
    await expect(run).rejects.toThrow(ArgumentError);
    await expect(run).rejects.toThrow(message);
  });

  test('plateau needs a development set', async () => {
    const run = (part: Partial<typeof corpora>) =>
      train(kernels, { train: corpora.train, ...part }, { ...small, epochs: 1, schedule: 'plateau:0.5,2' });
    await expect(run({})).rejects.toThrow(ArgumentError);
    await expect(run({})).rejects.toThrow(/plateau needs scores on a development set/);
    expect((await run({ dev: corpora.dev })).epochs).toBe(1);
  });

  test('patience and clip may be Infinity: never stop early, never clip', async () => {
    const { history } = await train(kernels, corpora, { ...small, patience: Infinity, clip: Infinity, epochs: 1 });
    expect(history[0].clipped).toBe(0);
  });
});

describe('a loss that is not a number', () => {
  test('stops the training and names the first bad tensor, its layer and time step', async () => {
    const run = train(kernels, corpora, { ...small, cell: 'rnn-relu', lr: 1e30, optimizer: 'sgd', clip: Infinity });
    await expect(run).rejects.toThrow(NonFiniteError);
    await expect(run).rejects.toThrow(
      /became (NaN|-?Infinity) in epoch \d+, batch \d+; first bad tensor: (parameter|layers\.0\.(forward|reverse)\.h at time step \d+|logits)/,
    );
  });
});

describe('a late epoch that goes wrong', () => {
  const once = { ...small, batch: 10 ** 6, epochs: 2, optimizer: 'sgd', clip: Infinity } as const;

  /** Trains two epochs of one batch each; from the second on every weight gradient has this element. */
  async function poisoned(element: number, lr: number): Promise<{ message: string; rescued: TrainResult[] }> {
    let late = false;
    const rescued: TrainResult[] = [];
    const sick: Kernels = {
      ...kernels,
      addMatmulTA(out, a, b) {
        kernels.addMatmulTA(out, a, b);
        if (late) out.data[out.offset] = element;
      },
    };
    const error: unknown = await train(
      sick,
      { train: corpora.train },
      { ...once, lr },
      { onEpoch: () => void (late = true), onRescue: (result) => rescued.push(result) },
    ).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NonFiniteError);
    return { message: (error as Error).message, rescued };
  }

  test.each([
    ['a gradient', NaN, 0.1, /^the gradient norm became NaN in epoch 2, batch 1; first bad tensor: gradient of /],
    // No batch follows the last update that would show it, and without a development set the last epoch is the best.
    ['the weights after its last update', 3e38, 10, /^parameter \S+ at \[0, 0\] is not finite after epoch 2\. Lower/],
  ])('%s: the weights of the epoch before go to the rescue', async (_, element, lr, wanted) => {
    const { message, rescued } = await poisoned(element, lr);
    expect(message).toMatch(wanted);
    expect(rescued).toHaveLength(1);
    expect(rescued[0]).toMatchObject({ bestEpoch: 1, epochs: 2 });
    const { model } = await train(kernels, { train: corpora.train }, { ...once, lr, epochs: 1 });
    expect(saveModel(rescued[0].model)).toEqual(saveModel(model));
  });
});

describe('an error in the middle', () => {
  /** Training that meets `error` in the given epoch. */
  async function broken(epoch: number, error: Error) {
    const onRescue = jest.fn<void, [TrainResult, unknown]>();
    const onProgress = (progress: Progress) => {
      if (progress.epoch === epoch) throw error;
    };
    await expect(train(kernels, corpora, small, { onProgress, onRescue })).rejects.toBe(error);
    return onRescue.mock.calls;
  }

  test('hands the best weights of finished epochs over before it is thrown', async () => {
    const error = new Error('of a hook');
    const [[result, told], ...more] = await broken(2, error);
    expect([told, more]).toEqual([error, []]);
    expect(result).toMatchObject({ bestEpoch: 1, epochs: 2, interrupted: true, test: null });
    const { model } = await train(kernels, corpora, { ...small, epochs: 1 });
    expect(saveModel(result.model)).toEqual(saveModel(model));
  });

  test('of the first epoch hands nothing over', async () => {
    expect(await broken(1, new NonFiniteError('NaN'))).toEqual([]);
  });
});
