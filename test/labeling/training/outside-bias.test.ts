/** Threshold moving: what is added to the logit of O, how it is chosen, and that nothing else of a model changes. */
import { flatten } from '../../../src/autograd/grads.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Note } from '../../../src/labeling/data/notes.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { loadModel } from '../../../src/labeling/model/tagger.js';
import { memberOf } from '../../../src/labeling/model/ensemble.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { predict } from '../../../src/labeling/model/predict.js';
import { evaluate } from '../../../src/labeling/scoring/evaluate.js';
import { trainEnsemble } from '../../../src/labeling/training/ensemble.js';
import { bestPlace } from '../../../src/labeling/training/outside-bias.js';
import { decideOptions } from '../../../src/labeling/training/presets.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { trainSeeds } from '../../../src/labeling/training/seeds.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';

const kernels = createCpuKernels();

/** Sentences in which `rose` is a name in about a third of its places, which nothing around it tells. */
function corpus(count: number, start: number): Sentence[] {
  let state = start;
  const draw = (n: number): number => {
    state = (state * 48271) % 2147483647;
    return state % n;
  };
  return Array.from({ length: count }, () => {
    const sentence = { tokens: [] as string[], labels: [] as string[], columns: { kind: [] as string[] } };
    for (let t = draw(4) + 2; t > 0; t--) {
      const word = ['the', 'rose', 'fell', 'today'][draw(4)];
      sentence.tokens.push(word);
      sentence.labels.push(word === 'rose' && draw(3) === 0 ? 'B-PER' : 'O');
    }
    if (draw(5) === 0) {
      sentence.tokens.push('Ann', 'Lee');
      sentence.labels.push('B-PER', 'I-PER');
    }
    sentence.columns.kind = sentence.labels.map((label) => (label === 'O' ? 'O' : 'B-X'));
    return sentence;
  });
}

const [data, dev] = [corpus(60, 7), corpus(50, 11)];
const SMALL: TrainOptions = { embedding: 5, hidden: 3, epochs: 2, batch: 6, lr: 0.02, minCount: 1, dropout: 0.1 };
const HEADS: readonly (readonly [name: string, options: TrainOptions])[] = [
  ['softmax', {}],
  ['a constrained softmax', { decode: 'constrained' }],
  ['a CRF', { head: 'crf' }],
  ['a CRF over another scheme', { head: 'crf', scheme: 'IOBES' }],
];

/** The bias of O in the first head. */
function outsideOf(model: Model, name = 'labels'): { data: Float32Array; at: number } {
  const { b } = model.params.heads[name];
  return { data: b.data as Float32Array, at: b.offset + model.labels.labels.indexOf('O') };
}

/** (2) by itself: F1 of copies of the model whose file has the bias in it. */
function chosenByHand(untouched: Uint8Array): number {
  const f1 = Array.from({ length: 33 }, (_, i) => {
    const model = loadModel(untouched);
    const { data: b, at } = outsideOf(model);
    b[at] += (i - 16) / 4;
    return evaluate(kernels, model, dev).spanF1!;
  });
  let [best, mean] = [16, (f1[15] + f1[16] + f1[17]) / 3];
  for (let distance = 1; distance <= 16; distance++) {
    for (const i of [16 - distance, 16 + distance]) {
      const near = [i - 1, i, i + 1].filter((j) => j >= 0 && j <= 32);
      const own = near.reduce((sum, j) => sum + f1[j], 0) / near.length;
      if (own > mean) [best, mean] = [i, own];
    }
  }
  return f1[best] > f1[16] ? (best - 16) / 4 : 0;
}

describe.each(HEADS)('%s', (_name, head) => {
  const options = { ...SMALL, ...head };
  const plain = train(kernels, { train: data, dev }, options);

  test('a number is added to the bias of O, and nothing else changes', async () => {
    const { model, outsideBias } = await train(kernels, { train: data, dev }, { ...options, outsideBias: -1.5 });
    const { model: before, dev: scores, outsideBias: none } = await plain;
    const expected = loadModel(saveModel(before));
    const { data: b, at } = outsideOf(expected);
    b[at] += -1.5;
    expect(flatten(model.params)).toEqual(flatten(expected.params));
    expect(none).toBeNull();
    const after = evaluate(kernels, model, dev).spanF1;
    expect(outsideBias).toEqual([{ bias: -1.5, chosen: false, before: scores!.spanF1, after }]);
  });

  test('dev chooses the number that is best for its F1, and is scored with it', async () => {
    const { model: before, dev: scores } = await plain;
    const result = await train(kernels, { train: data, dev, test: dev }, { ...options, outsideBias: 'dev' });
    const bias = chosenByHand(saveModel(before));
    expect(bias).toBeLessThan(0);
    const expected = loadModel(saveModel(before));
    const { data: b, at } = outsideOf(expected);
    b[at] += bias;
    expect(saveModel(result.model)).toEqual(saveModel(expected));
    const after = evaluate(kernels, expected, dev);
    expect(result.outsideBias).toEqual([{ bias, chosen: true, before: scores!.spanF1, after: after.spanF1 }]);
    expect(after.spanF1).toBeGreaterThan(scores!.spanF1!);
    expect([result.dev, result.test]).toEqual([after, after]);
    expect(result.history.map(({ dev: each }) => each)).toEqual((await plain).history.map(({ dev: each }) => each));
  });
});

test('the lower the number, the more tokens are in spans', async () => {
  const inside: number[] = [];
  for (const outsideBias of [2, 0, -1, -20]) {
    const { model } = await train(kernels, { train: data }, { ...SMALL, outsideBias });
    const labels = predict(kernels, model, dev.map(({ tokens }) => tokens)).flatMap((each) => each.labels); // prettier-ignore
    inside.push(labels.filter((label) => label !== 'O').length);
  }
  expect(inside).toEqual([...inside].sort((a, b) => a - b));
  expect(inside[0]).toBeLessThan(inside[2]);
  expect(inside[3]).toBe(dev.flatMap(({ tokens }) => tokens).length);
});

describe('the place of the best', () => {
  test.each([
    ['the middle of a plateau, not a chance peak', [0.1, 0.4, 0.5, 0.4, 0.2, 0.2, 0.6, 0, 0], 2],
    ['of equal ones the nearest to 0', [0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5], 1],
    ['0 where all are alike', [0, 0, 0, 0, 0], 2],
    ['0 where neighbors gain and it does not', [0.1, 0.9, 0.3, 0.9, 0.1], 2],
    ['the end, over two', [0.9, 0.8, 0.1, 0.1, 0.1], 0],
  ])('%s', (_name, f1, place) => {
    expect(bestPlace(f1)).toBe(place);
  });
});

test('of several heads each has a number of its own; one without spans has none', async () => {
  const both = (each: Sentence): Sentence => ({
    ...each,
    columns: { ner: each.labels!, kind: each.columns!.kind, word: each.tokens.map((token) => token.toUpperCase()) },
  });
  const corpora = { train: data.map(both), dev: dev.map(both) };
  const options = { ...SMALL, columns: ['ner', 'kind', 'word'], head: { ner: 'crf' as const } };
  const before = await train(kernels, corpora, options);
  const { model, outsideBias, dev: scores } = await train(kernels, corpora, { ...options, outsideBias: 'dev' });
  expect(outsideBias!.map(({ head }) => head)).toEqual(['ner', 'kind']);
  for (const { head, bias, before: was, after } of outsideBias!) {
    expect(was).toBe(before.dev!.heads![head!].spanF1);
    expect(after).toBe(scores!.heads![head!].spanF1);
    const O = model.heads[model.config.heads.findIndex(({ name }) => name === head)].labels.labels.indexOf('O');
    const [own, old] = [model, before.model].map(({ params }) => params.heads[head!].b.data[O]);
    expect(own).toBe(Math.fround(old + bias));
  }
  expect(flatten(model.params.heads).word).toEqual(flatten(before.model.params.heads).word);
});

test('a resumed training moves what the whole one moves, once', async () => {
  const options = { ...SMALL, head: 'crf' as const, outsideBias: 'dev' as const, ema: 0.9 };
  const kept: Uint8Array[] = [];
  const hooks = { onCheckpoint: (bytes: Uint8Array) => void kept.push(bytes), checkpointEvery: { updates: 7 } };
  const whole = await train(kernels, { train: data, dev }, options, hooks);
  expect(whole.outsideBias![0].bias).not.toBe(0);
  for (const resume of [kept[0], kept.at(-1)!]) {
    const again = await train(kernels, { train: data, dev }, { ...options, resume });
    expect(saveModel(again.model)).toEqual(saveModel(whole.model));
    expect(again.outsideBias).toEqual(whole.outsideBias);
  }
  await expect(train(kernels, { train: data, dev }, { ...options, outsideBias: -1, resume: kept[0] })).rejects.toThrow(/outsideBias was "dev" and is -1/); // prettier-ignore
});

test('seeds and members of an ensemble are the single trainings', async () => {
  const options = { ...SMALL, outsideBias: 'dev' as const };
  const single = await train(kernels, { train: data, dev }, { ...options, seed: 2 });
  const seeds = await trainSeeds(kernels, { train: data, dev }, { ...options, seed: 2 }, 2);
  expect(seeds.runs[0].outsideBias).toEqual(single.outsideBias);
  const { model } = await trainEnsemble(kernels, { train: data, dev }, { ...options, seed: 2 }, 2);
  expect(saveModel(memberOf(model, 0))).toEqual(saveModel(single.model));
});

describe('what cannot be moved', () => {
  test('dev chooses nothing where there is none, or before an epoch has ended', async () => {
    await expect(train(kernels, { train: data }, { ...SMALL, outsideBias: 'dev' })).rejects.toThrow(
      new ArgumentError(
        'train: outsideBias dev (--outside-bias) is chosen on a development set, and there is none: add one (--dev), or give a number',
      ),
    );
    const stop = new AbortController();
    const hooks = { signal: stop.signal, onProgress: () => stop.abort() };
    const { outsideBias } = await train(kernels, { train: data, dev }, { ...SMALL, outsideBias: 'dev' }, hooks);
    expect(outsideBias).toBeNull();
  });

  test.each([NaN, Infinity, 'test', null, {}])('%p is refused', async (choice) => {
    const options = { ...SMALL, outsideBias: choice as never };
    await expect(train(kernels, { train: data, dev }, options)).rejects.toThrow(/outsideBias .* must be dev or a finite number/); // prettier-ignore
  });

  test('labels without spans are refused; spans without O, and heads that are frozen, are told', async () => {
    const upper = data.map((each) => ({ ...each, labels: each.tokens.map((token) => token.toUpperCase()) }));
    const corpora = { train: upper, sources: { train: 'a.tsv' } };
    const refused = train(kernels, corpora, { ...SMALL, outsideBias: -1 });
    await expect(refused).rejects.toThrow(DataError);
    await expect(refused).rejects.toThrow(/^a\.tsv: the outside bias needs span labels/);
    const inside = data.map((each) => ({ ...each, labels: each.tokens.map((_, t) => (t === 0 ? 'B-X' : 'I-X')) }));
    const whole = { ...SMALL, outsideBias: -1 };
    const { model } = await train(kernels, { train: data }, SMALL);
    for (const [sentences, options] of [
      [inside, whole],
      [data, { ...whole, embedding: undefined, hidden: undefined, dropout: undefined, init: model, freeze: ['heads'] }],
    ] as const) {
      const notes: Note[] = [];
      const result = await train(kernels, { train: sentences }, options, { onNote: (note) => notes.push(note) });
      expect(result.outsideBias).toEqual([]);
      expect(notes.filter(({ kind }) => kind === 'no-outside').map(({ message }) => message)).toEqual([
        'no outside bias: no trained head has both spans and the label O',
      ]);
    }
  });
});

test('the preset ner lets dev choose, where there is a dev', () => {
  const set = (options: TrainOptions, hasDev?: boolean) => decideOptions({ preset: 'ner', ...options }, data, hasDev).decided!.options; // prettier-ignore
  expect(set({})).toMatchObject({ outsideBias: 'dev' });
  expect(set({}, false)).not.toHaveProperty('outsideBias');
  expect(set({ outsideBias: -1 })).not.toHaveProperty('outsideBias');
  expect(decideOptions({ preset: 'pos' }, data).decided!.options).not.toHaveProperty('outsideBias');
});
