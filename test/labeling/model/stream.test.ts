/** Sentences in pieces against whole ones: to the bit, over random cuts, models and backends. */
import fc from 'fast-check';
import type { Kernels } from '../../../src/kernels/index.js';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index.js';
import type { Model, StreamUpdate, TagStream, TrainOptions } from '../../../src/labeling/index.js';
import { createTagger, ensembleOf, generateCorpus, headKinds, loadModel, predict, saveModel, train } from '../../../src/labeling/index.js'; // prettier-ignore
import { convertLabels } from '../../../src/labeling/index.js';

const cpu = createCpuKernels();
const tiny: TrainOptions = {
  embedding: 4,
  hidden: 5,
  epochs: 2,
  batch: 6,
  lr: 0.05,
  minCount: 1,
  bidirectional: false,
};

/** Spans of one to three words; a category by length. */
const corpusOf = (sentences: number, seed: number) =>
  generateCorpus({ sentences, seed }).map(({ tokens }) => {
    const inside = tokens.map((word) => /^.?[aeo]/.test(word));
    const labels = inside.map((is, t) => (!is ? 'O' : inside[t - 1] ? 'I-X' : 'B-X'));
    const columns = { ner: labels, first: tokens.map((word) => word[0]) };
    return { tokens, labels, columns, category: tokens.length > 6 ? 'long' : 'short' };
  });
const corpora = { train: corpusOf(30, 1) };
const sentence = corpusOf(9, 3).flatMap(({ tokens }) => tokens); // one of many tokens
const words = [...new Set(sentence), 'unheard', 'of'];

const made = new Map<string, Promise<Model>>();
function modelOf(options: TrainOptions): Promise<Model> {
  const key = JSON.stringify(options);
  const model = made.get(key) ?? train(cpu, corpora, { ...tiny, ...options }).then((result) => result.model);
  made.set(key, model);
  return model;
}

/** What an application holds: updates put together as their documentation says. */
function follow(stream: TagStream, pieces: readonly (readonly string[])[]) {
  const labels: string[] = [];
  const probabilities: number[] = [];
  let settled: readonly string[] = [];
  let update: StreamUpdate = stream.push([]);
  const take = (next: StreamUpdate): void => {
    update = next;
    labels.splice(next.from, Infinity, ...next.labels);
    if (next.probabilities) probabilities.splice(next.from, Infinity, ...next.probabilities);
    expect(labels.slice(0, settled.length)).toEqual(settled); // what was settled stays
    expect(next.settled).toBeGreaterThanOrEqual(settled.length);
    settled = labels.slice(0, next.settled);
  };
  for (const piece of pieces) take(stream.push(piece));
  take(stream.end());
  return { labels, probabilities, update };
}

/** Tokens, cut anywhere; pieces may be empty. */
const cut = fc
  .tuple(fc.array(fc.constantFrom(...words), { maxLength: 25 }), fc.array(fc.nat(25), { maxLength: 8 }))
  .map(([tokens, places]) => {
    const at = [0, ...places.map((place) => Math.min(place, tokens.length)), tokens.length].sort((p, q) => p - q);
    return { tokens, pieces: at.slice(1).map((end, i) => tokens.slice(at[i], end)) };
  });

async function backends(): Promise<[string, Kernels][]> {
  const wasm = await createWasmKernels();
  wasm.reserve(2 ** 24); // without room a frame goes the slow way round, whose sums have other bits
  return [
    ['cpu', cpu],
    ['wasm', wasm],
  ];
}

const FORWARD: readonly (readonly [string, TrainOptions])[] = [
  ['lstm', { cell: 'lstm' }],
  ['gru, two layers', { cell: 'gru', layers: 2 }],
  ['rnn, two residual layers and a dense one', { cell: 'rnn', layers: 2, residual: true, dense: 3 }],
  ['gru-reset-before, characters and affixes', { cell: 'gru-reset-before', encoders: ['words', 'characters', 'affixes'], characterSize: 4, affixRows: 40 }], // prettier-ignore
  ['peephole lstm with a learned initial state', { cell: 'lstm:peepholes' }],
];

describe.each(FORWARD)('a forward-only model: %s', (_, options) => {
  test('every label is there with its token, and equals that of the whole to the bit', async () => {
    const model = await modelOf(options);
    for (const [, kernels] of await backends()) {
      const tagger = createTagger(loadModel(saveModel(model)), kernels);
      fc.assert(
        fc.property(cut, ({ tokens, pieces }) => {
          const [whole] = tagger.tag([tokens], { probabilities: true });
          const stream = tagger.open({ probabilities: true });
          let count = 0;
          for (const piece of pieces) {
            const { from, labels, settled, probabilities } = stream.push(piece);
            expect([from, labels, settled]).toEqual([count, whole.labels.slice(count, count + piece.length), count + piece.length]); // prettier-ignore
            expect(probabilities).toEqual(
              whole.probabilities?.slice(count, count + piece.length) ?? new Float64Array(0),
            );
            count += piece.length;
          }
          expect(stream.end()).toEqual({ from: count, labels: [], settled: count, probabilities: new Float64Array(0) });
        }),
        { seed: 5, numRuns: 25 },
      );
      tagger.dispose();
    }
  });
});

const CHAINS: readonly (readonly [string, TrainOptions])[] = [
  ['crf', { head: 'crf' }],
  ['constrained decoding', { decode: 'constrained' }],
  ['crf in another scheme', { head: 'crf', scheme: 'IOBES' }],
  ['constrained decoding in another scheme', { decode: 'constrained', scheme: 'BILOU' }],
];

describe.each(CHAINS)('labels that depend on each other: %s', (_, options) => {
  test.each([false, true])(
    'at the end they are those of the whole; what was settled stays; bidirectional %s',
    async (bidirectional) => {
      // prettier-ignore
      const model = await modelOf({ ...options, bidirectional });
      for (const [, kernels] of await backends()) {
        const tagger = createTagger(loadModel(saveModel(model)), kernels);
        fc.assert(
          fc.property(cut, ({ tokens, pieces }) => {
            const { labels, update } = follow(tagger.open({ lookAhead: bidirectional ? 25 : 0 }), pieces);
            expect(labels).toEqual(tagger.tag([tokens])[0].labels);
            expect(update.settled).toBe(tokens.length);
          }),
          { seed: 6, numRuns: 25 },
        );
        tagger.dispose();
      }
    },
  );

  test('a label that is settled is that of every sentence that goes on from there', async () => {
    const tagger = createTagger(await modelOf(options));
    let settledEarly = 0;
    for (let length = 1; length < 12; length++) {
      const stream = tagger.open();
      const so = stream.push(sentence.slice(0, length));
      const firm = so.labels.slice(0, so.settled);
      settledEarly += so.settled;
      for (const last of words) {
        const more = [...sentence.slice(0, length), last, ...sentence.slice(0, 2)];
        expect(tagger.tag([more])[0].labels.slice(0, so.settled)).toEqual(firm);
      }
    }
    expect(settledEarly).toBeGreaterThan(20);
  });

  test('probabilities need the whole sentence, and are refused at once', async () => {
    const tagger = createTagger(await modelOf(options));
    expect(() => tagger.open({ probabilities: true })).toThrow(
      'open: probabilities of labels that depend on each other need the whole sentence: use tag()',
    );
  });
});

describe.each<[string, TrainOptions]>([
  ['one layer', { bidirectional: true }],
  ['two layers', { bidirectional: true, layers: 2, cell: 'gru' }],
  ['residual layers', { bidirectional: true, layers: 2, cell: 'rnn', residual: true }],
])('a bidirectional model of %s', (_, options) => {
  test('with the sentence as look-ahead it is the whole, to the bit, however it is cut', async () => {
    const model = await modelOf(options);
    for (const [, kernels] of await backends()) {
      const tagger = createTagger(loadModel(saveModel(model)), kernels);
      fc.assert(
        fc.property(cut, fc.constantFrom(24, 25, 1000, Infinity), ({ tokens, pieces }, lookAhead) => {
          const [whole] = tagger.tag([tokens], { probabilities: true });
          const { labels, probabilities } = follow(tagger.open({ lookAhead, probabilities: true }), pieces);
          expect(labels).toEqual(whole.labels);
          expect(probabilities).toEqual([...(whole.probabilities ?? [])]);
        }),
        { seed: 7, numRuns: 20 },
      );
      tagger.dispose();
    }
  });

  test('a label waits for n tokens, depends on no later one, and on no cut', async () => {
    const tagger = createTagger(await modelOf(options));
    const open = (lookAhead: number) => tagger.open({ lookAhead, probabilities: true });
    fc.assert(
      fc.property(cut, fc.nat(4), fc.nat(20), ({ tokens, pieces }, n, place) => {
        const { probabilities } = follow(open(n), pieces);
        const single = follow(open(n), tokens.map((token) => [token])); // prettier-ignore
        expect(single.probabilities).toEqual(probabilities);
        const stream = open(n);
        const seen = tokens.slice(0, place).map((token) => stream.push([token]).settled);
        expect(seen).toEqual(seen.map((_, t) => Math.max(0, t + 1 - n)));
        const other = tokens.map((token, t) => (t > place + n ? 'unheard' : token));
        expect(follow(open(n), [other]).probabilities.slice(0, place + 1)).toEqual(probabilities.slice(0, place + 1));
      }),
      { seed: 8, numRuns: 20 },
    );
  });

  test('the look-ahead matters, and has to be said', async () => {
    const tagger = createTagger(await modelOf(options));
    const of = (lookAhead: number) => follow(tagger.open({ lookAhead, probabilities: true }), [sentence]).probabilities;
    expect(of(0)).not.toEqual(of(3));
    expect(of(3)).not.toEqual(of(Infinity));
    expect(() => tagger.open()).toThrow(
      'open: lookAhead must be an integer of at least 0, or Infinity, as this model is bidirectional; got undefined: pass how many tokens a label may wait for',
    );
    for (const lookAhead of [-1, 0.5, NaN]) expect(() => tagger.open({ lookAhead })).toThrow('open: lookAhead must be');
  });
});

/** The definition of a look-ahead, by runs of whole windows: the oracle shares nothing with the stack's own states. */
test('one bidirectional layer: the row of a token reads everything before it and n tokens behind it', async () => {
  const model = await modelOf({ bidirectional: true });
  const tagger = createTagger(model);
  for (const n of [0, 1, 3, 8]) {
    const got = follow(tagger.open({ lookAhead: n, probabilities: true }), [sentence]);
    const wanted = sentence.map((_, t) => {
      const [{ labels, probabilities }] = predict(cpu, model, [sentence.slice(0, t + n + 1)], { probabilities: true });
      return [labels[t], probabilities![t]];
    });
    expect(got.labels.map((label, t) => [label, got.probabilities[t]])).toEqual(wanted);
  }
});

test('several heads, each with what it says so far', async () => {
  const { model } = await train(cpu, corpora, { ...tiny, columns: ['ner', 'first'], head: 'crf' });
  const tagger = createTagger(model);
  const [whole] = tagger.tag([sentence]);
  const stream = tagger.open();
  const [so, last] = [stream.push(sentence), stream.end()];
  expect(Object.keys(so.heads!)).toEqual(['ner', 'first']);
  const { from, labels } = last.heads!.ner as StreamUpdate;
  expect([...(so.heads!.ner as StreamUpdate).labels.slice(0, from), ...labels]).toEqual(whole.heads!.ner.labels);
  expect(last).toMatchObject(last.heads!.ner);
  expect(follow(tagger.open(), [sentence]).labels).toEqual(whole.labels);
});

test.each(['last', 'mean', 'max', 'attention'] as const)('a category by pooling %s', async (pooling) => {
  for (const task of ['classify', 'slots-intent'] as const) {
    const tagger = createTagger(await modelOf({ task, pooling, bidirectional: task === 'slots-intent' }));
    const [whole] = tagger.tag([sentence], { probabilities: true });
    const stream = tagger.open({ lookAhead: 500, probabilities: true });
    for (const token of sentence) expect(stream.push([token])).not.toHaveProperty('category');
    const { category, categoryProbability } = stream.end();
    expect([category, categoryProbability]).toEqual([whole.category, whole.categoryProbability]);
    expect(tagger.open({ lookAhead: 1 }).end()).not.toHaveProperty('category');
  }
});

test('an ensemble of softmaxes is the whole; one of CRFs needs the whole sentence', async () => {
  const seeds = (options: TrainOptions) => Promise.all([1, 2, 3].map((seed) => modelOf({ ...options, seed })));
  for (const options of [{}, { decode: 'constrained' }, { bidirectional: true }] as TrainOptions[]) {
    const tagger = createTagger(ensembleOf(await seeds(options)));
    const { labels } = follow(tagger.open({ lookAhead: 999 }), sentence.map((token) => [token])); // prettier-ignore
    expect(labels).toEqual(tagger.tag([sentence])[0].labels);
  }
  const crfs = createTagger(ensembleOf(await seeds({ head: 'crf' })));
  expect(() => crfs.open()).toThrow('open: labels of an ensemble of CRFs need the whole sentence: use tag()');
});

test('streams do not disturb each other, nor tag', async () => {
  const tagger = createTagger(await modelOf({ cell: 'lstm' }));
  const [p, q] = [tagger.open(), tagger.open()];
  const other = [...sentence].reverse();
  const got: string[][] = [[], []];
  sentence.forEach((token, t) => {
    got[0].push(...p.push([token]).labels);
    tagger.tag([other]);
    got[1].push(...q.push([other[t]]).labels);
  });
  expect(got).toEqual(tagger.tag([sentence, other]).map(({ labels }) => labels));
});

test('what is refused, by name', async () => {
  const model = await modelOf({ cell: 'lstm' });
  const stream = createTagger(model).open();
  expect(() => stream.push('word' as never)).toThrow('open: tokens must be a list of strings');
  expect(() => stream.push([3] as never)).toThrow('open: tokens[0] must be a string');
  expect(stream.push(['still', 'open']).settled).toBe(2); // a wrong call changes nothing
  stream.end();
  expect(() => stream.push(['more'])).toThrow('open: the sentence has ended: open another one');
  expect(() => stream.end()).toThrow('open: the sentence has ended');
  expect(() => createTagger(model).open({ lookahead: 3 } as never)).toThrow('did you mean lookAhead?');
  expect(() => createTagger(model).open({ probabilities: 1 } as never)).toThrow('probabilities must be true or false');
  const spoiled = loadModel(saveModel(model));
  spoiled.params.heads.labels.b.data[0] = 3e38;
  spoiled.params.heads.labels.W.data.fill(3e38);
  expect(() => createTagger(spoiled).open().push(sentence)).toThrow('model: a logit became');
});

test('parts of your own that read whole sentences are refused by name', async () => {
  const model = await modelOf({ cell: 'lstm' });
  const mine = { ...headKinds.softmax, kind: 'mine', stretch: undefined };
  const encoder = { ...model.network.encoders[0], contextFree: undefined };
  const heads = model.heads.map((head) => ({ ...head, kind: mine }));
  expect(() => createTagger({ ...model, heads } as never).open()).toThrow(
    "open: the head 'labels' labels whole sentences: give its kind a stretch, or use tag()",
  );
  const network = { ...model.network, encoders: [encoder] };
  expect(() => createTagger({ ...model, network } as never).open()).toThrow(
    "open: the encoder 'words' reads whole sentences: use tag()",
  );
});

test('the checks above fail where pieces forget what came before', async () => {
  const tagger = createTagger(await modelOf({ cell: 'lstm' }));
  const forgetful = sentence.flatMap((token) => [...tagger.open({ probabilities: true }).push([token]).probabilities!]);
  expect(forgetful).not.toEqual([...tagger.tag([sentence], { probabilities: true })[0].probabilities!]);
  expect(convertLabels(['B-X'], 'IOB2', 'IOBES').labels).toEqual(['S-X']); // why the last label waits for the one behind
});
