/** Several heads over one body: their joint loss, its gradient, shards, names, files, predictions and scores. */
import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import type { TensorRecord } from '../../../src/autograd/index.js';
import type { Kernels } from '../../../src/kernels/index.js';
import { createCpuKernels, selectBackend } from '../../../src/kernels/index.js';
import type { Note, Sentence } from '../../../src/labeling/index.js';
import {
  createAsyncTagger,
  createTagger,
  evaluate,
  loadModel,
  predict,
  saveModel,
  train,
} from '../../../src/labeling/index.js';
import { withHead } from '../../../src/labeling/model/model.js';
import type { ModelGrads, ModelParams } from '../../../src/labeling/model/network.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { Replica } from '../../../src/labeling/training/replica.js';
import { addShardGradient, totalsOf } from '../../../src/labeling/training/replica.js';
import { prepareRun } from '../../../src/labeling/training/run.js';
import type { SpanPlan } from '../../../src/labeling/training/spans.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';
import { allocate, ArgumentError, createRng, DataError } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { threads } from '../../support/threads.js';

const kernels = createCpuKernels();

const CITIES = ['oslo', 'rome', 'new york'];

/** Requests: a verb says the intent, a preposition the slot; every token has a tag and a shape too. */
function corpusOf(count: number, seed: number): Sentence[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, (_, line) => {
    const fly = rng.integer(2) === 0;
    const words: [string, string, string][] = [[fly ? 'fly' : 'book', 'VERB', 'O']];
    for (let part = 1 + rng.integer(2); part > 0; part--) {
      const type = rng.integer(2) === 0 ? 'from' : 'to';
      words.push([type, 'ADP', 'O']);
      const name = CITIES[rng.integer(3)].split(' ');
      name.forEach((word, i) => words.push([word, 'PROPN', `${i === 0 ? 'B' : 'I'}-${type}`]));
    }
    const [tokens, pos, labels] = [0, 1, 2].map((c) => words.map((word) => word[c]));
    const size = tokens.map((word) => (word.length > 3 ? 'long' : 'short'));
    return { tokens, labels, columns: { ner: labels, pos, size }, category: fly ? 'Fly' : 'Book', line: line + 1 };
  });
}

const corpora = { train: corpusOf(40, 1), dev: corpusOf(15, 2) };
const tiny: TrainOptions = {
  embedding: 5,
  hidden: 4,
  epochs: 6,
  batch: 8,
  dropout: 0.1,
  minCount: 1,
  lr: 0.02,
  seed: 3,
};
const columns = { columns: ['ner', 'pos', 'size'] } as const;
const frames = { task: 'slots-intent' } as const;
const texts = corpora.dev.map(({ tokens }) => tokens);

/** A replica in float64; its numbers are the float32 ones. */
function wideReplica(options: TrainOptions): Replica {
  const { replica } = prepareRun(kernels, corpora, { ...tiny, embedding: 2, hidden: 2, signatures: false, ...options });
  const params = Object.fromEntries(
    Object.entries(replica.params).map(([name, { data, shape }]) => {
      const wide: Tensor = allocate(shape, 'float64');
      wide.data.set(data);
      return [name, wide];
    }),
  );
  const modelParams = nestLike(replica.modelParams, params) as ModelParams;
  const flatGrads = zeroGrads(flatten(modelParams), { rowGradients: ['encoders.words.weight'] });
  return { ...replica, params, modelParams, flatGrads, grads: nestLike(modelParams, flatGrads) as ModelGrads };
}

/** The gradient of some sentences, and their loss; in shards where there are several lists. */
function gradientOf(options: TrainOptions, ...shards: readonly number[][]) {
  const replica = wideReplica(options);
  const totals = totalsOf(replica.sentences, shards.flat());
  const parts = shards.map((members) => addShardGradient(replica, members, totals, { epoch: 1, batch: 1 }));
  return { replica, grads: replica.flatGrads, parts };
}

const difference = (a: TensorRecord, b: TensorRecord): number =>
  Math.max(...Object.keys(a).flatMap((name) => [...a[name].data].map((x, i) => Math.abs(x - b[name].data[i]))));

const GRADIENTS: readonly [string, TrainOptions, readonly string[]][] = [
  ['columns', { ...columns, headWeights: { pos: 0.25, size: 3 } }, ['ner', 'pos', 'size']],
  ['a CRF beside softmax', { ...columns, head: { ner: 'crf' } }, ['ner', 'pos', 'size']],
  ['slots and an intent', { ...frames, head: 'crf', headWeights: { intent: 0.5 } }, ['slots', 'intent']],
];

describe.each(GRADIENTS)('the joint loss of %s', (_, options, names) => {
  const members = [0, 3, 5];

  test('has the gradient that finite differences find, dropout included', () => {
    const { replica, grads, parts } = gradientOf(options, members);
    const other = wideReplica(options);
    const probe = { ...other, params: replica.params, modelParams: replica.modelParams };
    const totals = totalsOf(replica.sentences, members);
    const loss = () => addShardGradient(probe, members, totals, { epoch: 1, batch: 1 }).loss;
    expect(loss()).toBe(parts[0].loss);
    const report = gradcheck({ tensors: replica.params, grads, loss });
    expect(report.worst.relativeError).toBeLessThanOrEqual(1e-6);
    expect(report.passed).toBe(true);
    const wrong = gradcheck({ tensors: replica.params, grads: gradientOf({ ...options, headWeights: { [names[1]]: 0.7 } }, members).grads, loss }); // prettier-ignore
    expect(wrong.passed).toBe(false);
  });

  test('is the weighted sum of the losses of its heads alone', () => {
    const only = (name: string) => Object.fromEntries(names.map((each) => [each, each === name ? 1 : 0]));
    const weight = (name: string) => options.headWeights?.[name] ?? 1;
    const joint = gradientOf(options, members);
    const single = names.map((name) => gradientOf({ ...options, headWeights: only(name) }, members));
    const sum = Object.fromEntries(
      Object.entries(joint.grads).map(([key, g]) => [
        key,
        { ...g, data: g.data.map((__, i) => single.reduce((s, { grads }, h) => s + weight(names[h]) * grads[key].data[i], 0)) }, // prettier-ignore
      ]),
    );
    expect(difference(joint.grads, sum)).toBeLessThan(1e-13);
    const losses = single.map(({ parts }) => parts[0].loss);
    expect(joint.parts[0].losses).toEqual(losses);
    expect(joint.parts[0].loss).toBeCloseTo(
      losses.reduce((s, each, h) => s + weight(names[h]) * each, 0),
      13,
    );
  });

  test('shards weigh each head by its own number of targets', () => {
    const whole = gradientOf(options, members);
    const shards = gradientOf(options, [0, 3], [5]);
    expect(difference(whole.grads, shards.grads)).toBeLessThan(1e-13);
    const tokens = members.reduce((sum, m) => sum + corpora.train[m].tokens.length, 0);
    expect(whole.parts[0].decisions).toEqual(names.map((name) => (name === 'intent' ? 3 : tokens)));
  });
});

test.each(['cpu', 'wasm', 'reference'])(
  'a head of weight 0 leaves the others the bits of a training without it: %s',
  async (backend) => {
    const selected: Kernels = (await selectBackend({ backend })).kernels;
    const short = { ...tiny, epochs: 2 };
    const alone = await train(selected, corpora, { ...short, columns: ['ner'] });
    const joint = await train(selected, corpora, { ...short, columns: ['ner', 'pos'], headWeights: { pos: 0 } });
    const [one, two] = [alone, joint].map(({ model }) => flatten(model.params));
    for (const [name, { data }] of Object.entries(one))
      expect(two[name.replace('heads.labels', 'heads.ner')].data).toEqual(data);
    expect(joint.dev!.heads!.ner).toEqual(alone.dev);
  },
);

describe('trained on several columns', () => {
  const plans: SpanPlan[] = [];
  const notes: Note[] = [];
  const options = { ...tiny, ...columns, head: { ner: 'crf' }, scheme: 'IOBES' } as const;
  const trained = train(kernels, corpora, options, {
    onSpans: (plan) => void plans.push(plan),
    onNote: (note) => void notes.push(note),
  });

  test('scores each head; the first decides', async () => {
    const { dev, model, history } = await trained;
    expect(Object.keys(dev!.heads!)).toEqual(['ner', 'pos', 'size']);
    expect(dev!.heads!.ner.spanF1).toBe(dev!.spanF1);
    expect(dev!.heads!.pos).toMatchObject({ spanF1: null, unit: 'token' });
    expect(dev!.heads!.pos.accuracy).toBeGreaterThan(0.9);
    expect(model.labels).toBe(model.heads[0].labels);
    expect(model.config.heads.map(({ kind, name, column }) => [kind, name, column])).toEqual([
      ['crf', 'ner', 'ner'],
      ['softmax', 'pos', 'pos'],
      ['softmax', 'size', 'size'],
    ]);
    expect(plans).toEqual([
      expect.objectContaining({ head: 'ner', learned: 'IOBES', data: 'IOB2', constrained: true }),
    ]);
    expect(notes).toEqual([expect.objectContaining({ kind: 'leaked-sentences' })]); // words of 15 sentences repeat
    for (const { loss, losses } of history) {
      expect(loss).toBeCloseTo(losses!.ner + losses!.pos + losses!.size, 12);
    }
  });

  test('counts the tokens of which every label is right', async () => {
    const { dev, model } = await trained;
    const predictions = createTagger(model).tag(texts);
    let [tokens, right] = [0, 0];
    corpora.dev.forEach(({ columns: gold, tokens: words }, s) => {
      words.forEach((_, t) => {
        tokens++;
        if (Object.entries(gold!).every(([name, labels]) => predictions[s].heads![name].labels[t] === labels[t]))
          right++;
      });
    });
    expect(dev!.together).toEqual({ unit: 'token', decisions: tokens, correct: right, accuracy: right / tokens });
  });

  test('a tagger says what each head says, and the first at the top', async () => {
    const { model } = await trained;
    const wanted = { probabilities: true, spans: true };
    const [first, , empty] = createTagger(model).tag([texts[0], texts[1], []], wanted);
    expect(Object.keys(first.heads!)).toEqual(['ner', 'pos', 'size']);
    for (const each of Object.values(first.heads!)) {
      expect(each.labels).toHaveLength(texts[0].length);
      expect(each.probabilities).toHaveLength(texts[0].length);
    }
    const { heads, ...top } = first;
    expect(top).toEqual(heads!.ner);
    expect(first.heads!.pos.spans).toEqual([]);
    const none = { labels: [] };
    expect(empty).toEqual({ labels: [], heads: { ner: none, pos: none, size: none } });
    const [later] = await createAsyncTagger(model, kernels as never).tag([texts[0]], wanted);
    expect(later.heads!.pos.labels).toEqual(heads!.pos.labels);
  });

  test('its file is read back, and refused where it contradicts itself', async () => {
    const { model } = await trained;
    const bytes = saveModel(model);
    const loaded = loadModel(bytes);
    expect(saveModel(loaded)).toEqual(bytes);
    expect(createTagger(loaded).tag(texts)).toEqual(createTagger(model).tag(texts));
    const { tensors, metadata } = decodeSafetensors(bytes);
    const edited = (field: 'config' | 'labels', edit: (json: Record<string, never>) => void) => {
      const json = JSON.parse(metadata[field]) as Record<string, never>;
      edit(json);
      return () => loadModel(encodeSafetensors(tensors, { ...metadata, [field]: JSON.stringify(json) }));
    };
    const heads = (config: object) => (config as { heads: Record<string, unknown>[] }).heads;
    for (const damaged of [
      edited('config', (config) => (heads(config)[1].name = 'ner')),
      edited('config', (config) => (heads(config)[1].name = '')),
      edited('config', (config) => (heads(config)[1].name = '__proto__')),
      edited('config', (config) => (heads(config)[1].column = 3)),
      edited('config', (config) => (heads(config)[1].column = '')),
      edited('config', (config) => void heads(config).pop()),
      edited('config', (config) => (heads(config)[2].size = 3)),
      edited('labels', (labels) => delete labels.pos),
      edited('labels', (labels) => (labels.pos = labels.ner)),
    ]) {
      expect(damaged).toThrow(DataError);
    }
    expect(edited('config', (config) => (heads(config)[1].name = 'ner'))).toThrow("heads must differ; got 'ner' twice");
  });

  test('sentences that lack columns are scored by the others', async () => {
    const { model } = await trained;
    const told: Note[] = [];
    const lacking = corpora.dev.map(({ tokens, columns: { pos, size } = {} }) => ({ tokens, columns: { pos, size } }));
    const scores = evaluate(kernels, model, lacking, { source: 'f', onNote: (note) => void told.push(note) });
    expect(Object.keys(scores.heads!)).toEqual(['pos', 'size']);
    expect(scores.accuracy).toBe(scores.heads!.pos.accuracy);
    expect(told).toEqual([expect.objectContaining({ kind: 'head-left-out', message: 'f: no labels for the head ner: it is not scored' })]); // prettier-ignore
    const one = lacking.map(({ tokens, columns: { pos } }) => ({ tokens, columns: { pos } }));
    expect(evaluate(kernels, model, one).together).toBeUndefined();
    expect(() => evaluate(kernels, model, [{ tokens: ['a'], labels: ['O'] }], { source: 'f' })).toThrow(
      'f, column ner: expected one label per token, 1; got none',
    );
    const partly = [...corpora.dev, { tokens: ['a'], columns: { ner: ['O'] }, line: 99 }];
    expect(() => evaluate(kernels, model, partly, { source: 'f' })).toThrow('f, column pos: sentence at line 99, expected one label'); // prettier-ignore
  });

  test('threads share the batches', async () => {
    const one = await train(kernels, corpora, { ...options, epochs: 2 });
    const two = await train(kernels, corpora, { ...options, epochs: 2, threads: threads(2) });
    expect(two.threads).toBe(2);
    two.history.forEach(({ loss, losses }, e) => {
      expect(loss).toBeCloseTo(one.history[e].loss, 4);
      for (const [name, each] of Object.entries(losses!)) expect(each).toBeCloseTo(one.history[e].losses![name], 4);
    });
  });

  test('truncated sweeps', async () => {
    const { dev } = await train(kernels, corpora, {
      ...options,
      epochs: 2,
      bidirectional: false,
      truncate: { every: 2, back: 3 },
    });
    expect(Object.keys(dev!.heads!)).toHaveLength(3);
  });
});

describe('slots and an intent', () => {
  const trained = train(kernels, corpora, { ...tiny, ...frames, bestBy: 'intent' });

  test('are scored each, and as whole frames', async () => {
    const { dev, model, history, bestEpoch } = await trained;
    expect(dev!.heads!.slots.spanF1).toBe(dev!.spanF1);
    expect(dev!.heads!.intent).toMatchObject({ unit: 'sentence', sentences: 15 });
    const predictions = createTagger(model).tag(texts);
    const right = corpora.dev.filter(({ labels, category }, s) =>
      predictions[s].category === category && predictions[s].labels.join() === labels!.join()); // prettier-ignore
    expect(dev!.together).toEqual({
      unit: 'sentence',
      decisions: 15,
      correct: right.length,
      accuracy: right.length / 15,
    });
    const scores = history.map((record) => record.dev!.heads!.intent.accuracy);
    expect(bestEpoch).toBe(scores.indexOf(Math.max(...scores)) + 1);
  });

  test('are said both, with their probabilities', async () => {
    const { model } = await trained;
    const [said] = createTagger(model).tag([texts[0]], { probabilities: true });
    expect(said).toMatchObject({ labels: said.heads!.slots.labels, category: said.heads!.intent.category });
    expect(said.categoryProbability).toBe(said.heads!.intent.categoryProbability);
    expect(said.heads!.intent.labels).toEqual([]);
    expect(saveModel(loadModel(saveModel(model)))).toEqual(saveModel(model));
  });

  test('need both labels', async () => {
    const without = corpora.train.map(({ tokens, labels }) => ({ tokens, labels }));
    await expect(train(kernels, { train: without }, { ...tiny, ...frames })).rejects.toThrow(
      'expected a label for the sentence',
    );
    const none = corpora.train.map(({ tokens, category }) => ({ tokens, category }));
    await expect(train(kernels, { train: none }, { ...tiny, ...frames })).rejects.toThrow(
      'expected one label per token',
    );
  });
});

test.each<[TrainOptions, string]>([
  [{ columns: [] }, 'columns must list at least one column'],
  [{ columns: ['pos', 'pos'] }, "columns must differ; got 'pos' twice"],
  [{ columns: 'pos' as never }, 'columns must be a list'],
  [{ columns: ['pos'], task: 'classify' }, 'columns does not apply to the task classify'],
  [{ columns: ['pos', 'ner'], task: 'slots-intent' }, 'columns does not apply to the task slots-intent'],
  [{ ...columns, head: { xyz: 'crf' } }, 'a name in head (--head) must be one of'],
  [{ ...columns, head: { pos: 'xyz' as never } }, 'head.pos must be one of'],
  [{ ...columns, headWeights: { xyz: 1 } }, 'a name in headWeights (--head-weights) must be one of'],
  [{ ...columns, headWeights: { pos: -1 } }, 'headWeights.pos'],
  [{ ...columns, headWeights: { pos: NaN } }, 'headWeights.pos'],
  [{ ...columns, headWeights: { ner: 0, pos: 0, size: 0 } }, 'must leave at least one head a weight above 0'],
  [{ ...columns, bestBy: 'xyz' }, 'bestBy (--best-by) must be one of'],
  [{ task: 'both' as never }, 'task must be one of'],
  [{ task: 'classify', head: { labels: 'crf' } }, 'head does not apply to the task classify'],
])('%j is refused', async (options, message) => {
  const refused = train(kernels, corpora, { ...tiny, ...options });
  await expect(refused).rejects.toThrow(ArgumentError);
  await expect(refused).rejects.toThrow(message);
});

test('bestBy without a development set would do nothing, and is refused', async () => {
  const refused = train(kernels, { train: corpora.train }, { ...tiny, ...columns, bestBy: 'pos' });
  await expect(refused).rejects.toThrow('bestBy (--best-by) needs scores on a development set, and there is none');
});

test('one head of a model with a dense layer keeps the layer', async () => {
  const { model } = await train(kernels, { train: corpora.train }, { ...tiny, ...columns, epochs: 1, dense: 3 });
  const alone = withHead(model, 'pos');
  const sentences = corpora.train.map(({ tokens }) => tokens);
  const labels = predict(kernels, model, sentences).map(({ heads }) => heads?.pos.labels);
  expect(predict(kernels, alone, sentences).map((each) => each.labels)).toEqual(labels);
});

test('a scheme is for the columns that annotate spans; without any it is refused', async () => {
  const run = (options: TrainOptions) => train(kernels, { train: corpora.train }, { ...tiny, epochs: 1, ...options });
  await expect(run({ columns: ['pos', 'size'], scheme: 'IOBES' })).rejects.toThrow(
    'column pos: the scheme IOBES needs span labels',
  );
  const { model } = await run({ columns: ['pos', 'ner'], scheme: 'IOBES' });
  expect(model.heads[1].labels.labels.some((label) => label.startsWith('S-'))).toBe(true);
  await expect(run({ columns: ['pos', 'xpos'] })).rejects.toThrow(
    'column xpos: sentence at line 1, expected one label per token',
  );
});
