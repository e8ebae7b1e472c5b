/** Labels to ids and back, ordered as words are: by falling count in the training sentences, ties in code-point order. */
import { expectNumbers, expectString } from '../../tensor/arguments.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { codePointName, quoted } from '../../tensor/visible.js';
import { expectIterable, expectSentence } from '../checks.js';
import { byCount } from './lists.js';
import { checkDistinct, malformed, stringList } from './read-back.js';
import { normalForm } from './nfc.js';
import type { Sentence } from './sentence.js';
import { UNLABELED } from './unlabeled.js';

/** The id of a token without a label: the target that no loss counts. */
const IGNORED = -1;

/** How many labels a message lists; a treebank with features has hundreds. */
const SHOWN = 10;

/** Labels by id. There is no unknown label: one never seen in training has no id, and no model predicts it. */
export interface LabelVocabulary {
  readonly size: number;
  /** The label of each id. */
  readonly labels: readonly string[];
  /** Whether the label has an id. */
  has(label: string): boolean;
  /** Id of a label. @throws DataError naming the label and the commonest known ones */
  lookup(label: string): number;
  /**
   * `[tokens]` ids of a sentence's labels; −1 for a token without one.
   * @param source name of the input, for the message
   * @throws DataError if the sentence has no labels, or one that is unknown, naming line and token
   */
  encode(sentence: Sentence, source?: string): Int32Array;
  /** Labels of ids. @throws ArgumentError on an id out of range */
  decode(ids: ArrayLike<number>): string[];
  /** The labels in the order of their ids, from which {@link labelsFromJson} makes an equal vocabulary. */
  toJSON(): string[];
}

/** The labels of training sentences; tokens without one add none. @throws DataError if a sentence has no labels, or there is no sentence */
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

/** Labels read back. @throws DataError if the value is not a list of distinct labels */
export function labelsFromJson(value: unknown): LabelVocabulary {
  const labels = stringList(value, 'a label vocabulary', 'labels');
  if (labels.length === 0) throw malformed('a label vocabulary', 'labels', 'at least one label', labels);
  checkDistinct(labels, 'a label vocabulary');
  return createLabels(labels);
}

/**
 * What to say of a label that looks like a known one and is another: composed where that is decomposed, or with an invisible
 * character inside. Empty where there is none.
 */
export function twinNote(label: string, known: readonly string[]): string {
  const look = (text: string) => normalForm(text).replace(/\p{Cf}/gu, '');
  const looks = look(label);
  const twin = known.find((other) => other !== label && look(other) === looks);
  if (twin === undefined) return '';
  const why = normalForm(twin) === normalForm(label) ? 'normalize to Unicode NFC' : 'remove the invisible characters';
  return `${quoted(label)} differs from the known ${quoted(twin)} in characters that look the same (${codes(label)}, ${codes(twin)}; ${why})`;
}

/** The characters beyond ASCII, by their numbers. */
function codes(text: string): string {
  const beyond = [...text].filter((character) => character > '~').slice(0, 8);
  return beyond.map(codePointName).join(' ') || 'ASCII';
}

function createLabels(labels: readonly string[]): LabelVocabulary {
  const ids = new Map(labels.map((label, id) => [label, id]));
  const unknown = (label: string, where: string) => {
    const shown = labels.slice(0, SHOWN).join(' ') + (labels.length > SHOWN ? ` … (${labels.length} in all)` : '');
    const message = `${where}label ${quoted(label)} was never seen in training; the known labels are ${shown}`;
    const twin = twinNote(label, labels);
    return new DataError(`${message}${twin && `, and ${twin}`}: correct it, or train with it`);
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

/** Labels of a sentence that must have them. @throws DataError if it has none, or not one per token */
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
