/**
 * Maps words to ids and back. Ids are assigned by descending count in the training sentences, ties in code-point order, so that they depend
 * only on the sentences, not on their order or the locale.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { expectString } from '../../tensor/arguments.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectIterable, expectTypes, expectWords } from '../checks.js';
import { byCount } from './lists.js';
import { checkDistinct, malformed, objectOf, stringList } from './read-back.js';
import { normalForm } from './nfc.js';
import { remembering } from './remembering.js';
import type { Sentence } from './sentence.js';
import { signaturesOf } from './signature.js';

/** The spelling of the unknown word. */
export const UNKNOWN = '<unk>';

/** The id of the unknown word. */
export const UNKNOWN_ID = 0;

/** Options of a word vocabulary. */
export interface VocabularyOptions {
  /** A word that occurs fewer times in training has no id. Default 1. */
  minCount?: number;
  /** Whether words are compared in lower case. Default false. */
  lowerCase?: boolean;
  /**
   * Whether a word without an id is looked up in lower case, and then by its signature (`signature.ts`), before it becomes the unknown
   * word. A signature has an id if at least `minCount` of the rare words of training share it; words that occur once count as rare,
   * whatever `minCount` is. Default false.
   */
  signatures?: boolean;
}

const KEYS = keysOf<VocabularyOptions>({ minCount: true, lowerCase: true, signatures: true });

/** Words by id. Words are compared in Unicode normal form NFC (`nfc.ts`), and in lower case if that option is set. */
export interface Vocabulary {
  readonly lowerCase: boolean;
  readonly minCount: number;
  /** Number of ids: the unknown word, words, signatures, added words. */
  readonly size: number;
  /** The word of each id; `words[0]` is `<unk>`. */
  readonly words: readonly string[];
  /** The signatures that have an id, from id `words.length`; null if the vocabulary has none. */
  readonly signatures: readonly string[] | null;
  /** Words that later training added, with ids after the signatures: they keep their ids when more are added. */
  readonly added: readonly string[];
  /** Id of a token: its own, else that of its lower-case form or of a signature (if signatures are in use), else 0. */
  lookup(token: string): number;
  /** The id that replaces a token's own when it is hidden: that of a signature, or 0. */
  lookupUnknown(token: string): number;
  /** `[tokens]`, their ids. @throws ArgumentError on a string, because it would be iterated letter by letter */
  encode(tokens: readonly string[]): Int32Array;
  /** `[tokens]`, the ids that word dropout uses: those of the tokens if none had its own id. */
  encodeUnknown(tokens: readonly string[]): Int32Array;
  /** Whether the token occurred in training, however rarely; all other tokens are out of vocabulary (OOV). */
  known(token: string): boolean;
  /** Plain JSON, from which {@link vocabularyFromJson} makes an equal vocabulary. */
  toJSON(): VocabularyJson;
}

/** A vocabulary as JSON. */
export interface VocabularyJson {
  lowerCase: boolean;
  minCount: number;
  /** Words that have an id, from id 1. */
  words: string[];
  /** Words that occurred fewer than `minCount` times in training, in the same order. */
  rare: string[];
  /** Signatures that have an id, after the words; null if unknown words have none. */
  signatures: string[] | null;
  /** Words with the ids after the signatures; absent if there are none. */
  added?: string[];
}

/**
 * Builds the vocabulary of training sentences. A token spelled `<unk>` is the unknown word.
 *
 * @throws ArgumentError if `minCount` is not an integer of at least 1
 */
export function buildVocabulary(
  sentences: Iterable<Pick<Sentence, 'tokens'>>,
  options: VocabularyOptions = {},
): Vocabulary {
  expectKnownKeys('buildVocabulary', 'options', options, KEYS);
  const { minCount = 1, lowerCase = false, signatures = false } = options;
  checkMinCount(minCount);
  expectTypes('buildVocabulary', options, { lowerCase: 'boolean', signatures: 'boolean' });
  expectIterable('buildVocabulary', 'sentences', sentences, 'sentences');
  const fold = folder(lowerCase);
  const counts = new Map<string, number>();
  const spellings = new Map<string, string>();
  let place = 0;
  for (const sentence of sentences) {
    const tokens = tokensOf(sentence, place++);
    for (const token of tokens) {
      const word = fold(token);
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (!spellings.has(word)) spellings.set(word, normalForm(token));
    }
  }
  counts.delete(UNKNOWN);
  const ordered = byCount(counts);
  const kept = ordered.filter((word) => counts.get(word)! >= minCount);
  const rare = ordered.filter((word) => counts.get(word)! < Math.max(minCount, 2)).map((word) => spellings.get(word)!);
  return createVocabulary({
    lowerCase,
    minCount,
    words: kept,
    rare: ordered.slice(kept.length),
    signatures: signatures ? commonSignatures(rare, minCount) : null,
  });
}

/**
 * Extends a vocabulary with the words of further sentences: those that occur in them at least `minCount` times and have no id get one after
 * all others, by descending count. Every id keeps its word. The other new words become rare ones; there are no new signatures.
 *
 * @param minCount by default that of the vocabulary
 * @returns the vocabulary itself if nothing is new, and the words that were given an id
 * @throws ArgumentError if `minCount` is not an integer of at least 1
 */
export function growVocabulary(
  vocabulary: Vocabulary,
  sentences: Iterable<Pick<Sentence, 'tokens'>>,
  minCount = vocabulary.minCount,
): { readonly vocabulary: Vocabulary; readonly added: readonly string[] } {
  const { lowerCase } = vocabulary;
  const json = vocabulary.toJSON();
  const { words, rare, signatures, added = [] } = json;
  const found = buildVocabulary(sentences, { minCount, lowerCase }).toJSON();
  const known = new Set([...words, ...added]);
  const fresh = found.words.filter((word) => !known.has(word));
  const grown = new Set(fresh);
  const before = new Set(rare);
  const kept = rare.filter((word) => !grown.has(word));
  const others = found.rare.filter((word) => !known.has(word) && !before.has(word));
  if (fresh.length + others.length === 0) return { vocabulary, added: [] };
  const [inFront, behind] = signatures === null ? [[...words, ...fresh], added] : [words, [...added, ...fresh]];
  const all = { ...json, words: inFront, rare: [...kept, ...others], ...(behind.length > 0 && { added: behind }) };
  return { vocabulary: createVocabulary(all), added: fresh };
}

/** Signatures shared by at least `minCount` of the words, by descending count. */
function commonSignatures(words: readonly string[], minCount: number): string[] {
  const counts = new Map<string, number>();
  for (const word of words) for (const s of signaturesOf(word)) counts.set(s, (counts.get(s) ?? 0) + 1);
  return byCount(counts).filter((s) => counts.get(s)! >= minCount);
}

/** An empty vocabulary: every token is the unknown word. */
export function emptyVocabulary(): Vocabulary {
  return createVocabulary({ lowerCase: false, minCount: 1, words: [], rare: [], signatures: null });
}

/** Restores a vocabulary. @throws DataError if the value is not a vocabulary, saying what is wrong with it */
export function vocabularyFromJson(value: unknown): Vocabulary {
  const json = objectOf(value, 'a vocabulary');
  const { lowerCase, minCount } = json;
  if (typeof lowerCase !== 'boolean') throw malformed('a vocabulary', 'lowerCase', 'a boolean', lowerCase);
  if (!Number.isInteger(minCount) || (minCount as number) < 1) {
    throw malformed('a vocabulary', 'minCount', 'an integer of at least 1', minCount);
  }
  const words = stringList(json.words, 'a vocabulary', 'words');
  const rare = stringList(json.rare, 'a vocabulary', 'rare');
  const signatures = json.signatures === null ? null : stringList(json.signatures, 'a vocabulary', 'signatures');
  const added = json.added === undefined ? [] : stringList(json.added, 'a vocabulary', 'added');
  checkDistinct([UNKNOWN, ...words, ...rare, ...added], 'a vocabulary');
  checkDistinct(signatures ?? [], 'a vocabulary');
  return createVocabulary({ lowerCase, minCount: minCount as number, words, rare, signatures, added });
}

function createVocabulary(json: VocabularyJson): Vocabulary {
  const { lowerCase, minCount, rare, signatures, added = [] } = json;
  const fold = folder(lowerCase);
  const words = [UNKNOWN, ...json.words];
  const ids = new Map(words.map((word, id) => [word, id]));
  const classes = new Map(signatures?.map((signature, i) => [signature, words.length + i]));
  added.forEach((word, i) => ids.set(word, words.length + classes.size + i));
  const seen = new Set(rare);
  const lookupUnknown = remembering((token: string): number => {
    if (!signatures || token === UNKNOWN) return UNKNOWN_ID;
    for (const signature of signaturesOf(normalForm(token))) {
      const id = classes.get(signature);
      if (id !== undefined) return id;
    }
    return UNKNOWN_ID;
  });
  const lookup = remembering((token: string): number => {
    const own = ids.get(fold(token)) ?? (signatures ? ids.get(fold(token.toLowerCase())) : undefined);
    return own ?? lookupUnknown(token);
  });
  return {
    lowerCase,
    minCount,
    size: words.length + classes.size + added.length,
    words,
    signatures,
    added,
    lookup: (token) => lookup(checked(token)),
    lookupUnknown: (token) => lookupUnknown(checked(token)),
    encode: (tokens) => idsOf(listOf(tokens), lookup),
    encodeUnknown: (tokens) => idsOf(listOf(tokens), lookupUnknown),
    known: (token) => (ids.get(fold(checked(token))) ?? UNKNOWN_ID) !== UNKNOWN_ID || seen.has(fold(token)),
    toJSON: () => ({
      lowerCase,
      minCount,
      words: words.slice(1),
      rare: [...rare],
      signatures: signatures && [...signatures],
      ...(added.length > 0 && { added: [...added] }),
    }),
  };
}

function idsOf(tokens: readonly string[], lookup: (token: string) => number): Int32Array {
  const ids = new Int32Array(tokens.length);
  for (let t = 0; t < ids.length; t++) ids[t] = lookup(tokens[t]);
  return ids;
}

/** The tokens of a sentence, which must be a list of strings, because JavaScript iterates a string too. */
function listOf(tokens: readonly string[]): readonly string[] {
  expectWords('vocabulary', 'tokens', tokens);
  return tokens;
}

function tokensOf(sentence: Pick<Sentence, 'tokens'>, place: number): readonly string[] {
  const tokens: unknown = (sentence as Partial<Sentence> | null | undefined)?.tokens;
  expectWords('buildVocabulary', `sentences[${place}].tokens`, tokens);
  return tokens as readonly string[];
}

function checked(token: string): string {
  expectString('vocabulary', 'token', token);
  return token;
}

function folder(lowerCase: boolean): (token: string) => string {
  return lowerCase ? (token) => normalForm(token.toLowerCase()) : (token) => normalForm(token);
}

function checkMinCount(minCount: number): void {
  if (Number.isInteger(minCount) && minCount >= 1) return;
  throw new ArgumentError(`minCount must be an integer of at least 1; got ${show(minCount)}`);
}
