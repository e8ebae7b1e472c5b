/** Imports an ONNX file written by this package or by another program. */
import type { LoadOptions, Model } from '../../labeling/index.js';
import { expectWords } from '../../labeling/checks.js';
import { UNKNOWN } from '../../labeling/index.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { describe } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectBytes } from '../../serialize/bytes.js';
import type { ForeignNames } from './foreign.js';
import { foreignModel } from './foreign.js';
import { isOwn, ownModel } from './own.js';
import { decodeOnnx } from './proto.js';

/** Information that a file does not contain: custom parts, and, for a file from another program, words and labels. */
export interface OnnxImportOptions extends LoadOptions {
  /** For a file from another program: the words of its embedding table, in row order. */
  readonly words?: ForeignNames['words'];
  /** For a file from another program: the labels of its scores, in order. */
  readonly labels?: ForeignNames['labels'];
  /** Whether words are looked up in lower case; default false. */
  readonly lowerCase?: ForeignNames['lowerCase'];
  /** Name of the graph output that holds the scores; default: the first output. */
  readonly output?: ForeignNames['output'];
  /** The word whose row is used for unknown words; null if there is none. Default: `<unk>`, if it is one of the words. */
  readonly unknown?: string | null;
  /**
   * Returns the bytes of an external tensor file, given the name that the model uses for it; `torch.onnx.export` writes such
   * files as `NAME.onnx.data`. The name is untrusted input: look it up among the files you expect.
   */
  readonly external?: (location: string) => Uint8Array;
}

const KEYS = keysOf<OnnxImportOptions>({
  ...{ cell: true, encoders: true, heads: true },
  ...{ words: true, labels: true, unknown: true, lowerCase: true, output: true },
  external: true,
});

/** The options that do not apply to a file from this package. */
const NAMES = ['words', 'labels', 'unknown', 'lowerCase', 'output'] as const;

/**
 * Reads an ONNX file. A file that `exportOnnx` wrote gives the original model, bit for bit. A file from another program may
 * contain an embedding table (Gather), LSTM, GRU or RNN layers, a dense layer with tanh, and a linear map (MatMul, Gemm, Add),
 * with operators between them that move axes. Pass words and labels for such a file, since it does not contain them.
 *
 * @throws DataError if the bytes are not an ONNX model, or a damaged one; if a graph was changed after its export; or if a node
 *   is unsupported, naming it and its operator. ArgumentError on options that are missing or do not apply to the file.
 *   UnsupportedError if tensors are stored in other files and `external` is absent
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

/** Returns the unknown word: the one given, else `<unk>`. @throws ArgumentError if there is none */
function unknownOf(words: readonly string[], named: unknown): string | null {
  const unknown = named === undefined && words.includes(UNKNOWN) ? UNKNOWN : named;
  if (unknown === null || typeof unknown === 'string') return unknown;
  throw new ArgumentError(
    `importOnnx: none of the words is ${UNKNOWN}: pass unknown, the word that stands for unknown ones, or null if there is none`,
  );
}
