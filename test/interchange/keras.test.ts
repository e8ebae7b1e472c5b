/** Keras files: written, read by jsfive, read back; what has no counterpart is refused by its name. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { exportKeras, importKeras } from '../../src/interchange';
import type { KerasImportOptions } from '../../src/interchange';
import { openHdf5 } from '../../src/interchange/keras/hdf5-read';
import type { Hdf5Library } from '../../src/interchange/keras/hdf5-read';
import { writeHdf5 } from '../../src/interchange/keras/hdf5-write';
import { readZip, writeZip } from '../../src/interchange/zip';
import { createCpuKernels } from '../../src/kernels';
import { createTagger, generateCorpus, saveModel, train } from '../../src/labeling';
import type { Model, TrainOptions } from '../../src/labeling';
import { BpttError, DataError, UnsupportedError } from '../../src/tensor';

const library = createRequire(__filename)('jsfive') as Hdf5Library;
const corpus = generateCorpus({ sentences: 12 });
const trained = async (options: TrainOptions): Promise<Model> =>
  (await train(createCpuKernels(), { train: corpus }, { epochs: 1, hidden: 3, embedding: 4, seed: 7, ...options }))
    .model;

type Json = Record<string, unknown>;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** The archive with its parts changed. */
function changed(bytes: Uint8Array, change: (files: Record<string, Uint8Array>) => void): Uint8Array {
  const files = Object.fromEntries(readZip(bytes));
  change(files);
  return writeZip(files);
}

/** The archive with another architecture. */
const rebuilt = (bytes: Uint8Array, change: (layers: { class_name: string; config: Json }[], config: Json) => void) =>
  changed(bytes, (files) => {
    const config = JSON.parse(text(files['config.json'])) as {
      config: { layers: { class_name: string; config: Json }[] };
    };
    change(config.config.layers, config as unknown as Json);
    files['config.json'] = bytesOf(config);
  });

/** An attribute as it lies in a file: its type, its dataspace and its value. */
interface Attribute {
  readonly name: string;
  readonly type: readonly number[];
  readonly space: readonly number[];
  readonly value: Uint8Array;
}

const SCALAR = [1, 0, 0, 0, 0, 0, 0, 0];
const list = (n: number) => [1, 1, 0, 0, 0, 0, 0, 0, ...new Uint8Array(BigUint64Array.of(BigInt(n)).buffer)];

/** A file of `writeHdf5` whose root has attributes, in messages of version 1 or 3: another header of the root at the end. */
function withAttributes(bytes: Uint8Array, version: 1 | 3, attributes: readonly Attribute[]): Uint8Array {
  const u16 = (n: number) => [n & 255, n >> 8];
  const filled = (part: readonly number[]) => [...part, ...Array<number>(7 & -part.length).fill(0)];
  const aligned = version === 1 ? filled : (part: readonly number[]) => part;
  const messages = attributes.map(({ name, type, space, value }) => {
    const own = [...new TextEncoder().encode(name), 0];
    const sizes = [own, type, space].flatMap(({ length }) => u16(length));
    const parts = [own, type, space].flatMap(aligned);
    return [0x0c, filled([version, 0, ...sizes, ...(version === 3 ? [0] : []), ...parts, ...value])] as const;
  });
  const symbols = [0x11, [...bytes.subarray(80, 96)]] as const;
  const all = [symbols, ...messages].flatMap(([type, body]) => [
    ...u16(type),
    ...u16(body.length),
    0,
    0,
    0,
    0,
    ...body,
  ]);
  const header = [1, 0, ...u16(1 + messages.length), 1, 0, 0, 0, ...u16(all.length), 0, 0, 0, 0, 0, 0];
  const whole = Uint8Array.of(...bytes, ...header, ...all);
  new DataView(whole.buffer).setBigUint64(64, BigInt(bytes.length), true);
  return whole;
}

const CASES: Record<string, TrainOptions> = {
  'lstm, both directions, two layers': { bidirectional: true, layers: 2 },
  'lstm, one direction, dense': { bidirectional: false, dense: 5 },
  'gru, layers of different sizes': { cell: 'gru', bidirectional: true, hidden: 5, layers: 2 },
  'gru-reset-before': { cell: 'gru-reset-before', bidirectional: true },
  rnn: { cell: 'rnn', bidirectional: false, layers: 3 },
  'rnn-relu, signatures, lower case': { cell: 'rnn-relu', bidirectional: true, lowerCase: true },
};

describe.each(Object.entries(CASES))('%s', (_, options) => {
  let model: Model;
  beforeAll(async () => {
    model = await trained(options);
  });

  test('comes back byte for byte', async () => {
    const bytes = exportKeras(model);
    expect(exportKeras(model)).toEqual(bytes);
    const { model: back, leftOut } = await importKeras(bytes, { library });
    expect(saveModel(back)).toEqual(saveModel(model));
    expect(leftOut).toEqual([]);
  });

  test('comes back with names alone, where there is no dense layer between, and labels the same', async () => {
    const own = readZip(exportKeras(model));
    own.delete('bptt.json');
    const bytes = writeZip(Object.fromEntries(own));
    const vocabulary = model.readers[0].toJSON() as { words: string[]; signatures: string[] | null };
    const words = ['<unk>', ...vocabulary.words, ...(vocabulary.signatures ?? []).map((each) => `sig ${each}`)];
    const names = { words, labels: model.labels.labels };
    if (options.dense)
      return expect(importKeras(bytes, { library, names })).rejects.toThrow('a dense layer before the output');
    const { model: back } = await importKeras(bytes, { library, names });
    const known = vocabulary.words.map((word) => [word, vocabulary.words[0]]);
    expect(createTagger(back).tag(known)).toEqual(createTagger(model).tag(known));
  });
});

describe('a model of somebody else', () => {
  let bytes: Uint8Array;
  let names: NonNullable<KerasImportOptions['names']>;
  const read = (file: Uint8Array) => importKeras(file, { library, names });
  beforeAll(async () => {
    const model = await trained({ bidirectional: true, signatures: false });
    bytes = changed(exportKeras(model), (files) => delete files['bptt.json']);
    const { words } = model.readers[0].toJSON() as { words: string[] };
    names = { words: ['<unk>', ...words], labels: model.labels.labels };
  });

  test('layers that act in training alone are left out, and named', async () => {
    const more = rebuilt(bytes, (layers) =>
      layers.splice(2, 0, { class_name: 'Dropout', config: { name: 'drop', rate: 0.3 } }),
    );
    expect((await read(more)).leftOut).toEqual(['drop']);
    expect(saveModel((await read(more)).model)).toEqual(saveModel((await read(bytes)).model));
  });

  test('linear scores, a softmax behind, and a dense layer for each step are the same head', async () => {
    const plain = saveModel((await read(bytes)).model);
    const linear = rebuilt(bytes, (layers) => void (layers[3].config.activation = 'linear'));
    const behind = rebuilt(
      linear,
      (layers) => void layers.push({ class_name: 'Activation', config: { activation: 'softmax' } }),
    );
    const softmax = rebuilt(linear, (layers) => void layers.push({ class_name: 'Softmax', config: { axis: -1 } }));
    for (const file of [linear, behind, softmax]) expect(saveModel((await read(file)).model)).toEqual(plain);
    const other = rebuilt(linear, (layers) => void layers.push({ class_name: 'Softmax', config: { axis: 1 } }));
    await expect(read(other)).rejects.toThrow('(Softmax): it has no counterpart here');
  });

  test('a functional model is read where its layers are in a row', async () => {
    const wire = (layers: Json[], config: Json, skip: boolean) => {
      config.class_name = 'Functional';
      layers.forEach((layer, i) => {
        layer.name = (layer.config as Json).name;
        const from = (layers[Math.max(0, skip && i === 3 ? 1 : i - 1)].config as Json).name;
        const tensor = { class_name: '__keras_tensor__', config: { keras_history: [from, 0, 0] } };
        layer.inbound_nodes = i === 0 ? [] : [{ args: [tensor], kwargs: {} }];
      });
    };
    const functional = rebuilt(bytes, (layers, config) => wire(layers, config, false));
    expect(saveModel((await read(functional)).model)).toEqual(saveModel((await read(bytes)).model));
    await expect(read(rebuilt(bytes, (layers, config) => wire(layers, config, true)))).rejects.toThrow(
      /layer "dense_0" reads "words"; expected "both_0"/,
    );
  });

  /** As Keras 3.15 writes `Embedding(mask_zero=True)` in a functional model: an operation that makes a mask, and layers that take it. */
  const masked = (mask: { of: string; not: number }) =>
    rebuilt(bytes, (layers, config) => {
      config.class_name = 'Functional';
      layers[1].config.mask_zero = true;
      const name = (i: number) => layers[i].config.name as string;
      const tensor = (from: string) => ({ class_name: '__keras_tensor__', config: { keras_history: [from, 0, 0] } });
      const wired = layers.map((layer, i) => {
        const kwargs = i > 1 ? { mask: tensor('not_equal') } : {};
        return { ...layer, name: name(i), inbound_nodes: i === 0 ? [] : [{ args: [tensor(name(i - 1))], kwargs }] };
      });
      const node = { args: [tensor(mask.of), mask.not], kwargs: {} };
      const own = { name: 'not_equal', class_name: 'NotEqual', config: { name: 'not_equal' }, inbound_nodes: [node] };
      layers.splice(0, layers.length, ...wired.slice(0, 2), own, ...wired.slice(2));
    });

  test('the mask of an embedding changes nothing where id 0 fills sentences up, and is refused where it is the unknown word', async () => {
    const filled = { library, names: { ...names, words: ['<pad>', ...names.words.slice(1)], unknown: names.words[1] } };
    const file = masked({ of: 'ids', not: 0 });
    const plain = saveModel((await importKeras(bytes, filled)).model);
    expect(saveModel((await importKeras(file, filled)).model)).toEqual(plain);
    const refused = read(file);
    await expect(refused).rejects.toBeInstanceOf(UnsupportedError);
    await expect(refused).rejects.toThrow('Keras skips words with id 0, and "<unk>" is both that and the unknown word');
    const sequential = rebuilt(bytes, (layers) => void (layers[1].config.mask_zero = true));
    await expect(read(sequential)).rejects.toThrow('Keras skips words with id 0');
  });

  test.each([
    { of: 'ids', not: 1 },
    { of: 'words', not: 0 },
  ])('another mask, %j, is refused', async (mask) => {
    await expect(read(masked(mask))).rejects.toThrow('only a plain sequence of layers can be imported');
  });

  test('of several spellings of the unknown word the first that is there is taken, else the first word', async () => {
    const weightOf = async (words: readonly string[], unknown?: string) =>
      saveModel((await importKeras(bytes, { library, names: { ...names, words, ...(unknown && { unknown }) } })).model);
    const [first, second, ...more] = names.words;
    expect(first).toBe('<unk>');
    const keras = ['<mask>', '[UNK]', ...more];
    expect(await weightOf(keras)).toEqual(await weightOf(keras, '[UNK]'));
    expect(await weightOf(['x', second, ...more])).toEqual(await weightOf(['x', second, ...more], 'x'));
  });

  test.each<[string, (layers: { class_name: string; config: Json }[], config: Json) => void]>([
    ['expected an Embedding first; got Dense', (layers) => layers.splice(1, 2)],
    [
      'layer "conv" (Conv1D): it has no counterpart here',
      (layers) => layers.splice(3, 0, { class_name: 'Conv1D', config: { name: 'conv' } }),
    ],
    ['expected an LSTM, GRU or SimpleRNN after the embedding; got Dense "dense_0"', (layers) => layers.splice(2, 1)],
    ['expected an LSTM, GRU or SimpleRNN after the embedding; got none', (layers) => layers.splice(2, 2)],
    ['expected a Dense layer with the scores of labels at the end; got none', (layers) => layers.splice(3, 1)],
    ['merge_mode must be concat; got sum', (layers) => void (layers[2].config.merge_mode = 'sum')],
    ['return_sequences must be true; got false', (layers) => void (inner(layers).return_sequences = false)],
    ['go_backwards must be false; got true', (layers) => void (inner(layers).go_backwards = true)],
    ['stateful must be false; got true', (layers) => void (inner(layers).stateful = true)],
    [
      'no cell of bptt has activation "tanh", recurrent_activation "hard_sigmoid"',
      (layers) => void (inner(layers).recurrent_activation = 'hard_sigmoid'),
    ],
    ['has the activation "relu"; expected softmax or linear', (layers) => void (layers[3].config.activation = 'relu')],
    ['the class "Custom" does not list its layers', (_, config) => void (config.class_name = 'Custom')],
  ])('is refused: %s', async (message, change) => {
    const refused = read(rebuilt(bytes, change));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UnsupportedError);
  });

  const inner = (layers: { config: Json }[]) => (layers[2].config.layer as { config: Json }).config;

  test.each<[string, (files: Record<string, Uint8Array>) => void]>([
    ['the archive has no config.json', (files) => delete files['config.json']],
    ['the archive has no model.weights.h5', (files) => delete files['model.weights.h5']],
    ['its configuration', (files) => void (files['config.json'] = bytesOf([1]))],
    [
      'layer "both_0" has 0 weights; expected 3',
      (files) =>
        void (files['model.weights.h5'] = writeHdf5({
          layers: { embedding: { vars: { 0: { shape: [1, 1], values: Float32Array.of(1) } } } },
        })),
    ],
    [
      'HDF5: the file cannot be read',
      (files) => void (files['model.weights.h5'] = files['model.weights.h5'].slice(0, 90)),
    ],
  ])('is damaged: %s', async (message, change) => {
    const refused = read(changed(bytes, change));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(DataError);
  });

  test('a Buffer is read like any other array of bytes', async () => {
    const { model } = await read(Buffer.concat([Buffer.from('x'), bytes]).subarray(1));
    expect(saveModel(model)).toEqual(saveModel((await read(bytes)).model));
  });

  test('needs names, and an export needs none', async () => {
    await expect(importKeras(bytes, { library })).rejects.toThrow('does not hold words and labels: pass names');
    const own = exportKeras(await trained({}));
    await expect(importKeras(own, { library, names })).rejects.toThrow(
      'the file has its words and labels: leave names out',
    );
    await expect(importKeras(bytes, { wings: 1 } as never)).rejects.toThrow('wings');
    await expect(importKeras('x' as never)).rejects.toThrow(
      'bytes must be a Uint8Array or an ArrayBuffer; got the string "x"',
    );
    await expect(importKeras(Uint8Array.of(1, 2, 3), { library })).rejects.toThrow(
      'expected a .keras archive or an HDF5 file',
    );
  });

  test('any spoiled byte of the weights ends in one clear error, or in a model', async () => {
    const weights = readZip(bytes).get('model.weights.h5')!;
    const law = fc.asyncProperty(fc.nat(weights.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
      const spoiled = weights.slice();
      spoiled[at] = byte;
      try {
        await read(changed(bytes, (files) => void (files['model.weights.h5'] = spoiled)));
      } catch (error) {
        expect(error).toBeInstanceOf(BpttError);
        expect((error as Error).message.length).toBeLessThan(400);
      }
    });
    await fc.assert(law, { seed: 16, numRuns: 150 });
  });

  test('every version of a structure that jsfive does not know ends in one clear error, or in a model', async () => {
    const weights = readZip(bytes).get('model.weights.h5')!;
    const places = [...weights.keys()].filter((at) => weights[at] === 1 && at % 3 === 0).slice(0, 250);
    expect(places.length).toBeGreaterThan(50);
    for (const at of places) {
      const spoiled = weights.slice();
      spoiled[at] = 9;
      const error: unknown = await read(changed(bytes, (files) => void (files['model.weights.h5'] = spoiled))).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(BpttError);
    }
  });
});

test.each<[string, TrainOptions]>([
  ['a CRF', { head: 'crf' }],
  ['the encoder affixes', { encoders: ['words', 'affixes'] }],
  ['a sentence head', { task: 'classify' }],
  ['a model with several heads', { task: 'slots-intent' }],
  ['a sum of layers (--residual)', { residual: true, layers: 2 }],
  ['a network with zoneout', { zoneout: 0.1 }],
  ['Keras has no layer for the cell lstm:peepholes', { cell: 'lstm:peepholes' }],
])('an export refuses %s', async (what, options) => {
  const sentences = corpus.map((each) => ({ ...each, category: each.tokens.length > 5 ? 'long' : 'short' }));
  const { model } = await train(
    createCpuKernels(),
    { train: sentences },
    { epochs: 1, hidden: 3, embedding: 4, ...options },
  );
  expect(() => exportKeras(model)).toThrow(what);
});

describe('HDF5', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 9 })
    .filter((each) => !/[/\0\p{Surrogate}]/u.test(each) && each !== '.' && each !== '__proto__');
  const dataset = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }).map((shape) => ({
    shape,
    values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 3),
  }));

  test('jsfive reads what is written: groups, shapes and numbers', () => {
    const law = fc.property(
      fc.dictionary(name, fc.dictionary(name, dataset, { maxKeys: 5 }), { maxKeys: 12 }),
      (tree) => {
        const file = openHdf5(library, writeHdf5(tree));
        expect([...file.members('')].sort()).toEqual(Object.keys(tree).sort());
        for (const [group, members] of Object.entries(tree)) {
          for (const [own, { shape, values }] of Object.entries(members)) {
            if (values.length > 0) expect(file.dataset(`${group}/${own}`)).toEqual({ shape, values });
          }
        }
      },
    );
    const lineBreak = { shape: [1], values: Float32Array.of(2) };
    fc.assert(law, { seed: 5, numRuns: 60, examples: [[{ '\u0001': { '\n': lineBreak, 'a\nb': lineBreak } }]] });
  });

  describe('attributes', () => {
    let written: jest.SpyInstance[];
    beforeEach(() => {
      const silent = (name: 'log' | 'warn' | 'error' | 'info') => jest.spyOn(console, name).mockImplementation();
      written = (['log', 'warn', 'error', 'info'] as const).map(silent);
    });
    afterEach(() => jest.restoreAllMocks());
    const spoken = () => written.flatMap((each) => each.mock.calls);

    const plain = writeHdf5({ a: { shape: [1], values: Float32Array.of(1) } });
    const attributes: Attribute[] = [
      { name: 'text', type: [0x13, 0, 0, 0, 5, 0, 0, 0], space: SCALAR, value: bytesOf('abc') },
      { name: 'compound', type: [0x16, 0, 0, 0, 8, 0, 0, 0], space: SCALAR, value: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0) }, // prettier-ignore
      { name: 'list', type: [0x13, 0, 0, 0, 2, 0, 0, 0], space: list(3), value: bytesOf('b c ') },
      { name: 'bits', type: [0x14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0], space: SCALAR, value: Uint8Array.of(1) },
      { name: 'number', type: [0x10, 8, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0], space: SCALAR, value: Uint8Array.of(3, 1) },
    ];

    test.each([1, 3] as const)(
      'of version %i are read one by one, in silence, whatever types the others have',
      (version) => {
        const file = openHdf5(library, withAttributes(plain, version, attributes));
        const read = (name: string) => file.attribute('', name);
        expect([read('text'), read('list'), read('number')]).toEqual(['"abc"', ['"b', ' c', ' "'], 259]);
        expect([read('compound'), read('bits'), read('absent'), file.attribute('b', 'text')]).toEqual(Array(4).fill(undefined)); // prettier-ignore
        expect(spoken()).toEqual([]);
      },
    );

    test('jsfive itself speaks on the console of a type that it does not know', () => {
      const { buffer } = withAttributes(plain, 1, attributes);
      const root = new library.File(buffer as ArrayBuffer, 'weights') as { attrs: Record<string, unknown> };
      expect(root.attrs.compound).toBeNull();
      expect(spoken()).not.toEqual([]);
    });

    test('that are damaged end in one clear error, in silence: the others are read', () => {
      const huge = [{ ...attributes[0], name: 'huge', space: list(2 ** 31) }, attributes[2]];
      const file = openHdf5(library, withAttributes(plain, 1, huge));
      const claims = 'the attribute "huge" of "" cannot be read (it claims more than the file can hold)';
      expect(() => file.attribute('', 'huge')).toThrow(claims);
      expect(file.attribute('', 'list')).toHaveLength(3);
      const whole = withAttributes(plain, 3, attributes);
      const change = fc.tuple(fc.integer({ min: plain.length, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 })); // prettier-ignore
      const law = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          const spoiled = openHdf5(library, bytes);
          for (const { name } of attributes) spoiled.attribute('', name);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
          expect((error as Error).message).not.toContain('\n');
        }
        expect(spoken()).toEqual([]);
      });
      fc.assert(law, { seed: 8, numRuns: 400 });
    });

    test('a link that leads nowhere, or to itself, is no dataset', () => {
      const bytes = plain.slice();
      const entry = Buffer.from(bytes.buffer).indexOf('SNOD') + 8;
      const view = new DataView(bytes.buffer);
      view.setUint32(entry + 16, 2, true); // a symbolic link, its target among the names: "a", its own one
      view.setUint32(entry + 24, Number(view.getBigUint64(entry, true)), true);
      const file = openHdf5(library, bytes);
      expect(file.members('')).toEqual(['a']);
      expect(() => file.dataset('a')).toThrow('HDF5: it has no dataset "a"');
    });
  });

  test('a member that jsfive loses, because it is named as the prototype of an object, is missed by its name', () => {
    const file = openHdf5(library, writeHdf5({ ['__proto__']: { shape: [1], values: Float32Array.of(1) } }));
    expect(file.members('')).toEqual([]);
    expect(() => file.dataset('__proto__')).toThrow('HDF5: it has no dataset "__proto__"');
  });

  test('refuses what does not fit', () => {
    const one = { shape: [1], values: Float32Array.of(1) };
    expect(() => writeHdf5({ 'a/b': one })).toThrow('a name must have characters, and no slash; got "a/b"');
    expect(() => writeHdf5({ a: { shape: [2, 2], values: Float32Array.of(1) } })).toThrow('a has 1 values; expected 4');
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [String(i), one]));
    expect(() => writeHdf5(many)).toThrow('a group holds 65 members; at most 64 fit');
    expect(() => openHdf5(library, writeHdf5({ a: one })).dataset('b')).toThrow('it has no dataset "b"');
  });
});
