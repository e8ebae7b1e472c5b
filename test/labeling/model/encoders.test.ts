/** The built-in encoders, each through a whole model: gradients, training, the model file, taggers, threads, files of strangers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from '../../../src/inspect/index.js';
import type { AsyncKernels } from '../../../src/kernels/types.js';
import { createAsyncTagger } from '../../../src/labeling/model/async-tagger.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { flatten, gradcheck, nestLike, zeroGrads } from '../../../src/autograd/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { createWasmKernels } from '../../../src/kernels/wasm/index.js';
import { placesOf } from '../../../src/layers/index.js';
import type { TrainOptions, WordVectors } from '../../../src/labeling/index.js';
import { affixReader } from '../../../src/labeling/model/encoders/affixes.js';
import { encoderKinds } from '../../../src/labeling/model/encoders/index.js';
import { loadModel, saveModel } from '../../../src/labeling/model/file.js';
import { modelBackward, modelForward } from '../../../src/labeling/model/model.js';
import type { ModelGrads, ModelParams } from '../../../src/labeling/model/network.js';
import { initNetwork, networkOf, sparseRows, stepBytes } from '../../../src/labeling/model/network.js';
import { predict } from '../../../src/labeling/model/predict.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { evaluate } from '../../../src/labeling/scoring/evaluate.js';
import { packFeatures, packBatch } from '../../../src/labeling/data/batches.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { TRAIN_DEFAULTS } from '../../../src/labeling/training/options.js';
import { train } from '../../../src/labeling/training/train.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';
import { allocate, ArgumentError, copy, createKey, createRng, DataError } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { moduleUrl, threads as threadsOf } from '../../support/threads.js';

const kernels = createCpuKernels();

/** Words with beginnings and ends in common, of unequal length, in several scripts; one is longer than what is read of a word. */
const sentences = [
  { tokens: ['Walking', 'is', 'walked', 'by', '😀'], labels: ['V', 'A', 'V', 'P', 'X'] },
  { tokens: ['x'.repeat(80)], labels: ['X'] },
  { tokens: ['ภาษา', 'cafe\u0301', 'café'], labels: ['N', 'N', 'N'] },
];
const tokens = sentences.map((s) => s.tokens);
const lengths = tokens.map((list) => list.length);

/** Vectors for the words of the grammar and some of those above, in no order; one of all other tokens. */
const vectors: WordVectors = (() => {
  const words = [...new Set(generateCorpus({ sentences: 60, seed: 5 }).flatMap((s) => s.tokens))];
  const list = ['Walking', 'is', 'café', '<unk>', ...words.filter((word) => word !== 'is')];
  const rng = createRng(9);
  return { size: 5, words: list, values: Float32Array.from({ length: 5 * list.length }, () => 3 * rng.normal()) };
})();

/** Small encoders. */
const variants: Readonly<Record<string, Partial<TrainOptions>>> = {
  affixes: { encoders: ['affixes'] },
  'words and affixes': { encoders: ['words', 'affixes'] },
  'affixes, rare ones apart': { encoders: ['affixes'], affixMinCount: 2, affixDropout: 0.3, suffixes: 5 },
  'affixes, exact rows': { encoders: ['affixes'], affixRows: 'all', affixMinCount: 2, affixDropout: 0.3, suffixes: 4 },
  'characters by an LSTM': { encoders: ['characters'] },
  'characters by a convolution': { encoders: ['characters'], characters: 'cnn', characterUnit: 'grapheme' },
  'vectors as they are': { encoders: ['vectors'], vectors },
  'vectors that are tuned': { encoders: ['vectors'], vectors, vectorsMode: 'tuned' },
  'all of them': { encoders: ['words', 'affixes', 'characters', 'vectors'], vectors },
};
const SIZES = {
  ...{ embedding: 3, affixSize: 4, affixRows: 31, prefixes: 2, suffixes: 3, minCount: 1 },
  ...{ characterEmbedding: 3, characterSize: 4, characterWindow: 3, vectorsSize: 3 },
};
const named = Object.entries(variants);

/** Encoders of a variant, read from the sentences above. */
function encodersOf({ encoders = [], ...options }: Partial<TrainOptions>, sizes: object = SIZES) {
  const settings = { ...TRAIN_DEFAULTS, ...sizes, ...options };
  return encoders.map((each) => encoderKinds[each as keyof typeof encoderKinds].build(sentences, settings));
}

/** The same model in float64, so that finite differences can judge it. */
function double(params: ModelParams): ModelParams {
  const nested = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(nested);
    if ('data' in (node as object)) return copy(node as Tensor, 'float64');
    return Object.fromEntries(Object.entries(node as object).map(([name, child]) => [name, nested(child)]));
  };
  return nested(params) as ModelParams;
}

describe.each(named)('%s', (_name, variant) => {
  const built = encodersOf(variant);
  const body = { cell: 'gru', hidden: [3], bidirectional: true, dropout: 0.3 };
  const config = {
    encoders: built.map((each) => each.config),
    body,
    heads: [{ kind: 'softmax', name: 'labels', size: 5 }],
  };
  const network = networkOf(config);

  test('have the gradient of the loss, noise included', () => {
    const params = double(initNetwork(network, createRng(3)));
    const batch = packBatch(lengths, [0, 1, 2]);
    const features = built.map(({ reader }) => packFeatures(tokens.map((list) => reader.read(list)), batch)); // prettier-ignore
    const targets = Int32Array.from({ length: batch.packing.total }, (_, n) => n % 5);
    const [head] = network.heads;
    const run = () => {
      const noise = { key: createKey(8), places: placesOf(batch.packing), wordDropout: 0.4, affixDropout: 0.4 };
      const pass = modelForward(kernels, network, params, features, batch.packing, { noise });
      return { pass, loss: head.loss(kernels, params.heads.labels, pass.heads[0], targets) };
    };
    const flat = flatten(params);
    const record = zeroGrads(flat, { rowGradients: Object.keys(sparseRows(network)) });
    const grads = nestLike(params, record) as ModelGrads;
    const { pass, loss } = run();
    const dLogits = allocate(pass.heads[0].logits.shape, 'float64');
    head.lossBackward(kernels, params.heads.labels, loss, dLogits, grads.heads.labels, 1);
    modelBackward(kernels, network, params, pass, [dLogits], grads);
    const report = gradcheck({ tensors: flat, grads: record, loss: () => run().loss.loss });
    expect(report.worst.relativeError).toBeLessThanOrEqual(1e-6);
    expect(report.passed).toBe(true);
  });

  test('a sentence has the same logits, to the bit, whatever batch it is in', async () => {
    const wasm = await createWasmKernels();
    const params = initNetwork(network, createRng(3));
    for (const backend of [kernels, wasm]) {
      const logitsOf = (members: number[], sentence: number) => {
        const batch = packBatch(lengths, members);
        const features = built.map(({ reader }) => packFeatures(tokens.map((list) => reader.read(list)), batch)); // prettier-ignore
        const { logits } = modelForward(backend, network, params, features, batch.packing).heads[0];
        const b = [...batch.packing.order].findIndex((place) => members[place] === sentence);
        return Array.from({ length: lengths[sentence] }, (_, t) => {
          const row = logits.offset + (batch.packing.offsets[t] + b) * 5;
          return [...logits.data.subarray(row, row + 5)];
        });
      };
      for (const s of [0, 1, 2]) expect(logitsOf([2, 0, 1], s)).toEqual(logitsOf([s], s));
    }
    wasm.dispose();
  });

  test('initial parameters have their shapes, and depend on the seed alone', () => {
    const [one, two] = [initNetwork(network, createRng(4)), initNetwork(network, createRng(4))];
    expect(flatten(one)).toEqual(flatten(two));
    for (const { config: each, shapes } of network.encoders) {
      for (const [name, shape] of Object.entries(shapes)) expect(one.encoders[each.kind][name].shape).toEqual(shape);
    }
  });

  const corpus = generateCorpus({ sentences: 60, seed: 5 });
  const options: TrainOptions = { ...SIZES, ...variant, hidden: 6, epochs: 3, batch: 8, lr: 0.02 };

  test('train, save, load, tag: the same answers from the model, from its bytes and on WebAssembly', async () => {
    const { model } = await train(kernels, { train: corpus }, { ...options, epochs: 12, dropout: 0.1 });
    expect(evaluate(kernels, model, corpus).accuracy).toBeGreaterThan(0.8);
    const bytes = saveModel(model);
    const loaded = loadModel(bytes);
    expect(saveModel(loaded)).toEqual(bytes);
    const texts = [...corpus.map((s) => s.tokens), ...tokens, []];
    const wanted = predict(kernels, model, texts, { probabilities: true });
    expect(predict(kernels, loaded, texts, { probabilities: true })).toEqual(wanted);
    expect(createTagger(bytes).tag(texts, { probabilities: true })).toEqual(wanted);
    const wasm = await createWasmKernels();
    const fast = createTagger(bytes, wasm);
    const labels = (list: typeof wanted) => list.map((each) => each.labels);
    expect(labels(fast.tag(texts))).toEqual(labels(wanted));
    // Whatever batch a sentence is in, and whatever came before it.
    const each = texts.map((text) => fast.tag([text], { probabilities: true })[0]);
    expect(fast.tag(texts, { probabilities: true })).toEqual(each);
    fast.dispose();
    wasm.dispose();
  });

  test('the same seed gives the same bytes; so do two threads, twice, and they agree with one to rounding', async () => {
    const once = async (threads?: number) => {
      const own = threads ? { threads: threadsOf(threads) } : {};
      const result = await train(kernels, { train: corpus }, { ...options, epochs: 1, ...own });
      expect(result.threads).toBe(threads ?? 1);
      return result.model;
    };
    const [one, again, two, twice] = [await once(), await once(), await once(2), await once(2)];
    expect(saveModel(again)).toEqual(saveModel(one));
    expect(saveModel(twice)).toEqual(saveModel(two));
    const [a, b] = [flatten(one.params), flatten(two.params)];
    for (const [name, x] of Object.entries(a)) {
      x.data.forEach((value, i) => expect(Math.abs(value - b[name].data[i])).toBeLessThan(0.01));
    }
  });

  test('the memory of a step grows with what the sentences hold', () => {
    const features = built.map(({ reader }) => tokens.map((list) => reader.read(list)));
    const bytes = stepBytes(network, lengths, features, 2);
    expect(bytes).toBeGreaterThan(4 * (lengths[0] + lengths[2]) * network.width);
    expect(stepBytes(network, lengths, features, 3)).toBeGreaterThan(bytes);
  });
});

test('words alone are the default: the same bytes', async () => {
  const corpus = generateCorpus({ sentences: 30, seed: 5 });
  const options = { ...SIZES, hidden: 4, epochs: 1 };
  const plain = await train(kernels, { train: corpus }, options);
  for (const encoders of [['words'] as const, [encoderKinds.words]]) {
    const { model } = await train(kernels, { train: corpus }, { ...options, encoders });
    expect(saveModel(model)).toEqual(saveModel(plain.model));
    expect(model.own.encoders).toBeUndefined();
  }
});

test('without a vocabulary no word counts as unknown', async () => {
  const corpus = generateCorpus({ sentences: 30, seed: 5 });
  const { model } = await train(kernels, { train: corpus }, { ...SIZES, encoders: ['affixes'], hidden: 4, epochs: 1 });
  expect(evaluate(kernels, model, corpus).oovAccuracy).toBeNull();
});

test.each<[TrainOptions, RegExp]>([
  [{ encoders: [] }, /^train: encoders must list at least one, such as 'words'; got none/],
  [
    { encoders: ['runes' as 'words'] },
    /^train: encoders\[0\] must be one of 'words', 'affixes', 'characters', 'vectors'; got 'runes'/,
  ],
  [{ encoders: 'words' as never }, /^train: encoders must be a list/],
  [{ encoders: ['words', 'words'] }, /encoders must differ; got 'words' twice/],
  [{ encoders: ['words', {} as never] }, /^train: encoders\[1\] must be a kind of encoder/],
  [{ affixMinCount: 0 }, /^train: affixMinCount must be an integer of at least 1; got 0/],
  [{ affixMinCount: 2, affixDropout: 1 }, /^train: affixDropout must be/],
  [{ affixDropout: 0.2 }, /^train: affixDropout .* without rare affixes: set affixMinCount/],
  [{ affixSize: 0 }, /^train: affixSize must be an integer of at least 1; got 0/],
  [{ affixRows: 1.5 }, /^train: affixRows must be an integer of at least 1, or 'all'; got 1.5/],
  [{ affixRows: 'every' as never }, /^train: affixRows must be an integer of at least 1, or 'all'; got the string/],
  [{ characters: 'gru' as 'lstm' }, /^train: characters must be one of 'lstm', 'cnn'; got 'gru'/],
  [
    { characterUnit: 'byte' as 'grapheme' },
    /^train: characterUnit must be one of 'code-point', 'grapheme'; got 'byte'/,
  ],
  [{ characterSize: 0 }, /^train: characterSize must be an integer of at least 1/],
  [{ characterEmbedding: 0 }, /^train: characterEmbedding must be an integer of at least 1/],
  [{ characterWindow: 0 }, /^train: characterWindow must be an integer of at least 1/],
  [{ encoders: ['characters'], characterSize: 5 }, /characters.width must be even for an LSTM/],
  [{ encoders: ['vectors'] }, /^train: the encoder vectors needs vectors: pass what readVectors returned/],
  [{ vectors }, /^train: vectors have no effect without the encoder vectors/],
  [{ encoders: ['vectors'], vectors: [] as never }, /^train: vectors must be vectors, \{ size, words, values \}/],
  [{ encoders: ['vectors'], vectors: { ...vectors, size: 4 } }, /^train: vectors.values must have 4 numbers for each/],
  [
    { encoders: ['vectors'], vectors: { size: 1, words: ['a', 'a'], values: Float32Array.of(1, 2) } },
    /^train: vectors.words must differ; got "a" twice/,
  ],
  [
    { encoders: ['vectors'], vectors: { size: 1, words: ['a', 'b'], values: Float32Array.of(1, NaN) } },
    /^train: vectors.values must be finite; got NaN/,
  ],
  [{ vectorsSize: 0 }, /^train: vectorsSize must be an integer of at least 1/],
  [{ vectorsMode: 'fixed' as 'frozen' }, /^train: vectorsMode must be one of 'frozen', 'tuned'; got 'fixed'/],
  [{ vectorsDigits: '9' as '0' }, /^train: vectorsDigits must be one of 'keep', '0', '#'; got '9'/],
  [{ prefixes: 11 }, /^train: prefixes must be an integer of 0 … 10; got 11/],
  [{ suffixes: -1 }, /^train: suffixes must be an integer of 0 … 10; got -1/],
])('train refuses %j', async (options, message) => {
  const corpus = generateCorpus({ sentences: 4 });
  const training = train(kernels, { train: corpus }, { hidden: 2, epochs: 1, ...options });
  await expect(training).rejects.toThrow(ArgumentError);
  await expect(training).rejects.toThrow(message);
});

describe('a file of a stranger', () => {
  let good: ReturnType<typeof decodeSafetensors>;
  beforeAll(async () => {
    const encoders = ['words', 'affixes', 'characters', 'vectors'] as const;
    const options: TrainOptions = { ...SIZES, encoders, vectors, hidden: 4, epochs: 1 };
    const { model } = await train(kernels, { train: generateCorpus({ sentences: 20 }) }, options);
    good = decodeSafetensors(saveModel(model));
  });
  type Part = Record<string, unknown> & { kind: string };
  const edited = (kind: string, change: object, readers?: unknown) => {
    const config = JSON.parse(good.metadata.config) as { encoders: Part[] };
    const encoders = config.encoders.map((each) => (each.kind === kind ? { ...each, ...change } : each));
    const saved = JSON.parse(good.metadata.readers) as object;
    return encodeSafetensors(good.tensors, {
      ...good.metadata,
      config: JSON.stringify({ ...config, encoders }),
      readers: JSON.stringify({ ...saved, ...(readers === undefined ? {} : { [kind]: readers }) }),
    });
  };

  test.each<[string, object, unknown, RegExp]>([
    [
      'affixes',
      { rows: 32 },
      undefined,
      /encoders.affixes.table of shape \[32, 4\]; got \[31, 4\]: the file is damaged/,
    ],
    [
      'affixes',
      { rows: 0 },
      undefined,
      /affixes.rows must be an integer of at least 1; got 0: the model file is damaged/,
    ],
    ['affixes', { width: 1e9 }, undefined, /encoders.affixes.table of shape \[31, 1000000000\]/],
    ['affixes', { prefixes: 1e9 }, undefined, /affixes.prefixes must be an integer of 0 … 10; got 1000000000/],
    ['affixes', { suffixes: '3' }, undefined, /affixes.suffixes must be an integer of 0 … 10; got the string "3"/],
    ['affixes', { suffixes: undefined }, undefined, /affixes.suffixes must be an integer of 0 … 10; got undefined/],
    ['affixes', {}, { hashing: 'crc32' }, /expected readers.affixes.hashing to be fnv1a-murmur3; got "crc32"/],
    ['affixes', {}, null, /expected readers.affixes.hashing to be fnv1a-murmur3; got undefined/],
    ['affixes', { exact: true }, undefined, /readers.affixes.hashing to be fnv1a-murmur3-exact; got "fnv1a-murmur3"/],
    ...[
      [{}, /expected 24 known affixes; got 0: the file is damaged/],
      [{ minCount: 1, known: [1, 2] }, /expected 24 known affixes; got 2: the file is damaged/],
      [{ minCount: 0, known: [1] }, /expected readers.affixes.minCount to be an integer of at least 1; got 0/],
    ].map(([json, message]): [string, object, unknown, RegExp] => ['affixes', { exact: true }, { hashing: 'fnv1a-murmur3-exact', ...json }, message as RegExp]), // prettier-ignore
    ['affixes', {}, { hashing: 'fnv1a-murmur3-exact' }, /hashing to be fnv1a-murmur3; got "fnv1a-murmur3-exact"/],
    ...[
      [{ known: [1] }, /expected readers.affixes.minCount to be an integer of at least 1; got undefined/],
      [{ minCount: 0, known: [1] }, /expected readers.affixes.minCount to be .* got 0/],
      [{ minCount: 2 }, /expected readers.affixes.known to be integers below 2\^32 in rising order/],
      [{ minCount: 2, known: [1, 1] }, /expected readers.affixes.known/],
      [{ minCount: 2, known: [-1] }, /expected readers.affixes.known/],
      [{ minCount: 2, known: [1, 2 ** 32] }, /expected readers.affixes.known/],
      [{ minCount: 2, known: '12' }, /expected readers.affixes.known/],
    ].map(([json, message]): [string, object, unknown, RegExp] => ['affixes', {}, { hashing: 'fnv1a-murmur3', ...json }, message as RegExp]), // prettier-ignore
    [
      'characters',
      { network: 'gru' },
      undefined,
      /characters.network must be one of 'lstm', 'cnn'; got 'gru': the model/,
    ],
    [
      'characters',
      { network: 'cnn' },
      undefined,
      /expected the tensor encoders.characters.W of shape \[9, 4\]; got nothing/,
    ],
    ['characters', { width: 5 }, undefined, /characters.width must be even for an LSTM/],
    ['characters', { size: 2 }, undefined, /expected 2 characters; got 23: the file is damaged/],
    ['characters', { window: 1e9 }, undefined, /characters.window must be at most 127, because words have at most 64 characters; got 1000000000/], // prettier-ignore
    ['characters', { window: 0 }, undefined, /characters.window must be an integer of at least 1/],
    ['characters', { embedding: undefined }, undefined, /characters.embedding must be an integer of at least 1/],
    ['characters', {}, { unit: 'grapheme', characters: ['a'] }, /expected \d+ characters; got 2: the file is damaged/],
    ['characters', {}, { unit: 'byte', characters: [] }, /expected unit to be one of code-point, grapheme; got "byte"/],
    ['characters', {}, null, /expected characters, an object; got null/],
    ['vectors', { size: 4 }, undefined, /expected 4 rows of vectors; got 75: the file is damaged/],
    [
      'vectors',
      { dimensions: 4 },
      undefined,
      /expected the tensor encoders.vectors.W of shape \[4, 3\]; got \[5, 3\]|table of shape/,
    ],
    ['vectors', { mode: 'fixed' }, undefined, /vectors.mode must be one of 'frozen', 'tuned'; got 'fixed': the model/],
    ['vectors', { scale: 0 }, undefined, /vectors.scale must be .*got 0: the model file is damaged/],
    ['vectors', { scale: '1' }, undefined, /vectors.scale must be/],
    ['vectors', {}, { digits: '9', words: ['a'] }, /expected digits to be one of keep, 0, #; got "9"/],
    ['vectors', {}, { digits: 'keep', words: ['a', 'a'] }, /vectors: "a" occurs twice: the file is damaged/],
    ['vectors', {}, { digits: 'keep', words: ['a'] }, /expected \d+ rows of vectors; got 2: the file is damaged/],
    ['vectors', {}, null, /vectors: expected words to be an array of strings/],
  ])('%s %j, reader %j', (kind, change, readers, message) => {
    expect(() => loadModel(edited(kind, change, readers))).toThrow(DataError);
    expect(() => loadModel(edited(kind, change, readers))).toThrow(message);
  });

  test('as it was it is read', () => {
    expect(loadModel(edited('affixes', {})).config.encoders.map(({ kind }) => kind)).toEqual([
      'words',
      'affixes',
      'characters',
      'vectors',
    ]);
  });
});

describe('a model with every encoder', () => {
  let model: Model;
  let texts: readonly (readonly string[])[];
  beforeAll(async () => {
    const corpus = generateCorpus({ sentences: 30, seed: 6 });
    const encoders = ['words', 'affixes', 'characters', 'vectors'] as const;
    const options: TrainOptions = { ...SIZES, encoders, vectors, hidden: 4, epochs: 2 };
    ({ model } = await train(kernels, { train: corpus }, { ...options, characterUnit: 'grapheme' }));
    texts = [...corpus.slice(0, 8).map((s) => s.tokens), ...tokens];
  });

  test('labels under a strict Content-Security-Policy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-csp-'));
    try {
      writeFileSync(join(folder, 'model.safetensors'), saveModel(model));
      const script = `
        import { readFileSync } from 'node:fs';
        import { createTagger } from '${moduleUrl('labeling/model/tagger.ts').href}';
        const tagger = createTagger(new Uint8Array(readFileSync('${folder}/model.safetensors')));
        console.log(JSON.stringify(tagger.tag(${JSON.stringify(texts)})));`;
      const args = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual(createTagger(model).tag(texts));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('labels the same with an asynchronous device', async () => {
    const tagger = createAsyncTagger(model, kernels as unknown as AsyncKernels);
    expect(await tagger.tag(texts, { probabilities: true })).toEqual(
      createTagger(model).tag(texts, { probabilities: true }),
    );
  });

  test('is read by inspect, whose checks agree', () => {
    const trace = inspect(kernels, model, { tokens: texts[0] }, { checks: 12 });
    expect(trace.words[0].x).toHaveLength(model.network.width);
    expect(trace.checks).toMatchObject({ checked: 12, agrees: true });
  });
});

describe('rare affixes', () => {
  const rare: Sentence[] = ['walked walks', 'walked talks', 'Oslo'].map((line) => ({ tokens: line.split(' ') }));
  const settings = { ...TRAIN_DEFAULTS, ...SIZES, affixRows: 9973, prefixes: 4, suffixes: 1, affixMinCount: 2 };
  const { reader, config } = encoderKinds.affixes.build(rare, settings);
  const all = encoderKinds.affixes.build(rare, { ...settings, affixMinCount: 1 });
  const rowsOf = (of: typeof reader, tokens: string[]) => {
    const { values, columns } = of.read(tokens).rows as { values: Int32Array; columns: number };
    return tokens.map((_, n) => [...values.subarray(n * columns, (n + 1) * columns)]);
  };
  // columns: prefixes 1 to 4, suffix 1, shape, lower case; values that training has once are rare: of walks, talks and Oslo most are
  const [none] = rowsOf(reader, ['\0']);

  test('values seen often keep their rows; rarer ones, and new ones, share that of their column', () => {
    const tokens = ['walked', 'walks', 'talks', 'Oslo', 'WALK', 'zebra'];
    const whole = rowsOf(all.reader, tokens);
    const kept = [
      [1, 1, 1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1, 1, 0],
      [0, 0, 0, 0, 1, 1, 0],
      [0, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1, 0, 0, 0],
      [0, 0, 0, 0, 0, 1, 0],
    ];
    const expected = kept.map((row, n) => row.map((isKept, j) => (isKept ? whole[n][j] : none[j])));
    expect(rowsOf(reader, tokens)).toEqual(expected);
    expect(none).toEqual(rowsOf(all.reader, ['\0'])[0].map((row, j) => (j === 5 ? none[5] : row)));
    expect(new Set(none).size).toBe(7);
  });

  test('with exact rows every known value has a row of its own, and the others share that of their column', () => {
    for (const affixMinCount of [1, 2]) {
      const { reader: exact, config: built } = encoderKinds.affixes.build(rare, { ...settings, affixRows: 'all', affixMinCount }); // prettier-ignore
      const [words, unseen] = [
        rowsOf(exact, ['walked', 'walks', 'talks', 'Oslo']),
        rowsOf(exact, ['\0', 'q', 'walkz']),
      ];
      const count = Number(built.rows) - 7;
      const counts = new Map<number, number>(); // of the rows, in the training words: 5 tokens, walked twice
      for (const row of [...words, words[0]].flat()) counts.set(row, (counts.get(row) ?? 0) + 1);
      const known = [...counts.keys()].filter((row) => row >= 7);
      expect(known.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => 7 + i));
      // the values of the columns, by hand: w t o, wa ta os, wal tal osl, walk talk oslo, d s o, xxxx Xxxx, the words
      expect(count).toBe(affixMinCount === 1 ? 3 + 3 + 3 + 3 + 3 + 2 + 4 : 1 + 1 + 1 + 1 + 2 + 1 + 1);
      expect(unseen[0]).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(unseen[1]).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(unseen[2]).toEqual([...words[0].slice(0, 4), 4, words[0][5], 6]);
    }
  });

  test('exact rows and known values must agree', () => {
    const columns = { rows: 9, prefixes: 1, suffixes: 1, exact: true } as const;
    expect(affixReader(columns, { minCount: 1, known: [3, 4, 5, 6, 8] }).read(['a']).rows).toMatchObject({
      columns: 4,
    });
    for (const cutOff of [undefined, { minCount: 1, known: [3, 4] }])
      expect(() => affixReader(columns, cutOff)).toThrow(/expected 5 known affixes; got/);
  });

  test('affix dropout reads a word as one that is new in all that tells it, or not at all, as often as asked', () => {
    const layer = encoderKinds.affixes.layer(config);
    const params = layer.initialize(createRng(1));
    const count = 4000;
    const features = reader.read(new Array<string>(count).fill('walked'));
    const places = Int32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? i : 0));
    const noise = { key: createKey(3), places, wordDropout: 0, affixDropout: 0.3 };
    const pass = layer.forward(kernels, params, features, noise) as unknown as { rows: { values: Int32Array } };
    const [shown] = rowsOf(reader, ['walked']);
    const hidden = shown.map((row, j) => ([3, 6].includes(j) ? none[j] : row));
    const texts = Array.from({ length: count }, (_, n) => [...pass.rows.values.subarray(7 * n, 7 * n + 7)].join());
    const found = texts.filter((text) => text === hidden.join()).length;
    expect(found + texts.filter((text) => text === shown.join()).length).toBe(count);
    expect(Math.abs(found - 0.3 * count)).toBeLessThan(5 * Math.sqrt(0.3 * 0.7 * count)); // five standard deviations
    for (const quiet of [undefined, { ...noise, affixDropout: 0 }, { ...noise, affixDropout: undefined }]) {
      const { y } = layer.forward(kernels, params, features, quiet);
      expect([...y.data.slice(0, 4)]).toEqual([...layer.forward(kernels, params, reader.read(['walked'])).y.data]);
    }
  });
});

test('integers of another encoder are refused by name', () => {
  const [{ config, reader }] = encodersOf({ encoders: ['affixes'] });
  const [{ reader: other }] = encodersOf({ encoders: ['affixes'] }, { ...SIZES, suffixes: 1 });
  const layer = encoderKinds.affixes.layer(config);
  const params = layer.initialize(createRng(1));
  expect(layer.forward(kernels, params, reader.read(['a', 'b'])).y.shape).toEqual([2, 4]);
  expect(() => layer.forward(kernels, params, other.read(['a', 'b']))).toThrow(
    'model: the encoder affixes needs 7 integers per token; got 5',
  );
  expect(() => reader.read('ab' as never)).toThrow(ArgumentError);
});
