/** Models as state dicts of PyTorch, folders of them, and state dicts of other people's taggers. Against PyTorch itself: test/ecosystem. */
import { createCpuKernels } from '../../src/kernels';
import type { StateDict } from '../../src/interchange';
import { exportPyTorch, fromPlainStateDict, importPyTorch, readStateDict, toStateDict } from '../../src/interchange';
import { ensembleOf, generateCorpus, predict, saveModel, train } from '../../src/labeling';
import type { Model, TrainOptions } from '../../src/labeling';
import { ArgumentError, DataError, UnsupportedError, createRng, normal } from '../../src/tensor';
import type { Tensor } from '../../src/tensor';
import { parts } from './parts';

const kernels = createCpuKernels();
const corpus = generateCorpus({ sentences: 24, seed: 3 }).map((s) => ({ ...s, category: s.tokens.length > 6 ? 'long' : 'short' })); // prettier-ignore
const TINY = { epochs: 1, batch: 8, lr: 0.01, hidden: 3, embedding: 4, seed: 5 };

const made = async (options: TrainOptions = {}): Promise<Model> =>
  (await train(kernels, { train: corpus }, { ...TINY, ...options })).model;
const at = ({ data, offset, stride }: Tensor, i: number, j: number): number => data[offset + i * stride[0] + j * stride[1]]; // prettier-ignore
const json = (files: Record<string, Uint8Array>, name: string): never => JSON.parse(new TextDecoder().decode(files[name])) as never; // prettier-ignore
const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test('a two-layer BiLSTM has the names and shapes that PyTorch prints for one', async () => {
  const model = await made({ bidirectional: true, layers: 2 });
  const state = toStateDict(model);
  const sizes = (D: number, suffix: string) => [
    [`rnn.weight_ih_${suffix}`, [12, D]],
    [`rnn.weight_hh_${suffix}`, [12, 3]],
    [`rnn.bias_ih_${suffix}`, [12]],
    [`rnn.bias_hh_${suffix}`, [12]],
  ];
  expect(Object.entries(state).map(([name, x]) => [name, x.shape])).toEqual([
    ['encoders.words.weight', [model.words.size, 4]],
    ...sizes(4, 'l0'),
    ...sizes(4, 'l0_reverse'),
    ...sizes(6, 'l1'),
    ...sizes(6, 'l1_reverse'),
    ['heads.0.linear.weight', [model.labels.size, 6]],
    ['heads.0.linear.bias', [model.labels.size]],
  ]);
  const { Wx, b } = model.params.layers[1].forward;
  expect(at(state['rnn.weight_ih_l1'], 7, 2)).toBe(at(Wx, 2, 7));
  expect([...state['rnn.bias_ih_l1'].data]).toEqual([...b.data]);
  expect([...state['rnn.bias_hh_l1'].data]).toEqual(Array(12).fill(0));
});

test("two biases are added up, but a GRU's n keeps its recurrent one", async () => {
  const model = await made({ cell: 'gru' });
  const files = exportPyTorch(model);
  const state: StateDict = { ...toStateDict(model) };
  const moved = Float32Array.from({ length: 9 }, (_, i) => i + 1);
  state['rnn.bias_hh_l0'] = { data: moved, shape: [9], stride: [1], offset: 0 };
  const { b } = model.params.layers[0].forward;
  const back = importPyTorch(files, state).params.layers[0].forward as unknown as Record<'b' | 'bn', Tensor>;
  expect([...back.b.data]).toEqual([...b.data].map((x, i) => Math.fround(i < 6 ? x + i + 1 : x)));
  expect([...back.bn.data]).toEqual([7, 8, 9]);
});

test.each(Object.keys(parts))('a folder gives the model back, byte for byte: %s', async (name) => {
  const model = await made(parts[name]);
  const files = exportPyTorch(model);
  expect(Object.keys(files)).toEqual(['model.py', 'config.json', 'vocabulary.json', 'labels.json', 'weights.safetensors']); // prettier-ignore
  expect(Buffer.from(saveModel(importPyTorch(files))).equals(Buffer.from(saveModel(model)))).toBe(true);
  expect(Object.keys(readStateDict(files['weights.safetensors'])).sort()).toEqual(Object.keys(toStateDict(model)).sort()); // prettier-ignore
});

test.each<[string, TrainOptions, RegExp]>([
  ['gru-reset-before', { cell: 'gru-reset-before' }, /no module for the cell 'gru-reset-before': train with --cell/],
  ['a variant', { cell: 'lstm:peepholes' }, /the cell 'lstm:peepholes'/],
  ['layer normalization', { cell: 'lstm:layernorm' }, /the cell 'lstm:layernorm'/],
  ['zoneout', { zoneout: 0.1 }, /no module for zoneout/],
  ['graphemes', { encoders: ['characters'], characterUnit: 'grapheme' }, /characters by grapheme need a segmenter/],
])('%s is refused by its name', async (_, options, message) => {
  const model = await made(options);
  expect(() => exportPyTorch(model)).toThrow(UnsupportedError);
  expect(() => exportPyTorch(model)).toThrow(message);
});

test('an ensemble is refused, its members are not', async () => {
  const model = await made();
  expect(() => toStateDict(ensembleOf([model, model]))).toThrow(/an ensemble has no single module: export one/);
});

test.each<[string, (files: Record<string, Uint8Array>) => void, RegExp]>([
  ['a file that is missing', (files) => delete files['labels.json'], /no labels\.json/],
  [
    'another folder',
    (files) => (files['config.json'] = jsonBytes({ format: 'x' })),
    /expected format to be 'bptt-pytorch'/,
  ],
  ['a newer folder', (files) => (files['config.json'] = jsonBytes({ ...(json(files, 'config.json') as object), version: 2 })), /written by a newer bptt/], // prettier-ignore
  ['JSON that is none', (files) => (files['vocabulary.json'] = Uint8Array.of(0x7b)), /vocabulary\.json is not JSON/],
  [
    'text that is none',
    (files) => (files['vocabulary.json'] = Uint8Array.of(0xff)),
    /vocabulary\.json is not valid UTF-8/,
  ],
  [
    'weights cut short',
    (files) => (files['weights.safetensors'] = files['weights.safetensors'].slice(0, -4)),
    /truncated/,
  ],
  ['other words', (files) => (files['vocabulary.json'] = jsonBytes({ words: { ...(json(files, 'vocabulary.json') as { words: object }).words, words: ['a'] } })), /expected \d+ words; got \d+/], // prettier-ignore
])('of a folder, %s is told', async (_, spoil, message) => {
  const files = exportPyTorch(await made());
  spoil(files);
  expect(() => importPyTorch(files)).toThrow(DataError);
  expect(() => importPyTorch(files)).toThrow(message);
});

test.each<[string, (state: StateDict) => void, RegExp]>([
  ['missing', (state) => delete state['rnn.weight_hh_l0'], /it has no rnn\.weight_hh_l0/],
  [
    'left over',
    (state) => (state['norm.weight'] = state['rnn.bias_ih_l0']),
    /the exported module has no "norm\.weight"/,
  ],
  [
    'of another shape',
    (state) => (state['rnn.bias_hh_l0'] = state['heads.0.linear.bias']),
    /expected two equal vectors/,
  ],
  ['of another rank', (state) => (state['rnn.weight_hh_l0'] = state['rnn.bias_hh_l0']), /expected 2 dimensions/],
  ['of another size', (state) => (state['heads.0.linear.bias'] = state['rnn.bias_ih_l0']), /heads\.labels\.b of shape/],
  ['not finite', (state) => (state['heads.0.linear.bias'].data[0] = NaN), /expected finite numbers/],
])('a tensor that is %s is told', async (_, spoil, message) => {
  const model = await made();
  const state = toStateDict(model);
  spoil(state);
  expect(() => importPyTorch(exportPyTorch(model), state)).toThrow(message);
});

describe('the state dict of another tagger', () => {
  const rng = createRng(11);
  const draw = (...shape: number[]): Tensor => normal(shape, 1, rng);
  const words = ['<pad>', '<unk>', 'a', 'b'];
  const labels = ['O', 'B-X', 'I-X'];
  const plain = (): StateDict => ({
    'embed.weight': draw(4, 5),
    'lstm.weight_ih_l0': draw(8, 5),
    'lstm.weight_hh_l0': draw(8, 2),
    'lstm.bias_ih_l0': draw(8),
    'lstm.bias_hh_l0': draw(8),
    'fc.weight': draw(3, 2),
    'fc.bias': draw(3),
  });
  const chain = (): StateDict => ({ 'crf.start_transitions': draw(3), 'crf.end_transitions': draw(3), 'crf.transitions': draw(3, 3) }); // prettier-ignore

  test('has its unknown word where it is named', () => {
    const state = plain();
    const model = fromPlainStateDict(state, { words, labels, unknown: '<unk>' });
    expect(model.words.words).toEqual(['<unk>', '<pad>', 'a', 'b']);
    const { weight } = model.params.encoders.words;
    const row = (x: Tensor, i: number) => Array.from({ length: 5 }, (_, j) => Math.fround(at(x, i, j)));
    expect([0, 1, 2, 3].map((i) => row(weight, i))).toEqual([1, 0, 2, 3].map((i) => row(state['embed.weight'], i)));
    expect([model.words.lookup('zzz'), model.words.lookup('b')]).toEqual([0, 3]);
    expect(predict(kernels, model, [['a', 'zzz']])[0].labels).toHaveLength(2);
  });

  test('may look words up in lower case', () => {
    const model = fromPlainStateDict(plain(), { words, labels, lowerCase: true });
    expect([model.words.lookup('A'), model.words.lookup('B')]).toEqual([2, 3]);
    expect(fromPlainStateDict(plain(), { words, labels }).words.lookup('A')).toBe(0);
  });

  test('may end in a CRF, from label to label', () => {
    const state = { ...plain(), ...chain() };
    const model = fromPlainStateDict(state, { words, labels });
    expect(model.config.heads[0].kind).toBe('crf');
    const { transitions, start } = model.params.heads.labels;
    expect(at(transitions, 0, 2)).toBe(Math.fround(at(state['crf.transitions'], 0, 2)));
    expect([...start.data]).toEqual([...state['crf.start_transitions'].data].map(Math.fround));
  });

  test.each<[string, StateDict, object, RegExp, new () => Error]>([
    ['a tensor without a place', { ...plain(), 'norm.weight': draw(5) }, {}, /1 more tensor, "norm\.weight", which a model/, DataError], // prettier-ignore
    ['no output layer', Object.fromEntries(Object.entries(plain()).slice(0, 5)), {}, /no output layer/, DataError],
    ['words of another number', plain(), { words: ['a', 'b'] }, /4 rows; expected as many words/, DataError],
    ['labels of another number', plain(), { labels: ['O'] }, /3 labels; got 1/, DataError],
    ['an unknown word that is none', plain(), { unknown: 'UNK' }, /"UNK" is not among the words/, ArgumentError],
    ['an unknown word beside <unk>', plain(), { unknown: '<pad>' }, /words has <unk>/, ArgumentError],
    ['an option that is none', plain(), { word: [] }, /word/, ArgumentError],
    [
      'half a CRF',
      { ...plain(), 'crf.start_transitions': draw(3) },
      {},
      /its CRF has no "crf\.end_transitions"/,
      DataError,
    ],
    ['two CRFs', { ...plain(), ...chain(), 'b.start_transitions': draw(3) }, {}, /several CRFs/, DataError],
    ['ignored names that are none', plain(), { ignore: ['x'] }, /it has no "x"/, DataError],
    ['a switch that is none', plain(), { lowerCase: 'yes' }, /lowerCase must be true or false/, ArgumentError],
    ['a name that is none', plain(), { crf: 3 }, /crf must be a string/, ArgumentError],
  ])('%s is told', (_, state, others, message, type) => {
    const read = () => fromPlainStateDict(state, { words, labels, ...others });
    expect(read).toThrow(type);
    expect(read).toThrow(message);
  });

  test('leaves out what is named', () => {
    const state = { ...plain(), 'norm.weight': draw(5) };
    expect(fromPlainStateDict(state, { words, labels, ignore: ['norm.weight'] }).labels.labels).toEqual(labels);
  });
});
