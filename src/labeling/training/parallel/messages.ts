/** What threads say to each other by message: the plan at the beginning, and what must wake thread 0. */
import type { EncodedSentences, ReplicaPlan } from '../replica.js';

/** From thread 0, once. All arrays lie in shared memory. */
export interface StartMessage {
  /** Of the thread that receives this, 1 … threads − 1. */
  readonly index: number;
  readonly threads: number;
  /** The backend that thread 0 runs. */
  readonly backend: string;
  readonly plan: Omit<ReplicaPlan, 'sentences'>;
  readonly sentences: SharedSentences;
  readonly rowLimit: number;
  /** Milliseconds of looking before a wait sleeps. */
  readonly patience: number;
  /** A Web Lock to hold from now on, by which thread 0's side notices the end of this worker. */
  readonly lifeline?: string;
  readonly desk: SharedArrayBuffer;
  readonly exchange: SharedArrayBuffer;
}

/** To thread 0. */
export type WorkerMessage =
  /** The worker holds the lock of its start message, and will until it ends. Comes before everything else. */
  | { readonly kind: 'held'; readonly lifeline: string }
  | { readonly kind: 'ready' }
  /** The last thread has arrived while thread 0 slept. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'failed'; readonly nonFinite: boolean; readonly message: string };

/** Encoded sentences, end to end: three lists of equal lengths per sentence. */
export interface SharedSentences {
  /** Where each sentence ends. */
  readonly ends: Int32Array;
  readonly ids: Int32Array;
  readonly hidden: Int32Array;
  readonly targets: Int32Array;
}

/** Copies sentences into shared memory. */
export function shareSentences(sentences: EncodedSentences): SharedSentences {
  const ends = sharedInts(sentences.ids.length);
  let end = 0;
  sentences.ids.forEach((list, i) => (ends[i] = end += list.length));
  const joined = (lists: readonly Int32Array[]): Int32Array => {
    const all = sharedInts(end);
    lists.forEach((list, i) => all.set(list, ends[i] - list.length));
    return all;
  };
  const { ids, hidden, targets } = sentences;
  return { ends, ids: joined(ids), hidden: joined(hidden), targets: joined(targets) };
}

/** The sentences again, as views. */
export function sentencesOf({ ends, ids, hidden, targets }: SharedSentences): EncodedSentences {
  const parts = (all: Int32Array): Int32Array[] =>
    Array.from(ends, (end, i) => all.subarray(i === 0 ? 0 : ends[i - 1], end));
  return { ids: parts(ids), hidden: parts(hidden), targets: parts(targets) };
}

const sharedInts = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length));
