/** Models that between them have everything that an ONNX export writes: each cell and option, encoder, head and pooling. */
import type { WholeOptions } from './whole-models';
import { PERMITTED, SPAN_LABELS } from './whole-models';

/** Cells that are operators of ONNX. */
export const OPERATORS = [
  ...['lstm', 'gru', 'gru-reset-before', 'rnn', 'rnn-relu', 'lstm:peepholes', 'lstm:coupled', 'lstm:peepholes,coupled'],
  ...['lstm:clip=0.5', 'lstm:activations=HardSigmoid/Softsign/ScaledTanh(1.2;0.9)', 'gru:clip=0.4'],
  ...['gru:activations=HardSigmoid/Elu', 'gru-reset-before:activations=Affine(0.3;0.4)/LeakyRelu(0.2),clip=0.3'],
  ...['rnn:activation=Softplus,clip=0.7', 'rnn:activation=ThresholdedRelu(0.1)', 'rnn:activation=Relu,clip=0.9'],
];

/** Cells that are written step by step. */
export const SCANS = ['lstm:layernorm', 'gru:layernorm', 'lstm:projection=3'];

const poolings = ['last', 'mean', 'max', 'attention'].map((pooling) => ({ kind: 'sentence', name: pooling, pooling }));
const heads: WholeOptions['heads'] = [
  { kind: 'crf', name: 'ner', permitted: PERMITTED },
  { kind: 'crf', name: 'free' },
  { kind: 'softmax', name: 'masked', permitted: PERMITTED, scheme: 'IOBES', data: 'IOB1' },
  { kind: 'softmax', name: 'converted', scheme: 'IOBES', data: 'IOE2' },
  { kind: 'softmax', name: 'tags', column: 'upos' },
];

/** By name. */
export const CASES: Readonly<Record<string, WholeOptions>> = {
  ...Object.fromEntries([...OPERATORS, ...SCANS].map((cell) => [cell, { cell, hidden: [4, 3] }])),
  'one direction, clipped': { cell: 'gru:clip=0.4', bidirectional: false },
  'zoneout of an LSTM': { zoneout: { h: 0.1, c: 0.3 } },
  'zoneout of a GRU, one direction': { cell: 'gru', zoneout: { h: 0.2 }, bidirectional: false },
  'residual layers and a dense one': { hidden: [4, 4], residual: true, dense: 6 },
  'every encoder': { encoders: ['words', 'affixes', 'characters', 'vectors'], settings: { minCount: 2 } },
  'affixes, rare ones apart': { encoders: ['affixes'], settings: { affixMinCount: 2 } },
  'affixes, exact rows': { encoders: ['affixes'], settings: { affixRows: 'all', prefixes: 1 } },
  'characters by graphemes, a convolution': {
    encoders: ['characters', 'vectors'],
    settings: { characters: 'cnn', characterUnit: 'grapheme', characterSize: 5, vectorsDigits: 'keep' },
  },
  'a wide convolution': { encoders: ['characters'], settings: { characters: 'cnn', characterWindow: 7 } },
  'words in lower case': { encoders: ['words'], settings: { lowerCase: true, signatures: false } },
  'sentence heads': { heads: poolings },
  'sentence heads, one direction': { heads: poolings, bidirectional: false },
  'heads of tokens': { heads, labels: [SPAN_LABELS, ['x', 'y'], SPAN_LABELS, SPAN_LABELS] },
};
