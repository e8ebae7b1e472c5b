/** Maps labels to ids and back, in the order used for words: by descending count in the training sentences, ties in code-point order. */
import { expectNumbers, expectString } from '../../tensor/arguments.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { codePointName, quoted } from '../../tensor/visible.js';
import { expectIterable, expectSentence } from '../checks.js';
import { byCount } from './lists.js';
import { checkDistinct, malformed, stringList } from './read-back.js';
import { normalForm } from './nfc.js';
import type { Sentence } from './sentence.js';
import { UNLABELED } from './unlabeled.js';

/** The id of a token without a label: a target that every loss ignores. */
const IGNORED = -1;

/** How many labels a message lists; a treebank with features has hundreds of them. */
const SHOWN = 10;

/** Labels by id. There is no unknown label: a label that is absent from the training data has no id and is never predicted. */
export interface LabelVocabulary {
  readonly size: number;
  /** The label of each id. */
  readonly labels: readonly string[];
  /** Whether the label has an id. */
  has(label: string): boolean;
  /** Id of a label. @throws DataError naming the label and the most common known ones */
  lookup(label: string): number;
  /**
   * `[tokens]`, the ids of a sentence's labels; −1 for a token without one.
   * @param source name of the input, for the message
   * @throws DataError if the sentence has no labels, or an unknown one, naming line and token
   */
  encode(sentence: Sentence, source?: string): Int32Array;
  /** Labels of ids. @throws ArgumentError on an id out of range */
  decode(ids: ArrayLike<number>): string[];
  /** The labels in the order of their ids, from which {@link labelsFromJson} restores an equal vocabulary. */
  toJSON(): string[];
}

/**
 * Builds the vocabulary of the labels in training sentences; unlabeled tokens are skipped.
 *
 * @throws DataError if a sentence has no labels, or there is no sentence
 */
export function buildLabels(sentences: Iterable<Sentence>): LabelVocabulary {
  expectIterable('buildLabels', 'sentences', sentences, 'sentences');
  const counts = new Map<string, number>();
  let place = 0;
  for (const sentence of sentences) {
    expectSentence('buildLabels', `sentences[${place++}]`, sentence);
    for (const label of labelsOf(sentence)) if (label !== UNLABELED) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  if (counts.size === 0) throw new DataError('expected training sentences with labels; got none: check the input');
  return createLabels(byCount(counts));
}

/** Restores a vocabulary. @throws DataError if the value is not a list of distinct labels */
export function labelsFromJson(value: unknown): LabelVocabulary {
  const labels = stringList(value, 'a label vocabulary', 'labels');
  if (labels.length === 0) throw malformed('a label vocabulary', 'labels', 'at least one label', labels);
  checkDistinct(labels, 'a label vocabulary');
  return createLabels(labels);
}

/**
 * Returns a note on a label that looks like a known one but differs: one is composed and the other decomposed, or one contains an invisible
 * character. Empty if there is no such label.
 */
export function twinNote(label: string, known: readonly string[]): string {
  const look = (text: string) => normalForm(text).replace(/\p{Cf}/gu, '');
  const looks = look(label);
  const twin = known.find((other) => other !== label && look(other) === looks);
  if (twin === undefined) return '';
  const why = normalForm(twin) === normalForm(label) ? 'normalize to Unicode NFC' : 'remove the invisible characters';
  return `${quoted(label)} differs from the known ${quoted(twin)} in characters that look the same (${codes(label)}, ${codes(twin)}; ${why})`;
}

/** The non-ASCII characters of a text, by code point: `U+00E9 U+0301`. */
export function codes(text: string): string {
  const beyond = [...text].filter((character) => character > '~').slice(0, 8);
  return beyond.map(codePointName).join(' ') || 'ASCII';
}

function createLabels(labels: readonly string[]): LabelVocabulary {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = (label: string, where: string) => {
    const shown = labels.slice(0, SHOWN).join(' ') + (labels.length > SHOWN ? ` … (${labels.length} in all)` : '');
    const message = `${where}label ${quoted(label)} was never seen in training; the known labels are ${shown}`;
    const twin = twinNote(label, labels);
    return new DataError(`${message}${twin && `, and ${twin}`}: correct it, or retrain with it`);
  };
  return {
    size: labels.length,
    labels,
    has: (label) => ids.has(label),
    lookup(label) {
      expectString('labels', 'label', label);
      const id = ids.get(label);
      if (id === undefined) throw unknown(label, '');
      return id;
    },
    encode(sentence, source) {
      expectSentence('labels', 'sentence', sentence);
      if (source !== undefined) expectString('labels', 'source', source);
      return Int32Array.from(labelsOf(sentence, source), (label, i) => {
        const id = label === UNLABELED ? IGNORED : ids.get(label);
        if (id !== undefined) return id;
        throw unknown(label, `${placeOf(sentence, source)}token ${i + 1}, ${quoted(sentence.tokens[i])}: `);
      });
    },
    decode(sequence) {
      expectNumbers('labels', 'ids', sequence);
      return Array.from(sequence, (id) => {
        if (labels[id] !== undefined) return labels[id];
        throw new ArgumentError(
          `a label id must be an integer from 0 to ${labels.length - 1}; got ${id}: correct the ids`,
        );
      });
    },
    toJSON: () => [...labels],
  };
}

/** The labels of a sentence that must have them. @throws DataError if it has none, or not one per token */
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
