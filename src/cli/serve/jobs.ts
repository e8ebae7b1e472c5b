/** What a worker of `bptt serve` is asked, and what it answers: plain data. */

/** A text, which is cut as `bptt tag` cuts it, or sentences that are tokenized already. */
export type TagInput = { readonly text: string } | { readonly sentences: readonly (readonly string[])[] };

/** What to return beside the labels. */
export interface Wanted {
  readonly probabilities: boolean;
  readonly spans: boolean;
}

/** The inputs of one request. */
export interface ServeJob {
  readonly inputs: readonly TagInput[];
  readonly wanted: Wanted;
}

/** One JSON array per input, of its sentences as `bptt tag --output jsonl` writes them; and how much that was. */
export interface ServeResult {
  readonly answers: readonly string[];
  readonly sentences: number;
  readonly tokens: number;
}

/** What every worker gets. */
export interface ServeData {
  /** The model file, and its path for messages. */
  readonly bytes: Uint8Array;
  readonly path: string;
  /** The file of the user's own cell. */
  readonly cell?: string;
  readonly backend: string;
}
