import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { createCpuKernels, selectBackend } from '../../../src/kernels/index.js';
import { train } from '../../../src/labeling/training/train.js';
import type { AsyncKernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { flatten } from '../../../src/autograd/index.js';
import { loadModel, saveModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { ensembleOf, memberOf } from '../../../src/labeling/model/ensemble.js';
import { createModel, withHead } from '../../../src/labeling/model/model.js';
import { initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { wordReader } from '../../../src/labeling/model/encoders/words.js';
import { predict } from '../../../src/labeling/model/predict.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';
import { createAsyncTagger } from '../../../src/labeling/model/async-tagger.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { buildLabels } from '../../../src/labeling/data/labels.js';
import { buildVocabulary } from '../../../src/labeling/data/vocabulary.js';
import { allocate, ArgumentError, createRng, DataError } from '../../../src/tensor/index.js';
import { mainFile } from '../../support/cli.js';
import type { TaggerSizes } from '../../support/models.js';
import { taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();
const device = kernels as unknown as AsyncKernels; // whatever it answers may be awaited
const corpus = generateCorpus({ sentences: 40, seed: 3 });
const words = buildVocabulary(corpus, { minCount: 2 });
const labels = buildLabels(corpus);
const sentences = corpus.map((s) => s.tokens);

function modelOf(change: Partial<TaggerSizes> = {}) {
  const sizes: TaggerSizes = {
    cell: 'lstm',
    embedding: 4,
    hidden: [5, 3],
    bidirectional: true,
    dropout: 0.25,
    ...change,
  };
  const config = taggerConfig(sizes, words.size, labels.size);
  const params = initNetwork(networkOf(config), createRng(9));
  return createModel({ config, params, readers: [wordReader(words)], labels: [labels] });
}

/** A bias of which one number is none. */
function notFinite() {
  const bias = allocate([labels.size], 'float32');
  bias.data[2] = NaN;
  return bias;
}

describe('a saved model', () => {
  test.each<Partial<TaggerSizes>>([
    {},
    { cell: 'gru', bidirectional: false },
    { cell: 'gru-reset-before', hidden: [6] },
    { cell: 'rnn' },
    { cell: 'rnn-relu' },
  ])('gives the same outputs bit for bit, %j', (change) => {
    const model = modelOf(change);
    const loaded = loadModel(saveModel(model));
    expect(loaded.config).toEqual(model.config);
    const [before, after] = [model, loaded].map((m) => predict(kernels, m, sentences, { probabilities: true }));
    expect(after).toEqual(before);
    expect(saveModel(loaded)).toEqual(saveModel(model));
  });

  test('keeps the parameters under readable names in a file of the public format', () => {
    const { tensors, metadata } = decodeSafetensors(saveModel(modelOf({ hidden: [5] })));
    expect(Object.keys(tensors).sort()).toEqual(
      [
        'encoders.words.weight',
        ...['forward', 'reverse'].flatMap((d) => ['Wh', 'Wx', 'b'].map((p) => `layers.0.${d}.${p}`)),
        'heads.labels.W',
        'heads.labels.b',
      ].sort(),
    );
    expect(tensors['layers.0.reverse.Wx'].shape).toEqual([4, 20]);
    expect(JSON.parse(metadata.readers).words.words).toEqual(words.words.slice(1));
    expect(metadata.version).toBe('2');
  });
});

test('a file of version 1 gives the same model', () => {
  const model = modelOf({ hidden: [3] });
  const { tensors, metadata } = decodeSafetensors(saveModel(model));
  const { 'encoders.words.weight': embedding, 'heads.labels.W': W, 'heads.labels.b': b, ...layers } = tensors;
  const { body } = JSON.parse(metadata.config) as { body: object };
  const first = encodeSafetensors(
    { ...layers, 'embedding.weight': embedding, 'output.W': W, 'output.b': b },
    {
      format: 'bptt',
      version: '1',
      config: JSON.stringify({ ...body, embedding: 4 }),
      words: JSON.stringify(words.toJSON()),
      labels: JSON.stringify(labels.toJSON()),
    },
  );
  expect(saveModel(loadModel(first))).toEqual(saveModel(model));
  const broken = encodeSafetensors({ ...layers }, { ...decodeSafetensors(first).metadata });
  expect(() => loadModel(broken)).toThrow(/the tensor embedding.weight of shape/);
});

describe('a model file in halves', () => {
  const model = modelOf();
  const { tensors, metadata } = decodeSafetensors(saveModel(model));
  /** The half that a float32 is when its last 13 bits (float16) or 16 (bfloat16) are cut off; weights here are within ±4. */
  const halved = (x: number, dtype: 'F16' | 'BF16'): readonly [half: number, value: number] => {
    const [bits] = new Uint32Array(Float32Array.of(x).buffer);
    const brain = bits >>> 16;
    const exponent = ((bits >>> 23) & 255) - 112;
    const half =
      exponent <= 0 ? (bits >>> 31) << 15 : ((bits >>> 31) << 15) | (exponent << 10) | ((bits >>> 13) & 1023);
    const kept = dtype === 'BF16' ? brain << 16 : exponent <= 0 ? bits & 0x80000000 : bits & 0xffffe000;
    return [dtype === 'BF16' ? brain : half, new Float32Array(Uint32Array.of(kept).buffer)[0]];
  };

  test.each(['F16', 'BF16'] as const)(
    '%s is read in float32, and labels as float32 weights of these values do',
    (dtype) => {
      const raw = Object.entries(tensors).map(([name, { shape, data }]) => {
        const bytes = new Uint8Array(Uint16Array.from(data, (x) => halved(x, dtype)[0]).buffer);
        return [name, { dtype, shape, bytes }] as const;
      });
      const rounded = Object.entries(tensors).map(
        ([name, t]) => [name, { ...t, data: t.data.map((x) => halved(x, dtype)[1]) }] as const,
      );
      const read = loadModel(encodeSafetensors({}, { ...metadata }, Object.fromEntries(raw)));
      const oracle = loadModel(encodeSafetensors(Object.fromEntries(rounded), { ...metadata }));
      expect(saveModel(read)).toEqual(saveModel(oracle));
      expect(saveModel(read)).not.toEqual(saveModel(model));
    },
  );
});

describe('a model file in int8', () => {
  const model = modelOf();
  const bytes = saveModel(model, { weights: 'int8' });
  const parts = (of: Model) => Object.entries(flatten(of.params));

  test('has matrices in integers, within half a step of their rows, and vectors as they are', () => {
    const { tensors, raw = {}, metadata } = decodeSafetensors(bytes);
    expect(metadata).toMatchObject({ version: '4', quantized: 'int8' });
    const read = Object.fromEntries(parts(loadModel(bytes)));
    for (const [name, { shape, data }] of parts(model)) {
      if (shape.length === 1) {
        expect(tensors[name].data).toEqual(data);
        continue;
      }
      const scales = tensors[`${name}.scales`].data;
      const q = new Int8Array(raw[name].bytes.buffer);
      data.forEach((w, k) => {
        const s = scales[Math.floor(k / shape[1])];
        expect(Math.abs(w - q[k] * s)).toBeLessThanOrEqual(s / 2);
        expect(read[name].data[k]).toBe(Math.fround(q[k] * s));
      });
    }
  });

  test('is read by loadModel and createTagger, and says of itself what it is; a copy in float32 too', () => {
    const read = loadModel(bytes);
    expect([read.quantized, model.quantized]).toEqual(['int8', undefined]);
    const wide = loadModel(saveModel(read));
    expect(wide.quantized).toBe('int8');
    expect(decodeSafetensors(saveModel(read)).metadata.version).toBe('2');
    expect(predict(kernels, wide, sentences)).toEqual(createTagger(bytes).tag(sentences));
    expect(withHead(read, 'labels').quantized).toBe('int8');
    expect(() => saveModel(model, { weights: 'int4' as 'int8' })).toThrow(/weights must be one of 'float32', 'int8'/);
    expect(() => saveModel(model, { weight: 'int8' } as object)).toThrow(ArgumentError);
  });

  test('an ensemble too; what its members share stands once', () => {
    const second = modelOf();
    const other = { ...second, params: initNetwork(networkOf(second.config), createRng(10)) };
    const shared = { ...other, params: { ...other.params, encoders: model.params.encoders } };
    const ensemble = ensembleOf([model, shared]);
    const both = saveModel(ensemble, { weights: 'int8' });
    const names = Object.keys(decodeSafetensors(both).raw!);
    expect(names).toContain('encoders.words.weight');
    expect(names).toContain('members.1.heads.labels.W');
    const read = loadModel(both);
    expect([read.members!.length, read.quantized, memberOf(read, 1).quantized]).toEqual([2, 'int8', 'int8']);
    expect(saveModel(memberOf(read, 0))).toEqual(saveModel(loadModel(bytes)));
  });

  test.each<[string, (file: ReturnType<typeof decodeSafetensors>) => Uint8Array, RegExp]>([
    [
      'no scales',
      ({ tensors: { 'heads.labels.W.scales': _gone, ...rest }, metadata, raw }) =>
        encodeSafetensors(rest, metadata, raw),
      /heads.labels.W in F32, F16 or BF16; got I8: convert it/,
    ],
    [
      'scales of another number of rows',
      ({ tensors, metadata, raw }) => encodeSafetensors({ ...tensors, 'heads.labels.W.scales': allocate([2], 'float32') }, metadata, raw), // prettier-ignore
      /heads.labels.W.scales of shape \[6\]; got \[2\]/,
    ],
    [
      'scales too many',
      ({ tensors, metadata, raw }) => encodeSafetensors({ ...tensors, 'heads.labels.b.scales': allocate([2], 'float32') }, metadata, raw), // prettier-ignore
      /heads.labels.b.scales belongs to no part/,
    ],
  ])('with %s is refused', (_, change, message) => {
    expect(() => loadModel(change(decodeSafetensors(bytes)))).toThrow(DataError);
    expect(() => loadModel(change(decodeSafetensors(bytes)))).toThrow(message);
  });
});

describe('what a file holds beside the model', () => {
  const model = modelOf();
  const file = decodeSafetensors(saveModel(model));
  const foreign = {
    'optimizer.step': { dtype: 'I64', shape: [1], bytes: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0) },
    half: { dtype: 'F16', shape: [3], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6) },
  };
  const bytes = encodeSafetensors(file.tensors, { ...file.metadata, author: 'a. n.', version: '2' }, foreign);

  test('is kept, and written back to the byte', () => {
    const read = loadModel(bytes);
    expect(read.foreign).toEqual({ tensors: foreign, metadata: { author: 'a. n.' } });
    expect(saveModel(read)).toEqual(bytes);
    expect(model.foreign).toBeUndefined();
    expect(saveModel(loadModel(saveModel(model)))).toEqual(saveModel(model));
    bytes.slice().fill(0);
    expect(predict(kernels, read, sentences.slice(0, 3))).toEqual(predict(kernels, model, sentences.slice(0, 3)));
  });

  test('goes along with a head alone, with members, and with an ensemble', () => {
    const read = loadModel(bytes);
    expect(withHead(read, 'labels').foreign).toEqual(read.foreign);
    const ensemble = loadModel(saveModel(ensembleOf([read, modelOf({ dropout: 0.25 })])));
    expect(ensemble.foreign).toEqual(read.foreign);
    expect(memberOf(ensemble, 1).foreign).toEqual(read.foreign);
    const other = { ...read, foreign: { tensors: {}, metadata: { author: 'b. n.' } } };
    expect(() => ensembleOf([read, other])).toThrow(/models differ in author, which their files store too/);
  });

  test.each([
    [
      { tensors: { 'layers.9.W': foreign.half }, metadata: {} },
      /model.foreign has layers.9.W, a name that the model itself uses/,
    ],
    [{ tensors: {}, metadata: { config: '{}' } }, /model.foreign has config, a name that the model itself uses/],
  ])('has no name of the model, %#', (own, message) => {
    expect(() => saveModel({ ...model, foreign: own })).toThrow(ArgumentError);
    expect(() => saveModel({ ...model, foreign: own })).toThrow(message);
  });
});

describe('a file that is refused', () => {
  const good = decodeSafetensors(saveModel(modelOf()));
  const edited = (metadata: Record<string, string | undefined>, tensors = good.tensors) => {
    const fields = Object.entries({ ...good.metadata, ...metadata }).filter(([, value]) => value !== undefined);
    return encodeSafetensors(tensors, Object.fromEntries(fields) as Record<string, string>);
  };
  const saved = JSON.parse(good.metadata.config) as { body: object; encoders: object[]; heads: object[] };
  const config = (change: object) => ({ config: JSON.stringify({ ...saved, body: { ...saved.body, ...change } }) });
  const parts = (change: object) => ({ config: JSON.stringify({ ...saved, ...change }) });
  const withoutBias = Object.fromEntries(Object.entries(good.tensors).filter(([name]) => name !== 'heads.labels.b'));

  test.each<[string, Uint8Array, RegExp]>([
    ['no safetensors', new Uint8Array([1, 2, 3]), /safetensors/],
    [
      'somebody else’s',
      encodeSafetensors({}, {}),
      /expected a model made by bptt; got a safetensors file without metadata of bptt/,
    ],
    [
      'a newer version',
      edited({ version: '5' }),
      /version 4 or older; got version 5, made by a newer bptt: update bptt/,
    ],
    ['no version', edited({ version: undefined }), /version/],
    ['no configuration', edited({ config: undefined }), /metadata field config; it is missing/],
    ['no JSON', edited({ readers: '{' }), /metadata field readers is not JSON/],
    ['a list for a configuration', edited({ config: '[]' }), /config/],
    ['an unknown cell', edited(config({ cell: 'mgu' })), /cell must be one of .* got 'mgu'/],
    ['a hidden size that is not a number', edited(config({ hidden: ['5'] })), /hidden/],
    [
      'a huge layer',
      edited(config({ hidden: [1e9, 3] })),
      /layers.0.forward.Wx of shape \[4, 4000000000\]; got \[4, 20\]/,
    ],
    ['more layers than tensors', edited(config({ hidden: [5, 3, 2] })), /layers.2.forward.Wx/],
    ['fewer layers than tensors', edited(config({ hidden: [5] })), /heads.labels.W|belongs to no part/],
    ['no direction', edited(config({ bidirectional: 1 })), /bidirectional to be a boolean; got 1/],
    ['no encoders', edited(parts({ encoders: [] })), /config.encoders to be a list of parts; got \[\]/],
    ['an encoder that is a list', edited(parts({ encoders: [[1]] })), /config.encoders\[0\] to be an object/],
    [
      'an unknown encoder',
      edited(parts({ encoders: [{ kind: 'runes', width: 4 }] })),
      /unknown encoder "runes".*pass the one that the model was trained with$/,
    ],
    ['two encoders of a kind', edited(parts({ encoders: [saved.encoders[0], saved.encoders[0]] })), /'words' twice/],
    [
      'an encoder of another size',
      edited(parts({ encoders: [{ ...saved.encoders[0], size: 3 }] })),
      /expected 3 words/,
    ],
    [
      'an unknown head',
      edited(parts({ heads: [{ kind: 'x', name: 'labels', size: 2 }] })),
      /unknown head "x".*pass the one that the model was trained with$/,
    ],
    [
      'a head without a name',
      edited(parts({ heads: [{ kind: 'softmax', size: 2 }] })),
      /heads\[0\].name to be a string/,
    ],
    [
      'a head of another size',
      edited(parts({ heads: [{ ...saved.heads[0], size: 2 }] })),
      /expected 2 labels of the head/,
    ],
    ['a nested part', edited(parts({ heads: [{ ...saved.heads[0], size: [2] }] })), /heads\[0\].size to be a number/],
    ['no body', edited(parts({ body: null })), /config.body to be an object/],
    ['a label twice', edited({ labels: '{"labels":["A","A"]}' }), /occurs twice/],
    ['a missing tensor', edited({}, withoutBias), /heads.labels.b of shape \[\d+\]; got nothing/],
    [
      'a tensor too many',
      edited({}, { ...good.tensors, 'layers.0.forward.bn': allocate([1], 'float32') }),
      /layers.0.forward.bn belongs to no part/,
    ],
    [
      'a tensor misspelt behind the dot',
      edited({}, { ...withoutBias, 'heads.label.b': good.tensors['heads.labels.b'] }),
      /heads.labels.b of shape \[\d+\]; got nothing: the file/,
    ],
    [
      'a tensor misspelt before it',
      edited({}, { ...withoutBias, 'head.labels.b': good.tensors['heads.labels.b'] }),
      /heads.labels.b of shape \[\d+\]; got nothing: the file/,
    ],
    [
      'integers for weights',
      encodeSafetensors(withoutBias, { ...good.metadata }, { 'heads.labels.b': { dtype: 'I32', shape: [labels.size], bytes: new Uint8Array(4 * labels.size) } }), // prettier-ignore
      /heads.labels.b in F32, F16 or BF16; got I32: convert it/,
    ],
    [
      'float64',
      edited({}, { ...good.tensors, 'heads.labels.b': allocate([labels.size], 'float64') }),
      /heads.labels.b in F32, F16 or BF16; got F64: convert it/,
    ],
    [
      'a weight that is not a number',
      edited({}, { ...good.tensors, 'heads.labels.b': notFinite() }),
      /got NaN at element 2 of heads.labels.b/,
    ],
  ])('%s', (_what, bytes, message) => {
    expect(() => loadModel(bytes)).toThrow(DataError);
    expect(() => loadModel(bytes)).toThrow(message);
  });

  test('damaged anywhere: nothing but a DataError, or a model that still runs', () => {
    const bytes = saveModel(modelOf());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const broken = bytes.slice(0, Math.max(length, 1));
        broken[at % broken.length] = value;
        try {
          predict(kernels, loadModel(broken), sentences.slice(0, 2));
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('a tagger', () => {
  test('takes a model or its bytes, and labels any list of sentences, empty ones too', () => {
    const model = modelOf();
    const [direct, loaded] = [createTagger(model), createTagger(saveModel(model))];
    const input = [['the', 'cat'], [], ['we', 'walk', 'unheard-of']];
    expect(loaded.tag(input)).toEqual(direct.tag(input));
    expect(direct.tag(input).map((p) => p.labels.length)).toEqual([2, 0, 3]);
    expect(direct.tag([])).toEqual([]);
    expect(direct.backend).toBe('cpu');
  });

  test('takes bytes of any kind, and nothing else', () => {
    const bytes = saveModel(modelOf());
    const buffer = bytes.slice().buffer;
    const foreign = runInNewContext('new Uint8Array(bytes)', { bytes: [...bytes] }) as Uint8Array;
    expect(foreign).not.toBeInstanceOf(Uint8Array);
    const expected = createTagger(bytes).tag([['the', 'cat']]);
    for (const source of [buffer, foreign, new DataView(buffer) as unknown as Uint8Array]) {
      expect(createTagger(source).tag([['the', 'cat']])).toEqual(expected);
    }
    const wrong = [undefined, 'model.safetensors', { config: {} }] as unknown as Uint8Array[];
    for (const source of wrong) expect(() => createTagger(source)).toThrow(ArgumentError);
    expect(() => createTagger(wrong[2])).toThrow('got an object with config');
  });

  test('refuses what is not a list of lists of tokens', () => {
    const tagger = createTagger(modelOf());
    expect(() => tagger.tag('the cat' as unknown as string[][])).toThrow(ArgumentError);
    expect(() => tagger.tag(['the cat'] as unknown as string[][])).toThrow('must be a list of tokens');
    expect(() => predict(kernels, modelOf(), [['the', 7 as unknown as string]])).toThrow('sentence 1, token 2');
  });

  const hole = <T>(list: T[], place: number) => (delete list[place], list);
  test.each<[string, unknown, string]>([
    ['undefined', undefined, 'expected a list of sentences, each a list of tokens; got undefined'],
    ['null', null, 'expected a list of sentences, each a list of tokens; got null'],
    ['an object', {}, 'expected a list of sentences, each a list of tokens; got an object with nothing'],
    ['[null]', [null], 'sentence 1, sentences[0], must be a list of tokens; got null: pass a list of strings'],
    [
      'a sparse list',
      hole([['a'], ['b'], ['c']], 1),
      'sentence 2, sentences[1], must be a list of tokens; got undefined',
    ],
    ['[[1]]', [['a'], ['b', 1]], 'sentence 2, token 2, sentences[1][1], must be a string; got the number 1'],
    ['[[undefined]]', [[undefined]], 'sentence 1, token 1, sentences[0][0], must be a string; got undefined'],
    [
      'a sparse sentence',
      [hole(['a', 'b', 'c'], 2)],
      'sentence 1, token 3, sentences[0][2], must be a string; got undefined',
    ],
    ["[[['a']]]", [[['a']]], 'sentence 1, token 1, sentences[0][0], must be a string; got a list'],
  ])('%s is not a list of sentences; the message names the place', async (_, given, message) => {
    const input = given as string[][];
    expect(() => createTagger(modelOf()).tag(input)).toThrow(ArgumentError);
    expect(() => createTagger(modelOf()).tag(input)).toThrow(message);
    await expect(createAsyncTagger(modelOf(), device).tag(input)).rejects.toThrow(message);
    expect(() => predict(kernels, modelOf(), input)).toThrow(message);
  });

  test('kernels that are none: what came, and what to pass', async () => {
    const selection = await selectBackend({ backend: 'cpu' });
    for (const [given, message] of [
      ['wasm', 'got the string "wasm": pass createCpuKernels(), or (await selectBackend()).kernels'],
      [3, 'got the number 3: pass createCpuKernels()'],
      [null, 'got null: pass createCpuKernels()'],
      [{}, 'got an object with nothing: pass createCpuKernels()'],
      [Promise.resolve(kernels), 'got a Promise: await it'],
      [
        selection,
        'got an object with kernels, reason, rejected: that is the result of selectBackend(), take its .kernels',
      ],
    ] as unknown as [typeof kernels, string][]) {
      const error = (where: string) => `${where}: expected kernels; ${message}`;
      for (const source of [modelOf(), saveModel(modelOf())]) {
        expect(() => createTagger(source, given)).toThrow(ArgumentError);
        expect(() => createTagger(source, given)).toThrow(error('createTagger'));
      }
      expect(() => predict(given, modelOf(), sentences)).toThrow(error('predict'));
      expect(() => createAsyncTagger(modelOf(), device, given)).toThrow(
        `createAsyncTagger: host must be kernels; ${message}`,
      );
    }
    expect(createTagger(modelOf(), undefined).backend).toBe('cpu');
  });

  test('options that are none, and switches that are neither true nor false', () => {
    const none = null as unknown as undefined;
    const refused = 'options must be an object; got null: leave them out, or pass {}';
    expect(() => createTagger(modelOf(), kernels, none)).toThrow(new ArgumentError(`createTagger: ${refused}`));
    expect(() => predict(kernels, modelOf(), sentences, none)).toThrow(new ArgumentError(`predict: ${refused}`));
    expect(() => createTagger(modelOf()).tag(sentences, none)).toThrow(new ArgumentError(`tag: ${refused}`));
    const words = { keepWords: 'no' as unknown as boolean };
    const message = 'keepWords must be true or false; got the string "no": correct it, or leave it out';
    expect(() => createTagger(modelOf(), kernels, words)).toThrow(new ArgumentError(`createTagger: ${message}`));
    expect(() => predict(kernels, modelOf(), sentences, words)).toThrow(new ArgumentError(`predict: ${message}`));
    const probabilities = 1 as unknown as boolean;
    expect(() => createTagger(modelOf()).tag(sentences, { probabilities })).toThrow(
      'probabilities must be true or false',
    );
    expect(createTagger(modelOf(), kernels, { keepWords: undefined }).tag([['the']], undefined)).toHaveLength(1);
  });

  test('gives the probability of every label it chose', () => {
    const [{ probabilities }] = createTagger(modelOf()).tag([['the', 'dogs', 'sat']], { probabilities: true });
    expect(probabilities).toHaveLength(3);
    for (const p of probabilities!) expect(p).toBeGreaterThanOrEqual(1 / labels.size);
    for (const p of probabilities!) expect(p).toBeLessThanOrEqual(1);
    expect(createTagger(modelOf()).tag([['the']])[0].probabilities).toBeUndefined();
  });

  describe('under a strict Content-Security-Policy', () => {
    // Node forbids eval and new Function with this flag, as a browser does for a page without 'unsafe-eval'.
    const run = (source: string, model = modelOf()) => {
      const folder = mkdtempSync(join(tmpdir(), 'bptt-csp-'));
      const rooms = dirname(dirname(mainFile()));
      try {
        writeFileSync(join(folder, 'model.safetensors'), saveModel(model));
        const script = source.replace(/ROOMS/g, rooms).replace(/FOLDER/g, folder);
        const args = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script];
        return spawnSync(process.execPath, args, { encoding: 'utf8' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    };

    test('loads a model and labels a sentence', () => {
      const { stdout, stderr } = run(`
        import { readFileSync } from 'node:fs';
        import { createTagger } from 'ROOMS/labeling/model/tagger.js';
        const tagger = createTagger(new Uint8Array(readFileSync('FOLDER/model.safetensors')));
        console.log(JSON.stringify(tagger.tag([['the', 'cat', 'sat']])[0].labels));
      `);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual(createTagger(modelOf()).tag([['the', 'cat', 'sat']])[0].labels);
    });

    test('labels whole sentences, too', async () => {
      const corpus = ['good', 'bad'].map((word) => ({ tokens: ['so', word], category: word }));
      const options = {
        task: 'classify',
        pooling: 'attention',
        minCount: 1,
        embedding: 3,
        hidden: 4,
        epochs: 1,
      } as const;
      const { model } = await train(kernels, { train: corpus }, options);
      const source = `
        import { readFileSync } from 'node:fs';
        import { createTagger } from 'ROOMS/labeling/model/tagger.js';
        const tagger = createTagger(new Uint8Array(readFileSync('FOLDER/model.safetensors')));
        console.log(JSON.stringify(tagger.tag([['so', 'good']], { probabilities: true })));
      `;
      const { stdout, stderr } = run(source, model);
      expect(stderr).toBe('');
      const [said] = createTagger(model).tag([['so', 'good']], { probabilities: true });
      expect(JSON.parse(stdout)).toEqual([said]);
      expect(['good', 'bad']).toContain(said.category);
    });

    test('and the flag does forbid what it must: constructing an ndarray fails there', () => {
      const { status, stderr } = run(`
        import { zeros } from 'ROOMS/tensor/create.js';
        zeros([2, 2]);
      `);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/Code generation from strings disallowed/);
    });
  });
});
