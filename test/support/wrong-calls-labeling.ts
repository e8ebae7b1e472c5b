/** Valid calls of what `labeling` exports; see `wrong-calls.ts`. Every call is made anew, from two sentences of two words. */
import { packingOf, zeroGrads } from '../../src/autograd/index.js';
import type { TensorRecord } from '../../src/autograd/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { placesOf } from '../../src/layers/index.js';
import * as labeling from '../../src/labeling/index.js';
import * as tensor from '../../src/tensor/index.js';
import type { Arguments, Room } from './wrong-calls.js';
import { device, kernels, devices } from './wrong-calls-devices.js';

const rng = () => tensor.createRng(1);
const sentences = () => [
  { tokens: ['the', 'cat'], labels: ['DET', 'NOUN'], category: 'a', line: 1 },
  { tokens: ['they', 'walk'], labels: ['PRON', 'VERB'], category: 'b', line: 4 },
];
const words = () => sentences().map(({ tokens }) => tokens);
const bytes = (text = 'the\tDET\ncat\tNOUN\n\n') => [new TextEncoder().encode(text)];
const vocabulary = () => labeling.buildVocabulary(sentences());
const vectors = () => ({ size: 1, words: ['the'], values: Float32Array.of(1) });
const labels = () => labeling.buildLabels(sentences());
const config = () => ({
  encoders: [labeling.wordConfig(vocabulary().size, 2)],
  body: { cell: 'rnn', hidden: [2], bidirectional: false, dropout: 0 },
  heads: [labeling.softmaxConfig(labels().size)],
});
const network = () => labeling.networkOf(config());
const params = () => labeling.initNetwork(network(), rng());
const grads = (): labeling.ModelGrads => {
  const zeros = (of: Readonly<Record<string, TensorRecord>>) =>
    Object.fromEntries(Object.entries(of).map(([name, own]) => [name, zeroGrads(own)]));
  const { encoders, layers, heads } = params();
  return {
    encoders: zeros(encoders),
    layers: layers.map(({ forward }) => ({ forward: zeroGrads(forward) as typeof forward })),
    heads: zeros(heads),
  };
};
const pieces = () => ({
  config: config(),
  params: params(),
  readers: [labeling.wordReader(vocabulary())],
  labels: [labels()],
});
const model = () => labeling.createModel(pieces());
const batch = () => labeling.packBatch([2, 2], [0, 1]);
const features = () => {
  const [reader] = model().readers;
  return words().map((tokens) => reader.read(tokens));
};
const packed = () => [labeling.packFeatures(features(), batch())];
const pass = () => labeling.modelForward(createCpuKernels(), network(), params(), packed(), batch().packing);
const dLogits = () => [tensor.zeros([4, labels().size])];
const training = () => ({
  kernels: kernels(),
  corpora: {
    train: sentences(),
    dev: sentences(),
    test: sentences(),
    sources: { train: 'here' },
    input: reading(),
  },
  options: {
    cell: 'rnn',
    task: 'tag',
    pooling: 'mean',
    embedding: 2,
    hidden: 2,
    layers: 1,
    bidirectional: false,
    dropout: 0.1,
    dropoutKind: 'variational',
    recurrentDropout: 0.1,
    zoneout: { h: 0.1 },
    residual: false,
    dense: 2,
    wordDropout: 0.1,
    minCount: 1,
    lowerCase: false,
    signatures: false,
    affixSize: 2,
    affixRows: 8,
    prefixes: 1,
    suffixes: 1,
    characters: 'cnn',
    characterUnit: 'grapheme',
    characterEmbedding: 2,
    characterSize: 2,
    characterWindow: 2,
    optimizer: 'sgd',
    lr: 0.1,
    schedule: 'constant',
    epochs: 1,
    batch: 2,
    clip: 1,
    truncate: { every: 1, back: 1 },
    patience: 1,
    strictLabels: true,
    seed: 1,
    encoders: undefined,
    heads: undefined,
    threads: undefined,
    resume: undefined,
  },
  hooks: {
    onProgress: () => undefined,
    onEpoch: () => undefined,
    onThreads: () => undefined,
    onNote: () => undefined,
    onRescue: () => undefined,
    onCheckpoint: () => undefined,
    checkpointEvery: { updates: 1000 },
    onResume: () => undefined,
    signal: undefined,
    device: undefined,
  },
});

/** A checkpoint is one of a single training. */
const withoutCheckpoints = (hooks: ReturnType<typeof training>['hooks']) =>
  Object.fromEntries(Object.entries(hooks).filter(([name]) => !/checkpoint/i.test(name))); // prettier-ignore

const noise = () => ({ key: tensor.createKey(1), places: placesOf(batch().packing), wordDropout: 0.5 });
const segmented = (): Arguments => () => ({ text: 'Hi. You too.' });
const reading = () => ({
  format: 'conll' as const,
  tokenColumn: 1,
  column: 2,
  comments: 'auto' as const,
  width: 3,
  guessed: true,
});

export const labelingRoom: Room = {
  exports: labeling,
  calls: {
    affixConfig: () => ({ affixes: { width: 2, rows: 8, prefixes: 1, suffixes: 1 } }),
    affixReader: () => ({ affixes: { rows: 8, prefixes: 1, suffixes: 1 } }),
    vectorConfig: () => ({ vectors: { width: 2, size: 3, dimensions: 4, mode: 'tuned', scale: 1 } }),
    vectorReader: () => ({ lookup: { words: ['the'], digits: '0' } }),
    vectorCoverage: () => ({ vectors: vectors(), sentences: sentences(), options: { digits: '#' } }),
    readVectors: () => ({
      chunks: bytes('the 1 2\n'),
      options: { source: 'here', words: ['the'], keep: 1, digits: '0' },
    }),
    characterConfig: () => ({ characters: { network: 'cnn', size: 3, embedding: 2, width: 4, window: 2 } }),
    characterReader: () => ({ vocabulary: labeling.buildCharacters(sentences()) }),
    buildCharacters: () => ({ sentences: sentences(), unit: 'grapheme' }),
    charactersFromJson: () => ({ characters: labeling.buildCharacters(sentences()).toJSON() }),
    batchesOf: () => ({ lengths: [2, 1], size: 1, rng: rng() }),
    buildLabels: () => ({ sentences: sentences() }),
    buildVocabulary: () => ({ sentences: sentences(), options: { minCount: 1, lowerCase: true, signatures: true } }),
    collectNotes: () => ({ onNew: () => undefined }),
    createAsyncTagger: () => ({ source: model(), device: device(), host: kernels() }),
    createModel: () => ({ pieces: pieces(), own: {} }),
    calibrationOf: () => ({ confidences: [0.5, 1], right: [true, false], bins: 3 }),
    createScorer: () => ({ options: { known: () => true, spans: true, labels: ['O'], unit: 'token', spanMode: 'strict', scheme: 'IOB2' } }), // prettier-ignore
    createSegmenter: () => ({ options: { locale: 'en', tokenizer: 'whitespace' } }),
    createTagger: () => ({ source: model(), kernels: kernels(), options: { keepWords: false } }),
    decodeSafetensors: () => ({ bytes: labeling.encodeSafetensors({ w: tensor.zeros([2]) }) }),
    detectFormat: () => ({ head: ['the\tDET', 'cat\tNOUN'] }),
    doubtfulLabels: () => ({ reading: reading(), sentences: sentences() }),
    encodeSafetensors: () => ({ tensors: { w: tensor.zeros([2]) }, metadata: { a: 'b' } }),
    evaluate: () => ({
      kernels: kernels(),
      model: model(),
      sentences: sentences(),
      options: { source: 'here', strictLabels: true, probabilities: true, spanMode: 'conlleval', scheme: 'IOB2', onNote: () => undefined, onSentence: () => undefined }, // prettier-ignore
    }),
    formatSentence: () => ({ sentence: { ...sentences()[0], probabilities: [0.5, 1] }, output: 'conll' }),
    agreementTags: () => ({ tokens: ['the', 'cat', 'sat'] }),
    agreementWords: () => ({}),
    generateAgreement: () => ({ options: { sentences: 2, seed: 1, minPhrases: 0, maxPhrases: 1 } }),
    generateCorpus: () => ({ options: { sentences: 2, seed: 1, minPhrases: 0, maxPhrases: 1 } }),
    inferenceOf: () => ({ kernels: kernels(), network: network(), params: params(), options: { keepWords: false } }),
    initNetwork: () => ({
      network: network(),
      rng: rng(),
      initial: { words: { weight: params().encoders.words.weight } },
    }),
    inputSpecOf: () => ({ reading: reading() }),
    labelsFromJson: () => ({ labels: labels().toJSON() }),
    layersOf: () => ({ body: config().body }),
    loadModel: () => ({ bytes: labeling.saveModel(model()), options: {} }),
    convertLabels: () => ({ labels: ['B-PER', 'O'], from: 'IOB2', to: 'IOBES' }),
    detectScheme: () => ({ sentences: [['B-PER', 'O']] }),
    permittedTransitions: () => ({ scheme: 'IOB2', labels: ['B-PER', 'O'] }),
    permitsEveryLength: () => ({ mask: { start: [1, 1], transitions: [1, 1, 1, 1], end: [1, 1] } }),
    schemeOf: () => ({ name: 'bio' }),
    looksLikeSpans: () => ({ labels: ['B-PER', 'O'] }),
    metricOf: () => ({ scores: labeling.createScorer().scores() }),
    modelForward: () => ({
      kernels: kernels(),
      network: network(),
      params: params(),
      features: packed(),
      packing: batch().packing,
      options: { noise: noise(), keep: 'gradients' },
    }),
    modelForwardAsync: () => ({
      devices: devices(),
      network: network(),
      params: params(),
      features: packed(),
      packing: batch().packing,
      options: { noise: noise(), keep: 'gradients' },
    }),
    modelBackward: () => ({
      kernels: kernels(),
      network: network(),
      params: params(),
      pass: pass(),
      dLogits: dLogits(),
      grads: grads(),
      truncate: { every: 1, back: 1 },
    }),
    modelBackwardAsync: () => ({
      devices: devices(),
      network: network(),
      params: params(),
      pass: pass(),
      dLogits: dLogits(),
      grads: grads(),
      truncate: { every: 1, back: 1 },
    }),
    mostFrequentTag: () => ({ train: sentences() }),
    networkOf: () => ({ config: config(), own: {} }),
    packBatch: () => ({ lengths: [2, 1], members: [0, 1] }),
    packFeatures: () => ({ features: features(), batch: batch() }),
    packRows: () => ({
      values: [Int32Array.of(1, 2), Int32Array.of(3)],
      members: [0, 1],
      packing: packingOf([2, 1]),
    }),
    predict: () => ({
      kernels: kernels(),
      model: model(),
      sentences: words(),
      options: { probabilities: true, keepWords: false },
    }),
    readSentences: () => ({
      chunks: bytes(),
      options: {
        format: 'conll',
        column: 2,
        columns: ['form', 'tag'],
        tokenColumn: 1,
        comments: '#',
        badLines: 'list',
        like: { format: 'conll' },
        onNote: () => undefined,
        onReading: () => undefined,
        labels: 'optional',
        normalize: 'NFC',
        source: 'here',
        maxLineBytes: 100,
        maxTokens: 100,
      },
    }),
    formatClassified: () => ({ sentence: { tokens: ['a'], category: 'x', categoryProbability: 0.5 }, output: 'text' }),
    splitSentences: () => ({ sentences: sentences(), shares: { train: 100, dev: 0, test: 0 }, seed: 1 }),
    readClassified: () => ({
      chunks: bytes('x\tHi. You too.\n'),
      options: {
        format: 'tsv',
        column: 1,
        textColumn: 2,
        labels: 'required',
        tokenizer: 'unicode',
        locale: 'en',
        badLines: 'list',
        like: { format: 'tsv' },
        onNote: () => undefined,
        normalize: 'NFC',
        source: 'here',
        maxLineBytes: 100,
        maxTokens: 100,
      },
    }),
    readSlots: () => ({
      files: { tokens: bytes('a b\n'), labels: bytes('O O\n'), categories: bytes('x\n') },
      options: { labels: 'optional', source: 'here', badLines: 'skip' },
    }),
    readText: () => ({
      chunks: bytes('Hi. You too.\n'),
      options: { locale: 'en', tokenizer: 'unicode', source: 'here' },
    }),
    saveModel: () => ({ model: model() }),
    segmentText: () => ({ ...segmented()(), options: { locale: 'en', tokenizer: 'unicode' } }),
    sentenceConfig: () => ({ labels: 2, pooling: 'mean' }),
    serveTraining: () => ({ port: { post: () => undefined, listen: () => undefined, close: () => undefined } }),
    crfConfig: () => ({ labels: 2, decoding: { permitted: 'ff', scheme: 'IOBES', data: 'IOB2' } }),
    softmaxConfig: () => ({ labels: 2, decoding: { permitted: 'ff' } }),
    spansOf: () => ({ labels: ['B-PER', 'O'] }),
    strictSpansOf: () => ({ labels: ['B-PER', 'O'], scheme: 'IOB2' }),
    train: training,
    ensembleOf: () => ({ models: [model(), model()] }),
    memberOf: () => ({ model: model(), k: 0 }),
    trainEnsemble: () => {
      const { kernels: host, corpora, options, hooks } = training();
      return {
        kernels: host,
        corpora,
        options,
        count: 2,
        hooks: { ...withoutCheckpoints(hooks), onSeed: () => undefined, onRun: () => undefined },
      };
    },
    trainSeeds: () => {
      const { kernels: host, corpora, options, hooks } = training();
      return {
        kernels: host,
        corpora,
        options,
        count: 2,
        hooks: { ...withoutCheckpoints(hooks), onSeed: () => undefined, onRun: () => undefined },
      };
    },
    scoreSpread: () => ({ scores: [labeling.createScorer().scores(), labeling.createScorer().scores()] }),
    spreadOf: () => ({ values: [0.5, 0.7] }),
    vocabularyFromJson: () => ({ vocabulary: vocabulary().toJSON() }),
    webThreads: () => ({ count: 2, open: () => ({}) }),
    wordConfig: () => ({ words: 2, embedding: 2 }),
    wordReader: () => ({ vocabulary: vocabulary() }),
  },
  methods: {
    'createTagger().tag': [
      labeling.createTagger(model()).tag,
      () => ({ sentences: words(), options: { probabilities: true, spans: true } }),
    ],
    'createTagger().entities': [
      labeling.createTagger(model()).entities,
      () => ({ texts: ['a b'], options: { offsets: 'codepoints', locale: 'en', tokenizer: 'unicode' } }),
    ],
    'createAsyncTagger().tag': [
      labeling.createAsyncTagger(model(), device()).tag,
      () => ({ sentences: words(), options: { probabilities: true, spans: true } }),
    ],
    'createAsyncTagger().entities': [
      labeling.createAsyncTagger(model(), device()).entities,
      () => ({ texts: ['a b'], options: { offsets: 'codepoints', locale: 'en', tokenizer: 'unicode' } }),
    ],
    'createSegmenter()': [labeling.createSegmenter(), segmented()],
    'createScorer().add': [
      labeling.createScorer().add,
      () => ({ tokens: ['a'], gold: ['O'], predicted: ['O'], length: 1 }),
    ],
    'collectNotes().add': [labeling.collectNotes().add, () => ({ note: { kind: 'a', message: 'b' } })],
    'mostFrequentTag().predict': [labeling.mostFrequentTag(sentences()).predict, () => ({ tokens: ['a'] })],
    'buildVocabulary().encode': [vocabulary().encode, () => ({ tokens: ['a'] })],
    'buildVocabulary().encodeUnknown': [vocabulary().encodeUnknown, () => ({ tokens: ['a'] })],
    'buildLabels().encode': [labels().encode, () => ({ sentence: sentences()[0], source: 'here' })],
    'buildLabels().decode': [labels().decode, () => ({ ids: [0, 1] })],
    'buildLabels().lookup': [labels().lookup, () => ({ label: 'DET' })],
    'inferenceOf().run': [
      labeling.inferenceOf(createCpuKernels(), network(), params()).run,
      () => ({ features: packed(), packing: batch().packing }),
    ],
  },
  exempt: {
    trainSteps:
      'the text of train; what is wrong is refused when the first step is asked for (test/labeling/training/steps.test.ts)',
  },
};
