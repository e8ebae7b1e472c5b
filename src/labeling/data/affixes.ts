/**
 * Affixes: what the spelling of a word says about it, as rows of one table of vectors.
 *
 *     Running, 2 prefixes, 3 suffixes   →   prefixes r, ru · suffixes g, ng, ing · shape Xxxxx · lower case running
 *
 * Prefixes and suffixes are counted in code points of the lower-case form; one that is longer than the word is the whole word. Every
 * value is hashed, under the name of its column, to a row. Two values may share a row: with R rows and n values that matter, each
 * shares with about n/R others. (Hashed features: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009.
 * Prefix, suffix, shape and norm as hashed vectors that are added up: spaCy, Honnibal & Montani.)
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

/** A function that says which rows of the table a token takes: `[affixCount]`, in the order of the columns. */
export function affixHasher(columns: AffixColumns): (token: string) => Int32Array {
  const { prefixes, suffixes, rows } = columns;
  const names = [
    ...Array.from({ length: prefixes }, (_, n) => `prefix ${n + 1}`),
    ...Array.from({ length: suffixes }, (_, n) => `suffix ${n + 1}`),
    'shape',
    'lower case',
  ];
  const starts = names.map((name) => hashed(`${name}\0`, FNV_OFFSET));
  return (token) => Int32Array.from(affixesOf(token, columns), (value, j) => mixed(hashed(value, starts[j])) % rows);
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
