/**
 * Words and labels to ids and back. Ids are given by falling count in the training sentences, ties in code-point order,
 * so that they depend on the sentences and on nothing else: not on their order, not on the locale.
 */
import { ArgumentError, DataError } from '../tensor/errors.js';
import type { Sentence } from './sentence.js';
import { signaturesOf } from './signature.js';

/** The form of the unknown word. */
export const UNKNOWN = '<unk>';

/** The id of the unknown word. */
export const UNKNOWN_ID = 0;

/** What makes a word vocabulary. */
export interface VocabularyOptions {
  /** A word seen less often in training has no id of its own. Default 1. */
  minCount?: number;
  /** Whether words are compared in lower case. Default false. */
  lowerCase?: boolean;
  /**
   * Whether a word without an id is looked up in lower case, and then by its signature (`signature.ts`), before it is the
   * unknown word. A signature has an id where at least `minCount` of the rare words of training share it; words seen once
   * count as rare whatever `minCount` is. Default false.
   */
  signatures?: boolean;
}

/** Words by id. Words are compared in Unicode normal form NFC, and in lower case where the option says so. */
export interface Vocabulary {
  readonly lowerCase: boolean;
  readonly minCount: number;
  /** Number of ids: the unknown word, words, signatures. */
  readonly size: number;
  /** The word of each id; `words[0]` is `<unk>`. */
  readonly words: readonly string[];
  /** The signatures with an id, from id `words.length`; null where the vocabulary has none. */
  readonly signatures: readonly string[] | null;
  /** Id of a token: its own, else that of its lower-case form or of a signature where there are signatures, else 0. */
  lookup(token: string): number;
  /** The id a token has when its own is hidden: that of a signature, or 0. */
  lookupUnknown(token: string): number;
  /** `[tokens]` ids. @throws ArgumentError on a string, whose letters would be taken for tokens */
  encode(tokens: readonly string[]): Int32Array;
  /** `[tokens]` ids of the tokens as if none had an id of its own; what word dropout puts in their place. */
  encodeUnknown(tokens: readonly string[]): Int32Array;
  /** Whether the token occurred in training, however rarely: the complement is out of vocabulary (OOV). */
  known(token: string): boolean;
  /** Plain JSON, from which {@link vocabularyFromJson} makes an equal vocabulary. */
  toJSON(): VocabularyJson;
}

/** A vocabulary as JSON. */
export interface VocabularyJson {
  lowerCase: boolean;
  minCount: number;
  /** Words with an id, from id 1. */
  words: string[];
  /** Words that occurred in training fewer than `minCount` times, in the same order. */
  rare: string[];
  /** Signatures with an id, behind the words; null where unknown words have none. */
  signatures: string[] | null;
}

/**
 * The vocabulary of training sentences. A token spelled `<unk>` is the unknown word.
 *
 * @throws ArgumentError where `minCount` is no integer of at least 1
 */
export function buildVocabulary(
  sentences: Iterable<Pick<Sentence, 'tokens'>>,
  { minCount = 1, lowerCase = false, signatures = false }: VocabularyOptions = {},
): Vocabulary {
  checkMinCount(minCount);
  const fold = folder(lowerCase);
  const counts = new Map<string, number>();
  const spellings = new Map<string, string>();
  for (const { tokens } of sentences) {
    for (const token of tokens) {
      const word = fold(token);
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (!spellings.has(word)) spellings.set(word, token.normalize('NFC'));
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

/** Signatures that at least `minCount` of the words have, by falling count. */
function commonSignatures(words: readonly string[], minCount: number): string[] {
  const counts = new Map<string, number>();
  for (const word of words) for (const s of signaturesOf(word)) counts.set(s, (counts.get(s) ?? 0) + 1);
  return byCount(counts).filter((s) => counts.get(s)! >= minCount);
}

/** A vocabulary read back. @throws DataError where the value is no vocabulary, saying what is wrong with it */
export function vocabularyFromJson(value: unknown): Vocabulary {
  const json = record(value, 'a vocabulary');
  const { lowerCase, minCount } = json;
  if (typeof lowerCase !== 'boolean') throw malformed('a vocabulary', 'lowerCase', 'a boolean', lowerCase);
  if (!Number.isInteger(minCount) || (minCount as number) < 1) {
    throw malformed('a vocabulary', 'minCount', 'an integer of at least 1', minCount);
  }
  const words = stringList(json.words, 'a vocabulary', 'words');
  const rare = stringList(json.rare, 'a vocabulary', 'rare');
  const signatures = json.signatures === null ? null : stringList(json.signatures, 'a vocabulary', 'signatures');
  checkDistinct([UNKNOWN, ...words, ...rare], 'a vocabulary');
  checkDistinct(signatures ?? [], 'a vocabulary');
  return createVocabulary({ lowerCase, minCount: minCount as number, words, rare, signatures });
}

function createVocabulary(json: VocabularyJson): Vocabulary {
  const { lowerCase, minCount, rare, signatures } = json;
  const fold = folder(lowerCase);
  const words = [UNKNOWN, ...json.words];
  const ids = new Map(words.map((word, id) => [word, id]));
  const classes = new Map(signatures?.map((signature, i) => [signature, words.length + i]));
  const seen = new Set(rare);
  const lookupUnknown = (token: string): number => {
    if (!signatures || token === UNKNOWN) return UNKNOWN_ID;
    for (const signature of signaturesOf(token.normalize('NFC'))) {
      const id = classes.get(signature);
      if (id !== undefined) return id;
    }
    return UNKNOWN_ID;
  };
  const lookup = (token: string): number => {
    const own = ids.get(fold(token)) ?? (signatures ? ids.get(fold(token.toLowerCase())) : undefined);
    return own ?? lookupUnknown(token);
  };
  return {
    lowerCase,
    minCount,
    size: words.length + classes.size,
    words,
    signatures,
    lookup,
    lookupUnknown,
    encode: (tokens) => Int32Array.from(listOf(tokens), lookup),
    encodeUnknown: (tokens) => Int32Array.from(listOf(tokens), lookupUnknown),
    known: (token) => (ids.get(fold(token)) ?? UNKNOWN_ID) !== UNKNOWN_ID || seen.has(fold(token)),
    toJSON: () => ({
      lowerCase,
      minCount,
      words: words.slice(1),
      rare: [...rare],
      signatures: signatures && [...signatures],
    }),
  };
}

/** JavaScript iterates strings too. */
function listOf(tokens: readonly string[] | string): readonly string[] {
  if (typeof tokens !== 'string') return tokens;
  const got = JSON.stringify(tokens.slice(0, 40));
  throw new ArgumentError(`a sentence must be a list of tokens; got the string ${got}: split it first`);
}

/** Labels by id. There is no unknown label: one never seen in training is an error. */
export interface LabelVocabulary {
  readonly size: number;
  /** The label of each id. */
  readonly labels: readonly string[];
  /** Id of a label. @throws DataError naming the label and the known ones */
  lookup(label: string): number;
  /**
   * `[tokens]` ids of a sentence's labels.
   * @param source name of the input, for the message
   * @throws DataError where the sentence has no labels, or one that is unknown, naming line and token
   */
  encode(sentence: Sentence, source?: string): Int32Array;
  /** Labels of ids. @throws ArgumentError on an id out of range */
  decode(ids: ArrayLike<number>): string[];
  /** The labels in the order of their ids, from which {@link labelsFromJson} makes an equal vocabulary. */
  toJSON(): string[];
}

/** The labels of training sentences. @throws DataError where a sentence has no labels, or there is no sentence */
export function buildLabels(sentences: Iterable<Sentence>): LabelVocabulary {
  const counts = new Map<string, number>();
  for (const sentence of sentences) {
    for (const label of labelsOf(sentence)) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  if (counts.size === 0) throw new DataError('expected training sentences with labels; got none: check the input');
  return createLabels(byCount(counts));
}

/** Labels read back. @throws DataError where the value is no list of distinct labels */
export function labelsFromJson(value: unknown): LabelVocabulary {
  const labels = stringList(value, 'a label vocabulary', 'labels');
  if (labels.length === 0) throw malformed('a label vocabulary', 'labels', 'at least one label', labels);
  checkDistinct(labels, 'a label vocabulary');
  return createLabels(labels);
}

function createLabels(labels: readonly string[]): LabelVocabulary {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = (label: string, where: string) => {
    const shown = labels.slice(0, 50).join(' ') + (labels.length > 50 ? ` … (${labels.length} in all)` : '');
    const message = `${where}label ${JSON.stringify(label)} was never seen in training; the known labels are ${shown}`;
    return new DataError(`${message}: correct it, or train with it`);
  };
  return {
    size: labels.length,
    labels,
    lookup(label) {
      const id = ids.get(label);
      if (id === undefined) throw unknown(label, '');
      return id;
    },
    encode(sentence, source) {
      return Int32Array.from(labelsOf(sentence, source), (label, i) => {
        const id = ids.get(label);
        if (id !== undefined) return id;
        throw unknown(label, `${placeOf(sentence, source)}token ${i + 1}, ${JSON.stringify(sentence.tokens[i])}: `);
      });
    },
    decode: (sequence) =>
      Array.from(sequence, (id) => {
        if (labels[id] !== undefined) return labels[id];
        throw new ArgumentError(`a label id must be an integer from 0 to ${labels.length - 1}; got ${id}`);
      }),
    toJSON: () => [...labels],
  };
}

/** Labels of a sentence that must have them. @throws DataError where it has none, or not one per token */
export function labelsOf(sentence: Sentence, source?: string): readonly string[] {
  const { labels, tokens } = sentence;
  if (labels?.length === tokens.length) return labels;
  const got = labels ? `${labels.length}` : 'none';
  throw new DataError(
    `${placeOf(sentence, source)}expected one label per token, ${tokens.length}; got ${got}: add them`,
  );
}

function placeOf({ line }: Sentence, source?: string): string {
  if (line === undefined) return source ? `${source}: ` : '';
  return source ? `${source}: sentence at line ${line}, ` : `sentence at line ${line}, `;
}

function folder(lowerCase: boolean): (token: string) => string {
  return lowerCase ? (token) => token.toLowerCase().normalize('NFC') : (token) => token.normalize('NFC');
}

function byCount(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([v, m], [w, n]) => n - m || compareCodePoints(v, w)).map(([word]) => word);
}

/** Order by code points; `<` orders by UTF-16 code units, where a surrogate comes before U+E000. */
export function compareCodePoints(v: string, w: string): number {
  const length = Math.min(v.length, w.length);
  let i = 0;
  while (i < length && v.charCodeAt(i) === w.charCodeAt(i)) i++;
  if (i === length) return v.length - w.length;
  // Where the strings part inside a surrogate pair, the pair begins one unit earlier, the same in both.
  const inside = i > 0 && (v.charCodeAt(i - 1) & 0xfc00) === 0xd800;
  const at = inside ? i - 1 : i;
  return v.codePointAt(at)! - w.codePointAt(at)!;
}

function checkMinCount(minCount: number): void {
  if (Number.isInteger(minCount) && minCount >= 1) return;
  throw new ArgumentError(`minCount must be an integer of at least 1; got ${minCount}`);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DataError(`expected ${what}, an object; got ${JSON.stringify(value)?.slice(0, 60)}: the file is damaged`);
}

function malformed(what: string, field: string, expected: string, got: unknown): DataError {
  const shown = JSON.stringify(got)?.slice(0, 60);
  return new DataError(`${what}: expected ${field} to be ${expected}; got ${shown}: the file is damaged`);
}

function stringList(value: unknown, what: string, field: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) return [...value];
  throw malformed(what, field, 'an array of strings that are not empty', value);
}

function checkDistinct(words: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const word of words) {
    if (seen.has(word)) throw new DataError(`${what}: ${JSON.stringify(word)} occurs twice: the file is damaged`);
    seen.add(word);
  }
}
