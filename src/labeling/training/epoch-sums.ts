/** What an epoch adds up over its batches: plain numbers, so that a checkpoint in the middle of it can go on with them. */
import type { EpochRecord } from './record.js';
import { rateOf } from './record.js';
import { weighted } from './replica.js';

/** The sums over the batches of an epoch that are done. */
export interface EpochSums {
  /** Batches. */
  done: number;
  /** Milliseconds of training. */
  elapsed: number;
  tokens: number;
  /** Of gradient norms, before clipping. */
  norm: number;
  /** The largest of these. */
  largest: number;
  /** Updates whose gradient was clipped. */
  clipped: number;
  /** Learning rate of the last update. */
  lr: number;
  /** Per head: losses times decisions, and decisions. */
  readonly heads: { loss: number; decisions: number }[];
}

/** What an update adds. */
export interface UpdateNumbers {
  /** Mean loss of the batch, in nats, and the decisions it is over, one of each per head. */
  readonly losses: readonly number[];
  readonly decisions: readonly number[];
  readonly tokens: number;
  /** Gradient norm before clipping. */
  readonly norm: number;
  readonly lr: number;
}

/** The sums of an epoch without a batch. */
export function noSums(heads: number): EpochSums {
  const none = { done: 0, elapsed: 0, tokens: 0, norm: 0, largest: 0, clipped: 0, lr: 0 };
  return { ...none, heads: Array.from({ length: heads }, () => ({ loss: 0, decisions: 0 })) };
}

/** Adds an update. @param clip the norm above which it was clipped */
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

/** Mean loss per decision, in nats; of several heads the weighted sum of theirs. */
export function meanLoss(sums: EpochSums, weights: readonly number[]): number {
  return weighted(meansOf(sums), weights);
}

/** What the sums say of an epoch. @param heads their names, in their order */
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
