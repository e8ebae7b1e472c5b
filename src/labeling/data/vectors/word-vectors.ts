/** Pretrained vectors of words, and how much of a text they cover. */
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
  /** D, the components of a vector. */
  readonly size: number;
  /** The word of every row; each once. A row `<unk>` is that of all tokens without a vector. */
  readonly words: readonly string[];
  /** `[words · D]`, row-major. */
  readonly values: Float32Array;
}

/** Requires vectors. @throws ArgumentError that says what of them is something else */
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

/** How many there are, and how many were found, each by what. */
export type CoverageCounts = Readonly<Record<FoundBy, number>> & { readonly total: number };

/** What vectors say of a text. */
export interface VectorCoverage {
  /** Of different tokens. */
  readonly types: CoverageCounts;
  /** Of all tokens. */
  readonly tokens: CoverageCounts;
}

/** How tokens are looked up. */
export interface CoverageOptions {
  /** What digits are replaced by where a word is not found otherwise; default `keep`, nothing. */
  readonly digits?: VectorDigits;
}

const KEYS = keysOf<CoverageOptions>({ digits: true });

/**
 * How many of the tokens, and of the different ones, have a vector.
 *
 * @throws ArgumentError on vectors, sentences or an option that are something else
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
