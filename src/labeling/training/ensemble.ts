/** Ensembles: trains the same model with several seeds in turn, and combines the results into one model that averages their outputs. */
import type { Kernels } from '../../kernels/types.js';
import { show } from '../../tensor/describe.js';
import { ArgumentError } from '../../tensor/errors.js';
import { ensembleOf } from '../model/ensemble.js';
import type { Model } from '../model/model.js';
import type { HeadKind } from '../model/heads/head.js';
import { MOST_MEMBERS } from '../model/heads/head.js';
import type { ModelScores } from '../scoring/evaluate.js';
import { evaluate } from '../scoring/evaluate.js';
import type { TrainOptions } from './options.js';
import type { Corpora } from './run.js';
import type { SeedHooks, SeedsResult } from './seeds.js';
import { expectSeveral, trainSeeds } from './seeds.js';

/** An ensemble and the history of its training. */
export interface EnsembleResult {
  /** The ensemble. With one finished member it is just that model, and with none it is the unfinished model in its current state. */
  readonly model: Model;
  /** Scores of the ensemble; null without that corpus, and after an abort. */
  readonly dev: ModelScores | null;
  readonly test: ModelScores | null;
  /** Its members: the results of each, their mean and standard deviation, and the best of them. */
  readonly members: SeedsResult;
  readonly interrupted: boolean;
}

/**
 * Trains an ensemble: member k is the result of `train` with `seed + k`, to the bit. Each member keeps its best epoch on dev, and every
 * member is used.
 *
 * @param count number of members, from 2 to 100
 * @throws as `train` does; ArgumentError if `count` is invalid, or a custom head cannot be averaged
 */
export async function trainEnsemble(
  kernels: Kernels,
  corpora: Corpora,
  options: TrainOptions,
  count: number,
  hooks: SeedHooks = {},
): Promise<EnsembleResult> {
  expectSeveral('trainEnsemble', options, hooks);
  if (!Number.isInteger(count) || count < 2 || count > MOST_MEMBERS)
    throw new ArgumentError(`trainEnsemble: count must be an integer from 2 to ${MOST_MEMBERS}; got ${show(count)}`);
  const foreign = Array.isArray(options.heads) && options.heads.find((head: HeadKind) => head && !head.ensembles);
  if (foreign)
    throw new ArgumentError(`trainEnsemble: the head '${foreign.kind}' cannot be averaged: it lacks ensembles: true`);
  const models: Model[] = [];
  const onRun: SeedHooks['onRun'] = (run, result, best) => {
    models.push(result.model);
    return hooks.onRun?.(run, result, best);
  };
  const members = await trainSeeds(kernels, corpora, options, count, { ...hooks, onRun });
  const { interrupted, best } = members;
  const model = models.length > 0 ? ensembleOf(models) : best.model;
  const scored = (part: 'dev' | 'test'): ModelScores | null =>
    corpora[part] && !interrupted ? evaluate(kernels, model, corpora[part], best.scoring) : null;
  return { model, dev: scored('dev'), test: scored('test'), members, interrupted };
}
