/** A sentence as readers return it and writers take it: tokens and their annotations. */

/** One sentence, or any other sequence of tokens with one label each. */
export interface Sentence {
  /** The tokens as in the file; never empty. A token may contain spaces. */
  readonly tokens: readonly string[];
  /**
   * One label per token, `''` for a token without one; absent if the input has none. If several columns are read, these are the labels of
   * the first.
   */
  readonly labels?: readonly string[];
  /** If several columns of labels are read: the labels of each, by name. A column without labels here is absent. */
  readonly columns?: Readonly<Record<string, readonly string[]>>;
  /** Its lines in the file, if the reader keeps them (`keepLines`). */
  readonly conllu?: ConlluLines;
  /** The text that it was cut from, and the offsets of its tokens, if the reader keeps its input (`keepSource`). */
  readonly surface?: SentenceText;
  /** Class of the whole sentence, for example the intent in a slot-filling corpus; `''` if it has none. */
  readonly category?: string;
  /** Line of the first token in its file, counted from 1. */
  readonly line?: number;
  /** Line of each token in its file, if requested from the reader (`tokenLines`). Without it, all tokens are taken to be in `line`. */
  readonly lines?: readonly number[];
}

/** A text, and the range `[start, end)` of each token in it, in UTF-16 code units. */
export interface SentenceText {
  readonly text: string;
  readonly offsets: readonly (readonly [start: number, end: number])[];
}

/** A CoNLL-U sentence as in its file. */
export interface ConlluLines {
  /** Names of the columns, from left to right. */
  readonly columns: readonly string[];
  /** Comments, words, ranges and empty nodes. */
  readonly lines: readonly string[];
}

/** A model's output for a sentence. */
export interface Tags {
  /** One label per token; empty if only the sentence has a label. */
  readonly labels: readonly string[];
  /** Probability of each chosen label, in [0, 1]. */
  readonly probabilities?: ArrayLike<number>;
  /** The spans of the labels over the tokens `start` to `end − 1`, each with its probability. */
  readonly spans?: readonly {
    readonly type: string;
    readonly start: number;
    readonly end: number;
    readonly probability: number;
  }[];
  /** Label of the whole sentence, and its probability, in [0, 1]. */
  readonly category?: string;
  readonly categoryProbability?: number;
}

/** A sentence with the labels that a model assigned. */
export interface TaggedSentence extends Sentence, Omit<Tags, 'category'> {
  readonly labels: readonly string[];
  /** The output of each head by name, if the model has several. It replaces the fields above. */
  readonly heads?: Readonly<Record<string, Tags>>;
}

/** A sentence cut from raw text. */
export interface SegmentedSentence extends Sentence {
  /** The range `[start, end)` of each token in the text that it was cut from, in UTF-16 code units, as in `String.prototype.slice`. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
}
