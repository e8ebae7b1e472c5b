/** The passes over one sentence, from which the parts of a trace are read. */
import type { Kernels } from '../kernels/types.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Model } from '../labeling/model/model.js';
import type { Addends } from './addends.js';
import { addendsOf } from './addends.js';
import type { Direction } from './directions.js';
import { directionsOf } from './directions.js';
import { lossesOf, seedOf } from './losses.js';
import type { InspectOptions } from './options.js';
import type { Study, Whole } from './study.js';
import { backward, studyOf } from './study.js';
import type { LossTrace } from './trace.js';

/** One forward pass, and one backward pass of all seeds together. The passes of single seeds run batch by batch: `seedBatches`. */
export interface Reading {
  readonly study: Study;
  readonly losses: readonly LossTrace[];
  readonly full: Whole;
  readonly directions: readonly Direction[];
  readonly addends: readonly Addends[];
  readonly options: InspectOptions;
}

/** Runs the two passes. */
export function readingOf(kernels: Kernels, model: Model, sentence: Sentence, options: InspectOptions): Reading {
  const study = studyOf(kernels, model, sentence, options.head);
  const losses = lossesOf(study, sentence, options);
  const full = backward(study, seedOf(losses));
  const directions = directionsOf(study);
  return { study, losses, full, directions, options, addends: addendsOf(study, losses) };
}

/** Whether loss m can depend on word k through a direction of a layer, or, without one, on the word's vector. */
export function connectedIn(
  { study, losses }: Pick<Reading, 'study' | 'losses'>,
  direction?: Pick<Direction, 'layer' | 'name'>,
): (m: number, k: number) => boolean {
  const { bidirectional } = study.model.config.body;
  const top = study.pass.stack.layers.length - 1;
  // Above a lower layer, and above the words, another direction can carry gradients to any word.
  const spread = bidirectional && (direction === undefined || direction.layer < top);
  const backwards = direction?.name === 'reverse';
  return (m, k) => {
    const { word } = losses[m];
    return spread || word === null || (backwards ? k >= word : k <= word);
  };
}
