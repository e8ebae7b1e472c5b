/** Messages between threads: the plan at the beginning, and the messages that wake thread 0. */
import type { Feature, Features } from '../../data/features.js';
import { MemoryError } from '../../../tensor/errors.js';
import type { Real } from '../../../tensor/types.js';
import { flatCopy, viewOf } from '../../../tensor/view.js';
import type { InitialParams } from '../../model/network.js';
import type { ReplicaState } from '../checkpoint.js';
import type { EncodedSentences, ReplicaPlan } from '../replica.js';
import type { RowLimits } from './exchange.js';

/** Sent by thread 0, once. All arrays are in shared memory, except those of `resumed`. */
export interface StartMessage {
  /** Index of the receiving thread, 1 … threads − 1. */
  readonly index: number;
  readonly threads: number;
  /** The backend of thread 0. */
  readonly backend: string;
  readonly plan: Omit<ReplicaPlan, 'sentences'>;
  readonly sentences: SharedSentences;
  /** The state from which the replica resumes, if not from the initial one. */
  readonly resumed?: ReplicaState;
  readonly rowLimits: RowLimits;
  /** Milliseconds of spinning before a wait sleeps. */
  readonly patience: number;
  /** A Web Lock to hold from now on, by which thread 0 notices the end of this worker. */
  readonly lifeline?: string;
  readonly sharedJob: SharedArrayBuffer;
  readonly exchange: SharedArrayBuffer;
}

/** Sent to thread 0. */
export type WorkerMessage =
  /** The worker holds the lock of its start message, and keeps it until it ends. Sent before all other messages. */
  | { readonly kind: 'held'; readonly lifeline: string }
  | { readonly kind: 'ready' }
  /** The last thread has arrived while thread 0 was asleep. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'failed'; readonly nonFinite: boolean; readonly message: string };

/** Lists of integers, one per sentence, concatenated. */
export interface SharedLists {
  /** The end of each sentence's list. */
  readonly ends: Int32Array;
  readonly values: Int32Array;
}

/** A feature of all sentences, in any of its forms: see `data/features.ts`. */
export interface SharedFeature {
  readonly values: SharedLists;
  /** For integer rows: the number of integers per token. */
  readonly columns?: number;
  /** For lists: the ends of the lists of a sentence's tokens. */
  readonly ends?: SharedLists;
}

/** Encoded sentences in shared memory. */
export interface SharedSentences {
  readonly lengths: Int32Array;
  /** Per encoder, by name. */
  readonly features: readonly Readonly<Record<string, SharedFeature>>[];
  /** Per head. */
  readonly targets: readonly SharedLists[];
}

/** Copies initial parameters that are not drawn into shared memory, once for all workers. @throws MemoryError if there is not enough */
export function shareParams(initial: InitialParams): InitialParams {
  const parts = Object.entries(initial).map(([kind, part]) => {
    const tensors = Object.entries(part).map(
      ([name, x]) => [name, viewOf(sharedFloats(flatCopy(x)), x.shape)] as const,
    );
    return [kind, Object.fromEntries(tensors)] as const;
  });
  return Object.fromEntries(parts);
}

function sharedFloats(values: Real): Float32Array {
  try {
    const shared = new Float32Array(new SharedArrayBuffer(4 * values.length));
    shared.set(values);
    return shared;
  } catch (cause) {
    const bytes = 4 * values.length;
    const message = `train: the vectors need ${bytes} bytes of shared memory, which is unavailable`;
    throw new MemoryError(`${message}: keep fewer of them, or train on one thread`, { cause });
  }
}

/** Copies sentences into shared memory. */
export function shareSentences({ lengths, features, targets }: EncodedSentences): SharedSentences {
  const shared = sharedInts(lengths.length);
  shared.set(Array.from(lengths));
  return {
    lengths: shared,
    features: features.map((read) => {
      const names = Object.keys(read[0] ?? {});
      return Object.fromEntries(names.map((name) => [name, shareFeature(read.map((of) => of[name]))]));
    }),
    targets: targets.map(shareLists),
  };
}

/** All sentences have the feature in the same form, because one reader made them. */
function shareFeature(features: readonly Feature[]): SharedFeature {
  const [first] = features;
  if (ArrayBuffer.isView(first)) return { values: shareLists(features as readonly Int32Array[]) };
  const parts = features as readonly Exclude<Feature, Int32Array>[];
  const values = shareLists(parts.map((each) => each.values));
  if ('columns' in first) return { values, columns: first.columns };
  return { values, ends: shareLists(parts.map((each) => (each as typeof first).ends)) };
}

/** Returns the sentences as views of shared memory. */
export function sentencesOf({ lengths, features, targets }: SharedSentences): EncodedSentences {
  return {
    lengths,
    features: features.map((read) => {
      const lists = Object.entries(read).map(([name, shared]) => [name, featuresOf(shared)] as const);
      return Array.from(lengths, (_, s): Features => Object.fromEntries(lists.map(([name, of]) => [name, of[s]])));
    }),
    targets: targets.map(listsOf),
  };
}

function featuresOf({ values, columns, ends }: SharedFeature): Feature[] {
  const lists = listsOf(values);
  if (columns !== undefined) return lists.map((own) => ({ columns, values: own }));
  if (ends === undefined) return lists;
  const places = listsOf(ends);
  return lists.map((own, s) => ({ ends: places[s], values: own }));
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
