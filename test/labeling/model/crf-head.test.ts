/** The CRF head and constrained decoding in a whole model: gradient, training, schemes, files, threads. */
import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import type { AsyncKernels } from '../../../src/kernels/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { packBatch, packRows } from '../../../src/labeling/data/batches.js';
import { convertLabels, permittedTransitions } from '../../../src/labeling/data/schemes.js';
import type { Note } from '../../../src/labeling/data/notes.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { createAsyncTagger, createTagger, evaluate, loadModel, saveModel } from '../../../src/labeling/index.js';
import type { HeadPass } from '../../../src/labeling/model/heads/head.js';
import { labelsFromJson, spansOf } from '../../../src/labeling/index.js';
import { packingOf } from '../../../src/autograd/packing.js';
import { crfProblem, enumerate } from '../../support/crf.js';
import { decodingOf, maskOf, maskText, predictTokens } from '../../../src/labeling/model/heads/decoding.js';
import { crfConfig } from '../../../src/labeling/model/heads/crf.js';
import { modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import type { ModelGrads, ModelParams } from '../../../src/labeling/model/network.js';
import { initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { train } from '../../../src/labeling/training/train.js';
import type { SpanPlan } from '../../../src/labeling/training/spans.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';
import { allocate, copy, createRng, DataError } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { threads } from '../../support/threads.js';
import { featuresOf, taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();

/** Spans of one to three tokens; the word in front says the type, so that labels hang together. In IOB2. */
function corpusOf(count: number, seed: number): Sentence[] {
  const rng = createRng(seed);
  const names = ['ann', 'lee', 'bo', 'kay', 'rae', 'oslo'];
  return Array.from({ length: count }, (_, line) => {
    const words: [string, string][] = [];
    for (let part = 1 + rng.integer(3); part > 0; part--) {
      const type = rng.integer(2) === 0 ? 'PER' : 'LOC';
      words.push([type === 'PER' ? 'met' : 'in', 'O']);
      for (let i = 0, n = 1 + rng.integer(3); i < n; i++) words.push([names[rng.integer(6)], `${i === 0 ? 'B' : 'I'}-${type}`]); // prettier-ignore
    }
    return { tokens: words.map(([word]) => word), labels: words.map(([, label]) => label), line: line + 1 };
  });
}

const corpora = { train: corpusOf(60, 1), dev: corpusOf(20, 2) };
const tiny: TrainOptions = { embedding: 6, hidden: 6, epochs: 6, batch: 8, dropout: 0.1, minCount: 1, lr: 0.02 };
const texts = corpora.dev.map(({ tokens }) => tokens);
const validIn = (labels: readonly string[], scheme: 'IOB2' | 'IOBES') =>
  convertLabels(labels, scheme, scheme).repairs === 0;

test('a model with a CRF has the gradient of its loss, transitions included', () => {
  const [V, K] = [7, 5];
  const sizes = { cell: 'lstm', embedding: 3, hidden: [4, 2], bidirectional: true, dropout: 0 } as const;
  const names = ['O', 'B-X', 'I-X', 'B-Y', 'I-Y'];
  const head = crfConfig(K, { permitted: maskText(permittedTransitions('IOB2', names)) });
  const network = networkOf({ ...taggerConfig(sizes, V, K), heads: [head] });
  const double = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(double);
    if ('data' in (node as object)) return copy(node as Tensor, 'float64');
    return Object.fromEntries(Object.entries(node as object).map(([name, child]) => [name, double(child)]));
  };
  const params = double(initNetwork(network, createRng(3))) as ModelParams;
  const rng = createRng(4);
  for (const x of Object.values(params.heads.labels)) for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
  const sentences = [Int32Array.of(1, 6, 2, 2), Int32Array.of(3), Int32Array.of(5, 0)];
  const batch = packBatch([4, 1, 2], [0, 1, 2]);
  const features = featuresOf(packRows(sentences, [0, 1, 2], batch.packing));
  const gold = [Int32Array.of(0, 1, 2, 3), Int32Array.of(3), Int32Array.of(0, 0)];
  const targets = packRows(gold, [0, 1, 2], batch.packing);
  const [layer] = network.heads;
  const run = () => {
    const pass = modelForward(kernels, network, params, features, batch.packing);
    return { pass, loss: layer.loss(kernels, params.heads.labels, pass.heads[0], targets) };
  };
  const flat = flatten(params);
  const record = zeroGrads(flat, { rowGradients: ['encoders.words.weight'] });
  const grads = nestLike(params, record) as ModelGrads;
  const { pass, loss } = run();
  const dLogits = allocate(pass.heads[0].logits.shape, 'float64');
  layer.lossBackward(kernels, params.heads.labels, loss, dLogits, grads.heads.labels, 1);
  modelBackward(kernels, network, params, pass, [dLogits], grads);
  const report = gradcheck({ tensors: flat, grads: record, loss: () => run().loss.loss });
  expect(Object.keys(report.perTensor)).toEqual(expect.arrayContaining(['heads.labels.transitions', 'heads.labels.start', 'heads.labels.end'])); // prettier-ignore
  expect(report.worst.relativeError).toBeLessThanOrEqual(1e-7);
  expect(report.passed).toBe(true);
});

describe.each<[string, TrainOptions]>([
  ['a CRF', { head: 'crf' }],
  ['a CRF that learns IOBES', { head: 'crf', scheme: 'IOBES' }],
  ['a softmax, constrained', { decode: 'constrained' }],
  ['a softmax that learns IOBES, constrained', { decode: 'constrained', scheme: 'IOBES' }],
])('%s', (_, options) => {
  let plan: SpanPlan | undefined;
  const trained = train(kernels, corpora, { ...tiny, ...options }, { onSpans: (found) => void (plan = found) });

  test('learns, and says what it decided', async () => {
    const { dev, model } = await trained;
    expect(dev!.spanF1).toBeGreaterThan(0.6);
    expect(plan).toMatchObject({ data: 'IOB2', learned: options.scheme ?? 'IOB2', constrained: true });
    expect(model.labels.labels.some((label) => label.startsWith('S-'))).toBe(options.scheme === 'IOBES');
    expect(evaluate(kernels, model, corpora.dev, { strictLabels: true }).spanF1).toBe(dev!.spanF1);
  });

  test('gives labels of the scheme of the data, whole spans alone, with their probabilities', async () => {
    const { model } = await trained;
    const predictions = createTagger(model, kernels).tag(texts, { probabilities: true });
    predictions.forEach(({ labels, probabilities }, i) => {
      expect(labels).toHaveLength(texts[i].length);
      expect(validIn(labels, 'IOB2')).toBe(true);
      expect(probabilities!.every((p) => p > 0 && p <= 1)).toBe(true);
    });
    const alone = texts.map((tokens) => createTagger(model, kernels).tag([tokens], { probabilities: true })[0]);
    expect(predictions).toEqual(alone);
  });

  test('is the same from a file, and on an asynchronous device', async () => {
    const { model } = await trained;
    const expected = createTagger(model, kernels).tag(texts, { probabilities: true });
    const bytes = saveModel(model);
    expect(createTagger(bytes, kernels).tag(texts, { probabilities: true })).toEqual(expected);
    const later = createAsyncTagger(bytes, kernels as unknown as AsyncKernels);
    expect(await later.tag(texts, { probabilities: true })).toEqual(expected);
    expect(saveModel(loadModel(bytes))).toEqual(bytes);
  });

  test('is refused where somebody changed what its file says of decoding', async () => {
    const { tensors, metadata } = decodeSafetensors(saveModel((await trained).model));
    const config = JSON.parse(metadata.config) as { heads: Record<string, unknown>[] };
    const permitted = config.heads[0].permitted as string;
    const changes: Record<string, unknown>[] = [
      { permitted: permitted.slice(1) },
      { permitted: permitted.replace(/^./, 'g') },
      { permitted: '0'.repeat(permitted.length) },
      { permitted: 7 },
      { scheme: 'IOB3', data: 'IOB2' },
      { scheme: 'IOBES', data: true },
      { size: 3 },
      { size: 1e9 },
      { size: 1e9, permitted: undefined },
    ];
    for (const change of changes) {
      const heads = [{ ...config.heads[0], ...change }];
      const bytes = encodeSafetensors(tensors, { ...metadata, config: JSON.stringify({ ...config, heads }) });
      expect(() => loadModel(bytes)).toThrow(DataError);
    }
  });
});

describe('a file is judged in its own labels, whatever scheme was learned', () => {
  const written = (sentences: readonly Sentence[], scheme: 'IOB1' | 'IOB2' | 'IOBES') =>
    sentences.map((each) => ({ ...each, labels: convertLabels(each.labels!, 'IOB2', scheme).labels }));
  const notesOn = async (part: Partial<TrainOptions>, train_: Sentence[], dev: Sentence[]) => {
    const notes: Note[] = [];
    const { model } = await train(kernels, { train: train_ }, { ...tiny, epochs: 1, head: 'crf', ...part });
    evaluate(kernels, model, dev, { onNote: (note) => notes.push(note) });
    return { model, notes };
  };

  test('another scheme is told, and its labels are unknown by the names in the file', async () => {
    const { model, notes } = await notesOn({ scheme: 'BILOU' }, corpora.train, written(corpora.dev, 'IOBES'));
    expect(notes.map(({ kind }) => kind)).toEqual(['other-scheme', 'unknown-labels']);
    expect(notes[0].message).toMatch(/^the labels look like IOBES \(.*\), those of the training data like IOB2: /);
    expect(notes[1].message).toMatch(/"[ES]-(?:PER|LOC)"/);
    expect(notes[1].message).not.toMatch(/"[LU]-/);
    expect(() => evaluate(kernels, model, written(corpora.dev, 'IOBES'), { strictLabels: true })).toThrow(/"[ES]-(?:PER|LOC)"/); // prettier-ignore
    expect(evaluate(kernels, model, corpora.dev, { strictLabels: true }).tokens).toBeGreaterThan(20);
  });

  test('a file is refused where mask, scheme and labels do not belong together, and loads where they do', async () => {
    const { tensors, metadata } = decodeSafetensors(
      saveModel((await train(kernels, corpora, { ...tiny, head: 'crf', scheme: 'IOBES' })).model),
    );
    const config = JSON.parse(metadata.config) as { heads: Record<string, unknown>[] };
    const names = (JSON.parse(metadata.labels) as Record<string, string[]>).labels;
    const load = (change: Record<string, unknown>, labels = names) => {
      const heads = [{ ...config.heads[0], ...change }];
      const fields = { config: JSON.stringify({ ...config, heads }), labels: JSON.stringify({ labels }) };
      return () => loadModel(encodeSafetensors(tensors, { ...metadata, ...fields }));
    };
    const learned = config.heads[0].scheme as 'IOBES';
    expect(learned).toBe('IOBES');
    expect(load({})).not.toThrow();
    expect(load({ permitted: undefined })).not.toThrow();
    expect(load({ scheme: undefined, data: undefined })).not.toThrow();
    const other = { permitted: maskText(permittedTransitions('IOBES', [...names].reverse())) };
    const wrong =
      'permitted must be the transitions that the scheme IOBES permits between the labels of the head labels';
    expect(load(other)).toThrow(wrong);
    expect(load({}, [...names].reverse())).toThrow(wrong);
    expect(load({ ...other, scheme: undefined, data: undefined })).toThrow('the transitions that a scheme permits');
    expect(load({ scheme: 'BILOU' })).toThrow(
      /scheme BILOU must have every label of the head labels; it has no "[ES]-/,
    );
    const foreign = names.map((name) => (name.startsWith('S-') ? name.replace('S-', 'U-') : name));
    expect(load({}, foreign)).toThrow(/scheme IOBES must have every label .* it has no "U-/);
    expect(load({ scheme: 'BILOU', permitted: undefined })).toThrow(DataError);
  });

  test('the same letters in another scheme are told too', async () => {
    const { notes } = await notesOn({ scheme: 'BILOU' }, corpora.train, written(corpora.dev, 'IOB1'));
    expect(notes.map(({ kind }) => kind)).toContain('other-scheme');
  });

  test('a label that can be given back is known, though no learned label has its name', async () => {
    const single: Sentence[] = [{ tokens: ['ann'], labels: ['B-X'] }, { tokens: ['bo'], labels: ['B-X'] }]; // prettier-ignore
    const { notes } = await notesOn({ scheme: 'BILOU', decode: 'free' }, single, [{ tokens: ['ann', 'bo', 'met'], labels: ['B-X', 'I-X', 'O'] }]); // prettier-ignore
    const unknown = notes.find(({ kind }) => kind === 'unknown-labels');
    expect(unknown?.message).toMatch(/"I-X" 1/);
    expect(unknown?.message).toMatch(/"O" 1/);
    expect(unknown?.message).not.toMatch(/B-X|U-X|L-X/);
  });
});

describe('probabilities of labels in another scheme than the learned one', () => {
  const namesOf = { IOB1: ['O', 'B-X', 'I-X', 'I-Y'], IOB2: ['O', 'B-X', 'I-X', 'B-Y'], IOE2: ['O', 'E-X', 'I-X', 'E-Y'], IOBES: ['O', 'B-X', 'E-X', 'S-X', 'S-Y'], BILOU: ['O', 'B-X', 'L-X', 'U-X'] } as const; // prettier-ignore
  const schemes = Object.keys(namesOf) as (keyof typeof namesOf)[];
  const pairs = schemes.flatMap((learned) => schemes.filter((data) => data !== learned).map((data) => [learned, data] as const)); // prettier-ignore

  test.each(pairs)('%s given back as %s: the sum over all paths that are written with the label', (learned, data) => {
    const names: readonly string[] = namesOf[learned];
    const { start, transitions, end } = permittedTransitions(learned, names);
    const mask = { start: Array.from(start), transitions: Array.from(transitions), end: Array.from(end) };
    for (const constrained of [true, false]) {
      for (let seed = 0; seed < 4; seed++) {
        const problem = crfProblem({ K: names.length, lengths: [4, 1, 3], seed, scale: 2 });
        const { emissions, ...crf } = problem.tensors;
        const decoding = { schemes: { learned, data }, ...(constrained && { mask }) };
        const pass = { y: emissions, logits: emissions, crf, decoding };
        const said = predictTokens(kernels, labelsFromJson(names), pass as HeadPass, packingOf(problem.lengths), { probabilities: true, spans: false }); // prettier-ignore
        enumerate(constrained ? { ...problem, mask } : problem).forEach(({ paths, logZ }, b) => {
          const given = paths.map(({ labels }) => convertLabels(labels.map((id) => names[id]), learned, data).labels); // prettier-ignore
          said[b].labels!.forEach((label, t) => {
            const sum = paths.reduce((total, { score }, i) => total + (given[i][t] === label ? Math.exp(score - logZ) : 0), 0); // prettier-ignore
            expect(said[b].probabilities![t]).toBeCloseTo(sum, 12);
          });
        });
      }
    }
  });
});

test('one label set given back in two schemes has the probabilities of each', () => {
  const names = ['O', 'B-X', 'I-X', 'E-X', 'S-X'];
  const { tensors, lengths } = crfProblem({ K: 5, lengths: [3], seed: 8, scale: 2 });
  const { emissions, ...crf } = tensors;
  const labels = labelsFromJson(names);
  const said = (data: 'IOB1' | 'BILOU') => {
    const pass = { y: emissions, logits: emissions, crf, decoding: { schemes: { learned: 'IOBES', data } } };
    return predictTokens(kernels, labels, pass as unknown as HeadPass, packingOf(lengths), { probabilities: true, spans: false })[0]; // prettier-ignore
  };
  for (const data of ['IOB1', 'BILOU', 'IOB1'] as const)
    for (const p of said(data).probabilities!) expect(p).toBeGreaterThan(0.05); // 0 where the other scheme's labels are looked for
});

describe('spans with their probabilities', () => {
  const vocabulary = (names: readonly string[]) => labelsFromJson(names);
  const cases = [
    ['IOB2', ['O', 'B-X', 'I-X', 'B-Y', 'I-Y'], true],
    ['IOB2, free', ['O', 'B-X', 'I-X', 'B-Y', 'I-Y'], false],
    ['IOB1', ['O', 'B-X', 'I-X', 'I-Y'], true],
    ['IOBES', ['O', 'B-X', 'I-X', 'E-X', 'S-X'], true],
    ['bare', ['B', 'I'], false],
    ['with an outlier', ['O', 'B-X', 'I-X', '0'], false],
  ] as const;

  test.each(cases)(
    'of %s: the sum over all paths that have the span, in these labels',
    (scheme, names, constrained) => {
      let found = 0;
      for (let seed = 0; seed < 12; seed++) {
        const K = names.length;
        const problem = crfProblem({ K, lengths: [4, 1, 3], seed, scale: 2 });
        const { start, transitions, end } = permittedTransitions(scheme === 'IOBES' ? scheme : scheme === 'IOB1' ? scheme : 'IOB2', names); // prettier-ignore
        const mask = { start: [...Array.from(start)], transitions: Array.from(transitions), end: Array.from(end) };
        const masked = constrained ? { ...problem, mask } : problem;
        const { emissions, ...crf } = problem.tensors;
        const pass = { y: emissions, logits: emissions, crf, decoding: constrained ? { mask } : {} };
        const said = predictTokens(kernels, vocabulary(names), pass as HeadPass, packingOf(problem.lengths), { probabilities: false, spans: true }); // prettier-ignore
        enumerate(masked).forEach(({ paths, logZ }, b) => {
          const read = (labels: readonly string[]) => spansOf(labels.map((label) => (label === '0' ? 'O' : label)));
          const { labels, spans } = said[b];
          expect(spans!.map(({ probability: _p, ...span }) => span)).toEqual(read(labels!));
          for (const { probability, ...span } of spans!) {
            const having = paths.filter((path) => {
              const own = path.labels.map((id) => names[id] as string);
              const same = own.slice(span.start, span.end).join() === labels!.slice(span.start, span.end).join();
              return same && read(own).some((each) => JSON.stringify(each) === JSON.stringify(span));
            });
            expect(probability).toBeCloseTo(
              having.reduce((sum, { score }) => sum + Math.exp(score - logZ), 0),
              12,
            );
            found++;
          }
        });
      }
      expect(found).toBeGreaterThan(20);
    },
  );

  test('of a softmax by itself: the product over the tokens', async () => {
    const { model } = await train(kernels, corpora, { ...tiny, epochs: 3 });
    const tagger = createTagger(model, kernels);
    const [{ labels, probabilities, spans }] = tagger.tag([texts[0]], { probabilities: true, spans: true });
    expect(spans!.length).toBeGreaterThan(0);
    const last = spans!.find(({ end }) => end === labels.length);
    if (last && labels[last.start].startsWith('B-')) {
      const product = probabilities!.slice(last.start).reduce((p, each) => p * each, 1);
      expect(last.probability).toBeCloseTo(product, 5);
    }
    expect(tagger.tag([texts[0]])[0].spans).toBeUndefined();
  });
});

test('a CRF on two threads: the same model every time', async () => {
  const bits = async () =>
    saveModel((await train(kernels, { train: corpora.train }, { ...tiny, epochs: 1, head: 'crf', threads: threads(2) })).model); // prettier-ignore
  expect(await bits()).toEqual(await bits());
});

test('a CRF may be free, and labels that are not spans leave it free', async () => {
  const heard: SpanPlan[] = [];
  const onSpans = (plan: SpanPlan) => void heard.push(plan);
  const free = await train(kernels, corpora, { ...tiny, epochs: 1, head: 'crf', decode: 'free' }, { onSpans });
  expect(free.model.config.heads[0]).toEqual({ kind: 'crf', name: 'labels', size: 5 });
  const tags = corpora.train.map((each) => ({ ...each, labels: each.tokens.map((word) => word.toUpperCase()) }));
  const pos = await train(kernels, { train: tags }, { ...tiny, epochs: 1, head: 'crf' }, { onSpans });
  expect(pos.model.config.heads[0].permitted).toBeUndefined();
  expect(heard).toEqual([]);
  await expect(train(kernels, { train: tags }, { ...tiny, scheme: 'IOBES' })).rejects.toThrow(
    'the scheme IOBES needs span labels',
  );
  await expect(train(kernels, { train: tags }, { ...tiny, decode: 'constrained' })).rejects.toThrow(
    'constrained decoding needs span labels',
  );
});

test('labels that break their scheme are learned repaired, and counted; another scheme of dev is named', async () => {
  const broken = corpora.train.map((each, i) => (i === 3 ? { ...each, labels: each.labels!.map((l) => l.replace('B-', 'I-')) } : each)); // prettier-ignore
  const iob1 = corpora.dev.map((each) => ({ ...each, labels: convertLabels(each.labels!, 'IOB2', 'IOB1').labels }));
  const notes: string[] = [];
  const { model } = await train(kernels, { train: broken, dev: iob1, sources: { dev: 'dev.conll' } }, { ...tiny, epochs: 1, head: 'crf' }, { onNote: ({ kind, message }) => void notes.push(`${kind}: ${message}`) }); // prettier-ignore
  expect(notes.find((note) => note.startsWith('scheme-repairs'))).toMatch(
    /labels? breaks? the scheme IOB2, the first in the sentence at line 4/,
  );
  expect(notes.find((note) => note.startsWith('other-scheme'))).toMatch(
    /^other-scheme: dev\.conll: the labels look like IOB1/,
  );
  expect(model.labels.labels).toHaveLength(5);
});

test('without any of it a model says nothing of decoding, as before', async () => {
  const { model } = await train(kernels, { train: corpora.train }, { ...tiny, epochs: 1 });
  expect(model.config.heads).toEqual([{ kind: 'softmax', name: 'labels', size: 5 }]);
});

test('options of tokens are refused where sentences have the labels', async () => {
  const classified = { train: corpora.train.map((each) => ({ ...each, category: 'x' })) };
  for (const options of [{ head: 'crf' }, { scheme: 'IOB2' }, { decode: 'free' }] as TrainOptions[]) {
    const name = Object.keys(options)[0];
    await expect(train(kernels, classified, { ...tiny, task: 'classify', ...options })).rejects.toThrow(`${name} does not apply to the task classify`); // prettier-ignore
  }
  await expect(train(kernels, corpora, { ...tiny, head: 'hmm' as never })).rejects.toThrow(
    "head must be one of 'softmax', 'crf'",
  );
});

test('a mask as text comes back, for every number of bits', () => {
  for (let K = 1; K < 7; K++) {
    const rng = createRng(K);
    const bits = (n: number) => Uint8Array.from({ length: n }, () => rng.integer(2));
    const mask = { start: bits(K), transitions: bits(K * K), end: bits(K) };
    mask.start[0] = mask.end[0] = mask.transitions[0] = 1;
    expect(maskOf(maskText(mask), K)).toEqual(mask);
  }
  expect(decodingOf({ kind: 'softmax', name: 'labels', size: 2 })).toEqual({});
});
