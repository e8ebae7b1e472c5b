/** An ONNX file as a model: one of this package, or of another program. */
import type { LoadOptions, Model } from '../../labeling/index.js';
import { expectWords } from '../../labeling/checks.js';
import { UNKNOWN } from '../../labeling/index.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectBytes } from './bytes.js';
import type { ForeignNames } from './foreign.js';
import { foreignModel } from './foreign.js';
import { isOwn, ownModel } from './own.js';
import { decodeOnnx } from './proto.js';

/** What a file does not hold: parts of your own; of another program also words and labels. */
export interface OnnxImportOptions extends LoadOptions {
  /** Of a file of another program: the words of the rows of its table, in order. */
  readonly words?: ForeignNames['words'];
  /** Of a file of another program: the labels of its scores, in order. */
  readonly labels?: ForeignNames['labels'];
  /** Whether words are looked up in lower case; default false. */
  readonly lowerCase?: ForeignNames['lowerCase'];
  /** The output of the graph that has the scores; default: the first one. */
  readonly output?: ForeignNames['output'];
  /** The word whose row stands for unknown words; null where there is none. Default: `<unk>`, where it is one of the words. */
  readonly unknown?: string | null;
  /**
   * Returns the bytes of a file beside the model in which its tensors lie, by the name that the model gives it: what `torch.onnx.export`
   * writes as `NAME.onnx.data`. The name is a stranger's word: look it up among the files you expect.
   */
  readonly external?: (location: string) => Uint8Array;
}

const KEYS = keysOf<OnnxImportOptions>({
  ...{ cell: true, encoders: true, heads: true },
  ...{ words: true, labels: true, unknown: true, lowerCase: true, output: true },
  external: true,
});

/** The options that a file of this package has no use for. */
const NAMES = ['words', 'labels', 'unknown', 'lowerCase', 'output'] as const;

/**
 * Reads an ONNX file. One that `exportOnnx` wrote gives the model it was made of, to the bit. One of another program may have a table of
 * word vectors (Gather), layers of LSTM, GRU or RNN, a dense layer with tanh, and a linear map (MatMul, Gemm, Add), with what moves axes
 * between them; words and labels come with the call, since such a file does not hold them.
 *
 * @throws DataError where the bytes are not an ONNX model or a damaged one, where a graph was changed after its export, and where a node
 *   has no counterpart, naming it and its operator; ArgumentError on options that are missing or do not go with the file;
 *   UnsupportedError where tensors lie in other files, and `external` is absent
 */
export function importOnnx(bytes: Uint8Array | ArrayBuffer, options: OnnxImportOptions = {}): Model {
  expectKnownKeys('importOnnx', 'options', options, KEYS);
  const { words, labels, unknown, lowerCase, output, external, ...own } = options;
  if (external !== undefined && typeof external !== 'function') throw new ArgumentError(`importOnnx: external must be a function of a file's name; got ${describe(external)}`); // prettier-ignore
  const file = decodeOnnx(expectBytes('importOnnx', bytes), external);
  if (isOwn(file)) {
    const idle = NAMES.find((name) => options[name] !== undefined);
    if (idle === undefined) return ownModel(file, own);
    throw new ArgumentError(
      `importOnnx: ${idle} is for files of other programs; this one holds its words and labels: leave it out`,
    );
  }
  for (const [name, list] of Object.entries({ words, labels })) {
    if (list === undefined) throw new ArgumentError(`importOnnx: this file of another program holds no ${name}: pass ${name}, a list in the order of its ids`); // prettier-ignore
    expectWords('importOnnx', name, list);
  }
  return foreignModel(file, { words: words!, labels: labels!, unknown: unknownOf(words!, unknown), lowerCase, output });
}

/** The word of unknown words: the one that is named, else `<unk>`. @throws ArgumentError where there is none */
function unknownOf(words: readonly string[], named: unknown): string | null {
  const unknown = named === undefined && words.includes(UNKNOWN) ? UNKNOWN : named;
  if (unknown === null || typeof unknown === 'string') return unknown;
  throw new ArgumentError(
    `importOnnx: none of the words is ${UNKNOWN}: pass unknown, the word that stands for unknown ones, or null where there is none`,
  );
}
