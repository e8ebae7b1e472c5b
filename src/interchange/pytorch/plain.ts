/** Builds a model from the state dict of any PyTorch tagger, plus the words and labels that a state dict does not contain. */
import type { PyTorchModel, PyTorchOptions } from '../../inspect/index.js';
import { fromPyTorch } from '../../inspect/index.js';
import { mapParams } from '../../inspect/numbers.js';
import { expectWords } from '../../labeling/checks.js';
import { UNKNOWN, vocabularyFromJson } from '../../labeling/data/vocabulary.js';
import { wordReader } from '../../labeling/model/encoders/words.js';
import { crfConfig } from '../../labeling/model/heads/crf.js';
import { loadModel, saveModel } from '../../labeling/model/file.js';
import type { Model } from '../../labeling/model/model.js';
import { createModel } from '../../labeling/model/model.js';
import { expectRecord, expectTensors } from '../../tensor/arguments.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { quoted } from '../../tensor/visible.js';
import { flatCopy, viewOf } from '../../tensor/view.js';
import type { StateDict } from './state-dict.js';
import { broken } from './state-dict.js';

/** Information about a tagger that a state dict does not contain. */
export interface StateDictNames extends Pick<PyTorchOptions, 'cell' | 'prefix' | 'embedding' | 'output'> {
  /** The words of the embedding's rows, in order. */
  readonly words: readonly string[];
  /** The labels of the output layer, in order. */
  readonly labels: readonly string[];
  /** The word that represents unknown words; default `<unk>` or `[UNK]` if it is in the list, else the first word. */
  readonly unknown?: string;
  /** Whether words are looked up in lower case; default false. */
  readonly lowerCase?: boolean;
  /**
   * Prefix of the transition scores of a CRF, `start_transitions`, `end_transitions`, `transitions` (from, to), as in
   * pytorch-crf; default: detected.
   */
  readonly crf?: string;
  /** Names of tensors to ignore. */
  readonly ignore?: readonly string[];
}

const KEYS = keysOf<StateDictNames>({
  ...{ words: true, labels: true, unknown: true, lowerCase: true, crf: true, ignore: true },
  ...{ cell: true, prefix: true, embedding: true, output: true },
});

/**
 * Returns the model in a state dict: a word embedding, RNN, LSTM or GRU layers, a linear layer, and transition scores if there
 * are any. No weight is initialized at random, and no tensor is left out unless it is named in `ignore`.
 *
 * @param state as returned by `readStateDict`
 * @throws DataError if a part is missing, a tensor is unused, or the words do not fit the embedding
 */
export function fromPlainStateDict(state: Readonly<StateDict>, names: StateDictNames): Model {
  expectTensors('fromPlainStateDict', 'state', state);
  expectNames(names);
  const { words, labels, unknown = defaultUnknown(words), lowerCase = false, ignore = [], crf, ...others } = names;
  const kept = without(state, ignore);
  const chain = chainIn(kept, crf);
  const rest = without(kept, chain?.names ?? []);
  const { rows, ordered } = unknownFirst(words, unknown);
  const read = fromPyTorch(rest, [], { ...others, words: ordered, labels });
  expectWhole(read, rest);
  const weight = reordered(read.params.encoders.words.weight, rows);
  const vocabulary = vocabularyFromJson({
    lowerCase,
    minCount: 1,
    words: ordered.slice(1),
    rare: [],
    signatures: null,
  });
  const head = chain ? crfConfig(labels.length) : read.config.heads[0];
  const { labels: output } = read.params.heads;
  const model = createModel({
    config: { ...read.config, heads: [head] },
    params: { ...read.params, encoders: { words: { weight } }, heads: { labels: { ...output, ...chain?.tensors } } },
    readers: [wordReader(vocabulary)],
    labels: [read.labels],
  });
  const params = mapParams(model.params, (x) => viewOf(flatCopy(x, 'float32'), x.shape));
  return loadModel(saveModel({ ...model, params })); // every check of a file
}

function expectNames(names: StateDictNames): void {
  expectRecord('fromPlainStateDict', 'names', names, '{ words, labels }');
  expectKnownKeys('fromPlainStateDict', 'names', names, KEYS);
  for (const name of ['words', 'labels', 'ignore'] as const) {
    if (name !== 'ignore' || names.ignore !== undefined) expectWords('fromPlainStateDict', name, names[name]);
  }
  for (const name of ['unknown', 'crf'] as const) {
    if (names[name] === undefined || typeof names[name] === 'string') continue;
    throw new ArgumentError(`fromPlainStateDict: ${name} must be a string; got ${describe(names[name])}`);
  }
  const { lowerCase } = names;
  if (lowerCase !== undefined && typeof lowerCase !== 'boolean')
    throw new ArgumentError(`fromPlainStateDict: lowerCase must be true or false; got ${describe(lowerCase)}`);
}

function without(state: Readonly<StateDict>, names: readonly string[]): StateDict {
  const missing = names.find((name) => !Object.hasOwn(state, name));
  if (missing !== undefined) throw broken(`it has no ${quoted(missing)}: correct the names`);
  return Object.fromEntries(Object.entries(state).filter(([name]) => !names.includes(name)));
}

/** Spellings of the unknown word: the one of this package, and the one of Keras lookup layers and BERT vocabularies. */
const UNKNOWNS = [UNKNOWN, '[UNK]'];

/** Whether a word is a spelling of the unknown word. */
export const isUnknown = (word: string): boolean => UNKNOWNS.includes(word);

/** The default unknown word: the first with one of these spellings, else the first word. */
export const defaultUnknown = (words: readonly string[]): string =>
  UNKNOWNS.find((each) => words.includes(each)) ?? words[0];

/** The words, unknown word first, and the row of each. */
function unknownFirst(words: readonly string[], unknown: string): { rows: number[]; ordered: string[] } {
  const at = words.indexOf(unknown);
  if (at < 0) throw new ArgumentError(`the unknown word ${quoted(unknown)} is not among the words: choose one of them`);
  if (unknown !== UNKNOWN && words.includes(UNKNOWN))
    throw new ArgumentError(
      `words has ${UNKNOWN}, which is the unknown word here: leave unknown out, or rename the word`,
    );
  const rows = [at, ...words.map((_, i) => i).filter((i) => i !== at)];
  return { rows, ordered: rows.map((i) => words[i]) };
}

function reordered(weight: Tensor, rows: readonly number[]): Tensor {
  const [V, E] = weight.shape;
  const [from, to] = [flatCopy(weight, 'float32'), new Float32Array(V * E)];
  rows.forEach((row, i) => to.set(from.subarray(row * E, (row + 1) * E), i * E));
  return viewOf(to, [V, E]);
}

/** Checks that no weight was initialized at random and no tensor is unused. */
function expectWhole({ drawn, used }: PyTorchModel, state: Readonly<StateDict>): void {
  if (drawn.length > 0) throw broken(`it has no ${drawn.join(' and no ')}: choose the matrix with embedding or output`);
  const left = Object.keys(state).filter((name) => !used.includes(name));
  if (left.length === 0) return;
  const list = left.slice(0, 8).map((name) => quoted(name)).join(', '); // prettier-ignore
  throw broken(
    `it has ${left.length} more tensor${left.length > 1 ? 's' : ''}, ${list}${left.length > 8 ? ' …' : ''}, which a model of embedding, recurrent layers and output cannot hold: it would compute something else; list them in ignore if they have no effect`,
  );
}

const CHAIN = { start: 'start_transitions', end: 'end_transitions', transitions: 'transitions' } as const;

interface Chain {
  readonly names: readonly string[];
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** The transition scores of a CRF, if there are any. */
function chainIn(state: Readonly<StateDict>, given?: string): Chain | undefined {
  const end = CHAIN.start;
  const found = Object.keys(state).filter((name) => name === end || name.endsWith(`.${end}`));
  if (given === undefined && found.length > 1)
    throw broken(`it has several CRFs, ${found.join(', ')}: choose one with crf`);
  const prefix = given ?? found[0]?.slice(0, -end.length);
  if (prefix === undefined) return undefined;
  const names = Object.values(CHAIN).map((name) => prefix + name);
  const missing = names.find((name) => !Object.hasOwn(state, name));
  if (missing !== undefined) throw broken(`its CRF has no ${quoted(missing)}: correct crf`);
  return { names, tensors: Object.fromEntries(Object.keys(CHAIN).map((own, i) => [own, state[names[i]]])) };
}
