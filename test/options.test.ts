/**
 * Every public object of options refuses a key it does not have: JavaScript would ignore a misspelt one. The table holds each
 * entry point that takes such an object; the last test reads the sources, so that a new type of options cannot be forgotten.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createTape, gradcheck, packingOf, unroll, unrollAsync, unrollBackward, zeroGrads } from '../src/autograd';
import { checkTruncation } from '../src/autograd';
import { cells, lstm } from '../src/cells';
import {
  createCpuKernels,
  createGpuAsyncKernels,
  createGpuKernels,
  createWasmKernels,
  selectBackend,
} from '../src/kernels';
import {
  createAsyncTagger,
  createScorer,
  createTagger,
  evaluate,
  generateCorpus,
  inferenceOf,
  loadModel,
  predict,
  saveModel,
  segmentText,
  train,
  buildVocabulary,
} from '../src/labeling';
import { fromPyTorch, inspect, saliency, untrained } from '../src/inspect';
import { decodePt, encodePt, exportPyTorch, fromPlainStateDict } from '../src/interchange';
import type { Model } from '../src/labeling';
import * as layers from '../src/layers';
import { createAdam, createAdamW, createSgd } from '../src/optim';
import { createKey, createRng, format, zeros } from '../src/tensor';
import { nodeThreads } from '../src/labeling/training/parallel/threads.node';

const kernels = createCpuKernels();
const rng = () => createRng(1);
const wrong = { learningRate: 0.5 } as never;
const params = lstm.initialize(2, 3, rng());
const stack = [{ cell: lstm as never, hidden: 3 }];
const stackParams = layers.initStack(2, stack, rng());
const packing = packingOf([2, 1]);
const x = zeros([3, 2]);
const packed = packingOf([2, 1]);
const corpus = generateCorpus({ sentences: 4 });
const tiny = { embedding: 2, hidden: 2, epochs: 1 };
let model: Model;

beforeAll(async () => {
  ({ model } = await train(kernels, { train: corpus }, tiny));
});

const calls: Record<string, () => unknown> = {
  inspect: () => inspect(kernels, model, { tokens: ['a'] }, wrong),
  saliency: () => saliency(kernels, model, { tokens: ['a'] }, wrong),
  fromPyTorch: () => fromPyTorch({}, [], wrong),
  exportPyTorch: () => exportPyTorch(model, wrong),
  decodePt: () => decodePt(encodePt({ x }), wrong),
  fromPlainStateDict: () => fromPlainStateDict({ x }, wrong),
  untrained: () => untrained([{ tokens: ['a'] }], wrong),
  format: () => format(x, wrong),
  createAdam: () => createAdam(kernels, { x }, wrong),
  createAdamW: () => createAdamW(kernels, { x }, wrong),
  createSgd: () => createSgd(kernels, { x }, wrong),
  createTape: () => createTape(wrong),
  gradcheck: () => gradcheck({ tensors: {}, grads: {}, loss: () => 0, learningRate: 1 } as never),
  zeroGrads: () => zeroGrads({ x }, wrong),
  checkTruncation: () => checkTruncation({ every: 1, back: 2, learningRate: 1 } as never),
  unroll: () => unroll(kernels, lstm, params, x, packed, wrong),
  'unroll, initial': () => unroll(kernels, lstm, params, x, packed, { initial: wrong }),
  unrollAsync: () => unrollAsync(kernels as never, kernels, lstm, params, x, packed, wrong),
  unrollBackward: () =>
    unrollBackward(kernels, unroll(kernels, lstm, params, x, packing), zeros([3, 3]), params, wrong),
  dropoutForward: () => layers.dropoutForward(kernels, x, { p: 0.5, key: createKey(1), learningRate: 1 } as never),
  softmaxLossForward: () => layers.softmaxLossForward(kernels, x, Int32Array.of(0, 1, 0), wrong),
  mseLossForward: () => layers.mseLossForward(kernels, x, x, wrong),
  initCrf: () => layers.initCrf(2, wrong),
  crfLossForward: () => layers.crfLossForward(kernels, layers.initCrf(2), x, packing, Int32Array.of(0, 1, 0), wrong),
  crfViterbi: () => layers.crfViterbi(kernels, layers.initCrf(2), x, packing, wrong),
  crfNBest: () => layers.crfNBest(kernels, layers.initCrf(2), x, packing, 2, wrong),
  crfMarginals: () => layers.crfMarginals(kernels, layers.initCrf(2), x, packing, wrong),
  lastPoolForward: () => layers.lastPoolForward(kernels, x, packing, wrong),
  initEmbedding: () => layers.initEmbedding(2, 2, rng(), wrong),
  initEmbeddingBag: () => layers.initEmbeddingBag(2, 2, 1, rng(), wrong),
  initConvolution: () => layers.initConvolution(2, 2, 1, rng(), wrong),
  initLinear: () => layers.initLinear(2, 2, rng(), wrong),
  initAttentionPool: () => layers.initAttentionPool(2, 2, rng(), wrong),
  initStack: () => layers.initStack(2, stack, rng(), wrong),
  'initStack, layer': () => layers.initStack(2, [{ ...stack[0], learningRate: 1 } as never], rng()),
  stackForward: () => layers.stackForward(kernels, stack, stackParams, x, packing, wrong),
  'stackForward, dropout': () =>
    layers.stackForward(kernels, stack, stackParams, x, packing, {
      dropout: { p: 0.5, key: createKey(1), learningRate: 1 } as never,
    }),
  stackBackward: () =>
    layers.stackBackward(
      kernels,
      layers.stackForward(kernels, stack, stackParams, x, packing),
      zeros([3, 3]),
      stackParams,
      wrong,
    ),
  segmentText: () => segmentText('a', wrong),
  selectBackend: () => selectBackend(wrong),
  createWasmKernels: () => createWasmKernels(wrong),
  createGpuKernels: () => createGpuKernels(wrong),
  createGpuAsyncKernels: () => createGpuAsyncKernels(wrong),
  generateCorpus: () => generateCorpus({ sentences: 1, learningRate: 1 } as never),
  buildVocabulary: () => buildVocabulary(corpus, wrong),
  createScorer: () => createScorer(wrong),
  nodeThreads: () => nodeThreads(1, wrong),
  'train, options': () => train(kernels, { train: corpus }, wrong),
  'train, hooks': () => train(kernels, { train: corpus }, tiny, wrong),
  'train, corpora': () => train(kernels, { train: corpus, learningRate: 1 } as never, tiny),
  'train, sources': () => train(kernels, { train: corpus, sources: wrong }, tiny),
  'train, truncate': () =>
    train(kernels, { train: corpus }, { ...tiny, truncate: { every: 1, back: 1, learningRate: 1 } as never }),
  evaluate: () => evaluate(kernels, model, corpus, wrong),
  inferenceOf: () => inferenceOf(kernels, model.network, model.params, wrong),
  predict: () => predict(kernels, model, [['a']], wrong),
  loadModel: () => loadModel(saveModel(model), wrong),
  createTagger: () => createTagger(model, kernels, wrong),
  'Tagger.tag': () => createTagger(model).tag([['a']], wrong),
  'AsyncTagger.tag': () => createAsyncTagger(model, kernels as never).tag([['a']], wrong),
};

test.each(Object.entries(calls))('%s refuses an unknown key by name', async (_, call) => {
  await expect((async () => call())()).rejects.toThrow(/^[\w-]+: unknown key "learningRate" in [^:]+, whose keys are /);
});

test.each(Object.entries(cells))('a new %s refuses an unknown key by name', (_, cell) => {
  expect(() => cell.initialize(2, 3, rng(), wrong)).toThrow('unknown key "learningRate" in options');
});

test('the nearest known key is named', () => {
  expect(() => createSgd(kernels, { x }, wrong)).toThrow(/: did you mean lr\?$/);
  expect(() => predict(kernels, model, [['a']], { keepWord: false } as never)).toThrow(/: did you mean keepWords\?$/);
  expect(() => createTagger(model).tag([['a']], { probability: true } as never)).toThrow('did you mean probabilities?');
});

/** Options that are checked elsewhere, or are not arguments of a public function. */
const CHECKED_ELSEWHERE = ['CacheOptions', 'DeviceOptions', 'ParseOptions', 'ReadOptions'];

test('every type of options is the argument of keysOf', () => {
  const root = resolve(__dirname, '../src');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/^(cli|bench)\b/.test(path))
    .map((path) => readFileSync(join(root, path), 'utf8'));
  const all = sources.join('\n');
  const types = [...all.matchAll(/^export interface (\w+(?:Options|Hooks))\b/gm)].map(([, name]) => name);
  expect(types.length).toBeGreaterThan(15);
  // Of Omit<A, keyof B> it is A: the keys of B are those of a list of its own.
  const checked = [...all.matchAll(/keysOf<(?:Omit<)?([^>,]+)/g)].flatMap(([, names]) => names.split(/\s*&\s*/));
  expect(types.filter((name) => !checked.includes(name) && !CHECKED_ELSEWHERE.includes(name))).toEqual([]);
});
