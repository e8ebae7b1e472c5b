/** The result of `bptt train`, whichever number of models it trained. */
import { flatten } from '../../autograd/grads.js';
import type { TrainResult } from '../../labeling/training/record.js';
import type { EnsembleResult } from '../../labeling/training/ensemble.js';
import type { SeedsResult } from '../../labeling/training/seeds.js';
import { grouped } from '../../tensor/print.js';
import { sizeOf } from '../../tensor/view.js';

/** The result of training; with several seeds, that of the best one. */
export interface Outcome {
  readonly result: TrainResult;
  readonly saved: boolean;
  readonly seeds?: SeedsResult;
  /** Present for an ensemble; `seeds` are then its members. */
  readonly ensemble?: EnsembleResult;
}

/** The result fields of an ensemble: its own scores, and sums over its members. */
export function ensembleResult({ model, dev, test, members: { best, runs } }: EnsembleResult): TrainResult {
  const count = Math.max(1, runs.length);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  return { ...best, model, dev, test, seconds, parameters: count * best.parameters };
}

/** The size of a model, and how much of it was trained if parts are frozen: by `--freeze`, or as frozen vectors. */
export function sizeOfModel({ model, parameters }: Pick<TrainResult, 'model' | 'parameters'>): string {
  const all = Object.values(flatten(model.params)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (all <= parameters) return `${grouped(parameters)} parameters`;
  return `${grouped(all)} parameters, ${grouped(parameters)} of them trained`;
}
