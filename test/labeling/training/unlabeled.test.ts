/** Tokens without a label: their part in the loss, in vocabularies, in schemes of spans, in scores, and what is said of them. */
import fc from 'fast-check';
import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Note, Sentence } from '../../../src/labeling/index.js';
import { convertLabels, detectScheme, evaluate, mostFrequentTag, train } from '../../../src/labeling/index.js';
import type { Scheme } from '../../../src/labeling/data/schemes.js';
import { SCHEMES } from '../../../src/labeling/data/schemes.js';
import { convertPartial } from '../../../src/labeling/data/unlabeled.js';
import type { ModelParams } from '../../../src/labeling/model/network.js';
import { createScorer } from '../../../src/labeling/scoring/scorer.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { Replica } from '../../../src/labeling/training/replica.js';
import { addShardGradient, totalsOf } from '../../../src/labeling/training/replica.js';
import { prepareRun } from '../../../src/labeling/training/run.js';
import { allocate, DataError } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { threads } from '../../support/threads.js';

fc.configureGlobal({ seed: 7, numRuns: 60 });
const kernels = createCpuKernels();
const tiny: TrainOptions = { embedding: 4, hidden: 3, epochs: 2, batch: 3, minCount: 1, dropout: 0, wordDropout: 0 };

const sentence = (text: string, line = 1): Sentence => {
  const parts = text.split(' ').map((part) => part.split('/'));
  return { tokens: parts.map(([token]) => token), labels: parts.map(([, label]) => label), line };
};
const SPANS = [
  sentence('ann/B-PER lee/I-PER met/O bo/B-PER', 1),
  sentence('ann/ lee/I-PER saw/O oslo/', 6),
  sentence('oslo/B-LOC saw/ ann/B-PER lee/', 11),
  sentence('bo/ met/ lee/', 16),
  sentence('saw/O oslo/B-LOC met/ bo/', 20),
];

/** A replica in float64, so that differences are exact enough. */
function wideReplica(options: TrainOptions, sentences: readonly Sentence[] = SPANS): Replica {
  const { replica } = prepareRun(kernels, { train: sentences }, { ...tiny, ...options });
  const wide = Object.fromEntries(
    Object.entries(replica.params).map(([name, { data, shape }]) => {
      const tensor: Tensor = allocate(shape, 'float64');
      tensor.data.set(data);
      return [name, tensor];
    }),
  );
  const modelParams = nestLike(replica.modelParams, wide) as ModelParams;
  const flatGrads = zeroGrads(flatten(modelParams), { rowGradients: ['encoders.words.weight'] });
  return { ...replica, params: wide, modelParams, flatGrads, grads: nestLike(modelParams, flatGrads) as ModelParams };
}

describe('the loss', () => {
  const MEMBERS = [0, 1, 2, 3]; // the sentence without any label is left out before
  const gradientOf = (options: TrainOptions) => {
    const replica = wideReplica(options);
    const totals = totalsOf(replica.sentences, MEMBERS);
    return { replica, shard: addShardGradient(replica, MEMBERS, totals, { epoch: 1, batch: 1 }) };
  };

  test.each([
    ['a CRF, all transitions', { head: 'crf', decode: 'free' }],
    ['a CRF, permitted transitions', { head: 'crf', scheme: 'IOBES' }],
  ] as const)('of %s is log Z − log Z of the paths that agree with the labels there are: enumerated', (_, options) => {
    const { replica, shard } = gradientOf(options);
    const { packing } = shard.batch;
    const { transitions, start, end } = replica.modelParams.heads.labels;
    const K = start.shape[0];
    const { permitted } = replica.network.config.heads[0];
    expect(permitted === undefined).toBe('decode' in options);
    const allowed = (path: readonly number[]): boolean => {
      if (permitted === undefined) return true;
      const names = labelsOf(options);
      return convertLabels(path.map((k) => names[k]), 'IOBES', 'IOBES').repairs === 0; // prettier-ignore
    };
    const [logits] = shard.pass.heads.map((head) => head.logits);
    let [sum, given] = [0, 0];
    packing.order.forEach((place, b) => {
      const targets = [...replica.sentences.targets[0][MEMBERS[place]]];
      given += targets.filter((y) => y >= 0).length;
      let [all, gold] = [0, 0];
      for (let code = 0; code < K ** targets.length; code++) {
        const path = targets.map((__, t) => Math.floor(code / K ** t) % K);
        if (!allowed(path)) continue;
        const score = path.reduce(
          (s, k, t) => s + logits.data[(packing.offsets[t] + b) * K + k] + (t > 0 ? transitions.data[path[t - 1] * K + k] : 0), // prettier-ignore
          start.data[path[0]] + end.data[path[path.length - 1]],
        );
        all += Math.exp(score);
        if (path.every((k, t) => targets[t] < 0 || targets[t] === k)) gold += Math.exp(score);
      }
      sum += Math.log(all) - Math.log(gold);
    });
    expect(shard.losses[0]).toBeCloseTo(sum / given, 10);
    expect(shard.decisions).toEqual([given]);
  });

  test.each<[string, TrainOptions]>([
    ['softmax', {}],
    ['CRF', { head: 'crf' }],
    ['CRF of IOBES', { head: 'crf', scheme: 'IOBES' }],
  ])('%s: its gradient is that of finite differences', (_, options) => {
    const { replica } = gradientOf(options);
    const other = wideReplica(options);
    const probe = { ...other, params: replica.params, modelParams: replica.modelParams };
    const totals = totalsOf(replica.sentences, MEMBERS);
    const loss = () => addShardGradient(probe, MEMBERS, totals, { epoch: 1, batch: 1 }).loss;
    expect(gradcheck({ tensors: replica.params, grads: replica.flatGrads, loss }).passed).toBe(true);
    const full = gradcheck({ tensors: replica.params, grads: replica.flatGrads, loss: () => loss() * 1.01 });
    expect(full.passed).toBe(false);
  });

  test('a token without label gets no gradient from a softmax; what it is called does not matter', () => {
    const { shard, replica } = gradientOf({});
    expect(shard.decisions).toEqual([SPANS.flatMap((s) => s.labels!).filter((label) => label !== '').length]);
    expect(replica.network.config.heads[0].size).toBe(4); // O, B-PER, I-PER, B-LOC
  });

  test('threads share it, and a sentence without any label is as if it were not there', async () => {
    const labeled = SPANS.filter(({ labels }) => labels!.some((label) => label !== ''));
    const run = async (data: readonly Sentence[], n: number) =>
      train(kernels, { train: data }, { ...tiny, head: 'crf', threads: threads(n) });
    const [one, same, two] = [await run(SPANS, 1), await run(labeled, 1), await run(SPANS, 2)];
    for (const [name, p] of Object.entries(flatten(one.model.params))) {
      expect(p.data).toEqual(flatten(same.model.params)[name].data);
    }
    expect(two.history.map(({ loss }) => loss.toFixed(4))).toEqual(one.history.map(({ loss }) => loss.toFixed(4)));
  });
});

/** The labels of a training, in the order of their ids. */
const labelsOf = (options: TrainOptions): readonly string[] =>
  prepareRun(kernels, { train: SPANS }, { ...tiny, ...options }).model.labels.labels;

describe('several heads', () => {
  const columns = SPANS.map((s, i): Sentence => {
    const pos = s.tokens.map((token, t) => (t === i ? '' : token === 'met' || token === 'saw' ? 'V' : 'N'));
    return { ...s, columns: { ner: s.labels!, pos } };
  });
  const both: TrainOptions = { ...tiny, columns: ['ner', 'pos'] };

  test('each counts the labels it has; a sentence that one head has labels of is learned', () => {
    const { replica } = prepareRun(kernels, { train: columns }, both);
    expect(replica.sentences.lengths).toHaveLength(5);
    const labels = (name: string) => columns.flatMap((s) => s.columns![name]).filter((label) => label !== '').length;
    expect(totalsOf(replica.sentences, [0, 1, 2, 3, 4])).toEqual([labels('ner'), labels('pos')]);
  });

  test('scores leave out what a head lacks, and all of both where one lacks it', async () => {
    const { model } = await train(kernels, { train: columns }, both);
    const { heads, together } = evaluate(kernels, model, columns);
    const ner = columns.flatMap((s) => s.columns!.ner);
    const pos = columns.flatMap((s) => s.columns!.pos);
    const has = (labels: readonly string[]) => labels.filter((label) => label !== '').length;
    expect([heads!.ner.tokens, heads!.ner.unlabeled]).toEqual([has(ner), ner.length - has(ner)]);
    expect([heads!.pos.tokens, heads!.pos.unlabeled]).toEqual([has(pos), pos.length - has(pos)]);
    expect(together!.decisions).toBe(ner.filter((label, t) => label !== '' && pos[t] !== '').length);
  });

  test('a head that dev lacks is said; the one that decides cannot lack it', async () => {
    const dev = columns.map((s) => ({ ...s, columns: { ...s.columns, pos: s.tokens.map(() => '') } }));
    const notes: Note[] = [];
    const onNote = (note: Note) => void notes.push(note);
    const { dev: scores } = await train(kernels, { train: columns, dev }, both, { onNote });
    expect(Object.keys(scores!.heads!)).toEqual(['ner']);
    expect(notes.filter(({ kind }) => kind === 'head-left-out')).toHaveLength(1);
    const decided = train(kernels, { train: columns, dev }, { ...both, bestBy: 'pos' });
    await expect(decided).rejects.toThrow(/column pos: none of 19 tokens has a label: annotate some/);
  });

  test('an intent may be missing too', () => {
    const frames = SPANS.map((s, i) => ({ ...s, category: ['Fly', '', 'Book', '', 'Fly'][i] }));
    const { replica, model } = prepareRun(kernels, { train: frames }, { ...tiny, task: 'slots-intent' });
    expect(totalsOf(replica.sentences, [0, 1, 2, 3])[1]).toBe(3);
    expect(model.heads[1].labels.labels).toEqual(['Fly', 'Book']);
  });
});

test('what is said: how many tokens, how many sentences, where; and of the label _', () => {
  const notes: Note[] = [];
  const onNote = (note: Note) => void notes.push(note);
  prepareRun(kernels, { train: SPANS, dev: SPANS.slice(0, 2), sources: { train: 'a.conll', dev: 'b.conll' } }, tiny, { onNote }); // prettier-ignore
  expect(notes.filter(({ kind }) => kind === 'unlabeled')).toEqual([
    { kind: 'unlabeled', message: 'a.conll: 9 tokens without label are left out of the loss (1 sentence without any)', source: 'a.conll', line: 6, count: 9 }, // prettier-ignore
    { kind: 'unlabeled', message: 'b.conll: 2 tokens without label are left out of the scores', source: 'b.conll', line: 6, count: 2 }, // prettier-ignore
  ]);
  notes.length = 0;
  prepareRun(kernels, { train: [sentence('a/_ b/Case=Nom c/_', 3)] }, tiny, { onNote });
  expect(notes.map(({ kind, message }) => [kind, message])).toEqual([
    [
      'underscore-label',
      expect.stringMatching(/^2 tokens have the label "_", which is learned .*FEATS.*--unlabeled _/),
    ],
  ]);
});

test('no label at all is an error, of training and of evaluation', async () => {
  const none = SPANS.slice(3, 4);
  await expect(train(kernels, { train: none }, tiny)).rejects.toThrow(/none of 3 tokens has a label/);
  const { model } = await train(kernels, { train: SPANS }, tiny);
  expect(() => evaluate(kernels, model, none)).toThrow(DataError);
});

test('labels that no completion is permitted of are refused by their line', async () => {
  // In IOBES, without E-PER or I-PER in the data, nothing can follow B-PER.
  const data = [sentence('a/S-PER b/O', 1), sentence('a/B-PER b/ c/O', 4)];
  await expect(train(kernels, { train: data, sources: { train: 'x' } }, { ...tiny, head: 'crf' })).rejects.toThrow(
    /x: sentence at line 4: no labels of the training data fit .*--decode free/,
  );
  await expect(train(kernels, { train: data }, { ...tiny, head: 'crf', decode: 'free' })).resolves.toBeDefined();
});

test('the baseline counts the labels there are', () => {
  expect(mostFrequentTag([sentence('a/ a/X b/')]).predict(['a', 'b', 'c'])).toEqual(['X', 'X', 'X']);
});

describe('schemes', () => {
  const LABELS: Readonly<Record<string, readonly string[]>> = {
    IOB2: ['O', 'B-x', 'I-x', 'B-y', 'I-y'],
    IOE2: ['O', 'E-x', 'I-x', 'E-y', 'I-y'],
    IOB1: ['O', 'B-x', 'I-x', 'B-y', 'I-y'],
    IOBES: ['O', 'B-x', 'I-x', 'E-x', 'S-x', 'S-y'],
  };

  test('a label beside a gap is what all completions make of it, else it is missing', () => {
    const cases = fc.constantFrom(...Object.keys(LABELS)).chain((from) =>
      fc.record({
        from: fc.constant(from as Scheme),
        to: fc.constantFrom(...SCHEMES),
        labels: fc.array(fc.constantFrom('', ...LABELS[from]), { minLength: 1, maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ from, to, labels }) => {
        const all = LABELS[from];
        const gaps = labels.flatMap((label, t) => (label === '' ? [t] : []));
        const made = labels.map(() => ({ own: new Set<string>(), any: new Set<string>() }));
        for (let code = 0; code < all.length ** gaps.length; code++) {
          const full = [...labels];
          gaps.forEach((t, g) => (full[t] = all[Math.floor(code / all.length ** g) % all.length]));
          const [same, other] = [convertLabels(full, from, from).labels, convertLabels(full, from, to).labels];
          made.forEach(({ own, any }, t) => {
            any.add(other[t]);
            if (same[t] === full[t]) own.add(other[t]);
          });
        }
        const expected = labels.map((label, t) => {
          const { own, any } = made[t];
          const results = own.size > 0 ? own : any;
          return label === '' || results.size > 1 ? '' : [...results][0];
        });
        expect(convertPartial(labels, from, to).labels).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  test('detection takes no gap for a boundary', () => {
    expect(detectScheme([['B-x', 'I-x', 'O'], ['', 'I-x', 'O'], ['', 'I-x']])).toMatchObject({ scheme: 'IOB2', repairs: 0 }); // prettier-ignore
    expect(detectScheme([['', 'X'], ['Y']]).scheme).toBeNull();
  });
});

describe('spans that hold a token without label, or border on one, are in neither list', () => {
  const scored = (gold: string, predicted: string, spanMode: 'conlleval' | 'strict' | 'repair' = 'conlleval') => {
    const scorer = createScorer({ labels: ['O', 'B-x', 'I-x'], spanMode, scheme: 'IOB2' });
    const [g, p] = [gold, predicted].map((text) => text.split(' ').map((label) => (label === '_' ? '' : label === 'O' ? 'O' : `${label}-x`))); // prettier-ignore
    scorer.add(g.map(() => 'w'), g, p); // prettier-ignore
    return scorer.scores();
  };

  test.each([
    ['B I O _', 'B I O B', [1, 1, 1], [3, 3]], // inside the gap
    ['B I _ O', 'B I I O', [0, 0, 0], [3, 3]], // gold borders on it, the prediction holds it
    ['B I _ O', 'B O O O', [0, 0, 1], [2, 3]], // the prediction ends before, and is wrong whatever stands there
    ['_ I O B', 'B I O B', [1, 1, 1], [3, 3]],
    ['O _ O', 'O B O', [0, 0, 0], [2, 2]],
    ['_ _', 'B I', [0, 0, 0], [0, 0]],
  ])('%s and %s', (gold, predicted, [correct, golds, found], [right, tokens]) => {
    for (const mode of ['conlleval', 'strict', 'repair'] as const) {
      const scores = scored(gold, predicted, mode);
      expect(scores.spans).toMatchObject({ correct, gold: golds, predicted: found });
      expect([scores.correct, scores.tokens, scores.unlabeled]).toEqual([right, tokens, gold.split('_').length - 1]);
    }
  });

  test('a sentence without any label is not counted; one with some is right where these are', () => {
    expect(scored('_ _', 'B I')).toMatchObject({ sentences: 0, correctSentences: 0, accuracy: 0, lengths: [] });
    expect(scored('O _', 'O B')).toMatchObject({ sentences: 1, correctSentences: 1, accuracy: 1 });
  });
});
