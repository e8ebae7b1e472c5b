/**
 * Affixes: what the spelling of a word says about it, as rows of one table of vectors.
 *
 *     Running, 2 prefixes, 3 suffixes   →   prefixes r, ru · suffixes g, ng, ing · shape Xxxxx · lower case running
 *
 * Prefixes and suffixes are counted in code points of the lower-case form; one that is longer than the word is the whole word. Every
 * value is hashed, under the name of its column, to a row. Two values may share a row: with R rows and n values that matter, each
 * shares with about n/R others. (Hashed features: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.
 * Prefix, suffix, shape and norm as hashed vectors that are added up: spaCy, Honnibal & Montani.)
 *
 * **Rare values.** A value that training hardly ever saw teaches its row one word by heart, and a new word meets rows of other values. With
 * a cut-off, as taggers with features have (Ratnaparkhi, EMNLP 1996), a value seen fewer than n times is read as the rare value of its column,
 * U+0000, in training and after it: a row for `an affix that is new`. Those that count are known by their hashes.
 */
import { shapeOf, spellingOf } from './spelling.js';

/** Which affixes of a word are read, and into how many rows they are hashed. */
export interface AffixColumns {
  /** Prefixes of 1, 2, … so many code points; 0 for none. */
  readonly prefixes: number;
  /** Suffixes of 1, 2, … so many code points; 0 for none. */
  readonly suffixes: number;
  /** R */
  readonly rows: number;
}

/** Integers per token: every prefix and suffix, the shape, and the word in lower case. */
export function affixCount({ prefixes, suffixes }: Pick<AffixColumns, 'prefixes' | 'suffixes'>): number {
  return prefixes + suffixes + 2;
}

/** The values of a token's columns, in their order: prefixes, suffixes, shape, lower case. */
export function affixesOf(token: string, { prefixes, suffixes }: Omit<AffixColumns, 'rows'>): string[] {
  const lower = spellingOf(token).toLowerCase();
  const letters = Array.from(lower);
  return [
    ...Array.from({ length: prefixes }, (_, n) => letters.slice(0, n + 1).join('')),
    ...Array.from({ length: suffixes }, (_, n) => letters.slice(-(n + 1)).join('')),
    shapeOf(token),
    lower,
  ];
}

/** Names of the columns, in their order. */
const namesOf = ({ prefixes, suffixes }: Omit<AffixColumns, 'rows'>): string[] => [
  ...Array.from({ length: prefixes }, (_, n) => `prefix ${n + 1}`),
  ...Array.from({ length: suffixes }, (_, n) => `suffix ${n + 1}`),
  'shape',
  'lower case',
];

/** A function from a token to the hashes of its values, each below 2³². */
function hasherOf(columns: Omit<AffixColumns, 'rows'>): (token: string) => number[] {
  const starts = namesOf(columns).map((name) => hashed(`${name}\0`, FNV_OFFSET));
  return (token) => affixesOf(token, columns).map((value, j) => mixed(hashed(value, starts[j])));
}

/**
 * A function that says which rows of the table a token takes: `[affixCount]`, in the order of the columns.
 *
 * @param known hashes of the values that are not rare; by default none is
 */
export function affixHasher(columns: AffixColumns, known?: ReadonlySet<number>): (token: string) => Int32Array {
  const hashesOf = hasherOf(columns);
  const { rows } = columns;
  if (known === undefined) return (token) => Int32Array.from(hashesOf(token), (hash) => hash % rows);
  const rare = rareRows(columns);
  return (token) => Int32Array.from(hashesOf(token), (hash, j) => (known.has(hash) ? hash % rows : rare[j]));
}

/** The row of the rare value of each column. */
export function rareRows(columns: AffixColumns): Int32Array {
  return Int32Array.from(namesOf(columns), (name) => mixed(hashed(`${name}\0\0`, FNV_OFFSET)) % columns.rows);
}

/** Hashes of the values that tokens have at least so many times, in rising order. */
export function knownAffixes(
  sentences: readonly { readonly tokens: readonly string[] }[],
  columns: Omit<AffixColumns, 'rows'>,
  minCount: number,
): number[] {
  const hashesOf = hasherOf(columns);
  const words = new Map<string, number>();
  for (const { tokens } of sentences) for (const token of tokens) words.set(token, (words.get(token) ?? 0) + 1);
  const counts = new Map<number, number>();
  for (const [word, n] of words) for (const hash of hashesOf(word)) counts.set(hash, (counts.get(hash) ?? 0) + n);
  return [...counts].flatMap(([hash, n]) => (n >= minCount ? [hash] : [])).sort((a, b) => a - b);
}

/** The longest affix that hiding a word leaves: longer ones are nearly the word. */
const SHORT_AFFIX = 3;

/** Columns that tell which word it is: affixes of four characters and more, and the lower case. */
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

/** FNV-1a over the UTF-16 code units of a text, from a state (Fowler, Noll & Vo; here with 16 bits at a time). */
function hashed(text: string, state: number): number {
  let hash = state;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** The finalizer of MurmurHash3 (Appleby), a bijection of 32 bits: FNV alone leaves the last bits too alike for a remainder. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
