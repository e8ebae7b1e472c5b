/** A sentence as the readers give it and the writers take it: tokens, and what is known about each. */

/** One sentence, or any other sequence of tokens with one label each. */
export interface Sentence {
  /** The tokens as they stood in the file; never empty, and a token may contain spaces. */
  readonly tokens: readonly string[];
  /**
   * One label per token, `''` for a token without one; absent if the input carries none. Where several columns are read: those of
   * the first.
   */
  readonly labels?: readonly string[];
  /** Where several columns of labels are read: the labels of each, by its name; one that has none here is absent. */
  readonly columns?: Readonly<Record<string, readonly string[]>>;
  /** Lines of the file it stood in, where the reader was asked to keep them (`keepLines`). */
  readonly conllu?: ConlluLines;
  /** The text it was cut from, and where its tokens stand in it, where the reader was asked to keep what it read (`keepSource`). */
  readonly surface?: SentenceText;
  /** Class of the whole sentence, for example the intent of a slot-filling corpus; `''` where it has none. */
  readonly category?: string;
  /** Line of the first token in its file, counted from 1. */
  readonly line?: number;
  /** Line of each token in its file, where a reader was asked for them (`tokenLines`). Without it all are taken to stand in `line`. */
  readonly lines?: readonly number[];
}

/** A text, and `[start, end)` of each token in it, in UTF-16 code units. */
export interface SentenceText {
  readonly text: string;
  readonly offsets: readonly (readonly [start: number, end: number])[];
}

/** A sentence of CoNLL-U as it stood in its file. */
export interface ConlluLines {
  /** Names of the columns, from left to right. */
  readonly columns: readonly string[];
  /** Comments, words, ranges and empty nodes. */
  readonly lines: readonly string[];
}

/** What a model says of a sentence. */
export interface Tags {
  /** One label per token; empty where only the sentence has one. */
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

/** A sentence with the labels a model gave it. */
export interface TaggedSentence extends Sentence, Omit<Tags, 'category'> {
  readonly labels: readonly string[];
  /** What each head says, by its name, where the model has several. They stand in place of the fields above. */
  readonly heads?: Readonly<Record<string, Tags>>;
}

/** A sentence cut out of raw text. */
export interface SegmentedSentence extends Sentence {
  /** `[start, end)` of each token in the text it was cut from, in UTF-16 code units as `String.prototype.slice` counts. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
}
