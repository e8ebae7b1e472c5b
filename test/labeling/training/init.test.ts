/** Trainings that go on from a model: what stays, what grows, what is refused; and parts that are frozen. */
import { flatten } from '../../../src/autograd/index.js';
import { cellNamed } from '../../../src/cells/index.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Grown, Model, Sentence, TrainOptions, WordVectors } from '../../../src/labeling/index.js';
import { ensembleOf, evaluate, loadModel, predict, saveModel, train } from '../../../src/labeling/index.js';
import { trainSeeds } from '../../../src/labeling/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { ArgumentError, createRng, DataError } from '../../../src/tensor/index.js';
import { threads } from '../../support/threads.js';

const kernels = createCpuKernels();

const CITIES = ['Oslo', 'rome', 'new york'];
const NEW_CITIES = ['paris', 'Cañon', 'las vegas'];

/** Requests: a verb says the intent, a preposition the slot; every token has a part of speech and a size too. */
function corpusOf(count: number, seed: number, cities = CITIES, types = ['from', 'to'], verbs = ['fly', 'book']) {
  const rng = createRng(seed);
  return Array.from({ length: count }, (_, line): Sentence => {
    const verb = verbs[rng.integer(verbs.length)];
    const words: [string, string, string][] = [[verb, 'VERB', 'O']];
    for (let part = 1 + rng.integer(2); part > 0; part--) {
      const type = types[rng.integer(types.length)];
      words.push([type, 'ADP', 'O']);
      const name = cities[rng.integer(cities.length)].split(' ');
      name.forEach((word, i) => words.push([word, 'PROPN', `${i === 0 ? 'B' : 'I'}-${type}`]));
    }
    const [tokens, pos, labels] = [0, 1, 2].map((c) => words.map((word) => word[c]));
    return { tokens, labels, columns: { ner: labels, pos }, category: verb, line: line + 1 };
  });
}

/** Once each, so that they share signatures. */
const RARE = ['Lisboa', 'Lagos', 'Lima', 'Lviv'];
const old = [...corpusOf(30, 1), ...RARE.flatMap((city, i) => corpusOf(1, 40 + i, [city], ['to']).slice(0, 1))];
const fresh = corpusOf(24, 2, [...CITIES, ...NEW_CITIES], ['from', 'via'], ['fly', 'walk']);
const vectorsOf = (words: readonly string[], seed: number): WordVectors => {
  const rng = createRng(seed);
  return { words, size: 3, values: Float32Array.from({ length: 3 * words.length }, () => rng.next() - 0.5) };
};
const someVectors = vectorsOf(['rome', 'fly', 'from', 'oslo'], 5);

const tiny: TrainOptions = {
  embedding: 4,
  hidden: 3,
  epochs: 2,
  batch: 8,
  dropout: 0.1,
  minCount: 1,
  lr: 0.02,
  seed: 3,
};
const characters = { characterEmbedding: 2, characterSize: 6 } as const;

/** Models of all kinds of heads, encoders and bodies. */
const MODELS: readonly (readonly [name: string, options: TrainOptions])[] = [
  ['softmax over words with signatures', { ...tiny, minCount: 2 }],
  ['softmax over words alone', { ...tiny, signatures: false, lowerCase: true, bidirectional: false, cell: 'gru' }],
  ['a constrained CRF', { ...tiny, head: 'crf' }],
  ['a CRF in another scheme', { ...tiny, head: 'crf', scheme: 'IOBES' }],
  ['a constrained softmax in another scheme', { ...tiny, scheme: 'BILOU', decode: 'constrained' }],
  [
    'two columns, three encoders',
    {
      ...tiny,
      ...characters,
      columns: ['ner', 'pos'],
      head: { ner: 'crf' },
      encoders: ['words', 'affixes', 'characters'],
      affixSize: 5,
      affixRows: 30,
    },
  ],
  ['exact rows of affixes', { ...tiny, encoders: ['affixes'], embedding: undefined, affixSize: 5, affixRows: 'all' }],
  [
    'slots and intent, convolved characters, two layers',
    {
      ...tiny,
      ...characters,
      task: 'slots-intent',
      encoders: ['characters', 'words'],
      characters: 'cnn',
      layers: 2,
      residual: true,
      dense: 5,
    },
  ],
  [
    'classes, attention',
    { ...tiny, task: 'classify', pooling: 'attention', cell: 'lstm:peepholes', zoneout: { h: 0.1 } },
  ],
  ['frozen vectors', { ...tiny, encoders: ['vectors', 'words'], vectors: someVectors, vectorsSize: 5 }],
  ['tuned vectors', { ...tiny, embedding: undefined, encoders: ['vectors'], vectors: someVectors, vectorsSize: 5, vectorsMode: 'tuned', dropoutKind: 'variational', recurrentDropout: 0.2 }], // prettier-ignore
];

const trained = async (sentences: readonly Sentence[], options: TrainOptions, hooks = {}): Promise<Model> =>
  (await train(kernels, { train: sentences }, options, hooks)).model;
const tensorsOf = ({ params }: Pick<Model, 'params'>): Record<string, Tensor> => flatten(params);

/** Elements in row-major order. */
function elements({ data, shape, stride, offset }: Tensor): number[] {
  const walk = (axis: number, at: number): number[] =>
    axis === shape.length ? [data[at]] : Array.from({ length: shape[axis] }, (_, i) => walk(axis + 1, at + i * stride[axis])).flat(); // prettier-ignore
  return walk(0, offset);
}

/** The part of a tensor that another shape covers, from its first row and column. */
function corner(tensor: Tensor, shape: readonly number[]): number[] {
  return elements({ ...tensor, shape: [...shape] });
}

describe.each(MODELS)('%s', (_, options) => {
  let base: Model;
  let bytes: Uint8Array;
  beforeAll(async () => {
    base = await trained(old, options);
    bytes = saveModel(base);
  });
  const onward: TrainOptions = { epochs: 1, batch: 8, lr: 0, seed: 8 };

  test('on the same data with rate 0 it stays as it is, to the byte', async () => {
    const grown: Grown[] = [];
    const again = await trained(old, { ...onward, init: base }, { onGrown: (each: Grown) => grown.push(each) });
    expect(saveModel(again)).toEqual(bytes);
    expect(grown).toEqual([{ encoders: {}, labels: {} }]);
    expect(saveModel(await trained(old, { ...onward, init: loadModel(bytes, base.own) }))).toEqual(bytes);
    expect(saveModel(await trained(old, { ...onward, ...options, epochs: 1, lr: 0, init: base }))).toEqual(bytes); // options that repeat it
  });

  test('with rate 0 it grows around what it has', async () => {
    let grown: Grown | undefined;
    const next = await trained(fresh, { ...onward, init: base }, { onGrown: (each: Grown) => (grown = each) });
    const [before, after] = [tensorsOf(base), tensorsOf(next)];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, tensor] of Object.entries(before)) expect(corner(after[name], tensor.shape)).toEqual(elements(tensor)); // prettier-ignore
    expect(saveModel(base)).toEqual(bytes); // the first model is as it was
    expect(saveModel(loadModel(saveModel(next), next.own))).toEqual(saveModel(next));
    next.heads.forEach(({ labels }, h) => {
      const own = base.heads[h].labels.labels;
      expect(labels.labels.slice(0, own.length)).toEqual(own);
      const name = next.config.heads[h].name;
      expect(labels.labels.slice(own.length)).toEqual(grown!.labels[name] ?? []);
    });
    expect(Object.keys(grown!.labels).length).toBeGreaterThan(0);
    next.readers.forEach((reader, e) => {
      const { kind } = next.config.encoders[e];
      const sizes = [next, base].map(({ config }) => Number(config.encoders[e].size ?? 0));
      expect(sizes[0] - sizes[1]).toBe(grown!.encoders[kind]?.length ?? 0);
      if (!base.readers[e].vocabulary) return;
      for (const word of base.words.words) expect(reader.vocabulary!.lookup(word)).toBe(base.words.lookup(word));
      for (const { tokens } of old) expect(reader.read(tokens)).toEqual(base.readers[e].read(tokens));
    });
    const drawn = (seed: number) => trained(fresh, { ...onward, seed, init: base }).then(saveModel);
    expect(await drawn(8)).toEqual(saveModel(next));
    expect(await drawn(9)).not.toEqual(saveModel(next));
  });

  test('learns what is new', async () => {
    const { model } = await train(kernels, { train: fresh }, { epochs: 25, batch: 4, lr: 0.02, init: base });
    const [before, after] = [base, model].map((each) => evaluate(kernels, each, fresh));
    expect(after.accuracy).toBeGreaterThan(before.accuracy);
    const said = predict(kernels, model, fresh.map(({ tokens }) => tokens)); // prettier-ignore
    const labels = said.flatMap(({ labels: own, category }) => [...own, category]);
    expect(labels).toContain(options.task === 'classify' ? 'walk' : 'B-via');
    expect(saveModel(base)).toEqual(bytes);
  });
});

describe('what grows', () => {
  test('words behind the signatures, rarer ones than the model asks for not; and what it is called', async () => {
    const base = await trained(old, { ...tiny, minCount: 2, encoders: ['words', 'characters'], ...characters });
    const { size, signatures } = base.words;
    expect(signatures!.length).toBeGreaterThan(0);
    const sentence = (text: string): Sentence => ({ tokens: text.split(' '), labels: text.split(' ').map(() => 'O') });
    const data = [sentence('ßorø ßorø fly once'), sentence('twice to twice from'), sentence('twice')];
    let grown: Grown | undefined;
    const next = await trained(data, { ...tiny, minCount: undefined, init: base }, { onGrown: (g: Grown) => (grown = g) }); // prettier-ignore
    expect(grown).toEqual({ encoders: { words: ['twice', 'ßorø'], characters: ['c', 'ß', 'ø'] }, labels: {} });
    expect([next.words.lookup('twice'), next.words.lookup('ßorø'), next.words.size]).toEqual([
      size,
      size + 1,
      size + 2,
    ]);
    expect(next.words.added).toEqual(['twice', 'ßorø']);
    expect(next.words.known('once')).toBe(true);
    expect(next.words.lookup('once')).toBe(base.words.lookup('once'));
    expect(base.words.known('once')).toBe(false);
    const once = await trained(data, { ...tiny, minCount: 1, init: next });
    expect(once.words.lookup('once')).toBe(size + 2); // no longer rare
    expect(loadModel(saveModel(once)).words.toJSON()).toEqual(once.words.toJSON());
    expect(once.words.toJSON().rare).not.toContain('once');
  });

  test('words of a vocabulary without signatures lie behind its words', async () => {
    const base = await trained(old, { ...tiny, signatures: false });
    const next = await trained(fresh, { ...tiny, init: base });
    expect(next.words.added).toEqual([]);
    expect(next.words.words.slice(0, base.words.size)).toEqual(base.words.words);
    expect(next.words.lookup('paris')).toBeGreaterThanOrEqual(base.words.size);
  });

  test('vectors of words that the table lacks, with the numbers of their file', async () => {
    const base = await trained(old, { ...tiny, encoders: ['vectors'], vectors: someVectors });
    const more = vectorsOf(['paris', 'oslo', 'walk'], 6);
    const next = await trained(fresh, { epochs: 1, init: base, vectors: more });
    const table = tensorsOf(next)['encoders.vectors.table'];
    expect(table.shape).toEqual([7, 3]);
    expect(elements(table).slice(0, 15)).toEqual(elements(tensorsOf(base)['encoders.vectors.table']));
    expect(elements(table).slice(15)).toEqual([...more.values.slice(0, 3), ...more.values.slice(6)]);
    expect(next.readers[0].knows!('walk')).toBe(true);
    const wide = { words: ['walk'], size: 4, values: new Float32Array(4) };
    await expect(trained(fresh, { init: base, vectors: wide })).rejects.toThrow(
      'train: vectors must have 3 components, as those of init do; got 4',
    );
  });

  test('a constraint over old and new labels is that of the scheme', async () => {
    const base = await trained(old, { ...tiny, head: 'crf', scheme: 'IOBES' });
    const { model } = await train(kernels, { train: fresh }, { epochs: 20, batch: 4, lr: 0.02, init: base });
    const inside = model.labels.labels;
    expect(inside).toContain('S-via');
    for (const { labels } of predict(
      kernels,
      model,
      fresh.map(({ tokens }) => tokens),
    )) {
      // prettier-ignore
      labels.forEach((label, t) => {
        if (label.startsWith('I-')) expect(['B', 'I'].map((p) => p + label.slice(1))).toContain(labels[t - 1]);
      });
    }
  });

  test('class weights balance the labels that occur', async () => {
    const base = await trained(old, tiny);
    const next = await trained(fresh, { ...tiny, init: base, classWeights: 'balanced' });
    for (const tensor of Object.values(tensorsOf(next))) expect(elements(tensor).every(Number.isFinite)).toBe(true);
  });

  test('what the file held beside the model, and how its data was read, stay', async () => {
    const foreign = { tensors: { x: { dtype: 'U8', shape: [2], bytes: Uint8Array.of(4, 5) } }, metadata: { by: 'me' } };
    const base = { ...(await trained(old, tiny)), foreign, input: { format: 'conll' as const } };
    const next = await trained(old, { ...tiny, lr: 0, init: base });
    expect(next.foreign).toEqual(foreign);
    expect(next.input).toEqual({ format: 'conll' });
    expect(saveModel(next)).toEqual(saveModel(base));
  });
});

describe('what decides', () => {
  let base: Model;
  beforeAll(
    async () => void (base = await trained(old, { ...tiny, encoders: ['words', 'characters'], ...characters })),
  );

  test.each<[TrainOptions, RegExp]>([
    [{ hidden: 7 }, /hidden must be that of init, 3; got 7: leave it out \(--hidden\), or train without init/],
    [{ layers: 2 }, /layers must be that of init, 1; got 2/],
    [{ cell: 'gru' }, /cell must be that of init, lstm; got gru/],
    [{ cell: cellNamed('rnn') }, /cell must be that of init, lstm; got rnn/],
    [
      { bidirectional: false },
      /bidirectional must be that of init, true; got false: leave it out \(--no-bidirectional\)/,
    ],
    [{ embedding: 9 }, /embedding must be that of init, 4; got 9/],
    [{ encoders: ['words'] }, /encoders must be that of init, \["words","characters"\]; got \["words"\]/],
    [{ signatures: false }, /signatures must be that of init, true; got false: leave it out \(--no-signatures\)/],
    [{ lowerCase: true }, /lowerCase must be that of init, false/],
    [{ characters: 'cnn' }, /characters must be that of init, lstm/],
    [{ characterSize: 8 }, /characterSize must be that of init, 6; got 8: leave it out \(--character-size\)/],
    [{ characterWindow: 3 }, /characterWindow does not apply to init.*\(--character-window\)/],
    [{ affixSize: 3 }, /affixSize does not apply to init/],
    [{ vectorsMode: 'tuned' }, /vectorsMode does not apply to init/],
    [{ task: 'classify' }, /task must be that of init, tag/],
    [{ head: 'crf' }, /head must be that of init, softmax/],
    [{ columns: ['ner'] }, /columns does not apply to init/],
    [{ scheme: 'IOBES' }, /scheme does not apply to init/],
    [{ decode: 'constrained' }, /decode must be that of init, free/],
    [{ pooling: 'mean' }, /pooling does not apply to init/],
    [{ zoneout: 0.1 }, /zoneout must be that of init, 0; got 0.1/],
    [{ residual: true }, /residual must be that of init, false/],
    [{ dense: 4 }, /dense must be that of init, 0/],
    [{ vectors: someVectors }, /vectors have no effect without the encoder vectors/],
  ])('a setting of another architecture is refused by its name: %j', async (options, message) => {
    const other = train(kernels, { train: old }, { init: base, epochs: 1, ...options });
    await expect(other).rejects.toThrow(ArgumentError);
    await expect(train(kernels, { train: old }, { init: base, epochs: 1, ...options })).rejects.toThrow(message);
  });

  test('dropout and the settings of updates are free', async () => {
    const next = await trained(old, { init: base, epochs: 1, dropout: 0.4, optimizer: 'sgd', ema: 0.9, clip: 1 });
    expect(next.config.body).toEqual({ ...base.config.body, dropout: 0.4 });
    expect((await trained(old, { init: base, epochs: 1 })).config).toEqual(base.config);
  });

  test('a preset says how to train, and not what', async () => {
    const decided: unknown[] = [];
    const hooks = { onDecided: (each: { options: object }) => decided.push(Object.keys(each.options).sort()) };
    await trained(old, { init: base, preset: 'pos', epochs: 1 }, hooks);
    expect(decided).toEqual([
      ['adversarial', 'batch', 'beta2', 'clip', 'dropout', 'ema', 'labelSmoothing', 'lr', 'optimizer', 'patience', 'schedule', 'wordDropout'], // prettier-ignore
    ]);
    await expect(trained(old, { init: base, preset: 'sentiment' })).rejects.toThrow(
      'train: the preset sentiment is for the task classify; got the task tag',
    );
  });

  test('an ensemble is refused, with what to pass', async () => {
    const both = ensembleOf([base, await trained(old, { ...tiny, encoders: ['words', 'characters'], ...characters, seed: 4 })]); // prettier-ignore
    await expect(trained(old, { init: both })).rejects.toThrow(/init must be a single model; got an ensemble: pass one of its members, memberOf\(model, 0\)/); // prettier-ignore
    await expect(trained(old, { init: {} as Model })).rejects.toThrow(/init must be a model/);
  });

  test('labels of another scheme are refused; labels that fit several are not', async () => {
    const crf = await trained(old, { ...tiny, head: 'crf' });
    const written = (labels: string[]): Sentence[] => [{ tokens: labels.map((_, i) => `w${i}`), labels, line: 1 }];
    await expect(trained(written(['B-to', 'E-to', 'S-to']), { init: crf })).rejects.toThrow(DataError);
    await expect(trained(written(['B-to', 'E-to', 'S-to']), { init: crf })).rejects.toThrow(
      /its labels are IOBES \(.*\), and the model has IOB2: convert them with bptt convert/,
    );
    const next = await trained(written(['O', 'B-to', 'O']), { init: crf, epochs: 1 });
    expect(next.labels.labels).toEqual(crf.labels.labels);
  });

  test('several seeds go on from the same model', async () => {
    const told: unknown[] = [];
    const hooks = { onGrown: (each: Grown) => told.push(each) };
    const { runs } = await trainSeeds(kernels, { train: fresh, dev: old }, { init: base, epochs: 1 }, 2, hooks);
    expect(runs.length).toBe(2);
    expect(told.length).toBe(1);
  });
});

describe('frozen parts', () => {
  const options: TrainOptions = {
    ...{ ...tiny, ...characters, task: 'slots-intent', encoders: ['words', 'characters'], layers: 2, dense: 5 },
    ...{ epochs: 2, batch: 7, ema: 0.9, optimizer: 'adamw', weightDecay: 0.1 },
  };
  let base: Model;
  beforeAll(async () => void (base = await trained(old, options)));

  test.each<[string[], number]>([
    [['encoders'], 1],
    [['encoders.words'], 1],
    [['encoders.characters', 'layers.0'], 2],
    [['layers'], 1],
    [['layers.1.forward.Wx', 'heads.slots.W'], 1],
    [['heads.slots'], 2],
    [['dense', 'heads.intent'], 1],
    [['encoders', 'layers', 'dense'], 2],
  ])('%j stay bit for bit, and all others move; %i threads', async (freeze, count) => {
    const { model } = await train(kernels, { train: old, dev: fresh.slice(0, 4) }, {
      ...{ init: base, freeze, epochs: 2, batch: 7, lr: 0.02, seed: 5, ema: 0.9, optimizer: 'adamw', weightDecay: 0.1 },
      ...(count > 1 && { threads: threads(count) }),
    }); // prettier-ignore
    const [before, after] = [tensorsOf(base), tensorsOf(model)];
    for (const name of Object.keys(before)) {
      const frozen = freeze.some((part) => name === part || name.startsWith(`${part}.`));
      expect([name, elements(after[name]).every((x, i) => Object.is(x, elements(before[name])[i]))]).toEqual([name, frozen]); // prettier-ignore
    }
  });

  test('what is not frozen takes the step that it takes without', async () => {
    const step: TrainOptions = { init: base, epochs: 1, batch: 99, optimizer: 'sgd', lr: 0.1, clip: Infinity, seed: 5 };
    const whole = tensorsOf(await trained(old, step));
    for (const freeze of [['encoders.words'], ['layers.0', 'heads.intent']]) {
      const part = tensorsOf(await trained(old, { ...step, freeze }));
      for (const [name, tensor] of Object.entries(part)) {
        const frozen = freeze.some((each) => name.startsWith(`${each}.`));
        expect([name, elements(tensor)]).toEqual([name, elements(frozen ? tensorsOf(base)[name] : whole[name])]);
      }
    }
  });

  test('parts of a new model too', async () => {
    const of = (freeze: string[], lr: number) => trained(old, { ...options, lr, freeze }).then(tensorsOf);
    const [frozen, first] = [await of(['layers'], 0.02), await of([], 0)];
    const same = (name: string) => elements(frozen[name]).join() === elements(first[name]).join();
    expect(Object.keys(frozen).filter(same)).toEqual(Object.keys(frozen).filter((name) => name.startsWith('layers.')));
  });

  test('an encoder that is frozen does not grow, and a head that would have to is refused', async () => {
    let grown: Grown | undefined;
    const hooks = { onGrown: (each: Grown) => (grown = each) };
    const model = await trained(fresh, { init: base, epochs: 1, freeze: ['encoders.words'] }, hooks);
    expect(Object.keys(grown!.encoders)).toEqual(['characters']);
    expect(model.words.toJSON()).toEqual(base.words.toJSON());
    for (const part of ['heads', 'heads.slots', 'heads.slots.b'])
      await expect(trained(fresh, { init: base, freeze: [part] })).rejects.toThrow(`names ${part}, and the head slots would have to learn`); // prettier-ignore
    await expect(trained(fresh, { init: base, freeze: ['heads.slots'] })).rejects.toThrow(
      /2 new labels: "B-via", "I-via"; leave heads.slots out, or those labels/,
    );
  });

  test('a name that no parameter has is refused, with the parts there are; so is the whole model', async () => {
    await expect(trained(old, { init: base, freeze: ['layers.2'] })).rejects.toThrow(
      'train: freeze (--freeze) names "layers.2", which the model lacks; it has encoders, encoders.words, encoders.characters, layers, layers.0, layers.1, dense, heads, heads.slots, heads.intent',
    );
    await expect(trained(old, { init: base, freeze: ['layer'] })).rejects.toThrow(ArgumentError);
    const all = ['encoders', 'layers', 'dense', 'heads'];
    await expect(trained(old, { init: base, freeze: all })).rejects.toThrow(/must leave something to learn/);
    await expect(trained(old, { init: base, freeze: 'layers' as never })).rejects.toThrow(
      /freeze \(--freeze\) must be/,
    );
  });
});
