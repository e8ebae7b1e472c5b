/** Checkpoints: a training that goes on from one ends in the bytes of one that was never interrupted. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index.js';
import type { Kernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { loadModel, saveModel } from '../../../src/labeling/model/file.js';
import { readCheckpoint } from '../../../src/labeling/training/checkpoint.js';
import { trainEnsemble } from '../../../src/labeling/training/ensemble.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { TrainHooks, TrainPlace, TrainResult } from '../../../src/labeling/training/record.js';
import type { Corpora } from '../../../src/labeling/training/run.js';
import { trainSeeds } from '../../../src/labeling/training/seeds.js';
import { train } from '../../../src/labeling/training/train.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/serialize/safetensors.js';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { zeros } from '../../../src/tensor/index.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { threads } from '../../support/threads.js';

fc.configureGlobal({ seed: 23, numRuns: 60 });

const cpu = createCpuKernels();
const nothing = (): void => undefined;
const corpus = generateCorpus({ sentences: 60, seed: 12, maxPhrases: 1 });
const corpora: Corpora = { train: corpus.slice(0, 43), dev: corpus.slice(43, 55), test: corpus.slice(55) };
const small: TrainOptions = { embedding: 7, hidden: 5, epochs: 3, lr: 0.02, dropout: 0.3, batch: 8, wordDropout: 0.2 };
const UPDATES = 18; // 3 epochs of 6

interface Taken {
  readonly bytes: Uint8Array;
  readonly place: TrainPlace;
}

/** A training to its end, and a checkpoint after every update. */
async function whole(options: TrainOptions, own: Corpora = corpora, kernels: Kernels = cpu) {
  const taken: Taken[] = [];
  const hooks: TrainHooks = {
    onCheckpoint: (bytes, place) => void taken.push({ bytes, place }),
    checkpointEvery: { updates: 1 },
  };
  const result = await train(kernels, own, options, hooks);
  return { taken, result };
}

/** What does not depend on the clock. */
function timeless({ model, history, seconds: _s, tokensPerSecond: _t, ...rest }: TrainResult) {
  const records = history.map(({ seconds: _, tokensPerSecond: __, ...record }) => record);
  return { ...rest, bytes: Buffer.from(saveModel(model)).toString('base64'), history: records };
}

describe('from any update on: the model, the history and the scores of a training that was never interrupted', () => {
  const variants: Record<string, readonly [options: TrainOptions, corpora?: Corpora]> = {
    'LSTM, lazy Adam': [{}],
    'GRU, two layers, zoneout and recurrent dropout': [
      { cell: 'gru', layers: 2, zoneout: 0.1, recurrentDropout: 0.2, dropoutKind: 'variational' },
    ],
    'RNN, SGD with momentum, truncated': [{ cell: 'rnn', optimizer: 'sgd', lr: 0.1, truncate: { every: 2, back: 3 } }],
    'AdamW, an average, a cosine': [{ optimizer: 'adamw', ema: 0.9, schedule: 'cosine:all,3' }],
    'SGD, an average, plateau': [{ optimizer: 'sgd', ema: 0.7, schedule: 'plateau:0.5,0' }],
    'plateau and patience, a rate that is too large': [{ schedule: 'plateau:0.3,0', lr: 0.6, patience: 1 }],
    'CRF, affixes and characters': [
      {
        head: 'crf',
        encoders: ['affixes', 'characters'],
        affixSize: 4,
        affixRows: 40,
        characterSize: 6,
        characterEmbedding: 3,
      },
    ],
    'without a development set': [{ ema: 0.8 }, { train: corpora.train }],
    'a class for each sentence': [
      { task: 'classify', pooling: 'attention' },
      { train: corpora.train.map((s) => ({ ...s, category: s.tokens.length > 5 ? 'long' : 'short' })) },
    ],
  };

  test.each(Object.entries(variants))('%s', async (_name, [more, own = corpora]) => {
    const options = { ...small, ...more };
    const { taken, result } = await whole(options, own);
    const expected = timeless(result);
    const { updates } = taken[taken.length - 1].place;
    const some = fc.sample(fc.integer({ min: 0, max: updates }), { seed: 7, numRuns: 3 });
    for (const at of new Set([0, 5, ...some])) {
      const resumed = await train(cpu, own, { ...options, resume: taken[at].bytes });
      expect(timeless(resumed)).toEqual(expected);
    }
  });

  test('on two threads, of its two', async () => {
    const options = { ...small, ema: 0.9, threads: threads(2) };
    const { taken, result } = await whole(options);
    for (const at of [0, 7, UPDATES]) {
      expect(timeless(await train(cpu, corpora, { ...options, resume: taken[at].bytes }))).toEqual(timeless(result));
    }
  });

  test('of a model that goes on, parts of it frozen; another model is refused', async () => {
    const begun = { ...small, epochs: 1, encoders: ['words', 'affixes'] as const, affixSize: 3, affixRows: 30 };
    const models = [1, 2].map((seed) => train(cpu, { train: corpora.train.slice(0, 20) }, { ...begun, seed }));
    const [init, other] = (await Promise.all(models)).map(({ model }) => model);
    const options: TrainOptions = {
      epochs: 3,
      lr: 0.02,
      batch: 8,
      init,
      freeze: ['encoders.affixes', 'layers.0.forward'],
    };
    const { taken, result } = await whole(options);
    for (const at of [0, 9]) {
      expect(timeless(await train(cpu, corpora, { ...options, resume: taken[at].bytes }))).toEqual(timeless(result));
    }
    const resume = taken[3].bytes;
    await expect(train(cpu, corpora, { ...options, init: other, resume })).rejects.toThrow(
      'another run: initial model differs: use',
    );
    await expect(train(cpu, corpora, { ...options, freeze: ['encoders.affixes'], resume })).rejects.toThrow(
      'another run: freeze was ["encoders.affixes","layers.0.forward"] and is ["encoders.affixes"]',
    );
  });

  test('in WebAssembly', async () => {
    const wasm = await createWasmKernels();
    const { taken, result } = await whole(small, corpora, wasm);
    expect(timeless(await train(wasm, corpora, { ...small, resume: taken[8].bytes }))).toEqual(timeless(result));
    wasm.dispose();
  });

  test('interrupted again and again: after every update', async () => {
    const { result } = await whole(small);
    const places: string[] = [];
    let resume: Uint8Array | undefined;
    for (let runs = 0; runs < UPDATES; runs++) {
      const stop = new AbortController();
      const hooks: TrainHooks = {
        signal: stop.signal,
        onProgress: () => stop.abort(),
        onCheckpoint: (bytes) => void (resume = bytes),
        onResume: ({ epoch, batch, batches, updates }) => void places.push(`${epoch}: ${batch}/${batches} ${updates}`),
      };
      const { interrupted } = await train(cpu, corpora, { ...small, resume }, hooks);
      expect(interrupted).toBe(true);
    }
    expect(places.slice(0, 7)).toEqual([
      '1: 1/6 1',
      '1: 2/6 2',
      '1: 3/6 3',
      '1: 4/6 4',
      '1: 5/6 5',
      '1: 6/6 6',
      '2: 1/6 7',
    ]);
    expect(timeless(await train(cpu, corpora, { ...small, resume }))).toEqual(timeless(result));
  });

  test('of a training that is finished: nothing is trained, and the result is that of the end', async () => {
    const { taken, result } = await whole(small);
    const last = taken[taken.length - 1];
    expect(last.place).toEqual({ epoch: 3, batch: 6, batches: 6, updates: UPDATES, between: true, finished: true });
    const onProgress = jest.fn();
    const onResume = jest.fn();
    const again = await train(cpu, corpora, { ...small, resume: last.bytes }, { onProgress, onResume });
    expect(timeless(again)).toEqual(timeless(result));
    expect(onProgress).not.toHaveBeenCalled();
    expect(onResume).toHaveBeenCalledWith({ ...last.place, history: result.history });
  });
});

describe('when one is due', () => {
  const placesOf = async (checkpointEvery: TrainHooks['checkpointEvery'], more: TrainHooks = {}) => {
    const updates: number[] = [];
    const onCheckpoint = (_bytes: Uint8Array, place: TrainPlace): void => void updates.push(place.updates);
    await train(
      cpu,
      corpora,
      { ...small, epochs: 2 },
      { onCheckpoint, ...(checkpointEvery && { checkpointEvery }), ...more },
    );
    return updates;
  };

  test('after so many updates, and at the end; by time; by default every five minutes', async () => {
    expect(await placesOf({ updates: 5 })).toEqual([5, 10, 12]);
    expect(await placesOf({ seconds: 1e-9 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12]);
    expect(await placesOf({ seconds: 3600 })).toEqual([12]);
    expect(await placesOf(undefined)).toEqual([12]);
  });

  test('a resumed training counts from where it goes on', async () => {
    const { taken } = await whole({ ...small, epochs: 2 });
    const updates: number[] = [];
    const hooks: TrainHooks = {
      onCheckpoint: (_, place) => void updates.push(place.updates),
      checkpointEvery: { updates: 4 },
    };
    await train(cpu, corpora, { ...small, epochs: 2, resume: taken[2].bytes }, hooks);
    expect(updates).toEqual([7, 11, 12]);
  });

  test('taking them changes no bit, and the training waits for them', async () => {
    const alone = await train(cpu, corpora, { ...small, ema: 0.9 });
    expect(timeless((await whole({ ...small, ema: 0.9 })).result)).toEqual(timeless(alone));
    const order: string[] = [];
    const onCheckpoint = async (): Promise<void> => {
      order.push('begin');
      await new Promise(setImmediate);
      order.push('end');
    };
    await train(
      cpu,
      corpora,
      { ...small, epochs: 1 },
      { onCheckpoint, checkpointEvery: { updates: 3 }, onProgress: () => void order.push('update') },
    );
    const update = ['update', 'update', 'update', 'begin', 'end'];
    expect(order).toEqual([...update, ...update, 'begin', 'end']);
  });

  test('what the hook throws ends the training, and what was learned is rescued', async () => {
    const full = new Error('the disk is full');
    const onRescue = jest.fn<void, [TrainResult, unknown]>();
    const hooks: TrainHooks = { onRescue, checkpointEvery: { updates: 8 }, onCheckpoint: () => Promise.reject(full) };
    await expect(train(cpu, corpora, small, hooks)).rejects.toBe(full);
    expect(onRescue.mock.calls.map(([{ bestEpoch }, error]) => [bestEpoch, error])).toEqual([[1, full]]);
  });

  test.each([
    [{ checkpointEvery: { updates: 3 } }, 'has no effect without hooks.onCheckpoint'],
    [{ checkpointEvery: { updates: 0 }, onCheckpoint: nothing }, 'must be { updates: n }, an integer of at least 1'],
    [{ checkpointEvery: { seconds: 1, updates: 1 }, onCheckpoint: nothing }, 'must be { updates: n }'],
    [{ checkpointEvery: { seconds: Infinity }, onCheckpoint: nothing }, 'above 0; got'],
    [{ checkpointEvery: { minutes: 1 }, onCheckpoint: nothing }, 'minutes'],
    [{ onCheckpoint: 5 }, 'onCheckpoint must be a function'],
  ])('%j is refused', async (hooks, message) => {
    await expect(train(cpu, corpora, small, hooks as TrainHooks)).rejects.toThrow(ArgumentError);
    await expect(train(cpu, corpora, small, hooks as TrainHooks)).rejects.toThrow(message);
  });

  test('several seeds and ensembles have none', async () => {
    const { taken } = await whole({ ...small, epochs: 1 });
    const { bytes } = taken[0];
    const refused = (name: string) => `${name} applies to a single run, and this is several`;
    await expect(trainSeeds(cpu, corpora, { ...small, resume: bytes }, 2)).rejects.toThrow(refused('options.resume'));
    await expect(trainEnsemble(cpu, corpora, small, 2, { onCheckpoint: nothing })).rejects.toThrow(
      refused('hooks.onCheckpoint'),
    );
  });
});

describe('what differs is refused, by name', () => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = (await whole({ ...small, epochs: 1, ema: 0.9 })).taken[2].bytes;
  });
  const own: TrainOptions = { ...small, epochs: 1, ema: 0.9 };
  const refusal = async (options: TrainOptions, data: Corpora = corpora, kernels: Kernels = cpu) => {
    const error: unknown = await train(kernels, data, { ...options, resume: bytes }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ArgumentError);
    return (error as Error).message;
  };
  const relabeled = corpora.train.map((s, i) => (i === 40 ? { ...s, labels: [...s.labels!].reverse() } : s));

  test.each<readonly [change: TrainOptions, message: string]>([
    [{ lr: 0.01 }, 'lr was 0.02 and is 0.01'],
    [{ seed: 2 }, 'seed was 1 and is 2'],
    [{ epochs: 2 }, 'epochs was 1 and is 2'],
    [{ ema: 0.8 }, 'ema was 0.9 and is 0.8'],
    [{ patience: Infinity }, 'patience was 5 and is "Infinity"'],
    [{ optimizer: 'sgd', lr: 0.02 }, 'optimizer was "adam" and is "sgd"'],
    [{ cell: 'gru', hidden: 6 }, 'another run: cell was "lstm" and is "gru"; hidden was 5 and is 6: use'],
    [{ encoders: ['words', 'affixes'] }, 'encoders was ["words"] and is ["words","affixes"]'],
    [{ head: 'crf' }, 'head was "softmax" and is "crf"'],
    [{ threads: threads(2) }, 'threads was 1 and is 2'],
    [{ truncate: { every: 2, back: 2 } }, 'truncate was not set and is {"back":2,"every":2}'],
  ])('%j', async (change, message) => {
    expect(await refusal({ ...own, ...change })).toContain(message);
  });

  test('data, backend', async () => {
    expect(await refusal(own, { ...corpora, train: relabeled })).toMatch(/another run: training data differs: use/);
    expect(await refusal(own, { ...corpora, train: [...corpora.train].reverse() })).toContain('training data differs');
    expect(await refusal(own, { ...corpora, dev: corpora.test })).toContain('development data differs');
    expect(await refusal(own, { train: corpora.train })).toContain('development data differs');
    const wasm = await createWasmKernels();
    expect(await refusal(own, corpora, wasm)).toContain('backend was cpu and is wasm-simd');
    wasm.dispose();
  });

  test('what changes no number may differ: test data, strict labels, where sentences stood', async () => {
    const moved = corpora.train.map((s, line) => ({ ...s, line }));
    const resumed = train(
      cpu,
      { ...corpora, train: moved, test: undefined },
      { ...own, strictLabels: true, resume: bytes },
    );
    await expect(resumed).resolves.toMatchObject({ epochs: 1 });
  });

  test('frozen vectors: other numbers', async () => {
    const words = [...new Set(corpora.train.flatMap(({ tokens }) => tokens))].slice(0, 5);
    const vectors = (scale: number) => ({
      size: 2,
      words,
      values: Float32Array.from(words.flatMap((_, i) => [scale * i, 1])),
    });
    const options = (scale: number): TrainOptions => ({
      ...own,
      encoders: ['vectors'],
      vectors: vectors(scale),
    });
    bytes = (await whole(options(1))).taken[2].bytes;
    expect(await refusal(options(2))).toMatch(/another run: .*frozen parameters differ: use/);
  });
});

describe('a file that is not whole', () => {
  const tiny: TrainOptions = {
    embedding: 2,
    hidden: 1,
    epochs: 2,
    lr: 0.02,
    batch: 16,
    ema: 0.9,
    bidirectional: false,
    schedule: 'plateau:0.5,1',
  };
  const few: Corpora = { train: corpora.train.slice(0, 20), dev: corpora.dev };
  let bytes: Uint8Array;
  beforeAll(async () => {
    bytes = (await whole(tiny, few)).taken[2].bytes; // in the second epoch
  });

  test('every prefix of a checkpoint is refused as damaged data', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => readCheckpoint(bytes.subarray(0, length))).toThrow(DataError);
    const buffer = Buffer.from(bytes);
    expect(() => [readCheckpoint(buffer), readCheckpoint(buffer)]).not.toThrow(); // a Buffer, which is left as it was
    expect(buffer.equals(bytes)).toBe(true);
  });

  test('one bit changed anywhere, or a byte added', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const spoiled = bytes.slice();
        spoiled[at] ^= 1 << bit;
        expect(() => readCheckpoint(spoiled)).toThrow(DataError);
      }),
      { numRuns: 300 },
    );
    expect(() => readCheckpoint(Uint8Array.from([...bytes, 0]))).toThrow(DataError);
  });

  /** The file with other contents and their digest: written by this test, not by what is tested. */
  function forged(
    change: (parts: { tensors: Record<string, Tensor>; metadata: Record<string, string>; state: never }) => void,
  ): Uint8Array {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const state = JSON.parse(metadata.state) as never;
    change({ tensors, metadata, state });
    const blank = '0'.repeat(64);
    const file = Buffer.from(encodeSafetensors(tensors, { ...metadata, state: JSON.stringify(state), digest: blank }));
    file.write(createHash('sha256').update(file).digest('hex'), file.indexOf(`"digest":"${blank}`) + 10);
    return file;
  }
  const resumed = (file: Uint8Array) => train(cpu, few, { ...tiny, resume: file });

  test('a forged file that says the same is read: the digest is SHA-256 of the file with zeros in its place', async () => {
    await expect(resumed(forged(() => undefined))).resolves.toMatchObject({ epochs: 2 });
  });

  type State = Record<string, Record<string, unknown> & Record<string, never>[]>;
  test.each<readonly [what: string, change: (state: State) => void]>([
    ['its state.begun is', (s) => void (s.begun = -1 as never)],
    ['the number of its epochs is impossible', (s) => void (s.begun = 9 as never)],
    ['the number of its updates is impossible', (s) => void (s.clock.updates = 2)],
    ['the number of its updates is impossible', (s) => void (s.steps = 4 as never)],
    ['the number of its average is impossible', (s) => void (s.average.updates = 1)],
    ['its state.average.logs is null', (s) => void (s.average.logs = null)],
    ['its average of the weights is missing', (s) => void (s.average = null as never)],
    ['the number of its best epoch is impossible', (s) => void (s.best = null as never)],
    ['the number of its best epoch is impossible', (s) => void (s.best = 2 as never)],
    ['a state must hold factor', (s) => void (s.schedule = {} as never)],
    ['its state.schedule.factor is "x"', (s) => void (s.schedule.factor = 'x')],
    ['its state.epoch.norm is', (s) => void delete s.epoch.norm],
    ['its state.epoch.heads is not a list', (s) => void (s.epoch.heads = {})],
    ['the number of its current epoch is impossible', (s) => void (s.epoch.heads = [])],
    ['its state.history is not a list', (s) => void (s.history = {} as never)],
    ['its state.history[0].epoch is 2', (s) => void (s.history[0].epoch = 2 as never)],
    ['its state.history[0].best is', (s) => void delete (s.history[0] as Record<string, unknown>).best],
    ['its state.history[0].loss is', (s) => void (s.history[0].loss = null as never)],
    [
      'its state.history[0].dev dev.accuracy is 2',
      (s) => void ((s.history[0].dev as Record<string, unknown>).accuracy = 2),
    ],
    [
      'dev.confusion is impossible',
      (s) => void ((s.history[0].dev as { confusion: { counts: number[] } }).confusion.counts = [99, 0, 1]),
    ],
  ])('%s', async (what, change) => {
    const error: unknown = await resumed(forged(({ state }) => change(state as State))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(
      /^checkpoint: the file is damaged or truncated: .*; resume from another one, or start over$/,
    );
    expect((error as Error).message).toContain(what);
  });

  test('tensors that are missing, unknown, of another shape or type, or not finite', async () => {
    const changes: ((tensors: Record<string, Tensor>) => void)[] = [
      (t) => void delete t['params.encoders.words.weight'],
      (t) => void delete t['optimizer.m.encoders.words.weight'],
      (t) => void delete t['average.settled.encoders.words.weight'],
      (t) => void delete t['best.encoders.words.weight'],
      (t) => void (t['best.more'] = zeros([1])),
      (t) => void (t['optimizer.more'] = zeros([1])),
      (t) => void (t['average.more'] = zeros([1])),
      (t) => void (t.more = zeros([1])),
      (t) => void (t['params.encoders.words.weight'] = zeros([1, 2])),
      (t) => void (t['params.encoders.words.weight'] = zeros(t['params.encoders.words.weight'].shape, 'float64')),
      (t) => void (t['optimizer.v.encoders.words.weight'].data[1] = NaN),
    ];
    for (const change of changes) {
      await expect(resumed(forged(({ tensors }) => change(tensors)))).rejects.toThrow(DataError);
    }
  });

  test('metadata: another format, a model, a newer version, no fingerprint', async () => {
    const meta = (change: (metadata: Record<string, string>) => void) =>
      resumed(forged(({ metadata }) => change(metadata)));
    await expect(meta((m) => void (m.format = 'mlx'))).rejects.toThrow(
      'expected a training checkpoint; got another safetensors file',
    );
    await expect(meta((m) => void (m.version = '2'))).rejects.toThrow('expected version 1 or older; got version 2');
    await expect(meta((m) => void (m.version = 'x'))).rejects.toThrow(DataError);
    await expect(meta((m) => void delete m.fingerprint)).rejects.toThrow('its fingerprint is not JSON');
    await expect(meta((m) => void (m.fingerprint = '{"lr":1}'))).rejects.toThrow('fingerprint.lr is not a text');
    const { model } = await train(cpu, few, tiny);
    await expect(resumed(saveModel(model))).rejects.toThrow('expected a training checkpoint; got a model: pass what');
    await expect(resumed('run.ckpt' as never)).rejects.toThrow(ArgumentError);
    expect(() => loadModel(bytes)).toThrow(DataError);
  });

  test('any field spoiled in any way: a DataError, or one that changes nothing but what is told', async () => {
    const pathsIn = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
      typeof value !== 'object' || value === null
        ? [path]
        : [path, ...Object.entries(value).flatMap(([name, each]) => pathsIn(each, [...path, name]))];
    const all = pathsIn(JSON.parse(decodeSafetensors(bytes).metadata.state)).filter(({ length }) => length > 0);
    const odd = fc.oneof(fc.constantFrom<unknown>(null, -1, 0.5, 1e300, '', 'x', true, [], {}, [null], { x: 1 }), fc.json().map((text) => JSON.parse(text) as unknown)); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...all), odd, async (path, value) => {
        const file = forged(({ state }) => {
          const holder = path.slice(0, -1).reduce((at: Record<string, never>, name) => at[name], state);
          holder[path[path.length - 1]] = value as never;
        });
        await resumed(file).catch((error: unknown) => expect(error).toBeInstanceOf(DataError));
      }),
      { numRuns: 80, examples: [[['history'], []]] },
    );
  });
});
