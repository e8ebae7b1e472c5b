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
  readonly sharedJob: SharedArrayBuffer;
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

/** Lists of integers, one per sentence, end to end. */
export interface SharedLists {
  /** Where the list of each sentence ends. */
  readonly ends: Int32Array;
  readonly values: Int32Array;
}

/** Encoded sentences in shared memory. */
export interface SharedSentences {
  readonly lengths: Int32Array;
  /** Per encoder, by name. */
  readonly features: readonly Readonly<Record<string, SharedLists>>[];
  /** Per head. */
  readonly targets: readonly SharedLists[];
}

/** Copies sentences into shared memory. */
export function shareSentences({ lengths, features, targets }: EncodedSentences): SharedSentences {
  const shared = sharedInts(lengths.length);
  shared.set(Array.from(lengths));
  return {
    lengths: shared,
    features: features.map((read) => {
      const names = Object.keys(read[0] ?? {});
      return Object.fromEntries(names.map((name) => [name, shareLists(read.map((of) => of[name]))]));
    }),
    targets: targets.map(shareLists),
  };
}

/** The sentences again, as views. */
export function sentencesOf({ lengths, features, targets }: SharedSentences): EncodedSentences {
  return {
    lengths,
    features: features.map((read) => {
      const lists = Object.entries(read).map(([name, shared]) => [name, listsOf(shared)] as const);
      return Array.from(lengths, (_, s) => Object.fromEntries(lists.map(([name, of]) => [name, of[s]])));
    }),
    targets: targets.map(listsOf),
  };
}

function shareLists(lists: readonly Int32Array[]): SharedLists {
  const ends = sharedInts(lists.length);
  let end = 0;
  lists.forEach((list, i) => (ends[i] = end += list.length));
  const values = sharedInts(end);
  lists.forEach((list, i) => values.set(list, ends[i] - list.length));
  return { ends, values };
}

function listsOf({ ends, values }: SharedLists): Int32Array[] {
  return Array.from(ends, (end, i) => values.subarray(i === 0 ? 0 : ends[i - 1], end));
}

const sharedInts = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length));
