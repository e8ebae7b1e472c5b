/**
 * The affix encoder: a vector from the spelling of a word. Prefixes, suffixes, the shape and the word in lower case are mapped to rows of
 * one table, hashed or exact (`data/affixes.ts`), and a token's vector is the sum of its k rows. Words that are absent from the training data have one too.
 *
 *   Forward    (1)  q[n,j] = rare[j] with probability p, else r[n,j]      affix dropout, in training only: of a token all telling columns, or none
 *              (2)  y[n] = Σ_j table[q_{n,j}]          r, q [N,k]   table [R,E]   y [N,E]
 *   Backward   (2)  dtable[q_{n,j}] += dy[n]
 *
 * Telling columns are affixes of at least four characters, and the lower-case word. A hidden column reads as it would for a new word.
 */
import type { Kernels } from '../../../kernels/types.js';
import type { EmbeddingParams } from '../../../layers/embedding.js';
import { wordDropout } from '../../../layers/dropout.js';
import { embeddingBagBackward, embeddingBagForward, initEmbeddingBag } from '../../../layers/embedding-bag.js';
import { expectRecord, isRecord } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { show } from '../../../tensor/describe.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { brief } from '../../../serialize/unique-json.js';
import { affixCount, affixHasher, knownAffixes, rareRows, tellingColumns } from '../../data/affixes.js';
import type { IntegerRows } from '../../data/features.js';
import { rowsOf } from '../../data/features.js';
import { expectSize, malformed } from '../../data/read-back.js';
import { remembering } from '../../data/remembering.js';
import { expectWords } from '../../checks.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  Noise,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  TokenReader,
} from './encoder.js';

/** Sizes of the affix encoder. */
export interface AffixConfig extends EncoderConfig {
  readonly kind: 'affixes';
  /** R, rows of the table. */
  readonly rows: number;
  /** Prefixes of 1, 2, … up to this many characters, 0 … 10. */
  readonly prefixes: number;
  /** Suffixes of 1, 2, … up to this many characters, 0 … 10. */
  readonly suffixes: number;
  /** Whether every value that the reader knows has a row of its own; absent if values are hashed to rows. */
  readonly exact?: true;
}

/** A token as rows of the table. */
type AffixFeatures = Readonly<Record<'rows', IntegerRows>>;

interface AffixPass extends EncoderPass {
  readonly rows: IntegerRows;
}

const LONGEST_AFFIX = 10;

/** The hash that turns affixes into rows, recorded in the reader's JSON. With another hash a saved table would be read wrongly. */
const HASHING = 'fnv1a-murmur3';

/** With exact rows, a name that versions without them refuse. */
const hashingOf = ({ exact }: Pick<AffixConfig, 'exact'>): string => HASHING + (exact ? '-exact' : '');

/** Requires a number of prefixes, or of suffixes. @throws ArgumentError */
export function expectAffixes(where: string, name: string, count: unknown): void {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= LONGEST_AFFIX) return;
  throw new ArgumentError(`${where}: ${name} must be an integer of 0 … ${LONGEST_AFFIX}; got ${show(count)}`);
}

/** What is read from a word, and the number of rows. @inline */
type Columns = Pick<AffixConfig, 'rows' | 'prefixes' | 'suffixes' | 'exact'>;

/** @throws ArgumentError naming the invalid size */
function expectAffixColumns(where: string, columns: Columns): void {
  expectRecord(where, 'affixes', columns, '{ rows, prefixes, suffixes }');
  expectPositiveInteger(where, 'affixes.rows', columns.rows);
  for (const name of ['prefixes', 'suffixes'] as const) expectAffixes(where, `affixes.${name}`, columns[name]);
}

/**
 * Returns the sizes of an affix encoder with R rows of E components.
 *
 * @throws ArgumentError naming the invalid size
 */
export function affixConfig(sizes: Columns & Pick<AffixConfig, 'width'>): AffixConfig {
  expectAffixColumns('model', sizes);
  const { width, rows, prefixes, suffixes, exact } = sizes;
  expectPositiveInteger('model', 'affixes.width', width);
  return { kind: 'affixes', width, rows, prefixes, suffixes, ...(exact && { exact }) };
}

/** The inference half. */
function inferenceLayer(sizes: AffixConfig): InferenceEncoderLayer<AffixPass> {
  const config = affixConfig(sizes);
  return {
    config,
    shapes: { table: [config.rows, config.width] },
    contextFree: true,
    forward(kernels, { table }, { rows }: AffixFeatures) {
      const { values, columns } = expectColumns(rows, config);
      return { rows, y: embeddingBagForward(kernels, { weight: table }, values, columns) }; // (2)
    },
  };
}

/** The inference half plus what training needs. */
function trainingLayer(config: AffixConfig): EncoderLayer<AffixPass> {
  const { width: E, rows: R } = config;
  const inference = inferenceLayer(config);
  const k = affixCount(config);
  const hide = hider(config);
  return {
    ...inference,
    sparse: ['table'],
    rowsPerToken: k,
    floatsPerToken: 3 * E,
    initialize: (rng) => ({ table: initEmbeddingBag(R, E, k, rng.split('affixes')).weight }),
    forward(kernels, params, { rows }: AffixFeatures, noise) {
      return inference.forward(kernels, params, {
        rows: noise ? hide(kernels, expectColumns(rows, config), noise) : rows,
      });
    },
    backward(kernels, _params, { rows }, dY, { table }) {
      embeddingBagBackward(kernels, rows.values, k, dY, { weight: table } as EmbeddingParams); // (2)
    },
  };
}

/** Returns a function that applies affix dropout to the rows of tokens (1). */
function hider(config: AffixConfig): (kernels: Kernels, rows: IntegerRows, noise: Noise) => IntegerRows {
  const [k, rare, telling] = [affixCount(config), rareRows(config), tellingColumns(config)];
  return (kernels, rows, { affixDropout: p = 0, key, places }) => {
    if (p === 0) return rows;
    const shown = wordDropout(kernels, new Int32Array(rows.values.length / k).fill(1), p, 0, key, places);
    const values = rows.values.slice();
    shown.forEach((isShown, n) => {
      if (isShown === 0) for (const j of telling) values[n * k + j] = rare[j];
    });
    return { columns: k, values };
  };
}

/** Requires as many rows per token as the encoder reads affixes, because the rows of another encoder mean something else. */
function expectColumns(rows: IntegerRows, config: AffixConfig): IntegerRows {
  const k = affixCount(config);
  if (rows.columns === k) return rows;
  throw new ArgumentError(`model: the encoder affixes needs ${k} integers per token; got ${show(rows.columns)}`);
}

/** The values that are frequent enough, if there is a cut-off. */
export interface KnownAffixes {
  /** Values that occur fewer times are rare. */
  readonly minCount: number;
  /** Hashes of the frequent values, in ascending order. */
  readonly known: readonly number[];
}

/**
 * Returns a reader of affixes.
 *
 * @param cutOff which values are frequent enough; by default all. Exact rows need it, one known value for each row after the first k
 * @throws ArgumentError naming an invalid number; DataError if exact rows are not as many as known values
 */
export function affixReader(config: Columns, cutOff?: KnownAffixes): TokenReader {
  expectAffixColumns('affixReader', config);
  const k = affixCount(config);
  if (config.exact) expectSize(config.rows - k, cutOff?.known.length ?? 0, 'known affixes');
  const rowsOfToken = remembering(affixHasher(config, cutOff?.known));
  return {
    read(tokens) {
      expectWords('model', 'tokens', tokens);
      return { rows: rowsOf(k, tokens.map(rowsOfToken)) };
    },
    toJSON: () => ({ hashing: hashingOf(config), ...cutOff }),
  };
}

/** Restores the reader of a saved model. @throws DataError if its rows were made with another hash, or its list of values is invalid */
function restore(json: unknown, config: EncoderConfig): TokenReader {
  const { hashing, minCount, known } = isRecord(json) ? json : {};
  const own = config as AffixConfig;
  const expected = hashingOf(own);
  if (hashing === expected) return affixReader(own, cutOffOf(minCount, known));
  throw new DataError(`model: expected readers.affixes.hashing to be ${expected}; got ${brief(hashing)}: update bptt`);
}

/** @throws DataError naming the invalid field */
function cutOffOf(minCount: unknown, known: unknown): KnownAffixes | undefined {
  if (minCount === undefined && known === undefined) return undefined;
  const rises = (hash: unknown, i: number, all: unknown[]): boolean =>
    Number.isInteger(hash) && (hash as number) > ((all[i - 1] as number | undefined) ?? -1);
  if (!(Number.isSafeInteger(minCount) && (minCount as number) > 0))
    throw malformed('model', 'readers.affixes.minCount', 'an integer of at least 1', minCount);
  if (Array.isArray(known) && known.every(rises) && !(known.at(-1) >= 2 ** 32))
    return { minCount: minCount as number, known: known as number[] };
  throw malformed('model', 'readers.affixes.known', 'integers below 2^32 in rising order', known);
}

/** The half that a tagger bundles. */
export const inferenceAffixes: InferenceEncoderKind = {
  kind: 'affixes',
  layer: (config) => inferenceLayer(config as AffixConfig),
  restore,
};

/** Hashed prefixes, suffixes, shape and lower case. */
export const affixes: EncoderKind = {
  kind: 'affixes',
  layer: (config) => trainingLayer(config as AffixConfig) as EncoderLayer,
  build(sentences, { affixSize, affixRows, prefixes, suffixes, affixMinCount: minCount = 1 }) {
    const exact = affixRows === 'all';
    const columns = { prefixes, suffixes };
    const cutOff = exact || minCount > 1 ? { minCount, known: knownAffixes(sentences, columns, minCount) } : undefined;
    const rows = exact ? affixCount(columns) + cutOff!.known.length : affixRows;
    const config = affixConfig({ width: affixSize, rows, ...columns, ...(exact && { exact }) });
    return { reader: affixReader(config, cutOff), config };
  },
  restore,
};
