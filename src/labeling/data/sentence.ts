/** A sentence as the readers give it and the writers take it: tokens, and what is known about each. */

/** One sentence, or any other sequence of tokens with one label each. */
export interface Sentence {
  /** The tokens as they stood in the file; never empty, and a token may contain spaces. */
  readonly tokens: readonly string[];
  /** One label per token; absent where the input carries none. */
  readonly labels?: readonly string[];
  /** Class of the whole sentence, for example the intent of a slot-filling corpus. */
  readonly category?: string;
  /** Line of the first token in its file, counted from 1. */
  readonly line?: number;
}

/** A sentence with the labels a model gave it. */
export interface TaggedSentence extends Sentence {
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
}

/** A sentence cut out of raw text. */
export interface SegmentedSentence extends Sentence {
  /** `[start, end)` of each token in the text it was cut from, in UTF-16 code units as `String.prototype.slice` counts. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
}
