/**
 * Which word decided this label? Four answers for the logit z of a label, minus the logit of a contrast if one is given, at word
 * vectors x:
 *
 *   gradient               ‖∂z/∂x_k‖
 *   input × gradient       ⟨x_k, ∂z/∂x_k⟩
 *   integrated gradients   (1)  ⟨x_k, ∫₀¹ ∂z/∂x_k(αx) dα⟩       Σ_k = z(x) − z(0), the completeness axiom
 *   swap                   (2)  z − z with word k replaced        two forward passes; nothing is linearized
 *
 * Integrated gradients: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017. The integral is a midpoint
 * rule; the number of points is doubled until the sum is within 1 % of its exact value. If that is never reached, no integrated
 * gradients are shown. A gradient describes how z responds to a small change, not what would happen without the word; the swap
 * measures the latter.
 */
import type { Kernels } from '../kernels/types.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Model } from '../labeling/model/model.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { lossesOf } from './losses.js';
import { dot, norm, rowOf, zeros } from './numbers.js';
import type { InspectOptions } from './options.js';
import { expectQuestion } from './options.js';
import type { Replacement } from './replacements.js';
import { replacementsFor, withWord } from './replacements.js';
import type { Study } from './study.js';
import { studyOf } from './study.js';
import type { SaliencyTrace } from './trace.js';
import { logitsOf, readVariants, scaled, variantsAtOnce, vectorGradients, vectorsOf } from './variants.js';

/** Integrated gradients are shown only if their completeness gap is below this. */
const COMPLETE = 0.01;

/** The smallest and the largest number of points. */
const [FEWEST, MOST] = [32, 4096];

/** What is explained: a logit of a decision, minus another logit if a contrast is given. */
interface Question {
  readonly target: number;
  readonly label: number;
  readonly contrast: number | null;
}

/**
 * Returns which words decided the labels of a sentence, one entry per target.
 *
 * @param options `saliency` chooses the targets, default all; `label` and `contrast` choose what is explained, default the
 *   predicted label and no contrast; `replacements` gives the words that the swap test substitutes
 * @throws ArgumentError as `inspect` does, and on a target that does not exist
 */
export function saliency(
  kernels: Kernels,
  model: Model,
  sentence: Sentence,
  options: InspectOptions = {},
): SaliencyTrace[] {
  expectQuestion('saliency', kernels, model, sentence, options);
  const study = studyOf(kernels, model, sentence, options.head);
  return saliencyOf(study, sentence, { ...options, saliency: options.saliency ?? 'all' });
}

/** The targets that the options ask for. */
export function saliencyOf(study: Study, sentence: Sentence, options: InspectOptions): SaliencyTrace[] {
  const { saliency: wanted = [], label, contrast } = options;
  const losses = lossesOf(study, sentence, { ...options, seed: 'logit' });
  const targets = wanted === 'all' ? losses.map((_, m) => m) : wanted;
  if (targets.length === 0) return [];
  const { labels } = study.model.heads[study.head];
  const replacements = replacementsFor(study, options.replacements, options.onProgress);
  return targets.map((target) => {
    expectNonNegativeInteger('saliency', 'target', target);
    if (target >= losses.length) {
      throw new ArgumentError(`saliency: target must be a loss, 0 … ${losses.length - 1}; got ${target}`);
    }
    const question = {
      target,
      label: labels.lookup(label ?? losses[target].predicted),
      contrast: contrast === undefined ? null : labels.lookup(contrast),
    };
    return answer(study, question, replacements, options.onProgress);
  });
}

function answer(
  study: Study,
  question: Question,
  replacements: readonly Replacement[],
  onProgress: InspectOptions['onProgress'],
): SaliencyTrace {
  const { labels } = study.model.heads[study.head];
  const { x } = study.pass;
  const words = study.tokens.map((_, k) => k);
  const [gradient] = gradientsAt(study, question, [x]);
  const [z] = valuesOf(study, question, [x]);
  const { integrated, gap, points } = integratedGradients(study, question, z, onProgress);
  const sizes = words.map((k) => norm(rowOf(gradient, k)));
  const swap = swapped(study, question, replacements, onProgress).map((other) => z - other); // (2)
  const first = (values: readonly number[]): number =>
    values.reduce((best, each, k) => (Math.abs(each) > Math.abs(values[best]) ? k : best), 0);
  return {
    target: question.target,
    label: labels.labels[question.label],
    contrast: question.contrast === null ? null : labels.labels[question.contrast],
    methods: {
      gradient: sizes,
      inputTimesGradient: words.map((k) => dot(rowOf(x, k), rowOf(gradient, k))),
      integrated: gap < COMPLETE ? integrated : null,
      swap,
    },
    gap,
    points,
    replacements: replacements.map(({ word }) => word),
    rules: replacements.map(({ rule }) => rule),
    agrees: [...sizes, ...swap].every(Number.isFinite) && first(sizes) === first(swap),
  };
}

/** z of each version. */
function valuesOf(study: Study, { target, label, contrast }: Question, vectors: readonly Tensor[]): number[] {
  const rows = logitsOf(readVariants(study, vectors), target);
  return rows.map((row) => row[label] - (contrast === null ? 0 : row[contrast]));
}

/** `[T, D]` ∂z/∂x of each version. */
function gradientsAt(study: Study, { target, label, contrast }: Question, vectors: readonly Tensor[]): Tensor[] {
  const weights = new Array<number>(study.logits.shape[1]).fill(0);
  weights[label] += 1;
  if (contrast !== null) weights[contrast] -= 1;
  const B = vectors.length;
  const [T, D] = study.pass.x.shape;
  const { data, offset } = vectorGradients(readVariants(study, vectors), target, weights);
  return vectors.map((_, b) => ({ data, shape: [T, D], stride: [B * D, 1], offset: offset + b * D }));
}

/** Equation (1), by the midpoint rule: doubles the number of points until the sum is complete. */
function integratedGradients(study: Study, question: Question, z: number, onProgress: InspectOptions['onProgress']) {
  const { x } = study.pass;
  const due = z - valuesOf(study, question, [zeros(x.shape)])[0];
  for (let points = FEWEST; ; points *= 2) {
    const integrated = pathSum(study, question, points, onProgress);
    const total = integrated.reduce((sum, each) => sum + each, 0);
    const gap = total === due ? 0 : Math.abs(total - due) / Math.abs(due);
    if (!(gap >= COMPLETE) || points >= MOST) return { integrated, gap, points };
  }
}

function pathSum(study: Study, question: Question, points: number, onProgress: InspectOptions['onProgress']): number[] {
  const { x } = study.pass;
  const sums = new Array<number>(study.tokens.length).fill(0);
  const together = variantsAtOnce(study);
  for (let from = 0; from < points; from += together) {
    onProgress?.({ part: 'integrated', done: from, total: points });
    const count = Math.min(together, points - from);
    const along = Array.from({ length: count }, (_, n) => scaled(x, (from + n + 0.5) / points));
    for (const gradient of gradientsAt(study, question, along)) {
      for (let k = 0; k < sums.length; k++) sums[k] += dot(rowOf(x, k), rowOf(gradient, k)) / points;
    }
  }
  return sums;
}

/** z of the sentence with one word replaced, for each position in turn. */
function swapped(
  study: Study,
  question: Question,
  replacements: readonly Replacement[],
  onProgress: InspectOptions['onProgress'],
): number[] {
  const T = study.tokens.length;
  const together = variantsAtOnce(study);
  const values: number[] = [];
  for (let from = 0; from < T; from += together) {
    onProgress?.({ part: 'swap', done: from, total: T });
    const places = replacements.slice(from, from + together);
    const versions = places.map(({ word }, n) => vectorsOf(study, withWord(study.tokens, from + n, word)));
    values.push(...valuesOf(study, question, versions));
  }
  return values;
}
