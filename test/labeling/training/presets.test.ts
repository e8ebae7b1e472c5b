/** What the size of the data decides, what a preset sets, and that whatever is given wins. */
import { createCpuKernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { TRAIN_DEFAULTS } from '../../../src/labeling/training/options.js';
import type { Decided } from '../../../src/labeling/training/presets.js';
import { decideOptions, PRESETS } from '../../../src/labeling/training/presets.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError } from '../../../src/tensor/errors.js';

const kernels = createCpuKernels();
const sentences = (count: number, tokens = 10): Sentence[] =>
  Array.from({ length: count }, () => ({ tokens: new Array<string>(tokens).fill('a') }));
const decided = (options: TrainOptions, count: number, tokens?: number) =>
  decideOptions(options, sentences(count, tokens)).decided?.options;

describe('by size', () => {
  test.each([
    [1, 100, 8, 0.01],
    [80, 100, 8, 0.01],
    [300, 53, 8, 0.01],
    [999, 20, 8, 0.01],
    [1000, 32, 16, 0.005],
    [2000, 20, 16, 0.005],
    [4999, 20, 16, 0.005],
    [5000, 20, 32, 0.003],
    [12544, 20, 32, 0.003],
  ])('%i sentences: %i epochs, batches of %i, rate %d', (count, epochs, batch, lr) => {
    expect(decided({}, count)).toEqual({ epochs, batch, lr });
  });

  test.each<TrainOptions>([{ epochs: 3 }, { batch: 4 }, { lr: 0.1 }])('decides nothing where %j is given', (given) => {
    expect(decideOptions(given, sentences(300))).toEqual({ options: given, decided: null });
  });

  test('the rate of SGD is its own; an option that is undefined is not given', () => {
    expect(decided({ optimizer: 'sgd', lr: undefined }, 300)).toEqual({ epochs: 53, batch: 8 });
  });

  test('a training does, says and returns what was decided; told the same, it gives the same bytes', async () => {
    const corpus = generateCorpus({ sentences: 40, seed: 3 });
    const heard: Decided[] = [];
    const small = { embedding: 3, hidden: 2, patience: 1 };
    const bySize = await train(kernels, { train: corpus, dev: corpus }, small, {
      onDecided: (each) => heard.push(each),
    });
    const tokens = corpus.reduce((sum, s) => sum + s.tokens.length, 0);
    expect(heard).toEqual([{ sentences: 40, tokens, options: { epochs: 100, batch: 8, lr: 0.01 } }]);
    expect(bySize.decided).toEqual(heard[0]);
    const told = await train(kernels, { train: corpus, dev: corpus }, { ...small, ...heard[0].options });
    expect(told.decided).toBeNull();
    expect(saveModel(told.model)).toEqual(saveModel(bySize.model));
  });
});

describe('presets', () => {
  test.each(PRESETS)('%s is smaller on small data, and its updates are enough', (preset) => {
    const [small, medium, large] = [
      decided({ preset }, 1000, 20)!,
      decided({ preset }, 2000, 20)!,
      decided({ preset }, 10000, 20)!,
    ];
    expect([small.batch, medium.batch, large.batch]).toEqual([16, 16, 32]);
    expect([small.epochs, large.epochs]).toEqual([20, 12]);
    expect(large).toMatchObject({
      lr: 0.003,
      beta2: 0.99,
      ema: 0.999,
      clip: 1,
      patience: 8,
      schedule: 'hold:0.6,0.005',
    });
    if (preset === 'sentiment')
      expect(large).toMatchObject({ task: 'classify', encoders: ['words', 'affixes'], layers: 1 });
    else {
      expect(large).toMatchObject({ task: 'tag', encoders: ['words', 'affixes', 'characters'], characterSize: 128 });
      expect(small.encoders).toEqual(preset === 'ner' ? ['affixes', 'characters'] : large.encoders);
      expect([small.affixRows, medium.affixRows, large.affixRows]).toEqual(['all', 'all', 20_000]);
      expect(large).toMatchObject({ prefixes: 6, suffixes: 6 });
      expect([small.layers, medium.layers, large.layers]).toEqual([1, 1, 2]);
      expect([small.dropout, medium.dropout, large.dropout]).toEqual([0.33, 0.5, 0.5]);
    }
  });

  test('bounds: 1,000 and 5,000 sentences, 30,000 and 100,000 tokens; 2,000 updates, in 12 to 20 epochs', () => {
    const at = (count: number, tokens = 1) => {
      const { batch, dropout, layers, epochs } = decided({ preset: 'pos' }, count, tokens)!;
      return [batch, dropout, layers, epochs];
    };
    expect(at(792)).toEqual([8, 0.33, 1, 20]); // 99 updates an epoch: 20.2 epochs
    expect(at(999)).toEqual([8, 0.33, 1, 16]); // 125
    expect(at(1000)).toEqual([16, 0.33, 1, 20]); // 63
    expect(at(1601)).toEqual([16, 0.33, 1, 20]); // 101, so 19.8 epochs
    expect(at(2000)).toEqual([16, 0.33, 1, 16]); // 125
    expect(at(4999)).toEqual([16, 0.33, 1, 12]);
    expect(at(5000)).toEqual([32, 0.33, 1, 13]); // 157
    expect(at(2999, 10)).toEqual([16, 0.33, 1, 12]);
    expect(at(3000, 10)).toEqual([16, 0.5, 1, 12]);
    expect(at(9999, 10)).toEqual([32, 0.5, 1, 12]);
    expect(at(10_000, 10)).toEqual([32, 0.5, 2, 12]);
  });

  test('pos smooths its labels; ner learns IOBES by a CRF; slots are learned by a CRF as they are written', () => {
    expect(decided({ preset: 'pos' }, 9)).toMatchObject({ labelSmoothing: 0.03 });
    expect(decided({ preset: 'ner' }, 9)).toMatchObject({ head: 'crf', scheme: 'IOBES' });
    expect(decided({ preset: 'slots' }, 9)).toMatchObject({ head: 'crf' });
    expect(decided({ preset: 'slots' }, 9)).not.toHaveProperty('scheme');
    expect(decided({ preset: 'ner' }, 9)).not.toHaveProperty('labelSmoothing');
  });

  test('pos learns small sets adversarially, and no other preset does', () => {
    expect(decided({ preset: 'pos' }, 2999)).toHaveProperty('adversarial', 0.07);
    expect(decided({ preset: 'pos' }, 3000)).not.toHaveProperty('adversarial');
    expect(decided({ preset: 'pos', adversarial: 0 }, 9)).not.toHaveProperty('adversarial');
    for (const preset of ['ner', 'slots', 'sentiment'] as const)
      expect(decided({ preset }, 9)).not.toHaveProperty('adversarial');
  });

  test('ner hides rare affixes, as long as there are affixes', () => {
    const hidden = { affixMinCount: 2, affixDropout: 0.3 };
    expect(decided({ preset: 'ner' }, 2000)).toMatchObject(hidden);
    for (const options of [{ preset: 'ner', encoders: ['words'] }, { preset: 'pos' }, { preset: 'slots' }] as const)
      for (const name of Object.keys(hidden)) expect(decided(options, 2000)).not.toHaveProperty(name);
    expect(decided({ preset: 'ner', affixMinCount: 1 }, 2000)).not.toHaveProperty('affixDropout');
    expect(decided({ preset: 'ner', affixMinCount: 3 }, 2000)).toHaveProperty('affixDropout', 0.3);
  });

  test('what is given wins, and takes along what goes with nothing else', () => {
    const { options, decided: set } = decideOptions({ preset: 'pos', epochs: 3, hidden: 7, head: 'crf' }, sentences(9));
    expect(options).toMatchObject({ epochs: 3, hidden: 7, head: 'crf', batch: 8 });
    for (const name of ['epochs', 'hidden', 'head', 'labelSmoothing']) expect(set!.options).not.toHaveProperty(name);
    expect(options).not.toHaveProperty('preset');
    expect(decided({ preset: 'ner', head: 'softmax' }, 9)).not.toHaveProperty('scheme');
    expect(decided({ preset: 'pos', vectors: {} as never }, 9)!.encoders).toEqual([
      'words',
      'affixes',
      'characters',
      'vectors',
    ]);
    expect(decided({ preset: 'pos', columns: ['a', 'b'], head: { b: 'crf' } }, 9)).not.toHaveProperty('labelSmoothing');
    expect(decided({ preset: 'pos', columns: ['a', 'b'], head: { b: 'softmax' } }, 9)).toHaveProperty('labelSmoothing');
    expect(decided({ preset: 'ner', heads: [] }, 9)).not.toHaveProperty('head');
    for (const given of [{ preset: 'sentiment' }, { preset: 'pos', encoders: ['words'] }] as const)
      expect(Object.keys(decided(given, 9)!).filter((name) => name.startsWith('character'))).toEqual([]);
    expect(Object.keys(decided({ preset: 'pos', encoders: ['words'] }, 9)!)).not.toContain('prefixes');
    const bySpelling = Object.keys(decided({ preset: 'pos', encoders: ['affixes'] }, 9)!);
    expect(bySpelling.filter((name) => /^(embedding|wordDropout|character.*)$/.test(name))).toEqual([]);
    expect(bySpelling).toEqual(expect.arrayContaining(['affixRows', 'prefixes', 'suffixes']));
    expect(decided({ preset: 'ner' }, 9)).not.toHaveProperty('embedding');
    for (const given of [{ embedding: 5 }, { lowerCase: true }])
      expect(decided({ preset: 'ner', ...given }, 9)!.encoders).toEqual(['words', 'affixes', 'characters']);
    expect(decided({ preset: 'sentiment', vectors: {} as never }, 9)!.encoders).toEqual([
      'words',
      'affixes',
      'vectors',
    ]);
    expect(decided({ preset: 'pos', heads: [] }, 9)).not.toHaveProperty('labelSmoothing');
    expect(decided({ preset: 'ner', decode: 'free' }, 9)).not.toHaveProperty('scheme');
    expect(decided({ preset: 'ner', decode: 'free', head: 'crf' }, 9)).toMatchObject({ scheme: 'IOBES' });
    expect(decided({ preset: 'ner', decode: 'constrained' }, 9)).toMatchObject({ scheme: 'IOBES' });
    const own = decideOptions({ preset: 'ner', decode: 'free', scheme: 'BILOU' }, sentences(9));
    expect([own.options.scheme, own.decided!.options.scheme]).toEqual(['BILOU', undefined]);
    const sgd = decided({ preset: 'pos', optimizer: 'sgd' }, 9);
    expect(sgd).not.toHaveProperty('beta2');
    expect(sgd).not.toHaveProperty('lr');
  });

  test('every option that a preset sets is an option of a training, and passes its checks', async () => {
    const corpus = generateCorpus({ sentences: 12, seed: 3 }).map((s) => ({
      ...s,
      category: s.labels!.includes('PRON') ? 'action' : 'clause',
    }));
    const spans = corpus.map((s) => ({ ...s, labels: s.labels!.map((label) => (label === 'NOUN' ? 'B-N' : 'O')) }));
    for (const preset of PRESETS) {
      const data = preset === 'ner' || preset === 'slots' ? spans : corpus;
      const tiny = {
        epochs: 1,
        hidden: 2,
        characterSize: 2,
        characterEmbedding: 2,
        embedding: 2,
        affixSize: 2,
        affixRows: 9,
      };
      const { decided: set, model } = await train(kernels, { train: data }, { preset, ...tiny });
      expect(set).toMatchObject({ preset, sentences: 12 });
      expect(model.config.heads[0].kind).toBe(
        { pos: 'softmax', ner: 'crf', slots: 'crf', sentiment: 'sentence' }[preset],
      );
      expect(model.labels.labels.some((label) => label.startsWith('S-'))).toBe(preset === 'ner');
    }
  });

  test.each<[TrainOptions, RegExp]>([
    [{ preset: 'names' as never }, /preset must be one of 'pos', 'ner', 'slots', 'sentiment'; got 'names'/],
    [{ preset: 'sentiment', task: 'tag' }, /the preset sentiment is for the task classify; got the task tag/],
    [{ preset: 'pos', task: 'classify' }, /leave one of the two out/],
  ])('%j is refused', async (options, message) => {
    const outcome = train(kernels, { train: generateCorpus({ sentences: 4 }) }, options);
    await expect(outcome).rejects.toThrow(ArgumentError);
    await expect(outcome).rejects.toThrow(message);
  });
});

test('what is decided for much data is what a training does that is told nothing of it', () => {
  const { epochs, batch } = TRAIN_DEFAULTS;
  expect(decided({}, 20000)).toEqual({ epochs, batch, lr: 0.003 });
});
