/** Creates a model before training, with the weights that `train` starts from for the same seed, sizes and words. */
import { cellNamed, cells } from '../cells/index.js';
import { expectSentence } from '../labeling/checks.js';
import { labelsFromJson } from '../labeling/data/labels.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { words } from '../labeling/model/encoders/words.js';
import { headKinds } from '../labeling/model/heads/index.js';
import type { Model } from '../labeling/model/model.js';
import { createModel } from '../labeling/model/model.js';
import { cellConfig, initNetwork, isOfName, networkOf } from '../labeling/model/network.js';
import type { Cell } from '../cells/cell.js';
import { expectList } from '../tensor/arguments.js';
import {
  expectKnownKeys,
  expectNonNegativeInteger,
  expectOneOf,
  expectPositiveInteger,
  keysOf,
} from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { createRng } from '../tensor/random.js';
import { columns } from '../tensor/view.js';
import { fill } from '../tensor/rows.js';
import type { InitializationTrace, ModelTrace } from './trace.js';

/** A model with a record of where its weights come from. */
export type ReadableModel = Model & { readonly origin: Origin };

/** Where the weights come from. */
export interface Origin {
  readonly source: ModelTrace['source'];
  readonly initialization: InitializationTrace | null;
}

/** The model to initialize; every option has a default. */
export interface UntrainedOptions {
  /** A built-in cell by name, or a custom cell; default `lstm`. */
  readonly cell?: string | Cell;
  /** H per direction; default 16. */
  readonly hidden?: number;
  /** E; default 16. */
  readonly embedding?: number;
  /** Number of recurrent layers; default 1. */
  readonly layers?: number;
  readonly bidirectional?: boolean;
  /** `tag`, a label for every word (default), or `classify`, one label for the sentence, from its last state. */
  readonly task?: 'tag' | 'classify';
  /** Labels; default: those of the sentences, else the 17 universal parts of speech. */
  readonly labels?: readonly string[];
  /** Bias of an LSTM's forget gate; default 1. */
  readonly forgetBias?: number;
  /** Default 1. */
  readonly seed?: number;
}

const KEYS = keysOf<UntrainedOptions>({
  cell: true,
  hidden: true,
  embedding: true,
  layers: true,
  bidirectional: true,
  task: true,
  labels: true,
  forgetBias: true,
  seed: true,
});

/** The universal parts of speech (de Marneffe et al. 2021, Universal Dependencies, table 3). */
const UPOS = 'ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X'.split(' ');

/**
 * Returns an untrained model whose vocabulary is the words of the given sentences.
 *
 * @param sentences supply the vocabulary, and the label set if they have labels
 * @throws ArgumentError on an unknown cell or an impossible size
 */
export function untrained(sentences: readonly Sentence[], options: UntrainedOptions = {}): ReadableModel {
  expectList('untrained', 'sentences', sentences, 'sentences, each { tokens }');
  sentences.forEach((each, i) => expectSentence('untrained', `sentences[${i}]`, each));
  expectKnownKeys('untrained', 'options', options, KEYS);
  const {
    cell = 'lstm',
    hidden = 16,
    embedding = 16,
    layers = 1,
    bidirectional = false,
    task = 'tag',
    seed = 1,
  } = options;
  expectOneOf('untrained', 'task', task, ['tag', 'classify']);
  expectPositiveInteger('untrained', 'layers', layers);
  expectPositiveInteger('untrained', 'embedding', embedding);
  expectNonNegativeInteger('untrained', 'seed', seed);
  if (typeof cell === 'string' && !cellNamed(cell)) expectOneOf('untrained', 'cell', cell, Object.keys(cells));
  const own = typeof cell === 'string' || isOfName(cell) ? {} : { cell };
  const labels = labelsFromJson(labelsFor(sentences, task, options.labels));
  const read = words.build(sentences, { embedding, minCount: 1, lowerCase: false, signatures: false });
  const body = { ...cellConfig(cell), hidden: new Array<number>(layers).fill(hidden), bidirectional, dropout: 0 };
  const head = headKinds[task === 'tag' ? 'softmax' : 'sentence'].configure(labels.size, { pooling: 'last' });
  const config = { encoders: [read.config], body, heads: [head] };
  const params = initNetwork(networkOf(config, own), createRng(seed).split('init'));
  const model = createModel({ config, params, readers: [read.reader], labels: [labels] }, own);
  const forgetBias = biasForgetting(model, options.forgetBias);
  return { ...model, origin: { source: 'untrained', initialization: { seed, forgetBias } } };
}

function labelsFor(sentences: readonly Sentence[], task: string, given?: readonly string[]): string[] {
  if (given !== undefined) {
    expectList('untrained', 'labels', given, 'strings');
    return [...given];
  }
  const found = sentences.flatMap(({ labels = [], category }) =>
    task === 'tag' ? labels : category ? [category] : [],
  );
  return found.length > 0 ? [...new Set(found)] : UPOS;
}

/** Sets the bias of the forget gates. @returns it, null for a cell without one */
function biasForgetting({ config, own, params }: Model, bias?: number): number | null {
  const { layers } = networkOf(config, own);
  const [{ cell }] = layers;
  const gate = cell.name === 'lstm' ? cell.gateNames.indexOf('f') : -1;
  if (gate < 0) {
    if (bias === undefined) return null;
    throw new ArgumentError(`untrained: forgetBias is for the cell lstm; got it for '${cell.name}': leave it out`);
  }
  if (bias === undefined) return 1;
  if (!Number.isFinite(bias)) throw new ArgumentError(`untrained: forgetBias must be a finite number; got ${bias}`);
  params.layers.forEach((layer, l) => {
    const { hidden } = layers[l];
    for (const { b } of Object.values(layer)) {
      fill(columns({ ...b, shape: [1, b.shape[0]], stride: [b.shape[0], b.stride[0]] }, gate * hidden, hidden), bias);
    }
  });
  return bias;
}
