/**
 * Predicts the duration of an update of `train_ddp.py` on R ranks: a model with few constants, which can be measured on one
 * machine.
 *
 *   (1)  compute(R) = a + c·n/R                            a: seconds of an update, c: seconds of a word, n: words of the whole batch
 *   (2)  reduce(R)  = 2(R − 1)/R · S/W + 2(R − 1)·L        S: bytes of the gradient, W: bytes per second of a link, L: its latency
 *   (3)  step(R)    = compute(R) + reduce(R) + 2(R − 1)·L + d      d: what an update of several ranks takes beyond; 0 for R = 1
 *   (4)  rate(R)    = n / step(R)
 *
 * (2) is a ring: each rank sends and receives 2(R − 1) pieces of S/R bytes (Patarasuk & Yuan, Bandwidth optimal all-reduce
 * algorithms for clusters of workstations, JPDC 2009). (3) adds the reduction of the counts, a few bytes, and d: the hooks and
 * copies of DistributedDataParallel, waking its threads, and waiting for the rank with the longer sentences. The model assumes no
 * overlap; DistributedDataParallel reduces while the backward pass is still running, so that a step may be shorter by the hidden
 * part. a does not shrink with R: it consists of the optimizer, the Python calls, and the time steps, which are sequential
 * however few the sentences are.
 */

/** The constants of (1) to (4), in seconds, bytes, and bytes per second. */
export interface RankConstants {
  /** a */
  readonly perUpdate: number;
  /** c */
  readonly perWord: number;
  /** n */
  readonly words: number;
  /** S */
  readonly bytes: number;
  /** W */
  readonly bandwidth: number;
  /** L */
  readonly latency: number;
  /** d; default 0 */
  readonly perExchange?: number;
}

/** Returns the seconds of an update on a number of ranks, at least one. */
export function stepSeconds(ranks: number, constants: RankConstants): number {
  const { perUpdate, perWord, words, bytes, bandwidth, latency, perExchange = 0 } = constants;
  const compute = perUpdate + (perWord * words) / ranks; //                                         (1)
  const messages = 2 * (ranks - 1);
  const reduce = (messages / ranks) * (bytes / bandwidth) + messages * latency; //                  (2)
  return compute + reduce + messages * latency + (ranks > 1 ? perExchange : 0); //                  (3)
}

/** Returns the words per second of a number of ranks. */
export function rate(ranks: number, constants: RankConstants): number {
  return constants.words / stepSeconds(ranks, constants); //                                        (4)
}

/** Returns the number of ranks, from 1 to `most`, with the highest rate. */
export function bestRanks(constants: RankConstants, most = 1024): number {
  let best = 1;
  for (let ranks = 2; ranks <= most; ranks++) if (rate(ranks, constants) > rate(best, constants)) best = ranks;
  return best;
}

/**
 * Returns `[intercept, slope]` of the line through points by least squares of relative errors, with neither below 0, since times
 * grow with the work.
 */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): [intercept: number, slope: number] {
  const weights = points.map(([, y]) => 1 / (y * y)); // 1 % of a short time counts as much as 1 % of a long one
  const total = weights.reduce((sum, w) => sum + w, 0);
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point, i) => sum + weights[i] * of(point), 0) / total;
  const [mx, my] = [mean(([x]) => x), mean(([, y]) => y)];
  const slope = mean(([x, y]) => (x - mx) * (y - my)) / mean(([x]) => (x - mx) * (x - mx));
  const rising = Math.max(0, slope);
  return [Math.max(0, my - rising * mx), rising];
}
