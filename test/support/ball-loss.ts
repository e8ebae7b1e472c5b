/** Linear layer and softmax cross-entropy over balls, from their equations. */
import type { Ball, BallNode, BallTape } from './balls.js';
import { div, exact, exp, log, max, mul, negative, sum } from './balls.js';

/** Y = X·W + b, `[N][K]`. */
export function linear(
  tape: BallTape,
  X: readonly (readonly BallNode[])[],
  W: readonly BallNode[],
  b: readonly BallNode[],
): BallNode[][] {
  const K = b.length;
  return X.map((x) =>
    b.map((bias, k) =>
      tape.dot(
        x.map((factor, d) => [factor, W[d * K + k]] as const),
        [bias],
      ),
    ),
  );
}

export interface LossOptions {
  readonly labelSmoothing: number;
  readonly classWeights: readonly number[];
}

/** A constant that is computed on the way and may be rounded. */
const constant = (value: number): Ball => mul(exact(value), exact(1));

/**
 * The mean of −Σ_k q_k·w_k·log p_k over the rows with a target, divided by the weights of the targets. Adds its gradient,
 * (p_k·Σ q·w − q_k·w_k) / Σ w, to the logits.
 *
 * @param targets labels, or −1 for a row that does not count
 */
export function softmaxLoss(
  logits: readonly (readonly BallNode[])[],
  targets: readonly number[],
  { labelSmoothing, classWeights }: LossOptions,
): { loss: Ball; probabilities: Ball[] } {
  const K = classWeights.length;
  const weight = targets.reduce((total, y) => total + (y < 0 ? 0 : classWeights[y]), 0);
  const losses: Ball[] = [];
  const probabilities = logits.flatMap((row, n) => {
    const greatest = negative(max(row.map(({ ball }) => ball)));
    const shifted = row.map(({ ball }) => sum([ball, greatest]));
    const powers = shifted.map(exp);
    const Z = sum(powers);
    const p = powers.map((power) => div(power, Z));
    if (targets[n] < 0) return p;
    const qw = p.map((_, k) => ((k === targets[n] ? 1 - labelSmoothing : 0) + labelSmoothing / K) * classWeights[k]);
    const mass = constant(qw.reduce((total, share) => total + share, 0));
    row.forEach(({ terms }, k) => {
      losses.push(mul(constant(qw[k]), negative(sum([shifted[k], negative(log(Z))]))));
      terms.push(mul(constant(1 / weight), sum([mul(p[k], mass), negative(constant(qw[k]))])));
    });
    return p;
  });
  return { loss: mul(constant(1 / weight), sum(losses)), probabilities };
}
