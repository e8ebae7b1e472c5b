/** The sums of an epoch over its batches: plain numbers, so that training can resume from a checkpoint in the middle of an epoch. */
import type { EpochRecord } from './record.js';
import { rateOf } from './record.js';
import { weighted } from './replica.js';

/** The sums over the finished batches of an epoch. */
export interface EpochSums {
  /** Number of batches. */
  done: number;
  /** Training time in milliseconds. */
  elapsed: number;
  tokens: number;
  /** Sum of gradient norms, before clipping. */
  norm: number;
  /** The largest gradient norm. */
  largest: number;
  /** Number of updates whose gradient was clipped. */
  clipped: number;
  /** Learning rate of the last update. */
  lr: number;
  /** Per head: the sum of losses weighted by decisions, and the number of decisions. */
  readonly heads: { loss: number; decisions: number }[];
}

/** The numbers that an update contributes. */
export interface UpdateNumbers {
  /** Mean loss of the batch, in nats, and the number of its decisions, each per head. */
  readonly losses: readonly number[];
  readonly decisions: readonly number[];
  readonly tokens: number;
  /** Gradient norm before clipping. */
  readonly norm: number;
  readonly lr: number;
}

/** The sums of an epoch before its first batch. */
export function noSums(heads: number): EpochSums {
  const none = { done: 0, elapsed: 0, tokens: 0, norm: 0, largest: 0, clipped: 0, lr: 0 };
  return { ...none, heads: Array.from({ length: heads }, () => ({ loss: 0, decisions: 0 })) };
}

/** Adds an update. @param clip the norm above which gradients are clipped */
export function addUpdate(sums: EpochSums, { losses, decisions, tokens, norm, lr }: UpdateNumbers, clip: number): void {
  sums.done++;
  sums.heads.forEach((sum, h) => {
    sum.loss += losses[h] * decisions[h];
    sum.decisions += decisions[h];
  });
  sums.tokens += tokens;
  sums.norm += norm;
  sums.largest = Math.max(sums.largest, norm);
  sums.clipped += norm > clip ? 1 : 0;
  sums.lr = lr;
}

const meansOf = ({ heads }: EpochSums): number[] =>
  heads.map(({ loss, decisions }) => (decisions > 0 ? loss / decisions : 0));

/** Mean loss per decision, in nats; for several heads the weighted sum of their losses. */
export function meanLoss(sums: EpochSums, weights: readonly number[]): number {
  return weighted(meansOf(sums), weights);
}

/** Returns the record of an epoch from its sums. @param heads their names, in order */
export function recordOf(
  epoch: number,
  sums: EpochSums,
  heads: readonly string[],
  weights: readonly number[],
): Omit<EpochRecord, 'dev' | 'best'> {
  const means = meansOf(sums);
  const batches = Math.max(sums.done, 1);
  return {
    epoch,
    loss: meanLoss(sums, weights),
    ...(heads.length > 1 && { losses: Object.fromEntries(heads.map((name, h) => [name, means[h]])) }),
    gradientNorm: sums.norm / batches,
    largestGradientNorm: sums.largest,
    clipped: sums.clipped / batches,
    lr: sums.lr,
    seconds: sums.elapsed / 1000,
    tokensPerSecond: rateOf(sums.tokens, sums.elapsed),
  };
}
