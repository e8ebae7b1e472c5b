/** Splits a batch among threads. */

/**
 * Splits sentences into shards of nearly equal numbers of tokens: the longest sentence first, each to the shard that has
 * the fewest tokens (the rule LPT; Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17(2), 1969).
 * Deterministic, and ties go to the first. Within a shard the sentences keep their order, so that one shard is the batch.
 *
 * @param lengths number of tokens of each sentence of the corpus
 * @param members indices of the batch's sentences in the corpus
 * @param count the number of shards wanted; if the batch has fewer sentences there are fewer shards, and none is empty
 */
export function shardsOf(lengths: ArrayLike<number>, members: readonly number[], count: number): number[][] {
  const shards = Array.from({ length: Math.min(count, members.length) }, () => ({ tokens: 0, places: [] as number[] }));
  const longestFirst = members.map((_, place) => place).sort((p, q) => lengths[members[q]] - lengths[members[p]]);
  longestFirst.forEach((place, turn) => {
    // The first turns fill the empty shards, even if sentences have no tokens.
    const least = turn < shards.length ? shards[turn] : shards.reduce((a, b) => (b.tokens < a.tokens ? b : a));
    least.tokens += lengths[members[place]];
    least.places.push(place);
  });
  return shards.map(({ places }) => places.sort((p, q) => p - q).map((place) => members[place]));
}
