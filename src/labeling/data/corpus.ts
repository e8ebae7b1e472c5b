/**
 * A synthetic treebank with two patterns that no word-by-word rule can learn, for the demo and for tests.
 *
 *     S     → CLAUSE | ACTION                                         half of each
 *     CLAUSE→ NP PP{min..max} PAST (and PAST)? (ADV)?                  the cat near the dogs sat and slept
 *     NP    → the NOUN | the BOTH                                      the cat, the walk
 *     PP    → ADP NP                                                   near the dogs
 *     ACTION→ PRON BOTH the BOTH | PRON BOTH (ADV)? | PRON like the BOTH
 *                                                                      they plan the visit, we walk often
 *
 * (a) Agreement across distractors. An English past tense does not show number; here its tag does: `V.SG` or `V.PL`, depending on whether
 * the *first* noun of the clause is singular or plural. Every prepositional phrase puts a noun of random number between the two, so the
 * number of words over which a tagger must carry one bit grows with the phrases. Nouns are tagged `NOUN` in both numbers and the determiner
 * is always `the`, so no neighboring tag reveals the number.
 *
 * (b) Words of two classes. `walk`, `plan` or `visit` (BOTH above) is a `NOUN` after `the` and a `VERB` after a pronoun,
 * equally often.
 */
import { expectRecord, expectRng } from '../../tensor/arguments.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { createRng, type Rng } from '../../tensor/random.js';
import type { Sentence } from './sentence.js';

/** Options for generating a corpus. */
export interface CorpusOptions {
  /** Number of sentences. */
  sentences: number;
  /** Seed of the corpus; or pass a generator as `rng`. Default seed 1. */
  seed?: number;
  rng?: Rng;
  /** Smallest and largest number of prepositional phrases between the first noun and its verb. Default 0 to 3. */
  minPhrases?: number;
  maxPhrases?: number;
}

const KEYS = keysOf<CorpusOptions>({ sentences: true, seed: true, rng: true, minPhrases: true, maxPhrases: true });

const SINGULAR = 'cat dog girl boy teacher farmer bird horse child nurse king pilot tree house car ship'.split(' ');
const PLURAL =
  'cats dogs girls boys teachers farmers birds horses children nurses kings pilots trees houses cars ships';
const NOUNS = [SINGULAR, PLURAL.split(' ')] as const;
const PREPOSITIONS = 'near behind beside under above with beyond opposite'.split(' ');
const PAST = 'sat slept waited vanished arrived stayed fell rested appeared laughed'.split(' ');
const BOTH = 'run walk plan visit dance swim jump drink climb rest play dream ride call'.split(' ');
const PRONOUNS = 'they we you'.split(' ');
const ADVERBS = 'often today again quietly'.split(' ');

type Tagged = readonly [word: string, tag: string];

/**
 * Generates labeled sentences of the grammar above. The same options give the same sentences.
 *
 * @throws ArgumentError if a number is not an integer of at least 0, both `seed` and `rng` are given, or `minPhrases` exceeds
 *   `maxPhrases`
 */
export function generateCorpus(options: CorpusOptions): Sentence[] {
  expectRecord('generateCorpus', 'options', options, 'an object of options', ': pass { sentences: 100 }');
  expectKnownKeys('generateCorpus', 'options', options, KEYS);
  if (options.rng !== undefined) expectRng('generateCorpus', 'rng', options.rng);
  const { sentences, minPhrases = 0, maxPhrases = Math.max(3, minPhrases), seed = 1 } = options;
  for (const [name, value] of Object.entries({ sentences, minPhrases, maxPhrases })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new ArgumentError(`${name} must be an integer of at least 0; got ${show(value)}`);
    }
  }
  if (minPhrases > maxPhrases) {
    throw new ArgumentError(`minPhrases must be at most maxPhrases, ${maxPhrases}; got ${minPhrases}`);
  }
  if (options.rng && options.seed !== undefined) throw new ArgumentError('give seed or rng, not both');
  const rng = options.rng ?? createRng(seed);
  return Array.from({ length: sentences }, () => {
    const words = rng.integer(2) === 0 ? clause(rng, minPhrases, maxPhrases) : action(rng);
    return { tokens: words.map(([word]) => word), labels: words.map(([, tag]) => tag) };
  });
}

function clause(rng: Rng, minPhrases: number, maxPhrases: number): Tagged[] {
  const plural = rng.integer(2) === 1;
  const verb = (): Tagged => [pick(rng, PAST), plural ? 'V.PL' : 'V.SG'];
  const words = nounPhrase(rng, plural);
  for (let left = minPhrases + rng.integer(maxPhrases - minPhrases + 1); left > 0; left--) {
    words.push([pick(rng, PREPOSITIONS), 'ADP'], ...nounPhrase(rng, rng.integer(2) === 1));
  }
  words.push(verb());
  if (rng.integer(2) === 0) words.push(['and', 'CCONJ'], verb());
  return [...words, ...perhapsAdverb(rng)];
}

/** The two-class words are used only as singular nouns, because their plurals would belong to one class. */
function nounPhrase(rng: Rng, plural: boolean): Tagged[] {
  const ambiguous = !plural && rng.integer(4) === 0;
  return [
    ['the', 'DET'],
    [pick(rng, ambiguous ? BOTH : NOUNS[plural ? 1 : 0]), 'NOUN'],
  ];
}

function action(rng: Rng): Tagged[] {
  const subject: Tagged = [pick(rng, PRONOUNS), 'PRON'];
  const object: Tagged[] = [
    ['the', 'DET'],
    [pick(rng, BOTH), 'NOUN'],
  ];
  switch (rng.integer(4)) {
    case 0:
      return [subject, ['like', 'VERB'], ...object, ...perhapsAdverb(rng)];
    case 1:
      return [subject, [pick(rng, BOTH), 'VERB'], ...perhapsAdverb(rng)];
    default:
      return [subject, [pick(rng, BOTH), 'VERB'], ...object];
  }
}

function perhapsAdverb(rng: Rng): Tagged[] {
  return rng.integer(3) === 0 ? [[pick(rng, ADVERBS), 'ADV']] : [];
}

function pick(rng: Rng, words: readonly string[]): string {
  return words[rng.integer(words.length)];
}
