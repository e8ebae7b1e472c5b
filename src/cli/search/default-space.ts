/**
 * What `bptt search --random` tries where no space is given: the settings that decided most in the recipes of
 * labeling/training/presets.ts, over ranges that hold their values and those of small sets.
 *
 * | setting       | values                                                                                                  |
 * | ------------- | ------------------------------------------------------------------------------------------------------- |
 * | `lr`          | 0.001 to 0.02, logarithmic; for `--optimizer sgd` 0.05 to 2                                             |
 * | `dropout`     | 0.1 to 0.6                                                                                              |
 * | `hidden`      | 64, 100, 150, 200                                                                                       |
 * | `batch`       | 8, 16, 32                                                                                               |
 * | `wordDropout` | 0 to 0.3; where words are an encoder                                                                    |
 * | `head`        | softmax, crf; where one column of labels annotates spans                                                |
 * | `encoders`    | words; words and affixes; these and characters; without a preset, `--vectors` and a file of settings    |
 *
 * What the command line sets is left out of it.
 */
import type { TaskName } from '../../labeling/training/options.js';

/** What decides which settings there are. */
export interface SpaceQuestions {
  readonly task: TaskName;
  readonly optimizer: string;
  /** Encoders of a trial without the search. */
  readonly encoders: readonly string[];
  /** Whether encoders and head are chosen already: by a preset, a file of vectors, a file of settings. */
  readonly chosen: { readonly encoders: boolean; readonly head: boolean };
  /** Whether the labels are one column that annotates spans. */
  readonly spans: boolean;
  /** Settings of the command line. */
  readonly fixed: readonly string[];
}

/** The space as its file would have it. */
export function defaultSpace(asked: SpaceQuestions): Readonly<Record<string, unknown>> {
  const { task, optimizer, encoders, chosen, spans, fixed } = asked;
  const all: Record<string, unknown> = {
    lr: optimizer === 'sgd' ? { min: 0.05, max: 2, log: true } : { min: 0.001, max: 0.02, log: true },
    dropout: { min: 0.1, max: 0.6 },
    hidden: [64, 100, 150, 200],
    batch: [8, 16, 32],
    ...((encoders.includes('words') || !chosen.encoders) && { wordDropout: { min: 0, max: 0.3 } }),
    ...(task === 'tag' && spans && !chosen.head && { head: ['softmax', 'crf'] }),
    ...(!chosen.encoders && { encoders: [['words'], ['words', 'affixes'], ['words', 'affixes', 'characters']] }),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !fixed.includes(name)));
}
