/** Sentence lengths: the buckets for which scores are given. */

/** The first and the last length of each bucket, in tokens; the last bucket is unbounded. */
export const LENGTH_BUCKETS: readonly (readonly [from: number, to: number])[] = [
  [1, 5],
  [6, 10],
  [11, 20],
  [21, 40],
  [41, Infinity],
];

/** Returns the bucket of a length; a sentence without tokens is in the first one. */
export function bucketOf(length: number): number {
  const bucket = LENGTH_BUCKETS.findIndex(([, to]) => length <= to);
  return bucket;
}
