/**
 * The affix encoder: what the spelling of a word says of it. Prefixes, suffixes, the shape and the word in lower case are hashed to
 * rows of one table (`data/affixes.ts`), and a token's vector is the sum of its k rows. Words that training never saw have one too.
 *
 *   Forward    (1)  y[n] = Σ_j table[r_{n,j}]          r [N,k]   table [R,E]   y [N,E]
 *   Backward   (1)  dtable[r_{n,j}] += dy[n]
 */
import type { EmbeddingParams } from '../../../layers/embedding.js';
import { embeddingBagBackward, embeddingBagForward, initEmbeddingBag } from '../../../layers/embedding-bag.js';
import { expectRecord, isRecord } from '../../../tensor/arguments.js';
import { expectPositiveInteger } from '../../../tensor/checks.js';
import { show } from '../../../tensor/describe.js';
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import { brief } from '../../../serialize/unique-json.js';
import { affixCount, affixHasher } from '../../data/affixes.js';
import type { IntegerRows } from '../../data/features.js';
import { rowsOf } from '../../data/features.js';
import { remembering } from '../../data/remembering.js';
import { expectWords } from '../../checks.js';
import type {
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  TokenReader,
} from './encoder.js';

/** Sizes of the affix encoder. */
export interface AffixConfig extends EncoderConfig {
  readonly kind: 'affixes';
  /** R, rows of the table. */
  readonly rows: number;
  /** Prefixes of 1, 2, … so many characters, 0 … 10. */
  readonly prefixes: number;
  /** Suffixes of 1, 2, … so many characters, 0 … 10. */
  readonly suffixes: number;
}

/** A token as rows of the table. */
type AffixFeatures = Readonly<Record<'rows', IntegerRows>>;

interface AffixPass extends EncoderPass {
  readonly rows: IntegerRows;
}

const LONGEST_AFFIX = 10;

/** What the reader's JSON says: which hash makes rows of affixes. Another one would read a saved table wrongly. */
const HASHING = 'fnv1a-murmur3';

/** Requires a number of prefixes, or of suffixes. @throws ArgumentError */
export function expectAffixes(where: string, name: string, count: unknown): void {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= LONGEST_AFFIX) return;
  throw new ArgumentError(`${where}: ${name} must be an integer of 0 … ${LONGEST_AFFIX}; got ${show(count)}`);
}

/** What is read of a word, and how many rows there are. @inline */
type Columns = Pick<AffixConfig, 'rows' | 'prefixes' | 'suffixes'>;

/** @throws ArgumentError naming the one that is impossible */
function expectAffixColumns(where: string, columns: Columns): void {
  expectRecord(where, 'affixes', columns, '{ rows, prefixes, suffixes }');
  expectPositiveInteger(where, 'affixes.rows', columns.rows);
  for (const name of ['prefixes', 'suffixes'] as const) expectAffixes(where, `affixes.${name}`, columns[name]);
}

/**
 * The sizes of an affix encoder with R rows of E components.
 *
 * @throws ArgumentError naming the one that is impossible
 */
export function affixConfig(sizes: Columns & Pick<AffixConfig, 'width'>): AffixConfig {
  expectAffixColumns('model', sizes);
  const { width, rows, prefixes, suffixes } = sizes;
  expectPositiveInteger('model', 'affixes.width', width);
  return { kind: 'affixes', width, rows, prefixes, suffixes };
}

/** What inference runs. */
function inferenceLayer(sizes: AffixConfig): InferenceEncoderLayer<AffixPass> {
  const config = affixConfig(sizes);
  return {
    config,
    shapes: { table: [config.rows, config.width] },
    contextFree: true,
    forward(kernels, { table }, { rows }: AffixFeatures) {
      const { values, columns } = expectColumns(rows, config);
      return { rows, y: embeddingBagForward(kernels, { weight: table }, values, columns) }; // (1)
    },
  };
}

/** The same with what training adds. */
function trainingLayer(config: AffixConfig): EncoderLayer<AffixPass> {
  const { width: E, rows: R } = config;
  const inference = inferenceLayer(config);
  const k = affixCount(config);
  return {
    ...inference,
    sparse: ['table'],
    rowsPerToken: k,
    floatsPerToken: 3 * E,
    initialize: (rng) => ({ table: initEmbeddingBag(R, E, k, rng.split('affixes')).weight }),
    backward(kernels, _params, { rows }, dY, { table }) {
      embeddingBagBackward(kernels, rows.values, k, dY, { weight: table } as EmbeddingParams); // (1)
    },
  };
}

/** Requires as many rows per token as the encoder reads affixes: those of another encoder mean something else. */
function expectColumns(rows: IntegerRows, config: AffixConfig): IntegerRows {
  const k = affixCount(config);
  if (rows.columns === k) return rows;
  throw new ArgumentError(`model: the encoder affixes needs ${k} integers per token; got ${show(rows.columns)}`);
}

/** The reader of affixes. @throws ArgumentError naming a number that is impossible */
export function affixReader(config: Columns): TokenReader {
  expectAffixColumns('affixReader', config);
  const rowsOfToken = remembering(affixHasher(config));
  const k = affixCount(config);
  return {
    read(tokens) {
      expectWords('model', 'tokens', tokens);
      return { rows: rowsOf(k, tokens.map(rowsOfToken)) };
    },
    toJSON: () => ({ hashing: HASHING }),
  };
}

/** The reader of a saved model. @throws DataError where its rows were made by another hash */
function restore(json: unknown, config: EncoderConfig): TokenReader {
  const hashing = isRecord(json) ? json.hashing : undefined;
  if (hashing === HASHING) return affixReader(config as AffixConfig);
  throw new DataError(`model: expected readers.affixes.hashing to be ${HASHING}; got ${brief(hashing)}: update bptt`);
}

/** What a tagger takes along. */
export const inferenceAffixes: InferenceEncoderKind = {
  kind: 'affixes',
  layer: (config) => inferenceLayer(config as AffixConfig),
  restore,
};

/** Hashed prefixes, suffixes, shape and lower case. */
export const affixes: EncoderKind = {
  kind: 'affixes',
  layer: (config) => trainingLayer(config as AffixConfig) as EncoderLayer,
  build(_sentences, { affixSize, affixRows, prefixes, suffixes }) {
    const config = affixConfig({ width: affixSize, rows: affixRows, prefixes, suffixes });
    return { reader: affixReader(config), config };
  },
  restore,
};
