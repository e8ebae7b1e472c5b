/** Untrained models with any encoders, layers and heads, every parameter drawn: so that none is left out without a difference. */
import { flatten } from '../../src/autograd/grads';
import { labelsFromJson, createModel, initNetwork, networkOf, permittedTransitions } from '../../src/labeling/index';
import type { Model, Sentence } from '../../src/labeling/index';
import type { OwnParts } from '../../src/labeling/model/network';
import { encoderKinds } from '../../src/labeling/model/encoders/index';
import type { EncoderSettings } from '../../src/labeling/model/encoders/encoder';
import { maskText } from '../../src/labeling/model/heads/decoding';
import { createRng } from '../../src/tensor/index';

/** What a model has. */
export interface WholeOptions {
  readonly cell?: string;
  readonly hidden?: readonly number[];
  readonly bidirectional?: boolean;
  readonly residual?: true;
  readonly dense?: number;
  readonly zoneout?: Readonly<Record<string, number>>;
  readonly encoders?: readonly string[];
  readonly settings?: Partial<EncoderSettings>;
  readonly heads?: readonly Readonly<Record<string, string>>[];
  readonly labels?: readonly (readonly string[])[];
  readonly own?: OwnParts;
  readonly ownCell?: true;
  readonly seed?: number;
}

/** Sentences of different lengths, with words that spelling has to look at: capitals, digits, marks, emoji, a long one. */
export const SENTENCES: readonly Sentence[] = [
  'Ann Lee met Bo in Århus on 17 May .',
  'e\u0301tude étude ÉTUDE 1980’erne self-made U.S. EU',
  'one',
  `👩‍👩‍👧 ${'æøå'.repeat(30)} ${'x'.repeat(70)} ภาษา Straße İstanbul`,
  'the the the dog dog saw saw a a cat cat',
  'a_b 3,14 ΣΊΣΥΦΟΣ 中文 分词 <unk>',
].map((text) => ({ tokens: text.split(' ') }));

/** Sentences none of whose words training has, and some with one. */
export const OTHERS: readonly (readonly string[])[] = [
  'Zoe Kay ran 42 self-taught miles'.split(' '),
  ['DOG', '', 'a\u030Arhus'],
  ['cat'],
  'the U.K. met 1990’erne in Aarhus with ภา 👩‍👩‍👧 👍🏽 Étude'.split(' '),
];

const VECTORS = {
  size: 3,
  words: ['the', 'dog', 'Århus', 'a_b', '0', '00', 'étude'],
  values: Float32Array.from({ length: 21 }, (_, i) => Math.fround(((i * 37) % 19) / 7 - 1)),
};

const SETTINGS: EncoderSettings = {
  ...{ embedding: 5, minCount: 1, lowerCase: false, signatures: true },
  ...{ affixSize: 4, affixRows: 50, prefixes: 2, suffixes: 3 },
  ...{ characters: 'lstm', characterUnit: 'code-point', characterEmbedding: 3, characterSize: 6, characterWindow: 4 },
  ...{ vectors: VECTORS, vectorsSize: 7, vectorsMode: 'frozen', vectorsDigits: '0' },
};

/** Labels of a head whose scheme is IOBES. */
export const SPAN_LABELS = ['O', 'B-PER', 'I-PER', 'E-PER', 'S-PER', 'S-LOC', 'B-LOC', 'I-LOC', 'E-LOC'];

/** The transitions that IOBES permits between them, as a configuration has them. */
export const PERMITTED = maskText(permittedTransitions('IOBES', SPAN_LABELS));

/** A model. */
export function wholeModel(options: WholeOptions = {}): Model {
  const { cell = 'lstm', hidden = [4], bidirectional = true, own = {}, seed = 1 } = options;
  const { encoders = ['words'], heads = [{ kind: 'softmax', name: 'labels' }], settings = {} } = options;
  const labels = heads.map((_, h) => labelsFromJson([...(options.labels?.[h] ?? ['N', 'V', 'X'])]));
  const built = encoders.map((kind) => encoderKinds[kind as 'words'].build(SENTENCES, { ...SETTINGS, ...settings }));
  const { residual, dense, zoneout, ownCell } = options;
  const extras = { ...(residual && { residual }), ...(dense && { dense }), ...(zoneout && { zoneout }) };
  const config = {
    encoders: built.map((each) => each.config),
    body: { cell, ...(ownCell && { ownCell }), hidden, bidirectional, dropout: 0, ...extras },
    heads: heads.map((head, h) => ({ ...head, size: labels[h].size }) as never),
  };
  const initial = Object.fromEntries(encoders.map((kind, i) => [kind, built[i].initial ?? {}]));
  const params = initNetwork(networkOf(config, own), createRng(seed).split('init'), initial as never);
  drawn(params as never, seed);
  return createModel({ config, params, readers: built.map((each) => each.reader), labels }, own);
}

/** Adds to every element a number of (−½, ½), by a generator of its own. */
function drawn(params: Parameters<typeof flatten>[0], seed: number): void {
  let state = seed;
  for (const { data } of Object.values(flatten(params))) {
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] += state / 2 ** 32 - 0.5;
    }
  }
}
