/**
 * Affixes: the information in a word's spelling, as rows of one table of vectors.
 *
 *     Running, 2 prefixes, 3 suffixes   →   prefixes r, ru · suffixes g, ng, ing · shape Xxxxx · lower case running
 *
 * Prefixes and suffixes are counted in code points of the lower-case form; an affix longer than the word is the whole word. Every
 * value is hashed, under the name of its column, to a row. Two values may share a row: with R rows and n values that matter, each
 * shares with about n/R others. (Hashed features: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.
 * Summed hashed vectors of prefix, suffix, shape and norm: spaCy, Honnibal & Montani.)
 *
 * **Rare values.** The row of a value that is rare in the training data memorizes a single word, and a new word meets the rows of other
 * values. With a cut-off, as in feature-based taggers (Ratnaparkhi, EMNLP 1996), a value seen fewer than n times is read, in training and
 * afterwards, as the rare value of its column, U+0000: a row for `an affix that is new`. The frequent values are stored as hashes.
 *
 * **Exact rows.** A table with a row for each of the known values shares none: with k columns, row j < k is the rare value of column j, and
 * row k + i is known value i. A value that training lacks then reads the untrained row of its column, not one that belongs to another.
 */
import { shapeOf, spellingOf } from './spelling.js';

/** Which affixes of a word are read, and into how many rows they are hashed. */
export interface AffixColumns {
  /** Prefixes of 1, 2, … up to this many code points; 0 for none. */
  readonly prefixes: number;
  /** Suffixes of 1, 2, … up to this many code points; 0 for none. */
  readonly suffixes: number;
  /** R, the number of rows. */
  readonly rows: number;
  /** Whether every known value has a row of its own, after those of the rare values; by default, values are hashed to rows. */
  readonly exact?: boolean;
}

/** Prefixes and suffixes. @inline */
type Lengths = Omit<AffixColumns, 'rows' | 'exact'>;

/** Number of integers per token: one for every prefix and suffix, for the shape, and for the word in lower case. */
export function affixCount({ prefixes, suffixes }: Pick<AffixColumns, 'prefixes' | 'suffixes'>): number {
  return prefixes + suffixes + 2;
}

/** The values of a token's columns, in order: prefixes, suffixes, shape, lower case. */
export function affixesOf(token: string, { prefixes, suffixes }: Lengths): string[] {
  const lower = spellingOf(token).toLowerCase();
  const letters = Array.from(lower);
  return [
    ...Array.from({ length: prefixes }, (_, n) => letters.slice(0, n + 1).join('')),
    ...Array.from({ length: suffixes }, (_, n) => letters.slice(-(n + 1)).join('')),
    shapeOf(token),
    lower,
  ];
}

/** Names of the columns, in order. */
const namesOf = ({ prefixes, suffixes }: Lengths): string[] => [
  ...Array.from({ length: prefixes }, (_, n) => `prefix ${n + 1}`),
  ...Array.from({ length: suffixes }, (_, n) => `suffix ${n + 1}`),
  'shape',
  'lower case',
];

/** Returns a function that maps a token to the hashes of its values, each below 2³². */
function hasherOf(columns: Lengths): (token: string) => number[] {
  const starts = namesOf(columns).map((name) => hashed(`${name}\0`, FNV_OFFSET));
  return (token) => affixesOf(token, columns).map((value, j) => mixed(hashed(value, starts[j])));
}

/**
 * Returns a function that maps a token to its rows of the table: `[affixCount]`, in the order of the columns.
 *
 * @param known hashes of the values that are not rare, in the order of their rows if these are exact; by default no value is rare
 */
export function affixHasher(columns: AffixColumns, known?: readonly number[]): (token: string) => Int32Array {
  const hashesOf = hasherOf(columns);
  const { rows, exact } = columns;
  if (known === undefined) return (token) => Int32Array.from(hashesOf(token), (hash) => hash % rows);
  const rare = rareRows(columns);
  const rowOf = new Map(known.map((hash, i) => [hash, exact ? rare.length + i : hash % rows]));
  return (token) => Int32Array.from(hashesOf(token), (hash, j) => rowOf.get(hash) ?? rare[j]);
}

/** The row of the rare value of each column. */
export function rareRows(columns: AffixColumns): Int32Array {
  const { rows, exact } = columns;
  return Int32Array.from(namesOf(columns), (name, j) => (exact ? j : mixed(hashed(`${name}\0\0`, FNV_OFFSET)) % rows));
}

/** Hashes of the values that occur in at least this many tokens, in ascending order. */
export function knownAffixes(
  sentences: readonly { readonly tokens: readonly string[] }[],
  columns: Lengths,
  minCount: number,
): number[] {
  const hashesOf = hasherOf(columns);
  const words = new Map<string, number>();
  for (const { tokens } of sentences) for (const token of tokens) words.set(token, (words.get(token) ?? 0) + 1);
  const counts = new Map<number, number>();
  for (const [word, n] of words) for (const hash of hashesOf(word)) counts.set(hash, (counts.get(hash) ?? 0) + n);
  return [...counts].flatMap(([hash, n]) => (n >= minCount ? [hash] : [])).sort((a, b) => a - b);
}

/** The longest affix that stays visible when a word is hidden; longer ones nearly spell the word. */
const SHORT_AFFIX = 3;

/** The columns that identify the word: affixes of at least four characters, and the lower-case word. */
export function tellingColumns({ prefixes, suffixes }: Pick<AffixColumns, 'prefixes' | 'suffixes'>): number[] {
  const lower = prefixes + suffixes + 1;
  const length = (j: number): number => (j < prefixes ? j + 1 : j - prefixes + 1);
  return Array.from({ length: lower + 1 }, (_, j) => j).filter(
    (j) => j === lower || (j < lower - 1 && length(j) > SHORT_AFFIX),
  );
}

const { imul } = Math;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over the UTF-16 code units of a text, from a given state (Fowler, Noll & Vo; here with 16 bits at a time). */
function hashed(text: string, state: number): number {
  let hash = state;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** The finalizer of MurmurHash3 (Appleby), a bijection on 32 bits. After FNV alone, the low bits are too similar for taking remainders. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
