/** Pretrained word vectors, and their coverage of a text. */
import { expectRecord } from '../../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, expectPositiveInteger, keysOf } from '../../../tensor/checks.js';
import { describe, typedArrayName } from '../../../tensor/describe.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { expectCorpus, expectWords } from '../../checks.js';
import type { Sentence } from '../sentence.js';
import type { FoundBy, VectorDigits } from './lookup.js';
import { vectorLookup, VECTOR_DIGITS } from './lookup.js';

/** Vectors by word. */
export interface WordVectors {
  /** D, the number of components of a vector. */
  readonly size: number;
  /** The word of every row; all distinct. A row `<unk>` is used for all tokens without a vector. */
  readonly words: readonly string[];
  /** `[words · D]`, row-major. */
  readonly values: Float32Array;
}

/** Requires vectors. @throws ArgumentError that says what is invalid */
export function expectVectors(where: string, name: string, vectors: unknown): asserts vectors is WordVectors {
  expectRecord(where, name, vectors, 'vectors, { size, words, values }, as readVectors returns');
  const { size, words, values } = vectors as Record<string, unknown>;
  expectPositiveInteger(where, `${name}.size`, size as number);
  expectWords(where, `${name}.words`, words);
  const expected = (words as readonly string[]).length * (size as number);
  if (typedArrayName(values) !== 'Float32Array') {
    throw new ArgumentError(`${where}: ${name}.values must be a Float32Array; got ${describe(values)}`);
  }
  const { length } = values as Float32Array;
  if (length === expected) return;
  throw new ArgumentError(
    `${where}: ${name}.values must have ${String(size)} numbers for each of ${(words as readonly string[]).length} words, ${expected}; got ${length}`,
  );
}

/** The total number, and how many were found in each way. */
export type CoverageCounts = Readonly<Record<FoundBy, number>> & { readonly total: number };

/** The coverage of a text by vectors. */
export interface VectorCoverage {
  /** Of distinct tokens. */
  readonly types: CoverageCounts;
  /** Of all tokens. */
  readonly tokens: CoverageCounts;
}

/** Options for looking up tokens. */
export interface CoverageOptions {
  /** The replacement for digits when a word is not found otherwise; default `keep`, none. */
  readonly digits?: VectorDigits;
}

const KEYS = keysOf<CoverageOptions>({ digits: true });

/**
 * Counts the tokens, and the distinct tokens, that have a vector.
 *
 * @throws ArgumentError on invalid vectors, sentences or options
 */
export function vectorCoverage(
  vectors: WordVectors,
  sentences: readonly Pick<Sentence, 'tokens'>[],
  options: CoverageOptions = {},
): VectorCoverage {
  expectVectors('vectorCoverage', 'vectors', vectors);
  expectCorpus('vectorCoverage', 'sentences', sentences);
  expectKnownKeys('vectorCoverage', 'options', options, KEYS);
  const { digits = 'keep' } = options;
  expectOneOf('vectorCoverage', 'digits', digits, VECTOR_DIGITS);
  const lookup = vectorLookup(vectors.words, digits);
  const counts = new Map<string, number>();
  for (const { tokens } of sentences) for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  const [types, tokens] = [emptyCounts(), emptyCounts()];
  for (const [token, count] of counts) {
    const { by } = lookup(token);
    types.total += 1;
    tokens.total += count;
    if (by === undefined) continue;
    types[by] += 1;
    tokens[by] += count;
  }
  return { types, tokens };
}

const emptyCounts = () => ({ total: 0, exact: 0, lowerCase: 0, digits: 0 });
