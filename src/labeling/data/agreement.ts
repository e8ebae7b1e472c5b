/**
 * Number agreement across distractors: the task used to teach how to read gradients. `bptt compare --train n` trains on it.
 *
 *     S  → NP PP{min..max} V        the cat near the dogs by the trees sat
 *     NP → the ADJ? N               the cat, the old dogs
 *     PP → PREP NP                  near the dogs
 *
 * An English past tense does not show number; here its tag does: `V.SG` or `V.PL`, depending on whether the *first* noun is singular or
 * plural. Every phrase puts a noun of random number in between, so one bit must be carried over two or three words per phrase (Linzen,
 * Dupoux, Goldberg 2016, Assessing the ability of LSTMs to learn syntax-sensitive dependencies).
 *
 * Sentences come in groups of four: two that differ in the number of the first noun, and so in the tag of the verb, and the same two with
 * the number of every other noun flipped. Neither number is more common in any position.
 */
import { expectRecord, expectRng } from '../../tensor/arguments.js';
import { expectKnownKeys, expectNonNegativeInteger, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { createRng, type Rng } from '../../tensor/random.js';
import { expectWords } from '../checks.js';
import type { Sentence } from './sentence.js';

/** Options for generating sentences. */
export interface AgreementOptions {
  /** Number of sentences. */
  readonly sentences: number;
  /** Seed of the sentences; or pass a generator as `rng`. Default seed 1. */
  readonly seed?: number;
  readonly rng?: Rng;
  /** Smallest and largest number of prepositional phrases. Default 0 to 6. */
  readonly minPhrases?: number;
  readonly maxPhrases?: number;
}

const KEYS = keysOf<AgreementOptions>({ sentences: true, seed: true, rng: true, minPhrases: true, maxPhrases: true });

const SINGULAR = 'cat dog girl boy teacher farmer bird horse child nurse king pilot tree house car ship'.split(' ');
const PLURAL =
  'cats dogs girls boys teachers farmers birds horses children nurses kings pilots trees houses cars ships'.split(' ');
const PREPOSITIONS = 'near by behind beside under above with beyond'.split(' ');
const ADJECTIVES = 'old young tall small quiet'.split(' ');
const PAST = 'sat slept waited vanished arrived stayed fell rested appeared laughed'.split(' ');

/** The words of the task by tag; a verb has two tags. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  DET: ['the'],
  ADJ: ADJECTIVES,
  'N.SG': SINGULAR,
  'N.PL': PLURAL,
  PREP: PREPOSITIONS,
  V: PAST,
};

/** The tags of the task, most common first: the label order of a model trained on it. */
export const AGREEMENT_TAGS = ['DET', 'PREP', 'N.PL', 'N.SG', 'ADJ', 'V.PL', 'V.SG'] as const;

/** Every word of the task, once. */
export const agreementWords = (): string[] => Object.values(WORDS).flat();

/**
 * Generates labeled sentences. The same options give the same sentences.
 *
 * @throws ArgumentError if a number is not an integer of at least 0, both `seed` and `rng` are given, or `minPhrases` exceeds
 *   `maxPhrases`
 */
export function generateAgreement(options: AgreementOptions): Sentence[] {
  expectRecord('generateAgreement', 'options', options, 'an object of options', ': pass { sentences: 100 }');
  expectKnownKeys('generateAgreement', 'options', options, KEYS);
  if (options.rng !== undefined) expectRng('generateAgreement', 'rng', options.rng);
  const { sentences, minPhrases = 0, maxPhrases = Math.max(6, minPhrases), seed = 1 } = options;
  for (const [name, value] of Object.entries({ sentences, minPhrases, maxPhrases })) {
    expectNonNegativeInteger('generateAgreement', name, value);
  }
  if (minPhrases > maxPhrases) {
    throw new ArgumentError(`minPhrases must be at most maxPhrases, ${maxPhrases}; got ${minPhrases}`);
  }
  if (options.rng && options.seed !== undefined) throw new ArgumentError('give seed or rng, not both');
  const rng = options.rng ?? createRng(seed);
  const fours = Array.from({ length: Math.ceil(sentences / 4) }, () => fourOf(rng, minPhrases, maxPhrases));
  return fours.flat().slice(0, sentences);
}

type Tagged = readonly [word: string, tag: string];

/** A sentence with both numbers of its subject, and both again with the number of every other noun flipped. */
function fourOf(rng: Rng, minPhrases: number, maxPhrases: number): Sentence[] {
  const subject = rng.integer(SINGULAR.length);
  const opening = before(rng);
  const phrases = Array.from({ length: minPhrases + rng.integer(maxPhrases - minPhrases + 1) }, () => ({
    words: [[pick(rng, PREPOSITIONS), 'PREP'] as const, ...before(rng)],
    which: rng.integer(SINGULAR.length),
    plural: rng.integer(2),
  }));
  const verb = pick(rng, PAST);
  return [0, 1, 2, 3].map((n) => {
    const [plural, flipped] = [n % 2, n >> 1];
    const middle = phrases.flatMap((each) => [...each.words, noun(each.which, each.plural ^ flipped)]);
    const words: Tagged[] = [...opening, noun(subject, plural), ...middle, [verb, plural === 1 ? 'V.PL' : 'V.SG']];
    return { tokens: words.map(([word]) => word), labels: words.map(([, tag]) => tag) };
  });
}

const noun = (which: number, plural: number): Tagged =>
  plural === 1 ? [PLURAL[which], 'N.PL'] : [SINGULAR[which], 'N.SG'];

/** The words before a noun. */
const before = (rng: Rng): Tagged[] => [
  ['the', 'DET'],
  ...(rng.integer(4) === 0 ? [[pick(rng, ADJECTIVES), 'ADJ'] as const] : []),
];

const pick = (rng: Rng, words: readonly string[]): string => words[rng.integer(words.length)];

/**
 * Returns the tags of a sentence of the grammar, of any length; undefined for other sentences. They come from the grammar, not from a model.
 *
 *     agreementTags(['the', 'cats', 'near', 'the', 'dog', 'sat']) // DET N.PL PREP DET N.SG V.PL
 */
export function agreementTags(tokens: readonly string[]): string[] | undefined {
  expectWords('agreementTags', 'tokens', tokens);
  const tags = tokens.map((token) => Object.keys(WORDS).find((tag) => WORDS[tag].includes(token)));
  const shape = tags.join(' ');
  if (!/^DET (ADJ )?N\.(SG|PL)( PREP DET (ADJ )?N\.(SG|PL))* V$/.test(shape)) return undefined;
  const first = tags.find((tag) => tag === 'N.SG' || tag === 'N.PL') as string;
  return tags.map((tag) => (tag === 'V' ? `V.${first.slice(2)}` : (tag as string)));
}
