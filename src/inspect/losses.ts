/**
 * The losses of a sentence, and the seeds of their backward passes:
 *
 *   loss     s = −log p[gold]          ∂s/∂z[j] = p[j] − [j = gold]
 *   logit    s = z[label]              ∂s/∂z[j] = [j = label]
 *   margin   s = z[label] − z[contrast]
 */
import type { Sentence } from '../labeling/data/sentence.js';
import { learnedBy } from '../labeling/model/heads/decoding.js';
import { headKindsOf } from '../labeling/model/network.js';
import { UnsupportedError } from '../tensor/errors.js';
import { exp, log } from '../tensor/math.js';
import { argmaxRows } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { viewOf } from '../tensor/view.js';
import { rowOf } from './numbers.js';
import type { InspectOptions } from './options.js';
import type { Study } from './study.js';
import type { LossTrace } from './trace.js';

/** p(gold) above which a word counts as solved. */
const SOLVED = 0.9;

/** Heads whose loss is softmax cross-entropy, one term per decision. */
const SOFTMAX = ['softmax', 'sentence'];

/** Whether the sentence has gold labels for the inspected head. */
export function hasGold({ model, head }: Pick<Study, 'model' | 'head'>, sentence: Sentence): boolean {
  return (model.heads[head].kind.unit === 'token' ? sentence.labels : sentence.category) !== undefined;
}

/**
 * One loss per decision of the head.
 *
 * @throws DataError on a label that the model does not have, or if there is not one label per word
 * @throws UnsupportedError for the seed `loss` of a custom head, whose loss need not be a sum over words
 */
export function lossesOf(study: Study, sentence: Sentence, options: InspectOptions): LossTrace[] {
  const { model, head, logits, probabilities } = study;
  const { labels } = model.heads[head];
  const kind = headKindsOf(model)[head];
  const { seed = 'loss' } = options;
  if (seed === 'loss' && !SOFTMAX.includes(kind.kind)) {
    throw new UnsupportedError(
      `inspect: the seed 'loss' needs a head of ${SOFTMAX.join(' or ')}; got '${kind.kind}': use seed 'logit' or 'margin'`,
    );
  }
  const best = argmaxRows(logits);
  const learned = learnedBy(model.config.heads[head])(sentence);
  const gold = hasGold(study, sentence) ? kind.goldOf(learned).map((label) => labels.lookup(label)) : Array.from(best);
  return probabilities.map((p, m): LossTrace => {
    const z = rowOf(logits, m);
    const label = options.label === undefined ? gold[m] : labels.lookup(options.label);
    const contrast = options.contrast === undefined ? runnerUp(z, label) : labels.lookup(options.contrast);
    const loss = logSumExp(z) - z[gold[m]];
    const seeds = { loss, logit: z[label], margin: z[label] - z[contrast] };
    return {
      word: kind.unit === 'token' ? m : null,
      gold: labels.labels[gold[m]],
      predicted: labels.labels[best[m]],
      loss,
      logits: z,
      probabilities: p,
      probability: p[gold[m]],
      solved: p[gold[m]] > SOLVED,
      seed: seeds[seed],
      label: seed === 'loss' ? null : labels.labels[label],
      contrast: seed === 'margin' ? labels.labels[contrast] : null,
      dLogits: p.map((each, j) => {
        if (seed === 'loss') return each - (j === gold[m] ? 1 : 0);
        return (j === label ? 1 : 0) - (seed === 'margin' && j === contrast ? 1 : 0);
      }),
    };
  });
}

/** The most probable label other than `label`; `label` itself if there is no other. */
function runnerUp(z: readonly number[], label: number): number {
  let best = -1;
  for (let j = 0; j < z.length; j++) if (j !== label && (best < 0 || z[j] > z[best])) best = j;
  return best < 0 ? label : best;
}

/** log Σ exp z, relative to the largest z. */
export function logSumExp(z: readonly number[]): number {
  const largest = z.reduce((max, each) => (each > max ? each : max), z[0]);
  return largest + log(z.reduce((sum, each) => sum + exp(each - largest), 0));
}

/** `[M, K]` gradient at the logits, of all seeds or of one; the rows of the other seeds are zero. */
export function seedOf(losses: readonly LossTrace[], only?: number): Tensor {
  const K = losses[0].logits.length;
  const data = losses.flatMap(({ dLogits }, m) => (only === undefined || m === only ? dLogits : dLogits.map(() => 0)));
  return viewOf(Float64Array.from(data), [losses.length, K]);
}

/** Sum of the seeds of a forward pass, for the labels of the losses. */
export function sumOfSeeds(
  { logits, model, head }: Pick<Study, 'logits' | 'model' | 'head'>,
  losses: readonly LossTrace[],
  { seed = 'loss' }: InspectOptions,
): number {
  const { labels } = model.heads[head];
  return losses.reduce((sum, { gold, dLogits }, m) => {
    const z = rowOf(logits, m);
    if (seed === 'loss') return sum + logSumExp(z) - z[labels.lookup(gold)];
    return sum + dLogits.reduce((total, each, j) => total + each * z[j], 0);
  }, 0);
}
