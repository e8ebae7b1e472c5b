/**
 * Threshold moving: a number δ that is added to the logit of the outside label O after training. Span labels are mostly O, so choosing the
 * most probable label misses spans that would improve F1: a δ below 0 trades precision for recall.
 *
 *   (1)  b[O] ← b[O] + δ                     the bias of the output layer; of a CRF, of its emissions
 *   (2)  δ = argmax over d of the mean of F1(d − ¼), F1(d) and F1(d + ¼)        on the development set, d = −4, −3.75, … 4
 *
 * The mean over neighbors keeps a chance peak from deciding. Ties go to the d closest to 0, and if F1(δ) does not exceed F1(0), δ is 0.
 * Nothing else about the model changes: files, decoding and exports do not depend on δ.
 *
 * Sources: Provost (AAAI workshop on imbalanced data sets, 2000), moving the threshold in place of weighing the classes; Lipton, Elkan &
 * Narayanaswamy (ECML 2014), the threshold that is best for F1 lies below the most probable label; Minkov, Wang, Tomasic & Cohen
 * (NAACL 2006), the weight of O in a trained CRF tuned for F1.
 */
import type { Kernels } from '../../kernels/types.js';
import { copy } from '../../tensor/create.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError, DataError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { stampChanged } from '../../tensor/versions.js';
import type { Batch } from '../data/batches.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { OnNote } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import type { HeadPass } from '../model/heads/head.js';
import { inferenceOfModel } from '../model/inference.js';
import type { Model } from '../model/model.js';
import type { ModelConfig } from '../model/network.js';
import { batchesToPredict, emptyPredictions, predictionsOf } from '../model/predict.js';
import type { EvaluateOptions, ModelScores } from '../scoring/evaluate.js';
import { scoresOfPredictions } from '../scoring/evaluate.js';
import { spanSchemeOf } from '../scoring/spans.js';
import { isPartOf } from './freeze.js';
import type { TrainOptions } from './options.js';
import type { Corpora } from './run.js';

/** The source of δ: a number, or the development set. */
export type OutsideBiasChoice = number | 'dev';

/** How far the logit of O of one head was moved. */
export interface OutsideBias {
  /** Name of the head, if the model has several. */
  readonly head?: string;
  /** δ, which was added to the logit. */
  readonly bias: number;
  /** Whether it was chosen on the development set. */
  readonly chosen: boolean;
  /** Span F1 on the development set, in [0, 1], without δ and with it; null if none was scored. */
  readonly before: number | null;
  readonly after: number | null;
}

/** How spans of dev are read. */
type Scoring = Pick<EvaluateOptions, 'spanMode' | 'scheme'>;

/** The label outside all spans. */
const OUTSIDE = 'O';

/** Steps of d to either side of 0, and their width. */
const STEPS = 16;
const STEP = 0.25;

/** @throws ArgumentError if the option is neither `dev` nor a finite number */
export function expectOutsideBias(choice: unknown): void {
  if (choice === 'dev' || (typeof choice === 'number' && Number.isFinite(choice))) return;
  throw new ArgumentError(
    `train: outsideBias (--outside-bias) must be dev or a finite number; got ${show(choice)}: try dev, or -1`,
  );
}

/** The heads of a model, and which of its parameters are frozen. */
export interface OutsideHeads {
  readonly config: Pick<ModelConfig, 'heads'>;
  /** One per head. */
  readonly labels: readonly LabelVocabulary[];
  readonly freeze?: readonly string[];
}

/** Indices of the heads whose labels annotate spans. */
function headsWithSpans({ config, labels }: OutsideHeads): number[] {
  return labels.flatMap(({ labels: own }, h) => {
    const moves = ['softmax', 'crf'].includes(config.heads[h].kind);
    return moves && spanSchemeOf(own).kind !== null ? [h] : [];
  });
}

/** Indices of those heads that have a logit to move: that of O, and not frozen. */
function headsWithOutside(heads: OutsideHeads): number[] {
  const { config, labels, freeze = [] } = heads;
  const isFrozen = (h: number): boolean => freeze.some((part) => isPartOf(part, `heads.${config.heads[h].name}.b`));
  return headsWithSpans(heads).filter((h) => labels[h].labels.includes(OUTSIDE) && !isFrozen(h));
}

/**
 * Requires that there are span labels, and, for `dev`, sentences to choose on. If no logit can be moved, that is noted.
 *
 * @throws ArgumentError without a development set; DataError if no head has labels of spans
 */
export function expectOutside(
  heads: OutsideHeads,
  choice: OutsideBiasChoice | undefined,
  { dev, sources }: Pick<Corpora, 'dev' | 'sources'>,
  onNote?: OnNote,
): void {
  if (choice === undefined) return;
  if (choice === 'dev' && dev === undefined) {
    throw new ArgumentError(
      'train: outsideBias dev (--outside-bias) is chosen on a development set, and there is none: add one (--dev), or give a number',
    );
  }
  const source = sources?.train;
  const place = source === undefined ? '' : `${source}: `;
  if (headsWithSpans(heads).length === 0) {
    throw new DataError(
      `${place}the outside bias needs span labels, such as B-PER and O, and a head softmax or crf: leave it out (--outside-bias, --preset ner), or choose another column (--column)`,
    );
  }
  if (headsWithOutside(heads).length > 0) return;
  const message = `${place}no outside bias: no trained head has both spans and the label O`;
  onNote?.({ kind: 'no-outside', message, ...(source !== undefined && { source }) });
}

/**
 * Moves the logits of O of a trained model, each head separately (1).
 *
 * @param dev sentences on which δ is chosen and the change is scored
 * @returns the changes, and the resulting scores on dev
 */
export function moveOutside(
  kernels: Kernels,
  model: Model,
  { outsideBias: choice, freeze }: Pick<TrainOptions, 'freeze'> & { readonly outsideBias: OutsideBiasChoice },
  dev: readonly Sentence[] | undefined,
  scoring: Scoring,
): { readonly moved: readonly OutsideBias[]; readonly scores: ModelScores | null } {
  const labels = model.heads.map((each) => each.labels);
  const places = headsWithOutside({ config: model.config, labels, freeze });
  const judge = dev && judgeOf(kernels, model, places, dev, scoring);
  const still = judge?.(places.map(() => 0));
  const f1Of = (scores: ModelScores | undefined, h: number) => f1OfHead(model, scores, h);
  const biases = choice === 'dev' ? chosenBiases(places, judge!, f1Of) : places.map(() => choice);
  places.forEach((h, i) => addToOutside(model, h, biases[i]));
  const scores = judge?.(biases);
  const several = model.heads.length > 1;
  const moved = places.map((h, i) => ({
    ...(several && { head: model.config.heads[h].name }),
    bias: biases[i],
    chosen: choice === 'dev',
    before: f1Of(still, h),
    after: f1Of(scores, h),
  }));
  return { moved, scores: scores ?? null };
}

/** Applies (1). */
function addToOutside({ params, config, heads }: Model, h: number, bias: number): void {
  const { b } = params.heads[config.heads[h].name];
  b.data[b.offset + heads[h].labels.labels.indexOf(OUTSIDE) * b.stride[0]] += bias;
  stampChanged(b);
}

/** Span F1 of a head, if it was scored. */
function f1OfHead({ config, heads }: Model, scores: ModelScores | undefined, h: number): number | null {
  const own = heads.length > 1 ? scores?.heads?.[config.heads[h].name] : scores;
  return own?.spanF1 ?? null;
}

/** Scores of dev with a number added to the logit of O, for every head of `places`. */
type Judge = (biases: readonly number[]) => ModelScores;

/** Chooses δ by (2), for each head. */
function chosenBiases(
  places: readonly number[],
  judge: Judge,
  f1Of: (scores: ModelScores, h: number) => number | null,
): number[] {
  const grid = Array.from({ length: 2 * STEPS + 1 }, (_, i) => (i - STEPS) * STEP);
  const all = grid.map((d) => judge(places.map(() => d)));
  return places.map((h) => grid[bestPlace(all.map((scores) => f1Of(scores, h) ?? 0))]);
}

/** The index that (2) selects, given F1 by d; that of d = 0 if nothing is gained. */
export function bestPlace(f1: readonly number[]): number {
  const zero = (f1.length - 1) / 2;
  const near = (i: number): number => {
    const own = f1.slice(Math.max(0, i - 1), i + 2);
    return own.reduce((sum, each) => sum + each, 0) / own.length;
  };
  const byDistance = f1.map((_, i) => i).sort((i, j) => Math.abs(i - zero) - Math.abs(j - zero) || i - j);
  const best = byDistance.reduce((at, i) => (near(i) > near(at) ? i : at), zero);
  return f1[best] > f1[zero] ? best : zero;
}

/** A batch of dev that was run once. */
interface Kept {
  readonly batch: Batch;
  readonly passes: readonly HeadPass[];
}

/** Runs dev once; afterwards, only decoding is repeated. */
function judgeOf(
  kernels: Kernels,
  model: Model,
  places: readonly number[],
  dev: readonly Sentence[],
  scoring: Scoring,
): Judge {
  const kept = passesOf(kernels, model, dev);
  const outside = new Map(places.map((h, i) => [h, [i, model.heads[h].labels.labels.indexOf(OUTSIDE)] as const]));
  return (biases) => {
    const out = emptyPredictions(model, dev.length);
    for (const { batch, passes } of kept) {
      const step = (): void => {
        const shifted = passes.map((pass, h): HeadPass => {
          const [i, column] = outside.get(h) ?? [-1, -1];
          return { ...pass, logits: moved(kernels, pass.logits, column, i < 0 ? 0 : biases[i]) };
        });
        predictionsOf(kernels, model, batch, shifted, {}, out);
      };
      kernels.frame(step, true);
    }
    return scoresOfPredictions(model, dev, out, scoring);
  };
}

/** The heads' output for every batch, with the logits outside the memory of any frame. */
function passesOf(kernels: Kernels, model: Model, dev: readonly Sentence[]): Kept[] {
  const inference = inferenceOfModel(kernels, model);
  const kept: Kept[] = [];
  try {
    for (const { batch, features } of batchesToPredict(
      model,
      dev.map(({ tokens }) => tokens),
    )) {
      const step = (): void => {
        const passes = inference.run(features, batch.packing).map(({ logits, ...pass }) => ({ ...pass, logits: copy(logits) })); // prettier-ignore
        kept.push({ batch, passes });
      };
      kernels.frame(step, true);
    }
  } finally {
    inference.release();
  }
  return kept;
}

/** Copies logits to the backend's memory, with a bias added to one column. */
function moved(kernels: Kernels, logits: Tensor, column: number, bias: number): Tensor {
  const [N, K] = logits.shape;
  const own = kernels.empty([N, K], logits);
  for (let i = 0; i < N * K; i++) own.data[own.offset + i] = logits.data[i];
  if (column >= 0) for (let n = 0; n < N; n++) own.data[own.offset + n * K + column] += bias;
  return own;
}
