/** Ensembles against an oracle that reads each member's own file and averages what it says; their file; what is refused. */
import fc from 'fast-check';
import { createCpuKernels, selectBackend } from '../../../src/kernels/index.js';
import type { AsyncKernels } from '../../../src/kernels/index.js';
import { packingOf } from '../../../src/autograd/packing.js';
import { inspect } from '../../../src/inspect/index.js';
import type { Model, Prediction } from '../../../src/labeling/index.js';
import { createAsyncTagger, createModel, createTagger, ensembleOf, evaluate, generateCorpus, headKinds, loadModel, memberOf, modelForward, networkOf, permittedTransitions, predict, saveModel, train, trainEnsemble } from '../../../src/labeling/index.js'; // prettier-ignore
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { labelsFromJson } from '../../../src/labeling/data/labels.js';
import { predictTokens } from '../../../src/labeling/model/heads/decoding.js';
import type { HeadPass } from '../../../src/labeling/model/heads/head.js';
import { withHead } from '../../../src/labeling/model/model.js';
import { viewOf } from '../../../src/tensor/view.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';

const kernels = createCpuKernels();
const plain = { train: generateCorpus({ sentences: 24, seed: 1 }), dev: generateCorpus({ sentences: 10, seed: 2 }) };
const tiny: TrainOptions = { embedding: 4, hidden: 3, epochs: 2, batch: 6, lr: 0.05, seed: 7, minCount: 1 };
const all = { probabilities: true, spans: true };

/** Spans for labels: a word with a vowel early in it belongs to one. */
const spans = (seed: number, n: number) =>
  generateCorpus({ sentences: n, seed }).map(({ tokens }) => {
    const inside = tokens.map((word) => /^.?[aeo]/.test(word));
    return { tokens, labels: inside.map((is, t) => (!is ? 'O' : inside[t - 1] ? 'I-X' : 'B-X')) };
  });
const ner = { train: spans(1, 30), dev: spans(2, 10) };
const category = (seed: number, n: number) => generateCorpus({ sentences: n, seed }).map((s) => ({ ...s, category: s.tokens.length > 6 ? 'long' : 'short' })); // prettier-ignore

const KINDS: readonly (readonly [string, TrainOptions, { train: typeof plain.train; dev: typeof plain.dev }])[] = [
  ['softmax', {}, plain],
  ['crf over tags', { head: 'crf' }, plain],
  ['crf over spans', { head: 'crf' }, ner],
  ['softmax, constrained', { decode: 'constrained' }, ner],
  ['crf in another scheme', { head: 'crf', scheme: 'IOBES' }, ner],
  ['affixes and words', { encoders: ['words', 'affixes'], affixRows: 50, affixSize: 3, cell: 'gru' }, plain],
  ['sentences', { task: 'classify' }, { train: category(1, 24), dev: category(2, 10) }],
];

const made = new Map<string, Promise<{ files: Uint8Array[]; model: Model; dev: unknown }>>();
function ensembleFor([name, options, data]: (typeof KINDS)[number]) {
  const make = async () => {
    const files: Uint8Array[] = [];
    const onRun = (_: unknown, result: { model: Model }) => void files.push(saveModel(result.model));
    const { model, dev } = await trainEnsemble(kernels, data, { ...tiny, ...options }, 3, { onRun });
    return { files, model, dev };
  };
  if (!made.has(name)) made.set(name, make());
  return made.get(name)!;
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

test.each(KINDS)('%s: each member has the bytes of its seed alone, and the file gives them back', async (...kind) => {
  const { files, model } = await ensembleFor(kind);
  const alone = await train(kernels, kind[2], { ...tiny, ...kind[1], seed: 8 });
  expect(Buffer.compare(files[1], saveModel(alone.model))).toBe(0);
  const bytes = saveModel(model);
  const back = loadModel(bytes);
  expect(Buffer.compare(saveModel(back), bytes)).toBe(0);
  files.forEach((file, k) => expect(Buffer.compare(saveModel(memberOf(back, k)), file)).toBe(0));
  expect(decodeSafetensors(bytes).metadata).toMatchObject({ version: '3', members: '3' });
});

test.each(KINDS)('%s: probabilities are the means of those of the members', async (...kind) => {
  const { files, model, dev } = await ensembleFor(kind);
  const sentences = kind[2].dev.map(({ tokens }) => tokens);
  const own = files.map((file) => createTagger(file).tag(sentences, all));
  const joined = createTagger(saveModel(model)).tag(sentences, all);
  let asked = 0;
  joined.forEach(({ labels, probabilities, spans: found = [], ...said }, s) => {
    const each = own.map((one) => one[s]);
    if (said.category !== undefined) {
      const same = each.filter((one) => one.category === said.category);
      if (same.length === 3) expect(said.categoryProbability).toBeCloseTo(mean(same.map((one) => one.categoryProbability!)), 6); // prettier-ignore
    }
    labels.forEach((label, t) => {
      if (!each.every((one) => one.labels[t] === label)) return; // a member tells the probability of its own label alone
      asked++;
      expect(probabilities![t]).toBeCloseTo(mean(each.map((one) => one.probabilities![t])), 6);
    });
    for (const span of found) {
      const theirs = each.map((one) => one.spans!.find(({ start, end, type }) => start === span.start && end === span.end && type === span.type)); // prettier-ignore
      if (theirs.every((one) => one !== undefined)) expect(span.probability).toBeCloseTo(mean(theirs.map((one) => one!.probability)), 6); // prettier-ignore
    }
  });
  if (kind[1].task !== 'classify') expect(asked).toBeGreaterThan(5);
  expect(evaluate(kernels, model, kind[2].dev, kind[0].includes('another') ? { scheme: 'IOB2' } : {})).toMatchObject(
    kind[0].includes('another') ? {} : (dev as object),
  );
});

/** p(y_t = j) of a chain, by enumeration of all paths; `null` transitions for a softmax. */
function posteriors(
  logits: number[][],
  A: number[][] | null,
  s: number[],
  e: number[],
  ok: (path: number[]) => boolean,
) {
  // prettier-ignore
  const K = logits[0].length;
  const p = logits.map(() => new Array<number>(K).fill(0));
  let Z = 0;
  const walk = (path: number[]): void => {
    if (path.length < logits.length) {
      for (let j = 0; j < K; j++) walk([...path, j]);
      return;
    }
    if (!ok(path)) return;
    let score = path.reduce((sum, j, t) => sum + logits[t][j] + (A && t > 0 ? A[path[t - 1]][j] : 0), 0);
    score += s[path[0]] + e[path[path.length - 1]];
    Z += Math.exp(score);
    path.forEach((j, t) => (p[t][j] += Math.exp(score)));
  };
  walk([]);
  return p.map((row) => row.map((x) => x / Z));
}

test.each(['crf over spans', 'softmax, constrained'])(
  '%s: labels are the best permitted path through the mean, by enumeration',
  async (name) => {
    // prettier-ignore
    const kind = KINDS.find((each) => each[0] === name)!;
    const { model } = await ensembleFor(kind);
    const { labels } = model.labels;
    const mask = permittedTransitions('IOB2', labels);
    const K = labels.length;
    const ok = (path: number[]) => mask.start[path[0]] && mask.end[path[path.length - 1]] && path.every((j, t) => t === 0 || mask.transitions[path[t - 1] * K + j]); // prettier-ignore
    const rows = (x: { data: ArrayLike<number> }, n: number, k: number) => Array.from({ length: n }, (_, i) => Array.from({ length: k }, (__, j) => x.data[i * k + j])); // prettier-ignore
    let differs = 0;
    for (const { tokens } of kind[2].dev.concat(kind[2].train)) {
      const words = tokens.slice(0, 6);
      const means = [0, 1, 2].map((k) => {
        const one = memberOf(model, k);
        const logits = logitsOf(one, words);
        const { transitions, start, end } = one.params.heads.labels;
        const none = new Array<number>(K).fill(0);
        return transitions
          ? posteriors(logits, rows(transitions, K, K), rows(start, 1, K)[0], rows(end, 1, K)[0], (path) => Boolean(ok(path))) // prettier-ignore
          : posteriors(logits, null, none, none, () => true);
      });
      const average = means[0].map((row, t) => row.map((_, j) => mean(means.map((p) => p[t][j]))));
      let [best, score] = [[] as number[], -Infinity];
      const walk = (path: number[]): void => {
        if (path.length < words.length) return labels.forEach((_, j) => walk([...path, j]));
        const own = path.reduce((sum, j, t) => sum + Math.log(average[t][j]), 0);
        if (ok(path) && own > score) [best, score] = [path, own];
      };
      walk([]);
      const [said] = predict(kernels, model, [words]);
      expect(said.labels).toEqual(best.map((j) => labels[j]));
      if (said.labels.join() !== predict(kernels, memberOf(model, 0), [words])[0].labels.join()) differs++;
    }
    expect(differs).toBeGreaterThan(0); // the ensemble is told from its first member
  },
);

test('the path is the best by the sum of logarithms, not of probabilities', () => {
  // One improbable label in front of many that are likely: the sum of probabilities would take it.
  const labels = labelsFromJson(['O', 'B-X', 'I-X']);
  const T = 12;
  const rows = Array.from({ length: T }, (_, t) => (t === 0 ? [0.97, 0.01, 0.02] : [0.44, 0.02, 0.54]));
  const logits = (shift: number) =>
    viewOf(
      Float64Array.from(rows.flat(), (p) => Math.log(p) + shift),
      [T, 3],
    );
  const mask = permittedTransitions('IOB2', labels.labels);
  const one = { logits: logits(0), decoding: { mask } };
  const pass = { ...one, members: [one, { ...one, logits: logits(2) }] };
  const [said] = predictTokens(kernels, labels, pass as unknown as HeadPass, packingOf([T]), all);
  expect(said.labels).toEqual(rows.map(() => 'O'));
});

/** Logits of a member as its head computes them. */
function logitsOf(model: Model, tokens: readonly string[]): number[][] {
  const features = model.readers.map((reader) => reader.read(tokens));
  const network = networkOf(model.config);
  const { heads } = modelForward(kernels, network, model.params, features, packingOf([tokens.length]));
  const [{ logits }] = heads;
  const K = logits.shape[1];
  return tokens.map((_, t) => Array.from({ length: K }, (__, k) => logits.data[logits.offset + t * K + k]));
}

test.each(KINDS)('%s: one model alone is that model; copies of it say what it says', async (...kind) => {
  const { files } = await ensembleFor(kind);
  const single = loadModel(files[0]);
  expect(ensembleOf([single])).toBe(single);
  const sentences = kind[2].dev.map(({ tokens }) => tokens);
  const alone = predict(kernels, single, sentences, all);
  const copies = predict(kernels, ensembleOf([single, single]), sentences, all);
  copies.forEach((said, s) => {
    expect(said.category).toBe(alone[s].category);
    if (!kind[0].startsWith('crf')) expect(said).toEqual(alone[s]); // a CRF's members decide by their best path
    said.labels.forEach((label, t) => {
      if (label === alone[s].labels[t]) expect(said.probabilities![t]).toBeCloseTo(alone[s].probabilities![t], 6);
    });
  });
});

test('the order of the members does not matter beyond rounding', async () => {
  for (const kind of KINDS.slice(0, 4)) {
    const models = (await ensembleFor(kind)).files.map((file) => loadModel(file));
    const sentences = kind[2].dev.map(({ tokens }) => tokens);
    const said = (order: readonly number[]): Prediction[] => predict(kernels, ensembleOf(order.map((k) => models[k])), sentences, all); // prettier-ignore
    const first = said([0, 1, 2]);
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (order) => {
        said(order).forEach(({ labels, probabilities }, s) => {
          expect(labels).toEqual(first[s].labels);
          probabilities!.forEach((p, t) => expect(Math.abs(p - first[s].probabilities![t])).toBeLessThan(1e-6));
        });
      }),
      { seed: 49, numRuns: 6 },
    );
  }
});

test('backends, asynchronous devices and kept words say the same', async () => {
  const kind = KINDS[5];
  const { model } = await ensembleFor(kind);
  const sentences = [...kind[2].dev, ...kind[2].dev].map(({ tokens }) => tokens);
  const said = predict(kernels, model, sentences, all);
  expect(predict(kernels, model, sentences, { ...all, keepWords: false })).toEqual(said);
  expect(await createAsyncTagger(model, kernels as unknown as AsyncKernels).tag(sentences, all)).toEqual(said);
  const { kernels: wasm } = await selectBackend({ backend: 'wasm' });
  const tagger = createTagger(saveModel(model), wasm);
  for (const again of [0, 1])
    expect(tagger.tag(sentences).map(({ labels }) => [labels, again])).toEqual(said.map(({ labels }) => [labels, again])); // prettier-ignore
  tagger.dispose();
});

test('several heads: each is averaged, and one of them can be taken out', async () => {
  const columns = plain.train.map((s) => ({ ...s, columns: { tag: s.labels!, first: s.tokens.map((w) => w[0]) } }));
  const { model } = await trainEnsemble(kernels, { train: columns }, { ...tiny, columns: ['tag', 'first'] }, 2);
  const [said] = predict(kernels, loadModel(saveModel(model)), [plain.dev[0].tokens], all);
  const one = predict(kernels, withHead(model, 'first'), [plain.dev[0].tokens], all)[0];
  expect(said.heads!.first.labels).toEqual(one.labels);
  expect(said.heads!.first.probabilities).toEqual(one.probabilities);
});

test('a tensor that all members share stands in the file once', async () => {
  const model = loadModel((await ensembleFor(KINDS[0])).files[0]);
  const other = loadModel((await ensembleFor(KINDS[0])).files[1]);
  const shared = { ...other.params, encoders: { words: { weight: { ...model.params.encoders.words.weight } } } };
  const { config, readers, heads } = other;
  const second = createModel({ config, readers, labels: heads.map(({ labels }) => labels), params: shared });
  const bytes = saveModel(ensembleOf([model, second]));
  const names = Object.keys(decodeSafetensors(bytes).tensors);
  expect(names.filter((name) => name.includes('words'))).toEqual(['encoders.words.weight']);
  const back = loadModel(bytes);
  expect(back.members![0].encoders.words.weight).toBe(back.members![1].encoders.words.weight);
  expect(createTagger(bytes).tag([['the']])).toEqual(predict(kernels, ensembleOf([model, second]), [['the']]));
});

describe('refused', () => {
  const damaged = async (change: (tensors: Record<string, unknown>, metadata: Record<string, string>) => void) => {
    const { tensors, metadata } = decodeSafetensors(saveModel((await ensembleFor(KINDS[0])).model));
    const [own, fields] = [{ ...tensors }, { ...metadata }];
    change(own, fields);
    return encodeSafetensors(own as typeof tensors, fields);
  };

  test.each<[string, (tensors: Record<string, unknown>, metadata: Record<string, string>) => void, RegExp]>([
    ['a member that is missing', (t) => Object.keys(t).forEach((n) => n.startsWith('members.1.') && delete t[n]), /expected the tensor members\.1\.[\w.]+ of shape .*; got nothing/],
    ['one member too many', (_, m) => (m.members = '4'), /expected the tensor members\.3\..*; got nothing/],
    ['one too few', (_, m) => (m.members = '2'), /the tensor members\.2\..* belongs to no part/],
    ['an absurd number', (_, m) => (m.members = '1000000000'), /expected members to be an integer from 2 to 100; got 1000000000/],
    ['one', (_, m) => (m.members = '1'), /integer from 2 to 100; got 1/],
    ['a fraction', (_, m) => (m.members = '2.5'), /integer from 2 to 100/],
    ['a list', (_, m) => (m.members = '[3]'), /integer from 2 to 100/],
    ['no number', (_, m) => delete m.members, /expected the metadata field members; it is missing/],
    ['another shape', (t) => (t['members.2.heads.labels.b'] = t['members.2.layers.0.forward.b']), /members\.2\.heads\.labels\.b of shape/],
    ['a tensor too much', (t) => (t['members.7.heads.labels.b'] = t['members.2.heads.labels.b']), /members\.7\.heads\.labels\.b belongs to no part/],
    ['shared and not', (t) => (t['heads.labels.b'] = t['members.0.heads.labels.b']), /members\.\d\.heads\.labels\.b belongs to no part/],
    ['the version of single models', (_, m) => (m.version = '2'), /expected the tensor/],
    ['a later version', (_, m) => (m.version = '5'), /version 4 or older; got version 5/],
  ])('a file with %s', async (_name, change, message) => {
    const bytes = await damaged(change);
    expect(() => loadModel(bytes)).toThrow(message);
    expect(() => createTagger(bytes)).toThrow(/^[^\n]+$/);
  }); // prettier-ignore

  test('models that differ in more than weights, and readings of several models', async () => {
    const [a, b] = (await ensembleFor(KINDS[0])).files.map((file) => loadModel(file));
    const other = loadModel((await ensembleFor(KINDS[1])).files[0]);
    expect(() => ensembleOf([a, other])).toThrow('models[1] differs from models[0] in configuration');
    expect(() => ensembleOf([])).toThrow('1 to 100 elements');
    expect(() => memberOf(ensembleOf([a, b]), 2)).toThrow('k must be an integer from 0 to 1; got 2');
    expect(() => inspect(kernels, ensembleOf([a, b]), plain.dev[0])).toThrow(
      'got an ensemble of 2: pass memberOf(model, k)',
    );
    const deaf = { ...headKinds.softmax, kind: 'deaf', ensembles: undefined };
    await expect(trainEnsemble(kernels, plain, { ...tiny, heads: [deaf] }, 2)).rejects.toThrow("the head 'deaf' cannot be averaged"); // prettier-ignore
    for (const count of [1, 101, 2.5]) await expect(trainEnsemble(kernels, plain, tiny, count)).rejects.toThrow('integer from 2 to 100'); // prettier-ignore
  });
});

test('an abort leaves the members that were finished', async () => {
  const controller = new AbortController();
  const onSeed = (_: number, place: number) => void (place === 2 && controller.abort());
  const result = await trainEnsemble(kernels, plain, tiny, 3, { signal: controller.signal, onSeed });
  expect([result.model.members?.length, result.interrupted, result.dev]).toEqual([2, true, null]);
});
