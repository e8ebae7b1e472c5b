/**
 * Augmentation: the variant of a training sentence that is read in an epoch. Its labels and its length do not change.
 *
 *   (1)  v = lower case with probability ¾·p, capitals with ¼·p, else as it is           --augment-case p, of every sentence
 *   (2)  with probability q a mention gives way to another one with the same labels      --augment-mentions q, of every span
 *   (3)  with probability 0.6·q a word of it gives way to one that is made up            mentions.ts
 *
 * Every draw is determined by its position: seed, epoch, sentence and token. A replacement is read in the case of its sentence (1).
 * Vocabularies are built from the original sentences, so a word that occurs in only one case is new in the other, and a made-up word is
 * new.
 *
 * Sources: (1) Bodapati, Yun & Al-Onaizan, Robustness to Capitalization Errors in Named Entity Recognition (W-NUT 2019);
 * (2), (3) Dai & Adel (COLING 2020), see mentions.ts.
 */
import { createKey } from '../../tensor/random-key.js';
import type { Features } from '../data/features.js';
import { pickFrom } from '../data/features.js';
import type { Sentence } from '../data/sentence.js';
import type { TokenReader } from '../model/encoders/encoder.js';
import type { Mentions } from './mentions.js';
import type { Settings } from './options.js';

/** The options for augmentation. */
export type AugmentSettings = Pick<Settings, 'seed' | 'augmentCase' | 'augmentMentions'>;

/** Of the sentences that are read in another case, the share in lower case (1). */
const LOWER_SHARE = 3 / 4;

/** The probability that a word is made up, as a share of the probability that a mention is swapped (3). */
const MADE_SHARE = 0.6;

/** Changes the case of a word. */
type Casing = (token: string) => string;

const capitalized: Casing = (token) => {
  const [first = ''] = token; // a code point
  return first.toUpperCase() + token.slice(first.length);
};

/** Cases of a sentence: as it is, in lower case, and capitalized. */
const CASINGS: readonly Casing[] = [(token) => token, (token) => token.toLowerCase(), capitalized];

/** All variants of training sentences: plain data. */
export interface Augmented {
  /** `[v][e][s]`, what encoder e reads in sentence s, in the case of {@link CASINGS}. The pools of made-up words follow the sentences. */
  readonly readings: readonly (readonly (readonly Features[])[])[];
  /** Absent if mentions are not replaced. */
  readonly mentions?: Mentions;
}

/**
 * Reads sentences, and the made-up words of their mentions, in all requested cases.
 *
 * @param features `[e][s]` of the original sentences: those of a sentence that a case does not change are reused
 */
export function augmentedFrom(
  { augmentCase }: Pick<AugmentSettings, 'augmentCase'>,
  readers: readonly TokenReader[],
  sentences: readonly Sentence[],
  features: readonly (readonly Features[])[],
  mentions?: Mentions,
): Augmented {
  const pools = mentions?.pools ?? [];
  const texts = [...sentences.map(({ tokens }) => tokens), ...pools];
  const plain = readers.map((reader, e) => [...features[e], ...pools.map((words) => reader.read(words))]);
  const inCase = (casing: Casing): (readonly Features[])[] => {
    const tokens = texts.map((own) => own.map(casing));
    const changed = tokens.map((own, s) => own.some((token, t) => token !== texts[s][t]));
    return readers.map((reader, e) => tokens.map((own, s) => (changed[s] ? reader.read(own) : plain[e][s])));
  };
  const readings = [plain, ...(augmentCase > 0 ? CASINGS.slice(1).map(inCase) : [])];
  return { readings, ...(mentions && { mentions }) };
}

/** The variant of a sentence. */
export interface Reading {
  /** The case of the sentence, an index into `Augmented.readings`. */
  readonly casing: number;
  /** The replacements of tokens: for each, a token of another sentence, or of a pool. */
  readonly swaps: ReadonlyMap<number, readonly [sentence: number, token: number]>;
}

/** Draws the variant of a sentence in an epoch: (1) to (3). */
export function readingOf(
  { mentions }: Pick<Augmented, 'mentions'>,
  { seed, augmentCase: p, augmentMentions: q }: AugmentSettings,
  epoch: number,
  s: number,
): Reading {
  const key = createKey(seed).fold('augment').fold(epoch).fold(s);
  const u = uniform(key.fold('case').words[0]);
  const casing = u >= p ? 0 : u < LOWER_SHARE * p ? 1 : 2; // (1)
  const swaps = new Map<number, readonly [number, number]>();
  if (mentions === undefined) return { casing, swaps };
  const { of, kinds, pools } = mentions;
  for (const { start, kind } of of[s]) {
    const { sources, pools: own } = kinds[kind];
    const draws = own.map((_, i) => Array.from(key.fold(start + i).words, uniform)); // four per token
    const [swapped, which] = draws[0];
    const [from, at] = swapped < q ? sources[Math.floor(which * sources.length)] : [s, start]; // (2)
    own.forEach((pool, i) => {
      const [, , made, word] = draws[i];
      if (made < MADE_SHARE * q)
        swaps.set(start + i, [of.length + pool, Math.floor(word * pools[pool].length)]); // (3)
      else if (swapped < q) swaps.set(start + i, [from, at + i]);
    });
  }
  return { casing, swaps };
}

/** Maps 32 random bits to a number in [0, 1). */
const uniform = (word: number): number => (word >>> 0) / 2 ** 32;

/** Returns what an encoder reads in a sentence. */
export function featuresRead({ readings }: Augmented, e: number, s: number, { casing, swaps }: Reading): Features {
  const read = readings[casing][e];
  if (swaps.size === 0) return read[s];
  return pickFrom(read[s], (t) => {
    const [from, at] = swaps.get(t) ?? [s, t];
    return [read[from], at];
  });
}
