/** Sentences by their length: the buckets that scores are given for. */

/** The first and the last length of each bucket, in tokens; the last one is open. */
export const LENGTH_BUCKETS: readonly (readonly [from: number, to: number])[] = [
  [1, 5],
  [6, 10],
  [11, 20],
  [21, 40],
  [41, Infinity],
];

/** The bucket of a length; a sentence without tokens is in the first one. */
export function bucketOf(length: number): number {
  const bucket = LENGTH_BUCKETS.findIndex(([, to]) => length <= to);
  return bucket;
}
