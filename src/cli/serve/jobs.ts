/** Requests to a worker of `bptt serve`, and its answers: plain data. */

/** A text, tokenized as in `bptt tag`, or sentences that are already tokenized. */
export type TagInput = { readonly text: string } | { readonly sentences: readonly (readonly string[])[] };

/** What to return in addition to the labels. */
export interface Wanted {
  readonly probabilities: boolean;
  readonly spans: boolean;
}

/** The inputs of one request. */
export interface ServeJob {
  readonly inputs: readonly TagInput[];
  readonly wanted: Wanted;
}

/** One JSON array per input, of its sentences in the format of `bptt tag --output jsonl`; and their counts. */
export interface ServeResult {
  readonly answers: readonly string[];
  readonly sentences: number;
  readonly tokens: number;
}

/** Data for every worker. */
export interface ServeData {
  /** The model file, and its path for messages. */
  readonly bytes: Uint8Array;
  readonly path: string;
  /** The file of the user-defined cell. */
  readonly cell?: string;
  readonly backend: string;
}
